"""The site is built without a warning, works from the disk alone, and its links lead somewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import datajoint as dj
from tests.documentation.blocks import CHECKOUT, PAGES

pytestmark = pytest.mark.xdist_group("site")  # built once

_LOADS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
}


class _Links(HTMLParser):
    """The anchors of a page, what it links to, and what a browser loads for it."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given.get("id"), given.get("name")}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") not in ("canonical", "index", "search", "next", "prev", "author"):
            self.loaded.append(given.get("href") or "")
        if tag in _LOADS:
            self.loaded.append(given.get(_LOADS[tag]) or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(CHECKOUT / "docs" / "build.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site):
    return {path: _Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def _is_elsewhere(link):
    return link.startswith(("http:", "https:", "//"))


def test_every_page_is_there(site):
    sources = [path.relative_to(CHECKOUT / "docs").with_suffix(".html") for path in PAGES if path.name != "README.md"]
    notebooks = [Path("tutorials", p.stem + ".html") for p in (CHECKOUT / "notebooks").glob("[0-9]*.ipynb")]
    assert [str(path) for path in [*sources, *notebooks] if not (site / path).exists()] == []


def test_nothing_is_loaded_from_elsewhere(site, pages):
    loaded = [link for page in pages.values() for link in page.loaded]
    assert [link for link in loaded if _is_elsewhere(link)] == []
    for sheet in site.rglob("*.css"):
        found = re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//[^)]*", sheet.read_text(encoding="utf-8"))
        assert found == [], sheet.name


def test_what_is_loaded_is_there(pages):
    missing = []
    for path, page in pages.items():
        for link in page.loaded:
            local = unquote(link.partition("?")[0].partition("#")[0])
            if local and not local.startswith("data:") and not (path.parent / local).exists():
                missing.append((path.name, link))
    assert missing == []


def test_links_and_anchors_resolve(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            if _is_elsewhere(link) or link.startswith(("mailto:", "data:")):
                continue
            name, _, anchor = link.partition("#")
            target = (path.parent / unquote(name)).resolve() if name else path
            if not target.exists() or (anchor and target in pages and unquote(anchor) not in pages[target].anchors):
                broken.append((path.name, link))
    assert broken == []


def test_every_public_name_has_its_place(site, pages):
    anchors = {anchor for page in pages.values() for anchor in page.anchors if anchor}
    modules = (site / "reference" / "modules.html").read_text(encoding="utf-8")
    missing = []
    for name in dj.__all__:
        found = getattr(dj, name)
        elsewhere = {"config": "settings", "errors": "errors", "cli": "command-line", "logger": "functions"}
        if name in elsewhere:
            assert (site / "reference" / f"{elsewhere[name]}.html").exists()
        elif name in ("DataJointError", "ThreadSafetyError"):
            assert name in (site / "reference" / "errors.html").read_text(encoding="utf-8")
        elif name in ("Entry", "Ingest", "Compute"):
            assert f"dj.{name}" in (site / "reference" / "tables.html").read_text(encoding="utf-8")
        elif type(found).__name__ == "module":
            missing += [] if f"dj.{name}" in modules else [name]
        else:
            missing += [] if f"datajoint.{name}" in anchors else [name]
    assert missing == []


def test_searching_needs_no_server(site):
    assert "Search.setIndex(" in (site / "searchindex.js").read_text(encoding="utf-8")[:100]


def test_spelling(tmp_path):
    texts = [*PAGES, *sorted(CHECKOUT.glob("*.md"))]
    for notebook in sorted((CHECKOUT / "notebooks").glob("[0-9]*.ipynb")):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        prose = "\n".join("".join(cell["source"]) for cell in cells)
        texts.append(tmp_path / f"{notebook.stem}.md")
        texts[-1].write_text(prose, encoding="utf-8")
    command = [sys.executable, "-m", "codespell_lib", *map(str, texts)]  # as pyproject.toml says
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

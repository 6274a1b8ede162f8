"""Build the site: ``python docs/build.py [FOLDER]``, by default ``build/docs``. The pages are ``FOLDER/html/index.html``.

The pages of this folder are copied beside the notebooks; the reference, the table of engines and the command lines are
written from the code; Sphinx makes HTML of all. Any warning is an error. Nothing in the pages leads to another server.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

from docs import generated  # noqa: E402 - the path comes first

PAGES = CHECKOUT / "docs"
_NOT_PAGES = shutil.ignore_patterns("*.py", "__pycache__")


def lay_out(folder: Path) -> Path:
    """Bring together all that the site is made of; return where."""
    source = folder / "source"
    if source.exists():
        shutil.rmtree(source)
    shutil.copytree(PAGES, source, ignore=_NOT_PAGES)
    shutil.copy(PAGES / "conf.py", source)
    notebooks = sorted((CHECKOUT / "notebooks").glob("[0-9]*.ipynb"))
    for notebook in notebooks:
        shutil.copy(notebook, source / "tutorials")
    for name, text in generated.pages([notebook.stem for notebook in notebooks]).items():
        (source / name).write_text(text, encoding="utf-8")
    return source


def build(folder: Path) -> int:
    """Build the site; return the exit code of Sphinx, 0 if there was not one warning."""
    from sphinx.cmd.build import build_main  # noqa: PLC0415 - the other functions are for the tests too

    source, html = lay_out(folder), folder / "html"
    return build_main(
        ["-b", "html", "-q", "-W", "--keep-going", "-d", str(folder / "doctrees"), str(source), str(html)]
    )


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKOUT / "build" / "docs"
    code = build(target)
    if code == 0:
        print(f"The documentation is {target / 'html' / 'index.html'}")
    raise SystemExit(code)

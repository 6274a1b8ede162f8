"""What the pages say is true: every block runs, prints what is said, and its commands exist."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest

from datajoint.cli import _parser
from tests.documentation.blocks import CHECKOUT, PAGES, blocks_of

_RUNNER = CHECKOUT / "tests" / "documentation" / "run_page.py"
_NAMES = [str(page.relative_to(CHECKOUT)) for page in PAGES]
_BLOCKS = {name: blocks_of(page) for name, page in zip(_NAMES, PAGES, strict=True)}
_LANGUAGES = {"python", "ipython", "sh", "text", "json", "toml", "ini", "sql", "mysql", "toctree", "include"}


def _run(folder, *words):
    environment = dict(
        os.environ,
        PYTHONPATH=os.pathsep.join([str(CHECKOUT), *sys.path]),
        DJ_IGNORE_CONFIG_FILE="true",
        IPYTHONDIR=str(folder / ".ipython"),
        MPLBACKEND="agg",
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _with(language, *marks):
    return [name for name in _NAMES if any(b.language == language and b.mark not in marks for b in _BLOCKS[name])]


@pytest.mark.parametrize("name", sorted({*_with("python", "not run", "server", "file"), *_with("ipython", "not run")}))
def test_blocks_run(name, tmp_path):
    done = _run(tmp_path, "-W", "error", str(_RUNNER), str(CHECKOUT / name))
    assert done.returncode == 0, done.stderr
    tests = sorted(path.name for path in tmp_path.glob("test_*.py"))
    if tests:
        done = _run(tmp_path, "-m", "pytest", "-q", "-p", "datajoint.testing.plugin", "-p", "no:cacheprovider", *tests)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", [name for name in _NAMES if any(b.mark == "server" for b in _BLOCKS[name])])
def test_blocks_for_servers_run(name, engine, url, tmp_path):
    if not any(block.mark == "server" and engine in block.value.split() for block in _BLOCKS[name]):
        pytest.skip(f"{name} has no block for {engine}")
    done = _run(tmp_path, "-W", "error", str(_RUNNER), str(CHECKOUT / name), engine, url)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", _NAMES)
def test_blocks_name_their_language(name):
    unknown = [(b.line, b.language) for b in _BLOCKS[name] if b.language.strip("{}") not in _LANGUAGES]
    assert unknown == []


@pytest.mark.parametrize("name", _with("sh"))
def test_commands_exist(name):
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    for block in _BLOCKS[name]:
        if block.language != "sh":
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["make"]:
                assert words[1] in targets, line
            if words[:1] in (["dj"], ["datajoint"]) and "--help" not in words:
                _parser().parse_args(words[1:])  # SystemExit fails the test


@pytest.mark.parametrize(
    "name", [name for name in _NAMES if any(b.language in ("json", "toml") for b in _BLOCKS[name])]
)
def test_files_can_be_read(name, tmp_path):
    from datajoint.settings import Config

    for block in _BLOCKS[name]:
        if block.language == "json" and block.value != "":
            (tmp_path / "datajoint.json").write_text(block.text)
            Config().load(tmp_path / "datajoint.json")  # settings are checked as such
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)

"""What tests fetch is there whole, once, or they say why not."""

from __future__ import annotations

import sys

import pytest

from tests.provision import fetched
from tests.provision.fetched import NotFetchedError

WRITE = "import pathlib, sys; (pathlib.Path(sys.argv[1]) / 'file').write_text(sys.argv[2])"


def test_something_is_fetched_once_and_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for text in ("first", "second"):
        folder = fetched._fetched("thing", lambda made, text=text: [sys.executable, "-c", WRITE, str(made), text])
        assert (folder / "file").read_text() == "first"
    with pytest.raises(NotFetchedError, match=r"other could not be fetched by python.*: no network"):
        fetched._fetched(
            "other", lambda made: [sys.executable, "-c", f"{WRITE}; sys.exit('no network')", str(made), ""]
        )
    with pytest.raises(NotFetchedError, match="absent could not be fetched by no-such-program"):
        fetched._fetched("absent", lambda made: ["no-such-program", str(made)])
    assert [path.name for path in fetched.cache_folder().iterdir()] == ["thing"]

"""Many workers, killed at random, on servers whose zone is far from ours: whoever compares times compares the server's."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.concurrency.test_queue import chaos, pipeline, start  # noqa: F401 - fixtures among them
from tests.provision import servers


@pytest.fixture(scope="module")
def private(engine):
    """The address of a server of this module alone; None for files, which have none."""
    if engine == "sqlite":
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="dj-zones-"))
    folder.chmod(0o755)
    server = servers.start(engine, folder)
    yield server.url
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["-08:00", "+08:00"])
def url(request, engine, private, tmp_path, monkeypatch):
    """A database in a zone: of the server, or of the processes where there is no server."""
    posix = f"Etc/GMT{-int(request.param[:3]):+d}"
    if private is None:
        monkeypatch.setenv("TZ", posix)  # of the workers; this process has read it already
        return f"sqlite:///{tmp_path / 'test.db'}"
    connection = servers.connect_raw(private)
    text = f"ALTER DATABASE postgres SET timezone = '{posix}'" if engine == "postgresql" else f"SET GLOBAL time_zone = '{request.param}'"  # fmt: skip
    connection.cursor().execute(text)
    connection.close()
    return private


@pytest.mark.slow
def test_chaos_in_zones(pipeline, start):
    chaos(pipeline, start, 200, 120)

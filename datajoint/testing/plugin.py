"""The pytest plugin: databases for tests that come and go.

================  =====================================================================================================
`dj_connection`   a connection to a database of this test alone: a new SQLite file, or the server of ``--dj-url``
`dj_schema`       a `dj.Schema` of this test alone on it; dropped at the end
`dj_new_schema`   makes further ones, for pipelines of several schemas
`dj_fill`         `datajoint.testing.fill`
================  =====================================================================================================

With ``datajoint_ephemeral = true`` in pytest's configuration, `dj.conn()` leads to a new SQLite file of the test
process, whatever the settings say, so that a pipeline whose modules activate their schemas on import can be tested as it is. All
rows are taken away after each test, but for those of lookup tables. With pytest-xdist each process has its own file.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.schemas import Schema

_FOLDER = pytest.StashKey[Path]()
_OVERRULED = ("DJ_DATABASE_URL", "DJ_HOST", "DJ_USER", "DJ_PASS", "DJ_PORT")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("datajoint")
    group.addoption("--dj-url", default=None, metavar="URL", help="server for the tests' schemas; SQLite by default")
    parser.addini("datajoint_ephemeral", "let dj.conn() lead to a new SQLite file", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Point the process's connection to a new file, before any test module is imported."""
    if not config.getini("datajoint_ephemeral"):
        return
    folder = Path(tempfile.mkdtemp(prefix="dj-ephemeral-"))
    config.stash[_FOLDER] = folder
    for name in _OVERRULED:
        os.environ.pop(name, None)
    os.environ.update(DJ_BACKEND="sqlite", DJ_DATABASE_PATH=str(folder / "ephemeral.db"), DJ_IGNORE_CONFIG_FILE="true")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the file away again."""
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _dj_clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take away, where the database is ephemeral, what a test inserted."""
    yield
    if request.config.stash.get(_FOLDER, None) is None:
        return
    from datajoint.singleton import shared  # noqa: PLC0415 - nothing is loaded where nothing is used

    connection = shared()
    if connection is not None:
        _empty(connection)


def _empty(connection: Connection) -> None:
    """Delete all rows, children first, and what waits in queues."""
    from datajoint.table.free import FreeTable  # noqa: PLC0415 - as above
    from datajoint.tiers import Lookup, tier_of  # noqa: PLC0415

    if connection.in_transaction:
        connection.cancel_transaction()
    connection.dependencies.load()
    for name in reversed(connection.dependencies.topo_sort()):
        table = FreeTable(connection, name)
        if tier_of(table.table_name) is not Lookup:
            table.delete_quick()
    for schema, catalog in connection.catalogs(list(connection.schemas)).items():
        for name in catalog.tables:
            if name.startswith("~~"):
                FreeTable(connection, f"{schema}.{name}").delete_quick()


@pytest.fixture
def dj_connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    """Yield a connection of this test alone."""
    import datajoint as dj  # noqa: PLC0415 - as above

    url = request.config.getoption("--dj-url") or f"sqlite:///{tmp_path / 'datajoint.db'}"
    connection = dj.Connection(url)
    yield connection
    connection.close()


@pytest.fixture
def dj_new_schema(dj_connection: Connection) -> Iterator[Callable[..., Schema]]:
    """Yield a function that makes schemas with names of their own; they are dropped at the end."""
    import datajoint as dj  # noqa: PLC0415 - as above

    made: list[Any] = []

    def make(name: str = "test", **options: Any) -> Any:
        schema = dj.Schema(f"{name}_{secrets.token_hex(4)}", connection=dj_connection, **options)
        made.append(schema)
        return schema

    yield make
    if dj_connection.in_transaction:
        dj_connection.cancel_transaction()
    # Schemas whose tables refer to each other go as they came: the last first.
    for schema in reversed(made):
        schema.drop(prompt=False)


@pytest.fixture
def dj_schema(dj_new_schema: Callable[..., Schema]) -> Schema:
    """Return a schema of this test alone."""
    return dj_new_schema()


@pytest.fixture
def dj_fill() -> Callable[..., list[dict[str, Any]]]:
    """Return `datajoint.testing.fill`."""
    from datajoint.testing import fill  # noqa: PLC0415 - as above

    return fill

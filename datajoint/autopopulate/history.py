"""A row for each key that was made: from what, by which code, when."""

from __future__ import annotations

import hashlib
import inspect
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from datajoint.autopopulate.live import LiveMake
from datajoint.autopopulate.reads import Read, tables_of
from datajoint.backends.base import Request
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.errors import AccessError, QueryError
from datajoint.logging import logger
from datajoint.sql.fragment import Identifier, Parameter, Sql
from datajoint.values.parse import parse_type

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate
    from datajoint.autopopulate.task import Key
    from datajoint.connection import Connection

TABLE = "~dj_history"
_FORMAT = 1
_COLLATION = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"


def _column(name: str, kind: str, *, key: bool = False) -> AttributeDefinition:
    return AttributeDefinition(name, kind, parse_type(kind), in_key=key, collation=_COLLATION)


DEFINITION = TableDefinition(
    (
        _column("table_name", "varchar(64)", key=True),
        _column("item", "char(64)", key=True),
        _column("detail", "longtext"),
        _column("made", "datetime(3)"),
        _column("duration", "float64"),
        _column("worker", "char(36)"),
        _column("version", "varchar(64)"),
        _column("code", "char(64)"),
        _column("reads", "longtext"),
    ),
    comment=f"datajoint history, format {_FORMAT}",
)


def prepare(connection: Connection, schema: str) -> bool:
    """Create the table of a schema's history if there is none; tell whether there is one.

    Without the right to create it nothing is recorded, which is warned of.
    """
    name = TableName(schema, TABLE)
    if _exists(connection, name):
        return True
    try:
        for statement in connection.backend.create_table(name, DEFINITION, connection.catalog(schema)):
            connection.execute(statement)
    except AccessError as error:
        logger.warning("What is read cannot be kept, because %s cannot be created: %s", name, error)
        return False
    except QueryError:
        connection.forget_catalog(schema)
        if not _exists(connection, name):  # else another process was faster
            raise
    connection.forget_catalog(schema)
    return True


def _exists(connection: Connection, name: TableName) -> bool:
    catalog = connection.catalog(name.schema)
    return catalog is not None and name.name in catalog.tables


def history_request(
    table: AutoPopulate, key: Key, duration: float, version: str, run: LiveMake, worker: str = ""
) -> Request:
    """Return the statement that records of what, when and by which code the rows of `key` were made.

    Parameters
    ----------
    duration : float
        Seconds that it took.
    version : str
        Of the code.
    worker : str
        Who made it, where workers have names.
    """
    connection = table.connection
    detail = json.dumps(
        {name: _as_text(value) for name, value in key.items()}, ensure_ascii=False, separators=(",", ":")
    )
    values: dict[str, Any] = {
        "table_name": table.table_name,
        "item": hashlib.sha256(detail.encode()).hexdigest(),
        "detail": detail,
        "duration": float(duration),
        "worker": worker,
        "version": version[:64],
        "code": code_digest(type(table)),
        "reads": json.dumps([_told(read, n in run.verified) for n, read in enumerate(run.reads)], ensure_ascii=False),
    }
    names = [attribute.name for attribute in DEFINITION.attributes]
    columns = Sql.join(", ", (Identifier((name,)) for name in names))
    now = connection.backend.coordination.now(connection.target)
    written = Sql.join(", ", (now if name == "made" else Sql(Parameter(values[name])) for name in names))
    others = [name for name in names if name not in DEFINITION.primary_key]
    statement = Sql(
        "INSERT INTO ", TableName(table.name.schema, TABLE).identifier, " (", columns, ") VALUES (", written, ")",
        connection.backend.coordination.merge(DEFINITION.primary_key, others),
    )  # fmt: skip
    return Request(*statement.render(connection.dialect))


def _told(read: Read, verified: bool) -> dict[str, Any]:
    return {
        "tables": [str(name) for name in tables_of(read.source)],
        "sql": read.request.text,
        "args": [_as_text(value) for value in read.request.values],
        "rows": read.rows,
        "digest": read.digest.hex(),
        "verified": verified,
    }


def _as_text(value: Any) -> str:
    """Return a value as text: integers decimal, dates in ISO form, uuid with dashes, bytes hexadecimal."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


@lru_cache(maxsize=256)
def code_digest(cls: type) -> str:
    """Return the SHA-256 of a class's source text, blanks at line ends removed; of nothing where there is no text."""
    try:
        text = inspect.getsource(cls)
    except (OSError, TypeError):
        text = ""
    return hashlib.sha256("\n".join(line.rstrip() for line in text.splitlines()).encode()).hexdigest()

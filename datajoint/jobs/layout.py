"""What the table of a queue looks like: that of DataJoint 2.3, whose workers share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from datajoint.backends.catalog import TableInfo
from datajoint.declare.defaults import NULL
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.errors import DataJointError
from datajoint.heading import Heading
from datajoint.logging import logger
from datajoint.values.parse import parse_type

ERROR_MESSAGE_LENGTH = 2047
"""Characters of an error's message that are kept."""

TRUNCATION_APPENDIX = "...truncated"
"""How a message ends of which not all is kept."""

ENUM_NAME = "enum_609a743e"
"""What DataJoint 2.3 calls the type of `status`, where an enum is a type of its own."""

_BOOKKEEPING = {
    "status": ("", "enum('pending', 'reserved', 'success', 'error', 'ignore')"),
    "priority": ("", "int8"),
    "created_time": ("=CURRENT_TIMESTAMP(3)", "datetime(3)"),
    "scheduled_time": ("=CURRENT_TIMESTAMP(3)", "datetime(3)"),
    "reserved_time": ("=null", "datetime(3)"),
    "completed_time": ("=null", "datetime(3)"),
    "duration": ("=null", "float64"),
    "error_message": ('=""', f"varchar({ERROR_MESSAGE_LENGTH})"),
    "error_stack": ("=null", "<blob>"),
    "user": ('=""', "varchar(255)"),
    "host": ('=""', "varchar(255)"),
    "pid": ("=0", "int32"),
    "connection_id": ("=0", "int64"),
    "version": ('=""', "varchar(64)"),
}
_INDEXED = ("status", "priority", "scheduled_time")
_HIDDEN_TYPES = {"status": "varchar(8)", "error_stack": "bytes"}

NAMES = tuple(_BOOKKEEPING)
"""Names of the attributes that every queue has beside its key."""


def queue_name(target: TableName) -> TableName:
    """Return the name of a table's queue."""
    return TableName(target.schema, "~~" + target.name.lstrip("_"))


def queue_key(target: TableInfo) -> tuple[str, ...]:
    """Return the attributes that tell jobs apart: those of the target's key that foreign keys within it brought.

    Raises
    ------
    DataJointError
        If there are none.
    """
    key = target.primary_key
    inherited = {n for link in target.foreign_keys if set(link.columns) <= set(key) for n in link.columns}
    found = tuple(name for name in key if name in inherited)
    if not found:
        raise DataJointError(
            f"Cannot create jobs table for {target.name}: no FK-derived primary key attributes found.",
            table=str(target.name),
            hint="Refer to a table above the ---, or populate without reserve_jobs.",
        )
    return found


def warn_of_own_key(target: TableInfo, key: Sequence[str]) -> None:
    """Say which attributes of the target's key do not tell jobs apart."""
    for name in target.primary_key:
        if name not in key:
            logger.warning(
                "Ignoring non-FK primary key attribute '%s' in jobs table for %s. Job granularity will be degraded.",
                name,
                target.name,
            )


def definition_text(target: str, heading: Heading, key: Sequence[str]) -> str:
    """Return the definition of a queue's table; bookkeeping that a key attribute's name hides is left out.

    Parameters
    ----------
    target : str
        Full name of the target.
    heading : Heading
        Of the target.
    """
    keys = [f"{name} : {heading[name].original_type or heading[name].type}" for name in key]
    shown = [f"{name}{default} : {kind}" for name, (default, kind) in _BOOKKEEPING.items() if name not in key]
    index = [f"INDEX ({', '.join(_INDEXED)})"] if not set(_INDEXED) & set(key) else []
    return "\n".join([f"# Job queue for {target}", *keys, "---", *shown, *index]) + "\n"


def hidden_attributes(key: Sequence[str]) -> tuple[AttributeDefinition, ...]:
    """Return columns for the bookkeeping whose own column is one of the key."""
    hidden = []
    for name, (_, kind) in _BOOKKEEPING.items():
        if name in key:
            text = _HIDDEN_TYPES.get(name, kind)
            hidden.append(AttributeDefinition(f"_{name}", text, parse_type(text), nullable=True, default=NULL))
    return tuple(hidden)


def adapted(definition: TableDefinition, target: TableInfo, key: Sequence[str]) -> TableDefinition:
    """Give the key the very columns of the target, and the enum the name that DataJoint 2.3 gives it."""
    columns = {column.name: column for column in target.columns}
    attributes = []
    for attribute in definition.attributes:
        if attribute.name in key:
            stored = columns[attribute.name]
            attributes.append(replace(attribute, enum_type=stored.enum_type, collation=stored.collation))
        elif attribute.name == "status":
            attributes.append(replace(attribute, enum_name=ENUM_NAME))
        else:
            attributes.append(attribute)
    return replace(definition, attributes=tuple(attributes))


def columns_of(heading: Heading, name: TableName) -> dict[str, str]:
    """Return under each name of the bookkeeping the column that keeps it; without those that no column keeps.

    Raises
    ------
    DataJointError
        If nothing keeps the status.
    """
    found = {}
    for bookkeeping in NAMES:
        for column in (bookkeeping, f"_{bookkeeping}"):
            attribute = heading._attributes.get(column)
            if attribute is not None and not attribute.in_key:
                found[bookkeeping] = column
                break
    if "status" not in found:
        raise DataJointError(
            f"The jobs table {name} has no column for the status: it was lost, or the key has an attribute of that name.",
            table=str(name),
            hint="Drop it with jobs.drop(); the next jobs.refresh() makes it anew.",
        )
    return found

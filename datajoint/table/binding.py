"""What happens to a table class when a schema binds it: its parts, its docstring, its lineage, its contents."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from datajoint import lineage
from datajoint.errors import AccessError, DataJointError, InvalidValueError
from datajoint.logging import logger
from datajoint.table.meta import TableMeta, is_library_class
from datajoint.table.part import Part
from datajoint.table.table import Table
from datajoint.values.accept import acceptor

_NAMED = 5


def parts_of(cls: type[Table]) -> list[type[Part]]:
    """Return the part classes of a master in order of declaration, those of its superclasses first.

    An inherited part is derived anew, so that the superclass keeps its own.
    """
    parts: dict[str, type[Part]] = {}
    for base in reversed(cls.__mro__):
        if base is object or is_library_class(base):  # which has none
            continue
        for name, value in list(vars(base).items()):
            if not (name[:1].isupper() and isinstance(value, TableMeta) and issubclass(value, Part)):
                continue
            part: Any = value
            if base is not cls:
                content = {
                    "__module__": cls.__module__,
                    "__qualname__": f"{cls.__qualname__}.{name}",
                    "__doc__": value.__doc__,
                }
                part = TableMeta(value.__name__, (value,), content)
            parts[name] = part
    for name, part in parts.items():
        if name not in vars(cls):
            setattr(cls, name, part)
    return [part for name, part in parts.items() if vars(cls)[name] is part]


def document(cls: type[Table]) -> None:
    """Append the definition to the docstring."""
    definition = inspect.getattr_static(cls, "definition", None)
    text = f"\nTable definition:\n\n{definition}"
    if isinstance(definition, str) and text not in (cls.__doc__ or ""):
        cls.__doc__ = (cls.__doc__ or "") + text


def heal_lineage(table: Table) -> None:
    """Record the origins of a table that lacks some, as after changes by other programs."""
    if all(attribute.lineage is not None for attribute in table.heading.attributes.values() if attribute.in_key):
        return
    try:
        info, _ = table._info()
        lineage.refresh_table_lineage(table.connection, info)
    except AccessError as error:  # who may only read works without
        logger.debug("The lineage of %s could not be recorded: %s", table.name, error)
    except DataJointError as error:
        logger.warning("The lineage of %s could not be recorded: %s", table.name, error)


def insert_contents(table: Any) -> None:
    """Insert those rows of ``table.contents`` whose keys the table does not have; existing rows stay as they are.

    Parameters
    ----------
    table : Lookup
        Its `contents` may be any iterable of rows and is consumed once.

    Raises
    ------
    DataJointError
        For rows that cannot be inserted.
    """
    names = table.heading.names
    rows = [_named(row, names) for row in table.contents]
    key = table.primary_key
    if table.heading.has_autoincrement:
        if len(rows) > len(table):
            warnings.warn(
                f"The contents of {table.name} are not inserted: the database numbers its rows, so they cannot be compared.",
                stacklevel=4,
            )
        return
    if not key:
        missing = [] if table else rows[:1]
    else:
        compared = [n for n, a in table.heading.attributes.items() if a.codec is None and not (a.is_blob or a.json)]
        stored = {tuple(found[name] for name in key): found for found in table.proj(*compared).to_dicts()}
        missing = [row for row in rows if (found := _key_of(table, row)) is None or found not in stored]
        _warn_of_changes(table, rows, stored, compared)
    if missing:
        table.insert(missing, skip_duplicates=True)


def _warn_of_changes(
    table: Table, rows: list[Any], stored: Mapping[tuple[Any, ...], Mapping[str, Any]], compared: Iterable[str]
) -> None:
    """Tell once which of the rows in the code are otherwise in the database, where they are never changed by it."""
    accept = {name: acceptor(table.heading[name].value_type) for name in compared}
    changed: list[str] = []
    for row in rows:
        key = _key_of(table, row)
        found = stored.get(key) if key is not None else None
        if found is None or not isinstance(row, Mapping):
            continue
        for name in accept.keys() & row.keys():
            try:
                same = row[name] is None or accept[name](row[name]) == found[name]
            except InvalidValueError:
                same = False
            if not same:
                changed.append(f"{dict(zip(table.primary_key, key or (), strict=True))}.{name}")
    if changed:
        logger.warning(
            "The contents of %s differ from the rows stored at %s%s. Stored rows stay as they are: change them with update1.",
            table.name,
            ", ".join(changed[:_NAMED]),
            f" and {len(changed) - _NAMED} more places" if len(changed) > _NAMED else "",
        )


def _named(row: Any, names: list[str]) -> Any:
    """Return a row given by position as a dict; what does not fit is left to the insert."""
    is_positional = isinstance(row, list | tuple) and len(row) == len(names)
    return dict(zip(names, row, strict=True)) if is_positional else row


def _key_of(table: Table, row: Any) -> tuple[Any, ...] | None:
    """Return the key of a row as it would be fetched; None if the row must be judged by the insert itself."""
    heading = table.heading
    try:
        return tuple(acceptor(heading[name].value_type)(row[name]) for name in heading.primary_key)
    except (KeyError, IndexError, TypeError, InvalidValueError):
        return None

"""Drift: a class's definition and its table, once the same, that no longer agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from datajoint.declare.agreement import agrees
from datajoint.declare.difference import Difference, compare
from datajoint.declare.resolve import table_info
from datajoint.declare.stored import read_heading
from datajoint.definition import TableName
from datajoint.errors import DataJointError
from datajoint.logging import logger

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.table.table import Table

_told: WeakKeyDictionary[Connection, set[TableDrift]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class TableDrift:
    """In what a table and the definition of its class differ.

    Attributes
    ----------
    table : TableName
    class_name : str
    differences : tuple of Difference
        Those with a `hint` cannot be mended by `alter`.
    """

    table: TableName
    class_name: str
    differences: tuple[Difference, ...]

    @property
    def remedy(self) -> str:
        """What to do about it."""
        hints = dict.fromkeys(d.hint for d in self.differences if d.hint is not None)
        if hints:
            return " ".join(hints)
        name = self.class_name
        return f"{name}.alter() makes the table follow the definition, {name}.alter_plan() shows how."

    def __str__(self) -> str:
        differences = "; ".join(map(str, self.differences))
        return (
            f"The table {self.table} is not what the definition of {self.class_name} says: {differences}. {self.remedy}"
        )


def find_drift(table: Table) -> TableDrift | None:
    """Compare a class with its table as the connection knows it; None if they agree.

    A class without a definition agrees with any table, as does one whose definition cannot be understood here, because
    it names classes that are not in sight: a table that exists needs no definition.
    """
    try:
        definition: object = table.definition
    except NotImplementedError:
        return None
    if not isinstance(definition, str):
        return None
    try:
        declared = table._resolve_definition(table.declaration_context)
        found = table_info(table.connection, table.name)
        if found is None:
            return None
        if agrees(declared, found[0], read_heading(*found, table.connection.catalog)):
            return None
        comparison = compare(declared, *found, table.connection.dialect, table.connection.catalog)
    except DataJointError as error:
        logger.debug("The definition of %s cannot be compared with its table: %s", table.name, error)
        return None
    if not comparison.differences:
        return None
    return TableDrift(table.name, type(table).__qualname__.split("<locals>.")[-1], comparison.differences)


def warn_of_drift(table: Table) -> None:
    """Say in what a class and its table differ, once for each connection and state of both."""
    drift = find_drift(table)
    if drift is None:
        return
    told = _told.setdefault(table.connection, set())
    if drift not in told:
        told.add(drift)
        logger.warning("%s", drift)

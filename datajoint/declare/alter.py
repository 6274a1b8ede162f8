"""Alter a table that exists: a plan first, what its rows say to it, then the deed."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from datajoint import lineage
from datajoint.backends.alteration import Alteration, AlterScript, refuse_other
from datajoint.connection import forks
from datajoint.declare.checks import DataCheck, Finding, data_checks
from datajoint.declare.difference import Difference, compare
from datajoint.declare.resolve import table_info
from datajoint.definition import TableDefinition, TableName
from datajoint.errors import DataJointError, MissingTableError, UnsupportedChangeError
from datajoint.shown import html_lines, html_statements, html_table, html_text

if TYPE_CHECKING:
    from datajoint.backends.catalog import SchemaCatalog, TableInfo
    from datajoint.connection import Connection

logger = logging.getLogger("datajoint")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AlterPlan:
    """The change of a table that would make it what its definition says; nothing is changed yet.

    Its truth value tells whether there is anything to do; printed, it tells what, and how.

    Attributes
    ----------
    table : TableName
    differences : tuple of Difference
        In what the table and its definition differ.
    checks : tuple of DataCheck
        What must be so of the rows, and which values will be lost.
    statements : tuple of str
        The SQL that will be sent, values written out.
    """

    table: TableName
    differences: tuple[Difference, ...]
    checks: tuple[DataCheck, ...]
    statements: tuple[str, ...]
    _alteration: Alteration = field(repr=False)
    _script: AlterScript = field(repr=False)
    _connection: Connection = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self.differences)

    def __len__(self) -> int:
        return len(self.differences)

    def findings(self) -> tuple[Finding, ...]:
        """Look at the rows: return what forbids the alteration. It is empty if all is well.

        Returns
        -------
        tuple of Finding
        """
        return tuple(found for check in self.checks if not check.is_loss and (found := check.run(self._connection)))

    def losses(self) -> tuple[Finding, ...]:
        """Return the values that the alteration would lose, because their attribute is dropped."""
        return tuple(found for check in self.checks if check.is_loss and (found := check.run(self._connection)))

    def check(self) -> None:
        """Refuse a plan that the rows stand against.

        Raises
        ------
        MissingAttributeError, InvalidValueError, DuplicateError, IntegrityError
            By the first thing found; the message names all.
        """
        found = self.findings()
        if found:
            reasons = " ".join(map(str, found))
            raise found[0].error(f"Cannot alter {self.table}. {reasons} Nothing was changed.", table=str(self.table))

    def execute(self) -> None:
        """Alter the table, wholly or not at all.

        On MySQL and MariaDB that is one statement. On PostgreSQL labels that an enum gains are committed first; if
        the rest fails, altering again finishes it. On SQLite the table is made anew where needed.

        Raises
        ------
        DataJointError
            Inside a transaction; as `check`; or if the database refuses. Nothing is changed then.
        """
        if not self:
            return
        _refuse_transaction(self._connection, self.table)
        try:
            _execute(self)
        finally:
            self._connection.forget_catalog(self.table.schema)
        logger.info("Altered table %s", self.table)

    def __str__(self) -> str:
        if not self:
            return f"Nothing to alter: {self.table} is as defined."
        lines = [f"{self.table} will be altered:", *(f"  {d}" for d in self.differences)]
        if self.checks:
            lines += ["The rows are checked first:", *(f"  {c}" for c in self.checks)]
        lines += ["Statements:", *(f"  {line}" for s in self.statements for line in s.splitlines())]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        if not self:
            return html_text(str(self))
        head = ("what", "name", "aspect", "in the table", "in the definition")
        rows = [(d.kind, d.name, d.aspect, d.stored or "", d.declared or "") for d in self.differences]
        return (
            html_table(head, rows, f"{self.table} will be altered:")
            + html_lines("The rows are checked first:", map(str, self.checks))
            + html_statements(self.statements)
        )


def plan_alter(connection: Connection, name: TableName, definition: TableDefinition) -> AlterPlan:
    """Compare a definition with the table as it is now, and plan what would make them agree.

    Raises
    ------
    MissingTableError
        If the table does not exist.
    UnsupportedChangeError
        If it would need another primary key, or something else that cannot be changed in place.
    DataJointError
        For a rename that cannot be.
    """
    info, catalog = stored_table(connection, name)
    comparison = compare(definition, info, catalog, connection.dialect, connection.catalog)
    if comparison.refused:
        reasons = " ".join(f"{str(d)[:1].upper()}{str(d)[1:]}. {d.hint}" for d in comparison.refused)
        raise UnsupportedChangeError(f"Cannot alter {name}. {reasons}", table=str(name))
    alteration = comparison.alteration
    script = connection.backend.alter_table(alteration, catalog) if alteration else AlterScript()
    shown = tuple(statement.inlined(connection.dialect) for statement in (*script.first, *script.main))
    checks = tuple(data_checks(alteration))
    return AlterPlan(name, comparison.differences, checks, shown, alteration, script, connection)


class StoredTable(NamedTuple):
    """A table and its schema as stored."""

    info: TableInfo
    catalog: SchemaCatalog


def stored_table(connection: Connection, name: TableName) -> StoredTable:
    """Return a table and its schema, read anew.

    Raises
    ------
    MissingTableError
        If the table does not exist.
    """
    connection.forget_catalog(name.schema)
    found = table_info(connection, name)
    if found is None:
        raise MissingTableError(
            f"Cannot alter {name}: the table is not defined.", hint="Declare it first.", table=str(name)
        )
    return StoredTable(*found)


def _refuse_transaction(connection: Connection, name: TableName) -> None:
    if connection.in_transaction:
        raise DataJointError(
            f"Cannot alter {name} inside a transaction.", hint="Leave the transaction first.", table=str(name)
        )


def _execute(plan: AlterPlan) -> None:
    connection, script, stored = plan._connection, plan._script, plan._alteration.stored
    origins = lineage.replacement(connection, plan.table, plan._alteration.target)
    refuse_other(stored, stored_table(connection, plan.table).info)
    plan.check()
    for statement in script.first:
        connection.execute(statement)
    if script.rebuild:
        with forks.opening:
            connection.backend.run_rebuild(connection.target, script, (*origins.insertion, *origins.deletion), stored)
        return
    # Origins of attributes that do not exist yet harm nobody, missing ones do.
    statements = (*origins.insertion, *script.main, *origins.deletion)
    if not connection.dialect.transactional_ddl:
        for statement in statements:
            connection.execute(statement)
        return
    with connection.transaction:
        if script.lock is not None:
            connection.execute(script.lock)
            plan.check()
        for statement in statements:
            connection.execute(statement)

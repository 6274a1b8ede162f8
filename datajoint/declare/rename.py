"""Give a table another name, with its parts, its queue of jobs and the origins that name it: a plan first, then the deed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datajoint import lineage
from datajoint.definition import TableName
from datajoint.errors import AccessError, DataJointError
from datajoint.shown import html_statements, html_table, html_text
from datajoint.sql.fragment import Sql

if TYPE_CHECKING:
    from datajoint.backends.catalog import TableInfo
    from datajoint.connection import Connection

logger = logging.getLogger("datajoint")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RenamePlan:
    """What gives a table the name of its class; nothing is changed yet.

    Its truth value tells whether there is anything to do; printed, it tells what, and how.

    Attributes
    ----------
    former, table : TableName
        The name that the table had, and the one that it shall have.
    renames : tuple of pair of TableName
        Former and new names of all tables that are renamed: the table, its parts, its queue of jobs.
    dropped : TableName or None
        The queue of jobs, where a table of the new tier has none.
    statements : tuple of str
        The SQL that will be sent, values written out.
    """

    former: TableName
    table: TableName
    renames: tuple[tuple[TableName, TableName], ...]
    dropped: TableName | None
    statements: tuple[str, ...]
    _structure: tuple[Sql, ...] = field(repr=False)
    _origins: Mapping[str, tuple[Sql, ...]] = field(repr=False)
    _connection: Connection = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self.statements)

    def execute(self) -> None:
        """Rename the tables; rows, foreign keys and privileges go with them.

        On SQLite and PostgreSQL all is done or nothing. MySQL and MariaDB rename all tables at once, and record the
        origins after that; if this is cut short, renaming again finishes it.

        Raises
        ------
        AccessError
            If the user may not rename, or may not record the origins in a schema that depends on the table.
        DataJointError
            Inside a transaction, if another program changed the tables since the plan, or if the database refuses.
        """
        if not self:
            return
        connection = self._connection
        if connection.in_transaction:
            raise DataJointError(
                f"Cannot rename {self.former} inside a transaction.",
                hint="Leave the transaction first.",
                table=str(self.table),
            )
        if plan_rename(connection, self.former, self.table).statements != self.statements:
            raise DataJointError(
                f"Cannot rename {self.former}: another program has changed the tables since this was planned.",
                hint="Nothing was done; alter again.",
                table=str(self.table),
            )
        self._check_privileges()
        try:
            self._send()
        finally:
            connection.forget_catalog()
        for old, new in self.renames:
            logger.info("Renamed table %s to %s", old, new)

    def _check_privileges(self) -> None:
        connection = self._connection
        tables = [TableName(schema, lineage.LINEAGE_TABLE) for schema in self._origins]
        refused = connection.backend.lacking(connection.execute, tables, "DELETE")
        if refused:
            raise AccessError(
                f"Cannot rename {self.former}: its new name must be recorded in {', '.join(map(str, refused))}, "
                "which you may not change.",
                hint="Nothing was done; let somebody rename it who may.",
                table=str(self.table),
            )

    def _send(self) -> None:
        connection = self._connection
        origins = [statement for statements in self._origins.values() for statement in statements]
        alone, together = list(self._structure), origins
        if connection.dialect.transactional_ddl:
            alone, together = [], [*alone, *together]
        for statement in alone:
            connection.execute(statement)
        with connection.transaction:
            for statement in together:
                connection.execute(statement)

    def __str__(self) -> str:
        if not self:
            return f"Nothing to rename: {self.table} has its name."
        lines = [f"{self.former} will be renamed to {self.table}:"]
        lines += [f"  {old.name} becomes {new.name}" for old, new in self.renames]
        if self.dropped is not None:
            lines.append(f"  {self.dropped.name} is dropped: a table of this tier has no queue of jobs")
        if self._origins:
            lines.append(f"  the origins of attributes are corrected in {', '.join(self._origins)}")
        lines += ["Statements:", *(f"  {statement}" for statement in self.statements)]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        if not self:
            return html_text(str(self))
        rows = [(old.name, new.name) for old, new in self.renames]
        if self.dropped is not None:
            rows.append((self.dropped.name, "is dropped: a table of this tier has no queue of jobs"))
        origins = f"The origins of attributes are corrected in {', '.join(self._origins)}." if self._origins else ""
        return (
            html_table(("table", "new name"), rows, f"{self.former} will be renamed to {self.table}:")
            + html_text(origins)
            + html_statements(self.statements)
        )


def plan_rename(connection: Connection, former: TableName, name: TableName) -> RenamePlan:
    """Look how tables are called now, and plan what would give the table `former` the name `name`.

    There is nothing to do if neither exists, or both: then the former name belongs to another table by now. What was
    cut short before is finished.

    Raises
    ------
    DataJointError
        If a new name is taken by another table, or too long.
    """
    connection.forget_catalog()
    catalog = connection.catalog(name.schema)
    tables = catalog.tables if catalog is not None else {}
    if catalog is None or (former.name in tables) == (name.name in tables):
        return RenamePlan(former, name, (), None, (), (), {}, connection)
    names = dict(_names(tables, former, name))
    renames = {old: new for old, new in names.items() if old.name in tables}
    _check(connection, tables, renames)
    structure = connection.backend.rename_tables(renames, catalog) if renames else []
    dropped = None
    if former.name.startswith("_") and not name.name.startswith("_") and _queue(former).name in tables:
        dropped = _queue(former)
        structure += connection.backend.drop_table(dropped, catalog)
    origins = {
        schema: statements
        for schema in _downstream(connection, name.schema)
        if (statements := tuple(lineage.renamed(connection, schema, names, dropped)))
    }
    shown = tuple(
        statement.inlined(connection.dialect)
        for statement in (*structure, *(s for statements in origins.values() for s in statements))
    )
    return RenamePlan(former, name, tuple(renames.items()), dropped, shown, tuple(structure), origins, connection)


def _names(
    tables: Mapping[str, TableInfo], former: TableName, name: TableName
) -> Iterator[tuple[TableName, TableName]]:
    """Yield former and new names: of the table, its parts, and its queue; those that are renamed already, too."""
    schema = name.schema
    yield former, name
    for table in tables:
        if table.startswith(f"{former.name}__"):
            yield TableName(schema, table), TableName(schema, name.name + table.removeprefix(former.name))
        elif table.startswith(f"{name.name}__"):
            before = former.name + table.removeprefix(name.name)
            if before not in tables:
                yield TableName(schema, before), TableName(schema, table)
    if former.name.startswith("_") and name.name.startswith("_") and _queue(former) != _queue(name):
        yield _queue(former), _queue(name)


def _queue(name: TableName) -> TableName:
    return TableName(name.schema, f"~~{name.name.lstrip('_')}")


def _check(connection: Connection, tables: Mapping[str, TableInfo], renames: Mapping[TableName, TableName]) -> None:
    limit = connection.dialect.max_identifier_length
    for old, new in renames.items():
        if new.name in tables:
            raise DataJointError(
                f"Cannot rename {old} to {new.name}: there is a table of that name.",
                hint="Nothing was done. Drop the one that is not needed.",
                table=str(old),
            )
        if len(new.name.encode()) > limit:
            raise DataJointError(
                f"Cannot rename {old} to {new.name}: names of tables have at most {limit} bytes.",
                hint="Nothing was done. Give the class a shorter name.",
                table=str(old),
            )


def _downstream(connection: Connection, schema: str) -> list[str]:
    """Return the schema and all that depend on it."""
    known: set[str] = set()
    found = {schema}
    while found - known:
        known |= found
        found = connection.backend.related_schemas(connection.execute, sorted(known), downstream=True)
    return sorted(known)

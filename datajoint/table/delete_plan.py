"""The plan of a deletion: every row that goes, found before anything is deleted; and its execution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from datajoint.errors import AccessError, DataJointError, IntegrityError
from datajoint.events import RowsDeleted
from datajoint.expression.fetch import fetch_rows
from datajoint.graph.propagate import (
    ForeignKeyGraph,
    PartIntegrity,
    RowKey,
    affected_rows,
    downstream,
    incomplete_masters,
    orphaning_parts,
    waves,
)
from datajoint.logging import logger
from datajoint.naming import shorten
from datajoint.shown import html_table, html_text
from datajoint.table.base_table import BaseTable, base_table, refuse_unmatched
from datajoint.table.related_rows import RelatedRows

if TYPE_CHECKING:
    from datajoint.definition import TableName
    from datajoint.expression.operand import Operand

_SAMPLE = 5
CHUNK = 10_000  # rows deleted by one statement

Planned = Mapping["TableName", AbstractSet[RowKey]]
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What a deletion takes from one table.

    Attributes
    ----------
    name : TableName
    full_name : str
        As the engine quotes it.
    key : tuple of str
        Names of the key columns.
    keys : tuple of tuple
        Key values of the rows that go.
    """

    name: TableName
    full_name: str
    key: tuple[str, ...]
    keys: tuple[RowKey, ...]

    @property
    def count(self) -> int:
        """Number of rows that go."""
        return len(self.keys)

    @property
    def sample(self) -> tuple[dict[str, Any], ...]:
        """The first few keys as dicts; hidden key attributes are left out."""
        return tuple(
            {n: v for n, v in zip(self.key, values, strict=True) if not n.startswith("_")}
            for values in self.keys[:_SAMPLE]
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DeletePlan:
    """The rows that a deletion would take from every table, found before anything is deleted.

    Attributes
    ----------
    seed : BaseTable
        What was to be deleted.
    part_integrity : str
    tables : tuple of TablePlan
        All tables that depend on the seed's table, in any schema; parents first, also those that lose no row.
    graph : ForeignKeyGraph
    """

    seed: BaseTable
    part_integrity: PartIntegrity
    tables: tuple[TablePlan, ...]
    graph: ForeignKeyGraph = field(repr=False)
    _reader: RelatedRows = field(repr=False)

    def __len__(self) -> int:
        return sum(table.count for table in self.tables)

    @property
    def counts(self) -> dict[str, int]:
        """Number of rows by full table name, parents first, zeros included."""
        return {table.full_name: table.count for table in self.tables}

    @property
    def seed_count(self) -> int:
        """Number of rows of the seed's own table."""
        return next(table.count for table in self.tables if table.name == self.seed.name)

    def incomplete(self) -> dict[TableName, list[RowKey]]:
        """Return, for each part, the keys of masters that stay although part rows of theirs go.

        Found by row, and so also where `check` has nothing against it because another row of the master's table goes.
        """
        found = {table.name: table.keys for table in self.tables}
        if self.part_integrity == "cascade" or not any(found[part] for part in self.graph.masters):
            return {}
        with_masters = downstream(self.seed.name, self._reader.load, with_masters=True)
        return incomplete_masters(with_masters, found, self._reader)

    def lacking(self) -> list[TableName]:
        """Return the tables that lose rows and that the user may not delete from."""
        connection = self.seed.connection
        losing = [table.name for table in self.tables if table.keys]
        return list(connection.backend.lacking(connection.execute, losing, "DELETE"))

    def check(self) -> None:
        """Refuse a plan that may not be executed.

        With ``enforce`` no part rows may go while their master's table loses none; with ``strict`` no part row without
        the very row of its master. And whoever asks must have the privilege to delete from every table that loses rows.

        Raises
        ------
        AccessError
            Naming all tables on which the privilege is missing.
        DataJointError
        """
        if lacking := self.lacking():
            raise _access_error(self.seed, lacking, "DELETE")
        if self.part_integrity == "strict":
            self._check_rows()
        if self.part_integrity != "enforce":
            return
        for part in orphaning_parts(self.graph, {table.name: table.count for table in self.tables}):
            raise before_master(part, self.graph.masters[part])

    def _check_rows(self) -> None:
        for part, keys in self.incomplete().items():
            master = self.graph.masters[part]
            raise DataJointError(
                f"Attempt to delete rows of part table {part} before their master: {len(keys)} rows of {master} would stay "
                f"without them, such as {shorten(keys[0])}.",
                table=str(part),
                hint="Delete from the master first, or use part_integrity='ignore' or 'cascade'.",
            )

    def execute(self, *, transaction: bool = True, stop: Stop | None = None) -> int:
        """Delete the planned rows and return how many of them were in the seed's table.

        The plan is made again inside the transaction. Rows that have gone since are no matter.

        Parameters
        ----------
        transaction : bool
            Whether all tables are changed together or not at all.
        stop : callable, optional
            Asked before each statement that deletes, and before the end, whether to give it up.

        Raises
        ------
        DataJointError
            If more rows than planned would go, if rows appear meanwhile that refer to the deleted ones, if it was
            stopped, or as `check`.
        """
        planned = {table.name: set(table.keys) for table in self.tables}
        return delete_found(self.seed, self.part_integrity, planned, transaction=transaction, stop=stop)

    def _sum(self) -> str:
        return f"{len(self):,} rows will be deleted from {sum(bool(t.count) for t in self.tables)} tables:"

    def __str__(self) -> str:
        if not self.seed_count:
            return f"Nothing to delete from {self.seed.name}."
        width = max(len(str(table.name)) for table in self.tables)
        digits = max(len(f"{table.count:,}") for table in self.tables)
        lines = [self._sum()]
        for table in self.tables:
            shown = ", ".join(shorten(key) for key in table.sample[:2]) + (", …" if table.count > 2 else "")  # noqa: PLR2004
            lines.append(f"  {table.name!s:<{width}}  {table.count:>{digits},}  {shown}".rstrip())
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        if not self.seed_count:
            return html_text(str(self))
        rows = [(str(t.name), t.count, ", ".join(shorten(key) for key in t.sample)) for t in self.tables]
        return html_table(("table", "rows", "first keys"), rows, self._sum())


def plan_delete(table: Operand, part_integrity: PartIntegrity = "enforce") -> DeletePlan:
    """Find all rows that have to go with the rows of `table`; nothing is deleted.

    The structure is read from the database now, so tables of schemas that this program never opened, or that another
    program has just made, are found too.

    Parameters
    ----------
    table : Table
        A table, restricted or projected.
    part_integrity : {"enforce", "ignore", "cascade", "strict"}
        What happens to masters whose part rows go: with ``enforce`` `DeletePlan.check` refuses if their table loses no row
        at all, with ``strict`` if a single one of them stays; with ``ignore`` they stay, with ``cascade`` they go too.

    Raises
    ------
    ValueError
        For another value of `part_integrity`.
    AccessError
        Naming all tables that may not be read.
    DataJointError
        If a table does not exist or tables refer to each other in a circle.
    """
    check_part_integrity(part_integrity)
    refuse_unmatched(table, "delete")
    return _plan(base_table(table), part_integrity)


def check_part_integrity(part_integrity: str) -> None:
    """Refuse what is no way to treat masters.

    Raises
    ------
    ValueError
    """
    if part_integrity not in get_args(PartIntegrity):
        raise ValueError(f"part_integrity must be 'enforce', 'ignore', or 'cascade', got {part_integrity!r}.")


def _plan(seed: BaseTable, part_integrity: PartIntegrity) -> DeletePlan:
    reader = RelatedRows(seed.connection)
    graph = downstream(seed.name, reader.load, with_masters=part_integrity == "cascade")
    keys = seed_keys(seed, graph.tables[seed.name].primary_key)
    rows = _readable(seed, graph, lambda: affected_rows(graph, seed.name, keys, reader, part_integrity))
    quote = seed.connection.dialect.quote
    tables = (TablePlan(n, quote(n.identifier), graph.tables[n].primary_key, tuple(k)) for n, k in rows.items())
    return DeletePlan(seed, part_integrity, tuple(tables), graph, reader)


def before_master(part: TableName, master: TableName) -> DataJointError:
    """Return the error that a part would lose rows while its master's table loses none."""
    return DataJointError(
        f"Attempt to delete part table {part} before its master {master}. "
        "Delete from the master first, or use part_integrity='ignore' or 'cascade'.",
        table=str(part),
    )


def seed_keys(seed: BaseTable, key: Sequence[str]) -> list[RowKey]:
    """Return the keys of the rows to begin with, in the order of the table's key columns."""
    chosen = fetch_rows(seed.connection, seed.key_node, seed.key)
    # The table's key columns may come in another order than the expression's heading has them.
    places = [seed.key.index(name) for name in key]
    return chosen if places == list(range(len(places))) else [tuple(row[i] for i in places) for row in chosen]


def _readable(
    seed: BaseTable, graph: ForeignKeyGraph, read: Callable[[], dict[TableName, list[RowKey]]]
) -> dict[TableName, list[RowKey]]:
    """Read rows of all tables; whatever may not be read is named, all of it."""
    connection = seed.connection
    try:
        # A savepoint, where a refused statement would end the transaction and with it the answer to what was refused.
        with connection.transaction if connection.in_transaction else nullcontext():
            return read()
    except AccessError as error:
        lacking = connection.backend.lacking(connection.execute, list(graph.tables), "SELECT")
        raise (_access_error(seed, lacking, "SELECT") if lacking else error) from error


def _access_error(seed: BaseTable, lacking: Sequence[TableName], privilege: str) -> AccessError:
    names = ", ".join(map(str, lacking))
    return AccessError(
        f"Insufficient privileges. Delete from {seed.name} needs the privilege {privilege} on {names}.",
        table=str(lacking[0]),
        hint="Nothing was deleted; ask for the privilege.",
    )


# --- execution
def delete_found(
    seed: BaseTable,
    part_integrity: PartIntegrity,
    planned: Planned | None,
    *,
    transaction: bool,
    stop: Stop | None = None,
) -> int:
    """Find the rows and delete them, as one transaction or savepoint if asked for.

    Parameters
    ----------
    planned : mapping, optional
        The rows that may go; more are refused.
    stop : callable, optional
        As of `DeletePlan.execute`.

    Raises
    ------
    DataJointError
        As `DeletePlan.execute`.
    """
    at_work: list[tuple[DeletePlan, TablePlan]] = []
    try:
        if not transaction:
            return _find_and_delete(seed, part_integrity, planned, at_work, stop)
        with seed.connection.transaction:
            return _find_and_delete(seed, part_integrity, planned, at_work, stop)
    except IntegrityError as error:
        raise _blocked(*at_work[-1], error) from error


def _find_and_delete(
    seed: BaseTable,
    part_integrity: PartIntegrity,
    planned: Planned | None,
    at_work: list[tuple[DeletePlan, TablePlan]],
    stop: Stop | None,
) -> int:
    """Delete leaves first; the table at work is noted in `at_work`, for messages."""
    plan = _plan(seed, part_integrity)
    plan.check()
    if planned is not None:
        _check_unchanged(plan, planned)
    for table in reversed(plan.tables):
        if table.keys:
            at_work.append((plan, table))
            _delete_rows(plan, table, stop)
    _check_stop(seed, stop)
    return plan.seed_count


def _check_stop(seed: BaseTable, stop: Stop | None) -> None:
    if stop is not None and stop():
        raise DataJointError(
            f"The delete from {seed.name} was stopped; what its transaction had deleted is undone.",
            table=str(seed.name),
        )


def _check_unchanged(plan: DeletePlan, planned: Planned) -> None:
    for table in plan.tables:
        new = [key for key in table.keys if key not in planned.get(table.name, ())]
        if new:
            raise DataJointError(
                f"{len(new)} more rows of {table.name} would be deleted than the plan shows, "
                f"such as {shorten(dict(zip(table.key, new[0], strict=True)))}; nothing was deleted.",
                table=str(table.name),
                hint="They were added since. Look at a new plan.",
            )


def _delete_rows(plan: DeletePlan, table: TablePlan, stop: Stop | None) -> None:
    logger.info("Deleting %d rows from %s", table.count, table.full_name)
    connection = plan.seed.connection
    columns = plan._reader.key_columns(table.name)
    for keys in _ordered(plan, table):
        for statement in connection.backend.delete_keys(table.name, columns, keys):
            _check_stop(plan.seed, stop)
            deleted = connection.execute(statement).rowcount
            connection.events.emit(RowsDeleted(table=table.full_name, count=deleted))


def _ordered(plan: DeletePlan, table: TablePlan) -> list[list[RowKey]]:
    """Return the rows in lots of one statement each, in waves where rows of the table refer to each other."""
    parents: dict[RowKey, list[RowKey]] = {}
    width = len(table.key)
    for link in plan.graph.own_links(table.name):
        end = width + len(link.columns)
        rows = plan._reader.values(table.name, (*table.key, *link.columns, *link.parent_columns), table.keys)
        by_reference = {row[end:]: row[:width] for row in rows}
        for row in rows:
            if (parent := by_reference.get(row[width:end])) is not None:
                parents.setdefault(row[:width], []).append(parent)
    together = waves(table.keys, parents) if parents else [list(table.keys)]
    return [wave[start : start + CHUNK] for wave in together for start in range(0, len(wave), CHUNK)]


def _blocked(plan: DeletePlan, table: TablePlan, error: IntegrityError) -> DataJointError:
    """Explain what refers to rows of `table` although the plan knew of no such rows."""
    planned = {t.name: set(t.keys) for t in plan.tables}
    blocking = [
        str(link.child)
        for link in plan.graph.children[table.name]
        if not planned[link.child].issuperset(plan._reader.children(link, table.keys))
    ]
    if blocking:
        return DataJointError(
            f"Delete blocked by table {', '.join(blocking)}: rows that refer to {table.name} appeared meanwhile.",
            table=str(table.name),
            hint="Nothing was deleted; repeat the delete.",
        )
    return DataJointError(
        f"Delete blocked: rows of {table.name} are referred to by rows or tables that you cannot see. {error}",
        table=str(table.name),
        hint="Nothing was deleted.",
    )

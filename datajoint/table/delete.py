"""Delete rows and all that depends on them: a plan first, then the question, then the deed."""

from __future__ import annotations

import html
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from datajoint.errors import DataJointError, IntegrityError
from datajoint.events import RowsDeleted
from datajoint.expression.compile import compile_raw
from datajoint.expression.fetch import fetch_rows
from datajoint.graph.propagate import (
    ForeignKeyGraph,
    PartIntegrity,
    RowKey,
    affected_rows,
    downstream,
    orphaning_parts,
    waves,
)
from datajoint.logging import logger
from datajoint.naming import shorten
from datajoint.sql.fragment import Sql
from datajoint.table.base_table import BaseTable, base_table, refuse_unmatched
from datajoint.table.related_rows import RelatedRows
from datajoint.utils import user_choice

if TYPE_CHECKING:
    from datajoint.definition import TableName
    from datajoint.expression.operand import Operand

_SAMPLE = 5

Planned = Mapping["TableName", AbstractSet[RowKey]]


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

    def check(self) -> None:
        """Refuse a plan that would take part rows and leave their master's table untouched.

        Raises
        ------
        DataJointError
        """
        if self.part_integrity != "enforce":
            return
        for part in orphaning_parts(self.graph, {table.name: table.count for table in self.tables}):
            raise DataJointError(
                f"Attempt to delete part table {part} before its master {self.graph.masters[part]}. "
                "Delete from the master first, or use part_integrity='ignore' or 'cascade'.",
                table=str(part),
            )

    def execute(self, *, transaction: bool = True) -> int:
        """Delete the planned rows and return how many of them were in the seed's table.

        The plan is made again inside the transaction. Rows that have gone since are no matter.

        Parameters
        ----------
        transaction : bool
            Whether all tables are changed together or not at all.

        Raises
        ------
        DataJointError
            If more rows than planned would go, if rows appear meanwhile that refer to the deleted ones, or as `check`.
        """
        planned = {table.name: set(table.keys) for table in self.tables}
        return _in_transaction(self.seed, self.part_integrity, planned, transaction=transaction)

    def __str__(self) -> str:
        if not self.seed_count:
            return f"Nothing to delete from {self.seed.name}."
        width = max(len(str(table.name)) for table in self.tables)
        digits = max(len(f"{table.count:,}") for table in self.tables)
        lines = [f"{len(self):,} rows will be deleted from {sum(bool(t.count) for t in self.tables)} tables:"]
        for table in self.tables:
            shown = ", ".join(shorten(key) for key in table.sample[:2]) + (", …" if table.count > 2 else "")  # noqa: PLR2004
            lines.append(f"  {table.name!s:<{width}}  {table.count:>{digits},}  {shown}".rstrip())
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(str(table.name))}</td><td style='text-align:right'>{table.count:,}</td>"
            f"<td>{html.escape(', '.join(shorten(key) for key in table.sample))}</td></tr>"
            for table in self.tables
        )
        head = "<tr><th>table</th><th>rows</th><th>first keys</th></tr>"
        return f"<table class='datajoint-plan'><thead>{head}</thead><tbody>{rows}</tbody></table>"


def plan_delete(table: Operand, part_integrity: PartIntegrity = "enforce") -> DeletePlan:
    """Find all rows that have to go with the rows of `table`; nothing is deleted.

    The structure is read from the database now, so tables of schemas that this program never opened, or that another
    program has just made, are found too.

    Parameters
    ----------
    table : Table
        A table, restricted or projected.
    part_integrity : {"enforce", "ignore", "cascade"}
        What happens to masters whose part rows go: `DeletePlan.check` refuses, they stay, or they go too.

    Raises
    ------
    ValueError
        For another value of `part_integrity`.
    DataJointError
        If a table does not exist or tables refer to each other in a circle.
    """
    if part_integrity not in get_args(PartIntegrity):
        raise ValueError(f"part_integrity must be 'enforce', 'ignore', or 'cascade', got {part_integrity!r}.")
    refuse_unmatched(table, "delete")
    return _plan(base_table(table), part_integrity)


def _plan(seed: BaseTable, part_integrity: PartIntegrity) -> DeletePlan:
    reader = RelatedRows(seed.connection)
    graph = downstream(seed.name, reader.load, with_masters=part_integrity == "cascade")
    chosen = fetch_rows(seed.connection, seed.key_node, seed.key)
    # The table's key columns may come in another order than the expression's heading has them.
    key = graph.tables[seed.name].primary_key
    places = [seed.key.index(name) for name in key]
    keys = [tuple(row[i] for i in places) for row in chosen]
    rows = affected_rows(graph, seed.name, keys, reader, part_integrity)
    quote = seed.connection.dialect.quote
    tables = (TablePlan(n, quote(n.identifier), graph.tables[n].primary_key, tuple(k)) for n, k in rows.items())
    return DeletePlan(seed, part_integrity, tuple(tables), graph, reader)


# --- the deed
def delete(
    table: Operand,
    *,
    transaction: bool = True,
    prompt: bool | None = None,
    part_integrity: PartIntegrity = "enforce",
    dry_run: bool = False,
) -> int:
    """Delete the rows of `table` and, in all tables, all rows that depend on them.

    Parameters
    ----------
    transaction : bool
        Whether to open a transaction. Inside one that is open already, everything happens within it.
    prompt : bool, optional
        Whether to show the plan and ask; by default the setting ``safemode``. The question comes before the
        transaction, so that nobody waits for the answer. Without a transaction of its own nothing is asked.
    part_integrity : {"enforce", "ignore", "cascade"}
        As of `plan_delete`.
    dry_run : bool
        Only log what would be deleted.

    Returns
    -------
    int
        Number of deleted rows (with `dry_run`: of rows to delete) of the table itself.

    Raises
    ------
    ValueError
        For an unknown `part_integrity`.
    DataJointError
        If a dict among the restrictions names no attribute, if asking inside a transaction, if parts would go without their master under ``enforce``, or if rows that
        refer to the deleted ones appear meanwhile.
    """
    plan: DeletePlan | None = None
    refuse_unmatched(table, "delete")
    seed = base_table(table)
    connection = seed.connection
    asking = connection.settings.safemode if prompt is None else prompt
    inside = connection.in_transaction
    if dry_run or asking:
        plan = plan_delete(table, part_integrity)
        if asking and transaction and inside and not dry_run:
            raise DataJointError(
                "Delete cannot use a transaction within an ongoing transaction. Set transaction=False or prompt=False."
            )
        _log(plan)
        plan.check()
        if dry_run:
            return plan.seed_count
        if not plan.seed_count:
            logger.warning("Nothing to delete.")
            return 0
        if transaction and user_choice("Commit deletes?", default="no") != "yes":
            logger.warning("Delete cancelled")
            return 0
        count = plan.execute(transaction=transaction or inside)
    else:
        if part_integrity not in get_args(PartIntegrity):
            raise ValueError(f"part_integrity must be 'enforce', 'ignore', or 'cascade', got {part_integrity!r}.")
        count = _in_transaction(seed, part_integrity, None, transaction=transaction or inside)
    logger.info("Delete committed." if asking and transaction and not inside else "Delete completed")
    return count


def _log(plan: DeletePlan) -> None:
    for name, count in plan.counts.items():
        logger.info("%s (%d tuples)", name, count)


def _in_transaction(
    seed: BaseTable, part_integrity: PartIntegrity, planned: Planned | None, *, transaction: bool
) -> int:
    """Find the rows and delete them, as one transaction or savepoint if asked for."""
    at_work: list[tuple[DeletePlan, TablePlan]] = []
    try:
        if not transaction:
            return _find_and_delete(seed, part_integrity, planned, at_work)
        with seed.connection.transaction:
            return _find_and_delete(seed, part_integrity, planned, at_work)
    except IntegrityError as error:
        raise _blocked(*at_work[-1], error) from error


def _find_and_delete(
    seed: BaseTable, part_integrity: PartIntegrity, planned: Planned | None, at_work: list[tuple[DeletePlan, TablePlan]]
) -> int:
    """Delete leaves first; the table at work is noted in `at_work`, for messages."""
    plan = _plan(seed, part_integrity)
    plan.check()
    if planned is not None:
        _check_unchanged(plan, planned)
    for table in reversed(plan.tables):
        if table.keys:
            at_work.append((plan, table))
            _delete_rows(plan, table)
    return plan.seed_count


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


def _delete_rows(plan: DeletePlan, table: TablePlan) -> None:
    logger.info("Deleting %d rows from %s", table.count, table.full_name)
    connection = plan.seed.connection
    for keys in _ordered(plan, table):
        chosen = connection.backend.key_table(plan._reader.key_columns(table.name), keys)
        deleted = connection.execute(connection.backend.delete_rows(table.name, table.key, chosen)).rowcount
        connection.events.emit(RowsDeleted(table=table.full_name, count=deleted))


def _ordered(plan: DeletePlan, table: TablePlan) -> list[list[RowKey]]:
    """Return the rows in one go, or in waves where rows of the table refer to each other."""
    parents: dict[RowKey, list[RowKey]] = {}
    width = len(table.key)
    for link in plan.graph.own_links(table.name):
        end = width + len(link.columns)
        rows = plan._reader.values(table.name, (*table.key, *link.columns, *link.parent_columns), table.keys)
        by_reference = {row[end:]: row[:width] for row in rows}
        for row in rows:
            if (parent := by_reference.get(row[width:end])) is not None:
                parents.setdefault(row[:width], []).append(parent)
    return waves(table.keys, parents) if parents else [list(table.keys)]


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


def delete_quick(table: Operand, get_count: bool = False) -> int | None:
    """Delete the rows of `table`, without a question and without looking at what depends on them.

    Parameters
    ----------
    get_count : bool
        Whether to return the number of deleted rows.

    Raises
    ------
    IntegrityError
        If rows of other tables refer to the rows.
    """
    refuse_unmatched(table, "delete")
    seed = base_table(table)
    connection = seed.connection
    if seed.restricted:
        chosen = compile_raw(seed.key_node, connection.backend, seed.key)
        statement = connection.backend.delete_rows(seed.name, seed.key, chosen)
    else:
        statement = Sql("DELETE FROM ", seed.name.identifier)
    count = connection.execute(statement).rowcount
    connection.events.emit(RowsDeleted(table=seed.full_name, count=count))
    return count if get_count else None

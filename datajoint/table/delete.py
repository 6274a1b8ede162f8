"""Delete rows and all that depends on them: a plan first, then the question, then the deed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from datajoint.errors import AccessError, DataJointError, IntegrityError, LockError
from datajoint.events import RowsDeleted
from datajoint.expression.compile import compile_raw
from datajoint.graph.propagate import ForeignKeyGraph, PartIntegrity, downstream, orphaning_parts
from datajoint.logging import logger
from datajoint.sql.fragment import Sql
from datajoint.table.base_table import BaseTable, base_table, refuse_unmatched
from datajoint.table.cascade import Cascade
from datajoint.table.delete_plan import (
    CHUNK,
    DeletePlan,
    before_master,
    check_part_integrity,
    delete_found,
    plan_delete,
    seed_keys,
)
from datajoint.table.diagnose import blocking_children
from datajoint.table.related_rows import RelatedRows
from datajoint.table.repeat import repeated
from datajoint.utils import user_choice

if TYPE_CHECKING:
    from datajoint.definition import TableName
    from datajoint.expression.operand import Operand

Confirm = Callable[[DeletePlan], bool]


def delete(
    table: Operand,
    *,
    transaction: bool = True,
    prompt: bool | None = None,
    part_integrity: PartIntegrity = "enforce",
    dry_run: bool = False,
    confirm: Confirm | None = None,
) -> int:
    """Delete the rows of `table` and, in all tables, all rows that depend on them.

    Parameters
    ----------
    transaction : bool
        Whether to open a transaction. Inside one that is open already, everything happens within it.
    prompt : bool, optional
        Whether to show the plan and ask; by default the setting ``safemode``. The question comes before the
        transaction, so that nobody waits for the answer. Without a transaction of its own nothing is asked.
    part_integrity : {"enforce", "ignore", "cascade", "strict"}
        As of `plan_delete`.
    dry_run : bool
        Only log what would be deleted.
    confirm : callable, optional
        Asked instead of the person at the keyboard: is given the `DeletePlan` and returns whether to go on. By default
        ``connection.confirm_delete``, if that is set. It is called only where a question would be asked.

    Returns
    -------
    int
        Number of deleted rows (with `dry_run`: of rows to delete) of the table itself.

    Raises
    ------
    ValueError
        For an unknown `part_integrity`.
    AccessError
        Naming the tables that the user may not delete from; nothing was deleted.
    DataJointError
        If asking inside a transaction, if parts would go without their master under ``enforce`` or ``strict``, or if rows
        that refer to the deleted ones appear meanwhile.
    """
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
        if transaction and not _confirmed(plan, confirm or connection.confirm_delete):
            logger.warning("Delete cancelled")
            return 0
        count = _repeated(seed, lambda: plan.execute(transaction=transaction or inside))
    else:
        check_part_integrity(part_integrity)
        count = _repeated(seed, lambda: _delete_unseen(seed, part_integrity, transaction=transaction or inside))
    logger.info("Delete committed." if asking and transaction and not inside else "Delete completed")
    return count


def _log(plan: DeletePlan) -> None:
    for name, count in plan.counts.items():
        logger.info("%s (%d tuples)", name, count)
    for part, keys in plan.incomplete().items():
        logger.info("%d rows of %s lose rows of %s and stay", len(keys), plan.graph.masters[part], part)


def _confirmed(plan: DeletePlan, confirm: Confirm | None) -> bool:
    if confirm is not None:
        return bool(confirm(plan))
    return user_choice("Commit deletes?", default="no") == "yes"


def _repeated(seed: BaseTable, act: Callable[[], int]) -> int:
    return repeated(seed.connection, act, f"delete from {seed.name}", on=LockError)


# --- without having fetched every row before
def _delete_unseen(seed: BaseTable, part_integrity: PartIntegrity, *, transaction: bool) -> int:
    """Delete by conditions where these say it all; by the keys of all rows otherwise."""
    if transaction and part_integrity in {"enforce", "ignore"}:
        connection = seed.connection
        reader = RelatedRows(connection)
        graph = downstream(seed.name, reader.load, with_masters=False)
        types = [value_type for _, value_type in reader.key_columns(seed.name)]
        cascade = Cascade.of(graph, seed.name, types)
        # If a privilege is missing, whether it is needed depends on the rows, which the way by keys finds out.
        if cascade and not connection.backend.lacking(connection.execute, list(graph.tables), "DELETE"):
            try:
                with connection.transaction:
                    return _delete_by_conditions(seed, cascade, part_integrity)
            except AccessError as error:
                logger.debug("Not deleted by conditions: %s", error)
    return delete_found(seed, part_integrity, None, transaction=transaction)


def _delete_by_conditions(seed: BaseTable, cascade: Cascade, part_integrity: PartIntegrity) -> int:
    graph, connection = cascade.graph, seed.connection
    keys = seed_keys(seed, graph.tables[seed.name].primary_key)
    if not keys:
        return 0
    lots = [keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK)]
    counts: dict[TableName, int] = {}
    for name in reversed(list(graph.tables)):
        full_name = connection.dialect.quote(name.identifier)
        counts[name] = 0
        try:
            for statement in (s for lot in lots for s in cascade.deletions(name, lot, connection.backend)):
                count = connection.execute(statement).rowcount
                if count:
                    counts[name] += count
                    connection.events.emit(RowsDeleted(table=full_name, count=count))
        except IntegrityError as error:
            raise _blocked(graph, name, error) from error
    if part_integrity == "enforce":
        for part in orphaning_parts(graph, counts):
            raise before_master(part, graph.masters[part])
    for name, count in counts.items():
        if count:
            logger.info("Deleting %d rows from %s", count, connection.dialect.quote(name.identifier))
    return counts[seed.name]


def _blocked(graph: ForeignKeyGraph, name: TableName, error: IntegrityError) -> DataJointError:
    """Explain what refers to rows of `name` although all known such rows are gone."""
    said = str(error.args[0])
    named = [str(link.child) for link in graph.children[name] if link.child.name in said]
    if named:
        return DataJointError(
            f"Delete blocked by table {', '.join(dict.fromkeys(named))}: rows that refer to {name} appeared meanwhile.",
            table=str(name),
            hint="Nothing was deleted; repeat the delete.",
        )
    return DataJointError(
        f"Delete blocked: rows of {name} are referred to by rows that appeared meanwhile, or that you cannot see. {said}",
        table=str(name),
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
    try:
        count = connection.execute(statement).rowcount
    except IntegrityError as error:
        raise blocking_children(seed, error) from error
    connection.events.emit(RowsDeleted(table=seed.full_name, count=count))
    return count if get_count else None

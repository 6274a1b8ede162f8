"""``%dj why``: why an expression has no rows, and of work why a key is not computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint.autopopulate import AutoPopulate
from datajoint.expression import QueryExpression
from datajoint.tiers import tier_of
from datajoint_jupyter.display.code import static_text
from datajoint_jupyter.magics.arguments import connection_option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.evaluate import evaluate_query
from datajoint_jupyter.magics.show import show_static
from datajoint_jupyter.magics.work_targets import table_and_conditions
from datajoint_jupyter.work.reasons import job_key, work_reasons

_NAME = "%dj why"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class WhyArguments:
    """The line of ``%dj why``."""

    expression: str = rest("EXPRESSION", "a table restricted to the key that is missed, or an expression that is empty")
    conn: str | None = connection_option()


def why(context: Context, arguments: WhyArguments) -> None:
    """Tell what became of the keys of an imported or computed table; else which condition removed the last rows."""
    there = context.on(arguments.conn)
    found = evaluate_query(arguments.expression, there.workspace, name=_NAME)
    sentences = list(_of_work(arguments.expression, there)) or list(found.value.why().sentences)
    show_static(static_text(found.source, sentences))


def _of_work(text: str, context: Context) -> Iterator[str]:
    """Yield what is known of the keys of ``Table & condition & …``; nothing for anything else."""
    value, given = table_and_conditions(text, context, name=_NAME)
    if not given or not isinstance(value, dj.Table) or not _is_made(value):
        return
    table = context.workspace.implementation(value)
    key: dict[str, Any] = {}
    for condition in given:
        if isinstance(condition, Mapping):
            key |= condition
    names = job_key(table)
    if set(names) <= set(key):
        yield from work_reasons(table, {name: key[name] for name in names}, context.workspace)
        return
    yield from _of_some(table, given, context)


def _of_some(table: dj.Table, conditions: list[Any], context: Context) -> Iterator[str]:
    """Yield what is known of the first candidates that meet conditions and have no row."""
    if not isinstance(table, AutoPopulate):
        return
    try:
        candidates: QueryExpression = table.key_source
        if any(isinstance(one, Mapping) and not set(one) <= set(candidates.heading.names) for one in conditions):
            return  # as below
        for condition in conditions:
            candidates = candidates & condition
        left = candidates.proj() - table.proj()
        count = len(left)
    except dj.DataJointError:
        return  # conditions on what is computed say nothing of keys
    if not count:
        return
    yield f"{count:,} of {len(candidates):,} keys that are to be computed have no row."
    for key in left.keys(limit=_SHOWN, order_by="KEY"):
        yield from work_reasons(table, key, context.workspace)
    if count > _SHOWN:
        yield f"And {count - _SHOWN:,} more: %dj watch shows all."


def _is_made(table: dj.Table) -> bool:
    tier = tier_of(table.table_name)
    return tier is not None and issubclass(tier, AutoPopulate)


COMMAND = Command(
    "why",
    "why an expression has no rows, or a key is not computed",
    WhyArguments,
    why,
    completes="expressions",
    examples=("%dj why Session & {'subject_id': 7}", "%dj why Session * Scan", "%dj why Detection & {'session_id': 3}"),
)

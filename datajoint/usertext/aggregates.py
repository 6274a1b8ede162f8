"""Summaries of many rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from datajoint.sql.fragment import Sql
from datajoint.usertext.arithmetic import rounded_decimal
from datajoint.usertext.comparison import placed
from datajoint.usertext.operand import Builder, Operand
from datajoint.usertext.unify import numeric_type
from datajoint.values.model import FLOAT, INT, TEXT, decimal_type

_INT32 = 2**31 - 1

Summary = Callable[[Builder, str, Operand, bool], Operand]


class OrderKey(NamedTuple):
    """What ``group_concat`` sorts by."""

    operand: Operand
    descending: bool


def count_rows(build: Builder) -> Operand:
    """Return ``count(*)``."""
    return replace(build.make("count rows", type=INT), aggregate=True)


def _distinct(distinct: bool) -> dict[str, str]:
    return {"distinct": "DISTINCT " if distinct else ""}


def _count(build: Builder, _name: str, operand: Operand, distinct: bool) -> Operand:
    if operand.type.kind == "json" and distinct:
        raise build.refused("whole JSON values cannot be counted by difference", "Use a path.")
    return build.make("count", operand, type=INT, nullable=False, words=_distinct(distinct))


def _sum(build: Builder, name: str, operand: Operand, distinct: bool) -> Operand:
    widened = operand.type.kind == "int" and not operand.is_literal  # by the engine itself, without a cast
    number = operand if widened else build.number(operand, f"{name}()")
    if number.type.kind == "decimal":
        total = build.make(
            "sum", number, type=decimal_type(number.type.scale or 0), nullable=True, words=_distinct(distinct)
        )
        return rounded_decimal(build, total)
    if operand.type.kind == "int" and not distinct and (operand.type.high is None or operand.type.high > _INT32):
        return build.make("sum of wide integers", number, type=INT, nullable=True)
    return build.make("sum", number, type=numeric_type((number.type,)), nullable=True, words=_distinct(distinct))


def _avg(build: Builder, name: str, operand: Operand, distinct: bool) -> Operand:
    return build.make("avg", build.double(operand, f"{name}()"), type=FLOAT, nullable=True, words=_distinct(distinct))


def _extreme(build: Builder, name: str, operand: Operand, _is_distinct: bool) -> Operand:
    kind = operand.type.kind
    if kind in {"json", "bytes"}:
        raise build.refused(
            f"{operand.type.text} values have no order for {name}()", "Use a path." if kind == "json" else ""
        )
    if kind in {"bool", "uuid"}:
        return build.make(f"{name} of {kind}s", operand, type=operand.type, nullable=True)
    result = TEXT if kind == "enum" else operand.type
    return build.make(name, placed(build, "<", operand), type=result, nullable=True)


def _spread(operation: str) -> Summary:
    def summary(build: Builder, name: str, operand: Operand, distinct: bool) -> Operand:
        if distinct:
            raise build.refused(f"{name}() has no DISTINCT")
        return build.make(operation, build.double(operand, f"{name}()"), type=FLOAT, nullable=True)

    return summary


def group_concat(
    build: Builder, operand: Operand, separator: str, order: list[OrderKey], *, distinct: bool = False
) -> Operand:
    """Return the texts of all values that are not NULL, one after another; NULL if there are none.

    Raises
    ------
    QuerySyntaxError
        For DISTINCT sorted by something else than the value itself: which of the equal values' places counts?
    """
    text = build.text_of(operand)
    if distinct and any(key.operand.sql != operand.sql for key in order):
        raise build.refused("group_concat(DISTINCT …) can be sorted by the value itself only")
    write = {"mysql": _concat_mysql, "sqlite": _concat_sqlite, "postgres": _concat_postgres}[build.grammar]
    sql = write(build, text, build.literal(separator).sql, order, distinct)
    return Operand(sql, TEXT, nullable=True, aggregate=True)


def _sorting(build: Builder, order: list[OrderKey]) -> Sql:
    if not order:
        return Sql("")
    items: list[Sql] = []
    for operand, descending in order:
        inner = build.wrapped(operand)
        if operand.nullable and build.manners.concatenated_null_is_zero:
            items.append(Sql(inner, " IS NOT NULL DESC" if descending else " IS NOT NULL"))
        items.append(build.backend.ordered(operand.type, inner, nullable=operand.nullable, descending=descending))
    return Sql(" ORDER BY ", Sql.join(", ", items))


def _concat_mysql(build: Builder, text: Operand, separator: Sql, order: list[OrderKey], distinct: bool) -> Sql:
    word = "DISTINCT " if distinct else ""
    return Sql(f"GROUP_CONCAT({word}", text.sql, _sorting(build, order), " SEPARATOR ", separator, ")")


def _concat_sqlite(build: Builder, text: Operand, separator: Sql, order: list[OrderKey], distinct: bool) -> Sql:
    keys: list[Sql] = []
    for key in order:
        item = build.backend.ordered(key.operand.type, build.wrapped(key.operand), nullable=False, descending=False)
        keys += [item, Sql("1" if key.descending else "0")]
    return Sql("dj_group_concat(", Sql.join(", ", [text.sql, separator, Sql("1" if distinct else "0"), *keys]), ")")


def _concat_postgres(build: Builder, text: Operand, separator: Sql, order: list[OrderKey], distinct: bool) -> Sql:
    if not distinct:
        return Sql("string_agg(", text.sql, ", ", separator, _sorting(build, order), ")")
    if not order:
        return Sql("string_agg(DISTINCT ", text.sql, ", ", separator, ")")
    # There DISTINCT sorts by what it yields, and a number's text has another order than the number.
    given = order[0].operand
    value = placed(build, "<", given if given.type.is_number else text)
    direction = " DESC" if order[0].descending else ""
    values = Sql("array_agg(DISTINCT ", value.sql, " ORDER BY ", value.sql, direction, ")")
    missing = Sql(" FILTER (WHERE ", build.wrapped(value), " IS NOT NULL)")
    return Sql("array_to_string(", values, missing, ", ", separator, ")")


SUMMARIES: dict[str, Summary] = {
    "count": _count, "sum": _sum, "avg": _avg, "min": _extreme, "max": _extreme,
    "std": _spread("std"), "stddev": _spread("std"), "stddev_pop": _spread("std"),
    "variance": _spread("variance"), "var_pop": _spread("variance"),
    "stddev_samp": _spread("sample std"), "var_samp": _spread("sample variance"),
}  # fmt: skip


def summarised(build: Builder, name: str, operand: Operand, *, distinct: bool) -> Operand:
    """Return a summary of one operand."""
    return replace(SUMMARIES[name](build, name, operand, distinct), aggregate=True)

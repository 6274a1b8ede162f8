"""The common type of several operands, and each of them as that type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from datajoint.usertext.operand import Builder, Operand
from datajoint.values.compare import compare
from datajoint.values.model import BOOL, FLOAT, INT, TEXT, UNKNOWN, ValueType, decimal_type


class Unified(NamedTuple):
    """Operands that have become one type."""

    operands: tuple[Operand, ...]
    type: ValueType


def unify(build: Builder, operands: Sequence[Operand], what: str) -> Unified:
    """Return the operands as their common type.

    Literals take the type of the others. Numbers and truth values become numbers, dates and datetimes become
    datetimes, everything else that differs becomes text.

    Raises
    ------
    QuerySyntaxError
        For binary or JSON values beside others.
    """
    known = [o for o in operands if not o.is_literal]
    if not known:
        known = [o for o in operands if not o.is_null]
    types = list(dict.fromkeys(o.type for o in known if o.type != UNKNOWN))
    if not types:
        return Unified(tuple(operands), UNKNOWN)
    common = _common(build, types, what)
    common = _with_literals(common, [o for o in operands if o.is_literal and not o.is_null])
    return Unified(tuple(_become(build, o, common) for o in operands), common)


def _common(build: Builder, types: list[ValueType], what: str) -> ValueType:
    kinds = {t.kind for t in types}
    if len(types) == 1 and types[0].kind not in {"char", "enum"}:
        return types[0]
    if kinds in ({"date"}, {"uuid"}, {"bool"}):
        return types[0]
    if kinds <= {"int", "year", "bool", "decimal", "float32", "float64"}:
        return numeric_type(types)
    if kinds <= {"date", "datetime", "timestamp"}:
        return ValueType("datetime", "datetime", core=False, digits=max(t.digits for t in types))
    if kinds == {"time"}:
        return max(types, key=lambda t: t.digits)
    if kinds & {"bytes", "json"}:
        raise build.refused(f"{what} cannot mix {' and '.join(sorted(kinds))}")
    return TEXT


def numeric_type(types: Sequence[ValueType]) -> ValueType:
    """Return the type that can hold numbers of all the types."""
    kinds = {t.kind for t in types}
    if kinds & {"float32", "float64"}:
        return FLOAT
    if "unknown" in kinds:
        return UNKNOWN
    if "decimal" in kinds:
        return decimal_type(max(t.scale or 0 for t in types))
    return INT


def _with_literals(common: ValueType, literals: list[Operand]) -> ValueType:
    """Return the common type, widened where a literal does not fit it."""
    values = [o.literal for o in literals]
    if common.is_number or common.kind == "bool":
        if any(isinstance(v, (str, bytes)) for v in values):
            return TEXT
        if common.kind == "bool":
            return BOOL if all(v in (0, 1) for v in values) else _of_numbers(INT, values)
        return _of_numbers(common, values)
    return TEXT if common.is_text and values else common


def _of_numbers(common: ValueType, values: list[object]) -> ValueType:
    if common.kind == "decimal":
        exact = [v for v in values if isinstance(v, Decimal)]
        scale = max([common.scale or 0, *(-int(v.as_tuple().exponent) for v in exact)])
        return FLOAT if any(isinstance(v, float) for v in values) else decimal_type(scale)
    if any(isinstance(v, (float, Decimal)) for v in values):
        return FLOAT
    return INT if common.kind in {"int", "year"} else common


def _become(build: Builder, operand: Operand, common: ValueType) -> Operand:
    kind = common.kind
    if operand.is_null:
        return operand
    if kind == "bool":
        return build.truth(operand)
    if kind == "float64":
        # Engines that keep the type of each branch would divide whole numbers otherwise.
        return operand if operand.type.kind == "float32" else build.double(operand)
    if kind == "decimal":
        return _as_decimal(build, operand, common)
    if common.is_number:
        return operand if operand.type == common and not operand.is_literal else build.number(operand)
    if common.is_text:
        return operand if operand.type == common and kind not in {"char", "enum"} else build.text_of(operand)
    if operand.is_literal:
        decided = compare(common, "=", operand.literal, infinity=build.backend.dialect.float_infinity)
        return replace(build.bound(common, decided.value), nullable=decided.outcome != "bound")
    if kind in {"datetime", "timestamp"}:
        return build.as_datetime(operand, common.digits)
    if kind == "time":
        return build.more_digits(operand, operand.type.digits, common.digits)
    return operand


def _as_decimal(build: Builder, operand: Operand, common: ValueType) -> Operand:
    scale = common.scale or 0
    if operand.is_literal:
        return build.bound(common, Decimal(operand.literal).quantize(Decimal(1).scaleb(-scale)))
    number = build.number(operand)
    if number.type.kind == "decimal" and number.type.scale == scale:
        return number
    return build.make("decimal of digits", number, type=common, words={"digits": scale})

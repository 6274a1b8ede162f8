"""Numbers: ``+ - * / DIV %``, and dates moved by intervals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from datajoint.usertext.operand import Builder, Operand
from datajoint.usertext.unify import numeric_type
from datajoint.usertext.vocabulary import DAYS
from datajoint.values.model import DATE, FLOAT, INT, UNKNOWN, ValueType, decimal_type

_NAMES = {"+": "addition", "-": "subtraction", "*": "multiplication"}
# An interval is a number of one of these; PostgreSQL knows no quarters.
_MULTIPLES = {"QUARTER": (3, "month")}


def arithmetic(build: Builder, symbol: str, left: Operand, right: Operand) -> Operand:
    """Return ``left symbol right`` for ``+ - *``: exact for integers and decimals, in double precision for others."""
    left, right = build.number(left, _NAMES[symbol]), build.number(right, _NAMES[symbol])
    left, right = _beside(build, left, right), _beside(build, right, left)
    result = numeric_type((left.type, right.type))
    if left.is_null or right.is_null:
        return build.literal(None)
    if result.kind != "decimal":
        return build.infix(symbol, left, right, type=result)
    scales = (left.type.scale or 0, right.type.scale or 0)
    result = decimal_type(sum(scales) if symbol == "*" else max(scales))
    return rounded_decimal(build, build.infix(symbol, left, right, type=result))


def rounded_decimal(build: Builder, operand: Operand) -> Operand:
    """Return a computed decimal, rounded to its digits where the engine computes in double precision."""
    return build.make("round decimal", operand, type=operand.type, words={"digits": operand.type.scale})


def _beside(build: Builder, operand: Operand, other: Operand) -> Operand:
    """Return a literal with a point as a decimal if the other side is one."""
    if isinstance(operand.literal, Decimal) and other.type.kind == "decimal":
        exponent = operand.literal.as_tuple().exponent
        scale = max(0, -exponent) if isinstance(exponent, int) else 0
        return build.bound(decimal_type(scale), operand.literal)
    return operand


def divided(build: Builder, left: Operand, right: Operand) -> Operand:
    """Return ``left / right`` in double precision; NULL where the divisor is 0."""
    left, right = build.double(left, "division"), build.number(right, "division")
    if left.is_null or right.is_null or right.literal == 0:
        return build.literal(None)
    return build.infix("/", left, _not_zero(build, right), type=FLOAT)


def _not_zero(build: Builder, operand: Operand) -> Operand:
    """Return a divisor that is NULL instead of 0."""
    return operand if operand.is_literal else build.make("not zero", operand, type=operand.type, nullable=True)


def whole_quotient(build: Builder, left: Operand, right: Operand) -> Operand:
    """Return ``left DIV right``: towards zero; NULL where the divisor is 0."""
    left, right = build.number(left, "DIV"), build.number(right, "DIV")
    if left.is_null or right.is_null or right.literal == 0:
        return build.literal(None)
    whole = left.type.kind == right.type.kind == "int"
    return build.make("integer quotient" if whole else "fraction quotient", left, _not_zero(build, right), type=INT)


def remainder(build: Builder, left: Operand, right: Operand) -> Operand:
    """Return ``left % right`` with the sign of `left`; NULL where the divisor is 0."""
    left, right = build.number(left, "%"), build.number(right, "%")
    if left.is_null or right.is_null or right.literal == 0:
        return build.literal(None)
    left, right = _beside(build, left, right), _beside(build, right, left)
    result = numeric_type((left.type, right.type))
    right = _not_zero(build, right)
    if result.kind == "int":
        return build.make("integer remainder", left, right, type=INT)
    if result.kind == "decimal":
        return rounded_decimal(build, build.make("decimal remainder", left, right, type=result))
    return build.make("float remainder", left, right, type=result)


def negative(build: Builder, operand: Operand) -> Operand:
    """Return ``-operand``; that of a written number is a written number."""
    number = build.number(operand, "the minus sign")
    if number.is_literal:
        return build.literal(None if number.is_null else -number.literal)
    return build.make("negative", number, type=numeric_type((number.type,)))


def moved(build: Builder, moment: Operand, count: Operand, unit: str, *, back: bool = False) -> Operand:
    """Return a date or datetime moved by `count` units.

    A date moved by days or longer stays a date. The last day of a shorter month is as far as a month goes.

    Raises
    ------
    QuerySyntaxError
        If the operand is no date, or the count no integer.
    """
    moment = build.moment(moment, "an interval is added to what")
    count = build.integer(count, "an interval")
    count = negative(build, count) if back else count
    dated = moment.type.kind == "date"
    whole = unit in DAYS
    result = DATE if dated and whole else _moment_type(moment)
    multiple, word = _MULTIPLES.get(unit, (1, unit.lower()))
    words: dict[str, Any] = {"unit": unit, "count": multiple, "pgunit": word}
    return build.make("date plus" if dated and whole else "datetime plus", moment, count, type=result, words=words)


def _moment_type(moment: Operand) -> ValueType:
    if moment.type.kind == "unknown":
        return UNKNOWN
    return ValueType("datetime", "datetime", core=False, digits=moment.type.digits)

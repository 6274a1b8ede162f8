"""A literal meets an attribute: it takes the attribute's type, or the comparison is decided without asking the engine.

Literals are converted, never cut or rounded (only to float32, because the column holds nothing else). One that lies
between two values which the attribute can hold equals none; for ``<`` and ``>`` the neighbour is sent instead.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Any, Literal, NamedTuple

from datajoint.errors import DataJointError, InvalidTypeError, InvalidValueError
from datajoint.values import accept
from datajoint.values.documents import to_json
from datajoint.values.model import ValueType

Outcome = Literal["bound", "none", "all"]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


class Comparison(NamedTuple):
    """What became of ``attribute operator literal``.

    Attributes
    ----------
    outcome : str
        ``bound``: send `operator` with the canonical `value`. ``none``: no row matches. ``all``: every row whose
        attribute is not NULL matches.
    operator : str
        One of ``=  <>  <  <=  >  >=``; may differ from the one written where the literal lies between values.
    """

    outcome: Outcome
    operator: str = "="
    value: Any = None


_INT32 = (-(2**31), 2**31 - 1)

NONE = Comparison("none")
ALL = Comparison("all")


def compare(value_type: ValueType, operator: str, value: Any, *, infinity: bool = True) -> Comparison:
    """Decide how ``attribute operator value`` is asked.

    Parameters
    ----------
    value_type : ValueType
        Of the attribute.
    operator : str
        ``=  <>  !=  <  <=  >  >=``.
    value : object
        The literal; a missing one (None, NaN, …) matches no row, as NULL does.
    infinity : bool
        Whether the engine's floats can be infinite.

    Raises
    ------
    InvalidValueError, InvalidTypeError
        If the literal cannot be read as the attribute's type.
    DataJointError
        If values of the type have no order and `operator` asks for one.
    """
    operator = "<>" if operator == "!=" else operator
    if operator not in _OPERATORS:
        raise DataJointError(f"{operator!r} is no comparison.", hint="Use one of =  <>  <  <=  >  >=.")
    if accept.is_missing(value_type, value) and not isinstance(value, str):
        return NONE
    return _COMPARERS[value_type.kind](value_type, operator, value, infinity)


def _above(operator: str) -> Comparison:
    """Return the comparison with something greater than every value."""
    return ALL if operator in {"<>", "<", "<="} else NONE


def _below(operator: str) -> Comparison:
    return ALL if operator in {"<>", ">", ">="} else NONE


def _between(operator: str, floor: Any) -> Comparison:
    """Return the comparison with something just above `floor` and below the next value."""
    if operator in {"=", "<>"}:
        return NONE if operator == "=" else ALL
    return Comparison("bound", "<=" if operator in {"<", "<="} else ">", floor)


def _integer(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    if type(value) is int and _INT32[0] <= value <= _INT32[1]:  # within the bounds of every engine
        return Comparison("bound", operator, value)
    number = accept.number(value, value_type)
    if isinstance(number, float) and math.isinf(number):
        return _above(operator) if number > 0 else _below(operator)
    # rows of other programs may go beyond the declared bounds, never beyond the engine's integers
    low, high = (None, None) if value_type.low is None else (-(2**63), max(2**63 - 1, value_type.high or 0))
    exact = Decimal(number)
    if high is not None and exact > high:
        return _above(operator)
    if low is not None and exact < low:
        return _below(operator)
    floor = math.floor(number)
    return Comparison("bound", operator, floor) if floor == number else _between(operator, floor)


def _float64(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:
    number = accept.number(value, value_type)
    try:
        nearest = float(number) + 0.0
    except OverflowError:
        nearest = math.inf if number > 0 else -math.inf
    if math.isinf(nearest):
        return _infinite(operator, nearest, exact=number == nearest, infinity=infinity)
    if isinstance(number, int) and nearest != number:
        floor = nearest if nearest < number else math.nextafter(nearest, -math.inf)
        return _between(operator, floor)
    return Comparison("bound", operator, nearest)


def _float32(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:
    number = accept.number(value, value_type)
    try:
        nearest = accept.as_float32(float(number))
    except OverflowError:
        return _infinite(operator, math.inf if number > 0 else -math.inf, exact=False, infinity=infinity)
    if math.isinf(nearest):
        return _infinite(operator, nearest, exact=number == nearest, infinity=infinity)
    return Comparison("bound", operator, nearest)


def _infinite(operator: str, limit: float, *, exact: bool, infinity: bool) -> Comparison:
    """Compare with infinity, or with something between the greatest finite value and infinity."""
    if not infinity:
        return _above(operator) if limit > 0 else _below(operator)
    if exact:
        return Comparison("bound", operator, limit)
    if operator in {"=", "<>"}:
        return NONE if operator == "=" else ALL
    smaller = operator in {"<", "<="}
    if limit > 0:
        return Comparison("bound", "<" if smaller else ">=", limit)
    return Comparison("bound", "<=" if smaller else ">", limit)


def _decimal(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    exact = accept.as_decimal(accept.number(value, value_type))
    if not exact.is_finite():
        return _above(operator) if exact > 0 else _below(operator)
    scale = value_type.scale or 0
    if value_type.precision is not None:
        limit = Decimal(10) ** (value_type.precision - scale)
        if exact.copy_abs() >= limit:
            return _above(operator) if exact > 0 else _below(operator)
    digits = max(exact.adjusted() + scale + 2, 1)
    floor = exact.quantize(Decimal(1).scaleb(-scale), context=Context(prec=digits, rounding=ROUND_FLOOR))
    floor = floor or floor.copy_abs()
    return Comparison("bound", operator, floor) if floor == exact else _between(operator, floor)


def _bool(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    value = accept.plain(value)
    try:
        literal: Any = accept.acceptor(value_type)(value)
    except InvalidTypeError:
        raise
    except InvalidValueError:
        literal = accept.number(value, value_type)
    holds = [truth for truth in (False, True) if _OPERATORS[operator](truth, literal)]
    if len(holds) == 1:
        return Comparison("bound", "=", holds[0])
    return ALL if holds else NONE


def _text(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    text = accept.as_text(value, value_type)
    if value_type.kind == "char":
        text = text.rstrip(" ")
    position = accept.first_unstorable(text)
    if position < 0:
        return Comparison("bound", operator, text)
    if operator in {"=", "<>"}:
        return NONE if operator == "=" else ALL
    smaller = operator in {"<", "<="}
    if text[position] == "\0":  # no value lies between the text before the NUL and what follows it
        return Comparison("bound", "<=" if smaller else ">", text[:position])
    # in order of code points the next storable character after the surrogates is U+E000
    return Comparison("bound", "<" if smaller else ">=", text[:position] + "\ue000")


def _enum(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    text = accept.as_text(value, value_type)
    if operator in {"=", "<>"}:
        if text in value_type.labels or not value_type.labels:
            return Comparison("bound", operator, text)
        return NONE if operator == "=" else ALL
    holds = [label for label in value_type.labels if _OPERATORS[operator](label, text)]
    if not holds or len(holds) == len(value_type.labels):
        return ALL if holds else NONE
    return Comparison("bound", "<=", max(holds)) if operator in {"<", "<="} else Comparison("bound", ">=", min(holds))


def _date(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    moment = accept.as_moment(value, value_type)
    if moment.time() == dt.time():
        return Comparison("bound", operator, moment.date())
    return _between(operator, moment.date())


def _moment(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    return Comparison("bound", operator, accept.as_moment(value, value_type))


def _time(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    return Comparison("bound", operator, accept.as_duration(value, value_type))


def _uuid(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    return Comparison("bound", operator, accept.as_uuid(value))


def _json(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    if operator not in {"=", "<>"}:
        raise DataJointError(
            "Whole JSON values have no order.", hint="Compare a path, as in {'attribute.path': value}."
        )
    try:
        return Comparison("bound", operator, to_json(value))
    except InvalidTypeError:
        raise
    except InvalidValueError:  # no document can hold it
        return NONE if operator == "=" else ALL


def _bytes(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise InvalidTypeError(
            f"{accept.shown(value)} is of type {type(value).__name__}; {value_type.text} is compared with bytes.",
            value=value,
        )
    return Comparison("bound", operator, bytes(value))


def _unknown(value_type: ValueType, operator: str, value: Any, infinity: bool) -> Comparison:  # noqa: ARG001
    return Comparison("bound", operator, accept.plain(value))


_COMPARERS: dict[str, Callable[[ValueType, str, Any, bool], Comparison]] = {
    "int": _integer, "year": _integer, "float64": _float64, "float32": _float32, "decimal": _decimal, "bool": _bool,
    "char": _text, "varchar": _text, "text": _text, "enum": _enum, "date": _date, "datetime": _moment,
    "timestamp": _moment, "time": _time, "uuid": _uuid, "json": _json, "bytes": _bytes, "unknown": _unknown,
}  # fmt: skip

"""``CAST(x AS type)``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from datajoint.usertext.moments import date_of
from datajoint.usertext.operand import Builder, Operand
from datajoint.values.model import BOOL, DATE, DATETIME, FLOAT, INT, TEXT, ValueType

# The parser's names of types.
_TARGETS = {
    "bigint": "integer", "ubigint": "integer", "int": "integer", "uint": "integer", "smallint": "integer",
    "double": "double", "float": "double", "decimal": "decimal", "char": "text", "varchar": "text", "text": "text",
    "date": "date", "datetime": "datetime", "timestamp": "datetime", "timestamptz": "datetime", "timestampntz": "datetime",
    "boolean": "bool",
}  # fmt: skip
_PRECISION, _SCALE = 10, 0  # of a decimal without numbers, as on MySQL
_MOST_DIGITS = 65


def cast(build: Builder, operand: Operand, target: str, numbers: Sequence[int]) -> Operand:
    """Return an operand as another type.

    Numbers are rounded to integers and to the digits of a decimal. Of a text the number that it begins with counts, 0
    if there is none.

    Raises
    ------
    QuerySyntaxError
        For types that do not turn into one another.
    """
    kind = _TARGETS.get(target)
    if operand.is_null:
        return operand
    match kind:
        case "integer":
            return _to_integer(build, operand)
        case "double":
            return _from_text(build, operand, "text to double", FLOAT) or build.double(operand, "cast")
        case "decimal":
            return _to_decimal(build, operand, *numbers)
        case "text":
            text = build.text_of(operand)
            return build.make("cut text", text, type=TEXT, words={"length": numbers[0]}) if numbers else text
        case "date":
            return _to_moment(build, operand, "to date", DATE)
        case "datetime":
            if numbers and numbers[0] not in {0, operand.type.digits}:
                raise build.refused("a cast cannot change the digits of a second", "Cast to datetime.")
            return _to_moment(build, operand, "to datetime", DATETIME)
        case "bool":
            return replace(build.truth(operand), type=BOOL)
    raise build.refused(f"there is no cast to {target}")


def _from_text(build: Builder, operand: Operand, operation: str, result: ValueType, **words: int) -> Operand | None:
    """Return the number that a text begins with; None for what is no text."""
    if operand.path:
        operand = replace(operand, path=None, type=TEXT)
    if not operand.type.is_text:
        return None
    return build.make(operation, build.text_of(operand), type=result, words=words)


def _to_integer(build: Builder, operand: Operand) -> Operand:
    text = _from_text(build, operand, "text to integer", INT)
    if text is not None:
        return text
    number = build.number(operand, "cast")
    if number.type.kind == "int":
        return number
    return build.make("number to integer" if number.type.kind == "decimal" else "float to integer", number, type=INT)


def _to_decimal(build: Builder, operand: Operand, precision: int = _PRECISION, scale: int = _SCALE) -> Operand:
    if not 0 < precision <= _MOST_DIGITS or scale > precision:
        raise build.refused(f"there is no decimal({precision},{scale})")
    precision = min(precision, build.backend.dialect.exact_decimal_digits)
    result = ValueType("decimal", "decimal", core=False, scale=scale)
    text = _from_text(build, operand, "text to decimal", result, precision=precision, scale=scale)
    if text is not None:
        return text
    number = build.number(operand, "cast")
    return build.make("number to decimal", number, type=result, words={"precision": precision, "scale": scale})


def _to_moment(build: Builder, operand: Operand, operation: str, result: ValueType) -> Operand:
    if operand.is_literal or not operand.type.is_text:
        moment = build.moment(operand, "cast")
        if result == DATE:
            return date_of(build, "cast", (moment,))
        return build.as_datetime(moment, moment.type.digits) if moment.type.kind == "date" else moment
    return build.make(operation, build.text_of(operand), type=result, nullable=True)

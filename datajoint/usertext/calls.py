"""The functions of one row: how each checks its arguments and what it yields."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from datajoint.usertext.arithmetic import remainder
from datajoint.usertext.comparison import compared, is_null, joined, placed
from datajoint.usertext.operand import NO_LITERAL, Builder, Operand
from datajoint.usertext.unify import numeric_type, unify
from datajoint.values.model import FLOAT, INT, TEXT, decimal_type

_PATH = re.compile(r"\w+(\.\w+|\[\d+\])*|\[\d+\](\.\w+|\[\d+\])*")

_MOST_PLACES = 16  # what a double has

Handler = Callable[[Builder, str, Sequence[Operand]], Operand]


class Call(NamedTuple):
    """A function: at least `low` and at most `high` arguments (None: any number)."""

    low: int
    high: int | None
    handler: Handler


# --- numbers
def _float(operation: str, *, nullable: bool | None = None) -> Handler:
    """Return the handler of a function of numbers in double precision."""

    def handler(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
        operands = [build.double(a, f"{name}()") for a in arguments]
        return build.make(operation, *operands, type=FLOAT, nullable=nullable)

    return handler


def _log(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    return _float("ln" if len(arguments) == 1 else "log to base", nullable=True)(build, name, arguments)


def _abs(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    number = build.number(arguments[0], f"{name}()")
    return build.make("abs", number, type=numeric_type((number.type,)))


def _whole(operation: str) -> Handler:
    def handler(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
        number = build.number(arguments[0], f"{name}()")
        if number.type.kind == "int":
            return number
        exact = number.type.kind == "decimal"
        return build.make(f"{operation} to integer" if exact else operation, number, type=INT if exact else FLOAT)

    return handler


def _sign(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    return build.make("sign", build.number(arguments[0], f"{name}()"), type=INT)


def _modulo(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:  # noqa: ARG001 - handlers have one form
    return remainder(build, *arguments)


def _round(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    number = build.number(arguments[0], f"{name}()")
    digits = build.integer(arguments[1], f"{name}()") if len(arguments) > 1 else build.literal(0)
    places = digits.literal if digits.is_literal else None
    kind = number.type.kind
    if kind == "int":
        return number if places is not None and places >= 0 else build.make("round integer", number, digits, type=INT)
    if kind == "decimal":
        scale = number.type.scale or 0
        kept = scale if places is None else max(0, min(places, scale))
        return build.make("round exact", number, digits, type=decimal_type(kept))
    number = build.double(number, f"{name}()")
    if places == 0:
        return build.make("round float", number, type=FLOAT)
    if places is not None and 0 < places < _MOST_PLACES:
        return build.make("round float to places", number, type=FLOAT, words={"places": places})
    return build.make("round float to digits", number, digits, type=FLOAT)


def _extreme(word: str) -> Handler:
    """Return the handler of greatest or least: NULL if any argument is."""

    def handler(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
        operands, common = unify(build, arguments, f"{name}()")
        if any(o.is_null for o in operands):
            return build.literal(None)
        if common.kind in {"json", "bytes", "uuid"}:
            raise build.refused(f"{common.text} values have no order for {name}()")
        operands = tuple(placed(build, "<", o) for o in operands)
        nullable = [o for o in operands if o.nullable]
        extreme = build.listed(word, operands, type=common, nullable=bool(nullable))
        if nullable and build.manners.extremes_skip_null:
            missing = joined(build, " OR ", [is_null(build, o) for o in nullable])
            return build.make("null if", missing, extreme, type=common, nullable=True)
        return extreme

    return handler


# --- text
def _text(operation: str, kinds: str, result: Any = TEXT, *, nullable: bool | None = None) -> Handler:
    """Return the handler of a function whose arguments are texts (``t``) and integers (``i``)."""

    def handler(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
        operands = [
            build.text(a, f"{name}()") if kind == "t" else build.integer(a, f"{name}()")
            for a, kind in zip(arguments, kinds, strict=False)
        ]
        return build.make(operation, *operands, type=result, nullable=nullable)

    return handler


def concatenated(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    """Return the texts of the arguments one after another; NULL if any is."""
    operands = [build.text(a, f"{name}()") for a in arguments]
    if any(o.is_null for o in operands):
        return build.literal(None)
    return build.listed("concat", operands, type=TEXT, nullable=any(o.nullable for o in operands))


def _replace(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    operation = "replace by null" if arguments[2].nullable else "replace"
    return _text(operation, "ttt")(build, name, arguments)


def _byte_length(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    operand = arguments[0] if arguments[0].type.kind == "bytes" else build.text(arguments[0], f"{name}()")
    return build.make("byte length", operand, type=INT)


def substring(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    """Return a part of a text: positions count from 1, negative ones from the end, 0 is nowhere."""
    text = build.text(arguments[0], f"{name}()")
    start = build.integer(arguments[1], f"{name}()")
    front = isinstance(start.literal, int) and start.literal > 0
    length = build.integer(arguments[2], f"{name}()") if len(arguments) > 2 else None  # noqa: PLR2004 - text, start, length
    if front and length is not None and isinstance(length.literal, int) and length.literal >= 0:
        return build.make("middle", text, start, length, type=TEXT)
    result = build.make("rest from the front" if front else "rest", text, start, type=TEXT)
    return result if length is None else _head(build, name, (result, length))


def _head(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    text, length = build.text(arguments[0], f"{name}()"), build.integer(arguments[1], f"{name}()")
    simple = isinstance(length.literal, int) and length.literal >= 0
    return build.make("first characters" if simple else "head", text, length, type=TEXT)


def _pad(operation: str) -> Handler:
    def handler(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
        filling = arguments[2] if len(arguments) > 2 else build.literal(" ")  # noqa: PLR2004 - the third is optional
        return _text(operation, "tit", nullable=True)(build, name, [*arguments[:2], filling])

    return handler


def trimmed(build: Builder, side: str, text: Operand, removed: Operand | None) -> Operand:
    """Return a text without the blanks, or a given character, at its ends.

    Raises
    ------
    QuerySyntaxError
        For more than one character to remove: engines differ in what that means.
    """
    operation = {"BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}[side]
    text = build.text(text, f"{operation}()")
    if removed is None:
        return build.make(operation, text, type=TEXT)
    if not isinstance(removed.literal, str) or len(removed.literal) != 1:
        raise build.refused("trim() removes one character, written out")
    return build.make(f"{operation} of", text, removed, type=TEXT)


def _trim(side: str) -> Handler:
    return lambda build, _name, arguments: trimmed(build, side, arguments[0], None)


def _instr(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    return _text("position", "tt", INT)(build, name, arguments[::-1])


# --- choices
def chosen(build: Builder, condition: Operand, then: Operand, otherwise: Operand) -> Operand:
    """Return one of two values."""
    branches, common = unify(build, (then, otherwise), "if()")
    condition = build.truth(condition)
    nullable = any(b.nullable for b in branches)
    return build.make("if", condition, *branches, type=common, nullable=nullable)


def _if(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:  # noqa: ARG001 - handlers have one form
    return chosen(build, *arguments)


def _coalesce(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    operands, common = unify(build, arguments, f"{name}()")
    if len(operands) == 1:
        return operands[0]
    return build.listed("coalesce", operands, type=common, nullable=all(o.nullable for o in operands))


def _nullif(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:  # noqa: ARG001 - handlers have one form
    value, other = arguments
    plain = replace(value, literal=NO_LITERAL)
    equal = compared(build, "=", plain, other)
    if equal.literal is False or equal.is_null:
        return value
    return build.make("null if", equal, plain, type=value.type, nullable=True)


def _isnull(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:  # noqa: ARG001 - handlers have one form
    return is_null(build, arguments[0])


def _json_value(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    document, path = arguments
    if not isinstance(path.literal, str):
        raise build.refused(f"{name}() takes a path that is written out")
    return json_path(build, document, path.literal)


def json_path(build: Builder, document: Operand, written: str | int) -> Operand:
    """Return the value at a path of a JSON attribute, as text; compared with a number, as a number.

    Paths are ``$.a.b[0]``, or one step: a key or an index.
    """
    base, stem = document.path or (document.sql, "")
    if document.path is None and document.type.kind not in {"json", "unknown"}:
        raise build.refused(f"paths lead into json, not {document.type.text}")
    step = f"[{written}]" if isinstance(written, int) else written.removeprefix("$")
    path = (stem + (step if step.startswith((".", "[")) else f".{step}")).removeprefix(".")
    if not _PATH.fullmatch(path):
        raise build.refused(f"{written!r} is no path into JSON", "Write '$.name.other[0]'.")
    return build.text_at(replace(document, sql=base), path)


def _unquote(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    if arguments[0].path is None:
        raise build.refused(f"{name}() takes a path into JSON")
    return arguments[0]


CALLS: dict[str, Call] = {
    "abs": Call(1, 1, _abs), "ceil": Call(1, 1, _whole("ceil")), "ceiling": Call(1, 1, _whole("ceil")),
    "floor": Call(1, 1, _whole("floor")), "sign": Call(1, 1, _sign), "round": Call(1, 2, _round),
    "sqrt": Call(1, 1, _float("sqrt", nullable=True)), "exp": Call(1, 1, _float("exp")),
    "pow": Call(2, 2, _float("pow")), "power": Call(2, 2, _float("pow")), "mod": Call(2, 2, _modulo),
    "ln": Call(1, 1, _float("ln", nullable=True)), "log": Call(1, 2, _log),
    "log2": Call(1, 1, _float("log2", nullable=True)), "log10": Call(1, 1, _float("log10", nullable=True)),
    "greatest": Call(2, None, _extreme("greatest")), "least": Call(2, None, _extreme("least")),
    "concat": Call(1, None, concatenated),
    "length": Call(1, 1, _byte_length), "octet_length": Call(1, 1, _byte_length),
    "char_length": Call(1, 1, _text("length", "t", INT)), "character_length": Call(1, 1, _text("length", "t", INT)),
    "substr": Call(2, 3, substring), "mid": Call(3, 3, substring),
    "left": Call(2, 2, _head), "right": Call(2, 2, _text("tail", "ti")),
    "upper": Call(1, 1, _text("upper", "t")), "ucase": Call(1, 1, _text("upper", "t")),
    "lower": Call(1, 1, _text("lower", "t")), "lcase": Call(1, 1, _text("lower", "t")),
    "ltrim": Call(1, 1, _trim("LEADING")), "rtrim": Call(1, 1, _trim("TRAILING")),
    "replace": Call(3, 3, _replace), "reverse": Call(1, 1, _text("reverse", "t")),
    "lpad": Call(2, 3, _pad("lpad")), "rpad": Call(2, 3, _pad("rpad")),
    "locate": Call(2, 2, _text("position", "tt", INT)), "position": Call(2, 2, _text("position", "tt", INT)),
    "instr": Call(2, 2, _instr),
    "if": Call(3, 3, _if), "ifnull": Call(2, 2, _coalesce), "coalesce": Call(1, None, _coalesce),
    "nullif": Call(2, 2, _nullif), "isnull": Call(1, 1, _isnull),
    "json_value": Call(2, 2, _json_value), "json_extract": Call(2, 2, _json_value), "json_unquote": Call(1, 1, _unquote),
}  # fmt: skip

"""Read the text of a type: declared ones, and those that a catalog reports."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from functools import lru_cache

from datajoint.errors import DefinitionError
from datajoint.values.model import UNKNOWN, Kind, ValueType

_FORM = re.compile(r"([a-z_][a-z0-9_]*)\s*(?:\((.*)\))?\s*([a-z_ \t]*)", re.IGNORECASE | re.DOTALL)
_LABEL = re.compile(r"""\s*(?:'((?:[^'\\]|''|\\.)*)'|"((?:[^"\\]|""|\\.)*)")\s*(,|$)""", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "Z": "\x1a"}
_NUMBERS = re.compile(r"\s*(\d+)\s*(?:,\s*(\d+)\s*)?")

_MAX_DIGITS = 6
_MAX_SCALE, _MAX_PRECISION = 30, 65

_CORE_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}
_NATIVE_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "bigint": 64}
_PLAIN_CORE: dict[str, Kind] = {
    "float32": "float32", "float64": "float64", "bool": "bool", "uuid": "uuid", "json": "json", "jsonb": "json",
    "bytes": "bytes", "date": "date",
}  # fmt: skip
_NATIVE_FLOATS: dict[str, Kind] = {"float": "float32", "double": "float64", "real": "float64"}
_NATIVE_BYTES = {"tinyblob": 255, "blob": 65_535, "mediumblob": 2**24 - 1, "longblob": None}
_NATIVE_TEXTS = {"tinytext": 255, "text": 65_535, "mediumtext": 2**24 - 1, "longtext": None}

_HINTS = {
    **{f"uint{n}": f"Use int{min(2 * n, 64)}, or the native {name} unsigned."
       for n, name in ((8, "tinyint"), (16, "smallint"), (32, "int"), (64, "bigint"))},
    "boolean": "Use bool.",
    "string": "Use varchar(n) with the greatest number of characters.",
    "str": "Use varchar(n) with the greatest number of characters.",
    "varchar": "Give the greatest number of characters, as in varchar(100).",
    "char": "Give the number of characters, as in char(8).",
    "decimal": "Give both numbers, as in decimal(8,2).",
    "binary": "Use bytes, or uuid for 16 bytes.",
    "varbinary": "Use bytes.",
    "timestamptz": "Use datetime and store UTC.",
    "smallblob": "Use blob.",
    "smalltext": "Use text.",
    "set": "Use a part table with one row for each member.",
    "bigserial": "Use bigint auto_increment.",
}  # fmt: skip
_NAMES = (*_CORE_BITS, *_PLAIN_CORE, "datetime", "char", "varchar", "enum", "decimal", *_NATIVE_BITS, *_NATIVE_FLOATS,
          *_NATIVE_BYTES, *_NATIVE_TEXTS, "time", "timestamp", "year", "numeric", "serial")  # fmt: skip


@lru_cache(maxsize=4096)
def parse_type(text: str) -> ValueType:
    """Return the type that `text` names.

    Core types, then the native types that definitions may use. Case and blanks do not matter; `ValueType.text` is
    the normalised spelling.

    Parameters
    ----------
    text : str
        Such as ``int16``, ``enum('a','b')``, ``int unsigned auto_increment``. Codec types are not read here.

    Raises
    ------
    DefinitionError
        For anything else, with a hint where one can be guessed.
    """
    form = _FORM.fullmatch(text.strip())
    if form:
        name, modifiers = form[1].lower(), tuple(form[3].lower().split())
        for read in _READERS:
            found = read(text, name, form[2], modifiers)
            if found is not None:
                return found
    raise _unsupported(text, form[1].lower() if form else "")


@lru_cache(maxsize=4096)
def parse_stored_type(text: str) -> ValueType:
    """Return the type of a column as a catalog spells it; one that no definition can say is ``unknown``.

    A binary column without a marker of its own holds bytes.
    """
    try:
        return parse_type(text)
    except DefinitionError:
        form = _FORM.fullmatch(text.strip())
        if form and form[1].lower() in {"binary", "varbinary"}:
            return ValueType("bytes", text, core=False, length=int(form[2]) if form[2] else None)
        return ValueType(UNKNOWN.kind, text, core=False)


def integer_type(
    text: str, bits: int, *, unsigned: bool = False, core: bool = True, auto_increment: bool = False
) -> ValueType:
    """Return an integer type of `bits` bits."""
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return ValueType("int", text, core, low=low, high=high, auto_increment=auto_increment)


def _unsupported(text: str, name: str) -> DefinitionError:
    hint = _HINTS.get(name)
    if hint is None:
        near = difflib.get_close_matches(name, _NAMES, 1)
        hint = f"Did you mean {near[0]}?" if near and near[0] != name else "See the list of types in the documentation."
    return DefinitionError(f"Unsupported attribute type {text.strip()[:80]!r}.", hint=hint)


def _numbers(text: str, arguments: str | None) -> tuple[int | None, int | None]:
    """Return up to two numbers in parentheses."""
    if arguments is None:
        return None, None
    match = _NUMBERS.fullmatch(arguments)
    if not match:
        raise _unsupported(text, "")
    return int(match[1]), int(match[2]) if match[2] else None


def _digits(text: str, arguments: str | None) -> int:
    first, second = _numbers(text, arguments)
    if second is not None or (first or 0) > _MAX_DIGITS:
        raise DefinitionError(
            f"Unsupported attribute type {text.strip()!r}.", hint="Fractions of a second have 0 to 6 digits."
        )
    return first or 0


def _plain(_text: str, name: str, arguments: str | None, modifiers: tuple[str, ...]) -> ValueType | None:
    if arguments is not None or modifiers:
        return None
    if name in _CORE_BITS:
        return integer_type(name, _CORE_BITS[name])
    if name in _PLAIN_CORE:
        kind = _PLAIN_CORE[name]
        return ValueType(kind, kind)
    return None


def _text(text: str, name: str, arguments: str | None, modifiers: tuple[str, ...]) -> ValueType | None:
    if name == "enum" and arguments is not None and not modifiers:
        labels = read_labels(text, arguments)
        quoted = ",".join("'" + label.replace("\\", "\\\\").replace("'", "''") + "'" for label in labels)
        return ValueType("enum", f"enum({quoted})", labels=labels)
    if name in {"char", "varchar"} and arguments is not None and not modifiers:
        length, second = _numbers(text, arguments)
        if second is not None or not length:
            raise _unsupported(text, name)
        return ValueType("char" if name == "char" else "varchar", f"{name}({length})", length=length)
    if name in _NATIVE_TEXTS and arguments is None and not modifiers:
        return ValueType("text", name, core=False, length=_NATIVE_TEXTS[name])
    if name in _NATIVE_BYTES and arguments is None and not modifiers:
        return ValueType("bytes", name, core=False, length=_NATIVE_BYTES[name])
    return None


def _temporal(text: str, name: str, arguments: str | None, modifiers: tuple[str, ...]) -> ValueType | None:
    if modifiers:
        return None
    if name == "year":
        return ValueType("year", "year", core=False, low=0, high=2155)
    if name in {"datetime", "time", "timestamp"}:
        digits = _digits(text, arguments)
        spelled = name if arguments is None else f"{name}({digits})"
        kind: Kind = "datetime" if name == "datetime" else "time" if name == "time" else "timestamp"
        return ValueType(kind, spelled, core=name == "datetime", digits=digits)
    return None


def _decimal(text: str, name: str, arguments: str | None, modifiers: tuple[str, ...]) -> ValueType | None:
    if name not in {"decimal", "numeric", "dec", "fixed"} or not set(modifiers) <= {"unsigned", "zerofill"}:
        return None
    if name == "decimal" and arguments is None:
        raise _unsupported(text, name)
    precision, scale = _numbers(text, arguments)
    core = name == "decimal" and scale is not None and not modifiers
    precision, scale = precision or 10, scale or 0
    if precision > _MAX_PRECISION or scale > min(precision, _MAX_SCALE):
        raise DefinitionError(
            f"Unsupported attribute type {text.strip()!r}.",
            hint=f"decimal(m,n) takes up to {_MAX_PRECISION} digits, n of them after the point, n up to {_MAX_SCALE} and m.",
        )
    unsigned = bool(modifiers)
    spelled = f"decimal({precision},{scale})" + "".join(" " + m for m in modifiers)
    return ValueType("decimal", spelled, core, precision=precision, scale=scale, low=0 if unsigned else None)


def _native_number(text: str, name: str, arguments: str | None, modifiers: tuple[str, ...]) -> ValueType | None:
    if name == "serial" and arguments is None and not modifiers:
        return integer_type("serial", 32, core=False, auto_increment=True)
    if name in _NATIVE_BITS and set(modifiers) <= {"unsigned", "signed", "zerofill", "auto_increment"}:
        _numbers(text, arguments)  # a display width means nothing, but must be a number
        name = "int" if name == "integer" else name
        kept = [m for m in modifiers if m != "signed"]
        return integer_type(
            " ".join([name, *kept]), _NATIVE_BITS[name], unsigned="unsigned" in kept or "zerofill" in kept,
            core=False, auto_increment="auto_increment" in kept,
        )  # fmt: skip
    if name in _NATIVE_FLOATS and set(modifiers) <= {"unsigned", "zerofill"}:
        numbers = [n for n in _numbers(text, arguments) if n is not None]
        spelled = name + (f"({','.join(map(str, numbers))})" if numbers else "")
        return ValueType(
            _NATIVE_FLOATS[name], " ".join([spelled, *modifiers]), core=False, low=0 if modifiers else None
        )  # fmt: skip
    return None


_READERS: tuple[Callable[[str, str, str | None, tuple[str, ...]], ValueType | None], ...] = (
    _plain, _text, _temporal, _decimal, _native_number,
)  # fmt: skip


def read_labels(text: str, arguments: str) -> tuple[str, ...]:
    """Return the labels of an enum from the text between its parentheses.

    Labels are quoted with ``'`` or ``"``, doubled or after a backslash inside; commas, colons and anything else may
    stand in them.

    Raises
    ------
    DefinitionError
        If the list is empty, has duplicates, or cannot be read.
    """
    labels: list[str] = []
    position = 0
    while True:
        match = _LABEL.match(arguments, position)
        if not match:
            raise DefinitionError(
                f"The labels of {text.strip()[:80]!r} cannot be read.", hint="Write them as in enum('left','right')."
            )
        single, double, separator = match.groups()
        label = single.replace("''", "'") if single is not None else double.replace('""', '"')
        labels.append(re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), label, flags=re.DOTALL))
        position = match.end()
        if separator != ",":
            break
    if len(set(labels)) < len(labels):
        raise DefinitionError(f"{text.strip()[:80]!r} has the same label twice.", hint="Remove one of them.")
    return tuple(labels)

"""Paths into JSON attributes, ``attribute.a.b[0]:type``: what they may be and what their types mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from datajoint.errors import QuerySyntaxError
from datajoint.values.model import DATE, DATETIME, FLOAT, INT, TEXT, ValueType, decimal_type

_STEP = re.compile(r"\.?(?P<name>\w+)|\[(?P<index>\d+)\]")
_PATH = re.compile(r"(?:\w+|\[\d+\])(?:\.\w+|\[\d+\])*")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NUMERIC = "^ *[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)? *$"
"""What a text must look like to be read as a number, as engines' regular expressions write it."""

_CAST = re.compile(r"\s*(\w+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*(?:integer)?\s*", re.IGNORECASE)

MOMENT = (
    r"^([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?(Z|[+]00:00)?)?)?$"
)
"""As above, to be read as a date with an optional time: its first 10 or 19 characters."""

Family = Literal["int", "float", "decimal", "text", "date", "datetime"]


class CastType(NamedTuple):
    """A type that a JSON value is read as.

    `text` is the normalised spelling, as MySQL has it; `low` and `high` bound integers, `limit` decimals.

    A value that cannot be read as the type, or does not fit it, is NULL; integers are rounded, truth values are 1 and 0.
    """

    family: Family
    text: str
    value_type: ValueType
    low: int = -(2**63)
    high: int = 2**63 - 1
    limit: int | None = None


_PLAIN = {
    "unsigned": CastType("int", "unsigned", INT, 0, 2**64 - 1), "signed": CastType("int", "signed", INT),
    "int": CastType("int", "signed", INT), "integer": CastType("int", "signed", INT),
    "bigint": CastType("int", "signed", INT), "smallint": CastType("int", "signed", INT),
    "double": CastType("float", "double", FLOAT), "float": CastType("float", "double", FLOAT),
    "real": CastType("float", "double", FLOAT), "float64": CastType("float", "double", FLOAT),
    "date": CastType("date", "date", DATE), "datetime": CastType("datetime", "datetime", DATETIME),
    "timestamp": CastType("datetime", "datetime", DATETIME),
    "char": CastType("text", "char", TEXT), "varchar": CastType("text", "char", TEXT), "text": CastType("text", "char", TEXT),
}  # fmt: skip


def read_path(path: str, *, escaped: bool = False) -> str:
    """Return the path as SQL/JSON writes it, from ``$``; names that need it are quoted.

    Engines that keep JSON as text compare names as they are written, and `datajoint.values.documents` writes
    characters beyond ASCII as escapes: for them they are `escaped` here too.

    Raises
    ------
    QuerySyntaxError
        If it is none. What passes consists of names and numbers and may stand in a statement.
    """
    steps = ["$"]
    for step in _steps(path):
        name = step["name"]
        if name is None:
            steps.append(f"[{step['index']}]")
        else:
            quoted = json.dumps(name) if escaped else f'"{name}"'
            steps.append(f".{name if _PLAIN_NAME.fullmatch(name) else quoted}")
    return "".join(steps)


def _steps(path: str) -> Iterator[re.Match[str]]:
    if not _PATH.fullmatch(path):
        raise QuerySyntaxError(f"{path!r} is no JSON path.", hint="Write it as in a.b[0].c.")
    return _STEP.finditer(path)


def path_steps(path: str) -> list[str]:
    """Return the names and numbers of a path one by one."""
    return [step["name"] or step["index"] for step in _steps(path)]


def read_cast(text: str) -> CastType:
    """Return the type that is written after a path.

    Raises
    ------
    QuerySyntaxError
        If there is no such type.
    """
    match = _CAST.fullmatch(text)
    if match:
        name, first, second = match.groups()
        if name.lower() in {"decimal", "numeric"}:
            precision, scale = int(first or 10), int(second or 0)
            return CastType(
                "decimal", f"decimal({precision}, {scale})", decimal_type(scale), limit=10 ** (precision - scale)
            )
        if name.lower() in _PLAIN:
            return _PLAIN[name.lower()]
    raise QuerySyntaxError(
        f"{text!r} is no type of a JSON path.",
        hint="Use unsigned, signed, double, decimal(m,n), char, date or datetime.",
    )

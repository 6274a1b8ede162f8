"""The type of a value: one frozen description for declared attributes and for computed ones.

A type decides how a Python value is taken in, bound, compared and given back; the engine's column only carries it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "int", "float32", "float64", "decimal", "bool", "char", "varchar", "text", "enum", "date", "datetime", "timestamp",
    "time", "year", "uuid", "json", "bytes", "unknown",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ValueType:
    """A type of values.

    Attributes
    ----------
    kind : str
        The family. ``unknown`` is delivered as the driver gives it.
    text : str
        The normalised spelling, such as ``int16``, ``varchar(20)``, ``enum('a','b')``, ``int unsigned``.
    core : bool
        Whether it is a core type, recorded in the column's comment, rather than a native one.
    length : int or None
        Code points of ``char`` and ``varchar``; bytes of native texts and blobs; None for no limit.
    precision, scale : int or None
        Of ``decimal(precision, scale)``.
    digits : int
        Fractional digits of a second of date and time types.
    labels : tuple of str
        Members of an ``enum`` in order of declaration.
    low, high : int or None
        Bounds of an integer.
    auto_increment : bool
    enum_type, collation : str or None
        Of a stored column: the engine's own type behind an enum, and ``CHARACTER SET … COLLATE …``, where the engine
        has such; no part of what the values are.
    """

    kind: Kind
    text: str
    core: bool = True
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    digits: int = 0
    labels: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    auto_increment: bool = False
    enum_type: str | None = field(default=None, compare=False)
    collation: str | None = field(default=None, compare=False)

    def holds_same(self, other: ValueType) -> bool:
        """Tell whether columns of both types hold the same values, however the types are spelt."""
        return self is other or (
            self.kind == other.kind
            and self.length == other.length
            and self.precision == other.precision
            and self.scale == other.scale
            and self.digits == other.digits
            and self.labels == other.labels
            and self.low == other.low
            and self.high == other.high
        )

    @property
    def is_number(self) -> bool:
        """Whether values are numbers (``bool`` is none)."""
        return self.kind in {"int", "float32", "float64", "decimal", "year"}

    @property
    def is_text(self) -> bool:
        """Whether values are ``str``."""
        return self.kind in {"char", "varchar", "text", "enum"}

    @property
    def is_temporal(self) -> bool:
        """Whether values are dates or times."""
        return self.kind in {"date", "datetime", "timestamp", "time"}


# Types of computed attributes, inferred by the compiler of users' expressions.
INT = ValueType("int", "int", core=False)
FLOAT = ValueType("float64", "float64", core=False)
BOOL = ValueType("bool", "bool", core=False)
TEXT = ValueType("text", "text", core=False)
DATE = ValueType("date", "date", core=False)
DATETIME = ValueType("datetime", "datetime", core=False)
UNKNOWN = ValueType("unknown", "expression", core=False)


def decimal_type(scale: int) -> ValueType:
    """Return the type of a computed decimal with `scale` digits after the point."""
    return ValueType("decimal", "decimal", core=False, scale=scale)

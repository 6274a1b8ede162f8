"""SQL as a value: text, identifiers and bound parameters, rendered once for the engine in use.

User data is never text. It enters a statement only as an `Identifier` (quoted by the dialect) or a
`Parameter` (bound by the driver).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol


class Identifier(NamedTuple):
    """A name: ``Identifier(("column",))`` or, of a table, ``Identifier(("schema", "table"))``."""

    parts: tuple[str, ...]


class Parameter(NamedTuple):
    """A value bound by the driver; already in the form that the driver takes."""

    value: Any


class Statement(NamedTuple):
    """`Sql` rendered for an engine: its text, and the values to bind in the driver's form."""

    text: str
    values: list[Any]


class Quoting(Protocol):
    """What rendering needs to know of a dialect."""

    @property
    def placeholder(self) -> str:
        """Return what stands for a bound value."""

    def quote(self, identifier: Identifier) -> str:
        """Return the identifier as the engine writes it."""

    def literal(self, value: Any) -> str:
        """Return a driver's value as the engine writes it, for reading."""


Part = str | Identifier | Parameter


class Sql:
    """An immutable piece of SQL.

    ``Sql("now()")`` is verbatim text for the engine in use; it may be given wherever a condition or an expression
    is expected, and is passed on without any check. Pieces are joined with ``+`` and `Sql.join`.

    Parameters
    ----------
    *parts : str, Identifier, Parameter or Sql
        Text is taken verbatim.

    Raises
    ------
    TypeError
        For a part of another type.

    Examples
    --------
    >>> Sql("SELECT ", Identifier(("a",)), " + ", Parameter(1))
    Sql('SELECT `a` + ?')
    """

    __slots__ = ("parts",)
    parts: tuple[Part, ...]

    def __init__(self, *parts: Part | Sql) -> None:
        # Statements are made of dozens of pieces: exact types are told apart three times as fast as by isinstance.
        flat: list[Part] = []
        for part in parts:
            kind = type(part)
            if kind is Sql:
                flat += part.parts  # type: ignore[union-attr]
            elif kind is str or kind is Identifier or kind is Parameter:
                flat.append(part)  # type: ignore[arg-type]
            elif isinstance(part, Sql):
                flat += part.parts
            elif isinstance(part, (str, Identifier, Parameter)):
                flat.append(part)
            else:
                raise TypeError(f"Sql takes text, Identifier, Parameter or Sql, not {type(part).__name__}.")
        _set_parts(self, tuple(flat))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Sql is immutable")

    def __add__(self, other: Sql | str) -> Sql:
        return Sql(self, other)

    def __radd__(self, other: str) -> Sql:
        return Sql(other, self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sql) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __bool__(self) -> bool:
        return bool(self.parts)

    @staticmethod
    def join(separator: str, items: Iterable[Sql | Identifier | Parameter]) -> Sql:
        """Put `separator` between `items`."""
        parts: list[Part] = []
        for item in items:
            if parts:
                parts.append(separator)
            if isinstance(item, Sql):
                parts.extend(item.parts)
            else:
                parts.append(item)
        return Sql(*parts)

    @property
    def parameters(self) -> list[Any]:
        """The bound values in order."""
        return [part.value for part in self.parts if isinstance(part, Parameter)]

    def render(self, dialect: Quoting) -> Statement:
        """Return the statement's text and the values to bind.

        With ``%s`` placeholders a percent sign of the text is doubled when there are values, because the driver
        then formats the text.
        """
        values = self.parameters
        placeholder, quote = dialect.placeholder, dialect.quote
        double = placeholder == "%s" and bool(values)
        text: list[str] = []
        for part in self.parts:
            if isinstance(part, Parameter):
                text.append(placeholder)
                continue
            written = quote(part) if isinstance(part, Identifier) else part
            text.append(written.replace("%", "%%") if double and "%" in written else written)
        return Statement("".join(text), values)

    def inlined(self, dialect: Quoting) -> str:
        """Return the statement with its values written out, for people to read and run; never to be executed by us."""
        return "".join(
            part
            if isinstance(part, str)
            else dialect.quote(part)
            if isinstance(part, Identifier)
            else dialect.literal(part.value)
            for part in self.parts
        )

    def __repr__(self) -> str:
        shown = (
            part if isinstance(part, str) else "`" + ".".join(part.parts) + "`" if isinstance(part, Identifier) else "?"
            for part in self.parts
        )
        return f"Sql({''.join(shown)!r})"


# `Sql` refuses assignment; its own constructor writes through the slot.
_set_parts = Sql.__dict__["parts"].__set__


def column(name: str) -> Identifier:
    """Return the identifier of a column."""
    return Identifier((name,))

"""The doors: conditions, expressions, orders. The parser is loaded behind them, when a text first needs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from datajoint.errors import InvalidValueError
from datajoint.usertext.compile import Compiler
from datajoint.usertext.faults import unknown_attribute, unreadable
from datajoint.usertext.fragment import Column, OrderTerm, UserFragment, parts_with_holes
from datajoint.usertext.names import find_name
from datajoint.usertext.operand import ATOM, Builder, Operand
from datajoint.values.accept import first_unstorable

if TYPE_CHECKING:
    from datajoint.backends.base import Backend
    from datajoint.heading import Attribute

# An order item that needs no parser: a name, perhaps quoted, and perhaps a direction.
_PLAIN_ITEM = re.compile(
    r'\s*(?:(?P<name>(?!\d+\b)\w+)|`(?P<ticked>[^`]+)`|"(?P<quoted>[^"]+)")'
    r"(?:\s+(?P<way>asc|desc))?(?:\s+nulls\s+(?P<nulls>first|last))?\s*",
    re.IGNORECASE,
)
_DIRECTION = re.compile(
    r"(?:(?<=[\s)])(?P<way>asc|desc)\b)?\s*(?:\bnulls\s+(?P<nulls>first|last))?\s*\Z", re.IGNORECASE
)


def compile_condition(text: str, attributes: Mapping[str, Attribute], backend: Backend) -> UserFragment:
    """Compile a condition such as ``"weight > 3 and name like 'm%'"``.

    Parameters
    ----------
    text : str
        One expression in SQL with MySQL's meaning; a number alone means that it is not zero.
    attributes : mapping of str to Attribute
        What it may refer to, in any case of letters where that leaves no doubt; hidden attributes too.
    backend : Backend
        The engine to write for.

    Returns
    -------
    UserFragment
        A boolean; `constant` is set if it is the same for every row.

    Raises
    ------
    QuerySyntaxError
        If the text is no expression of the vocabulary, names an unknown function, or mixes types that do not meet.
    UnknownAttributeError
        If a name is no attribute.
    InvalidValueError
        If a literal cannot be read as the type of the attribute that it meets.

    Examples
    --------
    >>> from datajoint.backends import get_backend
    >>> from datajoint.heading import Attribute
    >>> from datajoint.values.model import INT
    >>> attributes = {"a": Attribute("a", value_type=INT)}
    >>> compile_condition("a > 3 or a = 1", attributes, get_backend("sqlite")).names
    frozenset({'a'})
    """
    build = Builder(text, backend)
    compiler = Compiler(build, attributes, aggregates=False)
    return _fragment(build.truth(_compiled(text, attributes, compiler, backend)), compiler)


def compile_expression(
    text: str, attributes: Mapping[str, Attribute], backend: Backend, *, aggregates: bool = False
) -> UserFragment:
    """Compile the expression of a computed attribute, or with `aggregates` of a summary.

    Parameters and errors are those of `compile_condition`.

    Examples
    --------
    >>> from datajoint.backends import get_backend
    >>> from datajoint.heading import Attribute
    >>> from datajoint.values.model import INT
    >>> attributes = {"a": Attribute("a", value_type=INT)}
    >>> compile_expression("avg(a)", attributes, get_backend("sqlite"), aggregates=True).value_type.text
    'float64'
    """
    compiler = Compiler(Builder(text, backend), attributes, aggregates=aggregates)
    return _fragment(_compiled(text, attributes, compiler, backend), compiler)


def compile_order(text: str, attributes: Mapping[str, Attribute], backend: Backend) -> tuple[OrderTerm, ...]:
    """Compile an order such as ``"a DESC, b"``.

    An item is an attribute's name, reserved words included, or an expression, then perhaps ``ASC`` or ``DESC``, then
    perhaps ``NULLS FIRST`` or ``NULLS LAST``.

    Raises
    ------
    QuerySyntaxError, UnknownAttributeError, InvalidValueError
        As `compile_condition` does.
    """
    terms: list[OrderTerm] = []
    for start, item in _items(text):
        plain = _PLAIN_ITEM.fullmatch(item)
        if plain:
            word = plain["name"] or plain["ticked"] or plain["quoted"]
            name = find_name(word, attributes)
            if name is None:
                raise unknown_attribute(text, start + item.index(word), word, attributes)
            terms.append(_term(name, plain))
            continue
        if not item.strip():
            raise unreadable(text, start, "an item of the order is empty")
        way = _DIRECTION.search(item)
        fragment = compile_expression(item[: way.start()] if way else item, attributes, backend)
        target = (
            fragment.parts[0].name if len(fragment.parts) == 1 and isinstance(fragment.parts[0], Column) else fragment
        )
        terms.append(_term(target, way))
    return tuple(terms)


def _term(name: str | UserFragment, way: re.Match[str] | None) -> OrderTerm:
    direction, nulls = (way["way"], way["nulls"]) if way else (None, None)
    return OrderTerm(name, (direction or "").upper() == "DESC", None if nulls is None else nulls.lower() == "first")


def split_order(text: str) -> list[str]:
    """Return the items of an order one by one: cut at commas outside of parentheses and quotations."""
    return [item for _, item in _items(text)]


def _compiled(text: str, attributes: Mapping[str, Attribute], compiler: Compiler, backend: Backend) -> Operand:
    from datajoint.usertext.parse import parse  # noqa: PLC0415 - loads the parser, when a text first needs it

    # Where names are quoted so, a double-quoted text that is one means the attribute.
    tree = parse(text, tuple(attributes), quoted_names=backend.dialect.quote_character == '"')
    try:
        return compiler.compile(tree)
    except RecursionError:
        raise unreadable(text, 0, "it is nested too deeply") from None


def _fragment(operand: Operand, compiler: Compiler) -> UserFragment:
    constant = operand.literal if isinstance(operand.literal, bool) else None
    names = frozenset(compiler.names)
    # Comparisons with such a text are decided by now; elsewhere no engine could be given it.
    for value in operand.sql.parameters:
        if isinstance(value, str) and first_unstorable(value) >= 0:
            raise InvalidValueError("Text with a NUL or half a surrogate pair cannot be sent.", value=value)
    return UserFragment(
        parts_with_holes(operand.sql),
        names,
        operand.type,
        operand.nullable,
        operand.aggregate,
        constant,
        atomic=operand.rank == ATOM,
        loose=frozenset(compiler.loose),
    )


def _items(text: str) -> list[tuple[int, str]]:
    """Cut at the commas that are outside parentheses and quotations; with the place where each item begins."""
    items, depth, start = [], 0, 0
    for match in re.finditer(r"'(?:[^'\\]|\\.|'')*'|\"[^\"]*\"|`[^`]*`|[(),]", text):
        symbol = match.group()
        depth += (symbol == "(") - (symbol == ")")
        if symbol == "," and depth == 0:
            items.append((start, text[start : match.start()]))
            start = match.end()
    items.append((start, text[start:]))
    return items

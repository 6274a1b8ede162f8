"""From the text of a condition to a tree, where the text is simple: comparisons of attributes with literals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from datajoint.heading import Attribute, Heading
from datajoint_jupyter.conditions.model import (
    EVERYTHING,
    Between,
    Compare,
    Condition,
    Group,
    Missing,
    Not,
    OneOf,
    Operator,
    TextMatch,
    Value,
    Verbatim,
)
from datajoint_jupyter.conditions.page import read_value
from datajoint_jupyter.display.values import placeholder
from datajoint_jupyter.protocol import ProtocolError

if TYPE_CHECKING:
    from sqlglot import exp

# What the parser here would read otherwise than the library, or leave out: such a text stays as it is.
_UNSURE = re.compile(r"\"|\|\||&&|\^|--|#|/\*|;|<=>|\bxor\b|\bcollate\b|\bescape\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|`[^`]*`", re.DOTALL)
_MIRRORED: dict[str, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_PATTERN = re.compile(r"(?P<before>%?)(?P<text>(?:[^%_\\]|\\[\\%_])*)(?P<after>%?)", re.DOTALL)


class _NotSimpleError(Exception):
    """The text says more than a tree can."""


def read_text(text: str, heading: Heading) -> Condition:
    """Return a text that `QueryExpression.restrict` takes as a tree; as `Verbatim` unless all of it is simple.

    Parameters
    ----------
    text : str
    heading : Heading
        Of the expression that it is about.

    Examples
    --------
    >>> from datajoint.values.model import INT
    >>> read_text("a > 5", Heading([Attribute("a", value_type=INT)]))
    Compare(name='a', operator='>', value=5)
    """
    import sqlglot  # noqa: PLC0415 - heavy; the library loads it too, when a text first needs it
    from sqlglot import exp  # noqa: PLC0415
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    if _UNSURE.search(_QUOTED.sub("''", text)):
        return Verbatim(text)
    try:
        return _Reader(heading).read(sqlglot.parse_one(text, read="mysql", into=exp.Condition))
    except (SqlglotError, _NotSimpleError, ProtocolError, RecursionError):
        return Verbatim(text)


class _Reader:
    def __init__(self, heading: Heading) -> None:
        from sqlglot import exp  # noqa: PLC0415

        self.heading, self.exp = heading, exp
        self.operators: dict[Any, Operator] = {
            exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
        }  # fmt: skip

    def read(self, node: exp.Expr) -> Condition:
        exp = self.exp
        match node:
            case exp.Paren():
                return self.read(node.this)
            case exp.And() | exp.Or():
                return self._group(node)
            case exp.Not():
                item = self.read(node.this)
                return item.item if isinstance(item, Not) else Not(item)
            case exp.Boolean():
                return EVERYTHING if node.this else Not(EVERYTHING)
            case exp.Is():
                if not isinstance(node.expression, exp.Null):
                    raise _NotSimpleError
                return Missing(self._attribute(node.this).name)
            case exp.Between():
                attribute = self._plain(node.this)
                ends = (self._value(attribute, node.args["low"]), self._value(attribute, node.args["high"]))
                return Between(attribute.name, *ends)
            case exp.In():
                return self._one_of(node)
            case exp.Like():
                return self._text_match(node)
        operator = self.operators.get(type(node))
        if operator is None:
            raise _NotSimpleError
        left, right = node.this, node.expression
        if not isinstance(left, exp.Column):
            left, right, operator = right, left, _MIRRORED[operator]
        attribute = self._plain(left)
        return Compare(attribute.name, operator, self._value(attribute, right))

    def _group(self, node: exp.Expr) -> Group:
        how = "and" if isinstance(node, self.exp.And) else "or"
        items: list[Condition] = []
        for side in (node.this, node.expression):
            item = self.read(side)
            # The parser nests to the left what is one list to people; parentheses are theirs.
            items += item.items if isinstance(side, type(node)) and isinstance(item, Group) else (item,)
        return Group("and" if how == "and" else "or", tuple(items))

    def _one_of(self, node: exp.Expr) -> Condition:
        if not node.expressions or any(node.args.get(other) for other in ("query", "unnest", "field")):
            raise _NotSimpleError
        attribute = self._plain(node.this)
        return OneOf(attribute.name, tuple(self._value(attribute, item) for item in node.expressions))

    def _text_match(self, node: exp.Expr) -> Condition:
        attribute, pattern = self._plain(node.this), node.expression
        if not (attribute.value_type.is_text and isinstance(pattern, self.exp.Literal) and pattern.is_string):
            raise _NotSimpleError
        found = _PATTERN.fullmatch(pattern.this)
        if found is None or not (found["before"] or found["after"]):
            raise _NotSimpleError
        said = re.sub(r"\\(.)", r"\1", found["text"], flags=re.DOTALL)
        place = "contains" if found["before"] and found["after"] else "ends" if found["before"] else "starts"
        return TextMatch(attribute.name, cast("Any", place), said)

    # --- names and values
    def _attribute(self, node: exp.Expr) -> Attribute:
        if not isinstance(node, self.exp.Column) or node.args.get("table"):
            raise _NotSimpleError
        said = node.name
        names = [said] if said in self.heading else [n for n in self.heading.names if n.lower() == said.lower()]
        if len(names) != 1:
            raise _NotSimpleError
        return self.heading[names[0]]

    def _plain(self, node: exp.Expr) -> Attribute:
        attribute = self._attribute(node)
        if placeholder(attribute) is not None:
            raise _NotSimpleError
        return attribute

    def _value(self, attribute: Attribute, node: exp.Expr) -> Value:
        exp, kind = self.exp, attribute.value_type
        if isinstance(node, exp.Boolean) and kind.kind == "bool":
            return bool(node.this)
        sign = "-" if isinstance(node, exp.Neg) else ""
        literal = node.this if sign else node
        if not isinstance(literal, exp.Literal) or (literal.is_string and sign):
            raise _NotSimpleError
        said = sign + str(literal.this)
        if kind.kind == "decimal":  # also in quotes, as trees write it
            return read_value(attribute, said)
        if literal.is_string == (kind.is_number or kind.kind == "bool") or kind.kind == "unknown":
            raise _NotSimpleError  # compared across types, by rules of their own
        return read_value(attribute, said)

"""Find the table that a foreign key names.

The expression after the arrow is Python, of which names, attributes, ``.proj(new='old')`` and ``FreeTable(…)`` are
carried out, and nothing else: no other call, no operator.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from datajoint.declare.grammar import ParsedReference
from datajoint.definition import TableName
from datajoint.errors import DefinitionError
from datajoint.naming import did_you_mean

_QUOTED_NAME = re.compile(r"""(?P<q>[`"])(?P<first>[^`"]+)(?P=q)(\.(?P=q)(?P<second>[^`"]+)(?P=q))?""")
_RENAME = re.compile(r"\s*[A-Za-z_]\w*\s*\Z")
_QUOTED = "quoted"


@dataclass(frozen=True, slots=True)
class Referent:
    """A table that a foreign key refers to.

    Attributes
    ----------
    name : TableName
    connection : object
        The connection that the table was bound to.
    renames : dict
        ``new name -> attribute of the table`` of projections on the way.
    """

    name: TableName
    connection: Any
    renames: Mapping[str, str] = field(default_factory=dict)


FindReferent = Callable[[Any], Referent | None]
"""Tells which table a value of the context stands for; None if it is neither a table nor a plain projection of one."""


def split_full_name(full_name: str) -> TableName:
    """Split ``schema.table``, quoted or bare, into its two parts.

    Raises
    ------
    ValueError
        If there are not exactly two parts.
    """
    parts = re.sub(r"[`\"]", "", full_name).split(".")
    if len(parts) != 2 or not all(parts):  # noqa: PLR2004 - schema and table
        raise ValueError(f"{full_name!r} is not the full name of a table. Write 'schema.table'.")
    return TableName(*parts)


def find_referent(reference: ParsedReference, context: Mapping[str, Any], find: FindReferent) -> Referent:
    """Return the table that a foreign key refers to.

    Raises
    ------
    DefinitionError
        If a name of the expression is unknown, or the result is not a table or a projection of one.
    """
    return _Evaluation(reference, context, find).run()


class _Evaluation:
    def __init__(self, reference: ParsedReference, context: Mapping[str, Any], find: FindReferent) -> None:
        self.reference, self.context, self.find = reference, context, find

    def run(self) -> Referent:
        text = self.reference.expression
        quoted: TableName | None = None
        if match := _QUOTED_NAME.match(text):
            try:
                quoted = split_full_name(match.group())
            except ValueError as error:
                raise self.reference.place.error(str(error)) from error
            text = _QUOTED + text[match.end() :]
        try:
            tree = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise self.reference.place.error(
                f"Foreign key reference `{self.reference.expression}` could not be resolved: it is not an expression.",
                "Write `-> Parent` or `-> Parent.proj(new='old')`.",
            ) from error
        return self.referent(tree, quoted)

    def referent(self, node: ast.expr, quoted: TableName | None) -> Referent:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "proj":
            return self.projected(node, self.referent(node.func.value, quoted))
        value = quoted if quoted and isinstance(node, ast.Name) and node.id == _QUOTED else self.value(node)
        found = self.find(value)
        if found is None:
            raise self.reference.place.error(
                f"Foreign key reference `{self.reference.expression}` is not supported (yet): "
                "it must be a table, or a projection of one table without a restriction.",
            )
        return found

    def projected(self, node: ast.Call, source: Referent) -> Referent:
        """Apply ``.proj(new='old')``; attributes that are not part of the key do not matter to a foreign key."""
        renames = dict(source.renames)
        for keyword in node.keywords:
            old = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if keyword.arg is None or not isinstance(old, str):
                self.refuse("`.proj` in a definition takes texts, such as `.proj(new='old')`.")
            if _RENAME.match(old):
                renames[keyword.arg] = renames.pop(old.strip(), old.strip())
        return Referent(source.name, source.connection, renames)

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return self.lookup(node)
        if isinstance(node, ast.Attribute) and not node.attr.startswith("_"):
            return self.attribute(node, self.value(node.value))
        if isinstance(node, ast.Call) and not node.keywords and ast.unparse(node.func).split(".")[-1] == "FreeTable":
            return self.value(node.func)(
                *(a.value if isinstance(a, ast.Constant) else self.value(a) for a in node.args)
            )
        return self.refuse("a definition may use names, attributes and `.proj(new='old')` only.")

    def lookup(self, node: ast.Name) -> Any:
        try:
            return self.context[node.id]
        except KeyError:
            near = did_you_mean(node.id, (name for name in self.context if name[:1].isupper() or name == "master"))
            hint = near or "Define or import it before this class, or pass it to the schema in `context=`."
            raise self.error(f"`{node.id}` is not defined.", node.col_offset, hint) from None

    def attribute(self, node: ast.Attribute, value: Any) -> Any:
        try:
            return getattr(value, node.attr)
        except AttributeError as error:
            near = did_you_mean(node.attr, (name for name in dir(value) if name[:1].isupper()))
            offset = (node.end_col_offset or 0) - len(node.attr)
            raise self.error(f"`{ast.unparse(node.value)}` has no `{node.attr}`.", offset, near or None) from error

    def refuse(self, reason: str) -> NoReturn:
        raise self.reference.place.error(
            f"Foreign key reference `{self.reference.expression}` could not be resolved: {reason}"
        )

    def error(self, reason: str, offset: int, hint: str | None) -> DefinitionError:
        place = self.reference.place
        message = f"Foreign key reference `{self.reference.expression}` could not be resolved: {reason}"
        return place.at(min(place.column + offset, len(place.source))).error(message, hint)

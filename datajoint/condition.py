"""Conditions under the module name that DataJoint 2.3 gives them, on this library's own machinery."""

from __future__ import annotations

import re
from typing import Any

from datajoint.errors import DataJointError
from datajoint.expression import AndList, Not, Top
from datajoint.expression.compile import compile_select
from datajoint.expression.conditions import JSON_KEY, read_condition
from datajoint.expression.matching import check_lineage
from datajoint.expression.operand import as_operand, check_connection
from datajoint.expression.predicates import Constant, attribute_names

__all__ = [
    "AndList",
    "Not",
    "Top",
    "assert_join_compatibility",
    "extract_column_names",
    "make_condition",
    "translate_attribute",
]


def translate_attribute(key: str, adapter: Any = None) -> tuple[dict[str, str | None], str]:
    """Take apart a key of a mapping that restricts.

    Parameters
    ----------
    key : str
        An attribute's name, or a path in a JSON attribute such as ``attr.path[0]:type``.
    adapter : object, optional
        Writes the path by its ``json_path_expr``; in MySQL's way without one.

    Returns
    -------
    tuple
        The parts ``attr``, ``path`` and ``type``, of which a name has only the first, and the name, or what extracts
        the path in SQL.
    """
    match = JSON_KEY.match(key)
    if match is None:
        return {"attr": key, "path": None, "type": None}, key
    parts: dict[str, str | None] = {"attr": match["attribute"], "path": match["path"], "type": match["cast"]}
    if adapter is None:
        from datajoint.adapters import get_adapter  # noqa: PLC0415 - loads a driver, which a name does not need

        adapter = get_adapter("mysql")
    return parts, adapter.json_path_expr(match["attribute"], match["path"], match["cast"])


def make_condition(query_expression: Any, condition: Any, columns: set[str], semantic_check: bool = True) -> str | bool:
    """Return what a condition means for an expression, as SQL text, or whether it holds for all or no rows.

    Parameters
    ----------
    query_expression : QueryExpression
    condition : object
        As of `QueryExpression.restrict`.
    columns : set of str
        Gains the names of the attributes that the condition uses.
    semantic_check : bool
        Whether attributes matched with another expression must share their origin.

    Raises
    ------
    DataJointError
        As `QueryExpression.restrict`.
    """
    predicate = read_condition(condition, query_expression, semantic_check=semantic_check).predicate
    if isinstance(predicate, Constant):
        return predicate.value
    columns.update(attribute_names(predicate))
    connection = query_expression.connection
    whole = query_expression.restrict(condition, semantic_check=semantic_check)
    text = compile_select(whole._node, connection.backend, None).inlined(connection.dialect)
    return text.split(" WHERE ", 1)[1].split(" ORDER BY ", 1)[0]


def extract_column_names(sql_expression: str) -> set[str]:
    """Return the names in an SQL expression that may be attributes: neither strings, nor keywords, nor functions.

    Raises
    ------
    AssertionError
        If `sql_expression` is not text.
    """
    assert isinstance(sql_expression, str)
    text = re.sub(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\"", " ", sql_expression)
    quoted = set(re.findall(r"`([a-z]\w*)`", text))
    bare = re.sub(r"`[^`]*`", " ", text)
    bare = re.sub(r"\b[a-zA-Z_]\w*\s*\(", "(", bare)
    words = set(re.findall(r"\b[a-z][a-z_0-9]*\b", bare))
    return quoted | {word for word in words if word not in _KEYWORDS}


_KEYWORDS = frozenset(
    [
        "is",
        "in",
        "between",
        "like",
        "and",
        "or",
        "not",
        "interval",
        "second",
        "minute",
        "hour",
        "day",
        "month",
        "week",
        "year",
        "null",
        "true",
        "false",
        "case",
        "when",
        "then",
        "else",
        "end",
        "as",
        "asc",
        "desc",
        "regexp",
        "div",
        "mod",
        "xor",
        "exists",
        "distinct",
        "from",
        "select",
        "where",
    ]
)


def assert_join_compatibility(expr1: Any, expr2: Any, semantic_check: bool = True) -> None:
    """Refuse operands that cannot be matched.

    Raises
    ------
    DataJointError
        If one is no expression, they live on different connections, or namesakes do not share their origin.
    """
    left, right = as_operand(expr1), as_operand(expr2)
    if left is None or right is None:
        wrong = expr1 if left is None else expr2
        raise DataJointError(f"Object {wrong!r} is not a QueryExpression and cannot be joined.")
    check_connection(left, right)
    if semantic_check:
        check_lineage(left._node.heading, right._node.heading)

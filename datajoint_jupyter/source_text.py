"""How Python code in the notebook would write an expression that is there as an object."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint_jupyter.conditions import code_of, condition_of, taken_apart
from datajoint_jupyter.conditions.opening import is_whole

UNNAMED = "query"
"""Stands for an expression that no code is known for."""


def notebook_names() -> dict[str, Any]:
    """Return the variables of the notebook or program."""
    return dict(vars(sys.modules["__main__"]))


def text_of_expression(expression: QueryExpression, names: Mapping[str, Any] | None = None) -> str:
    """Return Python text that gives an expression: its variable, its class, or either with conditions.

    Parameters
    ----------
    expression : QueryExpression
    names : mapping, optional
        What the code sees; the notebook's variables by default.

    Returns
    -------
    str
        `UNNAMED` for a composed expression that no variable holds.
    """
    known = notebook_names() if names is None else names
    for name, value in known.items():
        if value is expression and not name.startswith("_"):
            return name
    base, conditions = taken_apart(expression)
    if base is not expression:
        source = text_of_expression(base, known)
        return " & ".join([source, *(text_of_condition(each, base) for each in conditions)])
    return text_of_table(expression, known) if isinstance(expression, dj.Table) and is_whole(expression) else UNNAMED


def text_of_condition(restriction: Any, expression: QueryExpression) -> str:
    """Return Python text for what restricts an expression; for what only objects can say, the SQL that it becomes.

    Raises
    ------
    DataJointError
        If it does not restrict the expression.
    """
    condition = condition_of(restriction, expression, name_of_table)
    if condition is not None:
        return code_of(condition)
    said = (expression & restriction).restriction
    return repr(said[-1]) if isinstance(said[-1], bool) else f"dj.Sql({said[-1]!r})"


def name_of_table(table: dj.Table) -> str | None:
    """Return the name by which the notebook has a table, None if it has none."""
    text = text_of_table(table)
    return None if text.startswith("dj.") else text


def text_of_table(table: dj.Table, names: Mapping[str, Any] | None = None) -> str:
    """Return Python text for a whole table: its class where the notebook has it, else by its name in the database."""
    known = notebook_names() if names is None else names
    for path, cls in _classes(known):
        bound = cls()
        if bound.full_table_name == table.full_table_name and bound.connection is table.connection:
            return path
    return f"dj.FreeTable({_text_of_connection(table.connection, known)}, '{table.database}.{table.table_name}')"


def _classes(names: Mapping[str, Any]) -> Iterator[tuple[str, type[dj.Table]]]:
    """Yield the table classes that names lead to, parts after their masters, modules' classes last."""
    modules = []
    for name, value in names.items():
        if name.startswith("_"):
            continue
        if _is_bound(value):
            yield from _with_parts(name, value)
        elif isinstance(value, ModuleType) and not value.__name__.startswith(("datajoint", "_")):
            modules.append((name, value))
    for name, module in modules:
        for member, value in list(vars(module).items()):
            if _is_bound(value):
                yield from _with_parts(f"{name}.{member}", value)


def _with_parts(path: str, cls: type[dj.Table]) -> Iterator[tuple[str, type[dj.Table]]]:
    yield path, cls
    for name, part in vars(cls).items():
        if _is_bound(part) and issubclass(part, dj.Part):
            yield f"{path}.{name}", part


def _is_bound(value: Any) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, dj.Table)
        and not value.__module__.startswith("datajoint.")
        and value.full_table_name is not None
    )


def _text_of_connection(connection: dj.Connection, names: Mapping[str, Any]) -> str:
    for name, value in names.items():
        if name.startswith("_"):
            continue
        if value is connection:
            return name
        if isinstance(value, dj.Schema) and value.connection is connection:
            return f"{name}.connection"
    return "dj.conn()"

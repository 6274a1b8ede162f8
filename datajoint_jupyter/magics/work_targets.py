"""The tables that a line about work means."""

from __future__ import annotations

import ast
from typing import Any

import datajoint as dj
from datajoint_jupyter.magics.command import Context
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.magics.evaluate import as_expression, evaluate, parse_expression
from datajoint_jupyter.work.targets import tables_of


def named_values(text: str, context: Context, *, name: str) -> list[Any]:
    """Return what ``A, B, schema`` means, each for itself; a schema may also be one that is not in use.

    Raises
    ------
    CommandError
        If a name means nothing.
    """
    node = parse_expression(text, name=name)
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return [_value(part, context, name) for part in parts]


def named_tables(text: str, context: Context, *, name: str) -> list[dj.Table]:
    """Return the imported and computed tables that a line names; without a name, those of all schemas in use.

    Raises
    ------
    CommandError
        If there are none.
    """
    workspace = context.workspace
    values = named_values(text, context, name=name) if text.strip() else list(workspace.tables_by_schema().values())
    if not values:
        raise CommandError(f"{name} was given no table, and no schema is in use.", "Name one, see %dj schemas.")
    try:
        return tables_of(values, workspace)
    except dj.DataJointError as error:
        raise CommandError(str(error)) from None


def table_and_conditions(text: str, context: Context, *, name: str) -> tuple[Any, list[Any]]:
    """Return what ``TABLE & CONDITION & …`` begins with, as an instance if it is a class, and its conditions.

    Raises
    ------
    CommandError
        If it cannot be evaluated.
    """
    node = parse_expression(text, name=name)
    conditions: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
        conditions.insert(0, node.right)
        node = node.left
    value, *given = (evaluate(ast.unparse(part), context.workspace, name=name).value for part in (node, *conditions))
    return as_expression(value), given


def _value(node: ast.expr, context: Context, name: str) -> Any:
    if isinstance(node, ast.Name):
        try:
            found = context.workspace.lookup(node.id)
        except KeyError:
            connection = context.workspace.connection
            if node.id in dj.list_schemas(connection):
                return dj.Schema(node.id, connection=connection, create_schema=False)
        except LookupError as error:
            raise CommandError(str(error)) from None
        else:
            return found
    return evaluate(ast.unparse(node), context.workspace, name=name).value

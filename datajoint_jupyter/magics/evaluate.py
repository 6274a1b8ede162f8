"""Relational expressions as text: parsed as Python, evaluated with the notebook's names and those of its tables."""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint.naming import did_you_mean
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.workspace import Workspace

_CONTINUING = frozenset({"&", "-", "*", "+", "|", "^", ".", "@"})
_BLANK = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a text came to.

    Attributes
    ----------
    value : object
        Of the last statement, if `has_value`.
    has_value : bool
        Whether the last statement is an expression rather than an assignment.
    source : str
        The text of the last statement, on one line.
    """

    value: Any
    has_value: bool
    source: str


def evaluate(text: str, workspace: Workspace, *, name: str) -> Evaluated:
    """Evaluate expressions and assignments; assigned names go into the notebook.

    Parameters
    ----------
    text : str
        A line that begins with an operator or a dot continues the lines above.
    workspace : Workspace
    name : str
        Of the magic, for messages.

    Raises
    ------
    CommandError
        For what is no Python, other statements, or a name that is neither a variable nor a table.
    Exception
        Whatever the expression raises.
    """
    tree = _parse(join_lines(textwrap.dedent(text).strip("\n")), name)
    if not tree.body:
        raise CommandError(f"{name} was given no expression.", f"See {name} --help.")
    _check_statements(tree, name)
    scope = _scope(tree, workspace)
    last = tree.body[-1]
    before = dict(scope)
    value = None
    if isinstance(last, ast.Expr):
        if tree.body[:-1]:
            exec(compile(ast.Module(tree.body[:-1], []), f"<{name}>", "exec"), scope)  # noqa: S102 - the user's own code
        value = as_expression(eval(compile(ast.Expression(last.value), f"<{name}>", "eval"), scope))  # noqa: S307
    else:
        exec(compile(tree, f"<{name}>", "exec"), scope)  # noqa: S102
    for assigned in _names(tree, ast.Store):
        if assigned in scope and (assigned not in before or scope[assigned] is not before[assigned]):
            workspace.namespace[assigned] = scope[assigned]
    return Evaluated(value, isinstance(last, ast.Expr), one_line(ast.unparse(last)))


def evaluate_query(text: str, workspace: Workspace, *, name: str) -> Evaluated:
    """Evaluate what must come to an expression over tables.

    Raises
    ------
    CommandError
        As `evaluate`, and if it comes to something else.
    """
    found = evaluate(text, workspace, name=name)
    if not isinstance(found.value, QueryExpression):
        raise CommandError(
            f"{name} takes tables and expressions, and {found.source} is {type(found.value).__name__}.",
            "Give the name of a table.",
        )
    return found


def parse_expression(text: str, *, name: str) -> ast.expr:
    """Return the syntax tree of one expression.

    Raises
    ------
    CommandError
        If it is none.
    """
    tree = _parse(text.strip(), name)
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        raise CommandError(f"{name} takes one expression.", f"See {name} --help.")
    return tree.body[0].value


def as_expression(value: Any) -> Any:
    """Return an instance for a table class, everything else as it is."""
    return value() if isinstance(value, type) and issubclass(value, dj.Table) else value


def one_line(source: str, width: int = 80) -> str:
    """Return a text on one line, cut to `width` characters."""
    line = " ".join(source.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _parse(text: str, name: str) -> ast.Module:
    try:
        return ast.parse(text, f"<{name}>")
    except SyntaxError as error:
        line = (error.text or "").rstrip("\n")
        pointer = " " * max(0, (error.offset or 1) - 1) + "^"
        raise CommandError(f"{name}: {error.msg} in line {error.lineno}.\n    {line}\n    {pointer}") from error


def _check_statements(tree: ast.Module, name: str) -> None:
    for statement in tree.body:
        if not isinstance(statement, ast.Expr | ast.Assign):
            kind = type(statement).__name__.lower()
            raise CommandError(
                f"{name} evaluates expressions and assignments; line {statement.lineno} is another statement ({kind}).",
                "Use a plain cell for that.",
            )
        if isinstance(statement.value, ast.Starred):
            raise CommandError(f"{name}: line {statement.lineno} begins with an operator, and nothing is above it.")


def _scope(tree: ast.Module, workspace: Workspace) -> dict[str, Any]:
    """Return the notebook's names, and those of tables that the text uses and the notebook does not have."""
    scope = dict(workspace.variables())
    defined = set(_names(tree, ast.Store)) | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for name in _names(tree, ast.Load):
        if name not in scope and name not in defined:
            try:
                scope[name] = workspace.lookup(name)
            except KeyError:
                raise unknown_name(name, workspace) from None
            except LookupError as error:
                raise CommandError(str(error)) from None
    return scope


def unknown_name(name: str, workspace: Workspace) -> CommandError:
    """Return the error for a name that is neither a variable nor a table."""
    tables = workspace.table_names()
    known = [*tables, *(n for n in workspace.namespace if not n.startswith("_"))]
    hint = did_you_mean(name, known)
    if not hint:
        shown = ", ".join(tables[:12]) + (", …" if len(tables) > 12 else "")  # noqa: PLR2004 - a line's worth
        hint = (
            f"The tables are {shown}."
            if tables
            else "No schema is active: make one with dj.Schema, or import your pipeline."
        )
    return CommandError(f"{name!r} is no variable and no table of an active schema.", hint)


def _names(tree: ast.AST, context: type[ast.expr_context]) -> list[str]:
    found = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, context))
    return list(dict.fromkeys(found))


def join_lines(text: str) -> str:
    r"""Let a line that begins with an operator or a dot continue all of its statement above, keeping line numbers.

    Python alone would take ``A & c`` followed by ``* B`` for ``A & (c * B)``, if it took it at all.

    Examples
    --------
    >>> print(join_lines("Session  # all of them\n& 'n > 3'\n* Subject"))
    ((Session  # all of them
    )& 'n > 3'
    )* Subject
    """
    try:
        # Inside a parenthesis there is neither a logical line nor an indentation to get wrong.
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({text}\n)").readline))
    except (tokenize.TokenError, SyntaxError):
        return text  # the parser will say what is wrong, and where
    insertions: list[tuple[int, int, str]] = []
    start = (1, 1)  # where the expression of the current statement begins, in the parenthesised text
    depth, line = 0, 0
    after_equals = False
    for token in tokens:
        if token.type in _BLANK:
            continue
        is_first = depth == 1 and token.start[0] > line > 0
        if is_first and token.string in _CONTINUING:
            insertions += [(*start, "("), (*token.start, ")")]
        elif is_first or after_equals:
            start = token.start
        after_equals = depth == 1 and token.string == "="
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
        line = token.end[0]
    return _inserted(text, insertions)


def _inserted(text: str, insertions: list[tuple[int, int, str]]) -> str:
    """Insert pieces at lines (from 1) and columns of ``(text``."""
    lines = text.split("\n")
    for line, column, piece in sorted(insertions, reverse=True):
        place = column - (line == 1)
        lines[line - 1] = lines[line - 1][:place] + piece + lines[line - 1][place:]
    return "\n".join(lines)

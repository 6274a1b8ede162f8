"""Relational expressions as text: parsed as Python, evaluated with the notebook's names and those of its tables."""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize
from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint_jupyter.magics.errors import CommandError
from datajoint_jupyter.workspace import Workspace

_CONTINUING = frozenset({"&", "-", "*", "+", "|", "^", ".", "@"})
_LINE_END = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE)


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
        A line that begins with an operator or a dot continues the one before.
    workspace : Workspace
    name : str
        Of the magic, for messages.

    Raises
    ------
    SyntaxError
        If it is no Python.
    CommandError
        For other statements, or a name that is neither a variable nor a table.
    Exception
        Whatever the expression raises.
    """
    joined = join_lines(textwrap.dedent(text).strip("\n"))
    tree = ast.parse(joined, f"<{name}>")
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
    return Evaluated(value, isinstance(last, ast.Expr), one_line(ast.get_source_segment(joined, last) or ""))


def as_expression(value: Any) -> Any:
    """Return an instance for a table class, everything else as it is."""
    return value() if isinstance(value, type) and issubclass(value, dj.Table) else value


def one_line(source: str, width: int = 80) -> str:
    """Return a text on one line, cut to `width` characters."""
    line = " ".join(source.replace("\\\n", " ").split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _check_statements(tree: ast.Module, name: str) -> None:
    for statement in tree.body:
        if not isinstance(statement, ast.Expr | ast.Assign):
            kind = type(statement).__name__.lower()
            raise CommandError(
                f"{name} evaluates expressions and assignments; line {statement.lineno} is another statement ({kind}).",
                "Use a plain cell for that.",
            )
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Starred):
            raise CommandError(f"{name}: line {statement.lineno} begins with an operator but nothing is before it.")


def _scope(tree: ast.Module, workspace: Workspace) -> dict[str, Any]:
    """Return the notebook's names, and those of tables that the text uses and the notebook does not have."""
    scope = dict(workspace.namespace)
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
    from datajoint.naming import did_you_mean  # noqa: PLC0415 - only for the message

    hint = did_you_mean(name, known)
    if not hint:
        shown = ", ".join(tables[:12]) + (", …" if len(tables) > 12 else "")  # noqa: PLR2004 - a line's worth
        hint = f"The tables are {shown}." if tables else "No schema is active: make one with dj.Schema, or import your pipeline."
    return CommandError(f"{name!r} is no variable and no table of an active schema.", hint)


def _names(tree: ast.AST, context: type[ast.expr_context]) -> list[str]:
    found = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, context))
    return list(dict.fromkeys(found))


def join_lines(text: str) -> str:
    r"""Join lines that begin with an operator or a dot to the line before, keeping line numbers.

    Examples
    --------
    >>> print(join_lines("Session  # all of them\n& 'n > 3'"))
    Session  \\
    & 'n > 3'
    """
    try:
        # Inside a parenthesis there is neither a logical line nor an indentation to get wrong.
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({text}\n)").readline))
    except (tokenize.TokenError, SyntaxError):
        return text  # the parser will say what is wrong, and where
    lines = text.split("\n")
    depth = 0
    end = 0  # line (from 1) of the last token that stood outside all brackets of the text
    comments: dict[int, int] = {}
    for token in tokens:
        line, column = token.start[0], token.start[1] - (token.start[0] == 1)
        if token.type == tokenize.COMMENT:
            comments[line] = column
        if token.type in _LINE_END or token.type == tokenize.ENDMARKER:
            continue
        first_on_line = line > end > 0 and not lines[line - 1][:column].strip() if line <= len(lines) else False
        if first_on_line and depth == 1 and token.string in _CONTINUING:
            for before in range(end, line):
                kept = lines[before - 1][: comments.get(before, len(lines[before - 1]))]
                lines[before - 1] = f"{kept}\\"
        depth += (token.string in "([{") - (token.string in ")]}") if token.type == tokenize.OP else 0
        end = token.end[0]
    return "\n".join(lines)

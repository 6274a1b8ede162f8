"""Completion of sub-commands, options, tables, attributes and values, in every front end, by the shell's own completer.

Names are those that the workspace keeps; a key press costs no query after the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

import datajoint as dj
from datajoint_jupyter.magics.arguments import option_choices, option_flags, outer_words
from datajoint_jupyter.magics.code import view_names
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.magic import CELL, CELL_COMMANDS, COMMANDS
from datajoint_jupyter.magics.values import begun_value, values_of

_LINE = re.compile(r"^\s*%dj\s+(?P<words>.*)$")
_TOKEN = re.compile(r"[\w.\-]*$")
_PATH = re.compile(r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_MAX_ATTRIBUTE_TABLES = 8
_VALUE = "value"


def make_matcher(context: Context) -> Any:
    """Return the matcher to be added to the shell's completer."""

    @context_matcher()  # type: ignore[untyped-decorator]
    def datajoint_matcher(asked: CompletionContext) -> SimpleMatcherResult:
        before = _before_cursor(asked)
        found: Iterable[tuple[str, str]] = []
        if asked.full_text.lstrip().startswith("%%dj"):
            on_first_line = "\n" not in before.lstrip()
            found = _first_line(before) if on_first_line else _cell_words(asked.full_text, before, context)
        elif match := _LINE.match(before.rsplit("\n", 1)[-1]):
            found = _line(match["words"], context)
        else:
            found = _attributes_in_code(before.rsplit("\n", 1)[-1], context)
        token = (_TOKEN.search(before) or [""])[0]
        offered = list(found)
        if offered and offered[0][1] == _VALUE:
            token = (begun_value(before) or ("", token))[1]
        completions = [
            SimpleCompletion(text, type=kind)
            for text, kind in offered
            if text.lower().startswith(token.lower()) and text != token
        ]
        return {"completions": completions, "matched_fragment": token, "suppress": bool(completions)}

    return datajoint_matcher


def _before_cursor(asked: CompletionContext) -> str:
    lines = asked.full_text.split("\n")
    return "\n".join([*lines[: asked.cursor_line], lines[asked.cursor_line][: asked.cursor_position]])


def _first_line(line: str) -> list[tuple[str, str]]:
    """Return what may stand at the end of the line ``%%dj …``."""
    name = line.lstrip().removeprefix("%%dj").lstrip().partition(" ")[0]
    command = CELL_COMMANDS.get(name, CELL)
    words = outer_words(line)
    before = words[-1] if line[-1:].isspace() else words[-2] if len(words) > 1 else ""
    if choices := option_choices(command.arguments, before):
        return [(choice, "param") for choice in choices]
    return ([] if name in CELL_COMMANDS else [(other, "keyword") for other in CELL_COMMANDS]) + _flags(command)


def _cell_words(cell: str, before: str, context: Context) -> list[tuple[str, str]]:
    """Return what may stand in the cell; definitions and SQL have languages of their own."""
    name = cell.lstrip().removeprefix("%%dj").lstrip(" ").partition("\n")[0].partition(" ")[0]
    return [] if name in CELL_COMMANDS else _words(before, context)


def _line(words: str, context: Context) -> Iterable[tuple[str, str]]:
    """Return what may stand at the end of ``%dj`` followed by `words`."""
    name, blank, rest = words.partition(" ")
    if not blank:
        return [(command, "keyword") for command in COMMANDS]
    command = COMMANDS.get(name)
    if command is None:
        return ()
    if command.completes == "commands":
        return [(other, "keyword") for other in COMMANDS]
    if (outer_words(rest) or [""])[-1].startswith("-") and not rest.endswith(" "):
        return _flags(command)
    if command.completes == "connections":
        return [(other, "module") for other in context.workspace.opened]
    if command.completes == "views":
        return [(view, "instance") for view in view_names(context)] + _flags(command)
    if command.completes == "schemas":
        return [(schema, "module") for schema in _schemas(context)]
    return _words(rest, context) if command.completes == "expressions" else _flags(command)


def _attributes_in_code(line: str, context: Context) -> list[tuple[str, str]]:
    """Return, within quotes in a line of Python, the attributes of the notebook's tables that the line mentions.

    Only classes that the notebook has are looked at: a key press in any cell must open no connection.
    """
    if not _in_quotes(line):
        return []
    tables: list[Any] = []
    for path in dict.fromkeys(_PATH.findall(line)):
        first, *rest = path.split(".")
        found = context.workspace.namespace.get(first)
        tables += [found] if _is_bound(found) else []
        for name in rest:
            found = vars(found).get(name) if isinstance(found, type) else None
            tables += [found] if _is_bound(found) else []
    try:
        return _within_quotes(line, tables, context)
    except dj.DataJointError:
        return []  # as below


def _within_quotes(text: str, tables: list[Any], context: Context) -> list[tuple[str, str]]:
    """Return the attributes of some tables, or the values of that attribute for which one is being written."""
    tables = tables[:_MAX_ATTRIBUTE_TABLES]
    begun = begun_value(text)
    if begun is not None:
        return [(value, _VALUE) for value in values_of(tables, *begun, context.workspace)]
    return [(name, "property") for name in dict.fromkeys(name for table in tables for name in table.heading.names)]


def _is_bound(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, dj.Table) and value.database is not None


def _flags(command: Command[Any]) -> list[tuple[str, str]]:
    return [(flag, "param") for flag in option_flags(command.arguments)] + [("--help", "param")]


def _words(text: str, context: Context) -> list[tuple[str, str]]:
    """Return the tables' names, or within quotes the attributes of the tables that `text` mentions."""
    try:
        names = context.workspace.table_names()
        if not _in_quotes(text):
            return [(name, "class") for name in names]
        mentioned = [name for name in names if re.search(rf"\b{re.escape(name)}\b", text)]
        return _within_quotes(text, [_table(name, context) for name in mentioned], context)
    except dj.DataJointError:
        return []  # without a database there is nothing to offer, and nobody to tell


def _in_quotes(text: str) -> bool:
    quote = ""
    for character in text.rsplit("\n", 1)[-1]:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
    return bool(quote)


def _table(name: str, context: Context) -> Any:
    first, *parts = name.split(".")
    table = context.workspace.lookup(first)
    for part in parts:
        table = getattr(table, part)
    return table


def _schemas(context: Context) -> list[str]:
    try:
        return list(dj.list_schemas(context.workspace.connection))
    except dj.DataJointError:
        return []

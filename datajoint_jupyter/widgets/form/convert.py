"""Texts that were typed or pasted, as the Python values that a table is given.

Texts of numbers, dates, UUIDs and labels are left to the table, which reads them by the attribute's type. Only what the
table takes as Python objects is read here; a literal is read as one and never run.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from datajoint_jupyter.widgets.form.fields import Field

Texts = Mapping[str, str | None]

_WHOLE = ("int", "uint", "tinyint", "smallint", "mediumint", "bigint")


@dataclass(frozen=True, slots=True)
class Read:
    """A row of texts as values, and what could not be read, by attribute."""

    row: dict[str, Any]
    faults: dict[str, str] = field(default_factory=dict)


def read_row(fields: Sequence[Field], texts: Texts) -> Read:
    """Return the values that texts stand for; None, or a text that was left out, stands for no value.

    Every attribute gets a value, so that all rows have the same.
    """
    row: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for known in fields:
        text = texts.get(known.name)
        row[known.name] = None
        if text is None or (not text.strip() and not known.empty_is_value):
            continue
        try:
            row[known.name] = read_value(known, text)
        except ValueError as error:
            faults[known.name] = str(error)
    return Read(row, faults)


def read_value(known: Field, text: str) -> Any:
    """Return the value that a text stands for.

    Raises
    ------
    ValueError
        If it is no JSON or no Python literal where one is asked for; says so.
    """
    if known.input == "json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(f"This is no JSON: {error}.") from error
    if known.input == "literal":
        return _literal(text)
    if known.input == "number":
        return _number(known, text)
    if known.input == "choice" and known.labels == ("True", "False"):
        return {"True": True, "False": False}.get(text, text)
    return text


def _number(known: Field, text: str) -> Any:
    """Return the number as Python writes it, where that is the same; else the text, which the table reads exactly."""
    plain = text.strip()
    if known.type.startswith(_WHOLE) and plain.removeprefix("-").isdecimal() and plain.isascii():
        return int(plain)
    if known.type.startswith(("float", "double")):
        try:
            number = float(plain)
        except ValueError:
            return text
        return number if repr(number) == plain else text
    return text


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError("This is no Python value, such as 1.5, 'text', [1, 2] or {'a': 1}.") from error


def text_for(value: Any, known: Field) -> str | None:
    """Return the text that a field shows for a value given in Python; the opposite of `read_value`."""
    if value is None:
        return None
    if known.input == "json":
        return json.dumps(value, ensure_ascii=False)
    if known.input == "literal":
        return repr(value)
    return str(value)

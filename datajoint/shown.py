"""What plans and lists show of themselves in a notebook: small tables and statements as HTML, all text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

# Nothing but the page's own colours: an output is shown in light, in dark, and where styles are stripped.
_PRE = (
    "font-family:var(--jp-code-font-family,monospace);white-space:pre-wrap;overflow-wrap:anywhere;"
    "margin:.2em 0;padding:.4em .6em;border:1px solid rgba(128,128,128,.35)"
)


def html_table(head: Sequence[str], rows: Iterable[Sequence[str | int]], caption: str = "", kind: str = "plan") -> str:
    """Return a table as HTML.

    Parameters
    ----------
    head : sequence of str
        Titles of the columns.
    rows : iterable of sequences
        Cells: texts, and integers, which are written with separators and aligned right.
    caption : str
        A sentence above the table.
    kind : str
        The table's class is ``datajoint-<kind>``.
    """
    titles = "".join(f"<th style='text-align:left'>{escape(title)}</th>" for title in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    table = f"<table class='datajoint-{kind}'><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
    return html_text(caption) + (table if body else "")


def _cell(value: str | int) -> str:
    if isinstance(value, int):
        return f"<td style='text-align:right'>{value:,}</td>"
    return f"<td style='text-align:left'>{escape(value)}</td>"


def html_text(sentence: str) -> str:
    """Return a sentence; empty without one."""
    return f"<p>{escape(sentence)}</p>" if sentence else ""


def html_lines(caption: str, lines: Iterable[str]) -> str:
    """Return a sentence and the lines under it, as text of fixed width; empty without lines."""
    text = "\n".join(lines)
    return f"{html_text(caption)}<pre style='{_PRE}'>{escape(text)}</pre>" if text else ""


def html_statements(statements: Sequence[str]) -> str:
    """Return statements, each ended by a semicolon."""
    return html_lines("Statements:", [f"{statement};" for statement in statements])

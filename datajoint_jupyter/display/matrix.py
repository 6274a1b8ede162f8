"""A status matrix in signs, words and HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from datajoint.status import STATES, Cell, State
from datajoint_jupyter.display.markup import Markup, element, join
from datajoint_jupyter.display.twin import Static

SIGNS: dict[State, str] = {
    "done": "✓",
    "running": "▶",
    "error": "✕",
    "pending": "○",
    "blocked": "◇",
    "ignored": "–",
    "excluded": "·",
    "empty": "□",
}
MEANINGS: dict[State, str] = {
    "done": "computed, or entered",
    "running": "a worker computes it",
    "error": "it failed",
    "pending": "to be computed",
    "blocked": "waits for a table above",
    "ignored": "marked not to be computed",
    "excluded": "not in the key source",
    "empty": "nobody has entered it",
}
_ROWS = 40
_WIDTH = 24


def tally(cells: Sequence[Sequence[Cell]]) -> dict[State, int]:
    """Return how many cells have each state; without those that none has."""
    counts = Counter(cell.state for row in cells for cell in row)
    return {state: counts[state] for state in STATES if counts[state]}


def static_matrix(
    title: str, names: Sequence[str], tables: Sequence[str], keys: Sequence[Sequence[str]], cells: Sequence[Sequence[Cell]],
    total: int,
) -> Static:  # fmt: skip
    """Return the first rows as a table of signs, with what the signs mean.

    Parameters
    ----------
    names : sequence of str
        The key's attributes.
    keys : sequence of sequence of str
        Their values, row by row.
    total : int
        How many rows there are.
    """
    shown = min(_ROWS, len(keys))
    note = f"{total:,} row{'' if total == 1 else 's'}" if shown >= total else f"{shown:,} of {total:,} rows"
    legend = [f"{SIGNS[state]} {count:,} {state} ({MEANINGS[state]})" for state, count in tally(cells).items()]
    head = element(
        "tr",
        (element("th", element("span", name, class_="dj-key"), scope="col", style="text-align:left") for name in names),
        (element("th", table, scope="col", style="text-align:left") for table in tables),
    )
    rows = (_row(key, row, tables) for key, row in zip(keys[:shown], cells[:shown], strict=True))
    html = join(
        [
            element("p", title, class_="dj-caption"),
            element(
                "div",
                element("table", element("thead", head), element("tbody", rows), class_="dj-table"),
                class_="dj-wide",
                style="overflow-x:auto",
            ),
            element("p", " · ".join([note, *legend]), class_="dj-note"),
        ]
    )
    return Static(html, "\n".join([title, *_lines(names, tables, keys[:shown], cells[:shown]), *legend, f"({note})"]))


def _row(key: Sequence[str], cells: Sequence[Cell], tables: Sequence[str]) -> Markup:
    return element(
        "tr",
        (element("th", value, scope="row", style="text-align:left;font-weight:400") for value in key),
        (
            element(
                "td",
                f"{SIGNS[cell.state]} {cell.text or cell.state}",
                title=f"{table}: {cell.state}",
                class_="dj-bad" if cell.state == "error" else None,
                style="text-align:left",
            )
            for table, cell in zip(tables, cells, strict=True)
        ),
    )


def _lines(
    names: Sequence[str], tables: Sequence[str], keys: Sequence[Sequence[str]], cells: Sequence[Sequence[Cell]]
) -> list[str]:
    rows = [
        [*(_cut(value) for value in key), *(f"{SIGNS[cell.state]} {cell.text or cell.state}" for cell in row)]
        for key, row in zip(keys, cells, strict=True)
    ]
    head = [*(f"*{name}" for name in names), *tables]
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]
    ]


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"

"""A plan of a deletion without a kernel."""

from __future__ import annotations

from typing import Any

from datajoint_jupyter.display.code import static_text
from datajoint_jupyter.display.listing import static_listing, together
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.display.twin import Static

_COLUMNS = (Column("table"), Column("rows", kind="number"), Column("first keys"))


def static_plan(plan: dict[str, Any], said: str) -> Static:
    """Return the tables that lose rows, what was said last, and what else there is to know."""
    rows = [
        (
            "\N{NO-BREAK SPACE}" * 4 * table["depth"] + table["name"] + (" (no privilege)" if table["blocked"] else ""),
            f"{table['rows']:,}",
            ", ".join(table["sample"][:2]) + (", …" if table["rows"] > 2 else ""),  # noqa: PLR2004 - a line's worth
        )
        for table in plan["tables"]
    ]
    title = f"Delete from {plan['table']}: {said or plan['headline']}"
    told = [line for line in (*plan["notes"], plan["refused"]) if line]
    pieces = [static_listing(title, _COLUMNS, rows, "Nothing goes.")]
    if told:
        pieces.append(static_text("", told))
    # In text, names are told in full: which tables lose rows is what matters.
    lines = [f"  {name}  {count}  {keys}".rstrip() for name, count, keys in rows]
    return Static(together(pieces).html, "\n".join([title, *lines, *told]))

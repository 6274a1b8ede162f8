"""The static form of an entry form: what the table takes, and what was inserted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datajoint_jupyter.display.code import static_code, static_text
from datajoint_jupyter.display.listing import static_listing, together
from datajoint_jupyter.display.table import Column
from datajoint_jupyter.display.twin import Static

_COLUMNS = (Column("attribute"), Column("type"), Column("if left out"), Column("comment"))


def static_form(spec: dict[str, Any], said: str, code: str) -> Static:
    """Return the attributes of a table and its parts, what was said last, and the code of the last insertion."""
    pieces = [_attributes(f"Insert into {spec['table']}", spec["fields"])]
    pieces += [_attributes(f"and its part {part['table']}", part["fields"]) for part in spec["parts"]]
    if said:
        pieces.append(static_text(said, ()))
    if code:
        pieces.append(static_code(code))
    return together(pieces)


def _attributes(title: str, fields: Sequence[dict[str, Any]]) -> Static:
    rows = [
        (field["name"], field["type"], "is required" if field["required"] else field["otherwise"], field["comment"])
        for field in fields
    ]
    return static_listing(title, _COLUMNS, rows, "There is nothing to enter.")

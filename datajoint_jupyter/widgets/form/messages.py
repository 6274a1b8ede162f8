"""What the page of an entry form may say."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint_jupyter.protocol import Payload, Reader, integer, items, mapping, refuse, text

MAX_PAGE = 100
"""Most pasted rows of one answer."""

_MAX_TEXT = 1_000_000
_MAX_PASTE = 20_000_000
_MAX_FIELDS = 5_000
_MAX_PART_ROWS = 500
_MAX_ROW = 10**6

TextRow = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What was typed is to be judged; `by` is the view's own mark, so that it knows its own words again."""

    values: TextRow
    parts: dict[str, list[TextRow]]
    by: str


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """What another view, or Python, made of the entry is to be judged."""


@dataclass(frozen=True, slots=True)
class InsertRequest:
    """What was typed is to be inserted."""

    values: TextRow
    parts: dict[str, list[TextRow]]
    by: str


@dataclass(frozen=True, slots=True)
class ParentsRequest:
    """Rows of a parent are wanted to choose from."""

    part: str
    reference: int
    search: str
    offset: int


@dataclass(frozen=True, slots=True)
class PasteRequest:
    """Text from a spreadsheet is to become rows; an empty one takes all rows away."""

    text: str


@dataclass(frozen=True, slots=True)
class RowsRequest:
    """Pasted rows are wanted."""

    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class CellRequest:
    """A cell of a pasted row is to become another."""

    row: int
    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class DropRequest:
    """A pasted row is to be left out."""

    row: int


@dataclass(frozen=True, slots=True)
class InsertPastedRequest:
    """All pasted rows are to be inserted."""


def _texts(value: object) -> TextRow:
    payload = mapping(value, "a row")
    if len(payload) > _MAX_FIELDS:
        refuse("a row has too many values")
    return {name: _text_or_none(payload, name) for name in payload}


def _text_or_none(payload: Payload, name: str) -> str | None:
    return None if payload.get(name) is None else text(payload, name, _MAX_TEXT)


def _entry(payload: Payload) -> tuple[TextRow, dict[str, list[TextRow]], str]:
    parts = mapping(payload.get("parts", {}), "parts")
    rows = {str(name): [_texts(row) for row in items(parts, name, _MAX_PART_ROWS)] for name in parts}
    return _texts(payload.get("values")), rows, text(payload, "by") if "by" in payload else ""


READERS: dict[str, Reader] = {
    "check": lambda payload: CheckRequest(*_entry(payload)),
    "judge": lambda _: JudgeRequest(),
    "insert": lambda payload: InsertRequest(*_entry(payload)),
    "parents": lambda payload: ParentsRequest(
        text(payload, "part"),
        integer(payload, "reference", 0, _MAX_FIELDS),
        text(payload, "search"),
        integer(payload, "offset", 0, 10**12),
    ),
    "paste": lambda payload: PasteRequest(text(payload, "text", _MAX_PASTE)),
    "rows": lambda payload: RowsRequest(
        integer(payload, "offset", 0, _MAX_ROW), integer(payload, "limit", 1, MAX_PAGE)
    ),
    "cell": lambda payload: CellRequest(
        integer(payload, "row", 0, _MAX_ROW), text(payload, "name"), _text_or_none(payload, "value")
    ),
    "drop": lambda payload: DropRequest(integer(payload, "row", 0, _MAX_ROW)),
    "insert_pasted": lambda _: InsertPastedRequest(),
}

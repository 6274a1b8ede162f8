"""What the page of a table browser may say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datajoint_jupyter.protocol import Payload, Reader, choice, flag, integer, items, mapping, refuse, text

MAX_PAGE = 500
"""Most rows of one answer."""

MAX_SELECTED = 10_000
"""Most rows that are selected at a time."""

_MAX_OFFSET = 10**12
_MAX_SORT = 16
_MAX_COLUMNS = 5000


@dataclass(frozen=True, slots=True)
class SortItem:
    """Rows are ordered by the attribute `name`."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Rows `offset` to ``offset + limit - 1`` of what the page knows as `revision` are wanted."""

    offset: int
    limit: int
    revision: int


@dataclass(frozen=True, slots=True)
class SortRequest:
    """The rows are to be ordered otherwise."""

    sort: tuple[SortItem, ...]


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """The rows are to be read again."""


@dataclass(frozen=True, slots=True)
class CountRequest:
    """The exact number of rows is wanted."""


@dataclass(frozen=True, slots=True)
class AddFilter:
    """Only rows that meet a condition are wanted; it is read against the heading."""

    condition: Payload


@dataclass(frozen=True, slots=True)
class RemoveFilter:
    """A filter is to go; None for all of them."""

    place: int | None


@dataclass(frozen=True, slots=True)
class ColumnsRequest:
    """These columns are to be shown."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """A column in short is wanted."""

    name: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows are meant: one by its number, those selected, or all."""

    what: str
    row: int
    revision: int


@dataclass(frozen=True, slots=True)
class RelatedRequest:
    """The tables that have rows belonging to these are wanted, with their numbers of rows."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class FollowRequest:
    """Related rows are to be shown: those of the relation numbered `place`, which leads to the table `name`."""

    scope: Scope
    place: int
    name: str


@dataclass(frozen=True, slots=True)
class ReturnRequest:
    """An earlier step of the way is to be shown again."""

    step: int


@dataclass(frozen=True, slots=True)
class CellRequest:
    """One value is wanted in full; `whatever_size` when it is known to be large."""

    row: int
    name: str
    revision: int
    whatever_size: bool


@dataclass(frozen=True, slots=True)
class SelectRequest:
    """Rows, by number, are to be selected: besides others, instead of them, or not any more."""

    how: str
    rows: tuple[int, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Rows are to be written to a file."""

    file: str
    selection: bool
    overwrite: bool


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """Python text that gives the rows is wanted."""


def _read_page(payload: Payload) -> PageRequest:
    return PageRequest(
        integer(payload, "offset", 0, _MAX_OFFSET),
        integer(payload, "limit", 1, MAX_PAGE),
        integer(payload, "revision", 0, _MAX_OFFSET),
    )


def _read_sort(payload: Payload) -> SortRequest:
    return SortRequest(tuple(_read_sort_item(item) for item in items(payload, "sort", _MAX_SORT)))


def _read_sort_item(item: object) -> SortItem:
    payload = mapping(item, "an item of sort")
    return SortItem(text(payload, "name"), flag(payload, "descending", default=False))


def _read_scope(payload: Payload) -> Scope:
    what = choice(payload, "scope", ("row", "selection", "all"))
    row = integer(payload, "row", 0, _MAX_OFFSET) if what == "row" else 0
    return Scope(what, row, integer(payload, "revision", 0, _MAX_OFFSET))


def _read_cell(payload: Payload) -> CellRequest:
    return CellRequest(
        integer(payload, "row", 0, _MAX_OFFSET),
        text(payload, "name"),
        integer(payload, "revision", 0, _MAX_OFFSET),
        flag(payload, "whatever_size", default=False),
    )


def _read_select(payload: Payload) -> SelectRequest:
    return SelectRequest(
        choice(payload, "how", ("only", "add", "remove")),
        tuple(_place(row) for row in items(payload, "rows", MAX_SELECTED)),
        integer(payload, "revision", 0, _MAX_OFFSET),
    )


def _read_remove(payload: Payload) -> RemoveFilter:
    return RemoveFilter(None if payload.get("place") is None else integer(payload, "place", 0, 1000))


def _place(row: Any) -> int:
    return integer({"row": row}, "row", 0, _MAX_OFFSET)


def _names(payload: Payload) -> tuple[str, ...]:
    names = items(payload, "names", _MAX_COLUMNS)
    if not all(isinstance(name, str) for name in names):
        refuse("names are texts")
    return tuple(names)


READERS: dict[str, Reader] = {
    "page": _read_page,
    "sort": _read_sort,
    "refresh": lambda _: RefreshRequest(),
    "count": lambda _: CountRequest(),
    "filter": lambda payload: AddFilter(mapping(payload.get("condition"), "a condition")),
    "unfilter": _read_remove,
    "columns": lambda payload: ColumnsRequest(_names(payload)),
    "summary": lambda payload: SummaryRequest(text(payload, "name")),
    "related": lambda payload: RelatedRequest(_read_scope(payload)),
    "follow": lambda payload: FollowRequest(
        _read_scope(payload), integer(payload, "place", 0, 100_000), text(payload, "name")
    ),
    "return": lambda payload: ReturnRequest(integer(payload, "step", 0, 1000)),
    "cell": _read_cell,
    "select": _read_select,
    "export": lambda payload: ExportRequest(
        text(payload, "file"), flag(payload, "selection", default=False), flag(payload, "overwrite", default=False)
    ),
    "code": lambda _: CodeRequest(),
}

"""What the page of a table browser may say."""

from __future__ import annotations

from dataclasses import dataclass

from datajoint_jupyter.protocol import Payload, Reader, flag, integer, items, mapping, text

MAX_PAGE = 500
"""Most rows of one answer."""

_MAX_OFFSET = 10**12
_MAX_SORT = 16


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
    """The exact number of rows is wanted, whatever it costs."""


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


READERS: dict[str, Reader] = {
    "page": _read_page,
    "sort": _read_sort,
    "refresh": lambda _: RefreshRequest(),
    "count": lambda _: CountRequest(),
}

"""`make` in three parts: fetch, compute, insert. Only the insert holds a transaction."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

from datajoint.autopopulate.digest import content_digest
from datajoint.errors import DataJointError

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate
    from datajoint.autopopulate.task import Key

PARTS = ("make_fetch", "make_compute", "make_insert")
Parts = Generator[Any, Any, None]
Driver = Callable[..., Parts]


def three_parts(table: AutoPopulate) -> Driver:
    """Return a generator function that fetches, computes and inserts, between its three yields."""
    fetch, compute, insert = (getattr(table, name) for name in PARTS)

    def drive(key: Key, **options: Any) -> Parts:
        fetched = fetch(dict(key), **options)
        computed = yield fetched
        if computed is None:
            yield compute(dict(key), *fetched)
            return
        insert(dict(key), *computed)
        yield

    return drive


class Computation:
    """One key computed by a generator function of three yields."""

    def __init__(self, table: AutoPopulate, driver: Driver, key: Key, options: Mapping[str, Any]) -> None:
        self._table, self._driver, self._key, self._options = table, driver, key, options
        self._digest, self._computed = b"", None

    def fetch_and_compute(self) -> None:
        """Fetch, note what was fetched, and compute.

        Raises
        ------
        DataJointError
            If the generator does not do its part.
        """
        parts = self._driver(dict(self._key), **self._options)
        try:
            self._digest = content_digest(next(parts))
            self._computed = next(parts)
        except StopIteration:
            raise self._wrong_form("it ended before its second `yield`") from None
        finally:
            parts.close()
        if self._computed is None:
            raise self._wrong_form("its second `yield` gave None")

    def fetch_and_insert(self) -> None:
        """Fetch again, see that nothing changed, and insert.

        Raises
        ------
        DataJointError
            If something changed, or the generator does not do its part.
        """
        parts = self._driver(dict(self._key), **self._options)
        try:
            if content_digest(next(parts)) != self._digest:
                raise DataJointError(
                    "Referential integrity failed! The `make_fetch` data has changed",
                    table=str(self._table.name),
                    hint="while the result was being computed. Populate again.",
                )
            try:
                last = parts.send(self._computed)
            except StopIteration:
                return  # it inserted and had nothing more to say
            if last is not None:
                raise self._wrong_form("it did not take the result sent to its first `yield`, so it inserted nothing")
        finally:
            parts.close()

    def _wrong_form(self, said: str) -> DataJointError:
        return DataJointError(
            f"The `make` of {self._table.name} is a generator, but {said}.",
            table=str(self._table.name),
            hint="It must do: `computed = yield fetched`; if that is None, compute and `yield computed`; then insert and "
            "`yield`.",
        )

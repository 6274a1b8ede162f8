"""Marks of objects that are on their way into a store, for an insert: a collector of garbage spares them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.definition import TableName
    from datajoint.jobs.uploads import Uploads


class RowMarks:
    """The marks of one insert, made by the worker that this process is as long as it uploads.

    Parameters
    ----------
    connection : Connection
    table : TableName
        Into which the rows go that will name the objects.
    """

    def __init__(self, connection: Connection, table: TableName) -> None:
        self._connection, self._table = connection, table
        self._working = ExitStack()
        self._uploads: Uploads | None = None

    def add(self, objects: Sequence[tuple[str, str]]) -> None:
        """Mark objects, given by store and path, and commit that.

        Raises
        ------
        DataJointError
            If the marks cannot be written: the objects must not be written then either.
        """
        from datajoint.jobs.uploads import Upload, marking  # noqa: PLC0415 - it lies above tables; only objects need it

        if self._uploads is None:
            place = self._table
            self._uploads = self._working.enter_context(marking(self._connection, place.schema, place.name))
        self._uploads.mark(Upload(store, path) for store, path in objects)

    def clear(self) -> None:
        """Remove the marks, and let the worker go."""
        self._uploads = None
        self._working.close()


def marks_of(connection: Connection, table: TableName) -> RowMarks | None:
    """Return where objects of rows of a table are to be marked; None where they are not.

    That is in a schema without the tables of workers, which no insert makes; and inside a transaction of an engine with a
    single writer, since nobody can collect garbage while it lasts.
    """
    catalog = connection.catalog(table.schema)
    if catalog is None or not catalog.tables.keys() >= _TABLES:
        return None
    if connection.has_begun and not connection.backend.coordination.row_locks:
        return None
    return RowMarks(connection, table)


_TABLES = {"~dj_lease", "~dj_worker"}

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
        """Mark objects, given by store and path, and commit that; nothing where this user may not create what it takes.

        Raises
        ------
        DataJointError
            If the marks cannot be written: the objects must not be written then either.
        """
        # It lies above tables, and only objects need it.
        from datajoint.jobs.uploads import Upload, can_mark, marking  # noqa: PLC0415

        place = self._table
        if not can_mark(self._connection, place.schema):
            return
        if self._uploads is None:
            self._uploads = self._working.enter_context(marking(self._connection, place.schema, place.name))
        self._uploads.mark(Upload(store, path) for store, path in objects)

    def clear(self) -> None:
        """Remove the marks, and let the worker go."""
        self._uploads = None
        self._working.close()


def marks_of(connection: Connection, table: TableName) -> RowMarks | None:
    """Return where objects of rows of a table are to be marked; None where that is needless.

    That is inside a transaction of an engine with a single writer, since nobody can collect garbage while it lasts.
    """
    return None if connection.is_only_writer else RowMarks(connection, table)

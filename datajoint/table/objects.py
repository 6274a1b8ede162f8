"""Objects in stores that come with rows: written before them, and removed again if the rows never come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from datajoint.codecs.uploads import Uploads
from datajoint.errors import DataJointError, LostConnectionError
from datajoint.table.columns import ColumnWriter
from datajoint.table.marks import marks_of

if TYPE_CHECKING:
    from datajoint.table.base_table import BaseTable


class RowObjects(Uploads):
    """The objects of the rows that one call sends.

    Attributes
    ----------
    sending : bool
        Whether rows may have been sent.
    """

    sending = False

    def settle_for_rows(self) -> None:
        """Wait until every object is written: rows may be sent from now on.

        Raises
        ------
        Exception
            What the first write that failed raised.
        """
        self.settle()
        self.sending = True


@contextmanager
def row_objects(target: BaseTable, *, parallel: bool) -> Iterator[RowObjects]:
    """Keep account of the objects that codecs write in a block, which sends the rows that name them.

    If the block raises, or a transaction around it is undone, the objects that no other row can name are removed. They
    stay where it is not known whether the rows were kept: an object without a row is collected as garbage, but a row
    without its object would be lost data.

    Parameters
    ----------
    target : BaseTable
        Into which the rows go.
    parallel : bool
        Whether several objects are to be expected.

    Yields
    ------
    RowObjects
        Its `settle_for_rows` must be called before rows are sent.
    """
    connection, heading = target.connection, target.heading
    expected = heading.has_codecs and any(ColumnWriter.of(target, name).writes_objects for name in heading.names)
    marks = marks_of(connection, target.name) if expected else None
    with RowObjects(parallel=parallel, marks=marks) as objects:
        try:
            yield objects
        except BaseException as error:
            # What the library does not raise itself may have come after the rows.
            refused = isinstance(error, DataJointError) and not isinstance(error, LostConnectionError)
            objects.close(kept=False if refused or not objects.sending else None)
            raise
    # Most rows have none, and a long transaction is not to remember each insert.
    if objects.has_written:
        connection.at_end_of_transaction(lambda kept: objects.close(kept=kept))

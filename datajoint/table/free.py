"""A table by its name alone."""

from __future__ import annotations

from typing import Any

from datajoint.connection import Connection
from datajoint.declare.reference import split_full_name
from datajoint.errors import InvalidValueError
from datajoint.singleton import conn
from datajoint.table.table import Table


class FreeTable(Table):
    """Any table of the database, without a class.

    Parameters
    ----------
    connection : Connection, optional
        The shared one if left out.
    full_table_name : str
        ``schema.table``, bare or quoted.

    Raises
    ------
    InvalidValueError
        If the name does not have two parts.

    Examples
    --------
    >>> FreeTable(connection, "lab.#params")  # doctest: +SKIP
    """

    def __init__(self, connection: Connection | str, full_table_name: str | None = None) -> None:
        full_name = connection if isinstance(connection, str) else full_table_name or ""
        try:
            self.database, self._table_name = split_full_name(full_name)
        except ValueError as error:
            raise InvalidValueError(str(error)) from error
        self._connection = conn() if isinstance(connection, str) else connection

    @property
    def table_name(self) -> str:
        """Name of the table in its schema."""
        assert self._table_name is not None
        return self._table_name

    def _node_holder(self) -> Any:
        return self

    def __repr__(self) -> str:
        return f"FreeTable({self.full_table_name})\n{super().__repr__()}"

"""What one asks of a single key: is it left to do, and what happens if it is made now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from datajoint.autopopulate.interrupts import Interrupts
from datajoint.autopopulate.key_source import keys_to_compute, without_rows
from datajoint.autopopulate.make import Maker
from datajoint.autopopulate.task import Task
from datajoint.errors import DataJointError
from datajoint.naming import shorten

if TYPE_CHECKING:
    from datajoint.autopopulate.autopopulate import AutoPopulate
    from datajoint.expression import QueryExpression


class OneKey:
    """Methods of tables that fill themselves, for looking before leaping."""

    def pending(self: AutoPopulate, *restrictions: Any) -> QueryExpression:  # type: ignore[misc]  # mixed into it
        """Return the keys that `populate` would compute, as an expression; nothing is computed.

        Parameters
        ----------
        *restrictions : object
            Conditions on the key source, as of `populate`.

        Raises
        ------
        DataJointError
            On a restricted table, or for an unusable key source.
        """
        return without_rows(keys_to_compute(self, restrictions), self)

    def run(  # type: ignore[misc]  # as above
        self: AutoPopulate, key: Any, *, commit: bool = False, make_kwargs: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Make one key in this thread, so that a debugger can follow; nothing is kept unless asked.

        What `make` raises passes as it is. What it does outside of the database is done.

        Parameters
        ----------
        key : dict or other condition
            Of which the key source has exactly one key.
        commit : bool
            Whether to keep what is made.
        make_kwargs : mapping, optional
            Keyword arguments for `make` (or `make_fetch`).

        Returns
        -------
        list of dict
            The rows of the key, as they are (or were, before they were undone).

        Raises
        ------
        DataJointError
            If the key source has no such key or several, the table has rows of it, or inside a transaction.
        Exception
            Whatever `make` raises.
        """
        if self.connection.in_transaction:
            raise DataJointError("A key cannot be made inside a transaction.", hint="Leave the transaction first.")
        keys = keys_to_compute(self, (key,)).keys(limit=2)
        if len(keys) != 1:
            raise DataJointError(
                f"{self.class_name}.run takes one key; {'no key' if not keys else 'more than one key'} of the key source "
                f"agrees with {shorten(key)}.",
                table=str(self.name),
                hint="Give all attributes of the key.",
            )
        rows: list[dict[str, Any]] = []

        def look() -> None:
            rows.extend((self & keys[0]).to_dicts())

        with Interrupts() as interrupts:
            maker = Maker(self, make_kwargs or {}, interrupts, keep=commit, look=None if commit else look)
            outcome = maker(Task(keys[0]))
        if outcome.error is not None:
            raise outcome.error
        if outcome.status == "skipped":
            raise DataJointError(
                f"{self.class_name} has rows of {shorten(keys[0])} already.",
                table=str(self.name),
                hint="Delete them first.",
            )
        if commit:
            look()
        return rows

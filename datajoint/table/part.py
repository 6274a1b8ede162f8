"""Tables that belong to a master: one entity kept in several tables."""

from __future__ import annotations

from typing import Any, ClassVar

from datajoint.definition import TableDefinition
from datajoint.errors import DataJointError
from datajoint.naming import from_camel_case
from datajoint.table.delete import Confirm
from datajoint.table.table import NAME
from datajoint.table.user_table import UserTable


class Part(UserTable):
    """A table declared inside its master's class, with ``-> master`` in its definition.

    Rows of a part are inserted and deleted together with the row of the master that they belong to.
    """

    tier_regexp = rf"(?P<master>(#|__|_)?{NAME})__(?P<part>{NAME})"
    _master: ClassVar[Any] = None

    @property
    def master(self) -> Any:
        """The master's class.

        Raises
        ------
        DataJointError
            If the class is not nested in a decorated one.
        """
        if self._master is None:
            raise DataJointError(
                f"The part {self.class_name} has no master yet.",
                hint="Nest it in the master's class, and decorate that with a schema.",
            )
        return self._master

    def _derive_table_name(self) -> str:
        return f"{self.master.table_name}__{from_camel_case(self.class_name)}"

    def _check_definition(self, definition: TableDefinition) -> None:
        master = self.master().name
        if not any(
            key.parent == master or key.parent.name.startswith(f"{master.name}__") for key in definition.foreign_keys
        ):
            raise DataJointError(
                f"The part {self.name} does not refer to its master {master}.",
                hint="Add `-> master` to its definition.",
                table=str(self.name),
            )
        super()._check_definition(definition)

    def delete(
        self,
        transaction: bool = True,
        prompt: bool | None = None,
        part_integrity: Any = "enforce",
        dry_run: bool = False,
        confirm: Confirm | None = None,
    ) -> Any:
        """Delete rows of the part.

        Parameters
        ----------
        part_integrity : str
            ``enforce`` refuses, because a master would be left incomplete; ``ignore`` deletes the part's rows only;
            ``cascade`` deletes the masters that they belong to; ``strict`` refuses unless these go anyway.
        transaction, prompt, dry_run, confirm
            As of `Table.delete`.

        Raises
        ------
        DataJointError
            With ``enforce``.
        """
        if part_integrity == "enforce":
            raise DataJointError(
                f"Cannot delete from a Part directly. {self.name} belongs to {self.master().name}.",
                hint="Delete from the master, or pass part_integrity='ignore' or 'cascade'.",
                table=str(self.name),
            )
        return super().delete(
            transaction=transaction, prompt=prompt, part_integrity=part_integrity, dry_run=dry_run, confirm=confirm
        )

    def drop(self, prompt: bool | None = None, part_integrity: Any = "enforce") -> None:
        """Drop the part's table.

        Parameters
        ----------
        prompt : bool, optional
            As of `Table.drop`.
        part_integrity : str
            ``enforce`` refuses; ``ignore`` drops the part and leaves the master.

        Raises
        ------
        DataJointError
            With ``enforce``.
        ValueError
            For another value.
        """
        if part_integrity == "enforce":
            raise DataJointError(
                f"Cannot drop a Part directly. {self.name} belongs to {self.master().name}.",
                hint="Drop the master, or pass part_integrity='ignore'.",
                table=str(self.name),
            )
        super().drop(prompt, part_integrity)

"""Make a table follow its definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from datajoint.declare import AlterPlan, plan_alter
from datajoint.declare.rename import RenamePlan
from datajoint.errors import AccessError, DataJointError
from datajoint.logging import logger
from datajoint.table.context import calling_frame, visible_names
from datajoint.table.rename import plan_table_rename
from datajoint.utils import user_choice

if TYPE_CHECKING:
    from datajoint.table.table import Table


def alter(table: Table, prompt: bool = True, context: Mapping[str, Any] | None = None) -> None:
    """Change the table so that it is what the class's definition says, keeping its rows.

    Attributes can be added, dropped, given another type, default, comment or place, or made nullable or not;
    secondary indexes and foreign keys can be added and dropped. An attribute is renamed by beginning its comment with
    its old name in braces: ``new_name : int32  # {old_name} what it is``. The table is changed wholly or not at all.

    The table itself is renamed, with its parts, its queue of jobs and all that refers to it, where its class has another
    name than before and says so: ``renamed_from = "FormerName"``, or a table's name such as ``"#former_name"`` if the
    tier changed. That is planned, shown and done before anything else.

    Parameters
    ----------
    prompt : bool
        Whether to show what will be done, and which values will be lost, and to ask before it is done.
    context : mapping, optional
        Names that foreign keys may use; those of the class's decoration by default.

    Raises
    ------
    UnsupportedChangeError
        A `NotImplementedError`, if the primary key would have to change, or something else that cannot in place.
    MissingAttributeError, InvalidValueError, DuplicateError, IntegrityError
        If rows stand against it: missing values, values that do not fit, duplicates, missing parents.
    DataJointError
        Inside a transaction, or for a rename that cannot be.
    AccessError
        If the user may not rename the table.
    """
    if table.connection.in_transaction:
        raise DataJointError(
            f"Cannot alter {table.name} inside a transaction.",
            hint="Leave the transaction first.",
            table=str(table.name),
        )
    renaming = plan_table_rename(table)
    if renaming is not None:
        if prompt and user_choice(f"{renaming}\n\nExecute?") != "yes":
            logger.warning("Alter cancelled")
            return
        try:
            renaming.execute()
        finally:
            table._forget()
    plan = _plan(table, context)
    if not plan:
        if prompt and renaming is None:
            logger.warning("Nothing to alter.")
        return
    plan.check()
    if prompt:
        lost = "".join(f"\n{loss}" for loss in plan.losses())
        if user_choice(f"{plan}{lost}\n\nExecute?") != "yes":
            logger.warning("Alter cancelled")
            return
    try:
        plan.execute()
    except AccessError as error:
        logger.warning("The table %s was not altered: %s", table.name, error)
    finally:
        table._forget()


def plan_table_alter(table: Table, context: Mapping[str, Any] | None = None) -> AlterPlan | RenamePlan:
    """Return what `alter` would do; nothing is changed.

    Parameters
    ----------
    context : mapping, optional
        As of `alter`.

    Returns
    -------
    AlterPlan or RenamePlan
        Prints the differences, the checks of the rows, and the statements. False where nothing is to do. Where the table
        must be renamed, that comes first and is all that the plan holds; what else differs is seen after that.

    Raises
    ------
    UnsupportedChangeError, DataJointError
        As `alter`.
    """
    return plan_table_rename(table) or _plan(table, context)


def _plan(table: Table, context: Mapping[str, Any] | None) -> AlterPlan:
    if context is None:
        context = table.declaration_context
    if context is None:
        context = visible_names(calling_frame())
    # Of the tables that foreign keys refer to, too, the structure of now is wanted.
    table.connection.forget_catalog()
    return plan_alter(table.connection, table.name, table._resolve_definition(context))

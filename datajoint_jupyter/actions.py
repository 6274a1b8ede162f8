"""What the magics do, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datajoint as dj
    from datajoint.expression import QueryExpression
    from datajoint_jupyter.widgets.browser import TableBrowser
    from datajoint_jupyter.widgets.delete import DeleteView
    from datajoint_jupyter.widgets.form import EntryForm
    from datajoint_jupyter.widgets.populate import PopulateRun


def browse(expression: QueryExpression | type[dj.Table], *, title: str = "", limit: int | None = None) -> TableBrowser:
    """Return a table browser; as the last value of a cell it shows itself.

    Parameters
    ----------
    expression : QueryExpression or table class
    title : str, optional
        Above the rows.
    limit : int, optional
        Rows kept in the notebook; the setting ``display.limit`` by default.

    Returns
    -------
    TableBrowser
        Its `query` and `order_by` tell what the user made of it.

    Raises
    ------
    DataJointError
        If the first rows cannot be read.
    """
    from datajoint_jupyter.magics.evaluate import as_expression  # noqa: PLC0415 - widgets are imported when used
    from datajoint_jupyter.magics.show import browser_of, shown_rows  # noqa: PLC0415

    rows = as_expression(expression)
    made: TableBrowser = browser_of(rows, title=title, shown=limit or shown_rows(rows))
    return made


def populate(
    table: dj.Table | type[dj.Table], *restrictions: Any, wait: bool = False, max_calls: int | None = None
) -> PopulateRun:
    """Populate a table and show how far it is.

    Parameters
    ----------
    table : Table or table class
        An imported or computed table.
    *restrictions
        Conditions on its key source.
    wait : bool
        Whether to return when it is over; always so where no page could show the rest.
    max_calls : int, optional
        At most this many keys.

    Returns
    -------
    PopulateRun
        Its `progress` and `errors` tell how far it is; `stop` and `wait` do what they say.

    Raises
    ------
    DataJointError
        If the table cannot be populated, or is being populated already.
    """
    from datajoint_jupyter.magics.evaluate import as_expression  # noqa: PLC0415
    from datajoint_jupyter.magics.populate import begin  # noqa: PLC0415
    from datajoint_jupyter.widgets.populate import PopulateRun  # noqa: PLC0415

    run = PopulateRun(as_expression(table), *restrictions, max_calls=max_calls)
    begin(run, wait=wait)
    return run


def insert_form(
    table: dj.Table | type[dj.Table], *, values: Mapping[str, Any] | None = None, name: str = ""
) -> EntryForm:
    """Return a form to enter rows into a table; as the last value of a cell it shows itself.

    Parameters
    ----------
    table : Table or table class
        A manual or lookup table, or a part of one.
    values : mapping, optional
        What the form begins with.
    name : str, optional
        How the notebook calls the table, for the code that the form shows; the class's name by default.

    Returns
    -------
    EntryForm
        Its `values`, `parts` and `problems` tell what was typed; `inserted` how many rows it made.

    Raises
    ------
    DataJointError
        If the table is filled by its `make`, is restricted, or does not exist.
    """
    from datajoint_jupyter.magics.evaluate import as_expression  # noqa: PLC0415
    from datajoint_jupyter.widgets.form import EntryForm  # noqa: PLC0415

    return EntryForm(as_expression(table), name=name, values=values)


def delete_view(
    expression: dj.Table | type[dj.Table], *, part_integrity: str = "enforce", source: str = ""
) -> DeleteView:
    """Return a view of what a deletion would take; rows go once it is confirmed there.

    Parameters
    ----------
    expression : Table or table class
        A table, perhaps restricted.
    part_integrity : {"enforce", "cascade", "ignore", "strict"}
        As of `Table.delete`.
    source : str, optional
        How the notebook writes the expression, for the code that the view shows.

    Returns
    -------
    DeleteView
        Its `plan`, `state` and `deleted` tell what is to be done and what was done.

    Raises
    ------
    DataJointError
        If it is no table, its plan cannot be made, or a transaction is open here.
    """
    from datajoint_jupyter.magics.evaluate import as_expression  # noqa: PLC0415
    from datajoint_jupyter.widgets.delete import DeleteView  # noqa: PLC0415

    return DeleteView(as_expression(expression), source=source, part_integrity=part_integrity)

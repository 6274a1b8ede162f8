"""What the magics do, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datajoint as dj
    from datajoint.expression import QueryExpression
    from datajoint_jupyter.widgets.browser import TableBrowser
    from datajoint_jupyter.widgets.builder import RestrictionBuilder
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
        Its `query`, `restriction`, `order_by`, `selection` and `code` tell what the user made of it, and can be set
        but for `code`.

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


def restrict(expression: QueryExpression | type[dj.Table], *, limit: int | None = None) -> RestrictionBuilder:
    """Return a builder of restrictions; as the last value of a cell it shows itself.

    Parameters
    ----------
    expression : QueryExpression or table class
        Conditions that restrict it already are taken over, as far as they can be chosen from menus; texts that cannot
        are edited as texts, and other objects stay where they are.
    limit : int, optional
        Rows kept in the notebook; the setting ``display.limit`` by default.

    Returns
    -------
    RestrictionBuilder
        Its `query`, `restriction`, `code` and `sql` tell what the user made of it; `tree` and `restriction` may be set.

    Raises
    ------
    DataJointError
        If the structure of the tables cannot be read.
    """
    from datajoint_jupyter.frontend import notebook_variables  # noqa: PLC0415
    from datajoint_jupyter.magics.evaluate import as_expression  # noqa: PLC0415
    from datajoint_jupyter.magics.show import shown_rows  # noqa: PLC0415
    from datajoint_jupyter.widgets.builder import RestrictionBuilder  # noqa: PLC0415

    rows = as_expression(expression)
    return RestrictionBuilder(rows, namespace=notebook_variables(), shown=limit or shown_rows(rows))


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

"""What the magics do, for programs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datajoint as dj
    from datajoint.expression import QueryExpression
    from datajoint_jupyter.widgets.browser import TableBrowser
    from datajoint_jupyter.widgets.builder import RestrictionBuilder
    from datajoint_jupyter.widgets.diagram import DiagramView
    from datajoint_jupyter.widgets.matrix import MatrixView
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


def matrix(
    rows: QueryExpression | type[dj.Table],
    tables: Collection[Any] | None = None,
    *,
    title: str = "",
    context: Mapping[str, Any] | None = None,
    parts: bool = False,
    live: bool = True,
) -> MatrixView:
    """Return a status matrix; as the last value of a cell it shows itself.

    Parameters
    ----------
    rows : QueryExpression or table class
        A row for each of its keys.
    tables : collection, optional
        Only these columns: table classes, instances, or titles; by default all tables that depend on the rows.
    title : str, optional
        Above the matrix.
    context : mapping, optional
        Namespace in which the classes are looked for; by default the notebook's.
    parts : bool
        Whether part tables have columns.
    live : bool
        Whether to follow what changes.

    Returns
    -------
    MatrixView
        Its `status` is a data frame of the states, `why` tells the reasons of one, `run` computes what is missing.

    Raises
    ------
    DataJointError
        If the rows have no key, or nothing depends on them.
    """
    from datajoint_jupyter.widgets.matrix import MatrixView  # noqa: PLC0415

    return MatrixView(
        rows, tables, title=title, context=_notebook_names() if context is None else context, parts=parts, live=live
    )


def diagram(*sources: Any, live: bool = False, context: Mapping[str, Any] | None = None) -> DiagramView:
    """Return a live diagram; as the last value of a cell it shows itself.

    Parameters
    ----------
    *sources : table, schema, module or Diagram
        What to show, all in one picture.
    live : bool
        Whether to follow how far computed tables are.
    context : mapping, optional
        Namespace in which the classes are looked for; by default the notebook's.

    Returns
    -------
    DiagramView
        Its `diagram` and `code` are what is shown now, `table` is what is selected.

    Raises
    ------
    DataJointError
        If there is no source, one is none of these, or no Graphviz engine is installed.
    """
    import datajoint as dj  # noqa: PLC0415
    from datajoint_jupyter.widgets.diagram import DiagramView  # noqa: PLC0415

    if not sources:
        raise dj.DataJointError("A diagram of nothing was asked for.", hint="Give tables, schemas or diagrams.")
    names = _notebook_names() if context is None else context
    diagrams = [source if isinstance(source, dj.Diagram) else dj.Diagram(source, context=names) for source in sources]
    return DiagramView(reduce(add, diagrams), live=live)


def _notebook_names() -> Mapping[str, Any]:
    """Return the notebook's variables; nothing outside IPython."""
    from IPython.core.getipython import get_ipython  # noqa: PLC0415

    shell = get_ipython()
    return {} if shell is None else dict(shell.user_ns)

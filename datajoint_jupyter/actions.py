"""What the magics do, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import datajoint as dj
    from datajoint.expression import QueryExpression
    from datajoint_jupyter.widgets.browser import TableBrowser
    from datajoint_jupyter.widgets.populate import PopulateRun
    from datajoint_jupyter.work import WorkPanel
    from datajoint_jupyter.workspace import Workspace


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
    tables: Any,
    *restrictions: Any,
    wait: bool = False,
    max_calls: int | None = None,
    workers: int | None = None,
    processes: int | None = None,
    order: Literal["original", "reverse", "random"] = "original",
    priority: int | None = None,
    time_limit: float | None = None,
) -> PopulateRun | WorkPanel:
    """Populate tables and show how far they are.

    Parameters
    ----------
    tables : Table, table class, Schema, or list of these
        Imported or computed tables.
    *restrictions
        Conditions on the key source.
    wait : bool
        Whether to return when it is over; always so where no page could show the rest.
    max_calls : int, optional
        At most this many keys of each table.
    workers, processes : int, optional
        How many threads, or processes, share the queues of the tables.
    order : {"original", "reverse", "random"}
    priority : int, optional
        Only jobs at least so urgent; lower is more urgent.
    time_limit : float, optional
        Seconds that a key may take.

    Returns
    -------
    WorkPanel or PopulateRun
        The panel where a page shows it, or a queue was asked for; else the run of one table, which is over.

    Raises
    ------
    DataJointError
        If the tables cannot be populated, or the one table is being populated already.
    """
    from datajoint_jupyter.magics.populate import PopulateArguments, begin_work  # noqa: PLC0415
    from datajoint_jupyter.work.targets import tables_of  # noqa: PLC0415

    found = tables_of(tables, _workspace())
    arguments = PopulateArguments(
        wait=wait, workers=workers, processes=processes, max_calls=max_calls, order=order, priority=priority,
        time_limit=time_limit,
    )  # fmt: skip
    return begin_work(found, list(restrictions), arguments)


def watch(tables: Any) -> WorkPanel:
    """Show how far tables are, whoever works on them and wherever.

    Parameters
    ----------
    tables : Table, table class, Schema, or list of these

    Returns
    -------
    WorkPanel
        Its `state` and `failures` tell what is seen; `start`, `pause`, `resume`, `stop`, `kill`, `retry`, `ignore` and
        `recover` do what its buttons do.

    Raises
    ------
    DataJointError
        If none of them is imported or computed, or they belong to several connections.
    """
    from datajoint_jupyter.work import WorkPanel  # noqa: PLC0415
    from datajoint_jupyter.work.targets import tables_of  # noqa: PLC0415

    panel = WorkPanel(tables_of(tables, _workspace()))
    panel.show()
    return panel


def _workspace() -> Workspace:
    """Return what the notebook knows; nothing outside of one."""
    from IPython.core.getipython import get_ipython  # noqa: PLC0415

    from datajoint_jupyter.workspace import Workspace  # noqa: PLC0415

    shell = get_ipython()
    return Workspace({} if shell is None else shell.user_ns)

"""What the magics do, for programs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import datajoint as dj
    from datajoint.expression import QueryExpression
    from datajoint_jupyter.widgets.browser import TableBrowser
    from datajoint_jupyter.widgets.builder import RestrictionBuilder
    from datajoint_jupyter.widgets.delete import DeleteView
    from datajoint_jupyter.widgets.diagram import DiagramView
    from datajoint_jupyter.widgets.form import EntryForm
    from datajoint_jupyter.widgets.matrix import MatrixView
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


def _notebook_names() -> Mapping[str, Any]:
    """Return the notebook's variables; nothing outside IPython."""
    from IPython.core.getipython import get_ipython  # noqa: PLC0415

    shell = get_ipython()
    return {} if shell is None else dict(shell.user_ns)


def _workspace() -> Workspace:
    """Return what the notebook knows; nothing outside of one."""
    from IPython.core.getipython import get_ipython  # noqa: PLC0415

    from datajoint_jupyter.workspace import Workspace  # noqa: PLC0415

    shell = get_ipython()
    return Workspace({} if shell is None else shell.user_ns)

"""`Diagram`: a selection among the tables of the dependency graph, with operators to widen, narrow and draw it."""

from __future__ import annotations

import functools
import inspect
import io
import operator
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Self

import networkx as nx

from datajoint.diagram.class_names import full_name_of
from datajoint.diagram.dot import make_dot
from datajoint.diagram.mermaid import make_mermaid
from datajoint.diagram.render import INSTALL_SVG, NoEngineError, draw
from datajoint.diagram.scene import Scene, SceneBuilder
from datajoint.diagram.svg import as_document, finish_svg
from datajoint.diagram.text import make_text
from datajoint.errors import DataJointError, MissingTableError
from datajoint.graph.dependencies import extract_master, topo_sort
from datajoint.naming import did_you_mean, shorten
from datajoint.table import FreeTable

if TYPE_CHECKING:
    import graphviz

    from datajoint.backends.catalog import TableInfo
    from datajoint.connection import Connection
    from datajoint.definition import TableName
    from datajoint.graph.dependencies import Dependencies

    _Graph = nx.MultiDiGraph[str]
else:
    _Graph = nx.MultiDiGraph

FileFormat = Literal["png", "svg", "mermaid"]
_FORMATS: dict[str, FileFormat] = {".png": "png", ".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid"}
_NOTHING: Any = object()


class Diagram(_Graph):
    """The graph of foreign keys together with the set of tables to show of it.

    ``a + b`` shows the tables of both, ``a - b`` those of `a` without `b`'s, ``a * b`` those in both; ``a + 1`` adds
    the tables one foreign key downstream, ``a - 1`` those upstream. In place of `b` a single table may stand after
    ``+`` and ``-``. Operators return new diagrams.

    Parameters
    ----------
    source : table, schema, module or Diagram
        A table's class or instance: that table. A schema, or a module that has one as ``schema``: all its tables.
        A diagram: a copy.
    context : mapping, optional
        Namespace in which the classes of the tables are looked for, to name them; by default that of the caller.
        With ``{}`` the names in the database are shown.

    Attributes
    ----------
    nodes_to_show : set of str
        Full names of the tables shown.
    context : dict

    Raises
    ------
    DataJointError
        If `source` is none of these, or foreign keys form a cycle.
    MissingTableError
        If the table does not exist.

    Examples
    --------
    >>> dj.Diagram(schema)                   # doctest: +SKIP
    >>> dj.Diagram(Session) + 1 - 1          # doctest: +SKIP
    """

    def __init__(self, source: Any = _NOTHING, context: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.nodes_to_show: set[str] = set()
        self._expanded_nodes: set[str] = set()
        self._table_names: dict[str, TableName] = {}
        self._tables: dict[str, TableInfo] = {}
        self._connection: Connection | None = None
        self.context: dict[str, Any] = {}
        if source is _NOTHING:  # networkx makes empty graphs of the same class for subgraphs and reversed copies
            return
        if isinstance(source, Diagram):
            self._copy(source)
            if context is not None:
                self.context = dict(context)
            return
        self.context = _callers_namespace() if context is None else dict(context)
        self._connection = _connection_of(source)
        self.nodes_to_show = self._select(source)
        self._expanded_nodes = set(self.nodes_to_show)

    @classmethod
    def from_sequence(cls, sequence: Iterable[Any], context: Mapping[str, Any] | None = None) -> Self:
        """Return the union of the diagrams of several sources.

        Parameters
        ----------
        sequence : iterable
            Whatever `Diagram` takes.
        context : mapping, optional
            As for `Diagram`; by default the caller's namespace.

        Raises
        ------
        TypeError
            If the sequence is empty.
        DataJointError
            As `Diagram`.
        """
        if context is None:
            context = _callers_namespace()
        return functools.reduce(operator.add, (cls(source, context) for source in sequence))

    def _copy(self, other: Diagram) -> None:
        self._connection = other._connection
        self._join(other)
        self.nodes_to_show = set(other.nodes_to_show)
        self._expanded_nodes = set(other._expanded_nodes)
        self.context = dict(other.context)

    def copy(self, as_view: bool = False) -> Any:
        """Return a copy with the same selection; `as_view` as networkx has it."""
        return super().copy(as_view=True) if as_view else type(self)(self)

    # --- the graph behind
    def _select(self, source: Any) -> set[str]:
        """Load the graph with the schema of `source` and return the full names of the tables that it stands for."""
        table = full_name_of(source)
        schema = source if table is not None or not hasattr(source, "schema") else source.schema
        database = getattr(schema, "database", None)
        if not isinstance(database, str):
            raise DataJointError(
                f"Cannot plot Diagram for {_spoken(source)}.",
                hint="Give a table, a schema, or a module with a `schema`.",
            )
        self._load(database)
        if table is None:
            return {node for node, name in self._table_names.items() if name.schema == database}
        if table not in self.nodes:
            raise MissingTableError(
                f"The table {table} is not in the database.", hint=did_you_mean(table, self.nodes) or None, table=table
            )
        return {table}

    def _load(self, *schemas: str) -> None:
        """Take over the connection's graph, after making sure that it covers `schemas`."""
        dependencies = self._require_connection().dependencies
        with dependencies.lock:
            dependencies.cover(schemas)
            self._join(dependencies)

    def _join(self, other: Diagram | Dependencies) -> None:
        """Add the nodes and edges of another graph; what is known of a table here is not replaced by less."""
        names, tables = (
            (other._table_names, other._tables) if isinstance(other, Diagram) else (other.table_names, other.tables)
        )
        self._table_names |= names
        self._tables |= tables
        known = {node for node, data in self.nodes(data=True) if data}
        self.add_nodes_from(other.nodes(data=True))
        for parent, child, key, data in other.edges(keys=True, data=True):
            if child not in known or other.nodes[child] or not self.has_edge(parent, child, key):
                self.add_edge(parent, child, key, **data)

    def _require_connection(self) -> Connection:
        if self._connection is None:
            raise DataJointError("This diagram has no connection.", hint="Make it of a schema or a table.")
        return self._connection

    # --- algebra
    def __add__(self, other: Any) -> Self:
        """Widen: by another diagram, by a table, or by `other` steps downstream."""
        result = type(self)(self)
        if isinstance(other, int):
            result._walk(other, downstream=True)
            return result
        if not isinstance(other, Diagram):
            if full_name_of(other) is None:
                return NotImplemented
            other = Diagram(other, context={})
        result._join(other)
        result.nodes_to_show |= other.nodes_to_show
        result._expanded_nodes |= other._expanded_nodes
        result.context |= other.context
        return result

    def __sub__(self, other: Any) -> Self:
        """Narrow by another diagram or by a table; or widen by `other` steps upstream.

        Raises
        ------
        KeyError
            If the table is not shown.
        """
        result = type(self)(self)
        if isinstance(other, int):
            result._walk(other, downstream=False)
        elif isinstance(other, Diagram):
            result.nodes_to_show -= other.nodes_to_show
        else:
            table = full_name_of(other)
            if table is None:
                return NotImplemented
            result.nodes_to_show.remove(table)
        result._expanded_nodes &= result.nodes_to_show
        return result

    def __mul__(self, other: Diagram) -> Self:
        """Narrow to the tables that `other` shows too.

        Raises
        ------
        AttributeError
            If `other` is no diagram.
        """
        if not isinstance(other, Diagram):
            raise AttributeError(f"A diagram can be intersected with a diagram, not with {_spoken(other)}.")  # noqa: TRY004 - the class is part of the interface
        result = type(self)(self)
        result.nodes_to_show &= other.nodes_to_show
        result._expanded_nodes &= result.nodes_to_show
        return result

    def _walk(self, steps: int, *, downstream: bool) -> None:
        """Show the tables `steps` foreign keys further."""
        if steps > 0 and downstream:
            self._expanded_nodes = set(self.nodes_to_show)
        for _ in range(steps):
            neighbors = self.successors if downstream else self.predecessors
            found = {n for node in self.nodes_to_show for n in neighbors(node)} - self.nodes_to_show
            if not found:
                return
            self.nodes_to_show |= found
            self._expanded_nodes |= found
            unknown = {self._table_names[node].schema for node in found if node not in self._tables}
            if unknown:
                self._load(*unknown)

    def add_parts(self) -> Self:
        """Return the diagram with the parts of every master that it shows."""
        result = type(self)(self)
        parts = {node for node in self.nodes if extract_master(node) in self.nodes_to_show} - self.nodes_to_show
        result.nodes_to_show |= parts
        result._expanded_nodes |= parts
        return result

    def collapse(self) -> Self:
        """Return the diagram with its tables collapsed into one box for each schema.

        In a union with other diagrams, tables that these draw one by one stay so.
        """
        result = type(self)(self)
        result._expanded_nodes = set()
        return result

    # --- iteration
    def __iter__(self) -> Iterator[FreeTable]:  # type: ignore[override]
        """Iterate over the tables shown, parents before children; names of all nodes are in ``nodes``."""
        return iter(self._free_tables())

    def __reversed__(self) -> Iterator[FreeTable]:
        """Iterate over the tables shown, children before parents."""
        return reversed(self._free_tables())

    def _free_tables(self) -> list[FreeTable]:
        shown = [node for node in topo_sort(self) if node in self.nodes_to_show]
        return [FreeTable(self._require_connection(), node) for node in shown]

    # --- pictures
    def _scene(self) -> Scene:
        shown = self.nodes_to_show & self._table_names.keys()
        expanded = shown & self._expanded_nodes
        return SceneBuilder(
            self, self._table_names, self._tables, shown, expanded, self.context, self._connection
        ).build()

    @property
    def _direction(self) -> str:
        return self._require_connection().settings.display.diagram_direction

    @property
    def _theme(self) -> str:
        return self._require_connection().settings.display.diagram_theme

    def make_dot(self, theme: str | None = None) -> graphviz.Digraph:
        """Return the diagram as a DOT graph.

        DataJoint 2.3 returns a ``pydot.Dot`` here; this is the ``graphviz`` package's object. Its text is
        ``.source``, and ``.render()`` and ``.pipe()`` draw it where the ``dot`` program is installed.

        Parameters
        ----------
        theme : {"light", "dark", "auto"}, optional
            By default the setting ``display.diagram_theme``; ``auto`` is drawn light.
        """
        return make_dot(self._scene(), self._direction, theme or self._theme)

    def make_mermaid(self) -> str:
        """Return the diagram as the text of a Mermaid flowchart."""
        return make_mermaid(self._scene(), self._direction)

    def svg_string(self) -> str:
        """Return the diagram as an SVG document.

        With the theme ``auto`` it carries a style sheet by which it turns dark where the reader prefers dark.

        Raises
        ------
        DataJointError
            If no Graphviz engine is installed.
        """
        return as_document(self._svg_root())

    def _svg_root(self) -> str:
        scene, theme = self._scene(), self._theme
        dot = make_dot(scene, self._direction, theme, for_svg=True)
        return finish_svg(draw(dot.source, "svg"), scene, adaptive=theme == "auto")

    def make_svg(self) -> Any:
        """Return the diagram as an ``IPython.display.SVG``.

        Raises
        ------
        DataJointError
            If IPython or a Graphviz engine is missing.
        """
        try:
            from IPython.display import SVG  # noqa: PLC0415 - optional, and slow to import
        except ImportError as error:
            raise DataJointError(
                "make_svg() makes an IPython object, and IPython is not installed.",
                hint="Use svg_string() or save(), or: pip install ipython.",
            ) from error
        return SVG(self.svg_string())

    def make_png(self) -> io.BytesIO:
        """Return the diagram as a PNG file in memory; the theme ``auto`` is drawn light.

        Raises
        ------
        DataJointError
            If no installed Graphviz engine can draw PNG.
        """
        return io.BytesIO(draw(self.make_dot().source, "png"))

    def save(self, filename: str | Path, format: FileFormat | None = None) -> None:  # noqa: A002 - part of the interface
        """Write the diagram to a file.

        Parameters
        ----------
        filename : str or Path
        format : {"png", "svg", "mermaid"}, optional
            By default from the file's extension: ``.png``, ``.svg``, ``.mmd`` or ``.mermaid``.

        Raises
        ------
        DataJointError
            For another extension or format, or if no Graphviz engine can draw it.
        """
        path = Path(filename)
        chosen = format or _FORMATS.get(path.suffix.lower())
        if chosen is None:
            raise DataJointError("Could not infer format from filename. Specify format explicitly.")
        if chosen == "png":
            path.write_bytes(self.make_png().getvalue())
        elif chosen == "svg":
            path.write_text(self.svg_string(), encoding="utf-8")
        elif chosen == "mermaid":
            path.write_text(self.make_mermaid(), encoding="utf-8")
        else:
            raise DataJointError("Unsupported file format", hint=f"{chosen!r} is none of png, svg, mermaid.")

    # --- display
    def __repr__(self) -> str:
        return make_text(self._scene())

    def _repr_svg_(self) -> str | None:
        """Return the root element alone, for notebooks; None where no engine is installed."""
        try:
            return self._svg_root()
        except NoEngineError:
            return None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return text and SVG, or without an engine Mermaid and what to install."""
        bundle = {"text/plain": repr(self)}
        svg = self._repr_svg_()
        if svg is not None:
            bundle["image/svg+xml"] = svg
        else:
            mermaid = self.make_mermaid()
            bundle["text/vnd.mermaid"] = mermaid
            bundle["text/markdown"] = f"```mermaid\n{mermaid}\n```"
            bundle["text/plain"] += f"\n\nTo see it drawn: {INSTALL_SVG}"
        return {
            mime: data
            for mime, data in bundle.items()
            if (not include or mime in include) and mime not in (exclude or ())
        }


def _callers_namespace() -> dict[str, Any]:
    """Return the globals, overlaid with the locals, of the code that called into this module."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}


def _connection_of(source: Any) -> Connection:
    """Return the connection of a table, a schema, or of what has a schema.

    Raises
    ------
    DataJointError
        If there is none.
    """
    holders = (
        [getattr(source, "schema", None), source]
        if isinstance(source, ModuleType)
        else [source, getattr(source, "schema", None)]
    )
    for holder in holders:
        connection: Connection | None = getattr(holder, "connection", None)
        if connection is not None and hasattr(connection, "dependencies"):
            return connection
    raise DataJointError(
        f"Could not find database connection in {_spoken(source)}.",
        hint="Give a table, a schema, or a module with a `schema`; several go to Diagram.from_sequence().",
    )


def _spoken(value: object) -> str:
    """Name a value for a message; not by its repr, because an expression's would ask the database."""
    return (
        shorten(value)
        if value is None or isinstance(value, str | int | float | type | ModuleType)
        else f"a {type(value).__name__}"
    )

"""The Python that makes a diagram again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from datajoint import singleton
from datajoint.diagram.class_names import find_class_names
from datajoint.graph.dependencies import topo_sort

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.definition import TableName
    from datajoint.diagram.diagram import Diagram


def code_of(diagram: Diagram, centre: tuple[str, int, int] | None = None) -> str:
    """Return an expression that makes a diagram with the same picture, in the names of its context.

    Parameters
    ----------
    diagram : Diagram
    centre : tuple of (str, int, int), optional
        The table whose neighbourhood it is, with the steps up and down.
    """
    writer = _Writer(diagram)
    shown = diagram.nodes_to_show
    drawn = diagram._expanded_nodes & shown
    whole = writer.neighbourhood(*centre) if centre is not None else writer.selection(shown)
    if diagram._overview:
        text = f"{_closed(whole)}.overview()"
    elif not drawn:
        text = f"{_closed(whole)}.collapse()"
    elif drawn != shown:
        text = f"{_closed(whole)}.collapse() + {_closed(writer.selection(drawn))}"
    else:
        text = whole
    if diagram._folded:
        text = f"{_closed(text)}.collapse('master')"
    if diagram._look:
        text = f"{_closed(text)}.with_look({', '.join(f'{k}={v!r}' for k, v in diagram._look.items())})"
    return text


def _closed(text: str) -> str:
    """Put an operation in parentheses, so that a method can follow it."""
    return f"({text})" if ") + " in text or ") - " in text else text


class _Writer:
    """Writes tables and schemas as a namespace knows them."""

    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.context = diagram.context
        self.connection = diagram._require_connection()
        names = list(diagram._table_names.values())
        self.paths = {
            name: found.path for name, found in find_class_names(self.context, self.connection, names).items()
        }

    def neighbourhood(self, node: str, up: int, down: int) -> str:
        """Write a table and what is near it."""
        centre = f"dj.Diagram({self.table(self.diagram._table_names[node])})"
        if not up and not down:
            return centre
        if not up or not down:
            return f"{centre} + {down}" if down else f"{centre} - {up}"
        return f"({centre} - {up}) + ({centre} + {down})"

    def selection(self, nodes: Collection[str]) -> str:
        """Write some tables: whole schemas by their names, others one by one."""
        sources = list(self._sources(set(nodes)))
        if len(sources) == 1:
            return f"dj.Diagram({sources[0]})"
        return f"dj.Diagram.from_sequence([{', '.join(sources)}])"

    def _sources(self, nodes: set[str]) -> Iterator[str]:
        names = self.diagram._table_names
        order = [node for node in topo_sort(self.diagram) if node in nodes]
        for schema in dict.fromkeys(names[node].schema for node in order):
            chosen = [node for node in order if names[node].schema == schema]
            every = {node for node, name in names.items() if name.schema == schema}
            # Of a schema that is not loaded only those tables are known that others refer to.
            if set(chosen) == every <= self.diagram._tables.keys():
                yield self.schema(schema)
            else:
                yield from (self.table(names[node]) for node in chosen)

    def table(self, name: TableName) -> str:
        """Write a table: its class, or by its name."""
        return self.paths.get(name) or f"dj.FreeTable({self.link()}, {str(name)!r})"

    def schema(self, name: str) -> str:
        """Write a schema: a variable, a module that has it, or by its name."""
        for variable, value in self._values():
            if _is_schema(value, name, self.connection):
                return variable
        for variable, value in self._values():
            if isinstance(value, ModuleType) and _is_schema(getattr(value, "schema", None), name, self.connection):
                return variable
        return f"dj.Schema({name!r}, connection={self.link()})"

    def link(self) -> str:
        """Write the connection."""
        for variable, value in self._values():
            if value is self.connection:
                return variable
        for variable, value in self._values():
            if getattr(value, "connection", None) is self.connection and hasattr(value, "database"):
                return f"{variable}.connection"
        return "dj.conn()" if singleton._connection is self.connection else "connection"

    def _values(self) -> Iterator[tuple[str, Any]]:
        context: Mapping[str, Any] = self.context
        return ((name, value) for name, value in list(context.items()) if not name.startswith("_"))


def _is_schema(value: Any, name: str, connection: Connection) -> bool:
    return (
        hasattr(type(value), "list_tables")
        and getattr(value, "database", None) == name
        and getattr(value, "connection", None) is connection
    )

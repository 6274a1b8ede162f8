"""A DOT graph that can be looked into: nodes, edges and subgraphs with getters named as pydot names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import graphviz

from datajoint.diagram.render import Format, draw
from datajoint.errors import DataJointError

_FORMATS: tuple[Format, ...] = ("svg", "png", "pdf")


class _Attributed:
    """Something with attributes: ``get_color()`` is the attribute ``color``, or None if it has none."""

    _attributes: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """Return an attribute, or None."""
        return self._attributes.get(name)

    def get_attributes(self) -> dict[str, str]:
        """Return all attributes."""
        return dict(self._attributes)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("get_") and "_attributes" in self.__dict__:
            return lambda: self.get(name.removeprefix("get_"))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class DotNode(_Attributed):
    """A node of a DOT graph."""

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self._name, self._attributes = name, attributes

    def get_name(self) -> str:
        """Return the name in double quotes."""
        return _in_quotes(self._name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.get_name()}>"


class DotEdge(_Attributed):
    """An edge of a DOT graph."""

    def __init__(self, source: str, destination: str, attributes: Mapping[str, str]) -> None:
        self._ends, self._attributes = (source, destination), attributes

    def get_source(self) -> str:
        """Return the parent's name in double quotes."""
        return _in_quotes(self._ends[0])

    def get_destination(self) -> str:
        """Return the child's name in double quotes."""
        return _in_quotes(self._ends[1])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.get_source()} -> {self.get_destination()}>"


class Dot(_Attributed, graphviz.Digraph):  # type: ignore[misc]  # the package carries no types
    """A DOT graph, as the ``graphviz`` package writes it.

    Its text is ``source`` or ``to_string()``. ``create_svg()``, ``create_png()`` and ``create_pdf()`` draw it with the
    first engine found, ``write_svg(path)`` and so on into a file.
    """

    def __init__(self, name: str | None = None, **options: Any) -> None:
        super().__init__(name, **options)
        self._attributes: dict[str, str] = self.graph_attr
        self._nodes: list[DotNode] = []
        self._edges: list[DotEdge] = []
        self._subgraphs: list[Dot] = []

    @classmethod
    def new_subgraph(cls, name: str | None, attributes: Mapping[str, str]) -> Dot:
        """Return an empty graph that can be added to another."""
        return cls(None if name is None else _literal(name), graph_attr=dict(attributes))

    def add_node(self, name: str, attributes: Mapping[str, str] | None = None) -> None:
        """Add a node."""
        self._nodes.append(DotNode(name, {**self.node_attr, **(attributes or {})}))
        self.node(_literal(name), **(attributes or {}))

    def add_edge(self, source: str, destination: str, attributes: Mapping[str, str]) -> None:
        """Add an edge."""
        self._edges.append(DotEdge(source, destination, {**self.edge_attr, **attributes}))
        self.edge(_literal(source), _literal(destination), **attributes)

    def add_subgraph(self, graph: Dot) -> None:
        """Add a finished graph as a part of this one."""
        self._subgraphs.append(graph)
        self.subgraph(graph)

    # --- looking into it
    def get_name(self) -> str:
        """Return the name in double quotes."""
        return _in_quotes(self.name or "")

    def get_nodes(self) -> list[DotNode]:
        """Return the nodes that stand in the graph itself."""
        return list(self._nodes)

    get_node_list = get_nodes

    def get_node(self, name: str) -> list[DotNode]:
        """Return the nodes of that name, with or without quotes."""
        return [node for node in self._nodes if name in (node.get_name(), node.get_name()[1:-1])]

    def get_edges(self) -> list[DotEdge]:
        """Return the edges that stand in the graph itself."""
        return list(self._edges)

    get_edge_list = get_edges

    def get_subgraphs(self) -> list[Dot]:
        """Return the subgraphs."""
        return list(self._subgraphs)

    get_subgraph_list = get_subgraphs

    # --- text and pictures
    def to_string(self) -> str:
        """Return the DOT text."""
        text: str = self.source
        return text

    def create(self, format: str = "png") -> bytes:  # noqa: A002 - part of the interface
        """Return the graph, drawn.

        Parameters
        ----------
        format : {"svg", "png", "pdf"}

        Raises
        ------
        DataJointError
            For another format, or if no installed Graphviz engine draws it.
        """
        form = next((known for known in _FORMATS if known == format), None)
        if form is None:
            raise DataJointError(f"A graph cannot be drawn as {format!r}.", hint="Give 'svg', 'png' or 'pdf'.")
        return draw(self.source, form)

    def write(self, path: str | Path, format: str = "raw") -> bool:  # noqa: A002 - part of the interface
        """Write the graph to a file, as text (``raw`` or ``dot``) or drawn as `create` does; returns True."""
        data = self.source.encode() if format in {"raw", "dot"} else self.create(format)
        Path(path).write_bytes(data)
        return True

    def __getattr__(self, name: str) -> Any:
        verb, _, form = name.partition("_")
        if form in {*_FORMATS, "raw", "dot"} and verb in {"create", "write"}:
            method: Callable[..., Any] = getattr(self, verb)
            return lambda *path: method(*path, format=form)
        return super().__getattr__(name)


def _literal(text: str) -> str:
    """Return text that the writer of DOT puts down literally, whatever it contains."""
    literal: str = graphviz.escape(text)
    return literal


def _in_quotes(name: str) -> str:
    return '"' + name.replace('"', '\\"') + '"'

"""Table classes in a namespace: which table a name stands for, and what a table is called there."""

from __future__ import annotations

import inspect
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from datajoint.declare.reference import FindReferent, Referent
from datajoint.definition import TableName
from datajoint.expression.expression import QueryExpression
from datajoint.expression.nodes import Project, TableNode
from datajoint.table.meta import TableMeta, is_library_class, is_library_module

if TYPE_CHECKING:
    from datajoint.connection import Connection

_DEPTH = 3


def calling_frame() -> FrameType:
    """Return the nearest frame of the user's program, outside the library."""
    frame = inspect.currentframe()
    while frame is not None and is_library_module(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    assert frame is not None  # a program called the library
    return frame


def visible_names(frame: FrameType) -> ChainMap[str, Any]:
    """Return the local names of a frame, and behind them those of its module; names bound later are seen too."""
    return ChainMap(frame.f_locals, frame.f_globals)


def find_referent_in(connection: Connection) -> FindReferent:
    """Return what tells which table a value stands for, bare names taken on `connection`."""

    def find(value: Any) -> Referent | None:
        if isinstance(value, TableName):
            return Referent(value, connection)
        if isinstance(value, TableMeta):
            if getattr(value, "database", None) is None:
                return None
            table = value()
            # Not through its node: the class that is being declared has no heading yet.
            return Referent(table.name, table.connection)
        if isinstance(value, QueryExpression):
            return _referent_of(value)
        return None

    return find


def _referent_of(expression: QueryExpression) -> Referent | None:
    """Return the table behind a projection, with its renames; None for anything else."""
    node = expression._node
    renames: dict[str, str] = {name: name for name in node.heading.names}
    while isinstance(node, Project):
        origins = {column.name: column.origin for column in node.columns}
        renames = {new: origin for new, old in renames.items() if (origin := origins[old]) is not None}
        node = node.source
    if not isinstance(node, TableNode):
        return None
    return Referent(node.name, expression.connection, {new: old for new, old in renames.items() if new != old})


def spell_in(context: Mapping[str, Any], connection: Connection) -> Callable[[TableName], str]:
    """Return what tells a table's name in `context`: the path of its class, else its quoted full name."""
    paths: dict[TableName, str] = {}
    for path, cls in classes_in(context):
        if cls._connection is connection:
            paths.setdefault(cls.name, path)

    def spell(name: TableName) -> str:
        return paths.get(name) or str(connection.dialect.quote(name.identifier))

    return spell


def classes_in(context: Mapping[str, Any], depth: int = _DEPTH) -> Iterator[tuple[str, Any]]:
    """Yield ``path, class`` of the bound table classes in a namespace, in modules within it, and their parts.

    Names that begin with an underscore are passed over, as is the library itself. Nearer ones come first.
    """
    level: list[tuple[str, Mapping[str, Any]]] = [("", context)]
    seen: set[int] = set()
    for remaining in range(depth, -1, -1):
        following: list[tuple[str, Mapping[str, Any]]] = []
        for prefix, names in level:
            for name, value in list(names.items()):
                if name.startswith("_"):
                    continue
                if isinstance(value, TableMeta):
                    yield from _class_and_parts(prefix + name, value)
                elif (
                    remaining
                    and isinstance(value, ModuleType)
                    and id(value) not in seen
                    and not is_library_module(value.__name__)
                ):
                    seen.add(id(value))
                    following.append((f"{prefix}{name}.", vars(value)))
        level = following


def _class_and_parts(path: str, cls: Any) -> Iterator[tuple[str, Any]]:
    if is_library_class(cls):
        return
    if getattr(cls, "database", None) is not None:
        yield path, cls
    for name, value in list(vars(cls).items()):
        if isinstance(value, TableMeta) and not name.startswith("_"):
            yield from _class_and_parts(f"{path}.{name}", value)

"""The DDL of a definition as text, for programs that send it themselves."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

from datajoint.backends.registry import get_backend
from datajoint.declare.grammar import parse_definition
from datajoint.declare.reference import split_full_name
from datajoint.declare.resolve import resolve
from datajoint.table.context import classes_in, find_referent_in


class Declaration(NamedTuple):
    """The statements of a declaration, and what they are about.

    Attributes
    ----------
    create : str
        CREATE TABLE.
    external : list of str
        Always empty.
    primary_key : list of str
    foreign_attributes : dict
        Attribute -> full name of the parent and the parent's attribute.
    before, after : list of str
        Statements to be sent before and after `create`.
    """

    create: str
    external: list[str]
    primary_key: list[str]
    foreign_attributes: dict[str, tuple[str, str]]
    before: list[str]
    after: list[str]


def declare(full_table_name: str, definition: str, context: Mapping[str, Any], adapter: Any) -> Declaration:
    """See `datajoint.declare.declare`."""
    name = split_full_name(full_table_name)
    bound = [cls._connection for _, cls in classes_in(context, depth=0) if cls._connection is not None]
    connection: Any = bound[0] if bound else _unconnected(adapter.backend)
    table = resolve(parse_definition(definition), name, connection, context, find_referent_in(connection))
    catalog = connection.catalog(name.schema)
    statements = connection.backend.create_table(name, table, catalog)
    texts = [statement.inlined(connection.backend.dialect) for statement in statements]
    at = next(i for i, text in enumerate(texts) if text.startswith("CREATE TABLE"))
    quote = connection.backend.dialect.quote
    foreign = {
        own: (quote(key.parent.identifier), theirs)
        for key in table.foreign_keys
        for own, theirs in zip(key.attributes, key.parent_attributes, strict=True)
    }
    return Declaration(texts[at], [], list(table.primary_key), foreign, texts[:at], texts[at + 1 :])


def _unconnected(backend: str) -> Any:
    """Return what stands for a connection where a definition refers to no table."""
    engine = get_backend(backend)
    return SimpleNamespace(
        backend=engine, dialect=engine.dialect, catalog=lambda _: None, forget_catalog=lambda *_: None
    )

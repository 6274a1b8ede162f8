"""Pipelines without a database: catalogs, a connection and classes made from a few lines of text.

A line is ``schema.table: key | rest``; the attributes of both are separated by commas, and ``> parent`` stands for a
foreign key, ``> parent(new=old)`` for one with renamed attributes.
"""

from __future__ import annotations

import itertools
import re
from functools import partial
from types import ModuleType, SimpleNamespace

from datajoint.backends.catalog import ColumnInfo, ForeignKeyInfo, SchemaCatalog, TableInfo
from datajoint.backends.dialect import Dialect
from datajoint.definition import TableName
from datajoint.graph.dependencies import Dependencies
from datajoint.naming import to_camel_case
from datajoint.table import Table

BACKTICKS = Dialect(name="mysql", grammar="mysql", quote_character="`", placeholder="%s")
DOUBLE_QUOTES = Dialect(name="postgresql", grammar="postgres", quote_character='"', placeholder="%s")
JOINED = Dialect(name="sqlite", grammar="sqlite", quote_character="`", placeholder="?", joined_names=True)
DIALECTS = {dialect.name: dialect for dialect in (BACKTICKS, DOUBLE_QUOTES, JOINED)}

EPHYS = """
    lab.#species: species
    lab.subject: subject_id | > lab.#species, birth_date
    lab.session: > lab.subject, session | session_date
    lab.session__note: > lab.session, note_id | note
    lab.#probe: probe
    ephys._recording: > lab.session | > lab.#probe, duration
    ephys._recording__channel: > ephys._recording, channel | gain
    ephys.#params: params_id | threshold
    ephys.__sorting: > ephys._recording, > ephys.#params | quality
    ephys.__sorting__unit: > ephys.__sorting, unit | > ephys._recording__channel, spikes
    ephys.__comparison: > ephys.__sorting, > ephys.__sorting(other=params_id) | agreement
"""


class FakeConnection:
    """What the graph and diagrams ask of a connection; counts the loads."""

    def __init__(self, text, *, activated=None, dialect=BACKTICKS, direction="LR", theme="auto"):
        self.all_catalogs = parse(text)
        self.dialect = dialect
        self.schemas = dict.fromkeys(self.all_catalogs if activated is None else activated)
        self.settings = SimpleNamespace(display=SimpleNamespace(diagram_direction=direction, diagram_theme=theme))
        self.backend = SimpleNamespace(related_schemas=self._related_schemas)
        self.loads = []
        self.dependencies = Dependencies(self)

    def execute(self, sql):
        raise AssertionError("a diagram asks nothing of the database")

    def catalogs(self, schemas):
        self.loads.append(sorted(schemas))
        return {schema: self.all_catalogs[schema] for schema in schemas if schema in self.all_catalogs}

    def forget_catalog(self, *schemas):
        self.dependencies.clear()

    def _related_schemas(self, execute, schemas, *, downstream):
        keys = [
            key
            for catalog in self.all_catalogs.values()
            for table in catalog.tables.values()
            for key in table.foreign_keys
        ]
        pairs = {
            (key.parent.schema, key.child.schema) if downstream else (key.child.schema, key.parent.schema)
            for key in keys
        }
        return {theirs for ours, theirs in pairs if ours in schemas and theirs not in schemas}

    def name(self, table):
        """Return the full name of ``schema.table``."""
        return self.dialect.quote(TableName(*table.split(".")).identifier)

    def schema(self, database):
        return SimpleNamespace(database=database, connection=self)

    def classes(self, module="my_pipeline", only=None):
        """Return stand-ins for the tables' classes by name, parts as attributes of their masters."""
        found = {}
        for table in self.dependencies_of_all():
            if only is not None and table.schema not in only:
                continue
            *master, own = re.split(r"(?<=[a-z0-9])__", table.name)
            name = to_camel_case(own)
            members = {"database": table.schema, "_table_name": table.name, "_connection": self, "__module__": module}
            made = type(Table)(name, (Table,), members)
            if master:
                setattr(found[to_camel_case(master[0])], name, made)
            else:
                found[name] = made
        return found

    def module(self, name, **kwargs):
        made = ModuleType(name)
        vars(made).update(self.classes(module=name, **kwargs))
        return made

    def dependencies_of_all(self):
        return sorted(
            (table for catalog in self.all_catalogs.values() for table in catalog.tables_by_name()), key=_masters_first
        )


def _masters_first(table):
    return table.name.count("__") - table.name.startswith("__"), table


class _Catalog(SchemaCatalog):
    def tables_by_name(self):
        return [table.name for table in self.tables.values()]


def parse(text):
    """Return the catalogs by schema."""
    tables = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, body = line.partition(":")
        table = TableName(*name.split("."))
        key, _, rest = body.partition("|")
        columns, keys = {}, []
        for in_key, item in [(True, i) for i in _items(key)] + [(False, i) for i in _items(rest)]:
            if item.startswith(">"):
                keys.append(_foreign_key(item, table, tables))
                for column in keys[-1].columns:
                    columns.setdefault(column, in_key)
            else:
                columns[item] = in_key
        infos = tuple(ColumnInfo(column, "int", nullable=False, default=None, comment="") for column in columns)
        primary_key = tuple(column for column, in_key in columns.items() if in_key)
        tables[table] = TableInfo(table, "", infos, primary_key, tuple(keys))
    return {
        schema: _Catalog(
            schema,
            {name.name: info for name, info in tables.items() if name.schema == schema},
            partial(
                tuple,
                [
                    key
                    for info in tables.values()
                    for key in info.foreign_keys
                    if key.parent.schema == schema and key.child.schema != schema
                ],
            ),
        )
        for schema in dict.fromkeys(name.schema for name in tables)
    }


def _items(text):
    return [item.strip() for item in re.split(r",(?![^(]*\))", text) if item.strip()]


def _foreign_key(item, child, tables):
    match = re.fullmatch(r">\s*([^(\s]+)\s*(?:\((.*)\))?", item)
    parent = TableName(*match[1].split("."))
    renames = dict(reversed(pair.strip().split("=")) for pair in (match[2] or "").split(",") if pair)
    parent_columns = tables[parent].primary_key
    return ForeignKeyInfo(child, tuple(renames.get(c, c) for c in parent_columns), parent, parent_columns)


def grid(schemas, tables):
    """Return the text of a big pipeline: `schemas` schemas of `tables` tables each, in chains that cross them."""
    lines = []
    for s, t in itertools.product(range(schemas), range(tables)):
        prefix = ("", "#", "_", "__")[t % 4]
        parents = [] if t == 0 else [f"> s{s}.{('', '#', '_', '__')[(t - 1) % 4]}table{t - 1}"]
        if s and t % 7 == 0:
            parents.append(f"> s{s - 1}.{prefix}table{t}")
        if t and t % 5 == 0:
            lines.append(f"s{s}.{prefix}table{t}: {', '.join(parents)}, key{s}_{t}")
            lines.append(f"s{s}.{prefix}table{t}__item: > s{s}.{prefix}table{t}, item{t}")
        else:
            lines.append(f"s{s}.{prefix}table{t}: {', '.join(parents)}{', ' if parents else ''}key{s}_{t} | value")
    return "\n".join(lines)

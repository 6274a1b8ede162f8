"""The plan of a deletion equals a closure found by brute force, and its execution leaves no orphan."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import datajoint as dj
from datajoint.backends.catalog import ColumnInfo, ForeignKeyInfo, SchemaCatalog, TableInfo
from datajoint.definition import TableName
from datajoint.graph.propagate import affected_rows, downstream, waves
from datajoint.table.delete_plan import plan_delete

LIMIT = 4  # rows of a table


def brute_force(tables, links, masters, seed, keys, cascade):
    """Close a set of (table, key) under "refers to one of these", by looking at every row again and again."""
    gone = {(seed, key) for key in keys}
    while True:
        more = set()
        for child, column, parent in links:
            for key, row in tables[child].items():
                if row[column] is not None and (parent, row[column]) in gone:
                    more.add((child, key))
                if cascade and masters.get(child) == parent and (child, key) in gone and row[column] is not None:
                    more.add((parent, row[column]))
        if more <= gone:
            return gone
        gone |= more


@st.composite
def worlds(draw):
    """A few tables with one integer key; foreign keys to earlier tables; parts; rows."""
    names, links, masters, tables = [], [], {}, {}
    for number in range(draw(st.integers(1, 6))):
        candidates = [n for n in names if n not in masters]
        master = draw(st.sampled_from([None, *candidates])) if candidates else None
        name = f"{master}__p{number}" if master else f"t{number}"
        if master:
            masters[name] = master
        parents = draw(st.lists(st.sampled_from(names), max_size=2)) if names else []
        own = [(name, f"f{i}", parent) for i, parent in enumerate([*([master] if master else []), *parents])]
        count = draw(st.integers(0, LIMIT))
        rows = {}
        for key in range(count):
            row = {"k": key}
            for _, column, parent in own:
                choices = [*tables[parent]] if column == "f0" and master else [None, *tables[parent]]
                row[column] = draw(st.sampled_from(choices)) if choices else None
            if master and row["f0"] is None:
                continue
            rows[key] = row
        names.append(name)
        links += own
        tables[name] = rows
    seed = draw(st.sampled_from(names))
    keys = draw(st.sets(st.sampled_from(sorted(tables[seed])))) if tables[seed] else set()
    return names, links, masters, tables, seed, keys


class Lists:
    """The rows of a world as a `RowReader`."""

    def __init__(self, tables):
        self.tables = tables

    def children(self, link, parents):
        wanted = {key for (key,) in parents}
        return [(k,) for k, row in self.tables[link.child.name].items() if row[link.columns[0]] in wanted]

    def parents(self, link, children):
        rows = self.tables[link.child.name]
        return [(value,) for (k,) in children if (value := rows[k][link.columns[0]]) is not None]


def catalog_of(names, links):
    tables = {}
    for name in names:
        own = [(c, p) for t, c, p in links if t == name]
        tables[name] = TableInfo(
            TableName("s", name),
            "",
            tuple(ColumnInfo(c, "int", True, None, "") for c in ("k", *(c for c, _ in own))),
            ("k",),
            tuple(ForeignKeyInfo(TableName("s", name), (c,), TableName("s", p), ("k",)) for c, p in own),
        )
    return {"s": SchemaCatalog("s", MappingProxyType(tables))}


@given(worlds(), st.booleans())
def test_the_closure_equals_brute_force(world, cascade):
    names, links, masters, tables, seed, keys = world
    graph = downstream(TableName("s", seed), lambda _: catalog_of(names, links), with_masters=cascade)
    found = affected_rows(
        graph, TableName("s", seed), [(k,) for k in keys], Lists(tables), "cascade" if cascade else "ignore"
    )
    expected = brute_force(tables, links, masters, seed, keys, cascade)
    assert {(t.name, key) for t, rows in found.items() for (key,) in rows} == expected
    order = [t.name for t in found]
    assert all(order.index(p) < order.index(c) for c, _, p in links if c in order and p in order)


@given(st.dictionaries(st.integers(0, 8), st.integers(0, 8)))
def test_waves_never_break_a_reference(parents):
    keys = [(k,) for k in {*parents, *parents.values()}]
    references = {(c,): [(p,)] for c, p in parents.items() if c > p}  # upwards only, so that there is no circle
    gone = set()
    for wave in waves(keys, references):
        gone |= set(wave)
        assert not any(p in gone and c not in gone for c, ps in references.items() for p in ps)
    assert gone == set(keys)


def test_a_circle_of_rows_is_refused():
    with pytest.raises(dj.DataJointError, match="circle"):
        waves([(1,), (2,)], {(1,): [(2,)], (2,): [(1,)]})
    assert waves([(1,)], {(1,): [(1,)]}) == [[(1,)]]


@settings(max_examples=25)
@given(world=worlds(), cascade=st.booleans())
def test_on_a_database(tmp_path_factory, world, cascade):
    names, links, masters, tables, seed, keys = world
    connection = dj.Connection(f"sqlite:///{tmp_path_factory.mktemp('world') / 'w.db'}")
    try:
        schema = dj.Schema("world", connection=connection)
        classes = declare(schema, names, links)
        for name in names:
            classes[name].insert(tables[name].values())
        chosen = classes[seed] & [{"k": k} for k in keys]
        plan = plan_delete(chosen, "cascade" if cascade else "ignore")
        expected = brute_force(tables, links, masters, seed, keys, cascade)
        assert {(t.name.name, key) for t in plan.tables for (key,) in t.keys} == expected
        assert plan.execute() == len({key for name, key in expected if name == seed})
        left = {(name, k) for name in names for k in classes[name]().to_arrays("k").tolist()}
        assert left == {(name, k) for name in names for k in tables[name]} - expected
        assert not connection.query("PRAGMA foreign_key_check").fetchall()
    finally:
        connection.close()


def declare(schema, names, links):
    """Make the world's tables."""
    classes, context = {}, {}
    for name in names:
        own = [f"-> [nullable] {class_name(p)}.proj({c}='k')" for t, c, p in links if t == name]
        definition = "\n".join(["k : int32", "---", *own])
        classes[name] = type(class_name(name), (dj.Manual,), {"definition": definition, "_table_name": name})
        schema(classes[name], context=dict(context))
        context[class_name(name)] = classes[name]
    return classes


def class_name(table):
    return table.replace("_", "").title()

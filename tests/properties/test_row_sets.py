"""Random schemas with inherited, shared, renamed and optional keys: what diagrams of rows say equals brute force."""

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import datajoint as dj
from datajoint.diagram import Diagram
from datajoint.settings import Config
from datajoint.table import row_sets
from datajoint.table.trace import trace_key
from tests.conftest import _drop as drop_schemas
from tests.properties.test_cascades import closure, worlds

_numbers = itertools.count()


def refers(row, link, parent):
    return all(row[new] == parent[old] for old, new in link.columns.items())


def traced(tables, seed, chosen, *, stored=True):
    """Return the rows that the chosen ones come from; of rows not stored, only what their keys tell."""
    found = {(seed, index) for index in chosen}
    while True:
        more = set(found)
        for name, index in found:
            for link in tables[name].links:
                if stored or name != seed or link.primary:
                    parents = enumerate(tables[link.parent].rows)
                    more |= {(link.parent, at) for at, p in parents if refers(tables[name].rows[index], link, p)}
        if more == found:
            return found
        found = more


def kept(tables, seed, chosen, same_parent):
    """Return the restricted tables, each with the rows that are left."""
    left = {seed: set(chosen)}
    for name, made in tables.items():
        links = [link for link in made.links if link.parent in left]
        if not links or name == seed:
            continue
        left[name] = set()
        for index, row in enumerate(made.rows):
            met = {}
            for link in links:
                parents = [tables[link.parent].rows[at] for at in left[link.parent]]
                met.setdefault(link.parent, []).append(any(refers(row, link, p) for p in parents))
            if all((all if same_parent == "all" else any)(each) for each in met.values()):
                left[name].add(index)
    return left


def rows_of(tables, name, found):
    """Return the keys that a restricted table yields as indices of rows."""
    made = tables[name]
    index = {tuple(row[c] for c in made.key): i for i, row in enumerate(made.rows)}
    return {(name, index[tuple(row[c] for c in made.key)]) for row in found.to_dicts()}


def check(url, world):
    tables, seed, chosen = world
    connection = dj.Connection(url, config_override=Config(safemode=False))
    schema = dj.Schema(f"rows_{next(_numbers)}_{id(world)}", connection=connection)
    try:
        classes: dict[str, type[dj.Manual]] = {}
        for name, made in tables.items():
            classes[name] = schema(type(name, (dj.Manual,), {"definition": made.definition}), context=dict(classes))
            classes[name].insert(made.rows)
        names = {cls.full_table_name: name for name, cls in classes.items()}

        def rows(diagram):
            return {row for table in diagram for row in rows_of(tables, names[table.full_table_name], table)}

        key = tables[seed].key
        keys = [{c: tables[seed].rows[i][c] for c in key} for i in chosen]
        own = f"{tables[seed].own} IN ({', '.join(str(i) for i in {tables[seed].rows[c][tables[seed].own] for c in chosen} or {-1})})"
        by_own = {
            i
            for i, row in enumerate(tables[seed].rows)
            if row[tables[seed].own] in {tables[seed].rows[c][tables[seed].own] for c in chosen}
        }
        for selected, indices in ((classes[seed] & keys, chosen), (classes[seed] & own, by_own), (classes[seed], None)):
            wanted = set(range(len(tables[seed].rows))) if indices is None else indices
            assert rows(Diagram.cascade(selected, context={})) == closure(tables, seed, wanted)
            assert rows(Diagram.trace(selected, context={})) == traced(tables, seed, wanted)
            for same_parent in ("all", "any"):
                restricted = Diagram(schema, context={}).restrict(selected, same_parent=same_parent)
                left = kept(tables, seed, wanted, same_parent)
                for table in restricted:
                    name = names[table.full_table_name]
                    expected = left.get(name, range(len(tables[name].rows)))
                    assert rows_of(tables, name, table) == {(name, i) for i in expected}, (name, same_parent)
        check_upstream(connection, tables, classes, seed, chosen, names)
    finally:
        if not url.startswith("sqlite"):
            connection.close()
            drop_schemas(url, [schema.database])
        else:
            schema.drop(prompt=False)
            connection.close()


def check_upstream(connection, tables, classes, seed, chosen, names):
    for index in chosen:
        row = tables[seed].rows[index]
        trace = trace_key(classes[seed](), {c: row[c] for c in tables[seed].key})
        found = {r for table in trace for r in rows_of(tables, names[table.full_table_name], table)}
        assert found == traced(tables, seed, {index}, stored=False)


def test_on_every_engine(engine, url, monkeypatch):
    examples = settings().max_examples // (1 if engine == "sqlite" else 8)

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(world=worlds(), deepest=st.sampled_from([1, 2, 24]))
    def run(world, deepest):
        monkeypatch.setattr(row_sets, "_MAX_SUBQUERIES", deepest)
        check(url, world)

    run()

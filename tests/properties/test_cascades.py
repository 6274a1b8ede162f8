"""Random schemas with inherited, shared, renamed and optional keys: what a delete takes equals a closure by brute force."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import datajoint as dj
from datajoint.settings import Config
from tests.conftest import _drop as drop_schemas

LIMIT = 5  # rows of a table
_numbers = itertools.count()


@dataclass
class Link:
    """A foreign key: columns of the child by those of the parent."""

    parent: str
    columns: dict[str, str]
    primary: bool

    @property
    def text(self) -> str:
        renames = ", ".join(f"{new}='{old}'" for old, new in self.columns.items() if new != old)
        return f"-> {'' if self.primary else '[nullable] '}{self.parent}" + (f".proj({renames})" if renames else "")


@dataclass
class Made:
    """A table: its key, its links, its rows as dicts."""

    key: tuple[str, ...]
    links: list[Link]
    rows: list[dict[str, int | None]] = field(default_factory=list)
    own: str = ""

    @property
    def definition(self) -> str:
        inside = [link.text for link in self.links if link.primary]
        outside = [link.text for link in self.links if not link.primary]
        return "\n".join([*inside, f"{self.own} : int32", "---", *outside])


@st.composite
def worlds(draw):
    """Up to six tables, each referring to up to two earlier ones, and rows that keep all references."""
    tables: dict[str, Made] = {}
    for number in range(draw(st.integers(2, 6))):
        links = []
        for n, parent in enumerate(draw(st.lists(st.sampled_from(sorted(tables)), max_size=2)) if tables else []):
            renamed, primary = draw(st.booleans()), draw(st.booleans())
            columns = {c: f"{c}_{n}{number}" if renamed else c for c in tables[parent].key}
            # The same reference twice, or one whose columns are all taken, says nothing new.
            if all(link.columns != columns for link in links):
                links.append(Link(parent, columns, primary))
        own = f"k{number}"
        key = tuple(dict.fromkeys([c for link in links if link.primary for c in link.columns.values()] + [own]))
        made = Made(key, links, own=own)
        seen = set()
        for value in range(draw(st.integers(0, LIMIT))):
            row = draw_row(draw, tables, made, value)
            if row is not None and (values := tuple(row[c] for c in key)) not in seen:
                seen.add(values)
                made.rows.append(row)
        tables[f"T{number}"] = made
    seed = draw(st.sampled_from(sorted(tables)))
    chosen = draw(st.sets(st.sampled_from(range(len(tables[seed].rows))))) if tables[seed].rows else set()
    return tables, seed, chosen


def draw_row(draw, tables, made, value):
    """Return a row that refers to existing rows, or None if the references contradict each other."""
    row = {made.own: value}
    for link in sorted(made.links, key=lambda k: not k.primary):
        rows = [
            r
            for r in tables[link.parent].rows
            if all(row.get(new, r[old]) == r[old] for old, new in link.columns.items())
        ]
        free = [new for new in link.columns.values() if new not in row]
        if not link.primary and free:
            rows = [*rows, None]
        if not rows:
            return None
        parent = draw(st.sampled_from(rows))
        if parent is None and len(free) > 1:
            # With one column left empty, the others may hold anything: such a row refers to nothing.
            row[free[0]] = draw(st.sampled_from([None, *range(LIMIT)]))
        for old, new in link.columns.items():
            if new not in row:
                row[new] = None if parent is None else parent[old]
    return row


def closure(tables, seed, chosen):
    """Return the rows that go, as pairs of table and index, by looking at all of them again and again."""
    gone = {(seed, index) for index in chosen}
    while True:
        more = set(gone)
        for name, made in tables.items():
            for link, (index, row) in itertools.product(made.links, enumerate(made.rows)):
                for at, parent in enumerate(tables[link.parent].rows):
                    if (link.parent, at) in gone and all(row[new] == parent[old] for old, new in link.columns.items()):
                        more.add((name, index))
        if more == gone:
            return gone
        gone = more


def check(url, world, way):
    tables, seed, chosen = world
    connection = dj.Connection(url, config_override=Config(safemode=False))
    schema = dj.Schema(f"cascade_{next(_numbers)}_{id(world)}", connection=connection)
    try:
        classes: dict[str, type[dj.Manual]] = {}
        for name, made in tables.items():
            classes[name] = schema(type(name, (dj.Manual,), {"definition": made.definition}), context=dict(classes))
            classes[name].insert(made.rows)
        key = tables[seed].key
        keys = [{c: tables[seed].rows[i][c] for c in key} for i in chosen]
        gone = closure(tables, seed, chosen)
        event(f"{len({name for name, _ in gone})} tables lose rows")
        selected = classes[seed] & keys
        assert selected.delete(prompt=False, dry_run=True) == len(chosen)
        if way == "plan":
            plan = selected.delete_plan()
            assert len(plan) == len(gone)
            assert plan.execute() == len(chosen)
        else:
            assert selected.delete(prompt=False) == len(chosen)
        for name, made in tables.items():
            left = {tuple(row[c] for c in made.key) for i, row in enumerate(made.rows) if (name, i) not in gone}
            assert {tuple(found[c] for c in made.key) for found in classes[name].to_dicts()} == left, name
    finally:
        if not url.startswith("sqlite"):
            connection.close()
            drop_schemas(url, [schema.database])
        else:
            schema.drop(prompt=False)
            connection.close()


@pytest.mark.parametrize("way", ["plan", "conditions"])
def test_on_every_engine(engine, url, way):
    examples = settings().max_examples // (1 if engine == "sqlite" else 8)

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(world=worlds())
    def run(world):
        check(url, world, way)

    run()

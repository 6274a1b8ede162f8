"""Any definition altered into any other of the same key is what a fresh declaration of the other is, rows kept."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import datajoint as dj
from datajoint.declare.difference import compare
from datajoint.errors import DuplicateError, IntegrityError, InvalidValueError, MissingAttributeError
from datajoint.table.drift import find_drift

_tables = itertools.count()

NAMES = ["p", "q", "r", "s", "t", "u", "v"]
VALUES = {
    "int8": [0, -5, 127],
    "int32": [0, 7, 1000],
    "int64": [3, 2**40],
    "bool": [True, False],
    "float32": [0.5, 2.0],
    "float64": [1.5, -3.0],
    "decimal(6,2)": [Decimal("1.25"), Decimal("-3.00")],
    "decimal(9,3)": [Decimal("1.250"), Decimal("0.001")],
    "varchar(4)": ["", "17", "é"],
    "varchar(20)": ["17", "it's longer", "-2"],
    "enum('a','b')": ["a", "b"],
    "enum('b','a','c')": ["c", "a"],
    "date": [dt.date(2024, 2, 29), dt.date(1, 1, 1)],
    "datetime": [dt.datetime(2024, 1, 2, 3, 4, 5), dt.datetime(2024, 2, 29)],
    "datetime(3)": [dt.datetime(2024, 1, 2, 3, 4, 5, 678000)],
    "json": [{"a": [1, 2]}],
    "<blob>": [[1, "x"]],
}
DEFAULTS = {"int8": "1", "int32": "-3", "varchar(20)": '"it\'s"', "varchar(4)": "''", "float64": "0.5", "decimal(6,2)": "1.5",
            "enum('a','b')": "'b'", "date": "'2020-01-01'", "bool": "true", "datetime": "CURRENT_TIMESTAMP"}  # fmt: skip
texts = st.sampled_from(["", "plain", 'it\'s "50%"', "a: b # \\ {x}"])


@st.composite
def attributes(draw, name):
    kind = draw(st.sampled_from(list(VALUES)))
    default = draw(st.sampled_from([None, "null", "null", DEFAULTS.get(kind)]))
    return {"name": name, "kind": kind, "default": default, "comment": draw(texts)}


@st.composite
def tables(draw):
    names = draw(st.lists(st.sampled_from(NAMES), max_size=5, unique=True))
    return {
        "comment": draw(texts),
        "attributes": [draw(attributes(name)) for name in names],
        "index": draw(st.integers(0, 3)),
        "reference": draw(st.integers(0, 2)),
    }


@st.composite
def changed(draw, table):
    """Return another table: attributes kept, altered, renamed, dropped, added, put elsewhere."""
    kept = []
    free = [n for n in NAMES if n not in {a["name"] for a in table["attributes"]}]
    for attribute in table["attributes"]:
        match draw(st.integers(0, 5)):
            case 0:
                continue
            case 1:
                kept.append({**draw(attributes(attribute["name"]))})
            case 2 if free:
                comment = "{" + attribute["name"] + "} " + attribute["comment"]
                kept.append({**attribute, "name": free.pop(), "comment": comment.strip(), "old": attribute["name"]})
            case 3:
                kept.append({**attribute, "default": "null", "comment": draw(texts)})
            case _:
                kept.append(attribute)
    if free and draw(st.booleans()):
        kept.append({**draw(attributes(free.pop()))})
    if draw(st.integers(0, 2)) == 0:
        kept = draw(st.permutations(kept))
    other = draw(tables())
    return {**other, "attributes": list(kept)}


def text(table):
    lines = [f"# {table['comment']}"] if table["comment"] else []
    lines += ["k : int32 # the key", "---"]
    for a in table["attributes"]:
        default = "" if a["default"] is None else f" = {a['default']}"
        lines.append(f"{a['name']}{default} : {a['kind']}{' # ' + a['comment'] if a['comment'] else ''}")
    if table["reference"]:
        lines.append(f"-> [nullable{', unique' if table['reference'] == 2 else ''}] Parent")
    indexed = [a["name"] for a in table["attributes"] if a["kind"].startswith(("int", "date", "varchar(20)"))]
    if indexed and table["index"]:
        lines.append(f"{'unique ' if table['index'] == 3 else ''}index ({', '.join(indexed[: table['index']])})")
    return "\n".join(lines)


def declare(schema, context, definition):
    name = f"A{next(_tables)}"
    return schema(type(name, (dj.Manual,), {"__module__": __name__, "definition": definition}), context=context)


def structure(table):
    """Return what the database has, less names and supporting indexes that it chose itself."""
    info, _ = table()._info()
    columns = list(info.columns)
    if not table.connection.dialect.movable_columns:
        columns.sort(key=lambda c: c.name)
    return (
        info.comment,
        columns,
        info.primary_key,
        sorted((k.columns, k.parent, k.parent_columns) for k in info.foreign_keys),
        sorted((i.columns, i.unique) for i in info.indexes),
    )


def rows_of(draw, table):
    rows = []
    for k in range(draw(st.integers(0, 3))):
        row = {"k": k}
        for a in table["attributes"]:
            values = st.sampled_from(VALUES[a["kind"]])
            row[a["name"]] = draw(st.none() | values if a["default"] == "null" else values)
        if table["reference"]:
            row["parent"] = draw(st.sampled_from([None, k + 1]))
        rows.append(row)
    return rows


def expected(value, attribute):
    """Return what a value is after its attribute was given another type."""
    kind = attribute["kind"]
    if value is None or kind in {"json", "<blob>"}:
        return value
    if kind.startswith("int"):
        return int(value)
    if kind.startswith("decimal"):
        return Decimal(value).quantize(Decimal(1).scaleb(-int(kind[-2])))
    if kind.startswith("varchar"):
        return str(value)
    if kind == "float32":
        return float(str(np.float32(value)))  # the shortest decimals that mean it
    if kind.startswith("float"):
        return float(value)
    if kind == "bool":
        return bool(value)
    if kind == "date":
        return value.date() if isinstance(value, dt.datetime) else value
    if kind.startswith("datetime") and not isinstance(value, dt.datetime):
        return dt.datetime(value.year, value.month, value.day)
    return value


def see_the_same(table):
    """What is told at a glance, and the full comparison, agree on whether there is a difference."""
    declared, found = table._resolve_definition(table.declaration_context), table._info()
    comparison = compare(declared, *found, table.connection.dialect, table.connection.catalog)
    assert (find_drift(table) is None) == (not comparison.differences)


def check(schema, context, data):
    first = data.draw(tables())
    second = data.draw(changed(first))
    table = declare(schema, context, text(first))
    rows = rows_of(data.draw, first)
    try:
        table.insert(rows)
    except DuplicateError:
        rows = rows[:1]
        table.insert(rows)
    before = structure(table)
    table.definition = text(second)
    see_the_same(table())
    try:
        table.alter(prompt=False)
    except (InvalidValueError, MissingAttributeError, DuplicateError, IntegrityError):
        assert rows
        assert structure(table) == before
        assert table.to_dicts(order_by="k") == [{n: row.get(n) for n in table.heading.names} for row in rows]
    else:
        fresh = declare(schema, context, text(second))
        assert structure(table) == structure(fresh)
        see_the_same(table())
        assert not table.alter_plan()
        known = {a["name"] for a in first["attributes"]}
        found = table.to_dicts(order_by="k")
        assert [row["k"] for row in found] == [row["k"] for row in rows]
        for row, old in zip(found, rows, strict=True):
            for a in second["attributes"]:
                source = a.get("old", a["name"])
                if source in known:
                    assert row[a["name"]] == expected(old[source], a), a
            if first["reference"] and second["reference"]:
                assert row["parent"] == old["parent"]
        table.definition = text(first).replace(" = CURRENT_TIMESTAMP", " = null")
        fresh.drop_quick()
    table.drop_quick()


def parent(schema):
    cls = schema(type("Parent", (dj.Manual,), {"__module__": __name__, "definition": "parent : int16"}), context={})
    cls.insert([{"parent": n} for n in range(1, 4)], skip_duplicates=True)
    return {"Parent": cls}


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=100)
@given(data=st.data())
def test_altered_is_declared_embedded(embedded, data):
    check(*embedded, data)


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=12)
@given(data=st.data())
def test_altered_is_declared(schema, context, data):
    check(schema, context, data)


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=300)
@given(data=st.data())
def test_altered_is_declared_at_length(schema, context, data):
    check(schema, context, data)


@pytest.fixture
def context(schema):
    return parent(schema)


@pytest.fixture
def embedded(tmp_path):
    with dj.Connection(f"sqlite:///{tmp_path / 'alter.db'}") as connection:
        schema = dj.Schema("lab", connection=connection)
        yield schema, parent(schema)

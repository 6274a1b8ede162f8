"""A table follows its definition: every kind of change, rows kept, wholly or not at all."""

from __future__ import annotations

import datetime as dt
import html
import logging
import os
import signal
import subprocess
import sys
import uuid
from decimal import Decimal
from pathlib import Path

import pytest

import datajoint as dj
from datajoint.backends import sqlite_alter
from datajoint.errors import (
    DataJointError,
    DuplicateError,
    IntegrityError,
    InvalidValueError,
    MissingAttributeError,
    UnsupportedChangeError,
)
from tests.capabilities import differs

BASE = """
# subjects
subject_id : int32  # the id
---
name = "an" : varchar(10)  # what it is called
weight : float64
sex : enum('F','M')
born = null : date
"""
ROWS = [
    {"subject_id": 1, "name": "a", "weight": 1.5, "sex": "F", "born": dt.date(2020, 2, 29)},
    {"subject_id": 2, "name": "bbb", "weight": 2.5, "sex": "M", "born": None},
]


def declare(schema, name, definition, context=None, tier=dj.Manual):
    cls = type(tier)(name, (tier,), {"__module__": __name__, "definition": definition})
    return schema(cls, context={} if context is None else context)


@pytest.fixture
def subject(schema):
    table = declare(schema, "Subject", BASE)
    table.insert(ROWS)
    return table


@pytest.fixture
def session(schema, subject):
    table = declare(
        schema, "Session", "-> Subject\nsession : int16\n---\nnote = '' : varchar(20)", {"Subject": subject}
    )
    table.insert([{"subject_id": 1, "session": 1, "note": ""}, {"subject_id": 2, "session": 7, "note": "x"}])
    return table


@pytest.fixture
def answer(monkeypatch):
    """Answer the questions, and keep them."""
    asked = []

    def reply(text):
        monkeypatch.setattr("builtins.input", lambda question: (asked.append(question), text)[1])
        return asked

    return reply


def alter(table, definition):
    table.definition = definition
    table.alter(prompt=False)


def stored(table):
    """Return what the database has of a table, less names that it chose itself."""
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
        dict(dj.lineage.get_table_lineages(table.connection, table.database, table.table_name)),
    )


def is_movable(table):
    return table.connection.dialect.movable_columns


# --- every kind of change
CHANGES = {
    "attribute added, nullable": ("born = null : date", "born = null : date\nx = null : int16 # new"),
    "attribute added with a default": ("weight : float64", "x = 'it''s' : varchar(20)\nweight : float64"),
    "enum added": ("weight : float64", "weight : float64\ne = 'q' : enum('p','q')"),
    "attribute dropped": ("weight : float64\n", ""),
    "enum dropped": ("sex : enum('F','M')\n", ""),
    "attribute renamed": ("weight : float64", "mass : float64 # {weight} in grams"),
    "varchar widened": ("varchar(10)", "varchar(50)"),
    "varchar narrowed": ("varchar(10)", "varchar(3)"),
    "varchar to enum": ('name = "an" : varchar(10)', "name : enum('a','bbb')"),
    "float64 to float32": ("weight : float64", "weight : float32"),
    "float64 to decimal": ("weight : float64", "weight : decimal(6,1)"),
    "enum label added at the end": ("enum('F','M')", "enum('F','M','U')"),
    "enum labels added before": ("enum('F','M')", "enum('A','F','G','M')"),
    "enum reordered": ("enum('F','M')", "enum('M','F')"),
    "enum to varchar": ("enum('F','M')", "varchar(1)"),
    "date to datetime": ("born = null : date", "born = null : datetime(3)"),
    "date to varchar": ("born = null : date", "born = null : varchar(10)"),
    "default changed": ('"an"', '"nobody"'),
    "default dropped": ('name = "an" :', "name :"),
    "default added": ("weight : float64", "weight = 0.5 : float64"),
    "made nullable": ("weight : float64", "weight = null : float64"),
    "comment": ("# what it is called", "# it's \"50%\" {x}: a \\ name"),
    "comment removed": (" # what it is called", ""),
    "comment of the key": ("# the id", "# the number"),
    "key retyped": ("subject_id : int32", "subject_id : int64"),
    "table comment": ("# subjects", "# it's the \"animals\""),
    "table comment removed": ("# subjects\n", ""),
    "reordered": (
        "weight : float64\nsex : enum('F','M')\nborn = null : date",
        "born = null : date\nsex : enum('F','M')\nweight : float64",
    ),
    "index added": ("born = null : date", "born = null : date\nindex (born, weight)"),
    "unique index added": ("born = null : date", "born = null : date\nunique index (name)"),
    "all at once": (
        "weight : float64\nsex : enum('F','M')\nborn = null : date",
        "when = null : date # {born} birthday\nage = 3 : int8\nsex = 'U' : enum('U','M','F')\nindex (age)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_change_and_back(schema, subject, name):
    old, new = CHANGES[name]
    assert old in BASE
    changed = BASE.replace(old, new)
    before, rows = stored(subject), subject.to_dicts()
    subject.definition = changed
    plan = subject.alter_plan()
    assert bool(plan) == (name != "reordered" or is_movable(subject))
    subject.alter(prompt=False)

    fresh = declare(schema, "Fresh", changed)
    after = stored(fresh)
    assert stored(subject)[:-1] == after[:-1]
    assert subject.heading.names == fresh.heading.names or not is_movable(subject)
    assert not subject.alter_plan()
    assert not schema.drift()
    kept = [n for n in subject.heading.names if n in rows[0]]
    if not name.endswith(CONVERTED):
        assert subject.proj(*kept).to_dicts(order_by="subject_id") == [{n: r[n] for n in kept} for r in rows]
    assert len(subject) == 2
    subject.insert1(
        {**{n: rows[0][n] for n in subject.heading.names if n in rows[0]}, **NEW.get(name, {}), "subject_id": 3}
    )
    (subject & "subject_id = 3").delete()

    fresh.drop()
    alter(subject, BASE.replace("weight :", "weight = 0 :").replace("sex :", "sex = 'F' :"))
    alter(
        subject, BASE if name != "attribute renamed" else BASE.replace("weight : float64", "weight : float64 # {mass}")
    )
    if name == "attribute renamed":
        return
    assert stored(subject) == before
    if name not in {"attribute dropped", "enum dropped", "all at once"}:
        assert subject.to_dicts(order_by="subject_id") == rows


CONVERTED = ("to decimal", "to datetime", "to varchar")
NEW = {
    "date to datetime": {"born": dt.datetime(2024, 1, 1)},
    "date to varchar": {"born": "2024-01-01"},
    "attribute renamed": {"mass": 3.0},
    "unique index added": {"name": "c"},
    "float64 to decimal": {"weight": Decimal("1.5")},
}


@differs("an index may be over an expression")
def test_indexes_over_expressions(schema, subject):
    for lines in (
        "unique index ((lower(name)))",
        "unique index ((lower(name)))\nx = 1 : int8",
        "unique index ((lower(name)))\nindex ((upper(name)))",  # which of the stored one it is cannot be told
        "x = 1 : int8",
    ):
        subject.definition = BASE + lines
        if "upper" in lines:
            with pytest.raises(UnsupportedChangeError, match="Remove all"):
                subject.alter(prompt=False)
            continue
        subject.alter(prompt=False)
        assert not subject.alter_plan()
        if "lower" in lines:
            with pytest.raises(DuplicateError):
                subject.insert1({**ROWS[0], "subject_id": 3, "name": "A"})
    subject.insert1({**ROWS[0], "subject_id": 3, "name": "A"})
    subject.definition = BASE + "unique index ((lower(name)))\nx = 1 : int8"
    with pytest.raises(DuplicateError, match="occur more than once"):
        subject.alter(prompt=False)


@differs("columns of an existing table can be put into another order")
def test_order_follows_the_definition(subject):
    alter(subject, BASE.replace("weight : float64", "x = null : int8\nweight : float64"))
    assert subject.heading.names == ["subject_id", "name", "x", "weight", "sex", "born"]


def test_altered_back_restores_the_very_same_table(schema, session, subject):
    """What the engine itself says of the tables is the same again, byte by byte."""
    connection = schema.connection
    before = [statement_of(connection, t) for t in (subject, session)]
    with_more = BASE.replace(
        "born = null : date", "x = 5 : int16 # more\nborn = null : date\n-> [nullable] Other\nindex (weight)"
    )
    other = declare(schema, "Other", "other : varchar(8)")
    subject.declaration_context = {"Other": other}
    alter(subject, with_more.replace("varchar(10)", "varchar(12)"))
    assert statement_of(connection, session) == before[1]
    alter(subject, BASE)
    assert [statement_of(connection, t) for t in (subject, session)] == before


def statement_of(connection, table):
    name = table.full_table_name
    if connection.dialect.name == "sqlite":
        rows = connection.query(
            "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = %s ORDER BY 1, 2", [name[1:-1]]
        )
        # A table that took another's name is quoted in SQLite's own way.
        return [(*row[:2], row[2] and row[2].replace(f'TABLE "{name[1:-1]}"', f"TABLE IF NOT EXISTS {name}").replace(
            "TABLE IF NOT EXISTS", "TABLE")) for row in rows.fetchall()]  # fmt: skip
    if connection.dialect.name in {"mysql", "mariadb"}:
        return connection.query(f"SHOW CREATE TABLE {name}").fetchone()[1]
    info, _ = table()._info()
    return stored(table), [i.name for i in info.indexes]


# --- foreign keys
@pytest.fixture
def rig(schema):
    table = declare(schema, "Rig", "rig : varchar(8) # the rig\n---\nroom = 1 : int8")
    table.insert([{"rig": "r1"}, {"rig": "r2"}])
    return table


def test_nullable_foreign_key_added_and_dropped(schema, subject, rig):
    subject.declaration_context = {"Rig": rig}
    before = stored(subject)
    alter(subject, BASE + "-> [nullable, unique] Rig")
    assert (
        stored(subject)[:-1] == stored(declare(schema, "Fresh", BASE + "-> [nullable, unique] Rig", {"Rig": rig}))[:-1]
    )
    assert subject.heading["rig"].lineage == rig.heading["rig"].lineage
    assert [n for n, _ in subject().parents(foreign_key_info=True)] == [rig.full_table_name]
    subject.update1({"subject_id": 1, "rig": "r1"})
    with pytest.raises(IntegrityError):
        subject.update1({"subject_id": 2, "rig": "nowhere"})
    with pytest.raises(DuplicateError):
        subject.update1({"subject_id": 2, "rig": "r1"})
    assert (subject * rig).fetch1("room") == 1

    alter(subject, BASE + "-> [nullable] Rig")  # the index that the foreign key needs remains
    subject.update1({"subject_id": 2, "rig": "r1"})
    assert not subject.alter_plan()
    alter(subject, BASE)
    assert stored(subject) == before
    assert subject.parents() == []


def test_attribute_becomes_a_foreign_key_and_its_own_again(schema, subject, rig):
    subject.declaration_context = {"Rig": rig}
    own = BASE + "rig = null : varchar(8)"
    alter(subject, own)
    subject.update1({"subject_id": 1, "rig": "r9"})
    subject.definition = BASE + "-> [nullable] Rig"
    with pytest.raises(IntegrityError, match="1 row have values that are not there"):
        subject.alter(prompt=False)
    subject.update1({"subject_id": 1, "rig": "r2"})
    subject.alter(prompt=False)
    assert subject.heading["rig"].lineage == rig.heading["rig"].lineage
    assert (subject & {"rig": "r2"}).fetch1("subject_id") == 1
    alter(subject, own)
    assert subject.heading["rig"].lineage is None
    assert (subject & {"rig": "r2"}).fetch1("subject_id") == 1
    assert subject.heading["rig"].original_type == "varchar(8)"


def test_required_foreign_key_needs_an_empty_table(schema, subject, rig):
    subject.declaration_context = {"Rig": rig}
    subject.definition = BASE + "-> Rig"
    with pytest.raises(MissingAttributeError, match="Make the foreign key nullable"):
        subject.alter(prompt=False)
    subject.delete()
    subject.alter(prompt=False)
    with pytest.raises(IntegrityError):
        subject.insert1({**ROWS[0], "rig": "nowhere"})
    subject.insert1({**ROWS[0], "rig": "r1"})


def test_self_reference_added(schema, subject):
    alter(subject, BASE + "-> [nullable] self.proj(mother='subject_id')")
    subject.update1({"subject_id": 2, "mother": 1})
    with pytest.raises(IntegrityError):
        subject.update1({"subject_id": 1, "mother": 9})
    alter(subject, BASE)
    assert "mother" not in subject.heading


# --- what cannot be
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("subject_id : int32", "subject_id : int32\nmore : int8"), "primary key"),
        (("subject_id : int32  # the id\n", ""), "primary key"),
        (("subject_id : int32", "subject : int32 # {subject_id}"), "primary key"),
        (("---\n", "-> Rig\n---\n"), "primary key"),
        (("subject_id : int32", "subject_id : int64"), "Other tables refer to `subject_id`"),
        (("weight : float64", "mass : float64 # {wieght} x"), "no attribute `wieght` to rename. Did you mean"),
        (("weight : float64", "m1 : float64 # {weight}\nm2 : float64 # {weight}"), "another use"),
    ],
)
def test_refused(subject, session, rig, change, message):
    subject.declaration_context = {"Rig": rig}
    before = stored(subject)
    assert change[0] in BASE
    subject.definition = BASE.replace(*change)
    for call in (subject.alter_plan, subject.alter):
        with pytest.raises(NotImplementedError, match=message.replace("(", "\\(")) as caught:
            call()
        assert isinstance(caught.value, UnsupportedChangeError)
        assert isinstance(caught.value, DataJointError)
    assert stored(subject) == before


def test_foreign_key_of_the_key_is_refused(session):
    session.definition = "subject_id : int32\nsession : int16\n---\nnote = '' : varchar(20)"
    with pytest.raises(NotImplementedError, match="foreign key"):
        session.alter(prompt=False)


def test_refused_in_a_transaction(schema, subject):
    subject.definition = BASE + "x = null : int8"
    with schema.connection.transaction:
        with pytest.raises(DataJointError, match="inside a transaction"):
            subject.alter(prompt=False)
    assert "x" not in subject.heading


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (("weight : float64", "weight : float64\nx : int8"), MissingAttributeError, "`x` is new"),
        (("born = null : date", "born : date"), MissingAttributeError, "1 row have no value"),
        (("varchar(10)", "varchar(2)"), InvalidValueError, "do not fit varchar.2.: 'bbb'"),
        (("enum('F','M')", "enum('F','X')"), InvalidValueError, "'M'"),
        (("weight : float64", "weight : int16"), InvalidValueError, "do not fit int16"),
        (("born = null : date", "born = null : json"), InvalidValueError, "cannot be carried over"),
        (('name = "an" : varchar(10)', "name : int32"), InvalidValueError, "do not fit int32"),
        (
            ("born = null : date", "born = null : date\ny = 1 : int8\nunique index (y)"),
            DuplicateError,
            "twice|more than",
        ),
    ],
)
def test_rows_stand_against_it(subject, change, error, message):
    before, rows = stored(subject), subject.to_dicts(order_by="subject_id")
    assert change[0] in BASE
    subject.definition = BASE.replace(*change)
    plan = subject.alter_plan()
    assert plan.findings()
    for call in (plan.execute, lambda: subject.alter(prompt=False)):
        with pytest.raises(error, match=message):
            call()
    assert stored(subject) == before
    assert subject.to_dicts(order_by="subject_id") == rows


def test_duplicates_for_a_unique_index(subject):
    subject.update1({"subject_id": 2, "name": "a"})
    subject.definition = BASE + "unique index (name)"
    with pytest.raises(DuplicateError, match="1 values of it occur more than once"):
        subject.alter(prompt=False)
    assert not subject()._info()[0].indexes
    subject.update1({"subject_id": 2, "name": "b"})
    subject.alter(prompt=False)
    with pytest.raises(DuplicateError):
        subject.update1({"subject_id": 2, "name": "a"})


def test_conversions_keep_values(schema):
    kinds = {
        "int8": ("int64", 5, 5),
        "int64": ("int8", -7, -7),
        "int32": ("varchar(12)", -12, "-12"),
        "bool": ("int16", True, 1),
        "int16": ("bool", 1, True),
        "varchar(5)": ("int32", "17", 17),
        "varchar(9)": ("decimal(6,3)", "-1.25", Decimal("-1.250")),
        "varchar(10)": ("date", "2024-02-29", dt.date(2024, 2, 29)),
        "decimal(6,2)": ("decimal(8,4)", Decimal("1.25"), Decimal("1.2500")),
        "decimal(6,1)": ("varchar(9)", Decimal("-1.5"), "-1.5"),
        "decimal(20,2)": ("decimal(6,2)", Decimal("3.25"), Decimal("3.25")),
        "float32": ("float64", 0.5, 0.5),
        "datetime(3)": ("datetime", dt.datetime(2024, 1, 2, 3, 4, 5), dt.datetime(2024, 1, 2, 3, 4, 5)),
        "datetime(6)": ("date", dt.datetime(2024, 1, 2), dt.date(2024, 1, 2)),
        "char(4)": ("varchar(4)", "ab", "ab"),
        "uuid": ("uuid", uuid.UUID(int=5), uuid.UUID(int=5)),
        "json": ("json", {"a": 1}, {"a": 1}),
        "<blob>": ("<blob>", [1, 2], [1, 2]),
    }
    table = declare(
        schema, "Conversion", "k : int8\n---\n" + "\n".join(f"a{n} = null : {old}" for n, old in enumerate(kinds))
    )
    table.insert1({"k": 1, **{f"a{n}": value for n, (_, value, _) in enumerate(kinds.values())}})
    table.insert1({"k": 2})
    alter(table, "k : int8\n---\n" + "\n".join(f"a{n} = null : {new}" for n, (new, _, _) in enumerate(kinds.values())))
    for n, (new, _, expected) in enumerate(kinds.values()):
        assert (table & "k = 1").fetch1(f"a{n}") == expected, new
        assert (table & "k = 2").fetch1(f"a{n}") is None
        assert table.heading[f"a{n}"].declared_type == new or new.startswith("<")
        if new != "json" and not new.startswith("<"):
            assert (table & {f"a{n}": expected}).fetch1("k") == 1, new
    assert not table.alter_plan()


def test_declared_tables_need_no_alteration(schema):
    """Whatever a definition can say is recognised in what the engine made of it."""
    texts = [
        "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "int unsigned", "bigint unsigned", "int(11)",
        "float", "double", "real", "numeric(5,2)", "decimal(5)", "time", "time(3)", "timestamp = null", "year", "char(5)",
        "tinyblob", "blob", "longblob", "tinytext", "text", "longtext", "INT16", "VARCHAR(5)", "enum ('a', 'b')",
        'enum("a","b")', "jsonb", "<blob>", "uuid", "datetime(6)", "decimal(20,0)", "bool",
    ]  # fmt: skip
    defaults = {
        "int8": "-1", "bool": "true", "date": '"2024-2-29"', "float64": "1e10", "float32": "16777216", "datetime": "CURRENT_TIMESTAMP",
        "varchar(21)": r'"a\b\\c"',
        "datetime(3)": "'2024-01-05 01:02:03.5'", "decimal(8,2)": "1.5", "varchar(20)": '"it\'s"', "enum('a','b')": "b", "char(4)": "'ab  '",
    }  # fmt: skip
    lines = [f"a{n} = null : {text.partition(' =')[0]}" for n, text in enumerate(texts)]
    lines += [f"b{n} = {default} : {text} # {{}} {n}" for n, (text, default) in enumerate(defaults.items())]
    for n, half in enumerate((lines[::2], lines[1::2])):
        table = declare(schema, f"Typed{'AB'[n]}", "k : int32\n---\n" + "\n".join(half))
        assert not table.alter_plan(), str(table.alter_plan())
    for name, key in {"NumberedA": "int auto_increment", "NumberedB": "serial"}.items():
        assert not declare(schema, name, f"k : {key}\n---\nx : int8").alter_plan()
    assert not declare(schema, "One", "---\nx : int8").alter_plan()


def test_default_with_backslashes(schema):
    table = declare(schema, "Slashed", 'k : int32\n---\nn = "a\\b\\\\c" : varchar(9)')
    table.insert1({"k": 1})
    assert table.fetch1("n") == "a\\b\\\\c"
    assert not table.alter_plan()
    alter(table, table.definition.replace("(9)", "(10)") + "\nf = true : bool")
    alter(table, table.definition.replace("f = true : bool", "f = 1 : int8"))
    table.insert1({"k": 2})
    assert table.proj("n", "f").to_dicts(order_by="k") == [{"k": k, "n": "a\\b\\\\c", "f": 1} for k in (1, 2)]


def test_generated_numbers_go_on(schema):
    table = declare(schema, "Numbered", "k : int auto_increment\n---\nx : int8")
    for x in range(3):
        table.insert1({"x": x})
    (table & "x = 2").delete()
    alter(table, "k : int auto_increment\n---\nx : int16\ny = 1 : int8")
    table.insert1({"x": 9})
    numbers = table.to_arrays("k", order_by="k").tolist()
    assert numbers[:2] == [1, 2]
    assert numbers[2] > 3
    assert not table.alter_plan()


def test_singleton_and_hidden_columns(schema):
    table = declare(schema, "One", "---\nx : int8")
    table.insert1({"x": 1})
    alter(table, "---\nx : int16\ny = 2 : int8")
    assert table.fetch1() == {"x": 1, "y": 2}
    with pytest.raises(DuplicateError):
        table.insert1({"x": 3})
    alter(table, "---\nx : int8")
    assert table.fetch1() == {"x": 1}


def test_enum_type_shared_by_other_tables_is_left_alone(schema, subject):
    other = declare(schema, "Other", "o : enum('F','M')\n---\ns = 'F' : enum('F','M')")
    alter(subject, BASE.replace("enum('F','M')", "enum('F','M','U')"))
    assert not schema.drift()
    subject.update1({"subject_id": 1, "sex": "U"})
    with pytest.raises(InvalidValueError):
        other.insert1({"o": "U"})
    alter(other, "o : enum('F','M')\n---\ns = 'M' : enum('M','F')")
    third = declare(schema, "Third", "t : enum('F','M')")
    assert third.heading["t"].value_type.labels == ("F", "M")
    assert not schema.drift()


def test_alteration_leaves_children_and_jobs(schema, subject, session):
    computed = declare(schema, "Twice", "-> Subject\n---\ny : float64", {"Subject": subject}, tier=dj.Computed)
    connection = schema.connection
    before = statement_of(connection, session), statement_of(connection, computed)
    alter(subject, BASE.replace("float64", "float32").replace("# the id", "# number"))
    assert (statement_of(connection, session), statement_of(connection, computed)) == before
    assert (subject * session).to_arrays("weight", order_by="subject_id").tolist() == [1.5, 2.5]
    with pytest.raises(IntegrityError):
        session.insert1({"subject_id": 9, "session": 1})
    with pytest.raises(IntegrityError):
        subject.delete_quick()


def test_child_is_altered(schema, subject, session):
    session.definition = "-> Subject\nsession : int16\n---\nnote = null : varchar(30)\nmore = null : int8"
    session.alter(prompt=False)
    with pytest.raises(IntegrityError):
        session.insert1({"subject_id": 9, "session": 1})
    subject.delete()
    assert len(session) == 0


# --- the question
def test_nothing_to_alter(subject, caplog):
    with caplog.at_level(logging.WARNING, "datajoint"):
        subject.alter()
        assert "Nothing to alter." in caplog.text
        caplog.clear()
        subject.alter(prompt=False)
        assert not caplog.text


def test_question(subject, answer):
    subject.definition = BASE.replace("weight : float64\n", "")
    asked = answer("no")
    subject.alter()
    assert "weight" in subject.heading
    assert "Execute?" in asked[0]
    assert "attribute `weight` is not in the definition" in asked[0]
    assert "`weight` is dropped with its 2 values." in asked[0]
    answer("yes")
    subject.alter()
    assert "weight" not in subject.heading


def test_plan_is_data(subject):
    assert not subject.alter_plan()
    assert "Nothing to alter" in str(subject.alter_plan())
    subject.definition = BASE.replace("weight : float64", "mass : float64 # {weight} <b>").replace(
        "= null", "= '2020-01-01'"
    )
    plan = subject.alter_plan()
    assert [(d.kind, d.name, d.aspect) for d in plan.differences] == [
        ("attribute", "mass", "name"), ("attribute", "mass", "comment"),
        ("attribute", "born", "default"), ("attribute", "born", "nullable"),
    ]  # fmt: skip
    assert [c.attribute for c in plan.checks] == ["born"]
    assert [f.count for f in plan.findings()] == [1]
    assert plan.statements
    shown = plan._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert shown.index("The rows are checked first:") < shown.index("Statements:")
    statements = shown.rpartition("<pre")[2]
    assert all(html.escape(statement) in statements for statement in plan.statements)
    with pytest.raises(AttributeError):
        plan.differences = ()
    assert "weight" in subject.heading


def test_statement(subject, engine):
    """MySQL and MariaDB get one statement: what is dropped first, then in the order of the definition."""
    if engine not in {"mysql", "mariadb"}:
        return
    subject.definition = """
    # animals
    subject_id : int32  # the id
    ---
    name = "an" : varchar(10)  # what it is called
    age = null : int8
    mass : float64  # {weight}
    born = null : date  # birthday
    """
    (statement,) = subject.alter_plan().statements
    assert statement == (
        f"ALTER TABLE {subject.full_table_name}\n"
        "\tDROP `sex`,\n"
        '\tADD `age` tinyint DEFAULT NULL COMMENT ":int8:" AFTER `name`,\n'
        '\tCHANGE `weight` `mass` double NOT NULL COMMENT ":float64:{weight}",\n'
        '\tMODIFY `born` date DEFAULT NULL COMMENT ":date:birthday",\n'
        '\tCOMMENT="animals"'
    )


def test_without_the_privilege_the_table_stays(subject, monkeypatch, caplog):
    def refuse(*arguments):
        raise dj.errors.AccessError("ALTER command denied.")

    subject.definition = BASE + "x = 1 : int8"
    monkeypatch.setattr("datajoint.declare.alter._execute", refuse)
    with caplog.at_level(logging.WARNING, "datajoint"):
        subject.alter(prompt=False)
    assert "was not altered: ALTER command denied." in caplog.text
    assert "x" not in subject.heading


def test_labels_that_were_committed_before_a_crash(schema, subject):
    """Where labels must be committed first, altering again finishes what is left; the old labels remain usable."""
    subject.definition = BASE.replace("enum('F','M')", "enum('F','M','U')")
    plan = subject.alter_plan()
    for statement in plan._script.first:
        schema.connection.execute(statement)
    schema.connection.forget_catalog()
    other = declare(schema, "Other", "o : enum('F','M')\n---\nx : int8")
    with pytest.raises(InvalidValueError):
        schema.connection.query(f"INSERT INTO {other.full_table_name} (o, x) VALUES ('U', 1)")
    subject.alter(prompt=False)
    subject.update1({"subject_id": 1, "sex": "U"})
    assert not subject.alter_plan()
    assert not declare(schema, "Third", "o : enum('F','M','U')").alter_plan()
    alter(subject, BASE.replace("enum('F','M')", "enum('F','M','U','V')"))
    subject.update1({"subject_id": 1, "sex": "V"})


def test_context(schema, subject, rig):
    subject.definition = BASE + "-> [nullable] Somewhere"
    with pytest.raises(DataJointError, match="Somewhere"):
        subject.alter(prompt=False)
    subject.alter(prompt=False, context={"Somewhere": rig})
    assert "rig" in subject.heading


def test_part_is_altered(schema):
    class Whole(dj.Manual):
        definition = "w : int8"

        class Piece(dj.Part):
            definition = "-> master\np : int8"

    schema(Whole, context={})
    Whole.insert1({"w": 1})
    Whole.Piece.insert1({"w": 1, "p": 1})
    Whole.Piece.definition = "-> master\np : int8\n---\nx = 5 : int8"
    Whole.Piece.alter(prompt=False)
    assert Whole.Piece.fetch1() == {"w": 1, "p": 1, "x": 5}
    assert not schema.drift()


def test_other_classes_and_connections_see_it(schema, subject, new_connection):
    module = dj.VirtualModule("m", schema.database, connection=schema.connection)
    assert "x" not in module.Subject.heading
    alter(subject, BASE + "x = 1 : int8")
    assert (module.Subject & "subject_id = 1").fetch1("x") == 1
    assert dj.FreeTable(new_connection(), f"{schema.database}.subject").to_arrays("x").tolist() == [1, 1]


def test_altered_by_another_program_meanwhile(schema, subject, new_connection):
    """The plan is made of the table as it is now, not as this connection remembers it."""
    other = dj.Schema(schema.database, connection=new_connection())
    twin = declare(other, "Subject", BASE)
    alter(twin, BASE + "x = 1 : int8")
    subject.definition = BASE + "x = 1 : int8"
    assert not subject.alter_plan()
    assert subject.to_arrays("x").tolist() == [1, 1]


def test_a_plan_is_for_the_table_that_it_saw(schema, subject, new_connection):
    subject.definition = BASE.replace("float64", "float32")
    plan = subject.alter_plan()
    twin = declare(dj.Schema(schema.database, connection=new_connection()), "Subject", BASE)
    alter(twin, BASE + "x = 1 : int8")
    with pytest.raises(DataJointError, match="another program has changed the table"):
        plan.execute()
    assert subject.to_arrays("x").tolist() == [1, 1]
    plan = twin.alter_plan()
    assert not plan
    plan.execute()


def test_missing_table(schema, subject):
    subject.drop()
    with pytest.raises(dj.errors.MissingTableError):
        subject.alter_plan()


# --- drift
def test_drift_is_told_once(schema, subject, caplog):
    assert schema.drift() == ()
    changed = BASE.replace("float64", "float32").replace("born = null : date", "index (name)")
    with caplog.at_level(logging.WARNING, "datajoint"):
        for _ in range(2):
            declare(schema, "Subject", changed)
    told = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(told) == 1
    assert "attribute `weight`: type float64 in the table, float32 in the definition" in told[0]
    assert "attribute `born` is not in the definition" in told[0]
    assert "index (name) is not in the table" in told[0]
    assert "Subject.alter() makes the table follow the definition" in told[0]


def test_drift_as_data(schema, subject, session):
    changed = declare(schema, "Subject", BASE.replace("float64", "float32"))
    (drift,) = schema.drift()
    assert drift.table == (schema.database, "subject")
    assert [(d.name, d.aspect, d.stored, d.declared) for d in drift.differences] == [
        ("weight", "type", "float64", "float32")
    ]
    changed.alter(prompt=False)
    assert schema.drift() == ()
    broken = declare(schema, "Session", "session : int16\n---\nnote = '' : varchar(20)", {"Subject": changed})
    (drift,) = schema.drift()
    assert "primary key" in drift.remedy
    assert isinstance(broken, type)


def test_drift_asks_nothing_of_the_server(schema, subject, session, caplog):
    schema.connection.catalog(schema.database)
    with schema.connection.query_log() as queries:
        declare(schema, "Subject", BASE.replace("float64", "float32"))
        declare(schema, "Session", session.definition, {"Subject": subject})
    assert not queries


def test_no_drift_for_unmarked_inherited_columns(schema, subject, engine):
    """DataJoint 2.3 writes no marker, or no comment at all, on columns that a foreign key brings."""
    parent = declare(schema, "Parent", "p : int32 # the p\nflag : bool\n---\nx : int8")
    definition = "-> Parent\n---\n-> [nullable] Subject\ny : int8"
    child = declare(schema, "Child", definition, {"Parent": parent, "Subject": subject})
    connection, name = schema.connection, child.full_table_name
    if engine == "postgresql":
        for column in ("p", "flag", "subject_id"):
            connection.query(f'COMMENT ON COLUMN {name}."{column}" IS NULL')
    elif engine == "sqlite":
        connection.query("UPDATE `~dj_columns` SET comment = '' WHERE table_name = 'child' AND column_name <> 'y'")
    else:
        connection.query(
            f"ALTER TABLE {name} MODIFY p int NOT NULL COMMENT 'the p', MODIFY flag tinyint NOT NULL, MODIFY subject_id int"
        )
    connection.forget_catalog()
    assert schema.drift() == ()
    assert not child.alter_plan()
    alter(child, definition + "\nz = 1 : int8")
    assert child.heading["p"].original_type == "int32"


def test_definitions_that_cannot_be_understood_do_not_matter(schema, subject, caplog):
    declare(schema, "Orphan", "-> Subject", {"Subject": subject})
    with caplog.at_level(logging.WARNING, "datajoint"):
        again = declare(schema, "Orphan", "-> Nowhere")
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert schema.drift() == ()
    assert again.heading.names == ["subject_id"]


# --- the rebuild of SQLite
@pytest.fixture
def lab(tmp_path):
    path = tmp_path / "lab.db"
    with dj.Connection(f"sqlite:///{path}") as connection:
        schema = dj.Schema("lab", connection=connection)
        table = declare(schema, "Subject", BASE)
        table.insert(ROWS)
        child = declare(schema, "Session", "-> Subject\nsession : int16", {"Subject": table})
        child.insert1({"subject_id": 1, "session": 1})
    return path


WORKER = """
import os, signal, sys
import datajoint as dj
from datajoint.backends import sqlite_alter
path, at, definition = sys.argv[1], int(sys.argv[2]), sys.argv[3]
real, count = sqlite_alter.execute, [0]
def execute(*arguments):
    if count[0] == at:
        os.kill(os.getpid(), signal.SIGKILL)
    count[0] += 1
    real(*arguments)
sqlite_alter.execute = execute
schema = dj.Schema("lab", connection=dj.Connection("sqlite:///" + path))
table = schema(type("Subject", (dj.Manual,), {"definition": definition}), context={})
table.alter(prompt=False)
print(count[0])
"""
CHANGED = BASE.replace("float64", "float32") + "x = 3 : int8\nindex (x)"


def kill_at(path, at):
    environment = {**os.environ, "PYTHONPATH": str(Path(dj.__file__).parents[1])}
    command = [sys.executable, "-c", WORKER, str(path), str(at), CHANGED]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def check_killed(path, at):
    result = kill_at(path, at)
    assert result.returncode == -signal.SIGKILL, result.stderr
    with dj.Connection(f"sqlite:///{path}") as connection:
        schema = dj.Schema("lab", connection=connection)
        table = declare(schema, "Subject", BASE)
        assert table.to_dicts(order_by="subject_id") == ROWS
        assert schema.drift() == ()
        assert len(dj.FreeTable(connection, "lab.session")) == 1
        names = {row[0] for row in connection.query("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()}
        assert not any("~new" in name for name in names)
        assert connection.query("PRAGMA integrity_check").fetchone()[0] == "ok"


@pytest.mark.parametrize("at", [3, 10])
def test_killed_amid_the_rebuild(lab, at):
    check_killed(lab, at)


@pytest.mark.slow
@pytest.mark.parametrize("at", range(11))
def test_killed_at_every_statement_of_the_rebuild(lab, at):
    check_killed(lab, at)


def test_rebuild_has_the_statements_that_are_killed(lab):
    assert kill_at(lab, 10**6).stdout.splitlines()[-1] == "11"


def test_rebuild_keeps_triggers_and_foreign_keys(lab):
    with dj.Connection(f"sqlite:///{lab}") as connection:
        schema = dj.Schema("lab", connection=connection)
        table = declare(schema, "Subject", BASE)
        connection.query("CREATE TABLE seen (n INT)")
        connection.query(
            "CREATE TRIGGER tell AFTER INSERT ON `lab.subject` BEGIN INSERT INTO seen VALUES (new.subject_id); END"
        )
        connection.query("CREATE VIEW heavy AS SELECT * FROM `lab.subject` WHERE weight > 2")
        alter(table, CHANGED)
        table.insert1({**ROWS[0], "subject_id": 5})
        assert connection.query("SELECT n FROM seen").fetchall() == [(5,)]
        assert connection.query("PRAGMA foreign_keys").fetchone()[0] == 1
        assert len(connection.query("SELECT * FROM heavy").fetchall()) == 1


def test_rebuild_that_fails_changes_nothing(lab, monkeypatch):
    """A row that another process writes between check and rebuild, which the new table refuses."""
    with dj.Connection(f"sqlite:///{lab}") as connection:
        schema = dj.Schema("lab", connection=connection)
        table = declare(schema, "Subject", BASE)
        table.definition = BASE.replace("varchar(10)", "varchar(3)")
        plan = table.alter_plan()
        real = sqlite_alter.run_rebuild

        def late(*arguments):
            table.insert1({**ROWS[0], "subject_id": 9, "name": "too long"})
            real(*arguments)

        monkeypatch.setattr(sqlite_alter, "run_rebuild", late)
        with pytest.raises(DataJointError):
            plan.execute()
        monkeypatch.setattr(sqlite_alter, "run_rebuild", real)
        assert len(table) == 3
        assert table.heading["name"].declared_type == "varchar(10)"
        with pytest.raises(InvalidValueError):
            plan.execute()

"""A class gets another name and says so: its table follows, with all that belongs to it and refers to it."""

from __future__ import annotations

import logging

import pytest

import datajoint as dj
from datajoint.declare import create_table, parse_definition, resolve
from datajoint.declare.rename import plan_rename
from datajoint.definition import TableName
from datajoint.errors import DataJointError, MissingTableError
from datajoint.table.context import find_referent_in

DEFINITION = "# measured\nsubject_id : int32\n---\nnote = '' : varchar(20)\nsex : enum('F','M')\nindex (note)"


def make(name, base=dj.Manual, **content):
    return type(base)(name, (base,), {"__module__": __name__, **content})


def declare(schema, name, base=dj.Manual, context=None, **content):
    return schema(make(name, base, **content), context=context if context is not None else {})


@pytest.fixture
def old(schema):
    """A table with a part, a child that inherits its key, and a child of that one."""
    trial = make("Trial", dj.Part, definition="-> master\ntrial : int16\n---\nx : float64")
    names = {"Animal": declare(schema, "Animal", definition=DEFINITION, Trial=trial)}
    names["Session"] = declare(schema, "Session", context=names, definition="-> Animal\nsession : int16")
    names["Weighing"] = declare(
        schema, "Weighing", context=names, definition="-> Session\n---\n-> Animal.Trial.proj(first='trial')"
    )
    names["Animal"].insert([{"subject_id": 1, "note": "a", "sex": "F"}, {"subject_id": 2, "note": "b", "sex": "M"}])
    names["Animal"].Trial.insert1({"subject_id": 1, "trial": 3, "x": 0.5})
    names["Session"].insert1({"subject_id": 1, "session": 1})
    names["Weighing"].insert1({"subject_id": 1, "session": 1, "first": 3})
    return names


def renamed(schema, **content):
    trial = make("Trial", dj.Part, definition="-> master\ntrial : int16\n---\nx : float64")
    return declare(schema, "Subject", definition=DEFINITION, renamed_from="Animal", Trial=trial, **content)


def declare_queue(table):
    """Declare what a queue of jobs has in common with any other table: a name, and origins of its own."""
    name = TableName(table.database, f"~~{table.table_name.lstrip('_')}")
    text = "subject_id : int32\n---\nstatus : varchar(9)\nindex (status)"
    find = find_referent_in(table.connection)
    create_table(table.connection, name, resolve(parse_definition(text), name, table.connection, {}, find))
    return dj.FreeTable(table.connection, str(name))


def catalog(schema):
    schema.connection.forget_catalog()
    return schema.connection.catalog(schema.database)


# --- before
def test_no_empty_table_takes_the_new_name(schema, old, caplog):
    with caplog.at_level(logging.WARNING, "datajoint"):
        subject = renamed(schema)
    assert f"its rows are in {schema.database}.animal. Subject.alter() renames that" in caplog.text
    assert set(catalog(schema).tables) >= {"animal", "animal__trial"}
    assert not {"subject", "subject__trial"} & set(catalog(schema).tables)
    with pytest.raises(MissingTableError, match=r"still called .*\.animal: Subject\.alter\(\) renames it"):
        subject.to_dicts()
    with pytest.raises(MissingTableError, match=r"still called .*\.animal__trial"):
        len(subject.Trial)


def test_the_plan_tells_all_and_changes_nothing(schema, old):
    subject = renamed(schema)
    plan = subject.alter_plan()
    assert plan
    assert [(a.name, b.name) for a, b in plan.renames] == [("animal", "subject"), ("animal__trial", "subject__trial")]
    assert "animal__trial becomes subject__trial" in str(plan)
    assert f"the origins of attributes are corrected in {schema.database}" in str(plan)
    assert "subject__trial" in plan._repr_html_()
    assert "<p>The origins of attributes are corrected in" in plan._repr_html_()
    assert "animal" in catalog(schema).tables


# --- the deed
def test_rows_parts_children_and_origins_follow(schema, old):
    subject = renamed(schema)
    subject.alter(prompt=False)
    assert not [name for name in catalog(schema).tables if name.startswith("animal")]
    assert subject.to_dicts(order_by="KEY")[0] == {"subject_id": 1, "note": "a", "sex": "F"}
    assert subject.Trial.fetch1("x") == 0.5
    assert subject.heading["subject_id"].lineage == f"{schema.database}.subject.subject_id"
    assert old["Session"]().heading["subject_id"].lineage == f"{schema.database}.subject.subject_id"
    assert old["Weighing"]().heading["first"].lineage == f"{schema.database}.subject__trial.trial"
    assert len(subject.proj() * old["Session"] * old["Weighing"].proj()) == 1
    assert not any("animal" in text for item in schema.lineage.items() for text in item)
    # Foreign keys hold, and a cascade finds its way.
    with pytest.raises(dj.errors.IntegrityError):
        old["Session"].insert1({"subject_id": 9, "session": 1})
    (subject & {"subject_id": 1}).delete(prompt=False)
    assert [len(t()) for t in (subject, subject.Trial, old["Session"], old["Weighing"])] == [1, 0, 0, 0]
    assert not subject.alter_plan()


def test_the_table_is_stored_as_if_declared_so(schema, old, new_schema):
    subject = renamed(schema)
    subject.alter(prompt=False)
    other = new_schema("other")
    fresh = declare(other, "Subject", definition=DEFINITION)
    ours, theirs = catalog(schema).tables["subject"], catalog(other).tables["subject"]
    assert ours.comment == theirs.comment
    # An enum of PostgreSQL lives in its schema.
    assert [(c.name, c.type, c.comment) for c in ours.columns] == [(c.name, c.type, c.comment) for c in theirs.columns]
    assert sorted(i.name for i in ours.indexes) == sorted(i.name for i in theirs.indexes)
    assert subject.describe(context={}) == fresh.describe(context={})


def test_the_former_name_is_free(schema, old):
    renamed(schema).alter(prompt=False)
    again = declare(schema, "Animal", definition=DEFINITION)
    again.insert1({"subject_id": 5, "note": "", "sex": "F"})
    info = catalog(schema).tables["animal"]
    assert ("note",) in [index.columns for index in info.indexes]
    # What renamed_from says is past: the name belongs to another table.
    assert not renamed(schema).alter_plan()
    assert len(again()) == 1


def test_another_schema_follows(schema, old, new_schema):
    other = new_schema("other")
    child = declare(
        other, "Child", context=old, definition="-> Animal\n---\n-> [nullable] Animal.proj(twin='subject_id')"
    )
    grandchild = declare(other, "Grandchild", context={"Child": child}, definition="-> Child\nn : int8")
    child.insert1({"subject_id": 1, "twin": 2})
    subject = renamed(schema)
    subject.alter(prompt=False)
    origin = f"{schema.database}.subject.subject_id"
    headings = [child().heading["twin"], child().heading["subject_id"], grandchild().heading["subject_id"]]
    assert [attribute.lineage for attribute in headings] == [origin] * 3
    assert len(subject.proj() * child) == 1
    assert len(subject.proj(twin="subject_id") & child) == 1


def test_the_definition_is_followed_too(schema, old):
    definition = DEFINITION.replace("note = '' : varchar(20)", "remark = '' : varchar(40)  # {note} said")
    subject = declare(schema, "Subject", renamed_from="animal", definition=definition.replace("(note)", "(remark)"))
    subject.alter(prompt=False)
    assert subject.to_dicts(order_by="KEY")[1] == {"subject_id": 2, "remark": "b", "sex": "M"}


def test_a_question_is_asked(schema, old, monkeypatch):
    asked = []
    monkeypatch.setattr("datajoint.utils.input", lambda text: (asked.append(text), "no")[1], raising=False)
    renamed(schema).alter()
    assert "animal becomes subject" in asked[0]
    assert "animal" in catalog(schema).tables


# --- tiers, queues, parts
def test_another_tier(schema):
    manual = declare(schema, "Method", definition="method : varchar(8)")
    manual.insert1({"method": "m"})
    lookup = declare(schema, "Method", dj.Lookup, renamed_from="method", definition="method : varchar(8)")
    lookup.alter(prompt=False)
    assert "#method" in catalog(schema).tables
    assert lookup.fetch1("method") == "m"


def test_a_queue_goes_along(schema, old):
    definition = "-> Animal\n---\nx : float64"

    def fill(self, key):
        self.insert1({**key, "x": 1.0})

    made = declare(schema, "Mean", dj.Computed, context=old, definition=definition, make=fill)
    queue = declare_queue(made)
    queue.insert1({"subject_id": 1, "status": "error"})
    mean = declare(schema, "Average", dj.Computed, context=old, renamed_from="Mean", definition=definition, make=fill)
    mean.alter(prompt=False)
    assert {"__average", "~~average"} <= set(catalog(schema).tables)
    assert not {"__mean", "~~mean"} & set(catalog(schema).tables)
    assert dj.FreeTable(schema.connection, f"{schema.database}.~~average").fetch1("status") == "error"
    mean.populate()
    assert len(mean()) == 2


def test_a_queue_that_the_tier_has_not_is_dropped(schema, old):
    definition = "-> Animal\n---\nx : float64"
    made = declare(schema, "Mean", dj.Computed, context=old, definition=definition, make=lambda self, key: None)
    declare_queue(made)
    kept = declare(schema, "Mean", context=old, renamed_from="__mean", definition=definition)
    assert "~~mean is dropped" in str(kept.alter_plan())
    kept.alter(prompt=False)
    assert {"mean"} == {name for name in catalog(schema).tables if name.endswith("mean")}
    assert not any("mean" in name for name in schema.lineage if "~~" in name)


def test_a_part(schema, old):
    part = make("Run", dj.Part, definition="-> master\ntrial : int16\n---\nx : float64", renamed_from="Trial")
    animal = declare(schema, "Animal", definition=DEFINITION, Run=part)
    assert "animal__run" not in catalog(schema).tables
    animal.Run.alter(prompt=False)
    assert animal.Run.fetch1("x") == 0.5
    assert old["Weighing"]().heading["first"].lineage == f"{schema.database}.animal__run.trial"


def test_a_part_and_its_master(schema, old):
    part = make("Run", dj.Part, definition="-> master\ntrial : int16\n---\nx : float64", renamed_from="Trial")
    new = make("Note", dj.Part, definition="-> master\n---\ntext : varchar(9)")
    subject = declare(schema, "Subject", definition=DEFINITION, renamed_from="Animal", Run=part, Note=new)
    subject.alter(prompt=False)
    subject.Run.alter(prompt=False)
    assert subject.Run.fetch1("x") == 0.5
    schema(subject, context={})
    assert len(subject.Note()) == 0


# --- refused, and resumed
def test_refused_in_a_transaction(schema, old):
    plan = renamed(schema).alter_plan()
    with schema.connection.transaction:
        with pytest.raises(DataJointError, match="inside a transaction"):
            plan.execute()
    assert "animal" in catalog(schema).tables


def test_a_taken_name_is_refused_before_anything(schema, old):
    declare(schema, "Subject", definition=DEFINITION)
    # Both exist: which is meant cannot be told, so nothing is renamed.
    assert not renamed(schema).alter_plan()
    assert set(catalog(schema).tables) >= {"animal", "subject"}


def test_a_long_name_is_refused_before_anything(schema, old):
    name = "S" + "x" * (schema.connection.dialect.max_identifier_length - 4)
    subject = declare(schema, name, definition=DEFINITION, renamed_from="Animal")
    with pytest.raises(DataJointError, match="at most"):
        subject.alter(prompt=False)
    assert "animal" in catalog(schema).tables


def test_a_plan_that_is_out_of_date_is_refused(schema, old):
    plan = renamed(schema).alter_plan()
    declare(schema, "Later", context=old, definition="-> Animal\nn : int8")
    with pytest.raises(DataJointError, match="another program has changed"):
        plan.execute()
    assert "animal" in catalog(schema).tables


def test_a_failure_leaves_all_or_what_can_be_finished(schema, old, monkeypatch):
    """The origins cannot be written: nothing is renamed, or renaming again finishes it."""
    connection = schema.connection
    subject = renamed(schema)
    plan = subject.alter_plan()
    real = type(connection).execute

    def failing(self, sql):
        if "~lineage" in repr(sql) and "VALUES" in repr(sql):
            raise KeyboardInterrupt
        return real(self, sql)

    with monkeypatch.context() as patch:
        patch.setattr(type(connection), "execute", failing)
        with pytest.raises(KeyboardInterrupt):
            plan.execute()
    tables = set(catalog(schema).tables)
    assert ("animal" in tables) is connection.dialect.transactional_ddl
    again = plan_rename(connection, TableName(schema.database, "animal"), subject().name)
    assert again
    again.execute()
    assert len(subject.proj() * old["Session"]) == 1
    assert old["Weighing"]().heading["first"].lineage == f"{schema.database}.subject__trial.trial"
    assert not plan_rename(connection, TableName(schema.database, "animal"), subject().name)

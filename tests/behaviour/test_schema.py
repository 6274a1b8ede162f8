"""Schemas: activation, decoration, access to classes, tables by name, generated classes."""

from __future__ import annotations

import pydoc
import types

import pytest

import datajoint as dj
from datajoint.errors import DataJointError


def make(schema):
    """Declare a small pipeline with a part."""

    @schema
    class Rig(dj.Lookup):
        definition = """
        rig : varchar(8)
        ---
        room : int32
        """
        contents = (("r1", 1), ("r2", 2))

    @schema
    class Session(dj.Manual):
        """Recording sessions."""

        definition = """
        # sessions
        session : int32
        ---
        -> Rig
        """

        class Trial(dj.Part):
            definition = """
            -> master
            trial : int16
            """

        class Event(dj.Part):
            definition = """
            -> Session.Trial
            event : int16
            """

    return types.SimpleNamespace(Rig=Rig, Session=Session)


@pytest.fixture
def lab(schema):
    return make(schema)


# --- activation
def test_activation_later(connection, new_schema_name):
    schema = dj.Schema(connection=connection)
    assert not schema.is_activated()
    with pytest.raises(DataJointError, match="must be activated first"):
        schema.exists
    pipeline = make(schema)
    assert pipeline.Session.full_table_name is None
    with pytest.raises(DataJointError, match="not associated with a schema"):
        pipeline.Session().full_table_name
    with pytest.raises(DataJointError, match="not properly configured"):
        pipeline.Session.primary_key
    name = new_schema_name()
    schema.activate(name)
    schema.activate(name)
    schema.activate()
    assert schema.is_activated()
    assert schema.exists
    assert len(pipeline.Rig()) == 2
    assert connection.schemas[name] is schema
    with pytest.raises(DataJointError, match="already activated for schema"):
        schema.activate(new_schema_name())


def test_names_bound_after_decoration_are_seen_at_activation(connection, schema_name):
    schema = dj.Schema(connection=connection)
    context = {}
    child = schema(type("Child", (dj.Manual,), {"__module__": __name__, "definition": "-> Parent"}), context=context)
    other = dj.Schema(schema_name, connection=connection)
    context["Parent"] = other(type("Parent", (dj.Manual,), {"__module__": __name__, "definition": "id : int32"}))
    schema.activate(schema_name)
    assert child.primary_key == ["id"]


def test_a_missing_schema(connection, schema_name):
    with pytest.raises(DataJointError, match="has not yet been declared"):
        dj.Schema(schema_name, connection=connection, create_schema=False)
    with pytest.raises(DataJointError):
        dj.VirtualModule("m", schema_name, connection=connection)
    schema = dj.Schema(schema_name, connection=connection)
    assert schema_name in dj.list_schemas(connection)
    assert repr(schema) == f"Schema `{schema_name}`\n"


def test_drop(schema, lab, connection, monkeypatch, settings, new_schema_name):
    settings.safemode = True
    monkeypatch.setattr("builtins.input", lambda _: "no")
    schema.drop()
    assert schema.exists
    schema.drop(prompt=False)
    assert not schema.exists
    assert schema.is_activated()
    assert schema.database not in connection.schemas
    schema.drop()  # nothing to do
    with pytest.raises(DataJointError):
        lab.Session.to_dicts()
    schema.activate(new_schema_name())
    assert schema.list_tables() == []


# --- decoration
def test_parts(schema, lab):
    session = lab.Session
    assert session.table_name == "session"
    assert session.Trial.table_name == "session__trial"
    assert session.Trial.master is session
    assert session.Trial.primary_key == ["session", "trial"]
    assert session.Event.primary_key == ["session", "trial", "event"]
    assert session.parts() == [session.Trial.full_table_name, session.Event.full_table_name]
    assert [p.table_name for p in session.parts(as_objects=True)] == ["session__trial", "session__event"]
    with pytest.raises(DataJointError, match="should not be applied to Part"):
        schema(session.Trial)
    with pytest.raises(DataJointError, match="Cannot delete from a Part directly"):
        session.Trial.delete()
    with pytest.raises(DataJointError, match="Cannot drop a Part directly"):
        session.Trial.drop()


def test_inherited_parts_belong_to_the_subclass(schema):
    class Base(dj.Manual):
        definition = "id : int32"

        class Item(dj.Part):
            definition = "-> master\nitem : int32"

    class First(Base):
        pass

    class Second(Base):
        class Extra(dj.Part):
            definition = "-> master.Item\nextra : int32"

    schema(First)
    schema(Second)
    assert First.Item.table_name == "first__item"
    assert Second.Item.table_name == "second__item"
    assert First.Item.master is First
    assert Second.Extra.primary_key == ["id", "item", "extra"]
    assert schema.list_tables() == ["first", "first__item", "second", "second__item", "second__extra"]


def test_only_tables_can_be_decorated(schema):
    with pytest.raises(DataJointError, match="is not a table class"):
        schema(int)


@pytest.fixture
def module_level(schema, monkeypatch):
    parent = schema(type("Parent", (dj.Manual,), {"__module__": __name__, "definition": "id : int32"}))
    monkeypatch.setitem(globals(), "ModuleParent", parent)


def test_definitions_see_local_names_first_and_then_the_modules(schema, module_level):
    @schema
    class OfModule(dj.Manual):
        definition = "-> ModuleParent"

    @schema
    class Local(dj.Manual):
        definition = "-> OfModule.proj(other='id')"

    assert Local.primary_key == ["other"]


def test_the_class_itself_may_hold_what_it_refers_to(schema):
    @schema
    class Parent(dj.Manual):
        definition = "id : int32"

    class Child(dj.Manual):
        source = Parent
        definition = "-> self.source"

    assert schema(Child, context={}).primary_key == ["id"]


def test_add_objects_and_schema_context(new_schema):
    first = new_schema("a")
    parent = first(type("Parent", (dj.Manual,), {"__module__": __name__, "definition": "id : int32"}))
    second = new_schema("b", add_objects={"P": parent}, context={"Q": parent})
    cls = type("Child", (dj.Manual,), {"__module__": __name__, "definition": "-> P\n---\n-> Q.proj(q='id')"})
    assert second(cls).heading.names == ["id", "q"]


def test_the_docstring_gains_the_definition_once(schema, lab):
    doc = lab.Session.__doc__
    assert doc.startswith("Recording sessions.\nTable definition:\n\n")
    assert "# sessions" in doc
    schema(lab.Session, context={"Rig": lab.Rig})
    assert lab.Session.__doc__ == doc


# --- contents of lookup tables
def test_contents_are_compared_by_key(schema, lab):
    rig = lab.Rig
    assert len(rig()) == 2
    rig.contents = [("r2", 9), ("r3", 3)]
    schema(rig)
    assert rig.to_dicts(order_by="rig") == [
        {"rig": "r1", "room": 1},
        {"rig": "r2", "room": 2},
        {"rig": "r3", "room": 3},
    ]


def test_contents_may_be_a_generator_of_dicts_on_a_part(schema):
    @schema
    class Method(dj.Lookup):
        definition = "method : uuid"
        contents = (["00000000-0000-0000-0000-000000000001"],)

        class Step(dj.Part, dj.Lookup):
            definition = "-> master\nstep : decimal(4,1)"

            @property
            def contents(self):
                return ({"method": key["method"], "step": 1.5} for key in self.master)

    assert Method.Step.table_name == "#method__step"
    assert len(Method.Step()) == 1
    schema(Method)
    assert len(Method.Step()) == 1


# --- classes as tables
def test_a_class_answers_as_its_instance(lab):
    rig = lab.Rig
    assert (rig & {"rig": "r1"}).fetch1("room") == 1
    assert len(rig) == 2
    assert {row["rig"] for row in rig} == {"r1", "r2"}
    assert {"rig": "r1", "room": 1} in rig
    assert rig.primary_key == ["rig"]
    assert rig.heading.names == ["rig", "room"]
    assert rig.is_declared is True
    assert (rig - {"rig": "r1"}).fetch1("rig") == "r2"
    assert len(rig & -(rig & {"room": 1}).proj()) == 1
    assert rig.proj(place="room").heading.names == ["rig", "place"]
    assert rig.full_table_name == rig().full_table_name
    assert isinstance(rig.definition, str)
    assert bool(lab.Session) is True
    assert len(lab.Session) == 0
    assert repr(rig).startswith("<class ")
    with pytest.raises(DataJointError, match="removed"):
        rig ^ lab.Session
    with pytest.raises(DataJointError, match="removed"):
        rig @ lab.Session


def test_an_undecorated_subclass_is_no_other_table(lab):
    class Copy(lab.Rig):
        pass

    assert lab.Rig.heading.names == ["rig", "room"]
    assert not Copy.is_declared
    with pytest.raises(DataJointError, match="is not defined"):
        Copy.heading


def test_thread_safe_mode_has_no_shared_connection(connection, monkeypatch):
    monkeypatch.setenv("DJ_THREAD_SAFE", "true")
    with pytest.raises(dj.ThreadSafetyError):
        dj.Schema()
    assert not dj.Schema(connection=connection).is_activated()


def test_methods_are_documented():
    for name in ("insert", "update1", "delete", "delete_plan", "drop", "validate", "describe"):
        assert "\n\n" in getattr(dj.Table, name).__doc__, name


def test_what_users_define_is_left_alone(schema):
    @schema
    class Stimulus(dj.Manual):
        definition = "id : int32"

        def helper(self):
            return 5

        def make(self, key):
            return key

    assert Stimulus.helper(None) == 5
    assert Stimulus.make(None, 7) == 7


@pytest.mark.parametrize("cls", [dj.Table, dj.Manual, dj.Lookup, dj.Imported, dj.Computed, dj.Part])
def test_bare_classes_have_help(cls):
    assert cls.__name__ in pydoc.render_doc(cls)
    assert cls.heading is None
    assert cls.full_table_name is None


def test_bound_classes_have_help(lab):
    assert "Recording sessions" in pydoc.render_doc(lab.Session)
    assert "Session" in pydoc.render_doc(lab.Session())


def test_aliases():
    assert (dj.Entry, dj.Ingest, dj.Compute) == (dj.Manual, dj.Imported, dj.Computed)


# --- tables by name
def test_tables_by_name(schema, lab):
    assert schema.list_tables() == ["#rig", "session", "session__trial", "session__event"]
    for name in ("Rig", "rig", "#rig"):
        assert schema[name].full_table_name == lab.Rig.full_table_name
    for name in ("Session.Trial", "session__trial"):
        assert schema[name].full_table_name == lab.Session.Trial.full_table_name
    assert "Rig" in schema
    assert "Nothing" not in schema
    with pytest.raises(DataJointError, match="does not exist"):
        schema["Rigg"]
    with pytest.raises(IndexError):
        schema[""]
    assert [table.table_name for table in schema] == schema.list_tables()


def test_free_tables(connection, schema, lab):
    for name in (f"{schema.database}.#rig", lab.Rig.full_table_name):
        free = dj.FreeTable(connection, name)
        assert len(free) == 2
        assert free.full_table_name == lab.Rig.full_table_name
        assert repr(free).startswith(f"FreeTable({lab.Rig.full_table_name})")
        assert free.class_name == "FreeTable"
    with pytest.raises(ValueError, match="full name"):
        dj.FreeTable(connection, "rig")
    with pytest.raises(NotImplementedError):
        free.definition
    free.insert1({"rig": "r9", "room": 9})
    assert (free & {"rig": "r9"}).proj().to_dicts() == [{"rig": "r9"}]
    assert "room" in free.describe()


# --- generated classes
def test_virtual_module(schema, lab, new_connection):
    module = dj.VirtualModule("lab_module", schema.database, connection=new_connection(), add_objects={"extra": 1})
    assert isinstance(module, types.ModuleType)
    assert (module.__name__, module.extra) == ("lab_module", 1)
    assert module.Rig.__bases__ == (dj.Lookup,)
    assert module.Session.Trial.__bases__ == (dj.Part,)
    assert module.Session.Trial.master is module.Session
    assert len(module.Rig) == 2
    assert module.schema.database == schema.database
    with pytest.raises(NotImplementedError):
        module.Session.definition
    assert module.Session.describe(vars(module)) == lab.Session.describe({"Rig": lab.Rig})


def test_virtual_schema(schema, lab, connection):
    module = dj.virtual_schema(schema.database, connection=connection)
    assert isinstance(module, dj.VirtualModule)
    assert module.__name__ == schema.database


def test_make_classes(schema, lab, connection):
    namespace = {"Rig": lab.Rig}
    schema.make_classes(into=namespace)
    assert namespace["Rig"] is lab.Rig
    assert set(namespace) == {"Rig", "Session"}
    assert namespace["Session"].Event.table_name == "session__event"
    schema.make_classes(into=namespace)
    assert set(namespace) == {"Rig", "Session"}


def test_generated_classes_write_nothing(schema, lab, new_connection):
    other = new_connection()
    other.catalog(schema.database)
    with other.query_log() as log:
        dj.VirtualModule("m", schema.database, connection=other)
    assert all(record.text.lstrip().upper().startswith(("SELECT", "WITH", "SHOW", "PRAGMA")) for record in log), log


def test_schemas_that_differ_by_case_only_are_refused(schema, connection):
    with pytest.raises(DataJointError, match=f"there is `{schema.database}`"):
        dj.Schema(schema.database.upper(), connection=connection)

"""What helps to find one's way: search, generated modules and classes, adapters, columns of the framework."""

from __future__ import annotations

import logging
import runpy

import pytest

import datajoint as dj
from datajoint import deploy
from datajoint.errors import DataJointError


@pytest.fixture
def lab(schema):
    @schema
    class Rig(dj.Lookup):
        definition = """
        # recording rigs
        rig : varchar(8)
        ---
        room : int32  # number of the room
        """
        contents = (("r1", 1), ("r2", 2))

    @schema
    class Subject(dj.Manual):
        definition = """
        # mice and "rats"
        subject_id : int32   # the id
        ---
        species = 'mouse' : enum('mouse','rat')
        body_weight : float64  # grams <b>&</b>
        """

    @schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int16
        ---
        -> [nullable] Rig
        """

        class Trial(dj.Part):
            definition = """
            -> master
            trial : int16
            ---
            path = 'a\\\\b' : varchar(30)
            """

    return {"Rig": Rig, "Subject": Subject, "Session": Session}


@pytest.fixture
def log(caplog):
    logging.getLogger("datajoint").addHandler(caplog.handler)
    yield caplog
    logging.getLogger("datajoint").removeHandler(caplog.handler)


# --- search
def test_search(schema, lab, connection):
    def names(text):
        hits = dj.search(text, connection=connection, schemas=schema.database)
        return [hit.name.removeprefix(f"{schema.database}.") for hit in hits]

    assert names("subject")[:2] == ["Subject", "Subject.subject_id"]
    assert names("body weight") == ["Subject.body_weight"]
    assert names("weight") == ["Subject.body_weight"]
    assert names("RAT")[:1] == ["Subject.species"]
    assert names("rigs")[0] == "Rig"
    assert names("session trial")[0] == "Session.Trial"
    assert names("room")[0] == "Rig.room"
    assert names("subject weight")[0] == "Subject.body_weight"
    found = dj.search("weight", connection=connection, schemas=[schema.database])
    assert "float64" in repr(found)
    assert found[0].attribute == "body_weight"
    assert "&lt;b&gt;&amp;" in found._repr_html_()
    assert "<b>" not in found._repr_html_()
    nothing = dj.search("sesion", connection=connection, schemas=schema.database)
    assert len(nothing) == 0
    assert "Did you mean 'session'" in repr(nothing).replace("Session", "session")
    assert "Did you mean" in nothing._repr_html_()
    with pytest.raises(DataJointError, match="nothing to search for"):
        dj.search(" _ ", connection=connection)
    everywhere = dj.search("body_weight", connection=connection)
    assert f"{schema.database}.Subject.body_weight" in [hit.name for hit in everywhere]


# --- a module of the classes
def test_a_saved_module_can_be_imported(schema, lab, new_schema, connection, tmp_path, monkeypatch):
    other = new_schema("o")

    definition = """
    -> Session.proj(who='subject_id')
    ---
    -> [nullable, unique] Rig
    note = 'x' : varchar(20)  # said "so"
    """
    other(type("Review", (dj.Manual,), {"__module__": __name__, "definition": definition}), context=lab)
    for number, original in enumerate((schema, other)):
        path = tmp_path / f"pipeline{number}.py"
        text = original.save(path)
        assert path.read_text(encoding="utf-8") == text
        with monkeypatch.context() as patch:
            patch.setattr("datajoint.schemas.conn", lambda: connection)
            namespace = runpy.run_path(str(path))
        again = namespace["schema"]
        assert again.list_tables() == original.list_tables()
        for name in original.list_tables():
            path_of = {"session__trial": "Session.Trial"}.get(name) or dj.naming.to_camel_case(name)
            cls = namespace[path_of.split(".")[0]]
            for part in path_of.split(".")[1:]:
                cls = getattr(cls, part)
            assert cls.describe({}) == original[name].describe({})
    # in an empty database the module declares the same tables
    copy = tmp_path / "copy.py"
    copy.write_text(schema.save().replace(repr(schema.database), repr(new_schema("copy").database)), encoding="utf-8")
    monkeypatch.setattr("datajoint.schemas.conn", lambda: connection)
    namespace = runpy.run_path(str(copy))
    assert namespace["schema"].list_tables() == schema.list_tables()
    assert namespace["Session"].Trial.heading["path"].default == lab["Session"].Trial.heading["path"].default
    assert namespace["Subject"].heading["species"].declared_type == "enum('mouse','rat')"


def test_two_tables_that_would_have_one_class_name(schema, connection):
    for tier in (dj.Lookup, dj.Manual):
        schema(type("Kind", (tier,), {"__module__": __name__, "definition": "id : int32"}), context={})
    space = {}
    schema.make_classes(into=space)
    assert {cls.table_name for cls in space.values()} == {"#kind", "kind"}
    assert len(space) == 2
    assert "_table_name = " in schema.save()


def test_an_orphan_part_is_told_and_left_out(schema, lab, connection, log):
    lab["Session"].Trial.drop_quick()
    lab["Session"].drop_quick()
    name = dj.FreeTable(connection, f"{schema.database}.gone__item").full_table_name
    schema(type("Gone", (dj.Manual,), {"__module__": __name__, "definition": "id : int32"}), context={})

    class Lone(dj.Manual):
        definition = "id : int32"
        _table_name = "gone__item"

    schema(Lone, context={})
    schema["gone"].drop_quick()
    space = {}
    schema.make_classes(into=space)
    assert set(space) == {"Rig", "Subject"}
    assert "does not follow DataJoint naming conventions" in log.text
    assert schema["gone__item"].full_table_name == name


def test_tables_of_others_without_a_key_are_reached_by_name(schema, lab, connection, engine):
    if engine == "sqlite":
        pytest.skip("what is not recorded in the file belongs to no schema")
    name = dj.FreeTable(connection, f"{schema.database}.loose").full_table_name
    connection.query(f"CREATE TABLE {name} (a INT)")
    assert "loose" not in schema.list_tables()
    assert "loose" in schema
    assert len(schema["loose"]) == 0
    module = dj.VirtualModule("m", schema.database, connection=connection)
    assert not hasattr(module, "Loose")
    assert module.Session.Trial.definition is ...


def test_key_completions(schema, lab):
    assert schema._ipython_key_completions_() == ["Rig", "Subject", "Session", "Session.Trial"]
    assert lab["Subject"].heading._ipython_key_completions_() == ["subject_id", "species", "body_weight"]
    assert {"insert1", "fetch1", "proj", "describe", "heading", "aggr", "parents"} <= set(dir(lab["Subject"]))


# --- headings of tables
def test_what_a_heading_tells_of_its_table(schema, lab):
    heading = lab["Rig"].heading
    assert heading.table_status["comment"] == "recording rigs"
    assert heading.table_info["table_name"] == "#rig"

    @schema
    class Indexed(dj.Manual):
        definition = "id : int32\n---\na : int32\nb = null : int32\nindex (a)\nunique index (a, b)"

    indexes = Indexed.heading.indexes
    assert indexes[("a",)] == {"unique": False, "nullable": False}
    assert indexes[("a", "b")] == {"unique": True, "nullable": True}


def test_contents_that_differ_are_told(schema, lab, log):
    lab["Rig"].contents = [("r1", 5), ("r3", 3)]
    schema(lab["Rig"])
    assert "contents of" in log.text
    assert "'r1'}.room" in log.text
    assert len(lab["Rig"]()) == 3
    log.clear()
    lab["Rig"].contents = [("r1", 1), {"rig": "r3", "room": 3.0}]
    schema(lab["Rig"])
    assert "contents of" not in log.text


def test_the_adapter_of_a_connection(connection, lab):
    adapter = connection.adapter
    rig = lab["Rig"]()
    assert adapter.make_full_table_name(rig.database, rig.table_name) == rig.full_table_name
    assert adapter.quote_identifier("x") == connection.dialect.quote_name("x")
    text = adapter.update_sql(rig.full_table_name, ["room"], ["rig"])
    connection.query(text, (7, "r1"))
    assert (lab["Rig"] & {"rig": "r1"}).fetch1("room") == 7
    assert connection.adapter is adapter


def test_catalogue_queries_of_the_adapter_run(connection, schema, lab, engine):
    if engine == "sqlite":
        pytest.skip("the file has no information schema")
    adapter, name = connection.adapter, schema.database
    assert (name,) in [tuple(row) for row in connection.query(adapter.list_schemas_sql()).fetchall()]
    assert connection.query(adapter.schema_exists_sql(name)).fetchall()
    tables = [row[0] for row in connection.query(adapter.list_tables_sql(name)).fetchall()]
    assert {"#rig", "subject", "session", "session__trial"} <= set(tables)
    columns = connection.query(adapter.get_columns_sql(name, "subject"), as_dict=True).fetchall()
    read = [adapter.parse_column_info(row) for row in columns]
    assert [column["name"] for column in read] == ["subject_id", "species", "body_weight"]
    assert [c["comment"] for c in read][0] == ":int32:the id"
    keys = connection.query(adapter.get_primary_key_sql(name, "session__trial"), as_dict=True).fetchall()
    assert [row["column_name"] for row in keys] == ["subject_id", "session", "trial"]
    assert connection.query(adapter.get_table_info_sql(name, "subject")).fetchall()
    assert len(connection.query(adapter.get_foreign_keys_sql(name, "session")).fetchall()) == 2
    assert connection.query(adapter.get_indexes_sql(name, "session")).fetchall()
    schemas, hidden = adapter.quote_string(name), "'~%%'"
    assert connection.query(adapter.load_primary_keys_sql(schemas, hidden)).fetchall()
    links = connection.query(adapter.load_foreign_keys_sql(schemas, hidden), as_dict=True).fetchall()
    assert lab["Subject"].full_table_name in {row["referenced_table"] for row in links}
    constraint = links[0]["constraint_name"]
    table = adapter.split_full_table_name(links[0]["referencing_table"])[1]
    info = connection.query(
        adapter.get_constraint_info_sql("", "", ""), (constraint, name, table), as_dict=True
    ).fetchall()
    assert info[0]["parent"] == links[0]["referenced_table"]
    for question in (adapter.find_downstream_schemas_sql, adapter.find_upstream_schemas_sql):
        assert not connection.query(question(schemas)).fetchall()


def test_conditions_as_text(lab):
    columns = set()
    text = dj.condition.make_condition(lab["Rig"](), {"room": 1}, columns)
    assert columns == {"room"}
    assert "room" in text
    assert dj.condition.make_condition(lab["Rig"](), True, columns) is True
    assert (lab["Rig"] & dj.Sql(text)).fetch1("rig") == "r1"


# --- columns of the framework
def test_hidden_columns_are_declared_where_settings_ask_for_them(schema, lab, settings, connection):
    settings.jobs.add_job_metadata = settings.provenance.capture = True

    @schema
    class Entry(dj.Manual):
        definition = "id : int32"

        class Item(dj.Part):
            definition = "-> master\nitem : int32"

    @schema
    class Result(dj.Computed):
        definition = "-> Entry\n---\nvalue : int32"

        def make(self, key):
            self.insert1({**key, "value": 1})

    tables = connection.catalog(schema.database).tables
    hidden = {name: [c.name for c in info.columns if c.name.startswith("_")] for name, info in tables.items()}
    assert hidden["entry"] == ["_prov"]
    assert hidden["entry__item"] == []
    assert hidden["__result"] == ["_job_start_time", "_job_duration", "_job_version"]
    comments = {c.name: c.comment for c in tables["__result"].columns}
    assert comments["_job_start_time"] == ":datetime(3):when computation began"
    assert comments["_job_duration"] == ":float32:computation duration in seconds"
    assert comments["_job_version"] == ":varchar(64):code version"
    assert Result.heading.names == ["id", "value"]
    Entry.insert1({"id": 1})
    Result.populate(display_progress=False)
    assert Result.fetch1() == {"id": 1, "value": 1}
    assert "_job" not in Result.describe()


def test_the_provenance_column_is_added_to_tables_that_exist(schema, lab, settings, connection):
    before = deploy.add_prov_column(schema)
    assert before["tables_analyzed"] == 2
    assert (before["tables_modified"], before["columns_added"]) == (0, 0)
    assert {d["status"] for d in before["details"]} == {"pending"}
    assert any("_prov" in statement for statement in before["ddl"])
    after = deploy.add_prov_column(schema, dry_run=False)
    assert (after["tables_modified"], after["columns_added"]) == (2, 2)
    again = deploy.add_prov_column(lab["Subject"], dry_run=False)
    assert again["details"] == [{"table": f"{schema.database}.subject", "status": "already_present"}]
    settings.provenance.capture = True
    declared = schema(type("Fresh", (dj.Manual,), {"__module__": __name__, "definition": "id : int32"}), context={})
    columns = {
        name: next(c for c in connection.catalog(schema.database).tables[name].columns if c.name == "_prov")
        for name in ("subject", declared.table_name)
    }
    assert len(set(columns.values())) == 1
    lab["Subject"].insert1({"subject_id": 1, "body_weight": 2.0})
    assert deploy.add_prov_column(lab["Rig"])["tables_analyzed"] == 0
    with pytest.raises(DataJointError, match="target must be a Schema or Table class/instance; got str"):
        deploy.add_prov_column("subject")
    with pytest.raises(DataJointError, match="Schema is not activated"):
        deploy.add_prov_column(dj.Schema(connection=connection))


def test_the_replica_identity(schema, lab, engine):
    with pytest.raises(DataJointError, match="mode must be 'default' or 'full'; got 'some'"):
        deploy.set_replica_identity(schema, mode="some")
    with pytest.raises(DataJointError, match="target must be a Schema or Table class/instance; got int"):
        deploy.set_replica_identity(3)
    if engine != "postgresql":
        with pytest.raises(DataJointError, match="set_replica_identity is PostgreSQL-only; "):
            deploy.set_replica_identity(schema)
        return
    planned = deploy.set_replica_identity(schema, mode="FULL")
    assert (planned["tables_analyzed"], planned["tables_modified"]) == (4, 0)
    done = deploy.set_replica_identity(lab["Rig"], dry_run=False)
    assert done["tables_modified"] == 1
    assert done["ddl"] == [f"ALTER TABLE {lab['Rig'].full_table_name} REPLICA IDENTITY FULL"]


# --- native types
NATIVE = (
    """
tinyint|smallint|mediumint|int|integer|bigint|tinyint unsigned|smallint unsigned|mediumint unsigned|int unsigned
bigint unsigned|int(11)|numeric(8,2)|numeric|decimal(5)|dec(5,2)|fixed(6,1)|decimal(5,2) unsigned|float|double|real
float unsigned|time|time(3)|timestamp|timestamp(6)|year|tinyblob|blob|mediumblob|longblob|text|tinytext|mediumtext|longtext
""".strip()
    .replace("\n", "|")
    .split("|")
)


def test_native_types_are_accepted_everywhere_with_a_note(schema, log):
    lines = [f"a{number}=null : {text}" for number, text in enumerate(NATIVE)]
    definition = "id : int32\n---\n" + "\n".join(lines)
    table = schema(type("Native", (dj.Manual,), {"__module__": __name__, "definition": definition}), context={})
    assert len(table.heading.names) == len(NATIVE) + 1
    for number, text in enumerate(NATIVE):
        assert f"Native type '{text}' is used in attribute 'a{number}'" in log.text
    table.insert1({"id": 1})
    assert set(table.fetch1().values()) == {1, None}
    log.clear()
    schema(table, context={})
    assert "Native type" not in log.text


def test_generated_numbers(schema):
    for number, text in enumerate(("int auto_increment", "serial")):
        definition = f"id : {text}\n---\nx : int32"
        cls = type(f"Numbered{number}", (dj.Manual,), {"__module__": __name__, "definition": definition})
        table = schema(cls, context={})
        table.insert([{"x": 5}, {"x": 6}])
        assert table.to_dicts() == [{"id": 1, "x": 5}, {"id": 2, "x": 6}]
        assert table.heading.has_autoincrement


# --- access through the class
LIBRARY = [
    "key_source",
    "describe",
    "alter",
    "heading",
    "populate",
    "progress",
    "primary_key",
    "proj",
    "aggr",
    "join",
    "extend",
    "to_dicts",
    "to_pandas",
    "to_polars",
    "to_arrow",
    "to_arrays",
    "keys",
    "fetch",
    "fetch1",
    "head",
    "tail",
    "descendants",
    "ancestors",
    "parts",
    "parents",
    "children",
    "insert",
    "insert1",
    "insert_dataframe",
    "update1",
    "validate",
    "drop",
    "drop_quick",
    "delete",
    "delete_quick",
    "staged_insert1",
    "restrict",
    "preview",
    "make_sql",
    "cursor",
    "restriction",
]


def test_what_an_instance_answers_its_class_answers_too(schema, lab):
    subject = lab["Subject"]
    subject.insert1({"subject_id": 1, "body_weight": 2.0})
    for name in LIBRARY:
        on_instance = getattr(subject(), name, None)
        if callable(on_instance) and hasattr(on_instance, "__self__"):
            assert getattr(subject, name).__self__.__class__ is subject, name
    assert subject.primary_key == ["subject_id"]
    assert subject.fetch1("body_weight") == 2.0
    assert subject.restrict({"subject_id": 1}).fetch1() == subject.fetch1()
    assert subject.preview() == subject().preview()
    assert subject.make_sql() == subject().make_sql()
    assert subject.connection is schema.connection
    assert subject.table_name == "subject"
    assert lab["Session"].Trial.master is lab["Session"]
    assert subject._support == [subject.full_table_name]
    assert len(subject) == 1
    assert bool(subject) is True

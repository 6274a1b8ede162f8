"""Definitions become tables, headings, lineage, and definitions again."""

from __future__ import annotations

import logging
import threading

import pytest

import datajoint as dj
from datajoint.errors import DataJointError, DefinitionError, MissingTableError
from tests.capabilities import differs


def declare(schema, name, definition, tier=dj.Manual, context=None, **members):
    cls = type(tier)(name, (tier,), {"__module__": __name__, "definition": definition, **members})
    return schema(cls, context={} if context is None else context)


@pytest.fixture
def subject(schema):
    return declare(
        schema,
        "Subject",
        """
        # a mouse, "quoted" 100% {safe}
        subject_id : int32       # the id
        ---
        species = "mouse" : varchar(20)   # it's a \\ name: with 50% {x}
        sex = null : enum('F','M','U:x')
        weight = 20.5 : float64
        born = "2020-01-02" : date
        """,
    )


# --- headings
def test_heading(schema, subject):
    heading = subject.heading
    assert heading.names == ["subject_id", "species", "sex", "weight", "born"]
    assert heading.primary_key == ["subject_id"]
    assert heading.secondary_attributes == ["species", "sex", "weight", "born"]
    assert heading.table_comment == 'a mouse, "quoted" 100% {safe}'
    assert heading["subject_id"].comment == "the id"
    assert heading["species"].comment == "it's a \\ name: with 50% {x}"
    assert [a.declared_type for a in heading.attributes.values()] == [
        "int32", "varchar(20)", "enum('F','M','U:x')", "float64", "date",
    ]  # fmt: skip
    assert [a.default for a in heading.attributes.values()] == [None, '"mouse"', "null", "20.5", '"2020-01-02"']
    assert [a.nullable for a in heading.attributes.values()] == [False, False, True, False, False]
    assert heading["sex"].value_type.labels == ("F", "M", "U:x")
    assert heading["subject_id"].lineage == f"{schema.database}.subject.subject_id"
    assert heading["species"].lineage is None


TYPES = [
    "int8", "int16", "int32", "int64", "float32", "float64", "bool", "uuid", "json", "bytes", "date", "datetime",
    "datetime(3)", "char(4)", "varchar(255)", "enum('a','b,c','it''s')", "decimal(8,2)", "decimal(20,0)", "<blob>",
    "INT16", "VARCHAR(5)", "enum ('a', 'b')",
]  # fmt: skip


def test_every_core_type_is_read_back_as_declared(schema):
    lines = [f"a{i} = null : {text}" for i, text in enumerate(TYPES)]
    table = declare(schema, "Everything", "id : int32\n---\n" + "\n".join(lines))
    read = [a.declared_type for a in table.heading.attributes.values()]
    assert read[1:] == TYPES
    kinds = {a.name: a.value_type.kind for a in table.heading.attributes.values()}
    assert [kinds[f"a{i}"] for i in range(7)] == ["int", "int", "int", "int", "float32", "float64", "bool"]
    assert table.heading["a18"].codec.name == "blob"
    assert not any(a.unsupported for a in table.heading.attributes.values())


@pytest.mark.parametrize("definition", ["", "---\na : int32\nb = 5 : int16"])
def test_a_table_without_a_key_hides_one(schema, definition):
    table = declare(schema, "Only", definition)
    assert table.primary_key == []
    assert "_singleton" not in table.heading
    assert table.heading._attributes["_singleton"].in_key
    table.insert1({"a": 1} if definition else {})
    with pytest.raises(dj.errors.DuplicateError):
        table.insert1({"a": 2} if definition else {})
    assert len(table()) == 1


# --- foreign keys and lineage
def test_foreign_keys_inherit_types_and_lineage(schema, subject):
    context = {"Subject": subject}
    session = declare(
        schema,
        "Session",
        "-> Subject\nsession : int16\n---\n-> [nullable] Subject.proj(other='subject_id')",
        context=context,
    )
    trial = declare(schema, "Trial", "-> Session\ntrial : int16", context={"Session": session})
    assert trial.primary_key == ["subject_id", "session", "trial"]
    attribute = trial.heading["subject_id"]
    assert (attribute.declared_type, attribute.comment) == ("int32", "the id")
    assert attribute.lineage == f"{schema.database}.subject.subject_id"
    assert session.heading["other"].lineage == f"{schema.database}.subject.subject_id"
    assert session.heading["other"].nullable
    assert trial.heading["session"].lineage == f"{schema.database}.session.session"
    assert schema.lineage[f"{schema.database}.trial.trial"] == f"{schema.database}.trial.trial"
    assert [p.table_name for p in trial.parents(as_objects=True)] == ["session"]
    assert subject.children() == [session.full_table_name] * 2
    assert trial.ancestors() == [trial.full_table_name, session.full_table_name, subject.full_table_name]
    assert subject.descendants()[0] == subject.full_table_name


def test_foreign_keys_cross_schemas(new_schema):
    first, second = new_schema("a"), new_schema("b")
    rig = declare(first, "Rig", "rig : varchar(8)\nkind : enum('x','y')", tier=dj.Lookup)
    use = declare(second, "Use", "-> Rig\nn : int8", context={"Rig": rig})
    rig.insert1({"rig": "r1", "kind": "y"})
    use.insert1({"rig": "r1", "kind": "y", "n": 1})
    with pytest.raises(dj.errors.IntegrityError):
        use.insert1({"rig": "r2", "kind": "y", "n": 1})
    assert use.heading["kind"].declared_type == "enum('x','y')"
    assert use.heading["rig"].lineage == f"{first.database}.#rig.rig"


def test_every_inherited_type_can_be_a_key(schema):
    types = [
        "int8",
        "int64",
        "bool",
        "uuid",
        "date",
        "datetime(3)",
        "char(4)",
        "varchar(9)",
        "enum('a','b')",
        "decimal(8,2)",
    ]
    parent = declare(schema, "Wide", "\n".join(f"k{i} : {text}" for i, text in enumerate(types)))
    child = declare(schema, "Narrow", "-> Wide", context={"Wide": parent})
    assert [a.declared_type for a in child.heading.attributes.values()] == types


def test_a_table_refers_to_itself(schema):
    node = declare(schema, "Node", "id : int32\n---\n-> [nullable] self.proj(parent='id')")
    node.insert([{"id": 1}])
    node.insert([{"id": 2, "parent": 1}])
    with pytest.raises(dj.errors.IntegrityError):
        node.insert1({"id": 3, "parent": 9})
    assert node.heading["parent"].lineage == node.heading["id"].lineage
    assert '-> [nullable] self.proj(parent="id")' in node.describe()


def test_rebuild_lineage(schema, subject, connection):
    declare(schema, "Session", "-> Subject.proj(who='subject_id')\nn : int16", context={"Subject": subject})
    before = schema.lineage
    dj.FreeTable(connection, f"{schema.database}.~lineage").delete_quick()
    connection.forget_catalog()
    assert schema.lineage == {}
    schema.rebuild_lineage()
    assert schema.lineage == before
    assert before[f"{schema.database}.session.who"] == f"{schema.database}.subject.subject_id"


def test_decorating_again_heals_lost_lineage(schema, subject, connection):
    before = schema.lineage
    dj.FreeTable(connection, f"{schema.database}.~lineage").delete_quick()
    connection.forget_catalog()
    schema(subject)
    assert schema.lineage == before


# --- describing
def roundtrip(schema, table, context, connection):
    described = table.describe(context)
    again = declare(schema, "Again", described, context=context)
    assert again.describe(context) == described
    original, copy = (connection.catalog(schema.database).tables[t.table_name] for t in (table(), again()))
    assert [(c.name, c.type, c.nullable, c.default, c.comment) for c in copy.columns] == [
        (c.name, c.type, c.nullable, c.default, c.comment) for c in original.columns
    ]
    assert {(k.columns, k.parent_columns) for k in copy.foreign_keys} == {
        (k.columns, k.parent_columns) for k in original.foreign_keys
    }
    assert {(i.columns, i.unique) for i in copy.indexes} == {(i.columns, i.unique) for i in original.indexes}
    return described


def test_describe_round_trips(schema, subject, connection):
    declared = roundtrip(schema, subject, {}, connection)
    assert declared.splitlines()[0] == '# a mouse, "quoted" 100% {safe}'
    assert "---" in declared


def test_describe_tells_foreign_keys_and_indexes(schema, subject, connection):
    context = {"Subject": subject}
    table = declare(
        schema,
        "Pair",
        """
        -> Subject.proj(first='subject_id')
        n : int16
        ---
        -> [nullable, unique] Subject.proj(second='subject_id')
        -> [nullable] Subject
        when = CURRENT_TIMESTAMP : datetime
        note = 'say "hi"' : varchar(20)
        flag = 1 : bool
        x = 1.50 : decimal(6,2)
        unique index (n, note)
        index (note)
        """.replace("when", "at"),
        context=context,
    )
    text = roundtrip(schema, table, context, connection)
    assert '-> Subject.proj(first="subject_id")' in text
    assert '-> [nullable, unique] Subject.proj(second="subject_id")' in text
    assert "-> [nullable] Subject\n" in text
    assert "UNIQUE INDEX (n, note)" in text
    assert "\nINDEX (note)" in text
    assert "CURRENT_TIMESTAMP" in text


def test_describe_falls_back_on_quoted_names(schema, subject, connection):
    session = declare(schema, "Session", "-> Subject\nn : int16", context={"Subject": subject})
    text = roundtrip(schema, session, {}, connection)
    assert f"-> {subject.full_table_name}" in text


def test_describe_finds_classes_in_modules_and_as_parts(schema):
    import types

    class Scan(dj.Manual):
        definition = "scan : int32"

        class Frame(dj.Part):
            definition = "-> master\nframe : int32"

    schema(Scan, context={})
    use = declare(schema, "Use", "-> m.Scan.Frame", context={"m": types.SimpleNamespace(Scan=Scan)})
    module = types.ModuleType("pipeline")
    module.Scan = Scan
    assert use.describe({"lib": module}) == "-> lib.Scan.Frame\n"
    assert use.describe() == "-> Scan.Frame\n"


# --- refusals
def test_a_mistake_leaves_nothing_behind(schema, connection):
    with pytest.raises(DefinitionError) as caught:
        declare(schema, "Wrong", "id : int32\n---\nv : varchr(5)")
    assert f"In the definition of {schema.database}.wrong, line 3:" in str(caught.value)
    assert "wrong" not in connection.catalog(schema.database).tables


def test_the_database_refuses_and_nothing_is_left(schema, connection):
    with pytest.raises(DataJointError):
        declare(schema, "Wrong", "id : int32\n---\na : int32\nindex ((nonsense(a, )))")
    connection.forget_catalog()
    assert "wrong" not in connection.catalog(schema.database).tables
    assert not any(".wrong." in name for name in schema.lineage)


def test_no_declaration_inside_a_transaction(schema, connection):
    with connection.transaction, pytest.raises(DataJointError, match="inside a transaction"):
        declare(schema, "Late", "id : int32")


@pytest.mark.parametrize(("name", "message"), [("x" * 3, "CamelCase"), ("X" + "y" * 70, "exceeds the max length")])
def test_bad_class_names(schema, name, message):
    with pytest.raises(DataJointError, match=message):
        declare(schema, name, "id : int32")


def test_underscores_in_class_names_are_warned_about(schema):
    with pytest.warns(UserWarning, match="contains underscores"):
        table = declare(schema, "My_Table", "id : int32")
    assert table.table_name == "my_table"


def test_a_missing_definition(schema):
    with pytest.raises(NotImplementedError, match="Bare"):
        schema(type("Bare", (dj.Manual,), {"__module__": __name__}), context={})


def test_a_part_must_refer_to_its_master(schema):
    class Master(dj.Manual):
        definition = "id : int32"

        class Stray(dj.Part):
            definition = "n : int32"

    with pytest.raises(DataJointError, match="does not refer to its master"):
        schema(Master, context={})


def test_new_key_attributes_of_computed_tables_are_warned_about(schema, subject, caplog):
    logging.getLogger("datajoint").addHandler(caplog.handler)
    try:
        declare(schema, "Analysis", "-> Subject\nmethod : int8", tier=dj.Computed, context={"Subject": subject})
    finally:
        logging.getLogger("datajoint").removeHandler(caplog.handler)
    assert "non-FK primary key attribute(s): method" in caplog.text


# --- others at the same time
def test_two_processes_declare_the_same_tables(schema_name, new_connection):
    connections = [new_connection() for _ in range(4)]
    schemas, failures, barrier = {}, [], threading.Barrier(4)

    def work(number):
        try:
            barrier.wait(10)
            schemas[number] = schema = dj.Schema(schema_name, connection=connections[number])
            context = {}
            for name, definition in [
                ("A", "a : int32\nk : enum('x','y')"), ("B", "-> A\nb : int8\n---\nv = null : <blob>\nindex (b)"), ("C", "-> B"),
            ]:  # fmt: skip
                context[name] = declare(schema, name, definition, context=context)
        except DataJointError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for connection in connections:
        connection.close()
    assert not failures, failures
    connections[0].connect()
    schema = dj.Schema(schema_name, connection=connections[0])
    assert schema.list_tables() == ["a", "b", "c"]
    assert schema.lineage[f"{schema_name}.c.a"] == f"{schema_name}.a.a"


def test_binding_existing_tables_asks_only_for_the_catalogue(schema, subject, new_connection):
    declare(schema, "Session", "-> Subject\nn : int16", context={"Subject": subject})
    other = new_connection()
    with other.query_log() as opening:
        again = dj.Schema(schema.database, connection=other)
    with other.query_log() as binding:
        context = {}
        context["Subject"] = declare(again, "Subject", "subject_id : int32", context=context)
        session = declare(again, "Session", "-> Subject\nn : int16", context=context)
        assert session.heading.names == ["subject_id", "n"]
    assert opening
    # but for the light query that asks, once a second, whether anything changed
    assert [record.text for record in binding if "version" not in record.text] == []


def test_a_missing_table_is_told_on_use(schema, new_connection):
    other = dj.Schema(schema.database, connection=new_connection(), create_tables=False)
    late = declare(other, "Late", "id : int32")
    assert not late.is_declared
    with pytest.raises(MissingTableError, match="is not defined"):
        late.to_dicts()


# --- characters that a catalogue may lack
WIDE = {
    "table comment": "# mouse 🐭\na : int32",
    "comment": "a : int32  # mouse 🐭",
    "label": "a : int32\n---\nx = null : enum('🐭','b')",
    "default": "a : int32\n---\nx = '🐭' : varchar(9)",
}


@differs("comments, labels and defaults may have any character")
@pytest.mark.parametrize("place", WIDE)
def test_any_character_is_kept(schema, place):
    table = schema(type("Wide", (dj.Manual,), {"definition": WIDE[place]}), context={})
    table.insert1({"a": 1})
    assert "🐭" in table.describe()
    assert schema.drift() == ()


@pytest.mark.parametrize("place", WIDE)
def test_no_character_becomes_a_question_mark(schema, place):
    """What the server cannot keep is refused before anything is sent, at declaration and in `alter`."""
    narrow = schema(type("Narrow", (dj.Manual,), {"definition": WIDE[place].replace("🐭", "é日")}), context={})
    assert "é日" in narrow.describe()
    narrow.definition = WIDE[place]
    if schema.connection.dialect.name in {"mysql", "mariadb"}:
        with pytest.raises(
            dj.errors.DefinitionError, match=r"'🐭' \(U\+1F42D\), which the catalogue of this server cannot"
        ):
            narrow.alter(prompt=False)
        with pytest.raises(dj.errors.DefinitionError, match="Write it with other characters"):
            schema(type("Wide", (dj.Manual,), {"definition": WIDE[place]}), context={})
        assert "wide" not in schema.connection.catalog(schema.database).tables
    else:
        narrow.alter(prompt=False)
        assert "🐭" in narrow.describe()


def test_a_label_fits_the_character_set_of_its_column(connection, new_schema_name):
    """In an old schema labels and defaults that its character set lacks are refused; they would be question marks."""
    if connection.dialect.name not in {"mysql", "mariadb"}:
        pytest.skip("text is Unicode there")
    name = new_schema_name("latin")
    connection.query(f"CREATE DATABASE `{name}` CHARACTER SET latin1")
    schema = dj.Schema(name, connection=connection)
    for text in ("x = null : enum('日','b')", "x = '日' : varchar(9)"):
        with pytest.raises(dj.errors.DefinitionError, match="column in the character set latin1 cannot hold"):
            schema(type("Wide", (dj.Manual,), {"definition": f"a : int32\n---\n{text}"}), context={})
    kept = schema(
        type("Kept", (dj.Manual,), {"definition": "a : int32 # 日\n---\nx = 'é' : enum('é€','é')"}), context={}
    )
    kept.insert([{"a": 1, "x": None}, {"a": 2, "x": "é€"}])
    assert kept.to_arrays("x", order_by="KEY").tolist() == ["é", "é€"]


# --- what whole schemas are asked about tables whose rows refer to each other
def test_a_table_that_refers_to_itself_is_in_no_circle(schema):
    node = declare(schema, "Node", "id : int32\n---\n-> [nullable] self.proj(parent='id')")
    leaf = declare(schema, "Leaf", "-> Node\nn : int8", context={"Node": node})
    node.insert([{"id": 1, "parent": None}, {"id": 2, "parent": 1}])
    leaf.insert1({"id": 2, "n": 1})
    assert schema.list_tables() == ["node", "leaf"]
    classes = {}
    schema.make_classes(classes)
    assert set(classes) == {"Node", "Leaf"}
    full = node.full_table_name
    assert (node.descendants(), node.ancestors()) == ([full, leaf.full_table_name], [full])
    assert (node.parents(), sorted(node.children())) == ([full], sorted([full, leaf.full_table_name]))
    assert leaf.ancestors() == [leaf.full_table_name, full]
    assert leaf.near(node & "parent = 1").to_dicts() == [{"id": 2, "n": 1}]
    assert full in dj.Diagram(schema).nodes()
    assert "self.proj(parent=" in schema.save()
    assert (node & {"id": 1}).delete(prompt=False) == 2
    assert len(leaf()) == 0
    node.drop(prompt=False)
    assert schema.list_tables() == []


def test_tables_that_refer_to_each_other_are_a_circle(schema):
    one = declare(schema, "One", "a : int32")
    two = declare(schema, "Two", "b : int32\n---\n-> One", context={"One": one})
    one.definition = "a : int32\n---\n-> [nullable] Two"
    one.alter(prompt=False, context={"Two": two})
    with pytest.raises(DataJointError, match="acyclic"):
        schema.list_tables()


# --- defaults and types that engines spell in their own ways
def test_the_default_of_json_is_a_document(schema, connection):
    if connection.dialect.name == "mysql":
        pytest.skip("it takes no default for JSON, and says so")
    text = """a : int32\n---\nb = '{"x": [1, "it''s"]}' : json\nc = '5' : json\nd = null : json"""
    table = declare(schema, "Document", text)
    table.insert1({"a": 1})
    assert table.fetch1() == {"a": 1, "b": {"x": [1, "it's"]}, "c": 5, "d": None}
    again = declare(schema, "Again", table.describe())
    assert again.describe() == table.describe()
    assert schema.drift() == ()
    with pytest.raises(DefinitionError, match="it is no JSON text"):
        declare(schema, "Wrong", "a : int32\n---\nb = 'x y' : json")


def test_serial_is_described_so_that_it_can_be_declared(schema):
    table = declare(schema, "Counted", "n : serial\n---\nx = 0 : int8")
    again = declare(schema, "Again", table.describe())
    again.insert1({})
    assert again.fetch1() == {"n": 1, "x": 0}


def test_an_index_that_the_engine_lacks_is_refused_before_anything(schema, connection):
    if connection.dialect.name != "mariadb":
        pytest.skip("it has indexes over expressions")
    for line in ("index ((lower(b)))", "index (j.x:unsigned)"):
        with pytest.raises(DefinitionError, match="MariaDB indexes columns only"):
            declare(schema, "Indexed", f"a : int32\n---\nb : varchar(9)\nj = null : json\n{line}")
    assert "indexed" not in connection.catalog(schema.database).tables


def test_two_tables_with_one_queue_are_told_apart(schema, caplog):
    source = declare(schema, "Source", "a : int32")
    names = {"__module__": __name__, "definition": "-> Source"}
    schema(type("Mean", (dj.Imported,), dict(names)), context={"Source": source})
    with caplog.at_level(logging.WARNING, "datajoint"):
        schema(type("Mean", (dj.Computed,), dict(names)), context={"Source": source})
    assert f"{schema.database}.__mean shares its queue of jobs with {schema.database}._mean" in caplog.text
    assert "`renamed_from = '_mean'`" in caplog.text

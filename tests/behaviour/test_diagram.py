"""Diagrams and the graph of foreign keys on every engine."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

import datajoint as dj
from datajoint.errors import DataJointError, MissingTableError


@pytest.fixture
def lab(schema):
    class Species(dj.Lookup):
        definition = """
        species : varchar(20)
        """

    class Subject(dj.Manual):
        definition = """
        subject_id : int
        ---
        -> [nullable] Species
        birth_date=null : date  # of "birth" <b>&
        """

    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int
        """

        class Note(dj.Part):
            definition = """
            -> master
            note_id : int
            """

    class Scan(dj.Imported):
        definition = """
        -> Session
        """

    class Pair(dj.Manual):
        definition = """
        -> Subject.proj(first='subject_id')
        -> Subject.proj(second='subject_id')
        """

    classes = {cls.__name__: cls for cls in (Species, Subject, Session, Scan, Pair)}
    for cls in classes.values():
        schema(cls, context=classes)
    return classes


@pytest.fixture
def downstream(new_schema, lab):
    schema = new_schema("down")

    class Trace(dj.Computed):
        definition = """
        -> Scan
        ---
        -> Pair
        """

    schema(Trace, context=lab)
    return Trace


def test_the_graph_has_the_foreign_keys_as_declared(connection, lab):
    connection.dependencies.load()
    graph = connection.dependencies
    names = {cls: lab[cls].full_table_name for cls in lab}
    assert graph.nodes[names["Session"]]["primary_key"] == {"subject_id", "session"}
    edges = dict(graph[names["Subject"]][names["Pair"]])
    assert edges == {
        (child,): {"attr_map": {child: "subject_id"}, "primary": True, "aliased": True, "multi": True}
        for child in ("first", "second")
    }
    scan = graph[names["Session"]][names["Scan"]]["subject_id", "session"]
    assert scan == {
        "attr_map": {"subject_id": "subject_id", "session": "session"},
        "primary": True,
        "aliased": False,
        "multi": False,
    }
    assert not [node for node in graph.nodes if "~" in node]


def test_the_graph_follows_declarations_and_drops(connection, schema, lab):
    assert len(connection.dependencies.topo_sort()) == 6

    class Later(dj.Manual):
        definition = "-> Scan"

    schema(Later, context=lab)
    assert connection.dependencies.descendants(lab["Scan"].full_table_name)[-1] == Later.full_table_name
    Later.drop()
    assert len(connection.dependencies.topo_sort()) == 6


def test_other_schemas_are_found_upstream_and_downstream(connection, new_connection, lab, downstream):
    trace = downstream.full_table_name
    other = new_connection()
    subject = dj.FreeTable(other, f"{lab['Subject'].database}.subject")
    assert subject.full_table_name not in other.dependencies.topo_sort()
    other.dependencies.cover([subject.database])
    assert other.dependencies.nodes[trace] == {}  # its neighbor, not loaded
    other.dependencies.load_all_downstream()
    assert other.dependencies.nodes[trace]["primary_key"] == {"subject_id", "session"}
    another = new_connection()
    another.dependencies.cover([downstream.database])
    another.dependencies.load_all_upstream()
    assert lab["Species"].full_table_name in another.dependencies.topo_sort()


def test_a_diagram_draws_the_schema(schema, lab):
    diagram = dj.Diagram(schema, context=lab)
    assert diagram.nodes_to_show == {cls.full_table_name for cls in (*lab.values(), lab["Session"].Note)}
    svg = diagram.svg_string()
    root = ET.fromstring(svg)
    labels = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Species", "Subject", "Session", "Note", "Scan", "Pair"} <= labels
    assert f'id="dj-node-{schema.database}-_scan"' in svg
    assert "Session --> Session_Note" in diagram.make_mermaid()
    assert "▭ Pair" in repr(diagram)


def test_the_algebra_on_tables(lab, downstream):
    Session, Trace = lab["Session"], downstream
    assert (dj.Diagram(Session) + 2).nodes_to_show == {
        cls.full_table_name for cls in (Session, Session.Note, lab["Scan"], Trace)
    }
    assert (dj.Diagram(Trace) - 1).nodes_to_show == {cls.full_table_name for cls in (Trace, lab["Scan"], lab["Pair"])}
    assert dj.Diagram(Session & {"session": 1}).nodes_to_show == {Session.full_table_name}


def test_iteration_yields_tables_that_can_be_asked(schema, lab):
    lab["Species"].insert1({"species": "mouse"})
    tables = list(dj.Diagram(schema, context={}))
    assert len(tables) == 6
    species = next(table for table in tables if table.full_table_name == lab["Species"].full_table_name)
    assert species.fetch1() == {"species": "mouse"}


def test_drawing_asks_the_database_nothing(connection, schema, lab):
    diagram = dj.Diagram(schema, context=lab)
    with connection.query_log() as queries:
        diagram.svg_string()
        diagram.make_mermaid()
        repr(diagram)
        dj.Diagram(schema, context=lab) + 1
    assert queries == []


def test_faults_are_named_without_a_query(connection, lab):
    joined = lab["Subject"] * lab["Species"]
    with (
        connection.query_log() as queries,
        pytest.raises(DataJointError, match="Cannot plot Diagram for a QueryExpression"),
    ):
        dj.Diagram(joined)
    assert queries == []
    with pytest.raises(MissingTableError, match="not in the database"):
        dj.Diagram(dj.FreeTable(connection, f"{lab['Subject'].database}.nothing"))


def test_the_settings_of_the_connection_decide(connection, schema, lab, settings):
    diagram = dj.Diagram(schema, context=lab)
    assert "rankdir=LR" in diagram.make_dot().source
    assert "prefers-color-scheme" in diagram.svg_string()
    settings.display.diagram_direction, settings.display.diagram_theme = "TB", "dark"
    assert "rankdir=TB" in diagram.make_dot().source
    assert "prefers-color-scheme" not in diagram.svg_string()
    assert "#161a21" in diagram.svg_string().lower()


def test_what_is_known_of_tables_is_told(schema, connection):
    @schema
    class A(dj.Lookup):
        definition = "a : int32"
        contents = [{"a": a} for a in range(5)]

    class K(dj.Computed):
        definition = """
        -> A
        ---
        w : int32
        """

        def make(self, key):
            self.insert1({**key, "w": 1})

    class Jobs(dj.Manual):
        definition = """
        a : int32
        ---
        status : enum('pending','reserved','success','error','ignore')
        """
        _table_name = "~~k"

    classes = {"A": A, "K": K}
    schema(K, context=classes)
    schema(Jobs)
    K.populate(max_calls=2)
    states = ["pending", "reserved", "error", "error"]
    Jobs.insert({"a": number, "status": state} for number, state in enumerate(states))
    K.definition = K.definition.replace("int32", "float64")
    diagram = dj.Diagram(schema, context=classes).overlay()
    assert diagram.statuses[A.full_table_name].as_dict() == {"rows": 5, "drift": ""}
    known = diagram.statuses[K.full_table_name]
    assert (known.rows, known.done, known.total, known.running, known.errors) == (2, 2, 5, 1, 2)
    assert "float64" in known.drift
    assert known.alerts
    assert dj.Diagram(schema, context={}).overlay("rows").statuses[K.full_table_name].as_dict() == {"rows": 2}
    cascade = dj.Diagram.cascade(A & "a=1", context=classes).overlay("rows")
    assert {status.rows for status in cascade.statuses.values()} == {1}
    assert "1 row" in cascade.svg_string()


def test_the_overlay_is_seen_in_one_snapshot(schema, lab, connection):
    diagram = dj.Diagram(schema, context=lab)
    with connection.transaction:
        lab["Species"].insert1({"species": "mouse"})
        assert diagram.overlay("rows").statuses[lab["Species"].full_table_name].rows == 1

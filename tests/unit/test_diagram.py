"""What a diagram shows: sources, algebra, names of classes."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

import networkx as nx
import pytest

from datajoint.diagram import Diagram
from datajoint.errors import DataJointError, MissingTableError
from tests.unit.pipelines import DIALECTS, EPHYS, FakeConnection


@pytest.fixture(params=DIALECTS.values(), ids=DIALECTS)
def connection(request):
    return FakeConnection(EPHYS, dialect=request.param)


@pytest.fixture
def tables(connection):
    return SimpleNamespace(**connection.classes())


def shown(diagram):
    """Return what is shown as ``schema.table``."""
    return {str(diagram._table_names[node]) for node in diagram.nodes_to_show}


def labels(diagram):
    return {box.label for box in diagram._scene().boxes.values()}


# --- construction
def test_a_table_is_shown_alone(connection, tables):
    for source in (tables.Session, tables.Session()):
        diagram = Diagram(source)
        assert diagram.nodes_to_show == {tables.Session.full_table_name}
        assert len(diagram) == 11  # the whole graph is there


def test_a_schema_is_shown_with_all_its_tables(connection):
    assert shown(Diagram(connection.schema("lab"))) == {
        "lab.#species",
        "lab.#probe",
        "lab.subject",
        "lab.session",
        "lab.session__note",
    }


def test_a_module_stands_for_its_schema(connection):
    module = ModuleType("lab")
    module.schema = connection.schema("lab")
    assert Diagram(module).nodes_to_show == Diagram(module.schema).nodes_to_show


def test_a_diagram_is_copied(connection, tables):
    original = Diagram(tables.Session, context={"S": tables.Session})
    copy = Diagram(original)
    copy.nodes_to_show.clear()
    assert original.nodes_to_show
    assert copy.context == original.context
    assert original.copy().nodes_to_show == original.nodes_to_show


@pytest.mark.parametrize("source", [None, "lab", ["lab"], 3])
def test_what_has_no_connection_is_refused(source):
    with pytest.raises(DataJointError, match="Could not find database connection in"):
        Diagram(source)


def test_what_is_neither_table_nor_schema_is_refused(connection):
    with pytest.raises(DataJointError, match="Cannot plot Diagram for"):
        Diagram(SimpleNamespace(connection=connection))


def test_a_table_that_does_not_exist_is_named(connection, tables):
    tables.Session._table_name = "sesion"
    with pytest.raises(MissingTableError, match="sesion.*Did you mean"):
        Diagram(tables.Session)


def test_schemas_that_are_not_activated_are_loaded_when_asked_for():
    connection = FakeConnection(EPHYS, activated=["lab"])
    assert len(Diagram(connection.schema("lab"))) == 6  # with a neighbor
    assert "ephys.__sorting" in shown(Diagram(connection.schema("ephys")))


def test_making_diagrams_reads_the_catalogs_once(connection, tables):
    for _ in range(3):
        Diagram(tables.Session) + 1 - 1
    assert len(connection.loads) == 1


def test_a_sequence_is_united(connection, tables):
    diagram = Diagram.from_sequence([tables.Subject, connection.schema("ephys")])
    assert diagram.nodes_to_show == (Diagram(tables.Subject) + Diagram(connection.schema("ephys"))).nodes_to_show
    with pytest.raises(TypeError):
        Diagram.from_sequence([])


def test_networkx_may_copy_reverse_and_cut_out(connection):
    diagram = Diagram(connection.schema("lab"))
    assert str(diagram) == f"Diagram with 11 nodes and {diagram.number_of_edges()} edges"
    assert set(diagram.reverse().nodes) == set(diagram.nodes)
    assert len(diagram.subgraph(diagram.nodes_to_show)) == 5
    assert nx.is_directed_acyclic_graph(diagram)


def test_iteration_yields_the_tables_shown_parents_first(connection):
    diagram = Diagram(connection.schema("lab"))
    names = [table.full_table_name for table in diagram]
    assert names == [node for node in connection.dependencies.topo_sort() if node in diagram.nodes_to_show]
    assert [table.full_table_name for table in reversed(diagram)] == names[::-1]


# --- algebra
def test_a_number_added_shows_what_lies_downstream(tables):
    subject = Diagram(tables.Subject)
    assert shown(subject + 1) == {"lab.subject", "lab.session"}
    assert shown(subject + 2) == {"lab.subject", "lab.session", "lab.session__note", "ephys._recording"}
    assert shown(subject + 100) == shown(subject + 5)
    assert shown(subject) == {"lab.subject"}


def test_a_number_subtracted_shows_what_lies_upstream(tables):
    diagram = Diagram(tables.Recording, vars(tables)) - 1
    assert shown(diagram) == {"ephys._recording", "lab.session", "lab.#probe"}
    assert labels(diagram) == {"Recording", "Session", "Probe"}  # one by one, not collapsed


@pytest.mark.parametrize("number", [0, -1])
def test_no_steps_change_nothing(tables, number):
    assert shown(Diagram(tables.Session) + number) == shown(Diagram(tables.Session) - number) == {"lab.session"}


def test_the_order_of_steps_matters(tables):
    session = Diagram(tables.Session)
    assert "lab.#probe" in shown(session + 1 - 1)
    assert "lab.#probe" not in shown(session - 1 + 1)


def test_union_difference_intersection(connection, tables):
    lab, session = Diagram(connection.schema("lab")), Diagram(tables.Session) + 1
    assert shown(lab + session) == shown(lab) | shown(session)
    assert shown(lab - session) == shown(lab) - shown(session)
    assert shown(lab * session) == shown(lab) & shown(session)
    assert len(lab) == len(session) == 11


def test_tables_can_be_added_and_taken_away(tables):
    diagram = Diagram(tables.Session) + tables.Comparison - tables.Session
    assert shown(diagram) == {"ephys.__comparison"}
    assert shown(diagram + tables.Subject()) == {"ephys.__comparison", "lab.subject"}
    with pytest.raises(KeyError):
        diagram - tables.Session


@pytest.mark.parametrize("other", ["x", 1.5, None])
def test_other_operands_are_refused(connection, tables, other):
    diagram = Diagram(tables.Session)
    for operate in (lambda: diagram + other, lambda: diagram - other, lambda: diagram & diagram):
        with pytest.raises(TypeError):
            operate()
    with pytest.raises(AttributeError):
        diagram * other
    with pytest.raises(TypeError):
        diagram + connection.schema("lab")


def test_parts_are_added_one_by_one(tables):
    diagram = (Diagram(tables.Session, vars(tables)) + tables.Sorting).add_parts()
    assert shown(diagram) == {"lab.session", "lab.session__note", "ephys.__sorting", "ephys.__sorting__unit"}
    assert labels(diagram) == {"Session", "Note", "Sorting", "Unit"}


def test_collapsed_tables_are_one_box_for_each_schema(connection, tables):
    everything = Diagram.from_sequence([connection.schema("lab"), connection.schema("ephys")])
    scene = everything.collapse()._scene()
    assert [(box.label, box.count, box.schema) for box in scene.boxes.values()] == [
        ("(6 tables)", 6, "ephys"),
        ("(5 tables)", 5, "lab"),
    ]
    assert [(link.bundle, link.strong, link.renamed) for link in scene.links] == [(True, True, ())]
    assert everything._scene().boxes.keys() == (Diagram(everything))._scene().boxes.keys()


def test_expanded_wins_in_a_union(connection, tables):
    diagram = Diagram(connection.schema("lab"), vars(tables)).collapse() + Diagram(tables.Session)
    assert labels(diagram) == {"(4 tables)", "Session"}


def test_links_to_a_collapsed_box_are_merged(connection, tables):
    diagram = Diagram(connection.schema("lab")).collapse() + Diagram(tables.Recording)
    assert len(diagram._scene().links) == 1


def test_steps_lead_through_schemas_that_were_not_loaded():
    connection = FakeConnection(EPHYS, activated=["lab"])
    tables = SimpleNamespace(**connection.classes())
    diagram = Diagram(tables.Session, vars(tables)) + 2
    assert "ephys.__sorting" in shown(diagram)
    link = next(link for link in diagram._scene().links if link.child == "Recording")
    assert (link.primary, link.one_to_one) == (True, True)


def test_what_is_known_is_not_replaced_by_less():
    connection = FakeConnection(EPHYS, activated=["lab"])
    tables = SimpleNamespace(**connection.classes())
    before = Diagram(tables.Session, vars(tables))
    expanded = Diagram(tables.Session) + 1
    for diagram in (before + expanded, expanded + before):
        assert next(link for link in diagram._scene().links if link.child == "Recording").primary


# --- names
def test_classes_are_found_in_the_namespace_of_the_caller(connection, tables):
    Renamed = tables.Session
    diagram = Diagram(Renamed) + Diagram(Renamed.Note)
    assert set(diagram._scene().boxes) == {"Renamed", "Renamed.Note"}
    assert set(Diagram.from_sequence([Renamed, Renamed.Note])._scene().boxes) == {"Renamed", "Renamed.Note"}


def test_without_a_namespace_the_names_in_the_database_are_shown(connection):
    diagram = Diagram(connection.schema("lab"), context={})
    assert set(diagram._scene().boxes) == diagram.nodes_to_show
    assert labels(diagram) == {"#species", "#probe", "subject", "session", "note"}


def test_a_class_in_the_namespace_wins_over_one_in_a_module(connection):
    module = connection.module("lab", only={"lab"})
    diagram = Diagram(connection.schema("lab"), context={"lab": module, "Mine": module.Session})
    assert {"Mine", "Mine.Note", "lab.Subject"} <= set(diagram._scene().boxes)
    assert {"Mine", "Note", "Subject"} <= labels(diagram)  # the module's name stands in the frame already


def test_classes_of_another_connection_have_other_names(connection):
    other = FakeConnection(EPHYS, dialect=connection.dialect)
    diagram = Diagram(connection.schema("lab"), context=other.classes())
    assert set(diagram._scene().boxes) == diagram.nodes_to_show


def test_frames_are_labelled_by_module_or_schema(connection):
    both = [connection.schema("lab"), connection.schema("ephys")]

    def frames(context):
        return [cluster.label for cluster in Diagram.from_sequence(both, context)._scene().clusters]

    modules = {"a": connection.module("my.lab_module", only={"lab"}), "b": connection.module("ephys_x", only={"ephys"})}
    assert frames(modules) == ["ephys_x", "lab_module"]
    assert frames(connection.classes("shared")) == ["shared (ephys)", "shared (lab)"]
    assert frames(connection.classes("__main__")) == frames({}) == ["ephys", "lab"]


def test_tiers_dimensions_and_groups_are_told(connection):
    boxes = (
        Diagram.from_sequence([connection.schema("lab"), connection.schema("ephys")], connection.classes())
        ._scene()
        .boxes
    )
    tiers = {name: box.tier for name, box in boxes.items()}
    assert tiers["Subject"] == "manual"
    assert tiers["Species"] == "lookup"
    assert tiers["Recording"] == "imported"
    assert tiers["Sorting"] == "computed"
    assert tiers["Sorting.Unit"] == "part"
    assert {name for name, box in boxes.items() if not box.new_dimension} == {"Recording", "Sorting", "Comparison"}
    assert boxes["Sorting.Unit"].master == "Sorting"
    assert boxes["Sorting.Unit"].beside_master


def test_a_part_below_its_sibling_stands_in_the_next_rank():
    connection = FakeConnection(
        "a.m: m\na.m__x: > a.m, x\na.m__y: > a.m__x, y\na.t: > a.m__x\na.m__z: > a.m, > a.t(w=x)"
    )
    boxes = Diagram(connection.schema("a"), connection.classes())._scene().boxes
    assert boxes["M.X"].beside_master
    assert not boxes["M.Y"].beside_master
    assert not boxes["M.Z"].beside_master


def test_definitions_are_told_without_types(connection):
    boxes = (
        Diagram.from_sequence([connection.schema("lab"), connection.schema("ephys")], connection.classes())
        ._scene()
        .boxes
    )
    assert boxes["Subject"].definition == ("subject_id", "-" * 30, "→ Species", "birth_date")
    assert boxes["Comparison"].definition[:2] == ("→ Sorting", "→ Sorting.proj(other='params_id')")
    alone = Diagram(connection.schema("ephys"), {})._scene().boxes[connection.name("ephys._recording")]
    assert alone.definition == ("→ lab.session", "-" * 30, "→ lab.#probe", "duration")


def test_a_collapsed_box_never_takes_the_name_of_a_table(connection, tables):
    named_like_its_module = Diagram(tables.Session, context={"my_pipeline": tables.Session})
    diagram = Diagram(connection.schema("lab"), {}).collapse() + named_like_its_module
    assert set(diagram._scene().boxes) == {"my_pipeline", "my_pipeline (collapsed)"}

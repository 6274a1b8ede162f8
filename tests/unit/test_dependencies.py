"""The graph of foreign keys, read from catalogs."""

from __future__ import annotations

import threading

import networkx as nx
import pytest

from datajoint.errors import DataJointError
from datajoint.graph.dependencies import Dependencies, extract_master, topo_sort
from tests.unit.pipelines import DIALECTS, EPHYS, FakeConnection

LAB = """
    lab.#species: species
    lab.subject: subject_id | > lab.#species
    lab.session: > lab.subject, session
    lab.session__note: > lab.session, note
    lab.~log: id | > lab.subject
    other.copy: > lab.session
    other.twin: > lab.subject(first=subject_id), > lab.subject(second=subject_id)
    far.end: > other.copy, end
"""


@pytest.fixture
def lab():
    return FakeConnection(LAB)


@pytest.mark.parametrize(
    ("name", "master"),
    [
        ("`lab`.`session__note`", "`lab`.`session`"),
        ('"lab"."#params__value"', '"lab"."#params"'),
        ("`lab.session__note`", "`lab.session`"),
        ("`my-lab`.`_scan__frame`", "`my-lab`.`_scan`"),
        ("`lab`.`__comp__part`", "`lab`.`__comp`"),
        ("session__note", "session"),
        ("`lab`.`a__b__c`", "`lab`.`a__b`"),
        ("`lab`.`__comp`", None),
        ("`lab`.`_scan`", None),
        ("`my__lab`.`session`", None),
        ("`my__lab.session`", None),
        ("`lab`.`~~session__note`", None),
    ],
)
def test_the_master_of_a_part_is_told_by_its_name(name, master):
    assert extract_master(name) == master


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_nodes_are_full_names_as_the_engine_quotes_them(dialect):
    connection = FakeConnection(LAB, dialect=dialect)
    graph = connection.dependencies
    graph.load()
    assert connection.name("lab.session") in graph
    assert str(graph.table_names[connection.name("lab.#species")]) == "lab.#species"
    assert graph.nodes[connection.name("lab.session")]["primary_key"] == {"subject_id", "session"}


def test_tables_of_the_framework_are_left_out(lab):
    lab.dependencies.load()
    assert not [node for node in lab.dependencies if "~" in node]


def test_an_edge_describes_its_foreign_key(lab):
    graph = lab.dependencies
    graph.load()
    subject, session, note = lab.name("lab.subject"), lab.name("lab.session"), lab.name("lab.session__note")
    edge = {"attr_map": {"subject_id": "subject_id"}, "primary": True, "aliased": False, "multi": True}
    assert dict(graph[subject][session]) == {("subject_id",): edge}
    assert not graph[lab.name("lab.#species")][subject]["species",]["primary"]
    assert not graph[session][lab.name("other.copy")]["subject_id", "session"]["multi"]
    assert graph[session][note]["subject_id", "session"]["multi"]


def test_parallel_foreign_keys_are_parallel_edges(lab):
    twin = lab.name("other.twin")
    parents = lab.dependencies.parents(twin)
    assert [name for name, _ in parents] == [lab.name("lab.subject")] * 2
    assert [edge["attr_map"] for _, edge in parents] == [{"first": "subject_id"}, {"second": "subject_id"}]
    assert all(edge["aliased"] for _, edge in parents)


def test_parents_and_children_can_be_chosen_by_key(lab):
    graph, subject = lab.dependencies, lab.name("lab.subject")
    assert graph.parents(subject, primary=True) == []
    assert [name for name, _ in graph.parents(subject, primary=False)] == [lab.name("lab.#species")]
    assert {name for name, _ in graph.children(subject)} == {lab.name("lab.session"), lab.name("other.twin")}


def test_descendants_and_ancestors_begin_with_the_table_itself(lab):
    graph = lab.dependencies
    assert graph.descendants(lab.name("lab.session")) == [
        lab.name("lab.session"),
        lab.name("lab.session__note"),
        lab.name("other.copy"),
        lab.name("far.end"),
    ]
    above = graph.ancestors(lab.name("other.copy"))
    assert next(above) == lab.name("other.copy")
    assert list(above) == [lab.name(f"lab.{table}") for table in ("session", "subject", "#species")]


def test_an_unknown_table_is_named_with_the_nearest_one(lab):
    with pytest.raises(DataJointError, match=r"`lab`\.`sesion`.*Did you mean '`lab`\.`session`'"):
        lab.dependencies.parents("`lab`.`sesion`")


def test_a_neighbor_in_a_schema_that_is_not_loaded_is_a_bare_node():
    connection = FakeConnection(LAB, activated=["lab"])
    graph = connection.dependencies
    graph.load()
    copy = connection.name("other.copy")
    assert graph.nodes[copy] == {}
    assert str(graph.table_names[copy]) == "other.copy"
    edge = graph[connection.name("lab.session")][copy]["subject_id", "session"]
    assert (edge["primary"], edge["multi"]) == (False, True)
    assert connection.name("far.end") not in graph


def test_downstream_and_upstream_schemas_are_found_at_any_distance():
    connection = FakeConnection(LAB, activated=["lab"])
    connection.dependencies.load_all_downstream()
    assert connection.name("far.end") in connection.dependencies
    assert connection.dependencies.nodes[connection.name("other.copy")]["primary_key"] == {"subject_id", "session"}
    connection = FakeConnection(LAB, activated=["far"])
    connection.dependencies.load_all_upstream()
    assert connection.name("lab.#species") in connection.dependencies


def test_what_is_covered_is_not_read_again(lab):
    graph = lab.dependencies
    graph.load(force=False)
    graph.load(force=False)
    graph.load_all_downstream()
    graph.cover(["lab"])
    assert lab.loads == [["far", "lab", "other"]]


def test_schemas_loaded_beyond_the_activated_ones_survive_a_change_of_structure():
    connection = FakeConnection(LAB, activated=["lab"])
    connection.dependencies.load_all_downstream()
    connection.forget_catalog("lab")
    assert len(connection.dependencies) == 0
    assert connection.name("far.end") in connection.dependencies.topo_sort()
    connection.dependencies.load(schema_names=["lab"])
    assert connection.name("far.end") not in connection.dependencies


def test_without_schemas_the_graph_is_empty_and_loaded():
    graph = FakeConnection(LAB, activated=[]).dependencies
    graph.load()
    assert graph.topo_sort() == []


def test_a_cycle_is_refused_and_told():
    connection = FakeConnection("a.x: k\na.y: > a.x\n")
    x, y = connection.all_catalogs["a"].tables.values()
    key = y.foreign_keys[0]
    back = type(key)(x.name, key.columns, y.name, key.parent_columns)
    object.__setattr__(x, "foreign_keys", (back,))
    with pytest.raises(DataJointError, match=r"acyclic dependencies.*circle.*`a`\.`x`"):
        connection.dependencies.load()
    assert len(connection.dependencies) == 0


# --- order
def check_order(graph, order):
    position = {node: index for index, node in enumerate(order)}
    assert sorted(order) == sorted(graph.nodes)
    assert all(position[parent] < position[child] for parent, child in graph.edges())


def test_a_master_waits_for_what_its_parts_need():
    graph = nx.MultiDiGraph([("a", "m"), ("a", "z"), ("m", "m__part"), ("z", "m__part")])
    assert topo_sort(graph) == ["a", "z", "m", "m__part"]


def test_parts_follow_their_master_at_once():
    connection = FakeConnection(EPHYS)
    order = connection.dependencies.topo_sort()
    check_order(connection.dependencies, order)
    for part in filter(extract_master, order):
        before = order[order.index(part) - 1]
        assert extract_master(part) in (before, extract_master(before))


@pytest.mark.parametrize(
    "edges",
    [
        [("m", "m__a"), ("m__a", "t"), ("t", "m__b"), ("m", "m__b")],  # a part needs a table below its master
        [("m", "m__a"), ("n", "n__a"), ("m", "n__a"), ("n", "m__a")],  # two masters need each other's parts first
        [("m", "m__a"), ("m__a", "t"), ("t", "m__b"), ("m__b", "m__c"), ("m", "m__c")],
    ],
)
def test_foreign_keys_come_first_where_parts_cannot_follow_at_once(edges):
    graph = nx.DiGraph(edges)
    check_order(graph, topo_sort(graph))


def test_part_without_its_master_is_an_ordinary_node():
    assert topo_sort(nx.DiGraph([("a", "m__part")])) == ["a", "m__part"]


def test_networkx_can_copy_and_reverse_the_graph(lab):
    lab.dependencies.load()
    assert nx.is_directed_acyclic_graph(lab.dependencies.reverse())
    assert isinstance(lab.dependencies.copy(), Dependencies)
    with pytest.raises(DataJointError, match="has no connection"):
        lab.dependencies.copy().load()


def test_threads_may_ask_while_the_structure_changes(lab):
    failures = []

    def ask():
        for _ in range(50):
            try:
                assert len(lab.dependencies.descendants(lab.name("lab.subject"))) == 6
            except BaseException as error:  # noqa: BLE001 - reported below
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        lab.forget_catalog("lab")
    for thread in threads:
        thread.join()
    assert failures == []

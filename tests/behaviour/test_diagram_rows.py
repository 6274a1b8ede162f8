"""Diagrams of rows: cascade, trace, restrict."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

import datajoint as dj
from datajoint.diagram import Diagram
from datajoint.errors import DataJointError


def fill(table, rows):
    """Insert rows, their values in the order of the heading."""
    table.insert(dict(zip(table.heading.names, row, strict=True)) for row in rows)


@pytest.fixture
def lab(schema):
    @schema
    class S(dj.Lookup):
        definition = """
        s : int32
        ---
        g : int32
        """
        contents = [{"s": 0, "g": 0}, {"s": 1, "g": 1}]

    @schema
    class P(dj.Manual):
        definition = """
        p : int32
        ---
        -> S
        v=0 : int32
        """

    @schema
    class C(dj.Manual):
        definition = """
        -> P
        c : int32
        """

    @schema
    class L(dj.Manual):
        definition = """
        l : int32
        ---
        -> [nullable] P
        -> [nullable] P.proj(q='p')
        """

    @schema
    class D(dj.Manual):
        definition = """
        d : int32
        ---
        -> L
        -> C.proj(cp='p')
        """

    P.insert({"p": p, "s": p % 2, "v": p} for p in range(4))
    C.insert({"p": p, "c": c} for p in range(4) for c in range(2))
    fill(L, [(0, 0, 1), (1, 2, None), (2, None, 2), (3, None, None)])
    D.insert(
        [
            {"d": 0, "l": 1, "cp": 0, "c": 0},
            {"d": 1, "l": 3, "cp": 2, "c": 1},
            {"d": 2, "l": 0, "cp": 1, "c": 0},
            {"d": 3, "l": 2, "cp": 2, "c": 0},
        ]
    )
    return SimpleNamespace(S=S, P=P, C=C, L=L, D=D)


@pytest.fixture
def composite(schema):
    @schema
    class M(dj.Manual):
        definition = """
        m : int32
        """

        class A(dj.Part):
            definition = """
            -> master
            a : int32
            """

        class B(dj.Part):
            definition = """
            -> M.A.proj(sm='m', sa='a')
            b : int32
            """

    @schema
    class Child(dj.Manual):
        definition = """
        -> M
        """

    fill(M, [(1,), (2,), (3,)])
    fill(M.A, [(m, a) for m in (1, 2) for a in (1, 2)])
    fill(M.B, [(m, a, 1) for m in (1, 2) for a in (1, 2)])
    fill(Child, [(1,), (3,)])
    return SimpleNamespace(M=M, A=M.A, B=M.B, Child=Child)


def named(counts, **tables):
    """Return counts by the given names."""
    return {name: counts[table.full_table_name] for name, table in tables.items() if table.full_table_name in counts}


# --- cascade
def test_a_cascade_counts_what_a_delete_would_take(lab, caplog):
    with caplog.at_level(logging.INFO, logger="datajoint"):
        counts = Diagram.cascade(lab.P & "v=2").counts()
    assert named(counts, **vars(lab)) == {"P": 1, "C": 2, "L": 2, "D": 3}
    assert list(counts)[0] == lab.P.full_table_name
    assert f"{lab.C.full_table_name} (2 tuples)" in caplog.text
    plan = (lab.P & "v=2").delete_plan()
    assert plan.counts == counts
    assert len(lab.P()) == 4


def test_the_tables_of_a_cascade_can_be_deleted_leaves_first(lab):
    for table in reversed(Diagram.cascade(lab.P & "v=2")):
        assert isinstance(table, dj.FreeTable)
        table.delete_quick()
    assert (lab.P - "v=2").keys() == lab.P.keys()
    assert len(lab.C()) == 6
    assert set(lab.L.to_arrays("l")) == {0, 3}
    assert set(lab.D.to_arrays("d")) == {2}


@pytest.mark.parametrize("kind", ["by dependents", "by parents", "by order"])
def test_rows_chosen_by_others_stay_chosen_while_those_go(lab, kind):
    seed = {
        "by dependents": lambda: lab.P & (lab.L & "l=1"),
        "by parents": lambda: lab.P & (lab.S & "g=0") & "p=2",
        "by order": lambda: lab.P & "p<3" & dj.Top(1, "v DESC"),
    }[kind]()
    cascade = Diagram.cascade(seed)
    assert named(cascade.counts(), **vars(lab)) == {"P": 1, "C": 2, "L": 2, "D": 3}
    for table in reversed(cascade):
        table.delete_quick()
    assert set(lab.P.to_arrays("p")) == {0, 1, 3}


def test_no_rows_are_no_rows_downstream(lab):
    counts = Diagram.cascade(lab.P & "p>100" & dj.Top(2)).counts()
    assert set(counts.values()) == {0}
    assert len(counts) == 4


def test_a_class_stands_for_all_its_rows(lab):
    assert named(Diagram.cascade(lab.P).counts(), **vars(lab)) == {"P": 4, "C": 8, "L": 3, "D": 4}
    assert named(Diagram.trace(lab.C).counts(), **vars(lab)) == {"S": 2, "P": 4, "C": 8}


def test_masters_are_taken_along_on_request(composite):
    seed = composite.B & {"sm": 1, "sa": 1, "b": 1}
    counts = Diagram.cascade(seed, part_integrity="cascade").counts()
    assert named(counts, **vars(composite)) == {"M": 1, "A": 2, "B": 2, "Child": 1}
    assert named(Diagram.cascade(seed).counts(), **vars(composite)) == {"B": 1}
    assert Diagram.cascade(seed, part_integrity="ignore").nodes_to_show == {composite.B.full_table_name}


def test_parts_without_rows_lead_to_no_master(composite):
    cascade = Diagram.cascade(composite.A & [{"m": 1}, {"m": 3}], part_integrity="cascade")
    for table in reversed(cascade):
        table.delete_quick()
    assert set(composite.M.to_arrays("m")) == {2, 3}


def test_a_wrong_part_integrity_is_refused_before_anything(lab, connection):
    with connection.query_log() as queries, pytest.raises(ValueError, match="part_integrity must be 'enforce'"):
        Diagram.cascade(lab.P & "v=2", part_integrity="maybe")
    assert queries == []


def test_a_shared_column_is_followed_by_each_foreign_key_for_itself(schema):
    @schema
    class Subject(dj.Manual):
        definition = "subject : int32"

    @schema
    class Surgery(dj.Manual):
        definition = """
        -> Subject
        surgery : int32
        """

    @schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int32
        ---
        -> [nullable] Surgery
        """

    fill(Subject, [(1,)])
    fill(Surgery, [(1, 1)])
    fill(Session, [(1, 1, 1), (1, 2, None)])
    counts = Diagram.cascade(Surgery & "subject=1").counts()
    assert named(counts, Surgery=Surgery, Session=Session) == {"Surgery": 1, "Session": 1}


def test_a_cascade_goes_into_schemas_that_are_not_in_use(lab, new_schema, new_connection):
    other = new_schema("down")

    class Far(dj.Computed):
        definition = """
        -> C
        """

    other(Far, context=vars(lab))
    Far.insert1({"p": 2, "c": 0}, allow_direct_insert=True)
    connection = new_connection()
    seed = dj.FreeTable(connection, lab.P.full_table_name) & "p=2"
    assert Diagram.cascade(seed, context={}).counts()[Far.full_table_name] == 1
    traced = Diagram.trace(dj.FreeTable(connection, Far.full_table_name), context={})
    assert traced["P"].fetch1("p") == 2
    assert traced[f"{lab.P.database}.P"].fetch1("p") == 2


# --- trace
def test_a_trace_yields_the_rows_that_rows_come_from(lab):
    trace = Diagram.trace(lab.C & "p=1")
    for key in (lab.P, lab.P(), "P", lab.P.full_table_name, f"{lab.P.database}.p"):
        assert isinstance(trace[key], dj.FreeTable)
        assert trace[key].fetch1("p") == 1
    assert named(trace.counts(), **vars(lab)) == {"S": 1, "P": 1, "C": 2}
    assert [table.full_table_name for table in trace] == [t.full_table_name for t in (lab.S, lab.P, lab.C)]
    for key in (lab.L, "L", "nothing"):
        with pytest.raises(DataJointError, match="not in this trace's subgraph .not an ancestor of the seed."):
            trace[key]
    with pytest.raises(DataJointError, match="trace.* expects a Table class, Table instance, or string; got 3"):
        trace[3]


def test_a_trace_keeps_nothing(lab):
    trace = Diagram.trace(lab.C & "p=1")
    assert trace[lab.P].fetch1("v") == 1
    lab.P.update1({"p": 1, "v": 7})
    assert trace[lab.P].fetch1("v") == 7


def test_a_trace_has_only_rows_that_are_referred_to(lab):
    (lab.C & "p=3").delete_quick()
    assert len(Diagram.trace(lab.C & "p=3")[lab.P]) == 0


def test_paths_are_united(schema):
    @schema
    class Root(dj.Manual):
        definition = "root_id : int32"

    @schema
    class Left(dj.Manual):
        definition = """
        -> Root
        """

    @schema
    class Right(dj.Manual):
        definition = """
        -> Root.proj(other='root_id')
        """

    @schema
    class Leaf(dj.Manual):
        definition = """
        -> Left
        -> Right
        """

    fill(Root, [(1,), (2,), (3,)])
    fill(Left, [(1,), (3,)])
    fill(Right, [(2,), (3,)])
    fill(Leaf, [(1, 2), (3, 3)])
    trace = Diagram.trace(Leaf & "root_id=1")
    assert set(trace[Root].to_arrays("root_id")) == {1, 2}
    assert set(trace["Right"].to_arrays("other")) == {2}
    assert set(Diagram.trace(Leaf & {"other": 2})[Root].to_arrays("root_id")) == {1, 2}


def test_a_reference_with_a_hole_leads_nowhere(schema):
    @schema
    class Subject(dj.Manual):
        definition = "subject : int32"

    @schema
    class Surgery(dj.Manual):
        definition = """
        -> Subject
        surgery : int32
        """

    @schema
    class Session(dj.Manual):
        definition = """
        session : int32
        ---
        -> [nullable] Surgery
        """

    fill(Subject, [(1,), (2,)])
    fill(Surgery, [(1, 1), (2, 1)])
    fill(Session, [(1, 1, 1), (2, 2, None)])
    trace = Diagram.trace(Session)
    assert set(trace[Surgery].to_arrays("subject")) == {1}
    assert set(trace[Subject].to_arrays("subject")) == {1}
    assert Diagram.cascade(Subject & "subject=2").counts()[Session.full_table_name] == 0


def test_a_trace_does_not_go_down_to_parts(schema):
    @schema
    class Parent(dj.Manual):
        definition = "parent : int32"

    @schema
    class M(dj.Manual):
        definition = "m : int32"

        class P(dj.Part):
            definition = """
            -> master
            -> Parent
            """

    @schema
    class Child(dj.Manual):
        definition = "-> M"

    fill(Parent, [(1,)])
    fill(M, [(1,)])
    fill(M.P, [(1, 1)])
    fill(Child, [(1,)])
    trace = Diagram.trace(Child & {"m": 1})
    assert trace[M].fetch1("m") == 1
    for key in (M.P, Parent):
        with pytest.raises(DataJointError, match="not in this trace's subgraph"):
            trace[key]
    assert trace[M].full_table_name in Diagram(trace).nodes_to_show
    assert Diagram(trace)[M].fetch1("m") == 1  # a copy is a trace still


def test_names_that_fit_several_tables_are_ambiguous(schema):
    @schema
    class Subject(dj.Manual):
        definition = "subject : int32"

    @schema
    class HumanSubject(dj.Manual):
        definition = "-> Subject"

    @schema
    class ExtractThing(dj.Manual):
        definition = "-> HumanSubject"

    trace = Diagram.trace(ExtractThing)
    assert trace["Subject"].full_table_name == Subject.full_table_name
    assert trace["subject"].full_table_name == Subject.full_table_name
    assert trace["ExtractThing"].full_table_name == trace["extract_thing"].full_table_name
    assert trace["human_subject"].full_table_name == trace["man_subject"].full_table_name
    with pytest.raises(DataJointError, match="Ambiguous table reference 'ubject'"):
        trace["ubject"]


def test_what_is_no_table_cannot_be_followed(lab):
    for follow in (Diagram.trace, Diagram.cascade, Diagram(lab.P).restrict):
        with pytest.raises(DataJointError, match="needs rows of one table"):
            follow(lab.P * lab.C)
        with pytest.raises(DataJointError, match="needs a table, its class"):
            follow("P")


def test_a_misspelled_condition_is_no_cascade_of_everything(lab):
    with pytest.raises(DataJointError, match="no attribute is named `nothing`"):
        Diagram.cascade(lab.P & {"nothing": 1})


# --- restrict
def test_restrictions_of_a_diagram_meet(schema, lab):
    diagram = Diagram(schema).restrict(lab.S & "g=1")
    assert named(diagram.counts(), **vars(lab)) == {"S": 1, "P": 2, "C": 4, "L": 0, "D": 0}
    narrower = diagram.restrict(lab.P & "p=1")
    assert named(narrower.counts(), **vars(lab)) == {"S": 1, "P": 1, "C": 2, "L": 0, "D": 0}
    assert narrower.nodes_to_show == Diagram(schema).nodes_to_show
    assert len(diagram.counts()) == 5  # the operand is what it was


def test_foreign_keys_to_the_same_table_must_all_be_met_or_any(schema):
    @schema
    class P(dj.Manual):
        definition = "p : int32"

    @schema
    class Pair(dj.Manual):
        definition = """
        -> P
        -> P.proj(q='p')
        """

    fill(P, [(1,), (2,)])
    fill(Pair, [(1, 1), (1, 2), (2, 2)])
    diagram = Diagram(schema)
    assert named(diagram.restrict(P & "p=1").counts(), Pair=Pair) == {"Pair": 1}
    assert named(diagram.restrict(P & "p=1", same_parent="any").counts(), Pair=Pair) == {"Pair": 2}
    with pytest.raises(DataJointError, match="same_parent"):
        diagram.restrict(P, same_parent="some")


def test_empty_tables_are_pruned(schema, lab):
    lab.D.delete_quick()
    everything = Diagram(schema)
    assert everything.prune().nodes_to_show == everything.nodes_to_show - {lab.D.full_table_name}
    pruned = everything.restrict(lab.S & "g=1").prune()
    assert pruned.nodes_to_show == {t.full_table_name for t in (lab.S, lab.P, lab.C)}
    assert pruned.prune().nodes_to_show == pruned.nodes_to_show
    assert named(pruned.restrict(lab.P & "p=3").counts(), **vars(lab)) == {"S": 1, "P": 1, "C": 2}
    nothing = everything.restrict(lab.S & "g=9").prune()
    assert nothing.counts() == {}


def test_kinds_of_diagrams_exclude_each_other(schema, new_schema, lab):
    with pytest.raises(DataJointError, match="No restrictions applied"):
        Diagram(schema).counts()
    for kind in ("cascade", "trace"):
        diagram = getattr(Diagram, kind)(lab.P)
        with pytest.raises(DataJointError, match=f"{kind} and restrict are mutually exclusive"):
            diagram.restrict(lab.P & "p=1")
        with pytest.raises(DataJointError, match=rf"produced by Diagram.{kind}\(\)"):
            diagram.prune()
    diagram = Diagram(lab.P)
    elsewhere = new_schema("elsewhere")(type("Other", (dj.Manual,), {"definition": "o : int32"}))
    with pytest.raises(DataJointError, match="Table .*other.* is not in the diagram"):
        diagram.restrict(elsewhere)


def test_a_sum_keeps_the_restrictions_of_the_left(lab, caplog):
    cascade = Diagram.cascade(lab.P & "p=1")
    assert named((cascade + Diagram(lab.S)).counts(), **vars(lab)) == {"P": 1, "C": 2, "L": 1, "D": 1}
    assert (Diagram(lab.S) + cascade)._rows is None
    assert "keeps the restrictions of the left one only" in caplog.text


def test_stacked_diamonds_do_not_grow(schema, connection):
    """Two ways from each table to the next, none of which carries the key along: twelve times two paths are 4096."""
    tables = []
    for level in range(12):
        above = tables[-1] if tables else None
        definition = f"k{level} : int32\n---\n" + (
            f"-> [nullable] {above.__name__}.proj(one='{above.primary_key[0]}')\n"
            f"-> [nullable] {above.__name__}.proj(two='{above.primary_key[0]}')"
            if above
            else "x=0 : int32"
        )
        made = type(dj.Manual)(f"T{level}", (dj.Manual,), {"definition": definition})
        schema(made, context={t.__name__: t for t in tables})
        fill(made, [(1, 1, 2), (2, 2, None)] if above else [(1, 0), (2, 0)])
        tables.append(made)
    with connection.query_log() as queries:
        assert Diagram.cascade(tables[0] & "k0=2", context={}).counts()[tables[-1].full_table_name] == 2
        assert len(Diagram.trace(tables[-1] & "k11=1", context={})[tables[0]]) == 2
    assert len(queries) < 200
    assert max(len(query.text) for query in queries) < 60_000

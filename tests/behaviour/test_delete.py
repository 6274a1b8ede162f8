"""What was selected goes, and all that depends on it; nothing else does, and nothing goes unasked."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

import datajoint as dj
from datajoint.errors import IntegrityError, MissingTableError
from datajoint.events import RowsDeleted
from datajoint.table.delete import delete
from datajoint.table.delete_plan import plan_delete


@pytest.fixture
def lab(schema):
    @schema
    class P(dj.Manual):
        definition = """
        p : int32
        ---
        v=0 : int32
        """

    @schema
    class C(dj.Manual):
        definition = """
        -> P
        c : int32
        ---
        w=0 : int32
        """

    @schema
    class L(dj.Manual):
        definition = """
        l : int32
        ---
        -> [nullable] P
        -> [nullable] P.proj(q='p')
        """

        class D(dj.Part):
            definition = """
            -> master
            -> C
            """

    P.insert({"p": p, "v": p} for p in range(4))
    C.insert({"p": p, "c": c} for p in range(4) for c in range(2))
    L.insert(
        [
            {"l": 0, "p": 0, "q": 1},
            {"l": 1, "p": 2, "q": None},
            {"l": 2, "p": None, "q": 2},
            {"l": 3, "p": None, "q": None},
        ]
    )
    L.D.insert([{"l": 0, "p": 3, "c": 0}, {"l": 1, "p": 3, "c": 1}, {"l": 3, "p": 2, "c": 0}])
    return SimpleNamespace(P=P, C=C, L=L, D=L.D)


@pytest.fixture
def composite(schema):
    @schema
    class Ext(dj.Lookup):
        definition = """
        ext : int32
        """

    @schema
    class M(dj.Manual):
        definition = """
        m : int32
        """

        class A(dj.Part):
            definition = """
            -> master
            a : int32
            ---
            -> Ext
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

    Ext.insert({"ext": e} for e in (1, 2))
    M.insert({"m": m} for m in (1, 2, 3))
    M.A.insert([{"m": 1, "a": 1, "ext": 1}, {"m": 1, "a": 2, "ext": 2}, {"m": 2, "a": 1, "ext": 2}])
    M.B.insert([{"sm": 1, "sa": 2, "b": 1}, {"sm": 1, "sa": 1, "b": 1}, {"sm": 2, "sa": 1, "b": 1}])
    Child.insert({"m": m} for m in (1, 2, 3))
    return SimpleNamespace(Ext=Ext, M=M, A=M.A, B=M.B, Child=Child)


def answer(monkeypatch, *answers):
    """Answer the coming questions; tells how many were asked."""
    left = list(answers)
    asked = []

    def reply(prompt=""):
        asked.append(prompt)
        return left.pop(0)

    monkeypatch.setattr("builtins.input", reply)
    return asked


def sizes(tables):
    return {name: len(table()) for name, table in vars(tables).items()}


# --- what goes
def test_a_plan_counts_without_deleting(lab):
    before = sizes(lab)
    plan = plan_delete(lab.P & "v=2")
    assert plan.counts == {
        lab.P.full_table_name: 1,
        lab.C.full_table_name: 2,
        lab.L.full_table_name: 2,
        lab.D.full_table_name: 2,
    }
    assert list(plan.counts)[0] == lab.P.full_table_name
    assert len(plan) == 7
    assert plan.tables[0].sample == ({"p": 2},)
    assert "7 rows" in str(plan)
    assert "<td" in plan._repr_html_()
    assert "<p>Nothing to delete" in plan_delete(lab.P & "v=99")._repr_html_()
    assert sizes(lab) == before
    assert delete(lab.P & "v=2", dry_run=True) == 1
    assert plan_delete(lab.D, "ignore").counts == {lab.D.full_table_name: 3}
    with pytest.raises(dj.DataJointError, match="Only a table"):
        plan_delete(lab.P * lab.C)
    assert sizes(lab) == before


def test_dependents_go_through_nullable_and_renamed_keys(lab, connection):
    deleted = []
    with connection.events.subscribe(lambda e: deleted.append(e) if isinstance(e, RowsDeleted) else None):
        assert (lab.P & "v=2").delete(prompt=False) == 1
    assert [(e.table, e.count) for e in deleted][-1] == (lab.P.full_table_name, 1)
    assert lab.L.keys() == [{"l": 0}, {"l": 3}]
    assert lab.D.to_dicts() == [{"l": 0, "p": 3, "c": 0}]
    assert lab.C().to_arrays("p").tolist() == [0, 0, 1, 1, 3, 3]


def test_a_plan_is_executed_once_the_rows_are_still_the_same(lab):
    plan = plan_delete(lab.P & "v=2")
    lab.C.insert1({"p": 2, "c": 9})
    with pytest.raises(dj.DataJointError, match=r"1 more rows of .*'c': 9"):
        plan.execute()
    assert len(lab.P()) == 4
    (lab.C & "c=9").delete(prompt=False)
    (lab.C & "p=2 and c=1").delete(prompt=False)
    assert plan.execute() == 1
    assert len(lab.P & "p=2") == 0


def test_a_plan_can_be_stopped_and_nothing_is_gone(lab, connection):
    plan = plan_delete(lab.P & "v=2")
    before = sizes(lab)
    deleted = []
    with connection.events.subscribe(lambda e: deleted.append(e) if isinstance(e, RowsDeleted) else None):
        with pytest.raises(dj.DataJointError, match=r"was stopped; what its transaction had deleted is undone"):
            plan.execute(stop=lambda: len(deleted) == 2)
    assert len(deleted) == 2
    with pytest.raises(dj.DataJointError, match="was stopped"):  # after the last row, too
        plan.execute(stop=lambda: len(lab.P()) < 4)
    assert sizes(lab) == before
    assert plan.lacking() == []
    assert plan.execute(stop=lambda: False) == 1


@pytest.mark.parametrize("case", ["by a grandparent", "by a child", "by a parent"])
def test_a_selection_made_with_other_tables(schema, lab, case):
    P = lab.P

    @schema
    class S(dj.Manual):
        definition = """
        -> P
        ---
        g : int32
        """

    S.insert([{"p": 0, "g": 1}, {"p": 1, "g": 2}])
    lab.L.delete(prompt=False)
    (lab.C & "p=3").delete(prompt=False)
    if case == "by a grandparent":
        assert (lab.P & (S & "g=1")).delete(prompt=False) == 1
        assert lab.P().to_arrays("p").tolist() == [1, 2, 3]
    elif case == "by a child":
        assert (lab.P & lab.C).delete(prompt=False) == 3
        assert lab.P().to_arrays("p").tolist() == [3]
    else:
        assert (lab.C & (lab.P & "v=1")).delete(prompt=False) == 2
        assert lab.C().to_arrays("p").tolist() == [0, 0, 2, 2]


def test_a_percent_sign_in_a_condition(schema):
    @schema
    class P2(dj.Manual):
        definition = """
        k : varchar(10)
        """

    P2.insert([{"k": "a%"}, {"k": "b"}])
    assert (P2 & "k='a%'").delete(prompt=False) == 1
    assert P2.keys() == [{"k": "b"}]


def test_the_first_rows_of_an_order(lab):
    lab.L.delete(prompt=False)
    assert (lab.P & dj.Top(1, "v DESC")).delete(prompt=False) == 1
    assert lab.P().to_arrays("p").tolist() == [0, 1, 2]
    none = lab.P & "p>100" & dj.Top(2)
    assert set(plan_delete(none).counts.values()) == {0}
    assert none.delete(prompt=False) == 0
    assert (lab.C & dj.Top(1, order_by=["p", "c"])).delete_quick(get_count=True) == 1
    assert lab.C.keys()[0] == {"p": 0, "c": 1}


def test_a_renamed_projection_deletes_the_rows_below(lab):
    assert (lab.P.proj(r="p") & "r=1").delete(prompt=False) == 1
    assert lab.P().to_arrays("p").tolist() == [0, 2, 3]
    assert lab.L.keys() == [{"l": 1}, {"l": 2}, {"l": 3}]


def test_a_shared_column_and_a_null_reference(schema):
    @schema
    class Subject(dj.Manual):
        definition = """
        subject : int32
        """

    @schema
    class Surgery(dj.Manual):
        definition = """
        -> Subject
        surgery_id : int32
        """

    @schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session_id : int32
        ---
        -> [nullable] Surgery
        """

    Subject.insert1({"subject": 1})
    Surgery.insert1({"subject": 1, "surgery_id": 1})
    Session.insert(
        [{"subject": 1, "session_id": 1, "surgery_id": 1}, {"subject": 1, "session_id": 2, "surgery_id": None}]
    )
    Surgery.delete(prompt=False)
    assert Session.keys() == [{"subject": 1, "session_id": 2}]


def test_a_row_reached_by_a_secondary_path(schema):
    @schema
    class B(dj.Manual):
        definition = """
        b_id : int32
        """

    @schema
    class C(dj.Manual):
        definition = """
        c_id : int32
        ---
        -> B
        """

    @schema
    class D(dj.Manual):
        definition = """
        -> B
        d_id : int32
        ---
        -> C
        """

    B.insert([{"b_id": 1}, {"b_id": 2}])
    C.insert1({"c_id": 10, "b_id": 1})
    D.insert1({"b_id": 2, "d_id": 1, "c_id": 10})
    assert (B & "b_id=1").delete(prompt=False) == 1
    assert (B.keys(), len(C()), len(D())) == ([{"b_id": 2}], 0, 0)


def test_many_rows(lab):
    lab.L.delete(prompt=False)
    lab.P.insert({"p": p} for p in range(10, 3000))
    lab.C.insert({"p": p, "c": c} for p in range(10, 3000) for c in range(2))
    assert (lab.P & "p>=10").delete(prompt=False) == 2990
    assert sizes(lab) == {"P": 4, "C": 8, "L": 0, "D": 0}


def test_schemas_that_this_program_never_opened(lab, new_connection, new_schema):
    elsewhere = new_schema("elsewhere", connection=new_connection())
    P = dj.FreeTable(elsewhere.connection, str(lab.P().name))

    @elsewhere
    class Far(dj.Manual):
        definition = """
        -> P
        """

    assert plan_delete(lab.P & "p=1").counts[Far.full_table_name] == 0
    Far.insert({"p": p} for p in range(4))
    assert (lab.P & "p=1").delete(prompt=False) == 1
    assert Far().to_arrays("p").tolist() == [0, 2, 3]


# --- masters and parts
def test_enforce_refuses_parts_without_their_master(composite):
    before = sizes(composite)
    with pytest.raises(dj.DataJointError, match="before its master"):
        (composite.Ext & "ext=1").delete(prompt=False)
    assert sizes(composite) == before
    with pytest.raises(dj.DataJointError, match="Cannot delete from a Part directly"):
        composite.A.delete(prompt=False)


def test_ignore_leaves_the_master(composite):
    assert (composite.Ext & "ext=1").delete(prompt=False, part_integrity="ignore") == 1
    assert sizes(composite) == {"Ext": 1, "M": 3, "A": 2, "B": 2, "Child": 3}


def test_cascade_takes_whole_composites(composite):
    assert (composite.Ext & "ext=1").delete(prompt=False, part_integrity="cascade") == 1
    assert composite.M.keys() == [{"m": 2}, {"m": 3}]
    assert composite.Child.keys() == [{"m": 2}, {"m": 3}]
    assert sizes(composite) == {"Ext": 1, "M": 2, "A": 1, "B": 1, "Child": 2}


def test_a_master_is_found_through_a_sibling_part(composite):
    counts = plan_delete(composite.B & {"sm": 1, "sa": 2, "b": 1}, "cascade").counts
    assert counts == {
        composite.M.full_table_name: 1,
        composite.A.full_table_name: 2,
        composite.B.full_table_name: 2,
        composite.Child.full_table_name: 1,
    }
    assert (composite.B & "sm=1").delete(prompt=False, part_integrity="cascade") == 2
    assert composite.M.keys() == [{"m": 2}, {"m": 3}]


def test_a_master_without_part_rows_stays(composite):
    assert (composite.A & [{"m": 1}, {"m": 3}]).delete(prompt=False, part_integrity="cascade") == 2
    assert composite.M.keys() == [{"m": 2}, {"m": 3}]


def test_part_integrity_is_checked(composite):
    with pytest.raises(ValueError, match="'enforce', 'ignore', or 'cascade', got 'x'"):
        composite.M.delete(prompt=False, part_integrity="x")


# --- the question
def test_the_question(lab, monkeypatch, settings):
    settings.safemode = True
    asked = answer(monkeypatch, "maybe", "no", "", "YES")
    assert (lab.P & "p=1").delete() == 0
    assert asked == ["Commit deletes? [yes, No]: "] * 2
    assert (lab.P & "p=1").delete() == 0
    assert len(lab.P()) == 4
    assert (lab.P & "p=1").delete() == 1
    assert len(lab.P()) == 3
    assert (lab.P & "p=1").delete() == 0
    assert len(asked) == 4


def test_what_is_shown_before_the_question(lab, monkeypatch, caplog):
    answer(monkeypatch, "no")
    with caplog.at_level(logging.INFO, logger="datajoint"):
        assert (lab.P & "p=1").delete(prompt=True) == 0
    assert f"{lab.P.full_table_name} (1 tuples)" in caplog.messages
    assert f"{lab.D.full_table_name} (1 tuples)" in caplog.messages
    assert "Delete cancelled" in caplog.messages


def test_no_transaction_is_open_while_asking(lab, monkeypatch, connection):
    states = []

    def reply(prompt=""):
        states.append(connection.in_transaction)
        return "yes"

    monkeypatch.setattr("builtins.input", reply)
    assert (lab.P & "p=1").delete(prompt=True) == 1
    assert states == [False]


def test_inside_a_transaction(lab, connection, caplog):
    with pytest.raises(RuntimeError), connection.transaction:
        assert (lab.P & "p=1").delete(prompt=False) == 1
        assert len(lab.P()) == 3
        raise RuntimeError
    assert len(lab.P()) == 4
    with connection.transaction, pytest.raises(dj.DataJointError, match="ongoing transaction"):
        (lab.P & "p=1").delete(prompt=True)
    with caplog.at_level(logging.INFO, logger="datajoint"):
        assert (lab.P & "p=1").delete(transaction=False, prompt=True) == 1
    assert "Delete completed" in caplog.messages


def test_a_row_that_appears_meanwhile_blocks(lab, connection, monkeypatch):
    late = []

    def insert_late(event):
        if isinstance(event, RowsDeleted) and event.table == lab.C.full_table_name and not late:
            late.append(1)
            lab.C.insert1({"p": 1, "c": 77})

    subscription = connection.events.subscribe(insert_late)
    with pytest.raises(dj.DataJointError, match="Delete blocked") as caught:
        (lab.P & "p=1").delete(prompt=False)
    subscription.close()
    assert late
    assert isinstance(caught.value.__cause__, IntegrityError)
    assert len(lab.P()) == 4
    assert len(lab.C & "p=1") == 2
    assert (lab.P & "p=1").delete(prompt=False) == 1


# --- delete_quick
def test_delete_quick_asks_and_cascades_nothing(lab):
    with pytest.raises(IntegrityError):
        lab.P.delete_quick()
    assert (lab.D & "l=0").delete_quick() is None
    assert (lab.D & {"l": 3}).delete_quick(get_count=True) == 1
    assert (lab.C & (lab.C & "p=0").proj() & "c=1").delete_quick(get_count=True) == 1
    assert lab.D.delete_quick(get_count=True) == 1
    assert len(lab.D()) == 0


# --- drop
def test_drop_refuses_to_break_composites(lab):
    with pytest.raises(dj.DataJointError, match="before its master"):
        lab.C.drop(prompt=False)
    with pytest.raises(dj.DataJointError, match="Part"):
        lab.D.drop()
    with pytest.raises(ValueError, match="'enforce' or 'ignore'"):
        lab.P.drop(prompt=False, part_integrity="cascade")
    with pytest.raises(dj.DataJointError, match="restriction"):
        (lab.P & "p=1").drop(prompt=False)
    assert sizes(lab) == {"P": 4, "C": 8, "L": 4, "D": 3}
    lab.D.drop(part_integrity="ignore")
    lab.C.drop(prompt=False)
    assert len(lab.P()) == 4


def test_drop_takes_what_depends_on_it_after_asking(lab, monkeypatch, caplog):
    answer(monkeypatch, "no", "yes")
    with caplog.at_level(logging.INFO, logger="datajoint"):
        lab.P.drop(prompt=True)
    assert f"{lab.C.full_table_name} (8 tuples)" in caplog.messages
    assert len(lab.P()) == 4
    name = lab.P.full_table_name
    lab.P.drop(prompt=True)
    for table in vars(lab).values():
        with pytest.raises(MissingTableError):
            table().to_arrays()
    with caplog.at_level(logging.INFO, logger="datajoint"):
        lab.P.drop_quick()
    assert f"Nothing to drop: table {name} is not declared" in caplog.messages


def test_drop_quick_of_a_referenced_table(lab):
    with pytest.raises(IntegrityError):
        lab.P.drop_quick()
    lab.D().drop_quick()
    lab.L.drop_quick()
    assert len(lab.P()) == 4

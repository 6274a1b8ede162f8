"""Who may delete what: privileges, masters and parts row by row, the question, and what ends a plan early."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import urlsplit, urlunsplit

import pytest

import datajoint as dj
from datajoint.errors import AccessError, MissingTableError
from datajoint.events import RowsDeleted, RowsFound
from tests.provision.servers import connect_raw


@pytest.fixture
def lab(schema):
    @schema
    class Ext(dj.Lookup):
        definition = """
        ext : int32
        """

    @schema
    class M(dj.Manual):
        definition = """
        m : int32
        ---
        -> [nullable] Ext
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
            -> master
            ---
            -> Ext
            """

    @schema
    class Child(dj.Manual):
        definition = """
        -> M
        """

    Ext.insert({"ext": e} for e in (1, 2, 3))
    M.insert([{"m": 1, "ext": None}, {"m": 2, "ext": 1}, {"m": 3, "ext": 3}])
    M.A.insert([{"m": 1, "a": 1, "ext": 1}, {"m": 3, "a": 1, "ext": 3}, {"m": 3, "a": 2, "ext": 2}])
    M.B.insert([{"m": 2, "ext": 1}, {"m": 3, "ext": 3}])
    Child.insert({"m": m} for m in (1, 2, 3))
    return SimpleNamespace(Ext=Ext, M=M, A=M.A, B=M.B, Child=Child)


def sizes(lab):
    return {name: len(table()) for name, table in vars(lab).items()}


# --- masters and parts
def test_two_parts_of_two_masters(lab):
    lab.M.update1({"m": 2, "ext": None})
    assert (lab.Ext & "ext = 1").delete(prompt=False, part_integrity="cascade") == 1
    assert lab.M.keys() == [{"m": 3}]
    assert sizes(lab) == {"Ext": 2, "M": 1, "A": 2, "B": 1, "Child": 1}


def test_strict_looks_at_every_row(lab, caplog):
    before = sizes(lab)
    # One master goes with its parts, so the rule by table has nothing against leaving another incomplete.
    selected = lab.Ext & "ext = 1"
    plan = selected.delete_plan()
    assert plan.incomplete() == {lab.A().name: [(1,)]}
    plan.check()
    for way in ({"prompt": False}, {"dry_run": True}):
        with pytest.raises(
            dj.DataJointError, match=r"before their master: 1 rows of .*\.m would stay without them, such as \(1,\)"
        ):
            selected.delete(part_integrity="strict", **way)
    assert sizes(lab) == before
    assert (lab.Ext & "ext = 3").delete(prompt=False, part_integrity="strict") == 1
    assert lab.M.keys() == [{"m": 1}, {"m": 2}]
    with pytest.raises(dj.DataJointError, match="before their master"):
        (lab.A & "m = 1").delete(prompt=False, part_integrity="strict")
    assert selected.delete(prompt=False) == 1
    assert sizes(lab) == {"Ext": 1, "M": 1, "A": 0, "B": 0, "Child": 1}


def test_a_reference_with_an_empty_column_refers_to_nothing(schema):
    @schema
    class A(dj.Manual):
        definition = """
        a : int32
        """

    @schema
    class B(dj.Manual):
        definition = """
        -> A
        b : int32
        """

    @schema
    class C(dj.Manual):
        definition = """
        c : int32
        ---
        -> [nullable] B
        """

    A.insert([{"a": 1}, {"a": 2}])
    B.insert([{"a": 1, "b": 1}])
    C.insert([{"c": 1, "a": 1, "b": 1}, {"c": 2, "a": 1, "b": None}, {"c": 3, "a": 2, "b": None}])
    assert (A & "a=1").delete_plan().counts == {A.full_table_name: 1, B.full_table_name: 1, C.full_table_name: 1}
    assert (A & "a=1").delete(prompt=False) == 1
    assert C.keys() == [{"c": 2}, {"c": 3}]


def test_rows_that_refer_to_rows_of_the_same_table(schema, connection):
    @schema
    class Node(dj.Manual):
        definition = """
        node : int32
        """

    @schema
    class Edge(dj.Manual):
        definition = """
        -> Node.proj(low='node')
        -> Node.proj(high='node')
        """

    @schema
    class Leaf(dj.Manual):
        definition = """
        -> Edge
        leaf : int32
        """

    Node.insert({"node": n} for n in range(4))
    Edge.insert([{"low": 0, "high": 1}, {"low": 1, "high": 2}, {"low": 2, "high": 3}])
    Leaf.insert({"low": n, "high": n + 1, "leaf": 0} for n in range(3))
    assert (Node & "node=1").delete(prompt=False) == 1
    assert Edge.keys() == [{"low": 2, "high": 3}]
    assert len(Leaf()) == 1


# --- the question
def test_whoever_is_to_confirm_sees_the_plan(lab, connection):
    plans = []

    def confirm(plan):
        plans.append(plan)
        return len(plans) > 1

    connection.confirm_delete = confirm
    selected = lab.Ext & "ext = 3"
    assert selected.delete(prompt=True) == 0
    assert len(lab.Ext()) == 3
    assert selected.delete(prompt=True) == 1
    assert [len(plan) for plan in plans] == [6, 6]
    assert plans[0].tables[0].sample == ({"ext": 3},)
    assert (lab.Ext & "ext = 1").delete(prompt=True, confirm=lambda plan: False) == 0
    assert (lab.Ext & "ext = 1").delete(dry_run=True) == 1
    assert len(plans) == 2
    assert len(lab.Ext()) == 2


def test_answers_come_through_utils_too(lab, monkeypatch):
    monkeypatch.setattr("datajoint.utils.input", lambda prompt: "yes", raising=False)
    assert (lab.Ext & "ext = 3").delete(prompt=True) == 1
    lab.Child.drop(prompt=True)
    with pytest.raises(MissingTableError):
        lab.Child.to_arrays()
    assert dj.utils.user_choice("?") == "yes"


def test_progress_is_told(lab, connection):
    found, deleted = [], []
    with connection.events.subscribe(
        lambda e: (
            found.append(e) if isinstance(e, RowsFound) else deleted.append(e) if isinstance(e, RowsDeleted) else None
        )
    ):
        (lab.Ext & "ext = 3").delete(prompt=True, confirm=lambda plan: True)
    assert {e.table for e in found} >= {lab.M.full_table_name, lab.A.full_table_name}
    assert sum(e.count for e in deleted) == 6


# --- privileges
@pytest.fixture
def guest(engine, url, schema, lab, new_connection, new_schema_name):
    """A connection of a user who may read everything and delete from some tables; grants more."""
    if engine == "sqlite":
        pytest.skip("a file has no users")
    name = new_schema_name("u")[-30:]
    root = connect_raw(url)
    cursor = root.cursor()
    if engine == "postgresql":
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'guest'")
        cursor.execute(f"GRANT USAGE ON SCHEMA {schema.database} TO {name}")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema.database} TO {name}")
    else:
        cursor.execute(f"CREATE USER {name} IDENTIFIED BY 'guest'")
        cursor.execute(f"GRANT SELECT ON `{schema.database}`.* TO {name}")
    parts = urlsplit(url)
    address = urlunsplit(parts._replace(netloc=f"{name}:guest@{parts.hostname}:{parts.port}"))

    def grant(*tables, words="GRANT DELETE ON", to="TO"):
        for table in tables:
            cursor.execute(f"{words} {table.full_table_name} {to} {name}")

    connection = new_connection(url=address)
    yield SimpleNamespace(table=lambda t: dj.FreeTable(connection, str(t().name)), grant=grant, connection=connection)
    connection.close()
    if engine == "postgresql":
        cursor.execute(f"DROP OWNED BY {name}")
        cursor.execute(f"DROP ROLE {name}")
    else:
        cursor.execute(f"DROP USER {name}")
    root.close()


@pytest.mark.parametrize(
    "options", [{"prompt": False}, {"prompt": True}, {"dry_run": True}], ids=["", "asking", "dry run"]
)
def test_missing_grants_are_named_before_anything_is_done(lab, guest, options):
    guest.grant(lab.Ext, lab.A)
    before = sizes(lab)
    with (
        guest.connection.query_log() as log,
        pytest.raises(AccessError, match="needs the privilege DELETE on") as caught,
    ):
        (guest.table(lab.Ext) & "ext = 3").delete(**options)
    assert all(str(table().name) in str(caught.value) for table in (lab.M, lab.B, lab.Child))
    assert str(lab.A().name) not in str(caught.value)
    assert not [r.text for r in log if r.text.startswith(("DELETE", "UPDATE", "INSERT"))]
    assert sizes(lab) == before


def test_grants_are_needed_only_where_rows_go(lab, guest):
    guest.grant(lab.Ext, lab.M, lab.A)
    assert (guest.table(lab.Ext) & "ext = 2").delete(prompt=False, part_integrity="ignore") == 1
    assert len(lab.A()) == 2
    guest.grant(lab.B, lab.Child)
    assert (guest.table(lab.Ext) & "ext = 3").delete(prompt=False) == 1
    assert sizes(lab) == {"Ext": 1, "M": 2, "A": 1, "B": 1, "Child": 2}


def test_a_table_that_may_not_be_read_blocks(lab, guest, engine):
    guest.grant(lab.Ext, lab.M, lab.A, lab.B, lab.Child)
    if engine != "postgresql":
        pytest.skip("a grant on a schema cannot be taken back for one table")
    guest.grant(lab.Child, words="REVOKE SELECT ON", to="FROM")
    before = sizes(lab)
    selected = guest.table(lab.Ext) & "ext = 3"
    said = f"SELECT on {lab.Child().name}"
    with guest.connection.transaction:
        for integrity in ("cascade", "enforce"):
            with pytest.raises(AccessError, match=said):
                selected.delete(prompt=False, part_integrity=integrity)
    with pytest.raises(AccessError, match=said):
        selected.delete(dry_run=True)
    assert sizes(lab) == before


# --- the guard of auto-populated tables
def test_the_guard_of_auto_populated_tables(schema, connection, lab):
    Ext = lab.Ext

    @schema
    class K(dj.Computed):
        definition = """
        -> Ext
        """

        class Part(dj.Part):
            definition = """
            -> master
            n : int32
            """

        def make(self, key):
            self.insert1(key)
            with self.Part.batch():
                for n in range(3):
                    self.Part.insert1({**key, "n": n})

    with pytest.raises(dj.DataJointError, match="allow_direct_insert=True"):
        K.insert1({"ext": 1})
    with pytest.raises(dj.DataJointError, match="allow_direct_insert=True"), K.batch():
        K.insert1({"ext": 1})
    K.insert1({"ext": 1}, allow_direct_insert=True)
    K.Part.insert1({"ext": 1, "n": 9})
    dj.FreeTable(connection, K.full_table_name).insert1({"ext": 2})
    K.populate()
    assert len(K()) == 3
    assert len(K.Part()) == 4

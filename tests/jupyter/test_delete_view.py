"""The delete view's kernel side on every engine: the plan, the question, the deed, its end; no page in front of it."""

from __future__ import annotations

import threading
import uuid
from urllib.parse import urlsplit, urlunsplit

import pytest

import datajoint as dj
from datajoint.events import RowsDeleted
from datajoint_jupyter import delete_view
from tests.provision.servers import connect_raw

pytestmark = [pytest.mark.usefixtures("close_widgets")]


@pytest.fixture
def impatient(settings):
    """Connections wait for locks for a second only."""
    settings.database.lock_timeout = 1


@pytest.fixture
def lab(schema):
    @schema
    class Subject(dj.Manual):
        definition = """
        subject : int32
        name='' : varchar(40)
        """

    @schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int32
        """

        class Trial(dj.Part):
            definition = """
            -> master
            trial : int32
            """

    @schema
    class Note(dj.Manual):
        definition = """
        note : int32
        ---
        -> [nullable] Session
        """

    Subject.insert({"subject": i, "name": "<b>x</b>"} for i in range(4))
    Session.insert({"subject": i, "name": "<b>x</b>", "session": k} for i in range(3) for k in range(3))
    Session.Trial.insert(
        {"subject": i, "name": "<b>x</b>", "session": k, "trial": t}
        for i in range(3)
        for k in range(3)
        for t in range(7)
    )
    return {"Subject": Subject, "Session": Session, "Note": Note, "schema": schema}


def name_of(table):
    return f"{table.database}.{table.table_name}"


def sizes(lab):
    return [len(lab["Subject"]()), len(lab["Session"]()), len(lab["Session"].Trial())]


def send(view, sent, kind, **payload):
    view._on_message(view, {"id": "v:1", "kind": kind, "payload": payload}, [])
    return sent.get(timeout=20)


def test_the_plan_is_a_tree_and_nothing_is_touched(lab):
    view = delete_view(lab["Subject"] & "subject=1", source='Subject & "subject=1"')
    outline = view.outline
    assert [(t["depth"], t["rows"]) for t in outline["tables"]] == [(0, 1), (1, 3), (2, 21)]
    assert outline["rows"] == 25
    assert outline["headline"] == "25 rows will be deleted from 3 tables"
    assert outline["untouched"] == [name_of(lab["Note"])]
    assert outline["big"]
    assert outline["refused"] == ""
    assert outline["tables"][0]["sample"] == ["{'subject': 1, 'name': '<b>x</b>'}"]
    assert len(outline["tables"][2]["sample"]) == 5
    assert view.code == '(Subject & "subject=1").delete()'
    assert not view.plan.seed.connection.in_transaction
    text = view.static().text
    assert "25 rows will be deleted" in text
    assert "<b>x</b>" not in view.static().html
    assert sizes(lab) == [4, 9, 63]


def test_the_name_is_asked_for_and_then_it_goes(lab, sent):
    view = delete_view(lab["Subject"] & "subject=1")
    for name in ("", "subject", "yes"):
        answer = send(view, sent, "delete", revision=view.revision, name=name)
        assert "The name of the table is" in answer["payload"]["message"]
    assert sizes(lab) == [4, 9, 63]
    send(view, sent, "delete", revision=view.revision, name=name_of(lab["Subject"]))
    assert view.wait(20)
    assert view.state == "done"
    assert sizes(lab) == [3, 6, 42]
    assert sorted(view.deleted.values()) == [1, 3, 21]
    assert view.said == "25 rows deleted from 3 tables."
    assert "25 rows deleted" in view.static().text
    # Once is enough.
    assert "no longer" in send(view, sent, "delete", revision=view.revision, name="x")["payload"]["message"]


def test_few_rows_of_one_table_need_no_name(lab):
    view = delete_view(lab["Subject"] & "subject=3")
    assert not view.outline["big"]
    view.confirm()
    view.wait(20)
    assert (view.state, view.said) == ("done", "1 row deleted from 1 table.")
    assert sizes(lab) == [3, 9, 63]


def test_nothing_to_delete(lab):
    view = delete_view(lab["Subject"] & "subject=99")
    assert view.outline["headline"].startswith("No row of")
    with pytest.raises(dj.DataJointError, match="nothing to delete"):
        view.confirm()


def test_more_rows_than_shown_are_shown_instead(lab):
    view = delete_view(lab["Subject"] & "subject=1")
    lab["Note"].insert1({"note": 1, "subject": 1, "name": "<b>x</b>", "session": 0})
    before, revision = sizes(lab), view.revision
    view.confirm(name_of(lab["Subject"]))
    view.wait(20)
    assert view.state == "asking"
    assert "more rows would go than were shown (1 of " in view.said
    assert [t["added"] for t in view.outline["tables"] if t["name"] == name_of(lab["Note"])] == [1]
    assert view.revision > revision
    assert sizes(lab) == before
    with pytest.raises(dj.DataJointError, match="no longer"):
        view._confirm(revision, name_of(lab["Subject"]))
    view.confirm(name_of(lab["Subject"]))
    view.wait(20)
    assert view.state == "done"
    assert len(lab["Note"]()) == 0


def test_rows_that_come_after_the_last_look_are_shown_too(lab, monkeypatch):
    view = delete_view(lab["Subject"] & "subject=1")
    execute = type(view)._execute

    def late(self, plan):
        lab["Session"].insert1({"subject": 1, "name": "<b>x</b>", "session": 77})
        return execute(self, plan)

    monkeypatch.setattr(type(view), "_execute", late)
    view.confirm(name_of(lab["Subject"]))
    view.wait(20)
    assert view.state == "asking"
    assert "1 of " in view.said
    assert sizes(lab) == [4, 10, 63]


def test_rows_that_went_meanwhile_are_no_matter(lab):
    view = delete_view(lab["Subject"] & "subject=1")
    (lab["Session"] & "subject=1 AND session=1").delete(prompt=False)
    view.confirm(name_of(lab["Subject"]))
    view.wait(20)
    assert view.said == "17 rows deleted from 3 tables. 8 rows of those shown had gone before."


def test_cancel_before_and_in_the_middle(lab, sent):
    view = delete_view(lab["Subject"] & "subject=1")
    send(view, sent, "cancel")
    assert (view.state, view.said) == ("cancelled", "Cancelled; nothing was deleted.")
    view.refresh()
    view.wait(20)
    assert view.state == "asking"

    def stop(event):
        if isinstance(event, RowsDeleted):
            view.cancel()

    with lab["schema"].connection.events.subscribe(stop):
        view.confirm(name_of(lab["Subject"]))
        view.wait(20)
    assert (view.state, view.said) == ("asking", "Stopped; nothing was deleted.")
    assert view.failure == {}
    assert sizes(lab) == [4, 9, 63]


def test_closing_the_view_undoes_what_is_under_way(lab):
    view = delete_view(lab["Subject"] & "subject=1")
    closed = threading.Event()

    def close(event):
        if isinstance(event, RowsDeleted) and not closed.is_set():
            closed.set()
            view.close()

    with lab["schema"].connection.events.subscribe(close):
        view.confirm(name_of(lab["Subject"]))
        assert view.wait(20)
    view._worker.close(timeout=10)
    assert not view._worker.running
    assert closed.is_set()
    assert sizes(lab) == [4, 9, 63]


def test_parts_and_their_masters(lab, sent):
    trial = lab["Session"].Trial
    view = delete_view(trial & "subject=1 AND session=0 AND trial=1")
    assert "before its master" in view.outline["refused"]
    with pytest.raises(dj.DataJointError, match="before its master"):
        view.confirm()
    send(view, sent, "plan", part_integrity="cascade")
    view.wait(20)
    assert view.part_integrity == "cascade"
    assert [(t["depth"], t["rows"]) for t in view.outline["tables"]] == [(0, 1), (1, 7)]
    send(view, sent, "plan", part_integrity="ignore")
    view.wait(20)
    assert view.outline["notes"] == [f"1 row of {name_of(lab['Session'])} lose rows of {name_of(trial)} and stay."]
    view.confirm()
    view.wait(20)
    assert sizes(lab) == [4, 9, 62]
    assert "must be one of" in send(view, sent, "plan", part_integrity="all")["payload"]["message"]


def test_a_lock_is_told_and_nothing_is_half_done(impatient, lab, new_connection):
    view = delete_view(lab["Subject"] & "subject=1")
    other = new_connection()
    trial = dj.FreeTable(other, lab["Session"].Trial.full_table_name) & "subject=1 AND trial=0"
    with pytest.raises(ZeroDivisionError), other.transaction:
        trial.delete_quick()
        view.confirm(name_of(lab["Subject"]))
        assert view.wait(30)
        assert view.state == "asking"
        assert view.said == "Nothing was deleted."
        assert "lock" in view.failure["message"].lower()
        raise ZeroDivisionError
    assert sizes(lab) == [4, 9, 63]
    view.confirm(name_of(lab["Subject"]))
    view.wait(20)
    assert (view.state, view.failure) == ("done", {})
    assert sizes(lab) == [3, 6, 42]


def test_a_lost_link_is_told(lab, monkeypatch):
    view = delete_view(lab["Subject"] & "subject=1")

    def lost(*_arguments):
        raise dj.errors.LostConnectionError("The link was cut.")

    monkeypatch.setattr(view, "_execute", lost)
    view.confirm(name_of(lab["Subject"]))
    view.wait(20)
    assert view.state == "asking"
    assert "look again" in view.said
    assert "The link was cut." in view.failure["message"]


def test_what_cannot_be_shown(lab):
    with pytest.raises(dj.DataJointError, match="Rows are deleted from tables"):
        delete_view(lab["Subject"].proj() * lab["Session"])
    with lab["schema"].connection.transaction, pytest.raises(dj.DataJointError, match="a transaction is open here"):
        delete_view(lab["Subject"])
    with pytest.raises(ValueError, match="part_integrity"):
        delete_view(lab["Subject"], part_integrity="some")


def test_many_rows_ask_for_the_name(schema):
    @schema
    class Many(dj.Manual):
        definition = """
        n : int32
        """

    Many.insert({"n": n} for n in range(1001))
    assert delete_view(Many).outline["big"]
    assert not delete_view(Many & "n < 1000").outline["big"]


@pytest.fixture
def guest(engine, url, lab, new_connection):
    """A user who may read all tables and delete from those granted; a connection of theirs."""
    if engine == "sqlite":
        pytest.skip("a file has no users")
    name = f"g{uuid.uuid4().hex[:10]}"
    root = connect_raw(url)
    cursor = root.cursor()
    database = lab["schema"].database
    if engine == "postgresql":
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'guest'")
        cursor.execute(f"GRANT USAGE ON SCHEMA {database} TO {name}")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {database} TO {name}")
    else:
        cursor.execute(f"CREATE USER {name} IDENTIFIED BY 'guest'")
        cursor.execute(f"GRANT SELECT ON `{database}`.* TO {name}")
    cursor.execute(f"GRANT DELETE ON {lab['Subject'].full_table_name} TO {name}")
    parts = urlsplit(url)
    connection = new_connection(url=urlunsplit(parts._replace(netloc=f"{name}:guest@{parts.hostname}:{parts.port}")))
    yield connection
    connection.close()
    if engine == "postgresql":
        cursor.execute(f"DROP OWNED BY {name}")
        cursor.execute(f"DROP ROLE {name}")
    else:
        cursor.execute(f"DROP USER {name}")
    root.close()


def test_missing_privileges_are_shown_and_nothing_can_be_confirmed(lab, guest):
    view = delete_view(dj.FreeTable(guest, lab["Subject"].full_table_name) & "subject=1")
    assert [(t["name"], t["blocked"]) for t in view.outline["tables"]] == [
        (name_of(lab["Subject"]), False),
        (name_of(lab["Session"]), True),
        (name_of(lab["Session"].Trial), True),
    ]
    assert "needs the privilege DELETE on" in view.outline["refused"]
    assert "(no privilege)" in view.static().text
    with pytest.raises(dj.DataJointError, match="privilege"):
        view.confirm(name_of(lab["Subject"]))
    assert sizes(lab) == [4, 9, 63]

"""The status matrix: what it reads from Python, what its page may ask, and that closing leaves nothing."""

from __future__ import annotations

import threading

import pytest

import datajoint as dj
from datajoint.events import KeyStarted
from datajoint_jupyter.display.matrix import static_matrix
from datajoint_jupyter.widgets.matrix import MatrixView, widget
from tests.jupyter.work_lab import make_lab

pytestmark = [pytest.mark.usefixtures("close_widgets")]


@pytest.fixture
def lab(lab_connection):
    return make_lab(lab_connection)


@pytest.fixture
def view(lab, sent):
    return MatrixView(lab["Session"], context=lab, live=False)


def ask(view, sent, kind, **payload):
    """Send a message as the page would; return the answer to it."""
    view._on_message(view, {"id": "page:1", "kind": kind, "payload": payload}, [])
    while True:
        answer = sent.get(timeout=20)
        if answer["id"] == "page:1":
            return answer


def test_it_tells_the_states_to_python(view, lab):
    lab["Segment"].populate({"subject_id": 0}, reserve_jobs=True, suppress_errors=True)
    view.refresh()
    frame = view.status
    assert list(frame.columns) == ["Segment", "Trace"]
    assert list(frame.index.names) == ["subject_id", "session"]
    assert frame.loc[(0, 0)].tolist() == ["done", "pending"]
    assert frame.loc[(0, 2)].tolist() == ["error", "blocked"]
    assert frame.loc[(1, 0)].tolist() == ["pending", "blocked"]
    assert view.cell({"subject_id": 0, "session": 2}, lab["Segment"]).counts.errors == 1
    assert view.why({"subject_id": 0, "session": 2}, "Trace").sentences == ("Trace waits: Segment failed.",)
    with pytest.raises(dj.DataJointError, match="No row shown has the key"):
        view.cell({"subject_id": 9, "session": 9}, "Trace")
    with pytest.raises(dj.DataJointError, match="no column Nobody"):
        view.cell({"subject_id": 0, "session": 0}, "Nobody")


def test_a_click_tells_why(view, lab, sent):
    lab["Segment"].populate({"subject_id": 0}, reserve_jobs=True, suppress_errors=True)
    view.refresh()
    answer = ask(view, sent, "why", row=2, column=0, revision=1)
    assert answer["kind"] == "done"
    told = answer["payload"]
    assert (told["title"], told["state"], told["can"]) == ("Segment", "error", ["retry", "ignore"])
    (key,) = told["keys"]
    assert "no frames" in key["sentence"]
    assert "ValueError" in key["traceback"]
    assert view.selected[0] == {"subject_id": 0, "session": 2}
    assert view.selected[1].full_table_name == lab["Segment"]().full_table_name
    late = ask(view, sent, "why", row=2, column=0, revision=0)
    assert late["kind"] == "error"
    assert "have changed" in late["payload"]["message"]
    assert ask(view, sent, "why", row=999, column=0, revision=1)["kind"] == "error"


def test_a_click_computes_retries_and_ignores(view, lab, sent):
    assert ask(view, sent, "do", row=0, column=0, revision=0, deed="run")["kind"] == "done"
    assert view.wait(20)
    assert len(lab["Segment"] & {"subject_id": 0, "session": 0}) == 1
    view.refresh()
    assert ask(view, sent, "do", row=2, column=0, revision=view.page["revision"], deed="run")["kind"] == "done"
    assert view.wait(20)
    view.refresh()
    assert view.cell({"subject_id": 0, "session": 2}, "Segment").state == "error"
    lab["faults"].clear()
    ask(view, sent, "do", row=2, column=0, revision=view.page["revision"], deed="retry")
    assert view.wait(20)
    view.refresh()
    assert view.cell({"subject_id": 0, "session": 2}, "Segment").state == "done"
    ask(view, sent, "do", row=1, column=0, revision=view.page["revision"], deed="ignore")
    assert view.cell({"subject_id": 0, "session": 1}, "Segment").state == "ignored"
    assert len(lab["Segment"].jobs.ignored) == 1


def test_a_table_without_make_is_not_computed_here(lab, sent, settings, tmp_path):
    stranger = dj.Connection(f"sqlite:///{tmp_path / 'lab.db'}", config_override=settings)
    view = MatrixView(dj.FreeTable(stranger, "lab.session"), tables=["lab.__segment"], live=False)
    assert view.status.columns.tolist() == ["lab.__segment"]
    key = {"subject_id": 0, "session": 0}
    assert view.cell(key, "lab.__segment").state == "pending"  # by its foreign keys
    with pytest.raises(dj.DataJointError, match="no make"):
        view.run(key, "lab.__segment")
    answer = ask(view, sent, "why", row=0, column=0, revision=0)["payload"]
    assert "no make" in answer["obstacle"]
    assert answer["can"] == []
    view.close()
    stranger.close()


def test_stop_ends_after_the_key(view, lab, sent):
    connection = lab["Session"]().connection
    begun, go_on = threading.Event(), threading.Event()
    lab["waits"].append(go_on)
    with connection.events.subscribe(lambda event: begun.set() if isinstance(event, KeyStarted) else None):
        view.run({"subject_id": 0, "session": 0}, "Segment")
        view.run({"subject_id": 0, "session": 1}, "Segment")
        assert begun.wait(20)
        assert view.doing["busy"]
        ask(view, sent, "stop")
        assert "stopping after this key" in view.doing["text"]
        go_on.set()
        assert view.wait(20)
    assert len(lab["Segment"]()) == 1
    assert view.doing == {"text": "", "busy": False}


def test_what_others_do_is_seen(lab, sent):
    view = MatrixView(lab["Session"], context=lab)
    seen = threading.Event()
    view.observe(lambda change: seen.set() if "d" in change["new"]["cells"][0] else None, "page")
    lab["Segment"].populate({"subject_id": 0, "session": 0}, reserve_jobs=True)
    assert seen.wait(20)
    assert view.trouble == ""
    ask(view, sent, "live", on=False)
    assert not view.live


def test_looking_is_one_statement_a_second(lab, sent):
    lab["Segment"].jobs.refresh()
    lab["Trace"].jobs.refresh()
    view = MatrixView(lab["Session"], context=lab, live=False)
    view._look()
    with lab["Session"]().connection.query_log() as log:
        for _ in range(3):
            view._look()
    assert len(log) == 3


def test_pages_of_rows(lab, sent, monkeypatch):
    monkeypatch.setattr(widget, "PAGE_ROWS", 3)
    view = MatrixView(lab["Session"], context=lab, live=False)
    assert (view.page["total"], len(view.page["keys"])) == (8, 3)
    assert ask(view, sent, "page", offset=6)["kind"] == "done"
    assert (view.offset, view.page["keys"]) == (6, [["1", "2"], ["1", "3"]])
    view.offset = 0
    assert view.page["offset"] == 0
    assert ask(view, sent, "page", offset=8)["kind"] == "error"
    assert view.page["offset"] == 0


def test_rows_of_a_cell_can_be_browsed(view, lab, sent):
    lab["Segment"].populate({"subject_id": 0, "session": 0})
    view.refresh()
    answer = ask(view, sent, "browse", row=0, column=0, revision=view.page["revision"])
    browser = view._child.browser
    assert answer["payload"]["model"] == browser.model_id
    assert len(browser.query) == 1
    ask(view, sent, "browse", row=1, column=0, revision=view.page["revision"])
    assert browser.closed


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("why", {"row": -1, "column": 0, "revision": 0}),
        ("why", {"row": 0, "column": "Segment; DROP TABLE", "revision": 0}),
        ("do", {"row": 0, "column": 0, "revision": 0, "deed": "drop"}),
        ("page", {"offset": 1.5}),
        ("live", {"on": "yes"}),
        ("sql", {}),
    ],
)
def test_what_the_page_may_not_say(view, sent, kind, payload):
    answer = ask(view, sent, kind, **payload)
    assert answer["kind"] == "error"
    assert answer["payload"]["message"].startswith("ProtocolError")


def test_closing_leaves_nothing(lab, sent):
    before = set(threading.enumerate())
    view = MatrixView(lab["Session"], context=lab)
    ask(view, sent, "why", row=0, column=0, revision=0)
    ask(view, sent, "browse", row=0, column=0, revision=0)
    browser = view._child.browser
    view.close()
    view.close()
    assert browser.closed
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive()


def test_the_twin_says_all_of_it(view, lab):
    lab["Segment"].populate({"subject_id": 0}, reserve_jobs=True, suppress_errors=True)
    view.refresh()
    static = view.static()
    assert "✕ error" in static.text
    assert "✓ 3 done (computed, or entered)" in static.text
    assert "<table" in static.html
    hostile = static_matrix(
        "<b>", ["<i>"], ["<u>"], [["<script>"]], [[view.cell({"subject_id": 0, "session": 0}, "Segment")]], 1
    )
    assert not any(tag in hostile.html for tag in ("<b>", "<i>", "<u>", "<script>"))


def test_magic(run, lab_connection, tmp_path):
    run(
        f"import datajoint as dj\ndj.conn('sqlite:///{tmp_path / 'magic.db'}')\nfrom tests.jupyter.work_lab import make_lab\n"
        "lab = make_lab(dj.conn()); globals().update({k: lab[k] for k in ('Session', 'Segment', 'Trace')})"
    )
    shown = run("%dj matrix Session -o made")
    assert "Status by Session" in shown
    assert "○ 8 pending" in shown
    run("assert made.to_pandas().shape == (8, 2)")
    assert (
        "Trace"
        not in run("%dj matrix Session & 'subject_id = 0' --tables Segment").partition("\n")[2].partition("\n")[0]
    )
    run("%dj matrix Session --tables Nobody", fails="DataJointError")
    run("%dj matrix Trace", fails="DataJointError")
    run("%dj matrix 3", fails="CommandError")

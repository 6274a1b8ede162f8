"""Populating in view: what events make of the state, threads, stopping, and the view's messages."""

from __future__ import annotations

import threading

import pytest

import datajoint as dj
from datajoint.events import (
    KeyFailed,
    KeyProgress,
    KeySkipped,
    KeyStarted,
    KeySucceeded,
    PopulateFinished,
    PopulateStarted,
)
from datajoint_jupyter.display.populate import detail, headline, static_progress
from datajoint_jupyter.widgets.populate import PopulateRun
from datajoint_jupyter.widgets.populate.progress import Progress
from datajoint_jupyter.widgets.populate.widget import PopulateView

pytestmark = [pytest.mark.usefixtures("close_widgets")]


def test_events_change_the_state():
    state = Progress("lab.__score")
    assert headline(state) == "waiting for the earlier run to stop"
    key = {"session": 1}
    events = [
        PopulateStarted(table="t", total=4, time=100.0),
        KeyStarted(table="t", key=key),
        KeyProgress(table="t", key=key, fraction=0.5, text="half"),
    ]
    for event in events:
        state = state.after(event)
    assert (state.state, state.key, state.fraction, state.note) == ("running", "{'session': 1}", 0.5, "half")
    assert state.remaining(110.0) is None
    for event in [
        KeySucceeded(table="t", key=key, duration=10.0),
        KeySkipped(table="t", key=key),
        KeyFailed(table="t", key=key, message="ValueError: no", traceback="Traceback …", duration=1.0),
    ]:
        state = state.after(event)
    assert (state.done, state.succeeded, state.skipped, state.failed, state.key) == (3, 1, 1, 1, "")
    # Rate and time left come from the keys that were computed, not from those that were there.
    assert state.rate(120.0) == 0.1
    assert state.remaining(120.0) == 10.0
    assert headline(state) == "3 of 4 keys"
    assert detail(state, 120.0) == "1 failed · 1 were there already · 20 s · 10 s a key · about 10 s left"
    state = state.after(
        PopulateFinished(table="t", succeeded=1, failed=1, skipped=1, duration=20.0, stopped=True, time=120.0)
    )
    assert headline(state) == "3 of 4 keys, stopped"
    assert state.elapsed(999.0) == 20.0
    static = static_progress(state, 999.0)
    assert "{'session': 1}: ValueError: no" in static.text
    assert "Traceback …" in static.html


@pytest.fixture
def score(lab_schema):
    """A computed table whose `make` waits for the test, and an event for each side."""

    @lab_schema
    class Session(dj.Manual):
        definition = """
        session : int32
        """

    Session.insert([{"session": i} for i in range(6)])
    entered, proceed = threading.Semaphore(0), threading.Semaphore(0)

    @lab_schema
    class Score(dj.Computed):
        definition = """
        -> Session
        ---
        score : int32
        """

        def make(self, key):
            entered.release()
            assert proceed.acquire(timeout=20)
            if key["session"] == 1:
                raise ValueError("<b>too short</b>")
            self.insert1({**key, "score": key["session"] ** 2})

    Score.entered, Score.proceed = entered, proceed
    return Score()


def let(score, count):
    for _ in range(count):
        score.proceed.release()


def test_in_the_background(score, capsys):
    run = PopulateRun(score)
    run.start()
    assert score.entered.acquire(timeout=10)
    assert run.progress.state == "running"
    assert run.progress.total == 6
    assert run.progress.key == "{'session': 0}"
    assert len(score) == 0  # this thread and its session are free
    let(score, 6)
    assert run.wait(20)
    assert run.progress.state == "finished"
    assert run.progress.succeeded == 5
    assert len(score) == 5
    assert [error.message for error in run.errors] == ["ValueError: <b>too short</b>"]
    assert "too short" in repr(run)
    assert "Error making" not in capsys.readouterr().out  # no log below whichever cell runs


def test_stop_ends_after_the_current_key(score):
    run = PopulateRun(score)
    run.start()
    assert score.entered.acquire(timeout=10)
    run.stop()
    assert run.progress.state == "stopping"
    assert not run.wait(0.05)
    let(score, 1)
    assert run.wait(20)
    assert run.progress.state == "stopped"
    assert len(score) == run.progress.done == 1


def test_one_run_at_a_time_and_the_next_waits_for_one_that_stops(score):
    first = PopulateRun(score)
    first.start()
    assert score.entered.acquire(timeout=10)
    with pytest.raises(dj.DataJointError, match="is being populated: 0 of 6 keys"):
        PopulateRun(score)
    first.close()  # its cell runs again
    second = PopulateRun(score)
    second.start()
    assert second.progress.state == "waiting"
    let(score, 6)
    assert first.wait(20)
    assert second.wait(20)
    assert second.progress.state == "finished"
    assert second.progress.total == 5
    assert len(score) == 5


def test_here_and_now(score):
    let(score, 6)
    run = PopulateRun(score, "session < 3", max_calls=2)
    run.run()
    assert run.progress.total == 2
    assert run.progress.over
    with pytest.raises(dj.DataJointError, match="cannot be populated"):
        PopulateRun(dj.FreeTable(score.connection, str(score.name)))


def test_a_run_that_fails_as_a_whole(score):
    run = PopulateRun(score, "no_such_attribute = 1")
    with pytest.raises(dj.DataJointError):
        run.run()
    assert run.progress.state == "failed"
    assert "no_such_attribute" in run.errors[0].message
    background = PopulateRun(score, "no_such_attribute = 1")
    background.start()
    assert background.wait(20)
    assert background.progress.state == "failed"


def test_the_view(score, sent):
    run = PopulateRun(score)
    view = PopulateView(run)
    assert view.progress["headline"] == "waiting for the earlier run to stop"
    run.start()
    assert score.entered.acquire(timeout=10)
    view._on_message(view, {"id": "v:1", "kind": "page", "payload": {"offset": 0, "limit": 1, "revision": 0}}, [])
    assert sent.get(timeout=5)["kind"] == "error"
    view._on_message(view, {"id": "v:2", "kind": "stop", "payload": {}}, [])
    assert sent.get(timeout=5) == {"id": "v:2", "kind": "done", "payload": {}}
    assert view.progress["state"] == "stopping"
    let(score, 1)
    assert run.wait(20)
    for thread in threading.enumerate():
        if thread.name == "dj populate view":
            thread.join(10)
    assert view.progress["over"]  # the last state always arrives
    assert view.progress["done"] == 1


def test_updates_are_few(score, monkeypatch):
    run = PopulateRun(score)
    view = PopulateView(run)
    changes = []
    view.observe(lambda change: changes.append(change["new"]), "progress")
    let(score, 6)
    run.start()
    assert run.wait(20)
    view._send_state()
    assert changes[-1]["done"] == 6
    assert len(changes) <= 6

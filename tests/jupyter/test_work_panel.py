"""The panel: tables in order, workers in threads and processes, pause, stop, kill, errors, and what it costs."""

from __future__ import annotations

import threading
import time

import pytest

import datajoint as dj
from datajoint_jupyter.display.work import failure_texts, panel_texts, static_panel
from datajoint_jupyter.work import Wishes, WorkPanel
from datajoint_jupyter.work.failures import error_class, place_of
from datajoint_jupyter.work.pace import Pace

pytestmark = [pytest.mark.usefixtures("close_widgets")]

PATIENCE = 30


def until(condition, patience=PATIENCE):
    """Wait until something is so; what is waited for goes on in other threads and processes."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class Gates:
    """What `make` waits for, told by the test."""

    def __init__(self):
        self.entered, self.proceed = threading.Semaphore(0), threading.Semaphore(0)
        self.made = []

    def let(self, count):
        for _ in range(count):
            self.proceed.release()


@pytest.fixture
def pipeline(lab_schema):
    """Sessions, scores of them, and ranks of the scores; a score waits if there are gates."""

    @lab_schema
    class Session(dj.Manual):
        definition = """
        session : int32
        """

    @lab_schema
    class Score(dj.Computed):
        definition = """
        -> Session
        ---
        score : int32
        """
        gates = None

        def make(self, key):
            if self.gates is not None:
                self.gates.entered.release()
                self.report(0.5, "half")
                assert self.gates.proceed.acquire(timeout=PATIENCE)
            if key["session"] % 4 == 1:
                raise ValueError(f"{key['session']} <b>too short</b>")
            self.insert1({**key, "score": key["session"] ** 2})

    @lab_schema
    class Rank(dj.Computed):
        definition = """
        -> Score
        ---
        rank : int32
        """

        def make(self, key):
            self.insert1({**key, "rank": 1})

    Session.insert([{"session": i} for i in range(8)])
    return Session, Score, Rank


@pytest.fixture
def gates(pipeline):
    gates = pipeline[1].gates = Gates()
    yield gates
    gates.let(1000)


@pytest.fixture
def panel_of(pipeline):
    """Make panels, whose work has ended when the test has."""
    made = []

    def make(*tables, **options):
        panel = WorkPanel([table() for table in tables], **options)
        panel._watcher.start()
        made.append(panel)
        return panel

    yield make
    for panel in made:
        panel.close()
        assert panel.wait(PATIENCE)
        panel._watcher._thread.join(PATIENCE)


def test_pace_comes_from_finished_keys():
    pace = Pace()
    pace.saw(0.0, 5)
    assert pace.rate is None
    pace.saw(10.0, 7)
    pace.saw(50.0, 7)  # a long key is not yet a slow one
    assert pace.rate == 0.2
    assert pace.left(4) == 20.0
    assert pace.left(0) is None
    pace.saw(60.0, 3)  # rows were deleted
    assert pace.rate is None
    for moment in range(200):
        pace.saw(100.0 + moment, 3 + moment)
    assert pace.rate == 1.0
    assert len(pace._seen) < 65


def test_kinds_of_errors():
    assert error_class("datajoint.errors.QueryError: no") == "datajoint.errors.QueryError"
    assert error_class("KeyboardInterrupt") == "KeyboardInterrupt"
    assert place_of('File "a.py", line 3, in f\n  g()\nFile "b.py", line 7, in g\n') == "g, line 7"
    assert place_of("") == ""


def test_several_tables_in_order(pipeline, panel_of):
    _, Score, Rank = pipeline
    panel = panel_of(Score, Rank, workers=3)
    panel.start()
    assert panel.wait(PATIENCE)
    assert panel.phase == "finished"
    assert (len(Score()), len(Rank())) == (6, 6)
    panel.refresh()
    lines = {line.name: line for line in panel.state.tables}
    assert (lines["lab.__score"].done, lines["lab.__score"].total, lines["lab.__score"].count("error")) == (6, 8, 2)
    assert (lines["lab.__rank"].done, lines["lab.__rank"].total) == (6, 6)
    # Two keys of one kind, whatever their messages.
    (kind,) = panel.failure_kinds
    assert (kind.error, kind.table, len(kind.failures)) == ("ValueError", "lab.__score", 2)
    assert kind.place.startswith("make, line")
    assert "Traceback" in kind.failures[0].traceback
    static = static_panel(panel.state)
    assert "12 of 14 keys · 2 failed · finished" in static.text
    assert "too short" in repr(panel)
    assert "&lt;b&gt;too short" in static.html


def test_pause_resume_and_stop(pipeline, panel_of, gates):
    _, Score, _ = pipeline
    panel = panel_of(Score)
    panel.start()
    assert gates.entered.acquire(timeout=PATIENCE)
    panel.pause()
    assert panel.phase == "pausing"
    gates.let(1)
    until(lambda: panel.phase == "paused")
    assert len(Score()) == 1
    assert not Score.jobs.reserved  # what was claimed and not begun is there for others
    assert not gates.entered.acquire(timeout=0.2)
    with pytest.raises(dj.DataJointError, match="The work is paused"):
        panel.start()
    panel.resume(2)
    assert panel.state.chosen == (2, "threads")
    for _ in range(2):
        assert gates.entered.acquire(timeout=PATIENCE)
    panel.stop()
    gates.let(2)
    began = time.monotonic()
    assert panel.wait(PATIENCE)
    assert time.monotonic() - began < 1
    assert panel.phase == "stopped"
    assert len(Score()) + len(Score.jobs.errors) == 3
    assert not Score.jobs.reserved
    gates.let(100)
    panel.start()
    assert panel.wait(PATIENCE)
    assert (panel.phase, len(Score())) == ("finished", 6)


def test_kill_rolls_back_and_gives_back(pipeline, panel_of, gates):
    _, Score, _ = pipeline
    panel = panel_of(Score, workers=2)
    panel.start()
    for _ in range(2):
        assert gates.entered.acquire(timeout=PATIENCE)
    panel.kill()
    gates.let(2)  # the lock returns, and the thread ends there
    assert panel.wait(PATIENCE)
    assert panel.phase == "killed"
    assert len(Score()) == 0
    assert Score.jobs.progress() == {"pending": 8, "reserved": 0, "success": 0, "error": 0, "ignore": 0, "total": 8}
    gates.let(100)
    panel.start()
    assert panel.wait(PATIENCE)
    assert len(Score()) == 6


def test_kill_leaves_threads_alone_that_cannot_be_ended(pipeline, panel_of, gates):
    _, Score, _ = pipeline
    panel = panel_of(Score)
    panel.start()
    assert gates.entered.acquire(timeout=PATIENCE)
    panel.kill()
    assert panel.wait(PATIENCE)  # although its thread waits outside of Python
    assert panel.phase == "killed"
    assert Score.jobs.progress()["pending"] == 8
    gates.let(1)
    until(lambda: not any(t.name == "dj work 0" for t in threading.enumerate()))
    assert len(Score()) == 0


def test_processes(pipeline, panel_of):
    _, Score, Rank = pipeline
    panel = panel_of(Score, Rank, workers=2, kind="processes")
    panel.start()
    assert panel.wait(PATIENCE)
    assert panel.phase == "finished"
    assert (len(Score()), len(Rank())) == (6, 6)


def test_processes_are_killed(pipeline, panel_of, tmp_path):
    _, Score, _ = pipeline

    def make(self, key):
        (tmp_path / "entered").touch()
        time.sleep(600)

    Score.make = make
    panel = panel_of(Score, workers=2, kind="processes")
    panel.start()
    until((tmp_path / "entered").exists)
    panel.kill()
    assert panel.wait(PATIENCE)
    assert panel.phase == "killed"
    assert len(Score()) == 0
    until(lambda: Score.jobs.recover() or Score.jobs.progress()["pending"] == 8)


def test_retry_and_ignore(pipeline, panel_of):
    _, Score, _ = pipeline
    panel = panel_of(Score)
    panel.start()
    assert panel.wait(PATIENCE)
    panel.refresh()
    first, second = sorted(panel.failures, key=lambda failure: failure.key["session"])
    Score.make = lambda self, key: self.insert1({**key, "score": -1})
    assert panel.ignore([second]) == 1
    assert panel.retry([first]) == 1  # the panel computes, and begins again
    assert panel.wait(PATIENCE)
    panel.refresh()
    assert panel.failures == []
    assert (Score & {"session": 1}).fetch1("score") == -1
    assert Score.jobs.progress()["ignore"] == 1
    assert panel.state.tables[0].total == 7


def test_work_that_fails_as_a_whole(pipeline, panel_of):
    _, Score, _ = pipeline
    panel = panel_of(Score, wishes=Wishes(("no_such_attribute = 1",)))
    panel.start()
    assert panel.wait(PATIENCE)
    assert panel.phase == "failed"
    assert "no_such_attribute" in panel_texts(panel.state, 2)["error"]
    with pytest.raises(dj.DataJointError, match="no_such_attribute"):
        panel.run()


def test_wishes_are_kept(pipeline, panel_of):
    _, Score, _ = pipeline
    panel = panel_of(Score, wishes=Wishes(("session > 1",), max_calls=3), workers=2)
    panel.start()
    assert panel.wait(PATIENCE)
    assert len(Score()) + len(Score.jobs.errors) == 3
    assert not Score & "session < 2"


def test_another_panel_tells_the_same(pipeline, panel_of, gates):
    _, Score, _ = pipeline
    panel, other = panel_of(Score), panel_of(Score)
    panel.start()
    assert gates.entered.acquire(timeout=PATIENCE)
    # What runs, how far it is and who does it is told by the database.
    until(lambda: other.state.tables[0].running)
    (running,) = other.state.tables[0].running
    assert (running.key, running.progress, running.message) == ({"session": 0}, 0.5, "half")
    (worker,) = other.state.workers
    assert not worker.gone
    texts = panel_texts(other.state, 2)
    assert texts["running"][0]["key"] == "{'session': 0}"
    assert texts["staff"][0]["state"] == "alive"
    assert texts["can"] == {
        "start": True,
        "pause": False,
        "resume": False,
        "stop": False,
        "kill": False,
        "recover": False,
    }
    gates.let(8)
    assert panel.wait(PATIENCE)
    until(lambda: not other.state.workers and len(other.failures) == 2)
    assert [t.count("error") for t in other.state.tables] == [2]
    assert failure_texts(other.failure_kinds)[0]["count"] == "2 keys"


def test_no_key_is_counted_twice(pipeline, panel_of):
    _, Score, _ = pipeline
    panel = panel_of(Score)
    until(lambda: panel.state.seen and panel.state.tables[0].total == 8)
    assert (panel.state.tables[0].missing, panel.state.tables[0].counts) == (8, None)
    Score.populate(reserve_jobs=True, suppress_errors=True, max_calls=2)  # which queues all, as any other worker does
    until(lambda: panel.state.tables[0].counts is not None and panel.state.tables[0].done)
    line = panel.state.tables[0]
    assert (line.total, line.missing, line.waiting, line.count("error")) == (8, 0, 6, 1)
    (Score.jobs & "session > 4").delete_quick()
    until(lambda: panel.state.tables[0].count("pending") == 3)
    assert (panel.state.tables[0].total, panel.state.tables[0].missing) == (8, 3)


def test_watching_a_table_whose_class_is_unknown(pipeline, lab_connection):
    _, Score, _ = pipeline
    Score.populate(reserve_jobs=True, suppress_errors=True)
    panel = WorkPanel([dj.FreeTable(lab_connection, "lab.__score")])
    panel.refresh()
    assert (panel.state.tables[0].done, len(panel.failures)) == (6, 2)
    with pytest.raises(dj.DataJointError, match="Nothing can be computed here"):
        panel.start()
    assert panel.retry(panel.failures[:1]) == 1
    assert Score.jobs.progress()["pending"] == 1
    panel.close()


KEYS = 1000


def test_populate_under_it_costs_next_to_nothing(lab_schema, lab_connection, panel_of, sent):
    """At most a statement a second more, and 0.2 ms of processor time a key; its view is told all the while."""
    from datajoint_jupyter.widgets.panel.widget import PanelView

    @lab_schema
    class Trial(dj.Manual):
        definition = """
        trial : int32
        """

    @lab_schema
    class Mean(dj.Computed):
        definition = """
        -> Trial
        """

        def make(self, key):
            time.sleep(0.001)
            self.insert1(key)

    Trial.insert([{"trial": i} for i in range(KEYS)])
    asked = []
    log = lab_connection._statements.log
    log._observers = (*log._observers, lambda _record: asked.append(threading.current_thread().name))

    def spent(work):
        (Mean & True).delete_quick()
        Mean.jobs.delete_quick()
        Mean.jobs.refresh()
        asked.clear()
        processor, began = time.process_time(), time.monotonic()
        work()
        assert len(Mean()) == KEYS
        return time.process_time() - processor, time.monotonic() - began

    def alone():
        def work():
            Mean.populate(reserve_jobs=True, suppress_errors=True)
            lab_connection.close_thread()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    panel = panel_of(Mean)
    until(lambda: panel.state.seen and not panel._watcher._uncounted)
    view = PanelView(panel)

    def under_the_panel():
        panel.start()
        assert panel.wait(PATIENCE)

    panel._watcher._closed.wait(1)  # the second after the last count
    with_panel, elapsed = spent(under_the_panel)
    assert asked.count("dj watch") <= elapsed + 2
    view.close()
    panel.close()
    panel._watcher._thread.join(PATIENCE)
    bare, _ = spent(alone)
    assert (with_panel - bare) / KEYS < 0.0002


def test_the_view(pipeline, panel_of, gates, sent):
    from datajoint_jupyter.widgets.panel.widget import PanelView

    _, Score, _ = pipeline
    panel = panel_of(Score)
    view = PanelView(panel)

    def ask(word, **payload):
        view._on_message(view, {"id": "v:1", "kind": word, "payload": payload}, [])
        return sent.get(timeout=PATIENCE)

    assert ask("start", workers=0, kind="threads")["kind"] == "error"
    assert ask("start", workers=1, kind="ropes")["kind"] == "error"
    assert ask("retry", ids=["x"])["kind"] == "error"
    assert ask("start", workers=1, kind="threads")["kind"] == "done"
    assert gates.entered.acquire(timeout=PATIENCE)
    assert view.state["can"] == {
        "start": False, "pause": True, "resume": False, "stop": True, "kill": True, "recover": False,
    }  # fmt: skip
    assert ask("pause")["kind"] == "done"
    assert view.state["phase"] == "pausing"
    gates.let(100)
    until(lambda: view.state["phase"] == "paused")
    assert ask("resume", workers=2, kind="threads")["kind"] == "done"
    until(lambda: view.state["phase"] == "finished")
    until(lambda: view.failures)
    (kind,) = view.failures
    assert ask("ignore", ids=[kind["keys"][0]["id"]]) == {"id": "v:1", "kind": "done", "payload": {"count": 1}}
    until(lambda: view.failures and view.failures[0]["count"] == "1 key")
    assert ask("retry", ids=[kind["id"]])["payload"] == {"count": 1}
    assert ask("recover")["payload"] == {"count": 0}
    assert ask("stop")["kind"] == ask("kill")["kind"] == "done"
    assert panel.wait(PATIENCE)
    view.close()

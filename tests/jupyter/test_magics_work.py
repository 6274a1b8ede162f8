"""``%dj populate`` of several tables, ``%dj watch``, ``%dj jobs``, ``%dj errors``, and ``%dj why`` of work."""

from __future__ import annotations

import re

import pytest

pytestmark = [pytest.mark.usefixtures("close_widgets")]

PIPELINE = """
import datajoint as dj
schema = dj.Schema("lab", connection=connection)

@schema
class Session(dj.Manual):
    definition = '''
    session : int32
    '''

@schema
class Score(dj.Computed):
    definition = '''
    -> Session
    ---
    score : int32
    '''

    def make(self, key):
        if key["session"] == 2:
            raise ValueError("too short")
        self.insert1({**key, "score": 1})

@schema
class Rank(dj.Computed):
    definition = '''
    -> Score
    ---
    rank : int32
    '''

    key_source = Score & "session <> 1"

    def make(self, key):
        self.insert1({**key, "rank": 1})

Session.insert([{"session": i} for i in range(6)])
"""


@pytest.fixture
def lab(run, shell, lab_connection):
    shell.user_ns["connection"] = lab_connection
    run(PIPELINE)


def test_several_tables_and_whole_schemas(run, lab, shell):
    shown = run("%dj populate Rank, Score --workers 2 -o panel")
    panel = shell.user_ns["panel"]
    assert panel.phase == "finished"
    assert [table.class_name for table in panel.tables] == ["Score", "Rank"]  # parents first
    assert "9 of 10 keys · 1 failed · finished" in shown
    run("Rank.delete(prompt=False)")
    shown = run("%dj populate lab")
    assert "9 of 10 keys · 1 failed" in shown
    run("Rank.delete(prompt=False)")
    run("%dj populate Rank --processes 2 --max-calls 2 --order reverse --time-limit 60 --priority 9")
    assert len(shell.user_ns["Rank"]()) == 2


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("%dj populate Score, Rank & 'session = 1'", "Rank is restricted, and work is done on whole tables"),
        ("%dj populate (Score, Rank) & 'session = 1'", "takes conditions for one table"),
        ("%dj populate Score --order sideways", "is none of original, reverse, random"),
        ("%dj populate Score --priority low", "is no whole number"),
        ("%dj populate Score --time-limit 0", "no positive number of seconds"),
        ("%dj watch Session", "Session has no imported or computed table"),
        ("%dj watch Scor", "Did you mean 'Score'?"),
        ("%dj errors 3", "int is neither a table nor a schema"),
    ],
)
def test_wrong_use_is_answered_in_a_line(run, lab, line, answer):
    assert answer in run(line, fails="CommandError")


def test_watch_jobs_and_errors(run, lab, shell):
    assert "0 of 6 keys" in run("%dj watch")
    assert "Nothing has failed." in run("%dj errors")
    run("Score.populate(reserve_jobs=True, suppress_errors=True, max_calls=4)")
    shown = run("%dj watch lab -o panel")
    assert "3 of 6 keys" in shown or "3 of 8 keys" in shown
    assert [failure.key for failure in shell.user_ns["panel"].failures] == [{"session": 2}]
    shown = run("%dj errors Score -o found")
    assert "ValueError in make, line 20: 1 key of lab.__score" in shown
    assert "Traceback" in shown
    assert shell.user_ns["found"][0].expression == "Score & {'session': 2}"
    shown = run("%dj jobs Score --limit 1 -o queue")
    assert "Jobs of lab.__score: 1 of 3" in shown
    assert len(shell.user_ns["queue"]) == 3
    assert "lab.__rank" in run("%dj jobs")
    # Where the code of the classes is not known.
    for name in ("Session", "Score", "Rank"):
        del shell.user_ns[name]
    assert "ValueError" in run("%dj watch lab")


def test_why_of_work(run, lab):
    assert "Score {'session': 0} is missing" in run("%dj why Score & {'session': 0}")
    shown = run("%dj why Rank & {'session': 0}")
    assert "Rank {'session': 0} is blocked: lab.__score has no row {'session': 0}" in shown
    assert "Score {'session': 0} is missing" in shown
    run("Score.jobs.refresh()")
    assert "is pending" in run("%dj why Score & {'session': 0}")
    run("Score.jobs.reserve({'session': 5})")
    shown = run("%dj why Score & {'session': 5}")
    assert "is running" in shown
    assert "has been reserved since" in shown
    assert "process" in shown
    run("Score.populate(reserve_jobs=True, suppress_errors=True, refresh=False)")
    assert "has failed. {'session': 2} failed at" in run("%dj why Score & {'session': 2}")
    assert "is done: it has its row" in run("%dj why Score & {'session': 1}")
    shown = run("%dj why Rank & {'session': 1}")
    assert "is never a candidate" in shown
    shown = run("%dj why Rank & {'session': 2}")
    assert "is blocked" in shown
    assert "Score {'session': 2} has failed" in shown
    assert "Score {'session': 9} is blocked: lab.session has no row {'session': 9}" in run(
        "%dj why Score & {'session': 9}"
    )
    run("Score.jobs.ignore({'session': 2})")
    assert "is ignored" in run("%dj why Score & {'session': 2}")
    shown = run("%dj why Rank & 'session < 4'")
    assert "2 of 2 keys that are to be computed have no row" in shown
    # What is no work is answered as before.
    assert "has 6 rows" in run("%dj why Session & {'session': 7}")
    assert "score = 7" in run("%dj why Score & {'score': 7}")


def test_why_without_the_class(run, lab, shell):
    for name in ("Session", "Score", "Rank"):
        del shell.user_ns[name]
    assert "only the class of Score tells" in run("%dj why lab.Score & {'session': 0}")


def test_the_functions(run, lab, shell):
    run("import datajoint_jupyter as dn; a = dn.populate([Score, Rank], workers=2); b = dn.watch(schema)")
    assert shell.user_ns["a"].phase == "finished"
    assert len(shell.user_ns["b"].tables) == 2
    run("c = dn.populate(Score, 'session < 1')")
    assert shell.user_ns["c"].progress.state == "finished"


# --- %dj debug
def test_a_key_is_made_in_a_cell_that_keeps_nothing(run, lab, shell):
    shown = run("%dj debug Score & {'session': 4}")
    assert "Score {'session': 4}" in shown
    assert "Session {'session': 4}" in shown  # what it is made of
    cell = shell.rl_next_input
    result = shell.run_cell(cell).result
    assert result == [{"session": 4, "score": 1}]
    assert len(shell.user_ns["Score"]()) == 0
    run("Score.populate('session = 4')")
    assert shell.user_ns["Score"]().to_dicts() == result
    # It is there to be changed.
    run("%dj debug Score & 'session = 5'")
    assert shell.run_cell(shell.rl_next_input.replace('"score": 1', '"score": 7')).result == [
        {"session": 5, "score": 7}
    ]
    assert shell.user_ns["Score"].make is not shell.user_ns["make"]


def test_the_key_that_failed_last_is_made_again(run, lab, shell):
    run("Score.populate(reserve_jobs=True, suppress_errors=True)")
    shown = run("%dj debug Score")
    assert "Score {'session': 2}, which failed last" in shown
    assert "It failed: ValueError: too short" in shown
    assert isinstance(shell.run_cell(shell.rl_next_input).error_in_exec, ValueError)
    assert "No key of Score that agrees is left to make" in run("%dj debug Score & 'session = 1'", fails="CommandError")
    assert "no table whose make() is known here" in run("%dj debug Session & 'session = 1'", fails="CommandError")


def test_a_make_of_a_module_or_in_three_parts_is_made_too(run, lab, shell, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "far_away.py").write_text(
        """
import datetime
import datajoint as dj
import math as m

def half(x):
    return x / 2

class Day(dj.Manual):
    definition = '''
    day : date
    '''

class Root(dj.Computed):
    definition = '''
    -> Day
    ---
    root : float64
    '''

    def make_fetch(self, key):
        return ((Day & key).fetch1("day"),)

    def make_compute(self, key, day):
        return (m.sqrt(half(day.day)),)

    def make_insert(self, key, root):
        self.insert1({**key, "root": root})

class Twice(Root):
    definition = '''
    -> Day
    ---
    root : float64
    '''

    def make_insert(self, key, root):
        super().make_insert(key, 2 * root)
"""
    )
    run(
        "from far_away import Day, Root, Twice\nfor cls in (Day, Root, Twice): schema(cls)\nDay.insert1({'day': '2024-05-08'})"
    )
    run("%dj debug Root")
    assert "import math as m\nfrom far_away import half\n" in shell.rl_next_input
    assert [row["root"] for row in shell.run_cell(shell.rl_next_input).result] == [2.0]
    # What only means something within its class is run as it is there.
    run("%dj debug Twice")
    assert shell.rl_next_input.endswith("Twice().run({'day': '2024-05-08'})")
    assert [row["root"] for row in shell.run_cell(shell.rl_next_input).result] == [4.0]
    assert not shell.user_ns["Root"]()


# --- %dj locks
def test_who_writes_is_told(run, lab, shell, lab_connection):
    assert "Nobody waits for anybody" in run("%dj locks")
    with lab_connection.transaction:
        run("Session.insert1({'session': 99})")
        assert "the database" in run("%dj locks -o held")
        number = shell.user_ns["held"][0].blocking.number
        assert "is a process of this machine" in run(f"%dj locks --end {number}", fails="DataJointError")
    assert "Nobody waits for a session of number 1" in run("%dj locks --end 1", fails="DataJointError")


# --- %dj top
def test_who_is_at_work_is_told(run, lab, shell, lab_connection, monkeypatch):
    assert "No one else runs a statement" in run("%dj top")
    with lab_connection.transaction:
        run("Session.insert1({'session': 99})")
        assert "process" in run("%dj top -o busy")
        number = shell.user_ns["busy"][0].process.number
        assert "is a process of this machine" in run(f"%dj top --end {number}", fails="DataJointError")
    assert "No session of number 1 runs a statement" in run("%dj top --end 1", fails="DataJointError")
    assert "Did you mean '--end'?" in run("%dj top --edn 1", fails="CommandError")
    from datajoint.backends.base import Process
    from datajoint.sql.fragment import Sql

    slow = Process(7, "ann", "lab-pc", "SELECT * FROM `lab`.`__score` -- <b>", 12.34)
    monkeypatch.setattr(lab_connection.backend, "working", lambda execute, target: [slow])
    shown = run("%dj top")
    assert re.search(r"12\.3 +ann@lab-pc +7 +Score +'?SELECT", shown)
    ended = []
    monkeypatch.setattr(lab_connection.backend, "user", lambda execute: "ann@lab-pc")
    monkeypatch.setattr(lab_connection.backend, "end_statement", lambda number: ended.append(number) or Sql("SELECT 1"))
    assert "The statement of session 7 was ended." in run("%dj top --end 7")
    assert ended == [7]

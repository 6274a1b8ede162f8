"""`%dj` and `%%dj` in a shell: what they show, keep, complete, and how they answer wrong use."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def pipeline(run, shell, lab_schema):
    """Two tables with rows, active in the shell's namespace."""
    shell.user_ns.update(schema=lab_schema)
    run(
        """
import datajoint as dj

@schema
class Session(dj.Manual):
    definition = '''
    # a recording
    session : int32
    ---
    name : varchar(30)
    trace=null : <blob>
    '''

    class Note(dj.Part):
        definition = '''
        -> master
        note : int32
        '''

@schema
class Score(dj.Computed):
    definition = '''
    -> Session
    ---
    score : float64
    '''

    def make(self, key):
        if key["session"] == 2:
            raise ValueError("too short")
        self.insert1({**key, "score": key["session"] / 2})

Session.insert([{"session": i, "name": f"s{i}"} for i in range(5)])
"""
    )
    return lab_schema.database


def test_help(run):
    assert "browse" in run("%dj")
    assert run("%dj") == run("%dj help") == run("%dj --help")
    manual = run("%dj browse --help")
    assert manual == run("%dj help browse")
    assert "--limit N" in manual
    assert "-o" in run("%%dj --help\n1")
    assert "Did you mean 'browse'?" in run("%dj help brouse", fails="CommandError")


def test_status_schemas_tables(run, pipeline):
    status = run("%dj status")
    assert f"{pipeline} (2 tables)" in status
    assert "password" not in status
    assert re.search(rf"{pipeline} +\d+ +yes", run("%dj schemas"))
    tables = run("%dj tables --counts").splitlines()
    assert [line.split()[:3] for line in tables if re.match("S", line)] == [
        ["Session", "Manual", "5"],
        ["Session.Note", "Part", "0"],
        ["Score", "Computed", "0"],
    ]
    assert run(f"%dj tables {pipeline}") == run("%dj tables")


@pytest.mark.parametrize(
    ("line", "fails", "answer"),
    [
        ("%dj brwse Session", "CommandError", "Did you mean 'browse'?"),
        ("%dj Session", "CommandError", "Write %dj browse Session."),
        ("%dj browse Sesion", "CommandError", "Did you mean 'Session'?"),
        ("%dj browse Session --limt 3", "CommandError", "Did you mean '--limit'?"),
        ("%dj browse Session --limit", "CommandError", "--limit needs a value"),
        ("%dj browse Session --limit many", "CommandError", "no positive whole number"),
        ("%dj browse Session -o 3", "CommandError", "no name of a variable"),
        ("%dj browse", "CommandError", "was given no expression"),
        ("%dj browse 3", "CommandError", "3 is int"),
        ("%dj browse Session & 'nme = 1'", "UnknownAttributeError", "name"),
        ("%dj tables no_such_schema", "CommandError", "There is no schema 'no_such_schema'"),
        ("%dj status please", "CommandError", "takes no 'please'"),
        ("%dj populate Session", "CommandError", "is none (Session)"),
        ("%%dj\nfor x in Session: pass", "CommandError", "another statement (for)"),
        ("%%dj -o kept\nx = Session", "CommandError", "nothing to keep as kept"),
        ("%%dj\nSession &", "CommandError", "invalid syntax in line 1"),
        ("%%dj\n* Session", "CommandError", "nothing is above it"),
        ("%dj populate Score +", "CommandError", "invalid syntax"),
        ("%dj populate", "CommandError", "takes one expression"),
    ],
)
def test_wrong_use_is_answered_in_a_line(run, pipeline, line, fails, answer):
    shown = run(line, fails=fails)
    assert answer in shown
    assert "Traceback" not in shown
    assert len(shown.splitlines()) <= 6


def test_the_whole_traceback_is_kept(run, pipeline):
    short = run("%dj browse Session & 'nme = 1'", fails="UnknownAttributeError")
    assert "%tb" in short
    assert "Traceback" in run("%tb")


def test_browse(run, pipeline):
    shown = run("%dj browse Session --limit 2")
    assert f"{pipeline}.session" in shown
    assert "(2 of 5 rows)" in shown
    assert "<blob>" in shown
    assert "s1" in shown
    assert "s2" not in shown
    # Braces, quotes and dollar signs of the line are Python's.
    run("who = 'nobody'")
    assert "(1 row)" in run("%dj browse Session & {'session': 3}")
    assert "(0 rows)" in run("%dj browse Session & {'name': '{who} $who'}")
    assert "s4" in run("""%dj browse Session & "name = 's4'" --static -o kept""")
    assert run("len(kept)").strip().endswith("1")


def test_expressions_over_several_lines(run, pipeline, shell):
    shown = run(
        """%%dj -o found --limit 1
        late = Session  # all
          & 'session > 1'

        late
          & 'session < 4'   # not the last
          * Score.proj(other='score')
          - {'session': 9}
        """.replace("\n        ", "\n")
    )
    assert "(late & 'session < 4') * Score.proj(other='score') - {'session': 9}" in shown
    assert "(0 rows)" in shown
    assert len(shell.user_ns["late"]) == 3
    assert shell.user_ns["found"].primary_key == ["session"]
    assert shell.user_ns["_"] is shell.user_ns["found"]
    assert run("%%dj\nlen(Session)").strip().endswith("5")
    assert run("%%dj\n[n for n in (Session & 'session < 2').to_arrays('name')]").strip().endswith("]")


def test_tables_by_bare_name(run, pipeline, shell):
    for name in ("Session", "Score"):
        del shell.user_ns[name]
    assert "(5 rows)" in run("%dj browse Session")
    assert "(0 rows)" in run("%dj browse Session.Note")
    assert "(5 rows)" in run(f"%dj browse {pipeline}.Session")
    assert "Session" not in shell.user_ns
    # A class without its code can't be computed.
    assert "make" in run("%dj populate Score", fails="CommandError")


def test_populate(run, pipeline, shell):
    shown = run("%dj populate Score & 'session > 0' --max-calls 3 -o first")
    assert shell.user_ns["first"].progress.total == 3
    shown = run("%dj populate Score & 'session > 0' -o work")
    progress = shell.user_ns["work"].progress
    assert progress.state == "finished"
    assert [error.key for error in shell.user_ns["work"].errors] == ["{'session': 2}"]
    assert "ValueError: too short" in shell.user_ns["work"].errors[0].traceback
    assert len(shell.user_ns["Score"]()) == 3
    assert "Score" not in shown or "failed" in shown
    assert "1 failed" in repr(shell.user_ns["work"])


def test_diagram(run, pipeline, shell):
    run("%dj diagram -o whole")
    run("%dj diagram Score --up 1 -o part")
    run("%dj diagram Session, Score -o two")
    run("%dj diagram --overview --status --legend -o over")
    assert len(shell.user_ns["whole"].nodes_to_show) == 3
    assert len(shell.user_ns["part"].nodes_to_show) == 2
    assert len(shell.user_ns["two"].nodes_to_show) == 2
    over = shell.user_ns["over"]
    assert 'class="legend"' in over._repr_svg_()
    assert len(over.statuses) == 3
    assert len(over._scene().boxes) == 1


def completions(shell, text):
    from IPython.core.completer import provisionalcompleter

    with provisionalcompleter():
        return {c.text for c in shell.Completer.completions(text, len(text))}


def test_completion(run, pipeline, shell, lab_connection):
    run("1")
    assert {"browse", "diagram", "populate"} <= completions(shell, "%dj ")
    assert completions(shell, "%dj bro") == {"browse"}
    assert completions(shell, "%dj browse Sess") == {"Session", "Session.Note"}
    assert completions(shell, "%dj browse Session.N") == {"Session.Note"}
    assert completions(shell, "%dj browse Session --") == {"--limit", "--static", "--conn", "--output", "--help"}
    assert completions(shell, "%dj browse Session & 'na") == {"name"}
    assert completions(shell, "%%dj --st") == {"--static"}
    assert completions(shell, "%%dj\nSession\n & {'se") == {"session"}
    assert pipeline in completions(shell, f"%dj tables {pipeline[:2]}")
    assert completions(shell, "%dj help dia") == {"diagram"}
    # A key press costs no query, but for the one that tells, once a second, whether anything changed.
    with lab_connection.query_log() as log:
        completions(shell, "%dj browse Sco")
        completions(shell, "%dj browse Score & 'sc")
    assert len(log) <= 1


def test_attributes_are_completed_in_code(run, pipeline, shell):
    run("table = 5")
    assert "session" in completions(shell, "Session & 'se")
    assert "name" in completions(shell, "x = Session.proj('na")
    assert "session" in completions(shell, 'Session.Note.fetch1("sess')
    assert "session" not in completions(shell, "print('se")
    assert "session" not in completions(shell, "table & 'se")


def test_values_are_completed(run, pipeline, shell, lab_connection):
    run(
        """
@schema
class Rig(dj.Lookup):
    definition = '''
    rig : varchar(20)
    ---
    kind : enum('bench', 'box')
    '''
    contents = [("left rig", "bench"), ("right-rig", "box"), ("it's", "box")]
"""
    )
    assert completions(shell, "Rig & {'kind': 'b") == {"bench", "box"}
    assert completions(shell, "%dj browse Rig & {'kind': ['bench', 'bo") == {"box"}
    assert completions(shell, "Rig & \"kind = 'be") == {"bench"}
    assert completions(shell, "%%dj\nRig\n& {'kind': '") == {"bench", "box"}
    assert completions(shell, "Rig & {'rig': 'left r") == {"left rig"}
    assert completions(shell, "Rig & {'rig': '") == {"left rig", "right-rig"}  # a quote would end the text
    assert completions(shell, "%%dj --as pa") == completions(shell, "%%dj sql --as pa") == {"pandas"}
    # What a key press has asked is kept until a cell has run.
    with lab_connection.query_log() as log:
        assert completions(shell, "Rig & {'rig': 'left r") == {"left rig"}
    assert not log
    run("Rig.insert1({'rig': 'left rack', 'kind': 'box'})")
    assert completions(shell, "Rig & {'rig': 'left r") == {"left rig", "left rack"}


def test_loading_again_and_unloading(run, shell):
    run("%reload_ext datajoint_jupyter")
    assert sum("datajoint" in getattr(m, "__name__", "") for m in shell.Completer.custom_matchers) == 1
    run("%unload_ext datajoint_jupyter")
    assert shell.find_line_magic("dj") is None
    assert shell.find_cell_magic("dj") is None
    assert not shell.Completer.custom_matchers
    run("%load_ext datajoint_jupyter")
    assert "browse" in run("%dj")


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("A\n& B", "(A\n)& B"),
        ("A & 'x'\n* B\n.head()", "((A & 'x'\n)* B\n).head()"),
        ("A  # why\n\n  # so\n  * B", "(A  # why\n\n  # so\n  )* B"),
        ("x = A\n - B\nC", "x = (A\n )- B\nC"),
        ("f(A,\n  -B)\nC", "f(A,\n  -B)\nC"),
        ("A.proj(\n  'a'\n)\n.head()", "(A.proj(\n  'a'\n)\n).head()"),
        ("A & '''\n& x\n'''", "A & '''\n& x\n'''"),
        ("A & (", "A & ("),
        ("* A", "* A"),
        ("", ""),
    ],
)
def test_lines_that_begin_with_an_operator_continue(text, joined):
    from datajoint_jupyter.magics.evaluate import join_lines

    assert join_lines(text) == joined


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a  b", ["a", "b"]),
        ("A & {'x y': 1} --limit=3", ["A", "&", "{'x y': 1}", "--limit=3"]),
        ("""A & "it's (" -o b""", ["A", "&", '"it\'s ("', "-o", "b"]),
        (r"'a\' b' c", [r"'a\' b'", "c"]),
        ("", []),
    ],
)
def test_words(line, words):
    from datajoint_jupyter.magics.arguments import outer_words

    assert outer_words(line) == words


def test_insert_and_delete(run, pipeline):
    assert "Insert into lab.session" in run("%dj insert Session -o form")
    assert run("print(form.code, form.insert.__name__)").startswith("Session.insert1({})")
    run("form.values = {'session': 77, 'name': 'new'}; form.parts = {'Session.Note': [{'note': 1}]}; form.insert()")
    assert run("print(len(Session()), len(Session.Note()))").strip() == "6 1"
    said = run('%dj delete Session & "session = 77" -o view')
    assert "2 rows will be deleted from 2 tables" in said
    assert run("print(view.code, view.plan.seed_count)").strip() == '(Session & "session = 77").delete() 1'
    run("view.confirm('lab.session'); view.wait(20)")
    assert run("print(view.said, len(Session()))").strip() == "2 rows deleted from 2 tables. 5"
    run("Session.Note.insert1({'session': 1, 'note': 1})")
    assert "before its master" in run("%dj delete Session.Note")
    assert "before its master" not in run("%dj delete Session.Note --parts cascade")
    assert "is none of enforce" in run("%dj delete Session --parts all", fails="CommandError")
    assert "takes a table" in run("%dj insert Session * Score", fails="CommandError")
    assert "no table" in run("%dj delete Session * Score", fails="CommandError")
    assert "made by its make()" in run("%dj insert Score", fails="DataJointError")
    assert "is restricted" in run("%dj insert Session & 'session=1'", fails="DataJointError")

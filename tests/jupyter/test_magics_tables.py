"""Magics about tables: declare, describe, explain, export, and SQL in a cell."""

from __future__ import annotations

import csv

import pytest


@pytest.fixture
def pipeline(run, shell, lab_schema):
    """A table that the cell magic declares, with rows."""
    shell.user_ns["schema"] = lab_schema
    run(
        """%%dj define Subject(Manual)
    # an animal
    subject : int32
    ---
    name : varchar(30)      # as on the cage
    weight=null : float64   # (g)
    picture=null : <blob>
    """
    )
    run("Subject.insert({'subject': i, 'name': n, 'weight': i / 2} for i, n in enumerate(['ann', '=1+1', 'zoë']))")


def test_define(run, shell, pipeline):
    assert len(shell.user_ns["Subject"]()) == 3
    shown = run("%%dj define Session(Manual) -s schema\n-> Subject\nsession : int32\n---\nday : date  # of recording")
    assert "of recording" in shown
    assert "lab.Subject" in shown
    # By bare name, through a schema in use; and a part for a master that exists already.
    del shell.user_ns["Subject"]
    run("%%dj define Session.Note(Part)\n-> master\nnote : int32")
    assert shell.user_ns["Session"].Note().heading.names == ["subject", "session", "note"]
    assert "make()" in run("%%dj define Score(Computed) -s lab\n-> Session\n---\nscore : float64")
    shell.user_ns["Score"]()


@pytest.mark.parametrize(
    ("cell", "fails", "answer"),
    [
        ("%%dj define Subject\na : int32", "CommandError", "not a name and a tier"),
        ("%%dj define Cage(Manul)\na : int32", "CommandError", "Did you mean 'Manual'?"),
        ("%%dj define Cage(Part)\na : int32", "CommandError", "Master.Cage(Part)"),
        ("%%dj define Cage(Manual) -s lba\na : int32", "CommandError", "Did you mean 'lab'?"),
        ("%%dj define Subjct.Cage(Part)\n-> master", "CommandError", "Did you mean 'Subject'?"),
        ("%%dj define Cage(Manual)\na : int33", "DefinitionError", "int32"),
        ("%%dj define Subject.Cage(Part)\n-> mster", "DefinitionError", "mster"),
        ("%%dj defin Cage(Manual)\na : int32", "CommandError", "Did you mean 'define'?"),
        ("%%dj sql\nSELECT 1; DELETE FROM `lab.subject`", "CommandError", "several"),
        ("%%dj sql\n-- nothing", "CommandError", "no statement"),
        ("%%dj sql\nSELECT :nam", "CommandError", "no variable 'nam'"),
        ("%%dj sql --as pandsa\nSELECT 1", "CommandError", "Did you mean 'pandas'"),
        ("%%dj sql --as expr\nSELECT 1", "CommandError", "no expression"),
        ("%%dj sql --as dicts\nSELECT 1 AS a, 2 AS a", "CommandError", "Two columns are called 'a'"),
        ("%%dj --as pandas\n3", "CommandError", "needs rows"),
        ("%dj export Subject", "CommandError", "an expression and a file"),
        ("%dj export Subject subject.xlsx", "DataJointError", ".csv or .parquet"),
        ("%dj export Subject no/such/folder.csv", "DataJointError", "no folder"),
        ("%dj why 3", "CommandError", "3 is int"),
        ("%dj describe Subjct", "CommandError", "Did you mean 'Subject'?"),
    ],
)
def test_wrong_use_is_answered_in_a_line(run, pipeline, shell, cell, fails, answer):
    shown = run(cell, fails=fails)
    assert answer in shown
    assert "Traceback" not in shown
    assert not hasattr(shell.user_ns["Subject"], "Cage")


def test_describe(run, pipeline):
    shown = run("%dj describe Subject")
    assert "as on the cage" in shown
    assert "subject : int32" in " ".join(shown.split())
    assert "weight" in run("%dj describe Subject.proj('weight')")


def test_the_statement_and_the_reason(run, pipeline):
    assert "SELECT" in run("%dj sql Subject & 'subject > 1'")
    assert "FROM" in run("%dj sql Subject * Subject.proj() --plan")
    assert "goes from 0 to 2" in run("%dj why Subject & {'subject': 9}")
    assert "It has 3 rows." in run("%dj why Subject")


def test_forms(run, pipeline, shell):
    run("%%dj --as pandas -o frame --limit 2\nSubject")
    assert list(shell.user_ns["frame"].index.names) == ["subject"] or "subject" in shell.user_ns["frame"].columns
    assert len(shell.user_ns["frame"]) == 2
    run("%%dj --as dicts -o rows\nSubject.proj('name')")
    assert shell.user_ns["rows"][0] == {"subject": 0, "name": "ann"}
    run("%%dj --as arrow -o table\nSubject.proj('name')")
    assert shell.user_ns["table"].num_rows == 3
    run("%%dj --as polars -o polar\nSubject.proj('name')")
    assert shell.user_ns["polar"].height == 3


def test_sql_with_values_of_the_notebook(run, pipeline, shell):
    run("who, heavy = \"z'oë'; --\", 0.4")
    shown = run(
        "%%dj sql -o rows\nSELECT name, ':who' AS text, 5 % 3 AS rest -- :nobody\nFROM `lab.subject` WHERE weight > :heavy AND name <> :who;"
    )
    assert "(2 rows)" in shown
    assert shell.user_ns["rows"][0] == {"name": "=1+1", "text": ":who", "rest": 2}
    assert len(run("%%dj sql --as pandas -o frame\nSELECT * FROM `lab.subject`")) == 0
    assert list(shell.user_ns["frame"]["subject"]) == [0, 1, 2]
    # The engine itself refuses a change that was not asked for.
    run("%%dj sql\nDELETE FROM `lab.subject`", fails="AccessError")
    assert len(shell.user_ns["Subject"]()) == 3
    assert "1 row changed" in run("%%dj sql --write\nDELETE FROM `lab.subject` WHERE subject = 2")
    assert len(shell.user_ns["Subject"]()) == 2


def test_export(run, pipeline, tmp_path):
    target = tmp_path / "with blank.csv"
    shown = run(f"%dj export Subject & 'subject < 2' '{target}'")
    assert "2 rows" in shown
    assert "picture" in shown
    assert "apostrophe" in shown
    rows = list(csv.reader(target.read_text(encoding="utf-8").splitlines()))
    assert rows == [["subject", "name", "weight"], ["0", "ann", "0.0"], ["1", "'=1+1", "0.5"]]
    assert "exists" in run(f"%dj export Subject '{target}'", fails="DataJointError")
    run(f"%dj export Subject '{target}' --overwrite --raw")
    assert list(csv.reader(target.read_text(encoding="utf-8").splitlines()))[2][1] == "=1+1"
    run(f"%dj export Subject {tmp_path}/rows.parquet")
    import pyarrow.parquet

    assert pyarrow.parquet.read_table(tmp_path / "rows.parquet").column_names == ["subject", "name", "weight"]
    assert not list(tmp_path.glob(".*"))  # no draft is left


def test_doctor(run, shell, lab_schema):
    shell.user_ns["schema"] = lab_schema
    assert "Database" in run("%dj doctor")


def test_completion_in_cells(run, pipeline, shell):
    from IPython.core.completer import provisionalcompleter

    def completions(text):
        with provisionalcompleter():
            return {c.text for c in shell.Completer.completions(text, len(text))}

    assert {"define", "sql", "--as"} <= completions("%%dj ")
    assert completions("%%dj def") == {"define"}
    assert "--write" in completions("%%dj sql --")
    assert "Subject" in completions("%dj describe Sub")

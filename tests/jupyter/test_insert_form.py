"""The entry form's kernel side on every engine: fields, conversions, judging, pasting, inserting; no page in front of it."""

from __future__ import annotations

import datetime
import decimal
import uuid

import pytest

import datajoint as dj
from datajoint_jupyter import insert_form
from datajoint_jupyter.widgets.form.code import insert_code
from datajoint_jupyter.widgets.form.fields import fields_of, references_of
from datajoint_jupyter.widgets.form.paste import read_pasted
from datajoint_jupyter.widgets.form.units import unit_of

pytestmark = [pytest.mark.usefixtures("close_widgets")]


@pytest.fixture
def lab(schema):
    @schema
    class Subject(dj.Manual):
        definition = """
        # an animal
        subject : int32
        ---
        species : enum('mouse', 'rat')
        nick='' : varchar(20)
        """

    @schema
    class Rig(dj.Lookup):
        definition = """
        rig : varchar(10)
        """
        contents = [("a",), ("b%_",)]

    @schema
    class Session(dj.Manual):
        definition = """
        # a recording
        -> Subject
        session : int32
        ---
        -> [nullable] Rig
        started : datetime
        good=1 : bool
        weight=null : float64      # (g) <b>at the start</b>
        price=null : decimal(6,2)
        tag=null : uuid
        info=null : json
        trace=null : <blob>
        unique index (tag)
        """

        class Trial(dj.Part):
            definition = """
            -> master
            trial : int32
            ---
            outcome='hit' : enum('hit', 'miss')
            -> Rig.proj(other='rig')
            """

    Subject.insert({"subject": i, "species": "mouse", "nick": f"m{i}"} for i in range(30))

    @schema
    class Score(dj.Computed):
        definition = """
        -> Session
        ---
        score : float64
        """

        def make(self, key):
            self.insert1({**key, "score": 1})

        class Detail(dj.Part):
            definition = """
            -> master
            detail : int32
            """

    return {"Subject": Subject, "Rig": Rig, "Session": Session, "Score": Score}


GOOD = {"subject": "3", "session": "1", "started": "2024-05-06 07:08:09"}


def ask(form, sent, kind, identifier="v:1", **payload):
    form._on_message(form, {"id": identifier, "kind": kind, "payload": payload}, [])
    while True:
        message = sent.get(timeout=20)
        if message["id"] == identifier:
            return message


# --- what is asked for
def test_fields(lab):
    table = lab["Session"]()
    references = references_of(table)
    assert [(r.name.partition(".")[2], r.attributes) for r in references] == [
        ("subject", (("subject", "subject"),)),
        ("#rig", (("rig", "rig"),)),
    ]
    fields = {f.name: f for f in fields_of(table, references)}
    assert {n: f.input for n, f in fields.items()} == {
        "subject": "number", "session": "number", "rig": "line", "started": "moment", "good": "choice",
        "weight": "number", "price": "number", "tag": "line", "info": "json", "trace": "literal",
    }  # fmt: skip
    assert [n for n, f in fields.items() if f.required] == ["subject", "session", "started"]
    assert fields["weight"].unit == "g"
    assert fields["good"].otherwise.startswith("default")
    assert fields["rig"].otherwise == "no value (NULL)"
    assert [n for n, f in fields.items() if f.foreign] == ["subject", "rig"]


@pytest.mark.parametrize(
    ("comment", "unit"),
    [
        ("weight (g)", "g"), ("[mm/s] speed", "mm/s"), ("duration in ms", "ms"), ("temperature in °C", "°C"),
        ("(optional)", ""), ("number in the series", ""), ("area (mm^2), approximate", "mm^2"), ("", ""), ("share (%)", "%"),
        ("in mice", ""), ("in m", "m"), ("pixels", "pixels"), ("width of the blobs, pixels", "pixels"),
        ("fixed, again", ""),
    ],
)  # fmt: skip
def test_units(comment, unit):
    assert unit_of(comment) == unit


# --- judging and inserting one row
def test_a_row_with_parts_goes_in_together(lab):
    form = insert_form(lab["Session"], values=GOOD)
    values = form.values
    form.values = {
        **values, "weight": 12.5, "good": False, "price": "1.255", "tag": uuid.UUID(int=7), "info": {"a": [1]},
        "trace": {"x": [1, 2.5]}, "rig": "a",
    }  # fmt: skip
    form.parts = {"Session.Trial": [{"trial": 1, "other": "a"}, {"trial": "2", "outcome": "miss", "other": "b%_"}]}
    code = form.code
    assert form.problems == ()
    assert form.insert() == 3
    assert form.inserted == 3
    stored = lab["Session"].fetch1()
    assert stored["started"] == datetime.datetime(2024, 5, 6, 7, 8, 9)
    assert (stored["weight"], stored["good"], stored["price"]) == (12.5, False, decimal.Decimal("1.26"))
    assert (stored["info"], stored["trace"], stored["tag"]) == ({"a": [1]}, {"x": [1, 2.5]}, uuid.UUID(int=7))
    trials = lab["Session"].Trial.to_dicts()
    assert [(t["trial"], t["outcome"], t["other"]) for t in trials] == [(1, "hit", "a"), (2, "miss", "b%_")]
    # What it leaves behind: the foreign keys, for the next row.
    assert form.values == {"subject": "3", "rig": "a"}
    assert form.parts == {}
    assert "3 rows inserted" in form.said
    assert code in form.static().text
    # The code does the same.
    lab["Session"].delete(prompt=False)
    exec(code, lab)  # noqa: S102 - it was made here
    assert lab["Session"].fetch1() == stored
    assert lab["Session"].Trial.to_dicts() == trials


def test_nothing_goes_in_if_a_part_is_refused_by_the_database(lab):
    form = insert_form(lab["Session"], values=GOOD)
    form.parts = {"Session.Trial": [{"trial": 1, "other": "nowhere"}]}
    with pytest.raises(dj.DataJointError, match=r"Nothing was inserted: other No row in .*rig='nowhere'"):
        form.insert()
    # Even where the row went away after it was looked at.
    judged = form._entry.judge(form.values, {"Session.Trial": [{"trial": "1", "other": "a"}]})
    assert judged.problems == ()
    lab["Rig"].delete(prompt=False)
    with pytest.raises(dj.errors.IntegrityError):
        form._entry.insert([judged.row], judged.parts)
    assert len(lab["Session"]()) == 0


def test_problems_name_the_value(lab):
    form = insert_form(lab["Session"])
    form.values = {
        "subject": "99", "session": "x", "started": "yesterday", "weight": "heavy", "price": "123456", "info": "{", "trace": "f(x)",
        "tag": "no", "rig": "c",
    } | {"info": None}  # fmt: skip
    form.entry = {
        "values": {**form.values, "info": "{", "trace": "f(x)"},
        "parts": {"Session.Trial": [{"trial": None}, {}]},
    }
    _ = form.code
    found = {(p.part, p.row, p.name): p.message for p in form.problems}
    assert "No row in" in found["", 0, "subject"]
    assert found["", 0, "session"] == "'x' is not a number; int32 takes numbers."
    assert found["", 0, "info"].startswith("This is no JSON")
    assert found["", 0, "trace"].startswith("This is no Python value")
    assert "No row in" in found["", 0, "rig"]
    assert {name for part, _, name in found if not part} == {
        "subject", "session", "started", "weight", "price", "info", "trace", "tag", "rig",
    }  # fmt: skip
    assert found["Session.Trial", 0, "trial"] == "needs a value"
    assert ("Session.Trial", 1, "other") in found
    assert not any(name in ("subject", "session") for part, _, name in found if part)


def test_a_literal_is_read_and_never_run(lab, tmp_path):
    trap = tmp_path / "trap"
    form = insert_form(lab["Session"], values=GOOD)
    form.entry = {"values": {**GOOD, "trace": f"__import__('pathlib').Path({str(trap)!r}).touch()"}, "parts": {}}
    _ = form.code
    assert [p.name for p in form.problems] == ["trace"]
    assert not trap.exists()


def test_an_existing_key_and_an_empty_form(lab):
    lab["Session"].insert1(GOOD)
    form = insert_form(lab["Session"], values=GOOD)
    _ = form.code
    assert [(p.name, p.message.partition(" with ")[0]) for p in form.problems] == [("", "A row")]
    empty = insert_form(lab["Session"])
    _ = empty.code
    assert [(p.name, p.message) for p in empty.problems] == [
        (name, "needs a value") for name in ("subject", "session", "started")
    ]


def test_what_takes_no_rows_by_hand_is_refused(lab):
    for table in (lab["Score"], lab["Score"].Detail):
        with pytest.raises(dj.DataJointError, match=r"made by its make\(\).*%dj populate"):
            insert_form(table)
    with pytest.raises(dj.DataJointError, match="is restricted"):
        insert_form(lab["Session"] & "session=1")
    with pytest.raises(dj.DataJointError, match="no field 'weigth'"):
        insert_form(lab["Session"], values={"weigth": 1})


def test_a_key_that_the_database_counts(schema):
    @schema
    class Note(dj.Manual):
        definition = """
        note : int auto_increment
        ---
        text : varchar(200)
        """

        class Line(dj.Part):
            definition = """
            -> master
            line : int32
            """

    form = insert_form(Note, values={"text": "it's <i>"})
    assert form.insert() == 1
    assert Note.to_arrays("text").tolist() == ["it's <i>"]
    form.values = {"text": ""}  # an empty text is a value
    form.parts = {"Note.Line": [{"line": 1}]}
    with pytest.raises(dj.DataJointError, match="Give note: the rows of Note.Line need it"):
        form.insert()
    form.parts = {}
    form.insert()
    assert sorted(Note.to_arrays("text").tolist()) == ["", "it's <i>"]


# --- from a spreadsheet
def test_pasted_rows_are_marked_corrected_and_inserted(lab, sent):
    form = insert_form(lab["Session"])
    lab["Session"].insert1({**GOOD, "subject": 0})
    lines = [
        "Session\tSUBJECT\tstarted\tweight\tgood",
        "1\t3\t2024-01-01\t3.5\tTrue",
        "1\t0\t2024-01-01\t\t",  # exists
        "2\t3\tnever\t1\tmaybe",
        "1\t3\t2024-01-02\t\tFalse",  # as the first
        "3\t77\t2024-01-02\t\t",  # no such subject
    ]
    answer = ask(form, sent, "paste", text="\r\n".join(lines))
    assert answer["kind"] == "rows"
    assert form.pasted == {
        "names": ["session", "subject", "started", "weight", "good"], "count": 5, "wrong": 4, "first_wrong": [1],
    }  # fmt: skip
    marks = {(p["row"], p["name"]) for p in answer["payload"]["problems"]}
    assert marks == {(1, ""), (2, "started"), (2, "good"), (3, ""), (4, "subject")}
    refused = ask(form, sent, "insert_pasted")
    assert refused["kind"] == "rows"
    assert len(lab["Session"]()) == 1

    ask(form, sent, "drop", row=1)
    ask(form, sent, "cell", row=1, name="started", value="2024-02-02 10:00")
    ask(form, sent, "cell", row=1, name="good", value="False")
    ask(form, sent, "cell", row=2, name="session", value="9")
    answer = ask(form, sent, "cell", row=3, name="subject", value="7")
    assert answer["payload"]["problems"] == []
    code = answer["payload"]["code"]
    done = ask(form, sent, "insert_pasted")
    assert done == {"id": "v:1", "kind": "inserted", "payload": {"count": 4}}
    stored = (lab["Session"] & "session > 0").to_dicts()
    assert len(stored) == 5
    assert form.pasted["count"] == 0
    assert {(s["subject"], s["session"], s["weight"], s["good"]) for s in stored} == {
        (0, 1, None, True), (3, 1, 3.5, True), (3, 2, 1.0, False), (3, 9, None, False), (7, 3, None, True),
    }  # fmt: skip
    (lab["Session"] & "subject > 0").delete(prompt=False)
    exec(code, lab)  # noqa: S102 - it was made here
    assert (lab["Session"] & "session > 0").to_dicts() == stored


def test_pages_of_pasted_rows(lab, sent):
    form = insert_form(lab["Subject"])
    form.paste("\n".join(f"{i},{'mouse' if i % 100 else 'cat'}" for i in range(100, 400)))
    assert form.pasted["count"] == 300
    assert form.pasted["first_wrong"] == [0]
    page = ask(form, sent, "rows", offset=200, limit=50)["payload"]
    assert page["rows"][0] == ["300", "cat", None]
    assert [p["row"] for p in page["problems"]] == [200]
    with pytest.raises(dj.DataJointError, match="Nothing was inserted: species"):
        form.insert()
    form.paste("subject\tspecies\n" + "\n".join(f"{i}\tmouse" for i in range(100, 400)))
    assert "form.pasted_rows" in form.code
    assert form.insert() == 300
    assert len(lab["Subject"]()) == 330
    ask(form, sent, "paste", text="")
    assert form.pasted["count"] == 0


def test_texts_of_spreadsheets(lab):
    fields = fields_of(lab["Subject"](), ())
    pasted = read_pasted('subject\tnick\tspecies\n1\t"a\nb ""c"""\tmouse\n2\t"as it is"\trat\n\n3\t\trat\t\n', fields)
    assert pasted.has_header
    assert [row["nick"] for row in pasted.rows] == ['a\nb "c"', '"as it is"', None]
    assert read_pasted("4;rat;x,y", fields).rows == ({"subject": "4", "species": "rat", "nick": "x,y"},)
    assert read_pasted('4,rat,"x,y"', fields).rows == ({"subject": "4", "species": "rat", "nick": "x,y"},)
    assert read_pasted("subject\n5\n6", fields).rows == ({"subject": "5"}, {"subject": "6"})
    for text, said in [
        ("", "no rows"),
        ("subject\tspecies", "no row below"),
        ("subject\tspecie\n1\trat", "names 'specie'.*species"),
        ("subject\tspecies\tsubject\n1\trat\t2", "twice"),
        ("1\trat\tx\ty", "Row 1 has 4 cells"),
    ]:
        with pytest.raises(dj.DataJointError, match=said):
            read_pasted(text, fields)


# --- choosing parents
def test_parents_are_searched_and_paged_by_the_database(lab, sent):
    form = insert_form(lab["Session"])
    with lab["Subject"].connection.query_log() as log:
        page = ask(form, sent, "parents", part="", reference=0, search="", offset=0)["payload"]
    assert len([r for r in log if "subject" in r.text.lower()]) == 1
    assert page["columns"] == ["subject", "species", "nick"]
    assert len(page["rows"]) == 8
    assert page["more"]
    assert page["values"][0] == {"subject": "0"}
    last = ask(form, sent, "parents", part="", reference=0, search="", offset=24)["payload"]
    assert len(last["rows"]) == 6
    assert not last["more"]

    def found(search, part="", reference=0):
        return [
            r[0]
            for r in ask(form, sent, "parents", part=part, reference=reference, search=search, offset=0)["payload"][
                "rows"
            ]
        ]

    assert found("M12") == ["12"]
    assert found("mouse m12") == ["12"]
    assert found("7")[:2] == ["7", "17"]
    assert found("' OR 1=1 --") == []
    assert found("%", reference=1) == ["b%_"]
    assert found("_", reference=1) == ["b%_"]
    trial = form._entry.parts[0]
    other = next(i for i, r in enumerate(trial.references) if r.name.endswith("rig"))
    assert found("a", "Session.Trial", other) == ["a"]


# --- messages
@pytest.mark.parametrize(
    ("kind", "payload", "said"),
    [
        ("check", {"values": {"nope": "1"}}, "no field 'nope'"),
        ("check", {"values": {"subject": 1}}, "must be a text"),
        ("check", {"values": {}, "parts": {"Session.Nope": [{}]}}, "has no part"),
        ("check", {"values": {}, "parts": {"Session.Trial": [{"subject": "1"}]}}, "no field 'subject'"),
        ("parents", {"part": "", "reference": 9, "search": "", "offset": 0}, "no foreign key"),
        ("cell", {"row": 0, "name": "subject", "value": "1"}, "no row 1"),
        ("drop", {"row": -1}, "must be an integer"),
        ("drop", {"row": 5}, "no row 6"),
        ("paste", {"text": "a\tb\tc\td\te\tf\tg\th\ti\tj\tk\tl\n"}, "cells"),
        ("sql", {"text": "DROP"}, "unknown kind"),
    ],
)
def test_messages_are_checked(lab, sent, kind, payload, said):
    form = insert_form(lab["Session"])
    answer = ask(form, sent, kind, **payload)
    assert answer["kind"] == "error"
    assert said in answer["payload"]["message"]


@pytest.fixture
def impatient(settings):
    """Connections wait for locks for a second only."""
    settings.database.lock_timeout = 1


def test_a_locked_database_is_told_and_the_entry_stays(impatient, lab, sent, new_connection):
    form = insert_form(lab["Session"], values=GOOD)
    other = new_connection()
    parent = dj.FreeTable(other, lab["Subject"].full_table_name) & {"subject": 3}
    with pytest.raises(ZeroDivisionError), other.transaction:
        parent.delete_quick()
        answer = ask(form, sent, "insert", values=GOOD, parts={})
        assert answer["kind"] == "error"
        assert "lock" in answer["payload"]["message"].lower()
        raise ZeroDivisionError
    assert len(lab["Session"]()) == 0
    assert form.values == GOOD
    assert ask(form, sent, "insert", values=GOOD, parts={})["kind"] == "inserted"


def test_closing_leaves_no_thread(lab, sent):
    form = insert_form(lab["Session"])
    ask(form, sent, "check", values={}, parts={})
    assert form._worker.running
    form.close()
    form._worker.close(timeout=10)
    assert not form._worker.running


def test_code_of_rows():
    rows = [{"a": 1, "b": None, "c": None}, {"a": 2, "b": "x", "c": None}]
    assert insert_code("T", rows[:1], {}) == "T.insert1({'a': 1})"
    assert insert_code("T", rows, {}) == "T.insert([\n    {'a': 1, 'b': None},\n    {'a': 2, 'b': 'x'},\n])"
    assert insert_code("T", rows[:1], {"T.P": rows[:1], "T.Q": []}).splitlines() == [
        "with T.connection.transaction:",
        "    T.insert1({'a': 1})",
        "    T.P.insert1({'a': 1})",
    ]

"""Why an expression has no rows, in sentences, on every engine."""

from __future__ import annotations

import pytest

import datajoint as dj


@pytest.fixture
def lab(schema):
    @schema
    class Subject(dj.Manual):
        definition = """
        subject : int32
        ---
        species : enum('mouse', 'rat')
        born=null : date
        """

    @schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int32
        ---
        operator : varchar(20)
        """

    @schema
    class Scan(dj.Manual):
        definition = """
        -> Session
        scan : int32
        """

    Subject.insert({"subject": i, "species": "mouse" if i % 2 else "rat", "born": f"2024-01-0{i}"} for i in range(1, 6))
    Session.insert({"subject": i, "session": j, "operator": "anna"} for i in range(1, 5) for j in range(4))
    Scan.insert({"subject": 4, "session": s, "scan": 1} for s in (2, 3))
    return Subject, Session, Scan


CASES = {
    "a number beyond": (lambda a, b, c: b & {"subject": 9}, ["16 rows", "subject = 9 keeps none", "goes from 1 to 4"]),
    "a misspelt word": (lambda a, b, c: b & {"operator": "ana"}, ["Did you mean 'anna'?"]),
    "a text": (lambda a, b, c: b & "operator = 'bob'", ["operator is 'anna'"]),
    "two that exclude each other": (
        lambda a, b, c: a & {"species": "rat"} & {"subject": 1},
        ["species = 'rat' keeps 2", "subject = 1 keeps 1", "keep none together"],
    ),
    "a date": (lambda a, b, c: a & {"born": "2025-01-01"}, ["born goes from 2024-01-01 to 2024-01-05"]),
    "the operand": (lambda a, b, c: (a & "subject > 7").proj(), ["subject goes from 1 to 5"]),
    "the restricting expression": (
        lambda a, b, c: b & (a & {"born": "2025-01-01"}),
        ["The expression that restricts them has no rows", "born goes from"],
    ),
    "a join without agreement": (
        lambda a, b, c: (b & "session < 2") * c,
        ["no pair of them agrees on subject, session", "session is 0, 1 on the left and 2, 3 on the right"],
    ),
    "a join of which one side is empty": (lambda a, b, c: a * (b & "session = 7"), ["session goes from 0 to 3"]),
    "an antijoin": (lambda a, b, c: b - a, ["All of them have a match in"]),
    "no value": (lambda a, b, c: a & [], ["can be true for no row"]),
    "a limit": (lambda a, b, c: a & dj.Top(limit=0), ["limit and offset leave none"]),
    "far away": (lambda a, b, c: a.near(c & "scan = 3"), ["scan goes from 1 to 1"]),
    "an aggregate": (
        lambda a, b, c: (a & "subject > 4").aggr(b, n="count(*)", exclude_nonmatching=True),
        ["no pair of them agrees on subject"],
    ),
    "a union": (
        lambda a, b, c: (a & "subject = 99").proj() + (a & "subject = 88"),
        ["Neither side of the union", "goes from 1 to 5"],
    ),
    "distinct values": (lambda a, b, c: dj.U("operator") & (b & "session > 5"), ["session goes from 0 to 3"]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_reason_is_told(lab, case):
    build, said = CASES[case]
    expression = build(*(table() for table in lab))
    assert len(expression) == 0
    reason = expression.why()
    assert reason.rows == 0
    for words in said:
        assert words in str(reason), str(reason)


def test_of_rows_that_are_there(lab):
    assert lab[0]().why().sentences == ("It has 5 rows.",)


def test_an_empty_table(schema):
    @schema
    class Nothing(dj.Manual):
        definition = """
        a : int32
        """

    assert "has no rows at all" in str((Nothing & "a > 1").why())

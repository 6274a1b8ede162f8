"""Rows made up for tests: right for every type, every kind of key and reference, on every engine."""

from __future__ import annotations

import pytest

import datajoint as dj
from datajoint.testing import fill


def test_every_type(schema):
    @schema
    class Kind(dj.Manual):
        definition = """
        a : int8
        ---
        b : int64
        c : float32
        d : float64
        e : decimal(5,2)
        f : bool
        g : char(1)
        h : varchar(40)
        i : enum('x', 'y', 'z')
        j : date
        k : datetime
        l : uuid
        m : json
        n : bytes
        o : <blob>
        p=null : <attach>
        unique index (h)
        """

    rows = fill(Kind, 100)
    assert len(rows) == len(Kind()) == 100
    assert len({row["h"] for row in rows}) == 100
    assert len(fill(Kind, 5)) == 5
    with pytest.raises(dj.DataJointError, match="All values|all values"):
        fill(Kind, 200)


def test_references_of_all_kinds(schema):
    @schema
    class Lab(dj.Lookup):
        definition = """
        lab : varchar(10)
        """
        contents = (("north",), ("south",))

    @schema
    class Subject(dj.Manual):
        definition = """
        -> Lab
        subject : int32
        """

    @schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int32
        ---
        -> [nullable] Subject.proj(control="subject")
        """

    @schema
    class Pair(dj.Manual):
        definition = """
        -> Session.proj(first="session")
        -> Session.proj(second="session")
        """

        class Mark(dj.Part):
            definition = """
            -> master
            mark : int32
            """

    @schema
    class Score(dj.Computed):
        definition = """
        -> Pair
        ---
        -> [unique] Session
        score : float64
        """

    fill(Score, 6)
    assert len(Score()) == 6
    assert len(Lab()) == 2
    # Both sides of a pair belong to one subject.
    assert len(Pair * Subject) == len(Pair())
    fill(Pair.Mark, 4)
    assert len(Pair.Mark()) == 4


def test_given_values(schema):
    @schema
    class Subject(dj.Manual):
        definition = """
        subject : int32
        ---
        name : varchar(20)
        sex : enum('F', 'M')
        """

    @schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int32
        """

    fill(Session, 4, subject=7, session=lambda place: 10 * place)
    assert (Subject & {"subject": 7}).fetch1("name")
    assert list(Session.to_arrays("session")) == [0, 10, 20, 30]
    fill(Subject, 3, sex=["F", "M"], name="ann")
    assert len(Subject & {"sex": "F", "name": "ann"}) == 2
    with pytest.raises(dj.DataJointError, match="Did you mean 'name'"):
        fill(Subject, 1, nme="x")
    with pytest.raises(dj.DataJointError, match="all values of its key are taken"):
        fill(Subject, 2, subject=99)


def test_a_table_that_depends_on_itself(schema):
    @schema
    class Person(dj.Manual):
        definition = """
        person : int32
        ---
        -> [nullable] Person.proj(mother="person")
        """

    fill(Person, 3)
    assert list(Person.to_arrays("mother")) == [None] * 3

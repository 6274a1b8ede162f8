"""Rows are judged by what the database has already, before anything is written."""

from __future__ import annotations

import pytest

import datajoint as dj


@pytest.fixture
def visit(schema):
    @schema
    class Animal(dj.Manual):
        definition = """
        animal : int32
        born : date
        """

    @schema
    class Visit(dj.Manual):
        definition = """
        -> Animal
        visit : int32
        ---
        -> [nullable] Animal.proj(mother='animal', mother_born='born')
        tag=null : varchar(20)
        unique index (tag)
        """

    Animal.insert([{"animal": a, "born": "2024-01-01"} for a in range(3)])
    Visit.insert1({"animal": 0, "born": "2024-01-01", "visit": 1, "tag": "a"})
    return Visit()


def row(animal, number, **values):
    return {"animal": animal, "born": "2024-01-01", "visit": number, "mother": None, "mother_born": None, **values}


def test_existing_keys_and_missing_parents(visit):
    rows = [
        row("0", 1, tag="z"),  # as text: judged by what it is converted to
        row(0, 2, tag="a"),
        row(7, 1, tag="b"),
        row(1, 1, tag="c", mother=9, mother_born="2024-01-01"),
        row(1, 2, tag=None, mother=2, mother_born="2024-01-01"),
        row(2, "one", tag="a"),
    ]
    with visit.connection.query_log() as log:
        assert [index for index, _, _ in visit.validate(rows).errors] == [5, 5]
        assert len(log) == 0
        found = visit.validate(rows, stored=True)
    assert len(log) == 4  # two unique keys, two foreign keys, whatever the number of rows
    assert [(index, name) for index, name, _ in found.errors] == [
        (0, None), (1, "tag"), (2, None), (3, None), (5, "visit"), (5, "tag"), (5, "tag"),
    ]  # fmt: skip
    said = [message for _, _, message in found.errors]
    assert said[0].startswith("A row with animal=0, born=datetime.date(2024, 1, 1), visit=1 exists already")
    assert said[1] == "A row with tag='a' exists already"
    assert said[2].startswith("No row in ")
    assert "animal=9" in said[3]
    assert len(visit) == 1


def test_many_rows_are_asked_about_in_lots(visit):
    rows = [row(a, number, tag=None) for a in (0, 1, 5) for number in range(700)]
    found = visit.validate(iter(rows), stored=True)
    assert found.rows_checked == 2100
    wrong = {index for index, _, _ in found.errors}
    assert wrong == {1, *range(1400, 2100)}
    visit.insert(r for index, r in enumerate(rows) if index not in wrong)
    assert len(visit) == 1400


def test_rows_of_tables_that_go_in_first_are_taken_to_exist(visit):
    parent = visit.parents()[0]
    rows = [row(7, 1, mother=8, mother_born="2024-01-01", tag="b")]
    assert len(visit.validate(rows, stored=True).errors) == 2
    assert visit.validate(rows, stored=True, together_with=[parent])

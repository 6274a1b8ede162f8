"""Restriction along foreign keys, any distance away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import datajoint as dj
from datajoint.errors import DataJointError

DEFINITIONS = {
    "Lab": "lab: varchar(8)",
    "Animal": "-> Lab\nanimal: int32\n---\nspecies: varchar(8)",
    "Visit": "-> Animal\nvisit: int16\n---\n-> [nullable] Room",
    "Scan": "-> Visit\nscan: int16",
    "Roi": "-> Scan\nroi: int16\n---\nsize: float64",
    "Weighing": "-> Animal\nday: date\n---\nweight: float64",
    "Room": "room: varchar(8)\n---\n-> Building",
    "Building": "building: varchar(8)\n---\ncity: varchar(8)",
    "Mating": "mating: int32\n---\n-> Animal.proj(mother_lab='lab', mother='animal')\n-> Animal.proj(father_lab='lab', father='animal')",
    "Litter": "-> Mating\n---\npups: int32",
    "Comparison": "comparison: int32\n---\n-> Scan.proj(first_visit='visit', first='scan')\n-> Scan.proj(second_visit='visit', second='scan')",
    "Movie": "-> Scan\n-> Room\n---\nframes: int32",
    "Stimulus": "stimulus: varchar(8)",
    "Shown": "-> Visit\n-> Stimulus",
}
ORDER = [
    "Lab", "Animal", "Building", "Room", "Visit", "Scan", "Roi", "Weighing", "Mating", "Litter", "Comparison", "Movie", "Stimulus", "Shown",
]  # fmt: skip
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "Lab": [("a",), ("b",)],
    "Animal": [("a", 1, "mouse"), ("a", 2, "rat"), ("b", 1, "mouse"), ("b", 2, "rat")],
    "Building": [("x", "here"), ("y", "there")],
    "Room": [("r1", "x"), ("r2", "y")],
    "Visit": [("a", 1, 1, "r1"), ("a", 1, 2, "r2"), ("a", 2, 1, None), ("b", 1, 1, "r1")],
    "Scan": [("a", 1, 1, 1), ("a", 1, 1, 2), ("a", 1, 2, 1), ("b", 1, 1, 1)],
    "Roi": [("a", 1, 1, 1, 1, 5.0), ("a", 1, 1, 1, 2, 7.0), ("a", 1, 2, 1, 1, 9.0), ("b", 1, 1, 1, 1, 3.0)],
    "Weighing": [("a", 1, "2024-01-01", 20.0), ("a", 2, "2024-01-02", 300.0), ("b", 2, "2024-01-03", 310.0)],
    "Mating": [(1, "a", 1, "a", 2), (2, "b", 1, "a", 1)],
    "Litter": [(1, 5), (2, 3)],
    "Comparison": [(1, "a", 1, 1, 1, 2, 1)],
    "Movie": [("a", 1, 1, 1, "r2", 10)],
    "Stimulus": [("dots",), ("bars",)],
    "Shown": [("a", 1, 1, "dots"), ("a", 2, 1, "bars")],
}


@pytest.fixture(scope="module")
def facility(module_schema: dj.Schema) -> SimpleNamespace:
    classes: dict[str, Any] = {}
    for name in ORDER:
        cls = type(name, (dj.Manual,), {"definition": DEFINITIONS[name]})
        classes[name] = module_schema(cls, context=classes)
        names = classes[name].heading.names
        classes[name].insert([dict(zip(names, row, strict=True)) for row in ROWS[name]])
    return SimpleNamespace(**classes)


def keys(expression: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in expression.keys()]  # noqa: SIM118 - no dict


def test_up(facility: SimpleNamespace) -> None:
    rows = facility.Roi.near(facility.Animal & "species = 'mouse'" & {"lab": "a"})
    assert isinstance(rows, facility.Roi)
    assert keys(rows) == [("a", 1, 1, 1, 1), ("a", 1, 1, 1, 2), ("a", 1, 2, 1, 1)]
    schema = facility.Roi.database
    assert str(rows.path) == f"{schema}.roi → {schema}.scan → {schema}.visit → {schema}.animal"
    assert keys(facility.Roi - dj.Near(facility.Animal & {"lab": "a"})) == [("b", 1, 1, 1, 1)]


def test_through_attributes_outside_of_keys(facility: SimpleNamespace) -> None:
    here = facility.Roi.near(facility.Building & {"city": "here"})
    assert keys(here) == [("a", 1, 1, 1, 1), ("a", 1, 1, 1, 2), ("b", 1, 1, 1, 1)]
    assert "room" in str(here.path)
    assert keys(facility.Scan - dj.Near(facility.Building)) == []
    assert keys(facility.Visit - dj.Near(facility.Building)) == [("a", 2, 1)]  # a room that is NULL is near nothing


def test_down(facility: SimpleNamespace) -> None:
    assert keys(facility.Building.near(facility.Roi & "size > 8")) == [("y",)]
    assert keys(facility.Lab.near(facility.Roi & "size < 4")) == [("b",)]
    assert keys(facility.Animal - dj.Near(facility.Roi)) == [("a", 2), ("b", 2)]


def test_through_a_common_ancestor(facility: SimpleNamespace) -> None:
    heavy = facility.Roi.near(facility.Weighing & "weight < 100")
    assert keys(heavy) == [("a", 1, 1, 1, 1), ("a", 1, 1, 1, 2), ("a", 1, 2, 1, 1)]
    schema = facility.Roi.database
    assert str(heavy.path).endswith(f"→ {schema}.animal ← {schema}.weighing")
    assert keys(facility.Weighing - dj.Near(facility.Roi))[0][:2] == ("a", 2)


def test_rows_of_one_table(facility: SimpleNamespace) -> None:
    assert keys(facility.Roi.near(facility.Roi & "size > 8")) == [("a", 1, 2, 1, 1)]


def test_agrees_with_joins(facility: SimpleNamespace) -> None:
    joined = facility.Lab.proj() & (
        facility.Animal.proj() * facility.Visit.proj() * facility.Scan.proj() * facility.Roi
    )
    assert keys(facility.Lab.near(facility.Roi)) == keys(joined)


def test_several_ways_are_listed(facility: SimpleNamespace) -> None:
    mothers = facility.Animal & {"lab": "b"}
    with pytest.raises(DataJointError, match="2 ways") as caught:
        facility.Litter.near(mothers)
    text = str(caught.value)
    assert "→(mother_lab, mother)" in text
    assert "→(father_lab, father)" in text
    assert "via='mother_lab'" in text
    assert keys(facility.Litter.near(mothers, via="mother")) == [(2,)]
    assert keys(facility.Litter.near(mothers, via="father")) == []
    way = facility.Litter.near(mothers, via="mother").path
    assert keys(facility.Litter.near(mothers, via=str(way))) == [(2,)]
    assert keys(facility.Litter - dj.Near(mothers, via="mother")) == [(1,)]
    with pytest.raises(DataJointError, match="No way.*nobody"):
        facility.Litter.near(mothers, via="nobody")


def test_a_table_chooses_the_way(facility: SimpleNamespace) -> None:
    cities = facility.Building & {"city": "there"}
    with pytest.raises(DataJointError, match="2 ways"):
        facility.Movie.near(cities)
    assert len(facility.Movie.near(cities, via=facility.Visit)) == 0
    assert len(facility.Movie.near(cities, via=["Scan", "Room"])) == 0
    direct = facility.Movie.near(cities, via=[p for p in _choices(facility, cities) if "scan" not in p])
    assert len(direct) == 1


def _choices(facility: SimpleNamespace, cities: Any) -> list[str]:
    try:
        facility.Movie.near(cities)
    except DataJointError as error:
        return [line.split("   via=")[0].strip() for line in str(error).split("\n") if "   via=" in line]
    raise AssertionError("one way only")


def test_a_table_that_depends_on_both_must_be_named(facility: SimpleNamespace) -> None:
    dots = facility.Stimulus & {"stimulus": "dots"}
    with pytest.raises(DataJointError, match=r"not related.*shown"):
        facility.Roi.near(dots)
    assert keys(facility.Visit.near(dots, via=facility.Shown)) == [("a", 1, 1)]
    assert len(facility.Roi.near(dots, via="Shown")) == 2
    assert keys(facility.Stimulus.near(facility.Animal & "species = 'rat'", via=facility.Shown)) == [("bars",)]


def test_unrelated_tables(facility: SimpleNamespace) -> None:
    with pytest.raises(DataJointError, match="not related"):
        facility.Building.near(facility.Lab & {"lab": "a"})
    with pytest.raises(DataJointError, match="QueryExpression"):
        facility.Lab.near({"lab": "a"})
    with pytest.raises(DataJointError, match="no single table"):
        facility.Lab.near(dj.U("species") & facility.Animal)
    with pytest.raises(DataJointError, match="via="):
        facility.Lab.near(facility.Roi, via=[5])


def test_expressions_on_both_sides(facility: SimpleNamespace) -> None:
    big = facility.Roi & "size > 4"
    renamed = facility.Animal.proj(place="lab", number="animal")
    assert keys(renamed.near(big)) == [("a", 1)]
    assert keys(facility.Building.near(big.proj(where="lab", which="animal"))) == [("x",), ("y",)]
    assert keys(facility.Visit.proj().near(facility.Building & {"city": "there"})) == [("a", 1, 2)]
    assert keys(facility.Animal.near(facility.Visit.proj(), via=[])) == [("a", 1), ("a", 2), ("b", 1)]
    assert keys(facility.Animal.near(facility.Scan.aggr(facility.Roi, n="count(roi)") & "n = 2")) == [("a", 1)]
    assert keys((facility.Animal & dj.Top(1, "KEY DESC")).near(facility.Weighing)) == [("b", 2)]
    assert keys(facility.Animal.near(facility.Weighing & dj.Top(1))) == [("a", 1)]
    assert keys((facility.Scan.proj() * facility.Visit).near(facility.Weighing)) == keys(facility.Scan & "lab = 'a'")


def test_stands_in_lists_and_not(facility: SimpleNamespace) -> None:
    condition = [dj.Near(facility.Weighing & "weight > 305"), {"animal": 1}]
    assert keys(facility.Animal & condition) == [("a", 1), ("b", 1), ("b", 2)]
    assert keys(facility.Animal & dj.AndList([dj.Not(dj.Near(facility.Roi)), dj.Near(facility.Weighing)])) == [
        ("a", 2),
        ("b", 2),
    ]
    assert facility.Lab().path is None


def test_tables_without_classes(facility: SimpleNamespace) -> None:
    connection = facility.Roi().connection
    roi = dj.FreeTable(connection, facility.Roi.full_table_name)
    building = dj.FreeTable(connection, facility.Building.full_table_name) & {"city": "there"}
    connection.dependencies.clear()
    assert keys(roi.near(building)) == [("a", 1, 2, 1, 1)]


def test_across_schemas_that_were_never_activated(new_schema: Any, new_connection: Any) -> None:
    first, second, third = new_schema(), new_schema(), new_schema()
    classes: dict[str, Any] = {}
    for schema, name, definition in (
        (first, "Top", "top: int32"), (second, "Middle", "-> Top\nmiddle: int32"), (third, "Bottom", "-> Middle\nbottom: int32"),
    ):  # fmt: skip
        classes[name] = schema(type(name, (dj.Manual,), {"definition": definition}), context=classes)
        names = classes[name].heading.names
        classes[name].insert([dict.fromkeys(names, i) for i in (1, 2)])
    connection = new_connection()
    top, bottom = (dj.FreeTable(connection, classes[n].full_table_name) for n in ("Top", "Bottom"))
    assert keys(top.near(bottom & "bottom = 2")) == [(2,)]
    assert keys(bottom.near(top & "top = 1")) == [(1, 1, 1)]

"""The tables that the worked examples of the query language use."""

from __future__ import annotations

from types import SimpleNamespace

import datajoint as dj

ROWS = {
    "Subject": [(1, "mouse", "M", 20.5), (2, "mouse", "F", 18.0), (3, "rat", "M", None), (4, "rat", "U", 300.0)],
    "Session": [
        (1, 1, "2021-01-01", "a%b"),
        (1, 2, "2021-01-02", None),
        (2, 1, "2021-01-01", "it's"),
        (3, 1, "2021-03-01", "back\\slash"),
    ],
    "Trial": [(1, 1, 1, 0.5, True), (1, 1, 2, None, False), (1, 1, 3, 0.7, True), (2, 1, 1, 1.5, False)],
    "Rig": [("r1", 100), ("r2", 200), ("r3", 300)],
    "SessionRig": [(1, 1, "r1"), (1, 2, None), (2, 1, "r2")],
    "Alien": [(1, "o1"), (9, "o9")],
    "X": [(1,), (2,)],
    "Y": [(1,), (2,)],
    "Z": [(1,), (2,)],
    "P": [(1, 1, 1), (1, 2, 2), (2, 1, 1)],
    "Q": [(1, 1, 1), (2, 2, 1), (1, 2, 2)],
    "M": [(1, 1, 1), (1, 2, 2), (2, 1, 2)],
    "N": [(1, 1), (2, 2)],
    "XY": [(1, 1), (1, 2), (2, 2)],
    "Person": [(1, "al"), (2, "bo")],
    "Marriage": [(1, 2, 2001)],
    "Doc": [(1, {"a": 1, "n": {"x": [1, 2, {"k": "v"}]}, "z": None}), (2, None)],
}

DEFINITIONS = {
    "Subject": "subject_id: int32\n---\nspecies: varchar(20)\nsex='U': enum('M','F','U')\nweight=null: float64",
    "Session": "-> Subject\nsession: int16\n---\nsession_date: date\nnote=null: varchar(100)",
    "Trial": "-> Session\ntrial: int16\n---\nrt=null: float64\ncorrect: bool",
    "Rig": "rig: varchar(8)\n---\nroom: int32",
    "SessionRig": "-> Session\n---\n-> [nullable] Rig",
    "Alien": "subject_id: int32\n---\nother: varchar(10)",
    "X": "x: int32",
    "Y": "y: int32",
    "Z": "z: int32",
    "P": "-> X\n-> Y\n---\n-> Z",
    "Q": "-> Y\n-> Z\n---\n-> X",
    "M": "-> X\n-> Z\n---\n-> Y",
    "N": "-> Z\n---\n-> X",
    "XY": "-> X\n-> Y",
    "Person": "person_id: int32\n---\nname: varchar(10)",
    "Marriage": "-> Person.proj(husband='person_id')\n-> Person.proj(wife='person_id')\n---\nyear: int32",
    "Doc": "id: int32\n---\nj=null: json",
}


def build(schema: dj.Schema) -> SimpleNamespace:
    """Declare and fill the tables; return their classes."""
    classes: dict[str, type[dj.Manual]] = {}
    for name, definition in DEFINITIONS.items():
        cls = type(name, (dj.Lookup if name == "Person" else dj.Manual,), {"definition": definition})
        classes[name] = schema(cls, context=classes)
        names = classes[name].heading.names
        classes[name].insert([dict(zip(names, row, strict=True)) for row in ROWS[name]])
    return SimpleNamespace(**classes)

"""Diagrams are made of the same things as DataJoint 2.3's, and diagrams of rows find the same rows."""

from __future__ import annotations

import datajoint as dj
from tests.interop.peer_diagram import classes_of, describe


def fill(classes):
    classes["Method"].insert([{"method": m} for m in ("x", "y")], skip_duplicates=True)
    classes["Subject"].insert({"subject_id": s, "sex": "F"} for s in (1, 2, 3))
    classes["Session"].insert({"subject_id": s, "sess": n, "method": "x"} for s in (1, 2) for n in (1, 2))
    classes["Renamed"].insert([{"mother": 1, "father": 2}, {"mother": 2, "father": 3}, {"mother": 3, "father": 3}])
    classes["RenamedTwice"].insert([{"who": 1, "which": 1}, {"who": 2, "which": 2}])
    for row in ({"id": 1, "subject_id": 1, "sess": 2}, {"id": 2, "second": 1}, {"id": 3, "subject_id": 1}, {"id": 4}):
        classes["Optional"].insert1(row)
    scan = classes["Scan"]
    scan.insert({"subject_id": s, "sess": 1, "scan": n} for s in (1, 2) for n in (1, 2))
    scan.Frame.insert(
        {"subject_id": s, "sess": 1, "scan": 1, "frame": f, "luminance": 1} for s in (1, 2) for f in (1, 2)
    )
    scan.Mask.insert(
        {"subject_id": s, "sess": 1, "scan": 1, "frame": 1, "mask": s, "method": "y", "pixels": [s]} for s in (1, 2)
    )


def test_the_same_diagrams(peer, new_connection, new_schema_name):
    connection = new_connection()
    names = [new_schema_name("d0"), new_schema_name("d1")]
    schemas = [dj.Schema(name, connection=connection) for name in names]
    classes = classes_of(dj, schemas)
    fill(classes)
    ours = describe(dj, schemas, classes, names)
    theirs = peer("drawn", script="peer_diagram.py", names=names)
    for picture in ("all", "around"):
        assert ours[picture]["nodes"].keys() == theirs[picture]["nodes"].keys()
        for name, attributes in ours[picture]["nodes"].items():
            assert (name, attributes) == (name, theirs[picture]["nodes"][name])
        assert ours[picture]["edges"] == theirs[picture]["edges"]
    assert ours["mermaid"] == theirs["mermaid"]
    assert ours["cascade"] == theirs["cascade"]
    assert ours["with masters"] == theirs["with masters"]
    assert ours["trace"] == theirs["trace"]
    assert ours["restrict"] == theirs["restrict"]

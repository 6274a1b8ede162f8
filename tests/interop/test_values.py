"""Databases written by DataJoint 2.3: every type is read, found by what was read, and written again; DDL stays as it was."""

from __future__ import annotations

import ast
import struct

import pytest

import datajoint as dj
from datajoint.naming import from_camel_case
from tests.interop import written
from tests.interop.stored import stored
from tests.provision.servers import connect_raw


@pytest.fixture
def raw(url, engine):
    if engine == "sqlite":
        pytest.skip("DataJoint 2.3 knows servers only")
    connection = connect_raw(url)
    yield connection
    connection.close()


def alike(declared, found, value):
    if declared == "float32":
        return struct.pack("f", found) == struct.pack("f", value)
    return type(found) is type(value) and found == value


def test_every_type_is_read_found_and_written_again(peer, raw, connection, new_schema_name, engine):
    name = new_schema_name("theirs")
    peer("write", script="peer_values.py", name=name, engine=engine)
    before = stored(raw, [name], postgresql=engine == "postgresql")
    seen = peer("read", script="peer_values.py", name=name)
    module = dj.VirtualModule("theirs", name, connection=connection)
    for class_name, (declared, values) in written.tables(engine).items():
        table = getattr(module, class_name)
        rows = table.to_dicts(order_by="id")
        assert rows[0] == {"id": -1, "x": None}
        assert [r["id"] for r in (table & {"x": None}).to_dicts()] == [-1]
        assert (table & {"id": -1}).fetch1("x") is None
        for row, value in zip(rows[1:], values, strict=True):
            found = row["x"]
            assert alike(declared, found, value), (declared, found, value)
            number = row["id"]
            assert number in {r["id"] for r in (table & {"x": found}).to_dicts()}, (declared, found)
            assert len(table & row) == len(table & {"x": found} & {"id": number}) == 1, (declared, found)
            if declared != "json":
                many = [{"x": found, "id": n} for n in range(30)]
                assert number in {r["id"] for r in (table & many).to_dicts()}, (declared, found)
            table.insert1({"id": number + 100, "x": found})
            table.insert1({"id": number + 200, "x": None})
            table.update1({"id": number + 200, "x": found})
            for copy in (100, 200):
                again = (table & {"id": number + copy}).fetch1("x")
                assert alike(declared, again, value), (declared, again, value)
    assert stored(raw, [name], postgresql=engine == "postgresql") == before

    now = peer("read", script="peer_values.py", name=name)
    for class_name, (declared, values) in written.tables(engine).items():
        table = from_camel_case(class_name)
        for number in range(len(values)):
            original = seen[table][str(number)]
            for copy in (100, 200):
                again = now[table][str(number + copy)]
                if declared == "json":  # jsonb keeps 1e20 as an integer if it was written so
                    again, original = (ast.literal_eval(text) for _, text in (again, original))
                assert again == original, declared
                original = seen[table][str(number)]


def test_joins_and_foreign_keys_reach_into_a_schema_of_old(peer, connection, new_schema_name, engine):
    old, new = new_schema_name("theirs"), new_schema_name("ours")
    peer("write", script="peer_values.py", name=old, engine=engine)
    theirs = dj.VirtualModule("theirs", old, connection=connection)
    ours = dj.Schema(new, connection=connection)
    text, label = (
        getattr(theirs, n)
        for n, (t, _) in written.tables(engine).items()
        if t in ("varchar(20)", "enum('b','A','a b')")
    )
    child = ours(
        type("Child", (dj.Manual,), {"definition": "-> Text\n---\n-> [nullable] Label.proj(label='id')"}),
        context={"Text": text, "Label": label},
    )
    child.insert1({"id": 0, "label": 1})
    assert (child * text).fetch1("x") == "a"
    assert (child * label.proj("x", label="id")).fetch1("x") == "A"
    assert len(text & child) == len(text & [{"id": 0}]) == 1
    assert len(theirs.schema.list_tables()) == len(written.tables(engine))

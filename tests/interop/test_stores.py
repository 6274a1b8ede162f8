"""Objects in stores that DataJoint 2.3 wrote are read, and those written here are read by it; paths and documents agree."""

from __future__ import annotations

import json
import re

import pytest

import datajoint as dj
from datajoint.storage import get_storage_backend
from tests.interop import peer_stores as task


@pytest.fixture(params=["file", "s3"])
def stores(request, engine, tmp_path, settings, new_store):
    if request.param == "s3" and engine != "postgresql":
        pytest.skip("the engine knows nothing of the store's kind; shown once")
    store = new_store(request.param, subfolding=[2, 2], partition_pattern="{day}")
    stores = {"default": "main", "filepath_default": "main", "main": store}
    settings.stores.update(stores)
    settings.download_path = str(tmp_path / "ours")
    get_storage_backend(settings.get_store_spec("main")).put_buffer(b"user's", "user/file.bin")
    return stores


def comparable(document, schema=""):
    """Leave out of a column's document what is drawn, dated, or the schema's name."""
    if not isinstance(document, dict):
        return document
    found = {name: value for name, value in document.items() if name != "timestamp"}
    path = re.sub(r"_[A-Za-z0-9_-]{8}(\.\w+)?$", r"_TOKEN\1", found["path"])
    found["path"] = path.replace(f"/{schema}/", "/SCHEMA/")
    return found | ({"schema": "SCHEMA"} if found.get("schema") == schema else {})


def test_each_reads_what_the_other_wrote(peer, engine, connection, new_schema_name, stores, tmp_path):
    theirs, ours = new_schema_name("theirs"), new_schema_name("ours")
    # DataJoint 2.3 cannot insert these on MariaDB, whose JSON is text.
    without = ["b", "a"] if engine == "mariadb" else []
    downloads = str(tmp_path / "theirs")
    their_documents = peer(
        "write",
        "peer_stores.py",
        name=theirs,
        stores=stores,
        downloads=downloads,
        folder=str(tmp_path),
        without=without,
    )
    table = dj.VirtualModule("m", theirs, connection=connection).Thing()
    read_here = task.seen(table)

    mine = dj.Schema(ours, connection=connection)(type("Thing", (dj.Manual,), {"definition": task.DEFINITION}))
    for row in task.rows(tmp_path):
        mine.insert1(row)
    our_documents = task.documents(connection, mine().full_table_name)
    for theirs_row, ours_row in zip(their_documents, our_documents, strict=True):
        for attribute, value in theirs_row.items():
            if attribute not in without:
                assert comparable(ours_row[attribute], ours) == comparable(value, theirs), attribute
    for name, read in ((theirs, read_here), (ours, task.seen(mine()))):
        read_there = peer("read", "peer_stores.py", name=name, stores=stores, downloads=downloads)
        assert read_there == json.loads(json.dumps(read))
    if not without:
        assert task.seen(mine()) == read_here


def test_each_adds_to_what_the_other_has(peer, connection, new_schema_name, stores, tmp_path):
    name = new_schema_name("ours")
    downloads = str(tmp_path / "theirs")
    table = dj.Schema(name, connection=connection)(type("Thing", (dj.Manual,), {"definition": task.DEFINITION}))
    with table.staged_insert1 as staged:
        staged.rec.update(id=1, day="2024-05-01")
        staged.store("folder", ".zarr")["sub/two"] = b"22"
        with staged.open("o", ".bin") as file:
            file.write(b"staged")
    (ours,) = task.documents(connection, table().full_table_name)
    theirs = peer("stage", "peer_stores.py", name=name, stores=stores, downloads=downloads)
    for attribute in ("folder", "o"):
        mine, other = comparable(ours[attribute]), comparable(theirs[attribute])
        assert {k: v for k, v in mine.items() if k != "path"} == {k: v for k, v in other.items() if k != "path"}
    refs = (table & {"id": 9}).fetch1("folder", "o")
    assert task.content(refs[0], "sub/two") == "22"
    assert refs[1].read() == b"staged"
    table.delete()
    assert len(table()) == 0

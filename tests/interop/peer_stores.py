"""What DataJoint 2.3 is asked to do with object stores: ``python peer_stores.py TASK JSON``; see ``peer.py``."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import numpy as np  # noqa: E402

import datajoint as dj  # noqa: E402

logging.getLogger("datajoint").setLevel("ERROR")
dj.config["safemode"] = False

DEFINITION = """
id : int32
day : date
---
b=null : <blob@main>
a=null : <attach@main>
h=null : <hash@main>
o=null : <object@main>
folder=null : <object@main>
n=null : <npy@main>
f=null : <filepath@main>
"""


def rows(folder):
    """Return what is stored."""
    folder = Path(folder)
    (folder / "tree" / "sub").mkdir(parents=True, exist_ok=True)
    (folder / "tree" / "one").write_bytes(b"1")
    (folder / "tree" / "sub" / "two").write_bytes(b"22")
    (folder / "att.txt").write_text("attach")
    array = np.arange(6.0).reshape(2, 3)
    return [
        {
            "id": 1, "day": "2024-05-01", "b": {"x": [1, 2.5, None], "a": array}, "a": str(folder / "att.txt"), "h": b"hello",
            "o": (".bin", b"data"), "folder": str(folder / "tree"), "n": array, "f": "user/file.bin",
        },
        {
            "id": 2, "day": "2024-05-02", "b": "text", "a": str(folder / "att.txt"), "h": b"hello", "o": b"bytes",
            "folder": None, "n": np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]), "f": "user",
        },
        {"id": 3, "day": "2024-05-03", "b": None, "a": None, "h": None, "o": None, "folder": None, "n": None, "f": None},
    ]  # fmt: skip


def seen(table):
    """Return in plain words what a table's rows are, whoever reads them."""
    found = []
    for row in table.to_dicts(order_by="id"):
        said = {"id": row["id"], "day": str(row["day"])}
        if row["b"] is not None:
            blob = row["b"]
            said["b"] = blob if isinstance(blob, str) else [blob["x"], blob["a"].tolist()]
            said["a"] = [Path(row["a"]).name, Path(row["a"]).read_text()]
        if row["h"] is not None:
            said["h"] = row["h"].decode()
            said["o"] = [row["o"].read().decode(), row["o"].size, row["o"].ext, row["o"].verify()]
            array = row["n"].load()
            said["n"] = [str(array.dtype), list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]
            file = row["f"]
            said["f"] = sorted(file.listdir()) if file.is_dir else [file.read().decode(), file.size]
        if row["folder"] is not None:
            folder = row["folder"]
            said["folder"] = [
                sorted((str(a).strip("/"), sorted(b), sorted(c)) for a, b, c in folder.walk()), folder.size, folder.item_count,
                folder.verify(), content(folder, "sub/two"),
            ]  # fmt: skip
        found.append(said)
    return found


def content(folder, name):
    """Return the content of a file of a folder object."""
    with folder.open(name) as file:
        return file.read().decode()


def documents(connection, full_name):
    """Return what the columns hold."""
    return [
        {
            name: json.loads(value) if isinstance(value, str) and value.startswith("{") else value
            for name, value in row.items()
            if name not in {"id", "day"}
        }
        for row in connection.query(f"SELECT * FROM {full_name} ORDER BY id", as_dict=True).fetchall()
    ]


def _configure(stores, downloads):
    dj.config["stores"] = stores
    dj.config["download_path"] = downloads


def write(name, stores, downloads, folder, without=()):
    """Declare the table, fill it but for some attributes, and tell what its columns hold."""
    _configure(stores, downloads)
    table = dj.Schema(name)(type(dj.Manual)("Thing", (dj.Manual,), {"definition": DEFINITION}))
    for row in rows(folder):
        table.insert1({attribute: value for attribute, value in row.items() if attribute not in without})
    return documents(dj.conn(), table().full_table_name)


def read(name, stores, downloads):
    """Tell what is in the table."""
    _configure(stores, downloads)
    return seen(dj.VirtualModule("m", name).Thing())


def stage(name, stores, downloads):
    """Insert a row by a staged insert, into a table that is there."""
    _configure(stores, downloads)
    table = dj.VirtualModule("m", name).Thing
    with table.staged_insert1 as staged:
        staged.rec.update(id=9, day="2024-05-09")
        staged.store("folder", ".zarr")["sub/two"] = b"22"
        with staged.open("o", ".bin") as file:
            file.write(b"staged")
    return documents(dj.conn(), table().full_table_name)[-1]


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2])), default=str))

"""What DataJoint 2.3 is asked to do with values: ``python peer_values.py TASK JSON``; see ``peer.py``."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
sys.path.insert(0, str(Path(__file__).parent))

import written  # noqa: E402

import datajoint as dj  # noqa: E402

logging.getLogger("datajoint").setLevel("ERROR")
dj.config["safemode"] = False


def write(name, engine):
    """Declare a table for each type and insert its values, with a row of NULL."""
    schema = dj.Schema(name)
    for class_name, (declared, values) in written.tables(engine).items():
        table = schema(type(dj.Manual)(class_name, (dj.Manual,), {"definition": written.definition(declared)}))
        table.insert1({"id": -1, "x": None})
        if engine == "postgresql" and declared == "uuid":  # which it declares there, but cannot insert
            statement = f"INSERT INTO {table().full_table_name} VALUES (%s, %s)"
            for n, value in enumerate(values):
                dj.conn().query(statement, (n, str(value)))
        else:
            table.insert([{"id": n, "x": value} for n, value in enumerate(values)])


def read(name):
    """Tell what is in every table, value by value."""
    schema = dj.Schema(name)
    found = {}
    for table in schema.list_tables():
        free = dj.FreeTable(dj.conn(), f"{name}.{table}")
        try:
            rows = free.to_dicts(order_by="id")
        except ValueError:  # a uuid on PostgreSQL, see above
            rows = dj.conn().query(f"SELECT id, x FROM {free.full_table_name} ORDER BY id", as_dict=True).fetchall()
        found[table] = {str(row["id"]): _shown(row["x"]) for row in rows}
    return found


def _shown(value):
    return [type(value).__name__, repr(bytes(value) if isinstance(value, memoryview) else value)]


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))

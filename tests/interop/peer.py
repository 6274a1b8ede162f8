"""What DataJoint 2.3 is asked to do, in an interpreter of its own: ``python peer.py TASK JSON`` prints a JSON answer.

Where to connect comes by the environment (``DJ_HOST`` …), as for any of its programs.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import datajoint as dj  # noqa: E402

logging.getLogger("datajoint").setLevel("ERROR")
dj.config["safemode"] = False


def _pipeline():
    spec = importlib.util.spec_from_file_location("pipeline", Path(__file__).with_name("pipeline.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def declare(names, hidden=False):
    """Declare the pipeline in two schemas."""
    dj.config["jobs.add_job_metadata"] = hidden
    dj.config["provenance.capture"] = hidden
    classes = _pipeline().declare(dj, [dj.Schema(name) for name in names])
    return sorted(classes)


def headings(names):
    """Open schemas without their source, and tell what is seen."""
    found = {}
    for number, name in enumerate(names):
        module = dj.VirtualModule(f"m{number}", name)
        for table in module.schema.list_tables():
            heading = dj.FreeTable(dj.conn(), f"{name}.{table}").heading
            found[f"{number}.{table}"] = [
                [a.name, a.original_type or a.type, a.in_key, a.nullable, a.uuid, (a.lineage or "").split(".", 1)[-1]]
                for a in heading.attributes.values()
            ]
    return found


def extend(names):
    """Declare and populate children of tables that exist; tell what is there."""
    schema = dj.Schema(names[0])
    a = dj.VirtualModule("a", names[0])

    class Extension(dj.Manual):
        definition = "-> a.Session\n-> a.Texts\n---\nvalue : <blob>"

    class Length(dj.Computed):
        definition = "-> a.Texts\n---\nlength : int32\nflags=null : <blob>"

        def make(self, key):
            self.insert1({**key, "length": len((a.Texts & key).fetch1("a")), "flags": [1, "x"]})

    schema(Extension, context={"a": a})
    schema(Length, context={"a": a})
    Extension.insert1({**a.Session.keys()[0], **a.Texts.keys()[0], "value": {"answer": [1, 2.5, "x"]}})
    Length.populate()
    return {
        "note": (Extension * a.Session).fetch1("note"),
        "value": Extension.fetch1("value"),
        "lengths": Length.to_arrays("length").tolist(),
        "matched": len(Length * Extension * a.Session),
        "parents": sorted(name.replace(names[0], "") for name in Extension.parents()),
    }


def bind(names, tables):
    """Bind `tables` of every schema, as a program that is started anew does; return the seconds."""
    dj.conn()
    start = time.perf_counter()
    for name in names:
        schema = dj.Schema(name)
        context = {}
        for table, definition in tables:
            cls = type(dj.Manual)(table, (dj.Manual,), {"definition": definition})
            context[table] = schema(cls, context=context)
            context[table]().heading.names
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))

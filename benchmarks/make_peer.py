"""Populate directly with DataJoint 2.3: reads a job (JSON) from the standard input, prints seconds a key as JSON."""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    import datajoint as peer  # noqa: PLC0415 - the peer, in its own environment

    job = json.load(sys.stdin)
    peer.logger.setLevel("ERROR")
    peer.config["safemode"] = False
    for name in ("backend", "host", "port", "user", "password"):
        peer.config[f"database.{name}"] = job[name]
    if job["backend"] == "postgresql":
        peer.config["database.name"] = job["database"]
    schema = peer.Schema(job["schema"])
    try:

        class Source(peer.Manual):
            definition = "i : int32\n---\nv = 0 : int32"

        class Plain(peer.Computed):
            definition = "-> Source\n---\nr : int32"

            def make(self, key):  # type: ignore[no-untyped-def]
                self.insert1({**key, "r": 1})

        class Reading(peer.Computed):
            definition = "-> Source\n---\nr : int32"

            def make(self, key):  # type: ignore[no-untyped-def]
                self.insert1({**key, "r": (Source & key).fetch1("v")})

        for table in (Source, Plain, Reading):
            schema(table, context={"Source": Source})
        Source.insert({"i": i, "v": i} for i in range(job["keys"]))
        found = {}
        for name, table in (("insert", Plain), ("read, insert", Reading)):
            best = float("inf")
            for _ in range(3):
                table().delete_quick()
                start = time.perf_counter()
                table.populate()
                best = min(best, (time.perf_counter() - start) / job["keys"])
            found[name] = best
        print(json.dumps(found))
    finally:
        schema.drop()


if __name__ == "__main__":
    main()

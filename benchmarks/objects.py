"""Measure objects in a store that is far away: ``python -m benchmarks.objects [--objects 500] [--latency 0.05]``.

The store is memory that answers every request after a fixed time. The same work one by one, that is by `insert1` and
`fetch1`, is measured with a tenth as many objects. Fetching again must ask nothing: the local cache has it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from typing import Any

import datajoint as dj
from datajoint.settings import Config
from datajoint.settings.stores import register_adapter
from datajoint.storage import StorageAdapter

SIZE = 1 << 20


class Far(StorageAdapter):
    """Memory with a latency."""

    protocol = "far"
    allowed_keys = ("latency",)
    requests = 0
    _lock = threading.Lock()

    def create_filesystem(self, spec: dict[str, Any]) -> Any:
        """Return a filesystem that waits before it answers."""
        from fsspec.implementations.memory import MemoryFileSystem  # noqa: PLC0415 - as the library loads it

        def wait() -> None:
            with Far._lock:
                Far.requests += 1
            time.sleep(spec["latency"])

        class FarFileSystem(MemoryFileSystem):  # type: ignore[misc]  # a package without types
            cachable = False

            def pipe_file(self, *args: Any, **options: Any) -> None:
                wait()
                super().pipe_file(*args, **options)

            def cat_file(self, *args: Any, **options: Any) -> Any:
                wait()
                return super().cat_file(*args, **options)

            def info(self, *args: Any, **options: Any) -> Any:
                wait()
                return super().info(*args, **options)

        return FarFileSystem()


def timed(action: Any) -> tuple[float, int]:
    """Return the seconds and the requests that `action` takes."""
    before, start = Far.requests, time.perf_counter()
    action()
    return time.perf_counter() - start, Far.requests - before


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=500)
    parser.add_argument("--latency", type=float, default=0.05)
    chosen = parser.parse_args()
    register_adapter(Far())
    with tempfile.TemporaryDirectory() as folder:
        config = Config(safemode=False)
        config.stores.update(default="far", far={"protocol": "far", "location": "bench", "latency": chosen.latency})
        config.objects.cache, config.objects.cache_size = f"{folder}/cache", 10 * chosen.objects * SIZE
        with dj.Connection(f"sqlite:///{folder}/bench.db", config_override=config) as connection:
            measure(connection, chosen.objects)


def measure(connection: dj.Connection, count: int) -> None:
    """Insert and fetch, together and one by one."""
    schema = dj.Schema("bench", connection=connection)

    @schema
    class Thing(dj.Manual):
        definition = "id : int32\n---\ncontent : <hash@>"

    contents = [os.urandom(SIZE) for _ in range(count + count // 10)]
    together, singly = contents[:count], contents[count:]
    scale = count / len(singly)
    rows = [{"id": n, "content": data} for n, data in enumerate(contents)]
    found: list[Any] = []
    put, put_requests = timed(lambda: Thing.insert(rows[:count]))
    put_alone, _ = timed(lambda: [Thing.insert1(row) for row in rows[count:]])
    some = Thing & f"id < {count}"
    get, get_requests = timed(lambda: found.extend(some.to_arrays("content", order_by="id")))
    get_alone, _ = timed(lambda: found.extend((Thing & {"id": row["id"]}).fetch1("content") for row in rows[count:]))
    assert found == together + singly
    again, again_requests = timed(lambda: some.to_arrays("content", order_by="id"))
    print(f"{count} objects of 1 MB, load {os.getloadavg()[0]:.1f}")
    for name, seconds, requests, alone in (
        ("insert", put, put_requests, put_alone * scale),
        ("fetch", get, get_requests, get_alone * scale),
        ("fetch again", again, again_requests, get_alone * scale),
    ):
        print(
            f"{name:12} {seconds:6.2f} s, {requests:5d} requests; one by one {alone:6.2f} s: {alone / seconds:5.1f} times"
        )


if __name__ == "__main__":
    main()

"""Transfers over a store with latency, against one after the other: ``python -m benchmarks.transfers [MILLISECONDS]``.

The store is memory behind a wrapper in which every request takes so long. What is measured is how well waiting is
overlapped, and that a second fetch makes no request.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from datajoint.settings import Config
from datajoint.settings.stores import register_adapter
from datajoint.storage import StorageAdapter, get_hash, get_hashes, get_store_backend, put_hash, put_hashes

COUNT, SIZE = 500, 1_000_000


def distant_filesystem(seconds, requests):
    """Return fsspec's memory, each of whose requests takes `seconds` and is counted."""

    class Distant(MemoryFileSystem):
        protocol = "distant"
        cachable = False

        def _wait(self, name):
            requests.append(name)
            time.sleep(seconds)

        def info(self, path, **options):
            self._wait("info")
            return super().info(path, **options)

        def pipe_file(self, path, value, **_):
            self._wait("put")
            self.store["/" + path.strip("/")] = self._stored(value)

        def cat_file(self, path, **_):
            self._wait("get")
            return self.store["/" + path.strip("/")].getvalue()

        def _stored(self, value):
            return MemoryFile(self, "", value)

    return Distant()


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(milliseconds=50.0):
    requests = []
    filesystem = distant_filesystem(milliseconds / 1000, requests)

    class Adapter(StorageAdapter):
        protocol = "distant"

        def create_filesystem(self, spec):  # noqa: ARG002 - there is but one
            return filesystem

    register_adapter(Adapter())
    with tempfile.TemporaryDirectory() as folder:
        stores = {"default": "far", "far": {"protocol": "distant", "location": "b"}}
        config = Config(stores=stores, objects={"cache": Path(folder) / "cache"})
        uncached = Config(stores=stores)
        contents = [os.urandom(16) + bytes(SIZE - 16) for _ in range(COUNT)]
        backend = get_store_backend("far", config)
        print(f"{COUNT} objects of {SIZE / 1e6:.0f} MB, {milliseconds:.0f} ms a request, load {os.getloadavg()[0]:.1f}")

        one = seconds(lambda: [put_hash(content, "one", "far", config) for content in contents])
        rows = []
        many = seconds(lambda: rows.extend(put_hashes(contents, "many", "far", config)))
        print(f"put by content:  one by one {one:6.1f} s, together {many:5.2f} s: {one / many:4.1f} times as fast")

        one = seconds(lambda: [get_hash(row, uncached) for row in rows])
        many = seconds(lambda: list(get_hashes(rows, uncached)))
        print(f"get by content:  one by one {one:6.1f} s, together {many:5.2f} s: {one / many:4.1f} times as fast")

        items = [(f"raw/{n}", content) for n, content in enumerate(contents)]
        one = seconds(lambda: [backend.put_buffer(content, path) for path, content in items])
        many = seconds(lambda: backend.put_many(items))
        print(f"put_many:        one by one {one:6.1f} s, together {many:5.2f} s: {one / many:4.1f} times as fast")
        one = seconds(lambda: [backend.get_buffer(path) for path, _ in items])
        many = seconds(lambda: list(backend.get_many(path for path, _ in items)))
        print(f"get_many:        one by one {one:6.1f} s, together {many:5.2f} s: {one / many:4.1f} times as fast")

        first = seconds(lambda: list(get_hashes(rows, config)))
        requests.clear()
        second = seconds(lambda: list(get_hashes(rows, config)))
        print(f"fetched with a cache: {first:.2f} s, again {second:.2f} s with {len(requests)} requests")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))

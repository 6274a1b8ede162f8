"""The link is cut while a job's results are committed: whoever looks finds out, and the key is made once."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

import datajoint as dj
from tests.faults.proxy import Fault, Proxy

KEYS = 12
"""The last one's commit is cut: by then the driver has prepared what it repeats, so that a statement is one request."""


@pytest.fixture
def proxy(engine, url):
    if engine == "sqlite":
        pytest.skip("a file has no link")
    parts = urlsplit(url)
    proxy = Proxy(parts.hostname, parts.port)
    proxy.url = url.replace(f":{parts.port}", f":{proxy.port}")
    yield proxy
    proxy.close()


@pytest.mark.parametrize(("mode", "calls"), [("cut after", 1), ("cut before", 2)])
@pytest.mark.parametrize("keep", [False, True])
def test_cut_during_commit(proxy, new_connection, new_schema_name, settings, mode, calls, keep):
    settings.jobs.keep_completed = keep
    settings.database.use_tls = False
    direct = new_connection()
    schema = dj.Schema(new_schema_name(), connection=new_connection(url=proxy.url))
    made = []

    @schema
    class S(dj.Manual):
        definition = "i : int32"

    @schema
    class K(dj.Computed):
        definition = "-> S\n"

        def make(self, key):
            made.append(key)
            self.insert1(key)
            if len(made) == KEYS:
                # The next request takes the job off the queue, and the one after it commits, or they are one.
                proxy.set(Fault(mode, 0 if direct.dialect.pipelines else 1))

    S.insert({"i": n} for n in range(KEYS))
    K.jobs.refresh()
    outcome = K.populate(reserve_jobs=True, refresh=False)
    assert proxy.happened
    assert outcome == {"success_count": KEYS, "error_list": []}
    assert len(made) == KEYS + calls - 1
    assert len(dj.FreeTable(direct, f"{schema.database}.__k")) == KEYS
    statuses = dj.FreeTable(direct, f"{schema.database}.~~k").to_arrays("status").tolist()
    assert statuses == (["success"] * KEYS if keep else [])

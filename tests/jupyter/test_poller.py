"""Looking again and again: no more often than told, more rarely if it takes long, and to an end."""

from __future__ import annotations

import itertools
import threading
import time

from datajoint_jupyter.poller import Poller


def test_it_looks_at_most_so_often_and_ends():
    times, enough, released = [], threading.Event(), threading.Event()

    def look():
        times.append(time.monotonic())
        if len(times) == 4:
            enough.set()

    poller = Poller("test", look, released.set, interval=0.1)
    poller.start()
    poller.start()  # one thread is enough
    assert poller.running
    assert enough.wait(20)
    poller.stop()
    assert released.wait(20)
    assert not poller.running
    assert all(later - earlier > 0.09 for earlier, later in itertools.pairwise(times))


def test_what_takes_long_is_asked_more_rarely():
    spans, enough, released = [], threading.Event(), threading.Event()

    def look():
        began = time.monotonic()
        enough.wait(0.05)
        spans.append((began, time.monotonic()))
        if len(spans) == 2:
            enough.set()

    poller = Poller("test", look, released.set, interval=0.01)
    poller.start()
    assert enough.wait(20)
    poller.stop()
    assert released.wait(20)
    (began, ended), (again, _) = spans[:2]
    assert again - began > 9 * (ended - began)


def test_a_fault_does_not_end_it(caplog):
    looks, enough, released = [], threading.Event(), threading.Event()

    def look():
        looks.append(1)
        if len(looks) == 2:
            enough.set()
        raise ValueError("no")

    poller = Poller("test poller", look, released.set, interval=0.01)
    poller.start()
    assert enough.wait(20)
    poller.stop()
    assert released.wait(20)
    assert "test poller failed" in caplog.text

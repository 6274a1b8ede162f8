"""The stream of events."""

import logging

from datajoint.events import EventStream, KeyStarted, PopulateStarted


def test_subscribers_get_every_event_until_they_close():
    stream, seen = EventStream(), []
    with stream.subscribe(seen.append) as subscription:
        stream.emit(PopulateStarted(table="t", total=2))
        stream.emit(KeyStarted(table="t", key={"a": 1}))
    stream.emit(KeyStarted(table="t", key={"a": 2}))
    subscription.close()
    assert [type(e).__name__ for e in seen] == ["PopulateStarted", "KeyStarted"]
    assert seen[0].total == 2
    assert seen[1].time >= seen[0].time


def test_a_failing_subscriber_harms_nobody(caplog):
    stream, seen = EventStream(), []

    def broken(event):
        raise RuntimeError("a bar that broke")

    stream.subscribe(broken)
    stream.subscribe(seen.append)
    with caplog.at_level(logging.ERROR, logger="datajoint"):
        stream.emit(PopulateStarted(table="t", total=1))
    assert len(seen) == 1
    assert "a bar that broke" in caplog.text

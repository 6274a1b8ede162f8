"""The table browser's kernel side on every engine: pages, order, counts, errors, threads; no page in front of it."""

from __future__ import annotations

import datetime
import re
import threading
import uuid

import pytest

import datajoint as dj
from datajoint_jupyter import browse
from datajoint_jupyter.widgets.browser.columns import columns_of
from datajoint_jupyter.widgets.browser.messages import SortItem
from datajoint_jupyter.widgets.browser.rows import RowSource, behind
from datajoint_jupyter.worker import Worker

pytestmark = [pytest.mark.usefixtures("close_widgets")]

ROWS = 250


@pytest.fixture(scope="module")
def recording(module_schema):
    """A table that tests only read."""
    return make_recording(module_schema)


@pytest.fixture
def own_recording(schema):
    """A table that the test may change."""
    return make_recording(schema)


@pytest.fixture
def log(recording):
    """The statements that are run while the test lasts."""
    with recording.connection.query_log() as records:
        yield records


def make_recording(schema):
    @schema
    class Subject(dj.Manual):
        definition = """
        subject : int32
        """

    @schema
    class Recording(dj.Manual):
        definition = """
        -> Subject
        day : date
        ---
        label=null : varchar(20)   # <b>what</b>
        big : int64
        trace=null : <blob>
        info=null : json
        """

    Subject.insert([{"subject": i} for i in range(5)])
    start = datetime.date(2024, 1, 1)
    Recording.insert(
        {
            "subject": i // 50,
            "day": start + datetime.timedelta(days=i % 50),
            "label": None if i % 2 else f"l{i % 7}",
            "big": 2**53 + i,
            "trace": [i],
            "info": {"i": i},
        }
        for i in range(ROWS)
    )
    return Recording()


def keys(rows):
    return [tuple(row[:2]) for row in rows]


def expected_keys(expression, **options):
    return [(str(k["subject"]), str(k["day"])) for k in expression.keys(**options)]


def ask(browser, sent, kind, identifier="v:1", **payload):
    browser._on_message(browser, {"id": identifier, "kind": kind, "payload": payload}, [])
    while True:
        message = sent.get(timeout=10)
        if message["id"] == identifier:
            return message


def test_columns(recording):
    columns = {c.name: c for c in columns_of(recording)}
    assert list(columns) == ["subject", "day", "label", "big", "trace", "info"]
    assert [c.in_key for c in columns.values()] == [True, True, False, False, False, False]
    assert [c.foreign for c in columns.values()] == [True, False, False, False, False, False]
    assert [c.kind for c in columns.values()] == ["number", "time", "text", "number", "blob", "json"]
    assert columns["trace"].placeholder == "<blob>"
    assert columns["info"].placeholder == "json"
    assert "refers to" in columns["subject"].hint
    assert columns["label"].nullable


def test_pages_follow_the_key_whatever_the_way(recording):
    source = RowSource(recording, columns_of(recording))
    everything = expected_keys(recording)
    offsets = [0, 30, 60, 90, 30, 200, 230, 120, 240]
    for offset in offsets:
        assert keys(source.page((), offset, 30)) == everything[offset : offset + 30], offset


def test_a_following_page_starts_behind_the_last_key(recording, log):
    source = RowSource(recording, columns_of(recording))
    source.page((), 0, 100)
    source.page((), 100, 100)
    assert len(log) == 2
    assert "OFFSET" not in log[1].text.upper()


def test_pages_hold_no_blob(recording, log):
    rows = RowSource(recording, columns_of(recording)).page((), 0, 10)
    assert len(log) == 1
    assert "trace" not in log[0].text
    assert "info" not in log[0].text
    assert rows[0][4:] == [None, None]
    assert rows[1][3] == "9007199254740993"
    assert rows[1][2] is None


def test_order_is_complete(recording):
    source = RowSource(recording, columns_of(recording))
    sort = (SortItem("label", descending=True), SortItem("day"))
    paged = [row for offset in range(0, ROWS, 40) for row in source.page(sort, offset, 40)]
    assert keys(paged) == expected_keys(recording, order_by=["label DESC", "day", "subject"])


def test_other_expressions(recording):
    limited = recording & dj.Top(30, "big DESC")
    source = RowSource(limited, columns_of(limited))
    assert keys(source.page((), 0, 10)) == expected_keys(recording, order_by="big DESC", limit=10)
    assert keys(source.page((), 10, 10)) == expected_keys(recording, order_by="big DESC", limit=20)[10:]
    assert source.count(1000) == source.count() == 30
    summary = dj.U().aggr(recording, n="count(*)")
    assert RowSource(summary, columns_of(summary)).page((), 0, 10) == [[str(ROWS)]]
    joined = recording.proj("big") * dj.U("subject").aggr(recording, n="count(*)")
    source = RowSource(joined, columns_of(joined))
    assert len(source.page((), 0, 100)) == 100
    assert len(source.page((), 200, 100)) == 50


def test_counting_stops_where_told(recording):
    source = RowSource(recording, columns_of(recording))
    assert source.count(100) == 100
    assert source.count() == ROWS


@pytest.mark.parametrize(
    ("names", "values", "condition"),
    [
        (["a"], [1], "`a` > 1"),
        (["a", "b"], [True, 2], "`a` >= 1 AND (`a` > 1 OR (`a` = 1 AND `b` > 2))"),
        (["d"], [datetime.date(2024, 1, 2)], "`d` > '2024-01-02'"),
        (["u"], [uuid.UUID(int=1)], "`u` > '00000000-0000-0000-0000-000000000001'"),
    ],
)
def test_condition_behind_a_key(names, values, condition):
    assert behind(names, values) == condition


# --- messages
def test_a_page_is_answered_from_the_browsers_own_session(recording, sent):
    browser, connection = browse(recording), recording.connection
    assert browser.first_page[0][:2] == ["0", "2024-01-01"]
    here = connection.connection_id
    seen = []
    original = browser._source.page
    browser._source.page = lambda *a: (
        seen.append((threading.current_thread().name, connection.connection_id)),
        original(*a),
    )[1]
    message = ask(browser, sent, "page", offset=100, limit=100, revision=0)
    assert message["kind"] == "page"
    assert message["payload"]["offset"] == 100
    assert keys(message["payload"]["rows"]) == expected_keys(recording)[100:200]
    assert seen[0][0].startswith("dj browse")
    assert seen[0][1] != here


def test_sorting(recording, sent):
    browser = browse(recording)
    answer = ask(browser, sent, "sort", sort=[{"name": "big", "descending": True}])
    assert answer["kind"] == "done"
    assert browser.revision == 1
    assert browser.order_by == ["big DESC"]
    assert (browser.query & dj.Top(1, None)).fetch1("big") == 2**53 + ROWS - 1
    # A question about the rows of before is told so; the new one is answered in the new order.
    assert ask(browser, sent, "page", offset=0, limit=10, revision=0)["kind"] == "stale"
    rows = ask(browser, sent, "page", offset=0, limit=10, revision=1)["payload"]["rows"]
    assert rows[0][3] == str(2**53 + ROWS - 1)
    browser.order_by = "label, day desc"
    assert browser.sort == [{"name": "label", "descending": False}, {"name": "day", "descending": True}]
    browser.order_by = []
    assert browser.query is recording or len(browser.query) == ROWS


@pytest.mark.parametrize("name", ["trace", "nothing", "big; DROP TABLE x", "big DESC, (SELECT 1)"])
def test_only_attributes_can_be_sorted_by(recording, sent, name):
    browser = browse(recording)
    answer = ask(browser, sent, "sort", sort=[{"name": name, "descending": False}])
    assert answer["kind"] == "error"
    assert "cannot be ordered" in answer["payload"]["message"]
    assert browser.revision == 0


def test_counts_come_later(recording, sent):
    browser = browse(recording)
    ask(browser, sent, "count")
    assert browser.row_count == ROWS
    assert browser.count_is_exact


def test_a_small_table_needs_no_count(recording, log):
    browser = browse(recording & "subject = 1")
    text = browser.static().text
    # Only what asks for these rows: a browser of another test may still be counting on the same connection.
    asked = re.compile(r"WHERE \(?.{1,6}subject.{1,3} = ")
    assert len([record for record in log if asked.search(record.text)]) == 1
    assert browser.row_count == 50
    assert "(12 of 50 rows)" in text


def test_rows_that_came_and_went_are_noticed(own_recording, sent):
    browser = browse(own_recording & "subject = 1")
    (own_recording & "subject = 1 AND day > '2024-01-31'").delete_quick()
    message = ask(browser, sent, "page", offset=0, limit=100, revision=0)
    assert len(message["payload"]["rows"]) == 31
    ask(browser, sent, "count")
    assert browser.row_count == 31


def test_what_fails_is_told_in_the_widget(own_recording, sent):
    browser = browse(own_recording)
    own_recording.drop_quick()
    answer = ask(browser, sent, "page", offset=100, limit=100, revision=0)
    assert answer["kind"] == "error"
    assert "Traceback" in answer["payload"]["traceback"]
    assert ask(browser, sent, "sql", text="SELECT 1")["kind"] == "error"
    assert ask(browser, sent, "stop")["kind"] == "error"


def test_a_browser_that_cannot_begin_leaves_nothing(own_recording):
    from datajoint_jupyter.registry import open_widgets

    before = len(open_widgets)
    own_recording.heading
    own_recording.drop_quick()
    with pytest.raises(dj.DataJointError):
        browse(own_recording)
    assert len(open_widgets) == before


def test_closing_ends_thread_and_session(recording, sent):
    from datajoint_jupyter.registry import open_widgets

    open_widgets.enter_cell("cell-1")
    browser = browse(recording)
    ask(browser, sent, "page", offset=0, limit=10, revision=0)
    open_widgets.enter_cell("cell-2")
    assert not browser.closed
    open_widgets.enter_cell("cell-1")  # the cell runs again
    assert browser.closed
    browser._worker.close(timeout=10)
    assert not browser._worker.running
    browser._on_message(browser, {"id": "v:9", "kind": "page", "payload": {"offset": 0, "limit": 1, "revision": 0}}, [])
    browser.close()


def test_an_idle_thread_gives_its_session_back():
    released = threading.Event()
    worker = Worker("dj idle", released.set, idle=0.01)
    ran = threading.Event()
    worker.submit(ran.set)
    assert ran.wait(10)
    assert released.wait(10)
    released.clear()
    ran.clear()
    worker.submit(ran.set)  # it comes back when needed
    assert ran.wait(10)
    assert released.wait(10)


def test_urgent_jobs_go_first():
    worker = Worker("dj order", lambda: None)
    gate, over, order = threading.Event(), threading.Event(), []
    worker.submit(lambda: gate.wait(10))
    worker.submit(lambda: (order.append("count"), over.set()), urgent=False)
    worker.submit(lambda: order.append("page"))
    gate.set()
    assert over.wait(10)
    assert order == ["page", "count"]
    worker.close(timeout=10)

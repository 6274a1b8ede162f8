"""The table browser's kernel side on every engine: pages, order, counts, errors, threads; no page in front of it."""

from __future__ import annotations

import datetime
import json
import re
import threading
import uuid
from contextlib import contextmanager
from dataclasses import replace

import pytest

import datajoint as dj
from datajoint_jupyter import browse
from datajoint_jupyter.source_text import UNNAMED, text_of_expression
from datajoint_jupyter.widgets.browser.columns import columns_of
from datajoint_jupyter.widgets.browser.filters import filter_of
from datajoint_jupyter.widgets.browser.keyset import OrderItem, behind
from datajoint_jupyter.widgets.browser.messages import SortItem
from datajoint_jupyter.widgets.browser.related import relations
from datajoint_jupyter.widgets.browser.rows import RowSource
from datajoint_jupyter.widgets.browser.summaries import summarise
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
        assert keys(source.page(offset, 30).rows) == everything[offset : offset + 30], offset


def test_a_following_page_starts_behind_the_last_key(recording, log):
    source = RowSource(recording, columns_of(recording))
    source.page(0, 100)
    source.page(100, 100)
    assert len(log) == 2
    assert "OFFSET" not in log[1].text.upper()


def test_pages_hold_no_blob(recording, log):
    rows = RowSource(recording, columns_of(recording)).page(0, 10).rows
    assert len(log) == 1
    assert "trace" not in log[0].text
    assert "info" not in log[0].text
    assert rows[0][4:] == [None, None]
    assert rows[1][3] == "9007199254740993"
    assert rows[1][2] is None


def test_order_is_complete(recording):
    source = RowSource(recording, columns_of(recording), [SortItem("label", descending=True), SortItem("day")])
    paged = [row for offset in range(0, ROWS, 40) for row in source.page(offset, 40).rows]
    assert keys(paged) == expected_keys(recording, order_by=["label DESC", "day", "subject"])


def test_other_expressions(recording):
    limited = recording & dj.Top(30, "big DESC")
    source = RowSource(limited, columns_of(limited))
    assert keys(source.page(0, 10).rows) == expected_keys(recording, order_by="big DESC", limit=10)
    assert keys(source.page(10, 10).rows) == expected_keys(recording, order_by="big DESC", limit=20)[10:]
    assert source.count(1000) == source.count() == 30
    summary = dj.U().aggr(recording, n="count(*)")
    assert RowSource(summary, columns_of(summary)).page(0, 10).rows == [[str(ROWS)]]
    joined = recording.proj("big") * dj.U("subject").aggr(recording, n="count(*)")
    source = RowSource(joined, columns_of(joined))
    assert len(source.page(0, 100).rows) == 100
    assert len(source.page(200, 100).rows) == 50


def test_counting_stops_where_told(recording):
    source = RowSource(recording, columns_of(recording))
    assert source.count(100) == 100
    assert source.count() == ROWS


A, B = OrderItem("a"), OrderItem("b")
DOWN, MISSING_DOWN, MISSING = (
    OrderItem("a", descending=True),
    OrderItem("a", descending=True, nullable=True),
    OrderItem("a", nullable=True),
)


@pytest.mark.parametrize(
    ("order", "values", "condition"),
    [
        ([A], [1], "`a` > 1"),
        ([A, B], [True, 2], "`a` >= 1 AND (`a` > 1 OR (`a` = 1 AND `b` > 2))"),
        ([A], [datetime.date(2024, 1, 2)], "`a` > '2024-01-02'"),
        ([A], [uuid.UUID(int=1)], "`a` > '00000000-0000-0000-0000-000000000001'"),
        ([A], ["it's"], None),
        ([A], ["back\\slash"], None),
        ([A], ["end "], None),
        ([A], [float("nan")], None),
        ([DOWN, B], [2, 3], "`a` <= 2 AND (`a` < 2 OR (`a` = 2 AND `b` > 3))"),
        ([MISSING_DOWN, B], [2, 3], "`a` < 2 OR `a` IS NULL OR (`a` = 2 AND `b` > 3)"),
        ([MISSING_DOWN, B], [None, 3], "(`a` IS NULL AND `b` > 3)"),
        ([MISSING, B], [None, 3], "`a` IS NOT NULL OR (`a` IS NULL AND `b` > 3)"),
    ],
)
def test_condition_behind_a_row(order, values, condition):
    assert behind(order, values) == condition


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


def test_a_count_that_takes_too_long_is_given_up(recording, sent, monkeypatch):
    from datajoint_jupyter.widgets.browser.rows import RowSource

    def too_long(source, at_most=None):
        raise dj.errors.TimeLimitError("too long")

    counted = RowSource.count
    monkeypatch.setattr(RowSource, "count", too_long)
    browser = browse(recording)
    wait_idle(browser)
    assert (browser.row_count, browser.count_is_exact, browser.count_given_up) == (None, False, True)
    assert "the first 12 rows" in browser.static().text
    assert ask(browser, sent, "count")["kind"] == "error"
    monkeypatch.setattr(RowSource, "count", counted)
    ask(browser, sent, "count")
    assert (browser.row_count, browser.count_is_exact, browser.count_given_up) == (ROWS, True, False)


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


# --- order and places
def test_far_places_are_found_by_key(recording, log, monkeypatch):
    monkeypatch.setattr("datajoint_jupyter.widgets.browser.rows._NEAR", 0)
    source = RowSource(recording, columns_of(recording))
    everything = expected_keys(recording)
    # From the end, and then upwards from a page that is known.
    assert keys(source.page(240, 10, ROWS).rows) == everything[240:]
    assert keys(source.page(230, 10, ROWS).rows) == everything[230:240]
    assert keys(source.page(200, 30, ROWS).rows) == everything[200:230]
    assert all("OFFSET" not in record.text.upper() for record in log)
    down = RowSource(recording, columns_of(recording), [SortItem("big", descending=True)])
    assert keys(down.page(245, 5, ROWS).rows) == everything[:5][::-1]
    assert keys(down.page(205, 40, ROWS).rows) == everything[5:45][::-1]


@pytest.mark.parametrize(
    "sort", [[SortItem("label")], [SortItem("label", descending=True)], [SortItem("big"), SortItem("label")], []]
)
def test_every_way_of_paging_gives_the_same_rows(recording, sort, monkeypatch):
    monkeypatch.setattr("datajoint_jupyter.widgets.browser.rows._FAR", 20)
    monkeypatch.setattr("datajoint_jupyter.widgets.browser.rows._NEAR", 0)
    monkeypatch.setattr("datajoint_jupyter.widgets.browser.rows._AROUND", 7)
    everything = [
        row for at in range(0, ROWS, 50) for row in RowSource(recording, columns_of(recording), sort).page(at, 50).rows
    ]
    assert len({tuple(row[:2]) for row in everything}) == ROWS
    for places in ([240, 20, 110, 90, 130, 0, 230], [130, 120, 140, 10, 245]):
        source = RowSource(recording, columns_of(recording), sort)
        for offset in places:
            assert source.page(offset, 10, ROWS).rows == everything[offset : offset + 10], (offset, places)


SORTS = [[SortItem("label")], [SortItem("label", descending=True)], [SortItem("big")], []]


@pytest.fixture
def short_stretches(monkeypatch):
    """Places are learned every 20 rows."""
    for name, rows in (("STRETCH", 20), ("_FAR", 5), ("_NEAR", 0), ("_AROUND", 7)):
        monkeypatch.setattr(f"datajoint_jupyter.widgets.browser.rows.{name}", rows)
    monkeypatch.setattr("datajoint_jupyter.widgets.browser.widget.STRETCH", 20)


def learned(expression, sort=()):
    """Return rows all of whose places are learned."""
    source = RowSource(expression, columns_of(expression), sort)
    while source.learn() is not None:
        pass
    return source


@pytest.mark.usefixtures("short_stretches")
@pytest.mark.parametrize("sort", SORTS)
def test_a_far_page_is_a_short_way_from_a_learned_place(recording, log, sort):
    everything = [
        row for at in range(0, ROWS, 50) for row in RowSource(recording, columns_of(recording), sort).page(at, 50).rows
    ]
    log.clear()
    source = learned(recording, sort)
    assert len(log) > ROWS // 20
    log_of_learning = list(log)
    for offset in (240, 130, 10, 95, 30, 200, 121):
        source._anchors.clear()
        assert source.page(offset, 10, ROWS).rows == everything[offset : offset + 10], offset
    assert all("LIMIT" in record.text for record in log)
    assert not any(name in record.text for record in log for name in ("trace", "info"))
    # Learning reads nothing but the order's attributes and the key; no statement skips more than a stretch.
    assert not any("big" in record.text for record in log_of_learning if sort != [SortItem("big")])
    assert max(int(rows) for record in log for rows in re.findall(r"OFFSET (\d+)", record.text)) <= 20


@pytest.mark.usefixtures("short_stretches")
def test_a_browser_learns_places_by_itself_and_begins_anew_in_another_order(recording, sent):
    browser = browse(recording)
    for order in ([], ["big DESC"]):
        if order:
            browser.order_by = order
        places = browser._source._starts
        for _ in range(ROWS):
            wait_idle(browser)
            if max(places) >= ROWS - 20:
                break
        assert len(places) > ROWS // 20
        assert max(places) >= ROWS - 20
    browser.restriction = "subject < 0"
    wait_idle(browser)
    assert list(browser._source._starts) == [0]


@pytest.mark.usefixtures("short_stretches")
def test_what_cannot_be_learned_is_let_be(recording, log):
    limited = recording & dj.Top(30, "big DESC")
    assert RowSource(limited, columns_of(limited)).learn() is None
    summary = dj.U().aggr(recording, n="count(*)")
    assert RowSource(summary, columns_of(summary)).learn() is None
    assert not log


@pytest.mark.usefixtures("short_stretches")
@pytest.mark.parametrize("sort", [[], [SortItem("big")]])
def test_pages_that_follow_each_other_fit_whatever_was_learned_before(own_recording, sort):
    source = learned(own_recording, sort)
    (own_recording & "subject = 0 AND day < '2024-01-14'").delete_quick()  # 13 rows
    everything = expected_keys(own_recording)
    down = [key for at in range(100, 180, 10) for key in keys(source.page(at, 10, ROWS).rows)]
    up = [key for at in range(90, 20, -10) for key in reversed(keys(source.page(at, 10, ROWS).rows))]
    found = [*up[::-1], *down]
    begin = everything.index(found[0])
    assert found == everything[begin : begin + len(found)]


def test_learning_that_takes_too_long_is_given_up(recording, monkeypatch):
    from datajoint_jupyter.widgets.browser import learning

    stretches = []
    source = RowSource(recording, columns_of(recording))
    monkeypatch.setattr(source, "learn", lambda: stretches.append(1) or len(stretches))
    monkeypatch.setattr(learning, "_SLOW", -1.0)
    worker = Worker("dj learning", recording.connection.close_thread)
    learning.Learning(source, worker, lambda: ROWS).go_on()
    for _ in range(5):
        done = threading.Event()
        worker.submit(done.set, urgent=False)
        assert done.wait(10)
    worker.close(timeout=10)
    assert len(stretches) == 2


# --- filters
def wait_idle(browser):
    """Wait until the browser's threads have done what they were given."""
    for worker in (browser._worker, browser._slow):
        done = threading.Event()
        worker.submit(done.set, urgent=False)
        assert done.wait(20)


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ({"kind": "compare", "name": "subject", "operator": "=", "value": "1"}, 50),
        ({"kind": "between", "name": "day", "low": "2024-01-03", "high": "2024-01-05"}, 15),
        ({"kind": "missing", "name": "label"}, 125),
        ({"kind": "not", "item": {"kind": "missing", "name": "label"}}, 125),
        ({"kind": "text", "name": "label", "place": "contains", "text": "6"}, 18),
        ({"kind": "one of", "name": "big", "values": [str(2**53 + 1), str(2**53 + 2)]}, 2),
        ({"kind": "missing", "name": "trace"}, 0),
    ],
)
def test_filters_restrict_and_say_so_in_python(recording, sent, condition, rows):
    browser = browse(recording)
    assert ask(browser, sent, "filter", condition=condition)["kind"] == "done"
    assert len(browser.query) == len(recording & browser.restriction) == rows
    assert len(browser.filters) == 1
    wait_idle(browser)
    assert (browser.row_count, browser.count_is_exact) == (rows, True)
    page = ask(browser, sent, "page", offset=0, limit=300, revision=browser.revision)
    assert len(page["payload"]["rows"]) == rows
    assert ask(browser, sent, "unfilter", place=0)["kind"] == "done"
    assert len(browser.query) == ROWS


def test_code_gives_the_rows(recording, sent):
    Recording = recording
    browser = browse(recording)
    browser._step = replace(browser._step, code="Recording")
    ask(browser, sent, "filter", condition={"kind": "between", "name": "day", "low": "2024-01-03", "high": None})
    ask(browser, sent, "filter", condition={"kind": "missing", "name": "label"})
    browser.order_by = "big desc"
    assert browser.code == "Recording & \"`day` >= '2024-01-03'\" & {'label': None} & dj.Top(None, ['big DESC'])"
    rows = eval(browser.code)
    assert rows.keys() == browser.query.keys()
    browser.selection = browser.query.keys(limit=3)
    answer = ask(browser, sent, "code")["payload"]
    assert answer["code"] == browser.code
    assert len(eval(answer["selection"])) == 3


def test_code_of_expressions_from_python(recording):
    names = {"Recording": recording, "some": recording & "subject > 1"}
    for expression, text in [
        (recording, "Recording"),
        (names["some"], "some"),
        (recording & {"subject": 1} & "big > 3", "Recording & {'subject': 1} & '`big` > 3'"),
        (names["some"] & dj.Not({"subject": 3}), "Recording & '`subject` > 1' & dj.Not({'subject': 3})"),
        (recording.proj("big"), UNNAMED),
    ]:
        assert text_of_expression(expression, names) == text
        if text != UNNAMED:
            assert eval(text, {"dj": dj, **names}).keys() == expression.keys()
    table = dj.FreeTable(recording.connection, recording.full_table_name)
    text = text_of_expression(table, {"here": recording.connection})
    assert text.startswith("dj.FreeTable(here, ")
    assert len(eval(text, {"dj": dj, "here": recording.connection})) == ROWS


@pytest.mark.parametrize(
    ("restriction", "rows"),
    [
        ({"subject": 1}, 50),
        ("big > 9007199254740993", 248),
        ([{"subject": 1}, {"subject": 2}], 100),
        (dj.AndList([{"subject": 1}, "label is null"]), 25),
        (dj.Not({"subject": 1}), 200),
        (None, ROWS),
    ],
)
def test_restriction_can_be_set(recording, restriction, rows):
    browser = browse(recording)
    browser.restriction = {"subject": 4}
    browser.restriction = restriction
    assert len(browser.query) == rows
    before = browser.revision
    with pytest.raises(dj.DataJointError):
        browser.restriction = "no_such_name > 3"
    assert (browser.revision, len(browser.query)) == (before, rows)


@pytest.mark.parametrize(
    "condition",
    [
        {"kind": "compare", "name": "nothing", "operator": "=", "value": "1"},
        {"kind": "compare", "name": "big", "operator": "= 1 OR", "value": "1"},
        {"kind": "compare", "name": "big", "operator": "=", "value": "1 OR 1"},
        {"kind": "verbatim", "text": "TRUE"},
        {"kind": "exists", "table": "Subject", "condition": None},
        {"kind": "group", "how": "and", "items": [{"kind": "verbatim", "text": "TRUE"}]},
        "big = 1",
    ],
)
def test_the_page_cannot_send_conditions_in_words(recording, sent, condition):
    browser = browse(recording)
    assert ask(browser, sent, "filter", condition=condition)["kind"] == "error"
    assert browser.filters == []


# --- columns, summaries
def test_columns_that_are_not_shown_are_not_read(recording, sent, log):
    browser = browse(recording)
    answer = ask(browser, sent, "columns", names=["big", "label"])
    assert answer["kind"] == "done"
    assert browser.shown_columns == ["label", "big"]
    assert browser.first_page[1] == [None, str(2**53 + 1)]
    assert "day" in log[-1].text  # the key names the rows
    browser.shown_columns = ["subject", "big", "trace"]
    assert browser.first_page[1] == ["0", str(2**53 + 1), None]
    assert all("label" not in record.text for record in log if "info" in record.text or record is log[-1])
    assert ask(browser, sent, "columns", names=["other"])["kind"] == "error"
    assert ask(browser, sent, "columns", names=[])["kind"] == "error"


@pytest.mark.parametrize("name", ["subject", "day", "label", "big"])
def test_each_bar_of_a_summary_is_a_filter(recording, name, sent):
    browser = browse(recording)
    summary = ask(browser, sent, "summary", name=name)["payload"]["summary"]
    assert summary["rows"] == ROWS
    assert summary["missing"] == (125 if name == "label" else 0)
    assert summary["distinct"] == {"subject": 5, "day": 50, "label": 7, "big": ROWS}[name]
    assert summary["histogram"] == (name != "label")
    assert sum(bar["count"] for bar in summary["bars"]) == ROWS - summary["missing"]
    assert len(summary["bars"]) <= 31
    for bar in summary["bars"][:4] + summary["bars"][-1:]:
        ask(browser, sent, "filter", condition=bar["condition"])
        assert len(browser.query) == bar["count"], bar
        ask(browser, sent, "unfilter")


def test_summaries_of_every_type(schema):
    @schema
    class Kinds(dj.Manual):
        definition = """
        n : int32
        ---
        f : float64
        g=null : float32
        d : decimal(8,2)
        t : datetime
        b : bool
        u : uuid
        e : enum('x','y')
        """

    start = datetime.datetime(2024, 1, 1)
    Kinds.insert(
        {
            "n": i,
            "f": i / 8,
            "g": i / 8 if i else None,
            "d": f"{i / 4:.2f}",
            "t": start + datetime.timedelta(hours=i),
            "b": i % 2,
            "u": uuid.UUID(int=i % 3),
            "e": "xy"[i % 2],
        }
        for i in range(100)
    )
    for name in Kinds.heading.names:
        summary = summarise(Kinds(), name)
        assert sum(bar.count for bar in summary.bars) == 100 - summary.missing, name
        assert summary.missing == (name == "g")
        for bar in summary.bars:
            if bar.condition is not None:
                assert len(Kinds & filter_of(bar.condition).restriction) == bar.count, (name, bar)


def test_what_takes_too_long_is_told_of_the_first_rows(recording, monkeypatch):
    limits = []

    def refuse_the_first(connection, seconds):
        limits.append(seconds)
        if len(limits) == 1:
            raise dj.errors.TimeLimitError("too long")
        return original(connection, seconds)

    original = dj.Connection.time_limit
    monkeypatch.setattr(dj.Connection, "time_limit", refuse_the_first)
    summary = summarise(recording, "big", seconds=5, sample=100)
    assert (summary.rows, summary.sampled) == (100, True)
    assert set(limits) == {5}


def test_empty_and_blob_columns_have_no_bars(recording, sent):
    browser = browse(recording & "subject > 100")
    summary = ask(browser, sent, "summary", name="big")["payload"]["summary"]
    assert (summary["rows"], summary["bars"]) == (0, [])
    assert ask(browser, sent, "summary", name="trace")["kind"] == "error"


# --- related rows
def test_following_foreign_keys_and_back(schema, sent):
    @schema
    class Subject(dj.Manual):
        definition = """
        subject : int32
        """

    @schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int32
        ---
        -> [nullable] Subject.proj(other='subject')
        """

        class Trial(dj.Part):
            definition = """
            -> master
            trial : int32
            """

    @schema
    class Score(dj.Computed):
        definition = """
        -> Session
        ---
        score : float64
        """

        def make(self, key):
            self.insert1({**key, "score": 1.0})

    Subject.insert({"subject": i} for i in range(3))
    Session.insert({"subject": i, "session": j, "other": 2 if j else None} for i in range(2) for j in range(4))
    Session.Trial.insert({"subject": 0, "session": 1, "trial": k} for k in range(6))
    Score.populate()
    browser = browse(Session)
    found = ask(browser, sent, "related", scope="all", revision=0)["payload"]["related"]
    table = {(item["kind"], item["title"].rpartition(".")[2].strip("'")): item["count"] for item in found}
    assert [item["kind"] for item in found] == ["parent", "parent", "part", "computed"]
    assert sorted(item["count"] for item in found) == ["1 row", "2 rows", "6 rows", "8 rows"], table
    # Of one row, by its number.
    row = {"scope": "row", "row": 1, "revision": 0}
    part = next(i for i in ask(browser, sent, "related", **row)["payload"]["related"] if i["kind"] == "part")
    assert part["count"] == "6 rows"
    assert ask(browser, sent, "follow", place=part["place"], name=part["name"], **row)["kind"] == "done"
    assert len(browser.query) == 6
    assert browser.query.full_table_name == Session.Trial.full_table_name
    assert browser.trail == [f"{schema.database}.session"]
    assert len(browser.columns) == 3
    # Up again from there, then all the way back, filters and all.
    up = next(
        i
        for i in ask(browser, sent, "related", scope="all", revision=browser.revision)["payload"]["related"]
        if i["kind"] == "master"
    )
    ask(browser, sent, "follow", place=up["place"], name=up["name"], scope="all", revision=browser.revision)
    assert browser.query.keys() == [{"subject": 0, "session": 1}]
    assert ask(browser, sent, "follow", place=99, name="x", scope="all", revision=browser.revision)["kind"] == "error"
    assert ask(browser, sent, "return", step=0)["kind"] == "done"
    assert len(browser.query) == 8
    assert browser.trail == []
    assert ask(browser, sent, "return", step=0)["kind"] == "error"
    # A renamed foreign key finds its own rows.
    other = next(i for i in found if i["kind"] == "parent" and i["count"] == "1 row")
    ask(browser, sent, "follow", place=other["place"], name=other["name"], scope="all", revision=browser.revision)
    assert browser.query.keys() == [{"subject": 2}]


def test_composed_expressions_lead_to_their_tables(recording):
    composed = recording.proj("big") * dj.U("subject").aggr(recording, n="count(*)")
    found = relations(composed)
    assert [relation.kind for relation in found] == ["origin", "origin"]
    assert [len(relation.rows(composed)) for relation in found] == [5, ROWS]


# --- selection
def test_selection_from_the_page_and_from_python(recording, sent):
    browser = browse(recording)
    ask(browser, sent, "select", how="add", rows=[0, 2], revision=0)
    ask(browser, sent, "select", how="add", rows=[120], revision=0)  # not read yet
    assert browser.selection == [recording.keys()[place] for place in (0, 2, 120)]
    ask(browser, sent, "select", how="remove", rows=[2], revision=0)
    assert len(browser.selection) == len(browser.selected) == 2
    browser.order_by = "big desc"
    page = ask(browser, sent, "page", offset=200, limit=100, revision=1)["payload"]
    assert [page["ids"].index(name) for name in browser.selected if name in page["ids"]] == [49]
    assert ask(browser, sent, "select", how="add", rows=[0], revision=0)["kind"] == "error"
    browser.selection = recording & "subject = 1"
    assert len(browser.selection) == 50
    browser.selection = {"subject": 1, "day": "2024-01-03"}
    assert browser.selection == [{"subject": 1, "day": datetime.date(2024, 1, 3)}]
    browser.selection = None
    assert browser.selection == []
    browser.query = recording & "subject = 2"
    assert len(browser.query) == 50
    assert browser.row_count == 50


def test_many_rows_are_selected_by_few_statements(recording, sent, log):
    browser = browse(recording)
    wait_idle(browser)
    before = len(log)
    ask(browser, sent, "select", how="only", rows=list(range(20, 240)), revision=0)
    assert browser.selection == recording.keys()[20:240]
    assert len(log) - before <= 4
    assert ask(browser, sent, "select", how="only", rows=[249, 250], revision=0)["kind"] == "error"
    assert len(browser.selection) == 220


def test_rows_without_a_key_cannot_be_selected(recording, sent):
    browser = browse(dj.U().aggr(recording, n="count(*)"))
    assert not browser.selectable
    assert ask(browser, sent, "select", how="add", rows=[0], revision=0)["kind"] == "error"


# --- values
def test_values_are_read_when_asked_for(recording, sent, log):
    browser = browse(recording)
    wait_idle(browser)
    assert not any("trace" in record.text for record in log)
    content = ask(browser, sent, "cell", row=3, name="trace", revision=0)["payload"]["content"]
    assert (content["title"], content["text"]) == ("list, 1 item", "[\n  3\n]")
    content = ask(browser, sent, "cell", row=120, name="info", revision=0)["payload"]["content"]
    assert content["text"] == '{\n  "i": 120\n}'
    assert ask(browser, sent, "cell", row=3, name="other", revision=0)["kind"] == "error"
    assert ask(browser, sent, "cell", row=10**6, name="trace", revision=0)["kind"] == "error"


def test_large_values_are_read_when_asked_twice(recording, sent, monkeypatch):
    monkeypatch.setattr("datajoint_jupyter.widgets.browser.cells.LARGEST", 10)
    browser = browse(recording)
    answer = ask(browser, sent, "cell", row=3, name="trace", revision=0)["payload"]
    assert answer["large"].startswith("This value has ")
    answer = ask(browser, sent, "cell", row=3, name="trace", revision=0, whatever_size=True)["payload"]
    assert answer["content"]["title"] == "list, 1 item"


# --- files
def test_export(recording, sent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    browser = browse(recording)
    browser.order_by = "big desc"
    browser.shown_columns = ["big"]
    answer = ask(browser, sent, "export", file="rows.csv")["payload"]
    assert answer["text"] == "250 rows written to rows.csv."
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert lines[:2] == ["subject,day,big", f"4,2024-02-19,{2**53 + ROWS - 1}"]
    assert ask(browser, sent, "export", file="rows.csv")["kind"] == "error"
    browser.selection = recording & "subject = 1"
    ask(browser, sent, "export", file="rows.csv", selection=True, overwrite=True)
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 51
    for name in (str(tmp_path / "rows.txt.csv"), "../rows.csv", "", "a/../../rows.csv"):
        assert ask(browser, sent, "export", file=name)["kind"] == "error"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


# --- bounds
def test_every_statement_is_bounded(recording, sent, monkeypatch):
    """Each statement has a limit, or is ended when it takes long; none reads a blob before it is opened."""
    limited = threading.local()
    original = dj.Connection.time_limit

    @contextmanager
    def noted(connection, seconds):
        with original(connection, seconds):
            limited.seconds = seconds
            yield connection
            limited.seconds = None

    free = []
    monkeypatch.setattr(dj.Connection, "time_limit", noted)
    run = type(recording.connection._statements).run

    def watched(statements, text, *arguments, **options):
        if str(text).lstrip().upper().startswith("SELECT") and getattr(limited, "seconds", None) is None:
            free.append(str(text))
        return run(statements, text, *arguments, **options)

    monkeypatch.setattr(type(recording.connection._statements), "run", watched)
    with recording.connection.query_log() as log:
        browser = browse(recording)
        browser.static()
        for offset in (100, 200, 0):
            ask(browser, sent, "page", offset=offset, limit=100, revision=0)
        ask(browser, sent, "sort", sort=[{"name": "label", "descending": True}])
        ask(browser, sent, "page", offset=150, limit=100, revision=1)
        ask(browser, sent, "filter", condition={"kind": "missing", "name": "label"})
        for name in ("subject", "day", "label", "big"):
            ask(browser, sent, "summary", name=name)
        ask(browser, sent, "related", scope="all", revision=2)
        ask(browser, sent, "count")
        wait_idle(browser)
    assert len(log) > 15
    assert not any(re.search(r"[`\"](trace|info)[`\"]", record.text) for record in log)
    assert [text for text in free if "recording" in text and "LIMIT" not in text.upper()] == []


def test_messages_are_bounded(schema, sent):
    @schema
    class Wide(dj.Manual):
        definition = "\n".join(["n : int32", "---", *(f"c{i} : varchar(2000)" for i in range(8))])

    Wide.insert({"n": i, **{f"c{j}": "x" * 2000 for j in range(8)}} for i in range(500))
    browser = browse(Wide)
    answer = ask(browser, sent, "page", offset=0, limit=500, revision=0)
    assert len(json.dumps(answer)) < 1_200_000
    assert len(json.dumps(browser.first_page)) < 1_000_000
    assert ask(browser, sent, "page", offset=0, limit=501, revision=0)["kind"] == "error"
    assert ask(browser, sent, "select", how="add", rows=list(range(10_001)), revision=0)["kind"] == "error"

"""What the page may say, and what is made of everything else."""

from __future__ import annotations

import datetime
import decimal
import uuid

import pytest

from datajoint_jupyter.display.markup import Markup, element
from datajoint_jupyter.display.populate import duration_text
from datajoint_jupyter.display.table import Column, html_table, rows_note, text_table
from datajoint_jupyter.display.twin import Static, twin_bundle
from datajoint_jupyter.display.values import key_text, text_of
from datajoint_jupyter.protocol import ProtocolError, Request, error_reply, read_request, request_id
from datajoint_jupyter.widgets.browser.messages import READERS as BROWSER
from datajoint_jupyter.widgets.browser.messages import (
    CountRequest,
    PageRequest,
    RefreshRequest,
    SortItem,
    SortRequest,
)
from datajoint_jupyter.widgets.panel.messages import READERS as PANEL
from datajoint_jupyter.widgets.panel.messages import FailuresRequest, OrderRequest, StartRequest
from datajoint_jupyter.widgets.populate.messages import READERS as POPULATE
from datajoint_jupyter.widgets.populate.messages import StopRequest


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        ("page", {"offset": 0, "limit": 100, "revision": 3}, PageRequest(0, 100, 3)),
        ("sort", {"sort": [{"name": "a", "descending": True}]}, SortRequest((SortItem("a", descending=True),))),
        ("sort", {"sort": []}, SortRequest(())),
        ("refresh", {}, RefreshRequest()),
        ("count", {}, CountRequest()),
    ],
)
def test_messages_are_read(kind, payload, expected):
    assert read_request({"id": "v:1", "kind": kind, "payload": payload}, BROWSER) == Request("v:1", expected)


def test_each_widget_takes_its_own_messages():
    assert read_request({"id": "v:1", "kind": "stop"}, POPULATE) == Request("v:1", StopRequest())
    with pytest.raises(ProtocolError, match="unknown kind 'stop'"):
        read_request({"id": "v:1", "kind": "stop"}, BROWSER)


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        ("start", {"workers": 4, "kind": "processes"}, StartRequest(4, "processes", resume=False)),
        ("resume", {"workers": 1, "kind": "threads"}, StartRequest(1, "threads", resume=True)),
        ("kill", {}, OrderRequest("kill")),
        ("retry", {"ids": ["a" * 64]}, FailuresRequest("retry", frozenset(["a" * 64]))),
        ("ignore", {"ids": []}, FailuresRequest("ignore", frozenset())),
    ],
)
def test_messages_of_a_panel(kind, payload, expected):
    assert read_request({"id": "v:1", "kind": kind, "payload": payload}, PANEL) == Request("v:1", expected)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("start", {"workers": 0, "kind": "threads"}),
        ("start", {"workers": 33, "kind": "threads"}),
        ("start", {"workers": True, "kind": "threads"}),
        ("start", {"workers": 1, "kind": "gang"}),
        ("retry", {"ids": "a" * 64}),
        ("ignore", {"ids": ["a"]}),
        ("ignore", {"ids": [{"session": 1}]}),
    ],
)
def test_a_panel_refuses_what_it_cannot_read(kind, payload):
    with pytest.raises(ProtocolError):
        read_request({"id": "v:1", "kind": kind, "payload": payload}, PANEL)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "SELECT 1",
        {},
        {"id": 1, "kind": "page"},
        {"id": "x" * 200, "kind": "refresh"},
        {"id": "1", "kind": "sql", "payload": {"text": "DROP TABLE x"}},
        {"id": "1", "kind": ["page"], "payload": {}},
        {"id": "1", "kind": "page", "payload": []},
        {"id": "1", "kind": "page", "payload": {"offset": -1, "limit": 1, "revision": 0}},
        {"id": "1", "kind": "page", "payload": {"offset": 0, "limit": 100_000, "revision": 0}},
        {"id": "1", "kind": "page", "payload": {"offset": True, "limit": 1, "revision": 0}},
        {"id": "1", "kind": "page", "payload": {"offset": 0.5, "limit": 1, "revision": 0}},
        {"id": "1", "kind": "sort", "payload": {"sort": "a"}},
        {"id": "1", "kind": "sort", "payload": {"sort": [{"name": 1}]}},
        {"id": "1", "kind": "sort", "payload": {"sort": [{"name": "a", "descending": "yes"}]}},
        {"id": "1", "kind": "sort", "payload": {"sort": [{"name": "a"}] * 100}},
    ],
)
def test_other_messages_are_refused(content):
    with pytest.raises(ProtocolError, match="cannot be read"):
        read_request(content, BROWSER)
    assert len(request_id(content)) <= 80


def test_an_error_is_told_with_its_traceback():
    try:
        int("no")
    except ValueError as error:
        message = error_reply("v:1", error)
    assert message["id"] == "v:1"
    assert message["kind"] == "error"
    assert message["payload"]["message"] == "ValueError: invalid literal for int() with base 10: 'no'"
    assert "Traceback" in message["payload"]["traceback"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (2**63, "9223372036854775808"),
        (decimal.Decimal("0.10"), "0.10"),
        (0.1, "0.1"),
        (float("nan"), "nan"),
        (True, "True"),
        ("null", "null"),
        (datetime.datetime(2024, 1, 2, 3, 4, 5, 600), "2024-01-02 03:04:05.000600"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        (datetime.timedelta(days=2, hours=1), "49:00:00"),
        (datetime.timedelta(seconds=-1.5), "-00:00:01.5"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"abc", "3 bytes"),
        ({"a": [1]}, '{"a": [1]}'),
    ],
)
def test_values_are_spelled_exactly(value, text):
    assert text_of(value) == text


def test_long_texts_are_cut():
    assert text_of("x" * 1000, 10) == "x" * 9 + "…"
    assert key_text({"a": "y" * 500}).endswith("…}")


HOSTILE = '<script>alert("1")</script>&\''


def test_nothing_acts_as_markup():
    column = Column(HOSTILE, type=HOSTILE, comment=HOSTILE, in_key=True, foreign=True, lineage=HOSTILE)
    html = html_table([column], [[HOSTILE]])
    assert "<script" not in html
    assert "alert(&quot;1&quot;)" in html
    bundle = twin_bundle("djkey", Static(element("p", HOSTILE), HOSTILE))
    assert "<script" not in bundle["text/html"]
    assert bundle["text/plain"] == HOSTILE
    assert element("p", Markup("<b>x</b>"), "<i>", None, ["<", "&"]) == "<p><b>x</b>&lt;i&gt;&lt;&amp;</p>"


def test_missing_values_and_placeholders_differ_from_their_names():
    columns = [Column("a"), Column("b", placeholder="<blob>"), Column("n", kind="number")]
    html = html_table(columns, [[None, None, "1"], ["NULL", None, "22"]])
    assert html.count('class="dj-null"') == 1
    assert "&lt;blob&gt;" in html
    assert text_table(columns, [[None, None, "1"], ["NULL", None, "22"]]).splitlines() == [
        "a     b        n",
        "----  ------  --",
        "NULL  <blob>   1",
        "NULL  <blob>  22",
    ]


def test_notes_below_a_table():
    assert rows_note(3, 3) == "3 rows"
    assert rows_note(1, 1) == "1 row"
    assert rows_note(12, 3000) == "12 of 3,000 rows"
    assert rows_note(12, 100_000, at_least=True) == "12 of more than 100,000 rows"


def test_durations():
    assert [duration_text(s) for s in (0.04, 9.96, 59.4, 3599, 86399, 90000)] == [
        "0.0 s",
        "10.0 s",
        "59 s",
        "59 min 59 s",
        "23 h 59 min",
        "1 d 1 h",
    ]

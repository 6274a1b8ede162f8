"""Trees of conditions: the object, the Python text and the page's state mean the same, on every engine."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import datajoint as dj
from datajoint_jupyter.conditions import (
    Between,
    Compare,
    Exists,
    Group,
    Missing,
    Not,
    OneOf,
    TextMatch,
    code_of,
    page_state,
    read_condition,
    restricted_code,
    restriction_of,
)
from datajoint_jupyter.protocol import ProtocolError

HOSTILE = [
    "",
    "a",
    "A",
    "it's",
    'say "x"',
    "100%",
    "a_b",
    "a\\",
    "\\'",
    "%s",
    "zoë",
    "b; DROP TABLE x",
    "`",
    "null",
    ":a",
]


@pytest.fixture(scope="module")
def tables(module_schema):
    @module_schema
    class Subject(dj.Manual):
        definition = """
        subject : int32
        ---
        name=null : varchar(30)
        sex : enum('F', 'M', '?')
        born=null : date
        weight=null : float64
        price=null : decimal(6,2)
        tag : uuid
        trained : bool
        """

    @module_schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int32
        ---
        started : datetime
        """

    Subject.insert(
        {
            "subject": i,
            "name": HOSTILE[i] if i < len(HOSTILE) else None,
            "sex": "FM?"[i % 3],
            "born": dt.date(2024, 1, 1 + i) if i % 4 else None,
            "weight": i * 0.75 if i % 5 else None,
            "price": Decimal(i) / 4 if i % 3 else None,
            "tag": uuid.UUID(int=i),
            "trained": bool(i % 2),
        }
        for i in range(20)
    )
    Session.insert(
        {"subject": i % 7, "session": i, "started": dt.datetime(2024, 5, 1, i, 30, 0, 250_000)} for i in range(14)
    )
    return {"Subject": Subject, "Session": Session, "dj": dj}


def _values(name):
    return {
        "subject": st.integers(-2, 22),
        "name": st.sampled_from(HOSTILE),
        "sex": st.sampled_from("FM?"),
        "born": st.integers(1, 25).map(lambda d: f"2024-01-{d:02d}"),
        "weight": st.sampled_from([0.75, 1.5, -0.5, 3.0, 6.75]),
        "price": st.sampled_from(["0.25", "1.00", "3.5", "0.123"]),
        "tag": st.integers(0, 22).map(lambda n: str(uuid.UUID(int=n))),
        "trained": st.booleans(),
    }[name]


NAMES = ("subject", "name", "sex", "born", "weight", "price", "tag", "trained")
ORDERED = ("subject", "born", "weight", "price")


@st.composite
def simple(draw):
    name = draw(st.sampled_from(NAMES))
    value = _values(name)
    match draw(st.sampled_from(["compare", "between", "one of", "missing", "text"])):
        case "compare":
            operator = draw(st.sampled_from(["=", "<>", *(["<", "<=", ">", ">="] if name in ORDERED else [])]))
            return Compare(name, operator, draw(value))
        case "between":
            name = draw(st.sampled_from(ORDERED))
            ends = st.none() | _values(name)
            return Between(name, draw(ends), draw(ends))
        case "one of":
            return OneOf(name, tuple(draw(st.lists(value, min_size=1, max_size=4))))
        case "missing":
            return Missing(name)
    place = draw(st.sampled_from(["contains", "starts", "ends"]))
    return TextMatch("name", place, draw(st.sampled_from(HOSTILE)))


def trees():
    inner = st.none() | st.integers(0, 14).map(lambda n: Compare("session", ">=", n))
    leaves = simple() | inner.map(lambda condition: Exists("Session", condition))
    return st.recursive(
        leaves,
        lambda below: (
            st.builds(Not, below)
            | st.builds(Group, st.sampled_from(["and", "or"]), st.lists(below, max_size=3).map(tuple))
        ),
        max_leaves=6,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(tree=trees())
def test_object_text_and_state_mean_the_same(tables, tree):
    subject = tables["Subject"]()
    found = (subject & restriction_of(tree, tables.__getitem__)).keys()
    assert (subject & eval(code_of(tree), dict(tables))).keys() == found
    assert eval(restricted_code("Subject", tree), dict(tables)).proj().keys() == found
    sent = json.loads(json.dumps(page_state(tree)))
    again = read_condition(sent, subject.heading, lambda name: tables[name]().heading)
    assert (subject & restriction_of(again, tables.__getitem__)).keys() == found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(place=st.sampled_from(["contains", "starts", "ends"]), text=st.sampled_from(HOSTILE))
def test_text_is_matched_as_python_matches_it(tables, place, text):
    rows = tables["Subject"].to_dicts()
    test = {"contains": str.__contains__, "starts": str.startswith, "ends": str.endswith}[place]
    wanted = [row["subject"] for row in rows if row["name"] is not None and test(row["name"], text)]
    found = tables["Subject"] & restriction_of(TextMatch("name", place, text), tables.__getitem__)
    assert sorted(found.to_arrays("subject").tolist()) == wanted


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"kind": "compare", "name": "nme", "operator": "=", "value": "1"}, "no attribute 'nme'"),
        ({"kind": "compare", "name": "subject", "operator": "; DROP", "value": "1"}, "operator must be one of"),
        ({"kind": "compare", "name": "subject", "operator": "=", "value": "x"}, "'x' is no value of subject"),
        ({"kind": "compare", "name": "subject", "operator": "=", "value": 1}, "a value is a text"),
        ({"kind": "compare", "name": "sex", "operator": "=", "value": "X"}, "none of the values of sex: F, M, ?"),
        ({"kind": "compare", "name": "tag", "operator": "=", "value": "1"}, "is no value of tag"),
        ({"kind": "text", "name": "subject", "place": "starts", "text": "1"}, "subject is no text"),
        ({"kind": "exists", "table": "Nothing"}, "no table 'Nothing'"),
        ({"kind": "sql", "text": "1"}, "kind must be one of"),
        ({"kind": "group", "how": "xor", "items": []}, "how must be one of"),
        ({"kind": "not"}, "a condition is an object"),
    ],
)
def test_what_a_page_cannot_mean_is_refused(tables, content, said):
    with pytest.raises(ProtocolError, match="".join(f"[{c}]" if c.isalnum() or c == " " else f"\\{c}" for c in said)):
        read_condition(content, tables["Subject"]().heading, lambda name: tables[name]().heading)


def test_depth_is_bounded(tables):
    content = {"kind": "missing", "name": "name"}
    for _ in range(30):
        content = {"kind": "not", "item": content}
    with pytest.raises(ProtocolError, match="too deeply"):
        read_condition(content, tables["Subject"]().heading, lambda name: tables[name]().heading)

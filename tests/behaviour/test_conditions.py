"""Trees of conditions: the object, the Python text and the page's state mean the same, on every engine."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal

import numpy as np
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
    Verbatim,
    code_of,
    condition_of,
    page_state,
    prose_of,
    read_condition,
    restricted_code,
    restriction_of,
    taken_apart,
)
from datajoint_jupyter.conditions.reading import read_text
from datajoint_jupyter.conditions.words import literal, quoted_name, words_of
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

    @module_schema
    class Pair(dj.Manual):
        definition = """
        -> Subject.proj(one='subject')
        -> Subject.proj(two='subject')
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
    Pair.insert({"one": i, "two": i + 1} for i in range(0, 18, 3))
    return {"Subject": Subject, "Session": Session, "Pair": Pair, "dj": dj}


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
    pairs = st.sampled_from(["one", "two"]).map(lambda via: Exists("Pair", Compare("one", "<", 9), (via,)))
    return branching(simple() | inner.map(lambda condition: Exists("Session", condition)) | pairs)


def branching(leaves):
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


def names_of(tables):
    return lambda table: next(
        (n for n, t in tables.items() if n != "dj" and t().full_table_name == table.full_table_name), None
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(tree=trees())
def test_what_restricts_is_read_back(tables, tree):
    subject = tables["Subject"]()
    restriction = restriction_of(tree, tables.__getitem__)
    again = condition_of(restriction, subject, names_of(tables))
    assert again is not None
    assert "Verbatim" not in repr(again)
    assert (subject & restriction_of(again, tables.__getitem__)).keys() == (subject & restriction).keys()
    assert all(text for _, text in prose_of(tree))


def spelled(tree):
    """Return a tree as a person would write it in one text."""
    match tree:
        case Group(items=()):
            return "TRUE"
        case Group(how=how, items=items):
            return f" {how} ".join(f"({spelled(item)})" for item in items)
        case Not(item=item):
            return f"NOT ({spelled(item)})"
        case Missing(name=name):
            return f"{name} IS NULL"
        case OneOf(name=name, values=values):
            return f"{quoted_name(name)} in ({', '.join(map(literal, values))})"
    return words_of(tree)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(tree=branching(simple()))
def test_simple_texts_become_trees(tables, tree):
    subject = tables["Subject"]()
    text = spelled(tree)
    again = condition_of(text, subject, names_of(tables))
    assert (subject & restriction_of(again, tables.__getitem__)).keys() == (subject & text).keys()


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("weight > 5 AND name = 'x'", Group("and", (Compare("weight", ">", 5.0), Compare("name", "=", "x")))),
        ("3 >= SUBJECT", Compare("subject", "<=", 3)),
        ("name like '%50\\%%'", TextMatch("name", "contains", "50%")),
        ("sex not in ('F', 'M')", Not(OneOf("sex", ("F", "M")))),
        ("born is not null", Not(Missing("born"))),
        ("born between '2024-01-02' and '2024-01-05'", Between("born", "2024-01-02", "2024-01-05")),
        ("price = 1.50", Compare("price", "=", "1.50")),
        ("trained = true", Compare("trained", "=", True)),
    ],
)
def test_texts_that_are_simple(tables, text, tree):
    assert read_text(text, tables["Subject"].heading) == tree
    assert condition_of(text, tables["Subject"](), names_of(tables)) == tree


@pytest.mark.parametrize(
    "text",
    [
        "weight * 2 > 5",
        "name = 3",
        "subject = '3'",
        "subject > 1 -- or not",
        "name = 'a' || 'b'",
        "nme = 'x'",
        "weight >",
        'name = "x"',
        "name like 'a%b'",
        "name like '_'",
        "weight > 3; DROP TABLE x",
        "length(name) > 3 AND weight > 1",
        "name LIKE subject",
        "",
    ],
)
def test_other_texts_stay_as_they_are(tables, text):
    assert read_text(text, tables["Subject"].heading) == Verbatim(text)
    assert condition_of(text, tables["Subject"](), names_of(tables)) == Verbatim(text)


def test_objects_as_people_give_them(tables):
    subject, names = tables["Subject"](), names_of(tables)
    born = dt.date(2024, 1, 2)
    assert condition_of({"born": born, "price": Decimal("1.5"), "elsewhere": 1}, subject, names) == Group(
        "and", (Compare("born", "=", "2024-01-02"), Compare("price", "=", "1.5"))
    )
    assert condition_of({"subject": [1, 2, 3], "name": None}, subject, names) == Group(
        "and", (OneOf("subject", (1, 2, 3)), Missing("name"))
    )
    assert condition_of(np.int64(3), subject, names) is None
    assert condition_of({"subject": np.int64(3), "weight": np.float32(0.75)}, subject, names) == Group(
        "and", (Compare("subject", "=", 3), Compare("weight", "=", 0.75))
    )
    # A table that shares its key is related by it; one that has other namesakes is not.
    assert condition_of(dj.Not(tables["Session"]), subject, names) == Not(Exists("Session"))
    assert condition_of(tables["Session"] & "session > 3", subject, names) == Exists(
        "Session", Compare("session", ">", 3)
    )
    assert condition_of(tables["Session"].proj(), subject, names) is None
    assert condition_of(dj.Top(3), subject, names) is None
    assert condition_of(subject.proj("sex").to_pandas(), subject, names) is None


def test_an_expression_is_taken_apart(tables):
    subject = tables["Subject"]()
    conditions = ["weight > 1", {"sex": "F"}, dj.Not({"subject": 3})]
    expression = subject
    for condition in conditions:
        expression &= condition
    base, found = taken_apart(expression)
    assert found == conditions
    assert base.make_sql() == subject.make_sql()
    assert subject.restricted_from is None
    assert expression.proj("sex").restricted_from is None
    # Below a Top, and in a list that was changed since, conditions stay.
    assert taken_apart(expression & dj.Top(2))[1] == []
    assert taken_apart(expression & dj.Top(2) & "weight < 9")[1] == ["weight < 9"]
    conditions = [{"subject": 1}]
    expression = subject & conditions
    conditions.append({"subject": 2})
    assert taken_apart(expression) == (expression, [])


def test_ways_between_tables(tables):
    near = dj.Near(tables["Pair"])
    ways = near.ways(tables["Session"])
    assert [way.via for way in ways] == ["one", "two"]
    for way in ways:
        found = tables["Session"] & dj.Near(tables["Pair"], via=way.via)
        assert str(found.path) == way.text
    assert [way.via for way in dj.Near(tables["Subject"]).ways(tables["Session"])] == [""]
    with pytest.raises(dj.DataJointError, match="belong to no single table"):
        near.ways(dj.U("subject") & tables["Subject"])


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

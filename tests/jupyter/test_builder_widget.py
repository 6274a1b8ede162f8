"""The restriction builder's kernel side on every engine: opening, the page's messages, counts, code; no page in front of it."""

from __future__ import annotations

import threading

import pytest

import datajoint as dj
from datajoint.errors import TimeLimitError
from datajoint_jupyter import restrict
from datajoint_jupyter.conditions import Between, Compare, Exists, Group, Not, OneOf, TextMatch, Verbatim
from datajoint_jupyter.widgets.builder import RestrictionBuilder
from datajoint_jupyter.widgets.builder.counts import Count, count_rows
from datajoint_jupyter.widgets.builder.opening import Given

pytestmark = [pytest.mark.usefixtures("close_widgets")]


@pytest.fixture(scope="module")
def tables(module_schema):
    @module_schema
    class Subject(dj.Manual):
        definition = """
        subject : int32
        ---
        species : enum('mouse', 'rat')
        """

    @module_schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int32
        ---
        note=null : varchar(100)
        trace=null : <blob>
        """

    @module_schema
    class Pair(dj.Manual):
        definition = """
        -> Subject.proj(one='subject')
        -> Subject.proj(two='subject')
        """

    Subject.insert({"subject": i, "species": "mouse" if i % 2 else "rat"} for i in range(30))
    Session.insert({"subject": i // 10, "session": i % 10, "note": f"n{i}" if i % 3 else None} for i in range(100))
    Pair.insert1({"one": 1, "two": 2})
    return {"Subject": Subject, "Session": Session, "Pair": Pair}


def build(tables, expression, *conditions, source=""):
    return RestrictionBuilder(
        expression, [Given(c, repr(c)) for c in conditions], source=source, namespace={**tables, "dj": dj}
    )


def ask(builder, sent, kind, identifier="v:1", **payload):
    builder._on_message(builder, {"id": identifier, "kind": kind, "payload": payload}, [])
    while True:
        message = sent.get(timeout=20)
        if message["id"] == identifier:
            return message


def counted(builder):
    """Return the counts when the builder's thread has made them all."""
    over = threading.Event()
    builder._worker.submit(over.set, urgent=False)
    assert over.wait(20)
    return {key: count["rows"] for key, count in builder.counts.items()}


def root(*items):
    return {"id": "r", "kind": "group", "how": "and", "items": list(items)}


def compare(identifier, name, operator, value):
    return {"id": identifier, "kind": "compare", "name": name, "operator": operator, "value": value}


def test_it_opens_from_what_restricts(tables):
    session, subject = tables["Session"], tables["Subject"]
    expression = session & "subject > 2 AND note LIKE 'n%'" & {"session": [1, 2]} & dj.Near(subject & "species = 'rat'")
    builder = build(tables, expression - {"session": 2})
    assert builder.tree == Group(
        "and",
        (
            Compare("subject", ">", 2),
            TextMatch("note", "starts", "n"),
            OneOf("session", (1, 2)),
            Exists("Subject", Compare("species", "=", "rat")),
            Not(Compare("session", "=", 2)),
        ),
    )
    assert builder.query.keys() == (expression - {"session": 2}).keys()
    assert eval(builder.code, {**tables, "dj": dj}).keys() == builder.query.keys()
    assert builder.code.startswith("Session & ")
    assert builder.sql == builder.query.sql(indent=True)


def test_what_no_tree_can_say_stays_in_the_source(tables):
    session = tables["Session"]()
    frame = session.proj().to_pandas().reset_index().head(3)
    chosen = session & frame & "session > 0"
    builder = RestrictionBuilder(chosen, namespace={**tables, "chosen": chosen})
    assert (builder.source, builder.tree) == ("chosen", Group("and", ()))
    assert build(tables, session & frame & "session > 0").code == "query & '`session` > 0'"
    builder = build(tables, session, {"session": 1}, dj.Top(5), {"session": 2}, source="Session")
    assert builder.tree == Compare("session", "=", 2)
    assert builder.code.startswith("Session & {'session': 1} & Top(")
    assert len(builder.query) == len(session & {"session": 1} & dj.Top(5) & {"session": 2})


def test_a_wrong_condition_is_shown_and_restricts_nothing(tables, sent):
    builder = build(tables, tables["Session"](), "nte = 'x'", "session < 3", source="Session")
    assert builder.tree == Compare("session", "<", 3)
    assert [item["kind"] for item in builder.content["items"]] == ["verbatim", "compare"]
    assert "`nte` is not found" in next(iter(builder.problems.values()))
    assert len(builder.query) == 30


def test_the_page_sets_the_tree(tables, sent):
    builder = restrict(tables["Session"])
    unfinished = {"id": "b", "kind": "compare", "name": "note", "operator": "=", "value": None}
    answer = ask(builder, sent, "set", tree=root(compare("a", "session", ">=", "8"), unfinished))
    assert answer["kind"] == "done"
    assert builder.tree == Compare("session", ">=", 8)
    assert "Not finished" in builder.problems["b"]
    assert counted(builder) == {"r": 20, "a": 20}
    assert builder.total["rows"] == 100
    ask(builder, sent, "set", tree=root(compare("a", "session", ">=", "x")))
    assert "'x' is no value of session" in builder.problems["a"]
    inner = {"id": "i", "kind": "group", "how": "and", "items": [compare("c", "species", "=", "rat")]}
    exists = {"id": "e", "kind": "exists", "table": "Subject", "via": [], "condition": inner}
    ask(builder, sent, "set", tree=root({"id": "n", "kind": "not", "item": exists}))
    assert counted(builder) == {"r": 50, "n": 50, "e": 50, "i": 15, "c": 15}
    assert ask(builder, sent, "look")["payload"]["counts"] == builder.counts


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"id": "r", "kind": "sql", "text": "1"}, "kind must be one of"),
        ({"id": "r", "kind": "group", "how": "or", "items": []}, "begins with a group"),
        (root({"kind": "missing", "name": "note"}), "id must be a text"),
        (root({"id": "r", "kind": "missing", "name": "note"}), "an id of its own"),
        (root(*({"id": f"a{i}", "kind": "missing", "name": "note"} for i in range(300))), "at most 200"),
        (root({"id": "a", "kind": "one of", "name": "note", "values": [1]}), "list of texts"),
    ],
)
def test_what_no_page_sends_is_refused(tables, sent, tree, said):
    builder = restrict(tables["Session"])
    answer = ask(builder, sent, "set", tree=tree)
    assert answer["kind"] == "error"
    assert said in answer["payload"]["message"]
    assert builder.tree == Group("and", ())


def test_python_sets_it(tables, sent):
    builder = build(tables, tables["Session"]())
    builder.restriction = ["session = 1", {"session": 2}]
    assert builder.tree == OneOf("session", (1, 2))
    builder.tree = Between("session", 2, 3)
    assert builder.content["items"][0] | {"id": ""} == {
        "id": "",
        "kind": "between",
        "name": "session",
        "low": "2",
        "high": "3",
    }
    builder.restriction = "session % 2 = 0"
    assert builder.tree == Verbatim("session % 2 = 0")
    assert len(builder.query) == 50
    for wrong, message in (("nope = 1", "`nope` is not found"), (dj.Top(3), "cannot take Top apart")):
        with pytest.raises(dj.DataJointError, match=message):
            builder.restriction = wrong
    with pytest.raises(dj.DataJointError, match="no attribute 'nope'"):
        builder.tree = Compare("nope", "=", 1)
    assert len(builder.query) == 50
    builder.source = "lab.Session"
    assert builder.code == "lab.Session & 'session % 2 = 0'"


def test_a_way_is_chosen_where_there_are_several(tables, sent):
    builder = build(tables, tables["Session"]())
    payload = ask(builder, sent, "table", origin="", table="Pair")["payload"]
    assert [way["via"] for way in payload["ways"]] == ["one", "two"]
    assert [a["name"] for a in payload["attributes"]] == ["one", "two"]
    pair = {"id": "e", "kind": "exists", "table": "Pair", "via": [], "condition": None}
    ask(builder, sent, "set", tree=root(pair))
    assert builder.problems["e"] == "Not finished: 2 ways lead to Pair. Choose one."
    ask(builder, sent, "set", tree=root({**pair, "via": ["two"]}))
    assert builder.problems == {}
    assert builder.code == "Session & dj.Near(Pair, via='two')"
    assert set(builder.query.to_arrays("subject")) == {2}


def test_questions_about_tables_and_values(tables, sent):
    builder = build(tables, tables["Session"]())
    related = ask(builder, sent, "related", table="")["payload"]
    assert {t["name"] for t in related["tables"]} >= {"Subject", "Pair"}
    assert [t["name"] for t in related["key_tables"]] == ["Subject"]
    keys = ask(builder, sent, "keys", origin="", table="Subject", search="", offset=20)["payload"]
    assert [row["key"] for row in keys["rows"]] == [{"subject": str(i)} for i in range(20, 30)]
    assert not keys["more"]
    found = ask(builder, sent, "keys", origin="", table="Subject", search="rat", offset=0)["payload"]
    assert len(found["rows"]) == 15
    assert not ask(builder, sent, "keys", origin="", table="Subject", search="cat", offset=0)["payload"]["rows"]
    summary = ask(builder, sent, "values", table="", name="session")["payload"]
    assert summary["histogram"]
    assert sum(bar["count"] for bar in summary["bars"]) == 100
    for kind, payload in (
        ("values", {"table": "", "name": "trace"}),
        ("values", {"table": "Nothing", "name": "a"}),
        ("keys", {"origin": "", "table": "Pair", "search": "", "offset": 0}),
        ("table", {"origin": "", "table": "x; DROP TABLE y"}),
    ):
        assert ask(builder, sent, kind, **payload)["kind"] == "error"


def test_counts_are_cut_where_they_take_too_long(tables, monkeypatch):
    session = tables["Session"]()
    assert count_rows(session) == Count(100)
    assert str(Count(1)) == "1 row"
    whole = type(session).__len__

    def slow(self):
        if "LIMIT" not in self.make_sql().upper():
            raise TimeLimitError("too long")
        return whole(self)

    monkeypatch.setattr(type(session), "__len__", slow)
    assert count_rows(session) == Count(100)  # there are fewer than where counting stops
    monkeypatch.setattr("datajoint_jupyter.widgets.builder.counts._CUTS", (40,))
    assert str(count_rows(session)) == "at least 40 rows"


def test_keeping_and_browsing(tables, sent):
    namespace = {**tables}
    builder = RestrictionBuilder(tables["Session"](), namespace=namespace)
    builder.tree = Compare("session", "=", 1)
    assert ask(builder, sent, "keep", name="chosen")["kind"] == "done"
    assert namespace["chosen"].keys() == builder.query.keys()
    builder.tree = Compare("session", "=", 2)
    ask(builder, sent, "keep", name="chosen")  # its own variable may be replaced
    assert namespace["chosen"].keys() == builder.query.keys()
    for name in ("Session", "len", "a b", "class"):
        assert ask(builder, sent, "keep", name=name)["kind"] == "error"
    assert namespace["Session"] is tables["Session"]
    ask(builder, sent, "browse")
    browser = builder.browser
    assert browser.query.keys() == builder.query.keys()
    assert builder.browser_id == browser.model_id
    ask(builder, sent, "close browser")
    assert browser.closed
    assert builder.browser_id == ""
    browser = builder.browse()
    builder.close()
    builder._worker.close(timeout=10)
    assert browser.closed
    assert not builder._worker.running


def test_the_static_twin_says_it_all(tables):
    builder = build(tables, tables["Session"]() & "session = 3" & dj.Near(tables["Subject"] & "species = 'rat'"))
    text = builder.static().text
    assert "- session is 3" in text
    assert "- a row of Subject belongs to it in which\n  - species is 'rat'" in text
    assert builder.code in text
    assert "(5 rows)" in text
    assert "<b>" not in builder.static().html

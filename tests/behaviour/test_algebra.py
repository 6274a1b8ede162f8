"""Rules of the operators that the worked examples do not show."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

import datajoint as dj
from datajoint.errors import DataJointError, UnknownAttributeError
from datajoint.expression import Aggregation, QueryExpression, Union

from .lab import build


@pytest.fixture(scope="module")
def lab(module_schema: dj.Schema) -> SimpleNamespace:
    return build(module_schema)


def values(expression: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in expression.to_dicts()]


def column(expression: Any, name: str) -> list[Any]:
    return [row[name] for row in expression.to_dicts()]


# --- results
def test_classes_of_results(lab: SimpleNamespace) -> None:
    subject = lab.Subject
    for expression in (subject & "sex='M'", subject - [], subject & dj.Top(), subject.proj(), subject.proj(s="sex")):
        assert isinstance(expression, subject)
    assert type(subject * lab.Session.proj()) is QueryExpression
    assert type(subject.aggr(lab.Session, n="count(*)")) is Aggregation
    assert type(dj.U("sex").aggr(subject, n="count(*)")) is Aggregation
    assert type(subject.proj() + subject.proj()) is Union
    for other in (dj.U("sex"), dj.Top(), dj.Not("a"), dj.AndList()):
        assert not isinstance(other, QueryExpression)


def test_complement_law(lab: SimpleNamespace) -> None:
    for a in (lab.SessionRig, lab.Subject, dj.U("rig") & lab.SessionRig, lab.SessionRig & dj.Top(2)):
        for b in (
            lab.Rig,
            lab.SessionRig.proj("rig"),
            lab.Rig & "room = 0",
            dj.U("rig") & lab.SessionRig,
            lab.Rig & dj.Top(1),
        ):
            a_, b_ = (a() if isinstance(a, type) else a), (b() if isinstance(b, type) else b)
            assert len(a_ & b_) + len(a_ - b_) == len(a_)
            assert len(a_ - dj.Not(b_)) == len(a_ & b_)


# --- classes as operands
def test_classes_work_as_instances(lab: SimpleNamespace) -> None:
    subject = lab.Subject
    assert len(subject) == 4
    assert bool(subject) is True
    assert {"subject_id": 1} in subject
    assert {"subject_id": 9} not in subject
    assert len(subject.restrict("sex = 'M'")) == 2
    assert len(subject.restrict(dj.Top(1))) == 1
    assert subject.aggregate(lab.Session, n="count(session)").to_arrays("n").tolist() == [2, 1, 1, 0]
    assert "subject_id" in subject.preview()
    assert subject.make_sql() == subject().make_sql()
    assert subject.sql() == subject.make_sql()
    assert subject.restriction == []
    assert subject.cursor().fetchone()[0] == 1
    assert subject.primary_key == ["subject_id"]
    assert len(subject.extend(subject.proj())) == 4
    assert repr(subject).startswith("<class")
    assert len(subject.near(lab.Session)) == 3
    assert isinstance(-subject, dj.Not)


def test_precedence_is_python_s(lab: SimpleNamespace) -> None:
    assert len(lab.Session.proj() * lab.Subject & "session = 1") == 3
    with pytest.raises(TypeError):
        "session = 1" - lab.Session.proj()


# --- matching
def test_all_offending_attributes_are_named_in_order(lab: SimpleNamespace, module_schema: dj.Schema) -> None:
    definition = "subject_id: int32\n---\nspecies: varchar(20)\nweight=null: float64"
    twin = module_schema(type("Twin", (dj.Manual,), {"definition": definition}), context={})
    messages = set()
    for combine in (
        lambda: lab.Subject * twin, lambda: lab.Subject & twin, lambda: lab.Subject - twin, lambda: lab.Subject.aggr(twin),
        lambda: lab.Subject.extend(twin), lambda: lab.Subject & [twin], lambda: lab.Subject & dj.Not(twin),
    ):  # fmt: skip
        with pytest.raises(DataJointError) as caught:
            combine()
        messages.add(str(caught.value))
    (message,) = messages
    places = [message.index(f"`{name}`") for name in ("subject_id", "species", "weight")]
    assert places == sorted(places)
    database = lab.Subject.database
    assert f"different lineages ({database}.subject.subject_id vs {database}.twin.subject_id)" in message
    for part in (
        "lineage missing",
        "by design",
        ".proj()",
        "semantic_check=False",
        "schema.rebuild_lineage()",
        "stale",
    ):
        assert part in message


def test_values_of_different_kinds_are_not_matched(lab: SimpleNamespace, module_schema: dj.Schema) -> None:
    table = module_schema(
        type("Texts", (dj.Manual,), {"definition": "subject_id: varchar(8)\n---\nsession_date: datetime"}), context={}
    )
    for combine in (
        lambda: lab.Subject().restrict(table, semantic_check=False),
        lambda: lab.Subject().join(table, semantic_check=False),
        lambda: lab.Subject.proj() + table.proj(),
    ):
        with pytest.raises(DataJointError, match=r"`subject_id`: int32 and varchar\(8\) have no equality"):
            combine()


def test_values_of_one_family_are_matched(module_schema: dj.Schema) -> None:
    left = "x: int32\n---\nn: int16\nd: date\ne: enum('b','a')\nf: float32\nc: char(4)\nb: bool"
    right = "y: int32\n---\nn: decimal(6,2)\nd: datetime(3)\ne: varchar(5)\nf: float64\nc: varchar(9)\nb: int32"
    a = module_schema(type("Narrow", (dj.Manual,), {"definition": left}), context={})
    b = module_schema(type("Wide", (dj.Manual,), {"definition": right}), context={})
    a.insert([
        {"x": 1, "n": 3, "d": "2024-01-02", "e": "a", "f": 0.5, "c": "ab", "b": True},
        {"x": 2, "n": 4, "d": "2024-01-03", "e": "b", "f": 0.25, "c": "", "b": False},
    ])  # fmt: skip
    b.insert([
        {"y": 1, "n": 3, "d": "2024-01-02", "e": "a", "f": 0.5, "c": "ab", "b": 1},
        {"y": 2, "n": 4.5, "d": "2024-01-03 00:00:01", "e": "c", "f": 0.1, "c": "abc", "b": 2},
    ])  # fmt: skip
    for name in "ndefcb":
        one, other = a.proj(name), b.proj(name)
        assert len(one.restrict(other, semantic_check=False)) == 1, name
        assert len(one.restrict(dj.Not(other), semantic_check=False)) == 1, name
        (row,) = one.join(other, semantic_check=False).to_dicts()
        assert (row["x"], row["y"]) == (1, 1)
        assert row[name] == one.fetch1(name) if len(one) == 1 else row[name] == (a & "x = 1").fetch1(name)
        assert column(one.join(other.proj(name, x="y"), semantic_check=False, left=True), "x") == [1, 2]


def test_a_different_enum_matches_by_label(module_schema: dj.Schema) -> None:
    a = module_schema(type("Low", (dj.Manual,), {"definition": "x: int32\n---\ne: enum('p','q')"}), context={})
    b = module_schema(type("High", (dj.Manual,), {"definition": "y: int32\n---\ne: enum('r','q')"}), context={})
    a.insert([{"x": 1, "e": "p"}, {"x": 2, "e": "q"}])
    b.insert([{"y": 1, "e": "r"}, {"y": 2, "e": "q"}])
    assert column(a.restrict(b, semantic_check=False), "x") == [2]
    assert len(a.join(b, semantic_check=False)) == 1


def test_headings_determine(lab: SimpleNamespace) -> None:
    session, subject = lab.Session.heading, lab.Subject.heading
    assert session.determines(subject)
    assert not subject.determines(session)
    assert subject.determines(dj.U().aggr(lab.Subject, n="count(*)").heading)


def test_without_lineage_matching_goes_by_name(new_schema: Any, caplog: Any) -> None:
    schema = new_schema()
    one = schema(type("One", (dj.Manual,), {"definition": "x: int32"}), context={})
    two = schema(type("Two", (dj.Manual,), {"definition": "x: int32"}), context={})
    one.insert([{"x": 1}, {"x": 2}])
    two.insert([{"x": 2}])
    schema.connection.query(
        f"DROP TABLE {dj.FreeTable(schema.connection, f'{schema.database}.~lineage').full_table_name}"
    )
    schema.connection.forget_catalog(schema.database)
    one, two = (dj.FreeTable(schema.connection, t.full_table_name) for t in (one, two))
    with caplog.at_level(logging.WARNING, logger="datajoint"):
        assert (one & two).keys() == [{"x": 2}]
    assert "Semantic check disabled: ~lineage table not found." in caplog.text
    assert not (one * two).heading.lineage_available


# --- projection
def test_projection_rules(lab: SimpleNamespace) -> None:
    subject = lab.Subject
    assert subject.proj(..., a="weight", b="weight").heading.names == ["subject_id", "species", "sex", "a", "b"]
    assert subject.proj(a="subject_id", b="subject_id").primary_key == ["a", "b"]
    assert subject.proj(a="subject_id", b="(subject_id)").primary_key == ["a", "b"]
    assert subject.proj("sex", "-nothing", "- weight").heading.names == ["subject_id", "sex"]
    freed = subject.proj(..., s="subject_id").proj("sex", subject_id="s + 1000")
    assert freed.heading.names == ["s", "sex", "subject_id"]
    assert freed.primary_key == ["s"]
    assert column(subject.proj(h='"human"'), "h") == ["human"] * 4
    for constant, value in (("null", None), ("true", True), ("FALSE", False), ("NULL", None)):
        assert column(subject.proj(c=constant), "c") == [value] * 4
    assert all(column(subject.proj(t="CURRENT_TIMESTAMP"), "t"))
    assert column(subject.proj(m="subject_id %% 2"), "m") == [1, 0, 1, 0]
    with pytest.raises(TypeError):
        subject.proj(a=5)
    for attributes in ([5], [None], [["sex"]]):
        with pytest.raises(DataJointError, match="not a valid data type"):
            subject.proj(*attributes)
    for name in ("KEY", "weight * 2", "j.a"):
        with pytest.raises(UnknownAttributeError):
            subject.proj(name)
    for value in ("(zzz)", "zzz"):
        with pytest.raises(UnknownAttributeError, match="not found"):
            subject.proj(a=value)
    with pytest.raises(DataJointError, match="`sex` already exists"):
        subject.proj("sex", sex="weight")


def test_hidden_attributes_are_reached_by_text_only(module_schema: dj.Schema, lab: SimpleNamespace) -> None:
    table = module_schema(type("Veiled", (dj.Manual,), {"definition": "id: int32\n---\nseen=null: int32"}), context={})
    table.insert([{"id": 1, "seen": 5}, {"id": 2, "seen": 6}])
    table.connection.query(f"ALTER TABLE {table.full_table_name} ADD COLUMN _secret int")
    table.connection.forget_catalog(table.database)
    table.connection.query(f"UPDATE {table.full_table_name} SET _secret = 10 - id")
    assert column(table & "_secret > 8", "id") == [1]
    assert column(table.proj("seen") & "_secret > 8", "id") == [1]
    assert column(table.proj(h="_secret + 0"), "h") == [9, 8]
    assert column(table & dj.Top(1, "_secret"), "id") == [2]
    assert "_secret" not in table.heading
    assert len(table & {"_secret": 9}) == 2
    with pytest.raises(UnknownAttributeError):
        table.proj(h="_secret")


# --- joins
def test_left_joins_may_have_keys_of_both(lab: SimpleNamespace) -> None:
    joined = lab.Subject.proj().join(lab.Session.proj(), left=True, allow_nullable_pk=True)
    assert joined.primary_key == ["subject_id", "session"]
    assert values(joined) == [(1, 1), (1, 2), (2, 1), (3, 1), (4, None)]
    assert len(joined) == 5
    assert joined.heading["session"].nullable


def test_left_joins_keep_all_rows(lab: SimpleNamespace) -> None:
    session = lab.Session.proj()
    for right in (
        lab.SessionRig & "rig = 'none'", lab.SessionRig.proj(r="rig") & "r = 'r1'", lab.SessionRig & dj.Top(1),
        lab.SessionRig - lab.Rig, lab.SessionRig * lab.Rig & "room > 100", session.aggr(lab.Trial, n="count(trial)") & "n > 2",
        lab.SessionRig.proj(x="concat(rig, '!')"), lab.Subject & "species = 'rat'",
    ):  # fmt: skip
        assert len(session.extend(right)) == 4
    assert column(session.extend((lab.Subject & "species = 'rat'").proj(c="1")), "c") == [None, None, None, 1]
    assert len((lab.Session & "session = 2").proj().extend(lab.Subject)) == 1
    with pytest.raises(DataJointError, match="A → B.*session"):
        lab.Subject.extend(lab.Session)


def test_nothing_but_expressions_can_be_joined(lab: SimpleNamespace) -> None:
    for other in (5, "x", None, {"a": 1}, [lab.Session]):
        with pytest.raises(DataJointError, match="The argument of join must be a QueryExpression"):
            lab.Subject * other
    with pytest.raises(TypeError):
        5 * lab.Subject()


# --- aggregation
def test_attributes_of_the_group_must_be_summarised(lab: SimpleNamespace) -> None:
    for keywords in ({"n": "session"}, {"n": "session + 1"}, {"n": "sum(session) + session"}, {"n": "session_date"}):
        with pytest.raises(DataJointError, match="many values in each group"):
            lab.Subject.aggr(lab.Session, **keywords)
    with pytest.raises(DataJointError, match="not found"):
        lab.Subject.aggr(lab.Session, "session")
    with pytest.raises(DataJointError, match="many values in each group"):
        dj.U("species").aggr(lab.Subject, w="weight")
    assert values(dj.U("species").aggr(lab.Subject, s="concat(species, '!')", t="species")) == [
        ("mouse", "mouse!", "mouse"), ("rat", "rat!", "rat"),
    ]  # fmt: skip
    for group in (5, None, "x", [lab.Session]):
        with pytest.raises(DataJointError, match="QueryExpression"):
            lab.Subject.aggr(group, n="count(*)")
        with pytest.raises(DataJointError, match="QueryExpression"):
            dj.U().aggr(group, n="count(*)")


def test_attributes_kept_in_aggregations(lab: SimpleNamespace) -> None:
    summary = lab.Subject.aggr(
        lab.Session, ..., "-weight", who="sex", n="count(session)", per="count(session) / subject_id"
    )
    assert summary.heading.names == ["subject_id", "species", "who", "n", "per"]
    assert column(summary & "species = 'rat'" & {"who": "M"}, "subject_id") == [3]
    assert values(lab.Subject.aggr(lab.Session, exclude_nonmatching=True)) == [(1,), (2,), (3,)]
    assert values(lab.Subject.aggr(lab.Session, k="(subject_id)", n="count(session)") & "n = 2") == [(1, 1, 2)]
    with pytest.raises(UnknownAttributeError):
        summary & "session = 1"
    with pytest.raises(TypeError):
        lab.Subject.aggr(lab.Session, n="count(*)", keep_all_rows=True)


def test_aggregations_are_relations(lab: SimpleNamespace) -> None:
    n = lab.Subject.aggr(lab.Session, n="count(session)")
    assert len(n * lab.Session.proj()) == 4
    assert column(lab.Session & (n & "n > 1"), "session") == [1, 2]
    assert column(lab.Subject - (n & "n > 1"), "subject_id") == [2, 3, 4]
    assert values((n & "n > 1") + (n & "n = 0").proj()) == [(1, 2), (4, None)]
    assert values((n & dj.Top(2, "n DESC, subject_id DESC")).proj()) == [(1,), (3,)]
    assert values(lab.Subject.aggr(lab.Session * n, m="max(n)")) == [(1, 2), (2, 1), (3, 1), (4, None)]
    assert values(dj.U().aggr(n & "n > 5", total="sum(n)", c="count(*)")) == [(None, 0)]


# --- unions
def test_unions_everywhere(lab: SimpleNamespace, caplog: Any) -> None:
    subject = lab.Subject
    one, two, three = ((subject & {"subject_id": i}).proj() for i in (1, 2, 3))
    both = one + two
    assert values((three + one) & dj.Top(1)) == [(1,)]
    assert values(subject.proj("sex") & both) == [(1, "M"), (2, "F")]
    assert values(subject.proj("sex") - both) == [(3, "M"), (4, "U")]
    assert values(both.proj(s="subject_id")) == [(1,), (2,)]
    assert values(both & "subject_id > 1") == [(2,)]
    assert values(both.aggr(lab.Session, n="count(session)")) == [(1, 2), (2, 1)]
    assert values(subject.aggr(lab.Session.proj() + lab.Session.proj(), n="count(session)") & "n > 1") == [(1, 2)]
    assert values(dj.U("subject_id") & (both + three)) == [(1,), (2,), (3,)]
    assert (both + both).to_dicts(order_by="KEY DESC", limit=1) == [{"subject_id": 2}]
    assert len(one + two + three + one) == 3
    with_sex = subject.proj("sex") & one
    assert values(with_sex + (subject.proj("weight") & both)) == [(1, "M", 20.5), (2, None, 18.0)]
    with pytest.raises(DataJointError, match="only be unioned"):
        subject.proj() + 5
    with pytest.raises(TypeError):
        dj.U("subject_id") + subject


def test_unions_of_foreign_keys_are_warned_about(lab: SimpleNamespace, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, logger="datajoint"):
        assert values(lab.Subject.proj() + lab.Alien.proj()) == [(1,), (2,), (3,), (4,), (9,)]
    assert "different lineages" in caplog.text
    caplog.clear()
    assert values(lab.Subject.proj() + lab.Subject.proj()) == [(1,), (2,), (3,), (4,)]
    assert not caplog.records
    with pytest.raises(DataJointError, match="different lineages"):
        lab.Subject.proj() + lab.Alien


# --- universal sets
def test_universal_sets(lab: SimpleNamespace) -> None:
    assert values(dj.U() & lab.Subject) == [()]
    assert len(dj.U() & lab.Subject) == 1
    assert (dj.U() & lab.Subject).keys() == [{}]
    assert len(dj.U() & (lab.Subject & "subject_id > 9")) == 0
    assert (dj.U() & lab.Subject).proj().to_dicts() == [{}]
    assert dj.U("a", "b").primary_key == ("a", "b")
    assert values(dj.U("sex", "sex") & lab.Subject) == [("M",), ("F",), ("U",)]
    assert column(dj.U("sex", "sex").aggr(lab.Subject, n="count(*)"), "n") == [2, 1, 1]
    assert values(lab.Session.proj() * (dj.U("subject_id") & lab.Session)) == values(lab.Session.proj())
    assert values(dj.U("species", "sex") & lab.Subject & "sex = 'M'") == [("mouse", "M"), ("rat", "M")]
    assert values((dj.U("species") & lab.Subject).proj(s="upper(species)")) == [("mouse", "MOUSE"), ("rat", "RAT")]
    assert len((dj.U("species") & lab.Subject) & dj.Top(1, "species DESC")) == 1
    assert column(lab.Subject().restrict(dj.U("species") & lab.Subject, semantic_check=False), "subject_id") == [
        1,
        2,
        3,
        4,
    ]
    with pytest.raises(DataJointError, match="lineage missing"):
        lab.Subject & (dj.U("species") & lab.Subject)
    for other in (5, "x", dj.U("a")):
        with pytest.raises(DataJointError, match="can only be restricted with a QueryExpression"):
            dj.U("a") & other
    with pytest.raises(TypeError):
        dj.U("species").aggr(lab.Subject, "sex", n="count(*)")
    with pytest.raises(DataJointError, match="infinite"):
        dj.U("a") - lab.Subject
    with pytest.raises(DataJointError, match=r"\['zzz'\] not found in the group expression"):
        dj.U("zzz").aggr(lab.Subject, n="count(*)")
    assert values(dj.U("species").aggr(lab.Subject, exclude_nonmatching=True, n="count(*)")) == [
        ("mouse", 2),
        ("rat", 2),
    ]
    for use in (lambda: dj.U("j") & lab.Doc, lambda: dj.U("j").aggr(lab.Doc, n="count(*)")):
        with pytest.raises(DataJointError, match="no equality"):
            use()


def test_groups_of_computed_attributes(lab: SimpleNamespace) -> None:
    months = dj.U("m").aggr(lab.Session.proj(m="month(session_date)"), n="count(*)")
    assert values(months) == [(1, 3), (3, 1)]
    assert values(dj.U().aggr(months, most="max(n)")) == [(3,)]
    assert values(dj.U().aggr(lab.Subject, n="count(*)") & "n > 99") == []
    assert len(dj.U().aggr(lab.Subject, n="count(*)") & "n > 99") == 0


# --- order
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("KEY DESC", [4, 3, 2, 1]),
        ("weight", [3, 2, 1, 4]),
        ("weight DESC", [4, 1, 2, 3]),
        ("weight asc nulls last", [2, 1, 4, 3]),
        ("weight desc nulls first", [3, 4, 1, 2]),
        ("weight NULLS FIRST", [3, 2, 1, 4]),
        ("weight * -1 nulls last", [4, 1, 2, 3]),
        ("`sex` desc, KEY DESC", [4, 2, 3, 1]),
        ('"sex", subject_id DESC', [3, 1, 2, 4]),
        (["sex", "weight DESC"], [1, 3, 2, 4]),
        ("abs(subject_id - 3), KEY", [3, 2, 4, 1]),
        ("ifnull(weight, 1000) desc", [3, 4, 1, 2]),
        (["if(species = 'rat', 0, 1)", "KEY DESC"], [4, 3, 2, 1]),
        ("concat(species, ',', sex) DESC", [4, 3, 1, 2]),
        ("subject_id % 2, subject_id", [2, 4, 1, 3]),
        ("subject_id %% 2 desc, subject_id", [1, 3, 2, 4]),
        ("-subject_id", [4, 3, 2, 1]),
        ("SUBJECT_ID desc", [4, 3, 2, 1]),
        ("1, KEY", [1, 2, 3, 4]),
    ],
)
def test_orders(lab: SimpleNamespace, order: Any, expected: list[int]) -> None:
    assert column(lab.Subject & dj.Top(None, order), "subject_id") == expected
    assert [k["subject_id"] for k in lab.Subject.keys(order_by=order)] == expected
    assert column((lab.Subject & dj.Top(2, order)).proj("sex"), "subject_id") == expected[:2]
    assert column(lab.Subject & dj.Top(1, order) & dj.Top(1, "sex"), "subject_id") == expected[:1]
    renamed = (lab.Subject & dj.Top(3, order)).proj(k="subject_id")
    assert column(renamed & dj.Top(1, None, 1), "k") == expected[1:2]


def test_orders_of_computed_attributes(lab: SimpleNamespace) -> None:
    summary = lab.Subject.aggr(lab.Session, n="count(session)")
    assert column(summary & dj.Top(2, "n * -1 DESC, KEY"), "subject_id") == [4, 2]
    computed = lab.Subject.proj(w="weight * 2", d="species")
    assert column(computed & dj.Top(1, "w + 1 DESC"), "subject_id") == [4]
    assert column(
        lab.Subject.proj(description="sex", desc_="weight") & dj.Top(1, "description, KEY DESC"), "subject_id"
    ) == [3]


def test_attributes_called_like_words_of_sql(module_schema: dj.Schema) -> None:
    table = module_schema(
        type("Words", (dj.Manual,), {"definition": "key: int32\n---\nselect: int32\nfrom: varchar(4)\nnulls=0: int32"}),
        context={},
    )
    table.insert([{"key": 1, "select": 5, "from": "a"}, {"key": 2, "select": 4, "from": "b"}])
    assert column(table & dj.Top(2, "select"), "key") == [2, 1]
    assert column(table & dj.Top(2, "select desc"), "key") == [1, 2]
    assert column(table & dj.Top(2, "key desc"), "key") == [2, 1]
    assert column(table & {"select": 4, "from": "b"}, "key") == [2]
    assert column(table.proj("select", double="from"), "double") == ["a", "b"]
    assert values(dj.U("from").aggr(table, count="count(`select`)")) == [("a", 1), ("b", 1)]


def test_orders_that_mean_nothing(lab: SimpleNamespace) -> None:
    for order in ("zzz", "zzz desc", "weight up", "", "weight desc desc", "KEY up", "count(*)", "(select 1)", "j"):
        with pytest.raises(DataJointError):
            lab.Doc & dj.Top(1, order) if order == "j" else lab.Subject & dj.Top(1, order)
    with pytest.raises(TypeError, match="Top order_by attributes must all be strings"):
        dj.Top(1, ["a", 5])
    assert dj.Top(order_by=("a", "b")).order_by == ["a", "b"]
    assert dj.Top(offset=3, limit=None).limit == 999999999999
    assert repr(dj.Top()) == "Top(limit=1, order_by=['KEY'], offset=0)"


def test_limits_stay_with_their_operand(lab: SimpleNamespace) -> None:
    first = lab.Subject & dj.Top(1)
    assert len(first.proj() * lab.Session) == 2
    assert len(first.proj() + (lab.Subject & dj.Top(1, "KEY DESC")).proj()) == 2
    assert len(first & dj.Top(5, "weight")) == 1
    assert bool(first & dj.Top(1, "KEY", 1)) is False
    assert len(lab.Subject & dj.Top(0)) == 0
    assert {"subject_id": 2} not in first
    assert list(first) == first.to_dicts()


# --- as text
def test_statements_run_as_they_stand(lab: SimpleNamespace) -> None:
    connection = lab.Subject().connection
    for expression in (
        lab.Subject & "note_ = 1" if "note_" in lab.Subject.heading else lab.Subject & {"species": "it's a % \\ \"q\" ;"},
        lab.Session & {"note": "a%b"} & "session_date > '2020-01-01'", lab.Subject.aggr(lab.Session, n="count(session)") & "n > 0",
        lab.Session.proj() * lab.Subject & [{"subject_id": i, "session": 1} for i in range(50)],
        (lab.Subject & {"subject_id": 1}).proj() + lab.Subject.proj("sex"), dj.U("sex") & (lab.Subject & dj.Top(2)),
        lab.Subject.near(lab.Trial & "rt > 0.6"), lab.Subject & {"weight": [20.5, None]},
    ):  # fmt: skip
        for text in (expression.sql(), expression.sql(indent=True), expression.make_sql()):
            rows = connection.query(text.replace("%", "%%")).fetchall()
            assert len(rows) == len(expression)
        assert expression.sql() == expression.sql()
        assert " ".join(expression.sql(indent=True).split()).replace("( ", "(").replace(" )", ")") == " ".join(
            expression.sql().split()
        )


def test_aliases_are_numbered_in_each_statement(lab: SimpleNamespace) -> None:
    expression = lab.Session.proj() * lab.Subject
    before = expression.sql()
    for _ in range(3):
        (lab.Subject & dj.Top(1)).to_dicts()
    assert (lab.Session.proj() * lab.Subject).sql() == before
    assert "," not in expression.make_sql(["species"]).partition(" FROM ")[0]


def test_statements_are_laid_out(lab: SimpleNamespace) -> None:
    text = (lab.Session & lab.Subject.proj() & {"note": "FROM x (SELECT"} & "session between 1 and 2").sql(indent=True)
    lines = text.split("\n")
    assert [line.split()[0] for line in lines if not line.startswith((" ", ")"))] == [
        "SELECT",
        "FROM",
        "WHERE",
        "ORDER",
    ]
    assert any(line.startswith("  SELECT") for line in lines)
    assert "FROM x (SELECT" in text


def test_plans_are_explained(lab: SimpleNamespace) -> None:
    plan = (lab.Session * lab.Subject & {"subject_id": 1}).explain()
    assert isinstance(plan, str)
    assert plan.strip()
    assert "t1" in plan
    assert (lab.Subject & []).explain()

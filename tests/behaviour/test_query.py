"""The query language on every engine: the worked examples, and what they do not show."""

from __future__ import annotations

import types
import uuid
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import datajoint as dj
from datajoint.expression import QueryExpression

from .lab import build
from .query_examples import EXAMPLES, Raises, Rows


@pytest.fixture(scope="module")
def lab(module_schema: dj.Schema) -> SimpleNamespace:
    return build(module_schema)


def evaluate(text: str, lab: SimpleNamespace) -> Any:
    result = eval(text, {"dj": dj, "pd": pd, **vars(lab)})
    return result() if isinstance(result, type) else result


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(lab: SimpleNamespace, example: str) -> None:
    text, expected = EXAMPLES[example]
    if isinstance(expected, Raises):
        error = TypeError if expected.error == "TypeError" else dj.DataJointError
        with pytest.raises(error) as caught:
            fetched = evaluate(text, lab)
            fetched.to_dicts()
        assert expected.text in str(caught.value)
        return
    result = evaluate(text, lab)
    if not isinstance(expected, Rows):
        assert result == expected
        return
    assert isinstance(result, QueryExpression)
    assert tuple(result.primary_key) == expected.primary_key
    if expected.names is not None:
        assert tuple(result.heading.names) == expected.names
    names = expected.primary_key if expected.keys_only else result.heading.names
    rows = [tuple(row[n] for n in names) for row in result.to_dicts()]
    if expected.ordered:
        assert rows == expected.rows
    else:
        assert sorted(rows, key=repr) == sorted(expected.rows, key=repr)
    assert len(result) == len(expected.rows)
    assert bool(result) is bool(expected.rows)
    assert list(iter(result)) == result.to_dicts()


def test_conditions_without_effect_return_the_same_object(lab: SimpleNamespace) -> None:
    subject = lab.Subject()
    assert subject & True is subject
    assert (subject & dj.U("x")) is subject


def test_restricted_tables_keep_their_class(lab: SimpleNamespace) -> None:
    restricted = lab.Subject & "subject_id=1"
    assert isinstance(restricted, lab.Subject)
    assert len(restricted.restriction) == 1
    assert len(lab.Subject().restriction) == 0


def test_operators_leave_operands_alone(lab: SimpleNamespace) -> None:
    q = lab.Subject()
    r = q
    r &= {"subject_id": 1}
    assert (len(q), len(r)) == (4, 1)
    q.restrict_in_place({"subject_id": 1})
    assert len(q) == 1


def test_lineage_follows_renames_and_ends_at_computation(lab: SimpleNamespace) -> None:
    database = lab.Person.database
    assert lab.Marriage().heading["husband"].lineage == f"{database}.#person.person_id"
    original = lab.Subject().heading["subject_id"].lineage
    assert lab.Subject.proj(s="subject_id").heading["s"].lineage == original
    assert lab.Subject.proj(s="subject_id+0").heading["s"].lineage is None


def test_every_row_finds_itself_again(lab: SimpleNamespace) -> None:
    for table in (lab.Session, lab.Subject, lab.Trial, lab.SessionRig, lab.Marriage):
        for row in table.to_dicts():
            assert (table & row).fetch1() == row


def test_keys_restrict_other_tables(lab: SimpleNamespace) -> None:
    assert [len(lab.Session & key) for key in lab.Subject.keys(order_by="KEY")] == [2, 1, 1, 0]


def test_queries_inside_iteration(lab: SimpleNamespace) -> None:
    assert isinstance(iter(lab.Subject), types.GeneratorType)
    assert sum(len(lab.Session & s) for s in lab.Subject for _ in lab.Rig) == 4 * 3


def test_legacy_fetch(lab: SimpleNamespace) -> None:
    with pytest.warns(DeprecationWarning, match="deprecated") as caught:
        keys, sexes = lab.Subject().fetch("KEY", "sex")
    assert len(caught) == 1
    assert keys[0] == {"subject_id": 1}
    assert isinstance(sexes, np.ndarray)


def test_top_is_a_value() -> None:
    assert dj.Top(2) == dj.Top(2, "KEY")
    merged = dj.Top(10, "id", 5).merge(dj.Top(3, None, 2))
    assert (merged.limit, merged.order_by, merged.offset) == (3, ["id"], 7)
    with pytest.raises(ValueError, match="negative"):
        dj.Top(-1)


def test_removed_operators_say_so(lab: SimpleNamespace) -> None:
    with pytest.raises(dj.DataJointError, match=r"\^.*removed"):
        lab.Subject ^ lab.Session
    with pytest.raises(dj.DataJointError, match="@.*removed"):
        lab.Subject @ lab.Session


def test_columns_and_keys_of_one_expression_are_aligned(lab: SimpleNamespace) -> None:
    q = lab.Subject.aggr(lab.Session, n="count(session)")
    assert list(zip(q.to_arrays("n").tolist(), q.keys(), strict=True)) == [
        (2, {"subject_id": 1}),
        (1, {"subject_id": 2}),
        (1, {"subject_id": 3}),
        (0, {"subject_id": 4}),
    ]


def test_unions_come_in_key_order(lab: SimpleNamespace) -> None:
    union = (lab.Subject & "subject_id=3").proj() + (lab.Subject & "subject_id=1").proj()
    assert union.to_dicts() == [{"subject_id": 1}, {"subject_id": 3}]
    joined = union * lab.Session.proj()
    assert [tuple(r.values()) for r in joined.to_dicts()] == [(1, 1), (1, 2), (3, 1)]


def test_semantic_check_can_be_waived_for_antijoins(lab: SimpleNamespace) -> None:
    assert len(lab.Subject().restrict(dj.Not(lab.Alien), semantic_check=False)) == 3
    with pytest.raises(dj.DataJointError, match="no longer supported"):
        dj.U("species") * 5


def test_sql_depends_only_on_the_expression(lab: SimpleNamespace) -> None:
    assert (lab.Subject & dj.U("zzz")).make_sql() == lab.Subject().make_sql()
    free = dj.FreeTable(lab.Subject().connection, lab.Subject.full_table_name)
    assert (lab.Subject & "subject_id > 2").make_sql() == (free & "subject_id > 2").make_sql()


def test_totals_preview_and_nest(lab: SimpleNamespace) -> None:
    assert "Total: 1" in repr(dj.U().aggr(lab.Subject, n="count(*)"))
    assert dj.U().aggr(dj.U().aggr(lab.Trial, n="avg(trial)"), m="max(n)").to_dicts() == [{"m": 1.75}]
    constant = lab.Subject.proj(c="3")
    assert constant.heading.names == ["subject_id", "c"]
    assert constant.to_arrays("c").tolist() == [3, 3, 3, 3]


def test_null_in_dicts_and_text(lab: SimpleNamespace) -> None:
    both = dj.AndList([{"subject_id": 1}, "note is NULL"])
    assert len(lab.Session & both) == len(lab.Session & {"subject_id": 1, "note": None}) == 1


@pytest.mark.parametrize("count", [5, 19, 21, 3000])
def test_restriction_by_many_keys(lab: SimpleNamespace, count: int) -> None:
    keys = [{"subject_id": 1 + i % 50, "session": 1 + i // 50} for i in range(count)]
    expected = [k for k in lab.Session.proj().to_dicts() if k in keys]
    assert (lab.Session & keys).keys() == expected
    assert len(lab.Session - keys) == len(lab.Session()) - len(expected)


def test_lists_of_values_mean_any_of_them(lab: SimpleNamespace) -> None:
    assert (lab.Subject & {"subject_id": [1, 3, 99]}).to_arrays("subject_id").tolist() == [1, 3]
    assert len(lab.Subject & {"subject_id": []}) == 0
    assert len(lab.Rig & {"rig": {"r1", "r2"}}) == 2


def test_unknown_names_are_answered_with_near_ones(lab: SimpleNamespace) -> None:
    with pytest.raises(dj.errors.UnknownAttributeError, match="weight"):
        lab.Subject & "wieght > 3"
    with pytest.raises(dj.errors.UnknownAttributeError, match="species"):
        lab.Subject.proj("speceis")


def test_preview_counts_lines(lab: SimpleNamespace) -> None:
    text = lab.Session().preview(limit=2)
    assert len(text.split("\n")) == 2 + 2 + 1 + 1 + 1
    assert text.startswith("*subject_id")
    assert text.endswith(" (Total: 4)\n")


def test_html_preview_escapes(lab: SimpleNamespace, module_schema: dj.Schema) -> None:
    hostile = type("Hostile", (dj.Manual,), {"definition": "id: int32\n---\ntext: varchar(80) # <b>&\"'"})
    table = module_schema(hostile, context={})
    table.insert1({"id": 1, "text": "<script>alert(1)</script>"})
    html = table()._repr_html_()
    assert html.strip().startswith("<style")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<b>" not in html


def test_values_of_uuid_keys_survive_the_round_trip(module_schema: dj.Schema) -> None:
    table = module_schema(type("Tagged", (dj.Manual,), {"definition": "tag: uuid\n---\nn: int32"}), context={})
    tags = [uuid.UUID(int=i * 7919 + 1) for i in range(40)]
    table.insert({"tag": t, "n": i} for i, t in enumerate(tags))
    assert (table & {"tag": tags[3]}).fetch1("n") == 3
    assert len(table & [{"tag": t} for t in tags[:30]]) == 30
    assert list(table.to_arrays("tag")) == sorted(tags)


# --- names that differ by case only
CASE_TWINS = {
    "computed": lambda lab: lab.Subject.proj("weight", Weight="weight + 1"),
    "renamed": lambda lab: lab.Subject.proj(a="weight", A="sex"),
    "key": lambda lab: lab.Subject.proj(Subject_ID="weight"),
    "join": lambda lab: lab.Subject.proj(Note="weight") * lab.Session.proj("note"),
    "union": lambda lab: lab.Subject.proj("weight") + lab.Subject.proj(Weight="sex"),
    "summary": lambda lab: lab.Subject.aggr(lab.Session, n="count(*)", N="count(*)"),
}


@pytest.mark.parametrize("form", CASE_TWINS)
def test_attributes_that_differ_by_case_only_are_refused(lab: SimpleNamespace, form: str) -> None:
    with pytest.raises(dj.DataJointError, match="differ by case only"):
        CASE_TWINS[form](lab)


def test_capitals_alone_are_welcome(lab: SimpleNamespace) -> None:
    renamed = lab.Subject.proj(Weight="weight", Twice="weight * 2") & dj.Top(1, "KEY") & "Weight > 1"
    assert renamed.to_dicts() == [{"subject_id": 1, "Weight": 20.5, "Twice": 41.0}]

"""Users' SQL text executed: the same text yields the same values, of the same classes, on every engine."""

from __future__ import annotations

from typing import Any

import pytest

import datajoint as dj

from .text_examples import CONDITIONS, DEFINITION, EXPRESSIONS, ROWS, SUMMARIES


@pytest.fixture(scope="module")
def thing(module_schema: dj.Schema) -> Any:
    class Thing(dj.Manual):
        definition = DEFINITION

    table = module_schema(Thing)
    names = ROWS[0]
    table.insert([{name: row.get(name) for name in names} for row in ROWS])
    return table


def same(value: Any, expected: Any) -> bool:
    """Equal and of one class; floats to twelve digits."""
    if isinstance(expected, float) and isinstance(value, float):
        return value == pytest.approx(expected, rel=1e-12, abs=1e-12)
    if type(value) is not type(expected):
        return False
    if type(value).__name__ == "Decimal":
        return str(value) == str(expected)
    return bool(value == expected)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition(thing: Any, condition: str) -> None:
    expected = CONDITIONS[condition]
    assert {row["id"] for row in (thing & condition).to_dicts()} == expected
    assert len(thing & condition) == len(expected)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression(thing: Any, expression: str) -> None:
    values = [row["x"] for row in thing.proj(x=expression).to_dicts(order_by="id")]
    expected = EXPRESSIONS[expression]
    assert all(map(same, values, expected)), f"{values} instead of {expected}"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_computed_attribute_finds_its_own_row(thing: Any, expression: str) -> None:
    computed = thing.proj(x=expression)
    for row in computed.to_dicts():
        if row["x"] is None or isinstance(row["x"], float):
            continue
        found = (computed & {"x": row["x"]}).to_dicts()
        assert row in found


@pytest.mark.parametrize("summary", SUMMARIES)
def test_summary(thing: Any, summary: str) -> None:
    value = dj.U().aggr(thing, x=summary).fetch1("x")
    assert same(value, SUMMARIES[summary]), f"{value!r} instead of {SUMMARIES[summary]!r}"


def test_expressions_nest_into_each_other(thing: Any) -> None:
    first = thing.proj("n", double="n * 2", sign="n > 0")
    second = first.proj(z="double - n % 4", s="if(sign, 'up', 'down')") & "z > 0 and s = 'up'"
    assert second.to_dicts() == [{"id": 1, "z": 11, "s": "up"}]


def test_integers_beyond_64_bits_are_not_rounded_silently(thing: Any) -> None:
    with pytest.raises(dj.DataJointError):
        (thing & "id = 1").proj(x="big * big * big").to_dicts()


def test_computed_attributes_group_rows(thing: Any) -> None:
    computed = thing.proj(x="if(n > 0, 'up', concat('no', ' ', left('number', 2)))", y="round(n / 3, 1)")
    counted = dj.U("x").aggr(computed, n="count(*)")
    assert counted.to_dicts(order_by="x") == [{"x": "no nu", "n": 2}, {"x": "up", "n": 1}]
    assert (dj.U("x") & computed).to_dicts(order_by="x desc") == [{"x": "up"}, {"x": "no nu"}]
    assert len(dj.U("x", "y") & computed) == 3


def test_order_by_names_and_expressions(thing: Any) -> None:
    assert list(thing.to_arrays("id", order_by="n DESC, id")) == [1, 2, 3]
    assert list(thing.to_arrays("id", order_by="key desc")) == [3, 2, 1]
    assert list(thing.to_arrays("id", order_by="e")) == [3, 2, 1]
    assert list(thing.to_arrays("id", order_by=["flag desc", "KEY DESC"])) == [1, 3, 2]


def test_double_quoted_word_is_an_attribute_only_where_names_are_quoted_so(thing: Any) -> None:
    found = {row["id"] for row in (thing & "\"v\" = 'a%b'").to_dicts()}
    quotes_names = thing.connection.dialect.quote_character == '"'
    assert found == ({1} if quotes_names else set())


def test_sums_of_integers_grow_beyond_64_bits_or_fail(module_schema: dj.Schema) -> None:
    class Huge(dj.Manual):
        definition = """
        i : int8
        ---
        x : int64
        """

    table = module_schema(Huge)
    table.insert([{"i": i, "x": 2**63 - 1} for i in range(3)])
    total = dj.U().aggr(table, s="sum(x)")
    if module_schema.connection.dialect.name == "sqlite":
        with pytest.raises(dj.DataJointError):
            total.fetch1("s")
    else:
        assert total.fetch1("s") == 3 * (2**63 - 1)

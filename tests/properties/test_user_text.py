"""Random SQL text of users means on every engine what it means in Python."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import datajoint as dj

from .texts import DEFINITION, ROWS, Text, expressions

TEXTS = 150 if settings.default.max_examples < 1000 else 10_000


@pytest.fixture(scope="module")
def sample(module_schema: dj.Schema) -> Any:
    table = module_schema(type("Written", (dj.Manual,), {"definition": DEFINITION}), context={})
    table.insert(ROWS)
    return table


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, float) and isinstance(found, float):
        return found == pytest.approx(expected, rel=1e-9, abs=1e-9)
    return type(found) is type(expected) and bool(found == expected)


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=TEXTS)
@given(text=expressions())
def test_text_means_the_same_everywhere(sample: Any, text: Text) -> None:
    # A text may be the name of an attribute, which is then renamed: that it is computed is what is looked at here.
    found = [row["x"] for row in sample.proj(x=f"if(TRUE, {text.sql}, NULL)").to_dicts()]
    expected = [text.meaning(row) for row in ROWS]
    assert all(map(same, found, expected)), (found, expected)


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=TEXTS)
@given(text=expressions("bool"))
def test_conditions_select_the_same_everywhere(sample: Any, text: Text) -> None:
    kept = [row["id"] for row in ROWS if text.meaning(row) is True]
    dropped = [row["id"] for row in ROWS if text.meaning(row) is False]
    assert [row["id"] for row in (sample & text.sql).keys()] == kept  # noqa: SIM118 - no dict
    assert [row["id"] for row in (sample - text.sql).keys()] == dropped  # noqa: SIM118


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=TEXTS // 2)
@given(text=expressions())
def test_orders_are_the_same_everywhere(sample: Any, text: Text) -> None:
    def place(row: Any) -> Any:
        value = text.meaning(row)
        return (value is not None, value if value is not None else 0, row["id"])

    if text.kind == "float":  # nearly equal values may change places
        return
    expected = [row["id"] for row in sorted(ROWS, key=place)]
    assert [key["id"] for key in sample.keys(order_by=[f"if(TRUE, {text.sql}, NULL)", "id"])] == expected

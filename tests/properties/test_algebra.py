"""Random expressions give on every engine exactly what the model algebra says."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import datajoint as dj

from .programs import DEFINITIONS, ROWS, Program, programs


@pytest.fixture(scope="module")
def tables(module_schema: dj.Schema) -> dict[str, Any]:
    classes: dict[str, Any] = {}
    for name, definition in DEFINITIONS.items():
        classes[name] = module_schema(type(name, (dj.Manual,), {"definition": definition}), context=classes)
        classes[name].insert(ROWS[name])
    return classes


# The sampled profile is for every day, the full one for releases.
EXPRESSIONS = 500 if settings.default.max_examples < 1000 else 20_000


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=EXPRESSIONS)
@given(program=programs())
def test_agrees_with_the_model(tables: dict[str, Any], program: Program) -> None:
    expression, relation = program.run(tables), program.relation
    assert tuple(expression.primary_key) == relation.key
    assert tuple(expression.heading.names) == relation.names
    expected = relation.sorted()
    assert canonical(expression.to_dicts()) == canonical(expected)
    assert len(expression) == len(expected)
    assert bool(expression) is bool(expected)
    assert canonical(list(iter(expression))) == canonical(expected)
    assert canonical(expression.keys()) == canonical([{n: r[n] for n in relation.key} for r in expected])


def canonical(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Round floats: the last digits of a sum depend on the order of its terms."""
    return [
        {n: float(f"{v:.12g}") if isinstance(v, float) and math.isfinite(v) else v for n, v in r.items()} for r in rows
    ]

"""Whatever tree a restriction builder holds, all that it emits evaluates to the rows that the tree means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import datajoint as dj
from datajoint_jupyter.conditions import Condition
from datajoint_jupyter.magics.statement import bind
from datajoint_jupyter.widgets.builder import RestrictionBuilder
from datajoint_jupyter.widgets.builder.draft import clean, draft_of, read_draft
from datajoint_jupyter.widgets.builder.tables import Tables
from datajoint_jupyter.workspace import Workspace

from .conditions import DEFINITIONS, ROWS, rows_that_meet, trees

TREES = 60 if settings.default.max_examples < 1000 else 5_000


@pytest.fixture(scope="module")
def namespace(module_schema: dj.Schema) -> dict[str, Any]:
    classes: dict[str, Any] = {}
    for name, definition in DEFINITIONS.items():
        classes[name] = module_schema(type(name, (dj.Manual,), {"definition": definition}), context=classes)
        classes[name].insert(ROWS[name])
    return {**classes, "dj": dj}


@pytest.fixture(scope="module")
def builder(namespace: dict[str, Any]) -> Any:
    builder = RestrictionBuilder(namespace["Animal"](), namespace=namespace)
    yield builder
    builder.close()


def numbers(rows: Any) -> list[int]:
    return [row["animal"] for row in rows]


def run_as_copied(connection: dj.Connection, sql: str) -> Any:
    """Run SQL as a cell ``%%dj sql`` does into which it is pasted."""
    text, values = bind(sql, {}, backslashes=connection.backend.dialect.backslash_escapes)
    return connection.query(text, values).fetchall()


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=TREES)
@given(tree=trees())
def test_all_that_it_emits_means_the_tree(namespace: dict[str, Any], builder: Any, tree: Condition) -> None:
    expected = numbers(rows_that_meet(tree))
    animal = namespace["Animal"]()
    # As a page sends it.
    sent = json.loads(json.dumps(draft_of(tree)))
    draft = read_draft(clean(sent), Tables(Workspace(namespace), animal))
    assert draft.problems == {}
    builder.tree = draft.condition
    assert numbers(builder.query.keys()) == expected
    assert numbers((animal & builder.restriction).keys()) == expected
    assert numbers(eval(builder.code, dict(namespace)).proj().keys()) == expected
    assert sorted(row[0] for row in run_as_copied(animal.connection, builder.sql)) == expected
    # A builder that opens from it, or is set to it, holds the same.
    again = RestrictionBuilder(builder.query, namespace=namespace)
    try:
        assert numbers(again.query.keys()) == expected
        assert again.source == "Animal"
    finally:
        again.close()

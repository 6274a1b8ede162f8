"""Tables that exist get the columns that new ones are declared with."""

from __future__ import annotations

import pytest

import datajoint as dj
from datajoint.migrate import add_job_metadata_columns


@pytest.fixture
def K(schema):
    @schema
    class S(dj.Manual):
        definition = "i : int32"

    S.insert({"i": i} for i in range(3))

    class K(dj.Computed):
        definition = """
        -> S
        ---
        r : int32
        """

        class P(dj.Part):
            definition = """
            -> master
            n : int32
            """

        def make(self, key):
            self.insert1({**key, "r": 1})

    return schema(K)


def test_columns_are_added_once(K, schema):
    K.populate({"i": 0})
    planned = add_job_metadata_columns(K)
    assert {n: planned[n] for n in ("tables_analyzed", "tables_modified", "columns_added")} == {
        "tables_analyzed": 1, "tables_modified": 1, "columns_added": 3,
    }  # fmt: skip
    (detail,) = planned["details"]
    assert (detail["table"], detail["status"], detail["columns_added"]) == (f"{schema.database}.__k", "pending", 3)
    assert any("_job_start_time" in text for text in detail["sql_statements"])
    assert "_job_version" not in K.heading._attributes
    done = add_job_metadata_columns(schema, dry_run=False)
    assert (done["tables_modified"], done["details"][0]["status"]) == (1, "migrated")
    again = add_job_metadata_columns(K(), dry_run=False)
    assert again == {
        "tables_analyzed": 1, "tables_modified": 0, "columns_added": 0,
        "details": [{"table": f"{schema.database}.__k", "status": "already_migrated", "columns_added": 0, "sql_statements": []}],
    }  # fmt: skip
    K.populate()
    assert len(K & "_job_duration >= 0") == 2
    assert len(K & "_job_start_time is null") == 1
    assert K.heading.names == ["i", "r"]


def test_they_are_those_of_a_new_table(K, schema, settings, connection):
    settings.jobs.add_job_metadata = True

    new = type("New", (dj.Computed,), {"definition": K.definition})
    schema(new, context={"S": schema["s"]})
    add_job_metadata_columns(K, dry_run=False)
    catalog = connection.catalog(schema.database)
    hidden = [[c for c in catalog.tables[name].columns if c.name.startswith("_job")] for name in ("__k", "__new")]
    assert hidden[0] == hidden[1]
    assert len(hidden[0]) == 3


def test_other_targets(K, schema):
    assert add_job_metadata_columns(dj.FreeTable(schema.connection, f"{schema.database}.s"))["details"] == []
    for target in (5, "K"):
        with pytest.raises(dj.DataJointError, match="target must be a Table class"):
            add_job_metadata_columns(target)

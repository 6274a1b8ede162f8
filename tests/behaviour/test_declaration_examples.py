"""What the definition language promises, example by example."""

from __future__ import annotations

import re

import pytest

import datajoint as dj
from datajoint.errors import DataJointError, DuplicateError, MissingTableError, UnknownAttributeError


def declare(schema, name, definition, tier=dj.Manual, context=None, **members):
    cls = type(name, (tier,), {"__module__": __name__, "definition": definition, **members})
    return schema(cls, context={} if context is None else context)


# --- names and tiers
@pytest.mark.parametrize(
    ("tier", "name", "table"),
    [
        (dj.Manual, "FooBar", "foo_bar"),
        (dj.Lookup, "FooBar", "#foo_bar"),
        (dj.Imported, "FooBar", "_foo_bar"),
        (dj.Computed, "FooBar", "__foo_bar"),
        (dj.Manual, "EMGData", "e_m_g_data"),
        (dj.Manual, "A1B", "a1_b"),
    ],
)
def test_class_names_become_table_names(schema, tier, name, table):
    cls = declare(schema, name, "id : int32", tier=tier)
    assert cls.table_name == table
    assert re.fullmatch(tier.tier_regexp, table)
    assert cls.full_table_name in {
        f"`{schema.database}`.`{table}`",
        f'"{schema.database}"."{table}"',
        f"`{schema.database}.{table}`",
    }


def test_parts_are_named_after_their_masters_table(schema):
    for tier, table in ((dj.Lookup, "#m__foo_bar"), (dj.Computed, "__m__foo_bar")):
        part = type("FooBar", (dj.Part,), {"__module__": __name__, "definition": "-> master\nk : int8"})
        cls = declare(schema, "M", "id : int32", tier=tier, FooBar=part)
        assert cls.FooBar.table_name == table
        match = re.fullmatch(dj.Part.tier_regexp, table)
        assert match["master"] == table.rpartition("__")[0]
        assert match["part"] == "foo_bar"


# --- lines
def test_every_kind_of_line(schema):
    table = declare(
        schema,
        "Kinds",
        """
        # the table's comment

        # a remark
        index : int32          # an attribute may be called so
        unique=0 : int8 # 5 : 6 -> #7
        -----------
        kind='a#b' : enum('a#b', "c:d")   # with # and :
        when_ = "2020-01-01 00:00:00" : datetime
        INDEX (unique)  # why
        Unique Index (kind, when_)
        """,
    )
    heading = table.heading
    assert heading.table_comment == "the table's comment"
    assert heading.primary_key == ["index", "unique"]
    assert heading["unique"].comment == "5 : 6 -> #7"
    assert heading["kind"].value_type.labels == ("a#b", "c:d")
    assert heading["kind"].default == '"a#b"'
    assert ("unique",) in heading.indexes
    assert heading.indexes["kind", "when_"]["unique"]
    table.insert1({"index": 1})
    assert table.fetch1("unique", "kind") == (0, "a#b")


def test_a_table_without_a_rule_has_only_key_attributes(schema):
    assert declare(schema, "Pair", "a : int32\nb : int32").primary_key == ["a", "b"]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("Id : int32", "Declaration error"),
        ("1d : int32", "Declaration error"),
        ("_id : int32", "reserved for platform-managed"),
        ("id : int32 # : x", "must not start with a colon"),
        ("#: x\nid : int32", "must not start with a colon"),
        ("id : int32 = 5", "stands before the type"),
        ("id = null : int32", "cannot be nullable"),
        ("id : uint8", "Unsupported attribute type"),
        ("id : int32\n---\nx='a' : <blob>", "can only be NULL"),
        ("id : int32\n---\nx : <nonesuch>", "is not registered"),
        ("-> [optional] A", "Invalid foreign key option"),
        ("-> [nullable] A", "cannot be nullable"),
        ("-> Missing", "could not be resolved"),
        ("-> A & 'a > 1'", "could not be resolved"),
        ("b -> A", "before the arrow"),
        ("id : <blob>", "not allowed in the primary key"),
        ("id : json", "not allowed in the primary key"),
        ("id : int32\nindex (other)", "is no attribute of this table"),
        ("id : int32\nid : int16", "declared twice"),
    ],
)
def test_what_is_refused_before_anything_is_sent(schema, connection, definition, message):
    context = {"A": declare(schema, "A", "a : int32")}
    with connection.query_log() as log, pytest.raises(DataJointError, match=re.escape(message)):
        declare(schema, "Wrong", definition, context=context)
    assert not [record for record in log if record.text.lstrip().upper().startswith("CREATE")]
    assert "wrong" not in schema.list_tables()


# --- foreign keys
def test_foreign_keys_with_options_and_renames(schema, connection):
    parent = declare(schema, "Cell", "cell : int32\nslice : int16")
    table = declare(
        schema,
        "Synapse",
        """
        -> Cell.proj(pre='cell', pre_slice='slice')
        -> Cell.proj(post='cell', post_slice='slice')  # a remark
        ---
        -> [nullable, unique] Cell
        """,
        context={"Cell": parent},
    )
    assert table.primary_key == ["pre", "pre_slice", "post", "post_slice"]
    assert table.heading.secondary_attributes == ["cell", "slice"]
    assert table.heading["cell"].nullable
    links = table.parents(foreign_key_info=True)
    assert [name for name, _ in links] == 3 * [parent.full_table_name]
    assert {tuple(sorted(info["attr_map"].items())) for _, info in links} == {
        (("pre", "cell"), ("pre_slice", "slice")), (("post", "cell"), ("post_slice", "slice")), (("cell", "cell"), ("slice", "slice")),
    }  # fmt: skip
    assert table.parents(primary=False) == [parent.full_table_name]
    parent.insert([{"cell": 1, "slice": 1}, {"cell": 2, "slice": 1}])
    table.insert([{"pre": p, "pre_slice": 1, "post": 1, "post_slice": 1} for p in (1, 2)])
    table.update1({**table.keys()[0], "cell": 1, "slice": 1})
    with pytest.raises(DataJointError):
        table.update1({**table.keys()[1], "cell": 1, "slice": 1})


# --- tables of one row
@pytest.mark.parametrize("definition", ["---\nvalue = 0 : int32", ""])
def test_a_table_without_a_key_holds_one_row(schema, definition):
    table = declare(schema, "Single", definition)
    assert table.primary_key == []
    row = {"value": 5} if definition else {}
    table.insert1(row)
    assert table.fetch1() == row
    assert len(table) == 1
    with pytest.raises(DuplicateError):
        table.insert1(row)
    if row:
        table.insert1(row, skip_duplicates=True)
    assert table.describe({}).startswith("---" if definition else "")


# --- hidden attributes
def test_hidden_attributes(schema, settings):
    settings.jobs.add_job_metadata = True
    source = declare(schema, "Source", "id : int32")
    table = declare(
        schema, "Result", "-> Source\n---\nvalue : int32", tier=dj.Computed, context={"Source": source},
        make=lambda self, key: self.insert1({**key, "value": 1}),
    )  # fmt: skip
    source.insert([{"id": 1}, {"id": 2}])
    table.populate(display_progress=False)
    assert "_job_version" in table.heading._attributes
    assert "_job_version" not in table.heading
    with pytest.raises(DataJointError):
        table.proj("_job_version")
    with pytest.raises(DataJointError):
        table.fetch1("_job_version")
    assert len(table & {"_job_version": "none such"}) == 2
    assert len(table & "_job_version = 'none such'") == 0
    assert len((table & dj.Top(order_by="_job_version", limit=1)).to_dicts()) == 1
    row = {"id": 3, "value": 1, "_job_version": "x"}
    source.insert1({"id": 3})
    with pytest.raises(KeyError, match="is not in the table heading"):
        table.insert1(row, allow_direct_insert=True)
    table.insert1(row, allow_direct_insert=True, ignore_extra_fields=True)
    with pytest.raises((DataJointError, UnknownAttributeError), match="not found"):
        table.update1({"id": 1, "_job_version": "x"})
    assert "_job" not in table.preview()


# --- schemas
def test_failed_activation_leaves_the_name(connection, schema_name, new_schema_name):
    schema = dj.Schema(connection=connection, create_schema=False)
    with pytest.raises(DataJointError, match="has not yet been declared"):
        schema.activate(schema_name)
    assert schema.is_activated()
    assert not schema.exists
    schema.drop()
    schema.activate(new_schema_name(), create_schema=True)
    assert schema.exists


def test_tables_are_not_created_where_that_is_switched_off(schema, connection, settings):
    settings.database.create_tables = False
    table = declare(schema, "Late", "id : int32", tier=dj.Lookup, contents=[(1,)])
    with pytest.raises(MissingTableError, match=r"is not defined"):
        table.fetch1()
    settings.database.create_tables = True
    assert len(declare(schema, "Late", "id : int32", tier=dj.Lookup, contents=[(1,)])) == 1


def test_contents_of_a_table_that_numbers_its_rows_are_warned_about(schema):
    with pytest.warns(UserWarning, match="contents"):
        table = declare(
            schema, "Numbered", "id : int auto_increment\n---\nx : int32", tier=dj.Lookup, contents=[(1, 5)]
        )
    assert len(table) == 0


def test_a_class_may_be_bound_again_to_another_schema(new_schema):
    one, other = new_schema("a"), new_schema("b")
    cls = declare(one, "Item", "id : int32")
    cls.insert1({"id": 1})
    assert other(cls, context={}) is cls
    assert cls.database == other.database
    assert len(cls) == 0
    assert len(one["Item"]) == 1


def test_make_classes_writes_into_the_callers_names(schema):
    declare(schema, "Apple", "id : int32")

    def work():
        schema.make_classes()
        return locals()

    made = work()
    assert made["Apple"].full_table_name == schema["Apple"].full_table_name
    context = {}
    dj.Schema(schema.database, context, connection=schema.connection).make_classes()
    assert set(context) == {"Apple"}


def test_describe_is_laid_out_in_columns(schema):
    table = declare(schema, "Laid", "# about\nid : int32 # the id\n---\nname='x' : varchar(8) # a name\n")
    assert table.describe({}) == (
        "# about\n"
        f"{'id':<20} : {'int32':<28} # the id\n"
        "---\n"
        f"""{'name="x"':<20} : {"varchar(8)":<28} # a name\n"""
    )


def test_a_prefix_of_schemas_is_deprecated_and_not_applied(connection, settings, schema_name):
    settings.database.database_prefix = "lab_"
    with pytest.warns(DeprecationWarning, match="database_prefix"):
        schema = dj.Schema(schema_name, connection=connection)
    assert schema.database == schema_name

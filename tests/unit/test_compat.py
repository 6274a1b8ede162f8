"""Names of DataJoint 2.3's modules, and what its programs ask of them."""

from __future__ import annotations

import importlib

import pytest

import datajoint as dj
from datajoint import adapters
from datajoint.errors import DataJointError
from datajoint.heading import Attribute, Heading, default_attribute_properties
from tests.unit.test_import_cost import in_fresh_python

NAMES = {
    "adapters": "get_adapter DatabaseAdapter MySQLAdapter PostgreSQLAdapter",
    "autopopulate": "AutoPopulate",
    "builtin_codecs": "BlobCodec AttachCodec",
    "declare": "declare",
    "blob": "Blob MatCell MatStruct pack unpack use_32bit_dims",
    "codecs": "decode_attribute Codec get_codec list_codecs parse_type_spec resolve_dtype lookup_codec is_codec_registered",
    "condition": "make_condition extract_column_names translate_attribute assert_join_compatibility AndList Not Top",
    "connection": "Connection",
    "dependencies": "Dependencies extract_master topo_sort",
    "deploy": "add_prov_column set_replica_identity",
    "diagram": "Diagram",
    "expression": "QueryExpression Aggregation Union U Top Not AndList",
    "heading": "Heading Attribute default_attribute_properties",
    "instance": "Instance",
    "lineage": "get_lineage get_table_lineages get_schema_lineages insert_lineages delete_table_lineages "
    "ensure_lineage_table lineage_table_exists rebuild_schema_lineage",
    "preview": "preview repr_html",
    "provenance": "PROV_ATTRIBUTE",
    "schemas": "Schema _Schema VirtualModule virtual_schema list_schemas",
    "settings": "Config config",
    "spark": "SparkAdapter",
    "table": "Table FreeTable",
    "types": "PrimaryKey PrimaryKeyList Row RowList AttributeName AttributeNames TableName FullTableName SchemaName "
    "ForeignKeyMap Restriction FetchResult",
    "user_tables": "UserTable Manual Lookup Imported Computed Part user_table_classes _get_tier is_tier",
    "utils": "user_choice is_camel_case to_camel_case from_camel_case safe_write safe_copy",
    "version": "__version__",
}


@pytest.mark.parametrize("module", NAMES)
def test_names_are_where_programs_look_for_them(module):
    found = importlib.import_module(f"datajoint.{module}")
    missing = [name for name in NAMES[module].split() if not hasattr(found, name)]
    assert missing == []
    assert getattr(dj, module) is not None


def test_each_can_be_imported_first():
    code = f"""
import importlib, json, sys
wrong = []
for name in {list(NAMES)!r}:
    for loaded in [m for m in sys.modules if m.split(".")[0] == "datajoint"]:
        del sys.modules[loaded]
    module = importlib.import_module("datajoint." + name)
    if sys.modules["datajoint." + name] is not module:
        wrong.append(name)
print(json.dumps(wrong))
"""
    assert in_fresh_python(code) == []


def test_the_names_are_the_same_objects():
    from datajoint.user_tables import Manual, UserTable, _get_tier, is_tier, user_table_classes

    assert Manual is dj.Manual
    assert issubclass(dj.Part, UserTable)
    assert issubclass(dj.Computed, (UserTable, dj.AutoPopulate))
    assert _get_tier("`a`.`__b`") is dj.Computed
    assert _get_tier('"a"."b__c"') is dj.Part
    assert _get_tier("`a`.`~lineage`") is None
    assert is_tier("#x", dj.Lookup)
    assert user_table_classes == (dj.Manual, dj.Lookup, dj.Computed, dj.Imported, dj.Part)
    assert dj.version.__version__ == dj.__version__
    assert isinstance(dj.__date__, str)


def test_the_flag_of_the_blob_format_is_the_one_that_reading_looks_at():
    from datajoint.codecs import blob_format

    assert dj.blob is blob_format


def test_prompts_are_answered_by_the_input_of_utils(monkeypatch):
    answers = iter(["what", "YES", ""])
    monkeypatch.setattr(dj.utils, "input", lambda _: next(answers), raising=False)
    assert dj.utils.user_choice("Proceed?", default="no") == "yes"
    assert dj.utils.user_choice("Proceed?", default="no") == "no"
    with pytest.raises(AssertionError):
        dj.utils.user_choice("Proceed?", default="maybe")


def test_files_are_written_whole(tmp_path):
    path = tmp_path / "a" / "b.bin"
    dj.utils.safe_write(path, b"1")
    dj.utils.safe_write(path, b"2")
    assert path.read_bytes() == b"1"
    dj.utils.safe_copy(path, tmp_path / "c.bin")
    assert (tmp_path / "c.bin").read_bytes() == b"1"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "c.bin"]


# --- conditions
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a > 5", {"a"}),
        ('year(b)=2000 and c like "x"', {"b", "c"}),
        ("`q` in (1,2)", {"q"}),
        ("d between 1 and e", {"d", "e"}),
        ("abs(f)+g", {"f", "g"}),
        ("a is not null", {"a"}),
        ("x='y'", {"x"}),
        ("date_add(x, interval 3 day)", {"x"}),
    ],
)
def test_names_in_a_text(text, names):
    assert dj.condition.extract_column_names(text) == names


def test_keys_with_paths():
    assert dj.condition.translate_attribute("a") == ({"attr": "a", "path": None, "type": None}, "a")
    parts, sql = dj.condition.translate_attribute("a.b[0]:int", adapters.get_adapter("postgresql"))
    assert parts == {"attr": "a", "path": "b[0]", "type": "int"}
    assert sql == "(jsonb_extract_path_text(\"a\", 'b', '0'))::int"


# --- headings
def test_a_heading_of_dicts():
    specs = [
        {**default_attribute_properties, "name": "id", "type": "int", "in_key": True, "comment": "the id"},
        {"name": "u", "type": "binary(16)", "uuid": True, "comment": ""},
        {"name": "v", "type": "float", "attribute_expression": "`a`"},
        {"name": "_h", "type": "int", "is_hidden": True},
    ]
    heading = Heading(specs)
    assert heading.names == ["id", "u", "v"]
    assert heading.primary_key == ["id"]
    assert heading.new_attributes == ["v"]
    assert heading["id"].sql == '`id` int NOT NULL COMMENT "the id"'
    assert heading["u"].sql_comment == ":uuid:"
    assert heading["v"].original_name == "a"
    assert heading["id"].value_type.kind == "int"
    assert heading.as_sql(["id", "v"]) == '"id",`a` as "v"'
    assert heading.as_sql(["v"], include_aliases=False) == "`a`"
    assert heading.as_sql(["id"], adapter=adapters.get_adapter("mysql")) == "`id`"
    chosen = heading.select(["id"], {"x": "u"}, {"y": "v+1"})
    assert chosen.names == ["id", "x", "y"]
    assert [a.attribute_expression for a in chosen.attributes.values()] == [None, "`u`", "v+1"]
    with pytest.raises(KeyError, match="nothing"):
        heading.select(["nothing"])
    assert heading.set_primary_key(["u"]).names == ["u", "id", "v"]
    assert heading.make_subquery_heading().new_attributes == []
    other = Heading([{"name": "u", "type": "binary(16)", "in_key": True}, {"name": "z", "type": "int"}])
    assert heading.join(other).primary_key == ["id"]
    assert heading.join(other, nullable_pk=True).primary_key == ["id", "u"]
    assert heading.table_status is None
    assert heading._ipython_key_completions_() == ["id", "u", "v"]


def test_the_fields_of_an_attribute():
    fields = (
        "name type original_type in_key nullable default comment autoincrement numeric string uuid json is_blob "
        "is_hidden codec store unsupported attribute_expression dtype lineage"
    )
    assert list(Attribute("a").todict()) == fields.split() == list(default_attribute_properties)
    assert Attribute._fields[:20] == tuple(fields.split())


# --- adapters
MYSQL, POSTGRESQL = adapters.get_adapter("mysql"), adapters.get_adapter("postgresql")
OUTPUTS = [
    # (method, arguments, MySQL, PostgreSQL)
    ("quote_identifier", ("x",), "`x`", '"x"'),
    ("quote_string", ("It's",), r"'It\'s'", "'It''s'"),
    ("make_full_table_name", ("s", "#t"), "`s`.`#t`", '"s"."#t"'),
    ("create_schema_sql", ("s",), "CREATE DATABASE `s`", 'CREATE SCHEMA "s"'),
    ("drop_schema_sql", ("s",), "DROP DATABASE IF EXISTS `s`", 'DROP SCHEMA IF EXISTS "s" CASCADE'),
    ("insert_sql", ("t", ["a"]), "INSERT INTO t (`a`) VALUES (%s)", 'INSERT INTO t ("a") VALUES (%s)'),
    ("insert_sql", ("t", ["a"], "ignore"), "INSERT IGNORE INTO t (`a`) VALUES (%s)",
     'INSERT INTO t ("a") VALUES (%s) ON CONFLICT DO NOTHING'),
    ("insert_sql", ("t", ["a"], "replace"), "REPLACE INTO t (`a`) VALUES (%s)", 'INSERT INTO t ("a") VALUES (%s)'),
    ("insert_sql", ("t", ["c"], "update"), "INSERT INTO t (`c`) VALUES (%s) ON DUPLICATE KEY UPDATE `c`=VALUES(`c`)",
     'INSERT INTO t ("c") VALUES (%s) ON CONFLICT DO UPDATE SET "c"=EXCLUDED."c"'),
    ("update_sql", ("t", ["n"], ["i"]), "UPDATE t SET `n` = %s WHERE `i` = %s", 'UPDATE t SET "n" = %s WHERE "i" = %s'),
    ("delete_sql", ("t",), "DELETE FROM t", "DELETE FROM t"),
    ("current_timestamp_expr", (3,), "CURRENT_TIMESTAMP(3)", "CURRENT_TIMESTAMP(3)"),
    ("interval_expr", (5, "second"), "INTERVAL 5 SECOND", "INTERVAL '5 seconds'"),
    ("json_path_expr", ("d", "f"), "json_value(`d`, _utf8mb4'$.f')", "jsonb_extract_path_text(\"d\", 'f')"),
    ("json_path_expr", ("d", "f", "decimal(10,2)"), "json_value(`d`, _utf8mb4'$.f' returning decimal(10,2))",
     "(jsonb_extract_path_text(\"d\", 'f'))::decimal(10,2)"),
    ("json_path_expr", ("d", "a.b[0]"), "json_value(`d`, _utf8mb4'$.a.b[0]')",
     "jsonb_extract_path_text(\"d\", 'a', 'b', '0')"),
    ("skip_duplicates_clause", ("t", ["a", "b"]), " ON DUPLICATE KEY UPDATE `a`=t.`a`", ' ON CONFLICT ("a", "b") DO NOTHING'),
    ("format_column_definition", ("n", "int", False, None, "c"), '`n` int NOT NULL COMMENT "c"', '"n" int NOT NULL'),
    ("format_column_definition", ("n", "int", True), "`n` int", '"n" int'),
    ("format_column_definition", ("n", "int", False, "DEFAULT 1"), "`n` int DEFAULT 1", '"n" int DEFAULT 1'),
    ("table_options_clause", ("c",), 'ENGINE=InnoDB, COMMENT "c"', ""),
    ("table_options_clause", (), "ENGINE=InnoDB", ""),
    ("table_comment_ddl", ("t", "c"), None, "COMMENT ON TABLE t IS 'c'"),
    ("column_comment_ddl", ("t", "k", "c"), None, "COMMENT ON COLUMN t.\"k\" IS 'c'"),
    ("enum_type_ddl", ("n", ["a"]), None, "CREATE TYPE \"n\" AS ENUM ('a')"),
    ("core_type_to_sql", ("datetime(3)",), "datetime(3)", "timestamp(3)"),
    ("core_type_to_sql", ("bool",), "tinyint", "boolean"),
    ("sql_type_to_core", ("mediumint",), None, None),
    ("sql_type_to_core", ("timestamp(3)",), None, "datetime(3)"),
    ("sql_type_to_core", ("numeric(10,2)",), None, "decimal(10,2)"),
    ("validate_native_type", ("invalid_type",), False, False),
    ("get_master_table_name", ("`s`.`#m__p`",), "`s`.`#m`", "`s`.`#m`"),
    ("split_full_table_name", ('"s"."t"',), ("s", "t"), ("s", "t")),
    ("translate_expression", ("STRING_AGG(x, ';')",), "GROUP_CONCAT(x SEPARATOR ';')", "STRING_AGG(x, ';')"),
    ("translate_expression", ("GROUP_CONCAT(x)",), "GROUP_CONCAT(x)", "STRING_AGG(x::text, ',')"),
    ("translate_expression", ("TIMESTAMPDIFF(DAY,a,b)",), "TIMESTAMPDIFF(DAY,a,b)", "(b::date - a::date)"),
    ("translate_expression", ("SUM(a=1)",), "SUM(a=1)", "SUM((a=1)::int)"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "arguments", "mysql", "postgresql"), OUTPUTS)
def test_what_adapters_answer(method, arguments, mysql, postgresql):
    assert getattr(MYSQL, method)(*arguments) == mysql
    assert getattr(POSTGRESQL, method)(*arguments) == postgresql


def test_adapters_know_their_engine():
    assert (MYSQL.backend, MYSQL.default_port, MYSQL.parameter_placeholder, MYSQL.max_table_name_length) == (
        "mysql",
        3306,
        "%s",
        64,
    )
    assert (POSTGRESQL.backend, POSTGRESQL.default_port, POSTGRESQL.max_table_name_length) == ("postgresql", 5432, 63)
    assert POSTGRESQL.create_enum_type_sql("s", "t", "c", ["a"]) == "CREATE TYPE \"s_t_c_enum\" AS ENUM ('a')"
    assert POSTGRESQL.replica_identity_ddl("t", "full") == "ALTER TABLE t REPLICA IDENTITY FULL"
    POSTGRESQL.get_pending_enum_ddl("s")
    assert POSTGRESQL.core_type_to_sql("enum('a','b')") == '"{database}"."enum_dbf08e00"'
    assert POSTGRESQL.get_pending_enum_ddl("s") == ["CREATE TYPE \"s\".\"enum_dbf08e00\" AS ENUM ('a', 'b')"]
    with pytest.raises(DataJointError, match="Unsupported replica_identity mode"):
        POSTGRESQL.replica_identity_ddl("t", "some")
    for adapter in (MYSQL, POSTGRESQL):
        with pytest.raises(ValueError, match="Unknown core type"):
            adapter.core_type_to_sql("nope")
    with pytest.raises(DataJointError, match="Did you mean 'mysql'"):
        adapters.get_adapter("mysq")


def test_the_ddl_of_a_definition():
    definition = "# about\nid : int32 # the id\n---\nx=null : varchar(3)\nindex (x)"
    create, *_, before, after = dj.declare.declare("`s`.`t`", definition, {}, MYSQL)
    assert create == (
        "CREATE TABLE IF NOT EXISTS `s`.`t` (\n"
        '`id` int NOT NULL COMMENT ":int32:the id",\n'
        '`x` varchar(3) DEFAULT NULL COMMENT ":varchar(3):",\n'
        "PRIMARY KEY (`id`),\n"
        'index (`x`)\n) ENGINE=InnoDB, COMMENT "about"'
    )
    assert (before, after) == ([], [])
    declared = dj.declare.declare('"s"."t"', definition, {}, POSTGRESQL)
    assert declared[0].startswith('CREATE TABLE IF NOT EXISTS "s"."t" (\n"id" integer NOT NULL,')
    assert declared[2] == ["id"]
    assert any("COMMENT ON COLUMN" in statement for statement in declared[-1])


def test_values_are_decoded_outside_of_a_fetch():
    from uuid import UUID

    from datajoint.codecs import codec_of, decode_attribute

    blob = Attribute("a", type="<blob>", codec=codec_of("<blob>"))
    assert decode_attribute(blob, dj.blob.pack({"x": [1]})) == {"x": [1]}
    assert decode_attribute(blob, None) is None
    assert decode_attribute(Attribute("a", type="json", json=True), '{"b": 1}') == {"b": 1}
    assert decode_attribute(Attribute("a", type="json", json=True), {"b": 1}) == {"b": 1}
    assert decode_attribute(Attribute("a", type="uuid", uuid=True), bytes(15) + b"\1") == UUID(int=1)
    assert decode_attribute(Attribute("a", type="int"), 5) == 5

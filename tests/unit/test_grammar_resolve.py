"""Definitions with their meaning: types, codecs, defaults, foreign keys, indexes; without a database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datajoint.backends.catalog import ColumnInfo, SchemaCatalog, TableInfo
from datajoint.backends.dialect import Dialect
from datajoint.codecs import Codec, unregister_codec
from datajoint.codecs.registry import register
from datajoint.declare.grammar import parse_definition
from datajoint.declare.reference import Referent
from datajoint.declare.resolve import resolve
from datajoint.definition import TableName
from datajoint.errors import DataJointError, DefinitionError
from datajoint.sql.fragment import Sql, column

PARENT = TableInfo(
    TableName("lab", "subject"),
    "",
    (
        ColumnInfo("subject_id", "int", False, None, ":int32:the id"),
        ColumnInfo("kind", "enum('a','b')", False, None, ":enum('a','b'):", collation="latin1", enum_type="lab.enum_1"),
        ColumnInfo("weight", "float", True, None, ":float32:"),
    ),
    ("subject_id", "kind"),
)
SINGLE = TableInfo(
    TableName("lab", "single"), "", (ColumnInfo("_singleton", "tinyint", False, "1", ":bool:"),), ("_singleton",)
)


class Connection:
    """What resolving asks of a connection."""

    dialect = Dialect(name="sqlite", grammar="sqlite", quote_character="`", placeholder="?", max_identifier_length=20)

    class backend:
        @staticmethod
        def json_path(expression, path, cast):
            return Sql(expression, f"->{path}:{cast}"), None

    def catalog(self, schema):
        tables = {info.name.name: info for info in (PARENT, SINGLE)}
        return SchemaCatalog("lab", tables, lineage={}, collation="utf8") if schema == "lab" else None

    def forget_catalog(self, *schemas):
        pass


CONNECTION = Connection()


class StoredOnly(Codec, register=False):
    name = "stored_only"

    def get_dtype(self, is_store):
        if not is_store:
            raise DataJointError("<stored_only> keeps its values in a store. Write <stored_only@>.")
        return "json"

    def encode(self, value, *, key=None, store_name=None):
        return value

    def decode(self, stored, *, key=None):
        return stored


@pytest.fixture(scope="module", autouse=True)
def stored_only():
    register(StoredOnly)
    yield
    unregister_codec("stored_only")


class Subject:
    name = TableName("lab", "subject")


class Missing:
    name = TableName("lab", "missing")


class Single:
    name = TableName("lab", "single")


class Elsewhere:
    name = TableName("lab", "subject")


class Session:
    name = TableName("lab", "session")


class module:
    Subject = Subject


CONTEXT = {
    "Subject": Subject, "Missing": Missing, "Elsewhere": Elsewhere, "Single": Single, "self": Session, "module": module,
    "number": 5,
}  # fmt: skip


def find(value):
    if isinstance(value, TableName):
        return Referent(value, CONNECTION)
    if isinstance(value, type) and hasattr(value, "name"):
        return Referent(value.name, object() if value is Elsewhere else CONNECTION)
    return None


def read(text):
    return resolve(parse_definition(text), Session.name, CONNECTION, CONTEXT, find)


# --- what is right
@pytest.mark.parametrize(
    ("line", "default", "nullable"),
    [
        ("a : int32", None, False),
        ("a = NULL : int32", "NULL", True),
        ("a = 5 : int32", "'5'", False),
        ('a = "5" : int32', "'5'", False),
        ("a = -1.50 : decimal(4,1)", "'-1.50'", False),
        ("a = true : bool", "'1'", False),
        ("a = 0 : bool", "'0'", False),
        ('a = "it\'s" : varchar(9)', "'it''s'", False),
        ("a = 'it''s' : varchar(9)", "'it''s'", False),
        ('a = "" : varchar(9)', "''", False),
        ("a = mouse : varchar(9)", "'mouse'", False),
        ("a = current_timestamp : datetime", "CURRENT_TIMESTAMP", False),
        ("a = CURRENT_TIMESTAMP(3) : datetime(3)", "CURRENT_TIMESTAMP(3)", False),
        ("a = '2024-1-5' : date", "'2024-01-05'", False),
        ("a = '2024-1-5' : datetime(3)", "'2024-01-05 00:00:00.000'", False),
        ("a = null : <blob>", "NULL", True),
    ],
)
def test_default(line, default, nullable):
    attribute = read("---\n" + line)["a"]
    text = None if attribute.default is None else "".join(attribute.default.parts)
    assert (text, attribute.nullable) == (default, nullable)


def test_types_and_codecs():
    definition = read("a : INT32\n---\nb : <blob>\nc : int unsigned # native")
    assert [(a.storage.kind, a.codec, a.marked_comment) for a in definition.attributes] == [
        ("int", None, ":INT32:"),
        ("bytes", "<blob>", ":<blob>:"),
        ("int", None, "native"),
    ]
    assert definition.primary_key == ("a",)


def test_a_foreign_key_brings_the_parents_key_with_types_comments_and_collation():
    definition = read("-> Subject\nn : int16")
    (key,) = definition.foreign_keys
    assert (key.attributes, key.parent, key.parent_attributes) == (
        ("subject_id", "kind"),
        Subject.name,
        ("subject_id", "kind"),
    )
    assert definition.primary_key == ("subject_id", "kind", "n")
    assert [a.marked_comment for a in definition.attributes] == [":int32:the id", ":enum('a','b'):", ":int16:"]
    kind = definition["kind"]
    assert (kind.collation, kind.enum_type, kind.inherited, kind.storage.labels) == (
        "latin1",
        "lab.enum_1",
        True,
        ("a", "b"),
    )


@pytest.mark.parametrize(
    "expression",
    ["Subject.proj(pre='subject_id')", "module.Subject.proj(..., pre=' subject_id ', z='weight*2')", "`lab`.`subject`.proj(pre='subject_id')",
     "Subject.proj(x='subject_id').proj(pre='x')", '"lab"."subject".proj(pre="subject_id")  # text'],
)  # fmt: skip
def test_a_foreign_key_may_rename(expression):
    definition = read(f"n : int16\n---\n-> [nullable, unique] {expression}")
    (key,) = definition.foreign_keys
    assert (key.attributes, key.parent_attributes, key.nullable, key.unique) == (
        ("pre", "kind"), ("subject_id", "kind"), True, True,
    )  # fmt: skip
    assert definition["pre"].nullable
    assert definition.primary_key == ("n",)


def test_foreign_keys_share_attributes_and_a_matching_line_may_repeat_one():
    definition = read("-> Subject\nsubject_id : int32 # again\n-> Subject.proj(other='kind')")
    assert [a.name for a in definition.attributes] == ["subject_id", "kind", "other"]
    assert definition.foreign_keys[1].attributes == ("subject_id", "other")


def test_a_table_may_refer_to_itself():
    definition = read("id : int32\n---\n-> [nullable] self.proj(parent='id')")
    (key,) = definition.foreign_keys
    assert (key.attributes, key.parent, key.parent_attributes) == (("parent",), Session.name, ("id",))
    assert definition["parent"].nullable
    assert not definition["parent"].in_key


def test_indexes():
    definition = read(
        "a : int32\nindex (a, m)\nINDEX(a,m)\n---\nm : json\nunique index (m.x[0]:int, (lower(a)), m : json)"
    )
    first, second = definition.indexes
    assert (first.columns, first.unique) == (("a", "m"), False)
    assert second.columns == (Sql("(", column("m"), "->x[0]:int", ")"), Sql("(lower(a))"), "m")
    assert second.unique


@pytest.mark.parametrize("text", ["", "---\na : int32"])
def test_a_table_without_a_key_holds_one_row(text):
    definition = read(text)
    assert definition.primary_key == ("_singleton",)
    last = definition.attributes[-1]
    assert (last.hidden, last.marked_comment, last.default) == (True, ":bool:singleton primary key", Sql("'1'"))


# --- what is wrong: lines, what the caret points at, part of the message
MISTAKES = [
    ("a : varchr(20)", "varchr", "Unsupported attribute type 'varchr(20)'. Did you mean varchar?"),
    ("a : flaot64", "flaot64", "Did you mean float64?"),
    ("a : string", "string", "Use varchar(n)"),
    ("a : uint8", "uint8", "Use int16, or the native tinyint unsigned."),
    ("a : boolean", "boolean", "Use bool."),
    ("a = 00:00:00 : time", "00:00", "Put quotes around a default that contains a colon."),
    ("a : enum('x' 'y')", "enum", "cannot be read"),
    ("a : enum('x', 'x')", "enum", "same label twice"),
    ("a : <blbo>", "<blbo>", "Codec <blbo> is not registered"),
    ("a : <stored_only>", "<stored_only>", "Write <stored_only@>"),
    ("a : <blob>", "<blob>", "Blob or JSON attributes are not allowed in the primary key"),
    ("a : json", "json", "Blob or JSON attributes are not allowed in the primary key"),
    ("a : longblob", "longblob", "Blob or JSON attributes are not allowed in the primary key"),
    ("a : <stored_only@>", "<stored_only@>", "Blob or JSON attributes are not allowed in the primary key"),
    ("a = null : int32", "null", "cannot be nullable"),
    ("b : int32", "b :", "declared twice"),
    ("attribute_with_a_long_name : int32", "attr", "exceeds the max length of 20"),
    ("a = five : int32", "five", "`a` cannot have the default five"),
    ("a = 200 : int8", "200", "Write a value that fits int8"),
    ("a = 'c' : enum('a','b')", "'c'", "cannot have the default"),
    ("a = now() : datetime", "now()", "function call"),
    ("a = '00000000-0000-0000-0000-000000000000' : uuid", "'0", "can only be NULL"),
    ("---\na = 'x' : <blob>", "'x'", "default value for blob attributes can only be NULL"),
    ("-> Sbject", "Sbject", "could not be resolved: `Sbject` is not defined. Did you mean 'Subject'?"),
    ("-> Unheard", "Unheard", "Define or import it before this class"),
    ("-> module.Sbject", "Sbject", "`module` has no `Sbject`"),
    ("-> number", "number", "is not supported (yet)"),
    ("-> Subject & 'a=1'", "Subject &", "names, attributes and"),
    ("-> eval('Subject')", "eval", "names, attributes and"),
    ("-> module.__dict__", "module", "names, attributes and"),
    ("-> Subject Session", "Subject", "it is not an expression"),
    ("-> `lab.subject`.`a`.`b`", "`lab", "not the full name of a table"),
    ("-> Subject.proj(pre=5)", "Subject", "takes texts"),
    ("-> Subject.proj(pre='subjct_id')", "Subject", "has no attribute `subjct_id`. Did you mean 'subject_id'?"),
    ("-> Missing", "Missing", "which is not declared"),
    ("-> Elsewhere", "Elsewhere", "different connection"),
    ("-> Single", "Single", "no key attributes to refer to"),
    ("-> self", "self", "A table may refer to itself below `---` only"),
    ("---\n-> self.proj(parent='b')", "self", "nullable and with every key attribute renamed"),
    ("-> Subject.proj(b='kind')", "Subject", "`b` is int16 here and enum('a','b') in lab.subject"),
    ("-> Subject\nkind : int32", "int32", "comes from a foreign key with the type enum('a','b')"),
    ("index (b, c)", "c)", "The index column `c` is no attribute"),
    ("index (b.x)", "b.x", "not JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "at", "message"), MISTAKES)
def test_mistake(lines, at, message):
    with pytest.raises(DefinitionError) as caught:
        read(f"# comment\nb : int16\n{lines}")
    error = caught.value
    assert message in str(error)
    assert error.source == lines.splitlines()[-1]
    assert error.source[error.column :].startswith(at)


def test_an_inherited_attribute_is_compared_by_what_its_column_holds():
    # DataJoint 2.3 leaves inherited columns without a marker, so that their type reads as the database's own.
    assert read("-> Subject\nsubject_id : int")["subject_id"].type_text == "int32"
    with pytest.raises(DefinitionError, match="comes from a foreign key"):
        read("-> Subject\nsubject_id : int16")


def test_the_parents_collation_is_left_out_where_it_is_the_schemas_own():
    same = replace(PARENT, columns=tuple(replace(c, collation="utf8") for c in PARENT.columns))

    class SameCollation(Connection):
        def catalog(self, schema):
            return SchemaCatalog("lab", {"subject": same}, lineage={}, collation="utf8")

    connection = SameCollation()
    definition = resolve(
        parse_definition("-> Subject"),
        Session.name,
        connection,
        CONTEXT,
        lambda value: Referent(value.name, connection),
    )
    assert definition["kind"].collation is None

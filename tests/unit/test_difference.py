"""The comparison of a definition with a stored table: what differs, what only looks different, what must move."""

from __future__ import annotations

import pytest

import datajoint as dj
from datajoint.backends.catalog import ColumnInfo, ForeignKeyInfo, IndexInfo, SchemaCatalog, TableInfo
from datajoint.backends.mysql import DIALECT as MYSQL
from datajoint.backends.postgres import DIALECT as POSTGRESQL
from datajoint.codecs import MissingCodec, unregister_codec
from datajoint.declare.agreement import agrees
from datajoint.declare.checks import convertible, fits, widens
from datajoint.declare.defaults import default_sql
from datajoint.declare.difference import _longest_increasing, compare
from datajoint.declare.grammar import parse_definition
from datajoint.declare.sameness import plain
from datajoint.declare.stored import read_heading
from datajoint.definition import AttributeDefinition, ForeignKeyDefinition, IndexDefinition, TableDefinition, TableName
from datajoint.errors import UnsupportedChangeError
from datajoint.values.parse import parse_type

NAME, PARENT = TableName("lab", "t"), TableName("lab", "p")


def declared(text, foreign_keys=(), indexes=(), inherited=()):
    """Return the definition of a text that has attributes only."""
    parsed = parse_definition(text)
    attributes = []
    for item in parsed.items:
        storage = parse_type(item.type_text)
        default = default_sql(item, storage)
        attributes.append(
            AttributeDefinition(
                item.name, item.type_text, storage, nullable=item.default == "null", default=default,
                comment=item.comment, in_key=item.in_key, inherited=item.name in inherited,
            )
        )  # fmt: skip
    return TableDefinition(tuple(attributes), parsed.comment, tuple(foreign_keys), tuple(indexes))


def column(name, type_text, marker="", *, nullable=False, default=None, comment="", **more):
    stored = f":{marker}:{comment}" if marker else comment
    return ColumnInfo(name, type_text, nullable, default, stored, **more)


def table(*columns, comment="", foreign_keys=(), indexes=(), key=("k",)):
    return TableInfo(NAME, comment, columns, key, tuple(foreign_keys), tuple(indexes))


KEY = column("k", "int", "int32")


def compared(definition, info, dialect=MYSQL, *others):
    catalog = SchemaCatalog("lab", {t.name.name: t for t in (info, *others)})
    comparison = compare(definition, info, catalog, dialect, {}.get)
    # What is told at a glance is never contradicted.
    assert not (agrees(definition, info, read_heading(info, catalog, {}.get)) and comparison.differences)
    return comparison


def differences(*arguments):
    return [(d.kind, d.name, d.aspect) for d in compared(*arguments).differences]


# --- what only looks different
@pytest.mark.parametrize(
    ("line", "stored"),
    [
        ("a : INT16", column("a", "smallint", "int16")),
        ("a : int16", column("a", "smallint", "INT16")),
        ("a : enum ('x', 'y')", column("a", "enum('x','y')", "enum('x','y')")),
        ('a : enum("x","y")', column("a", "enum('x','y')", "enum('x', 'y')")),
        ("a = 1.5 : decimal(6,2)", column("a", "decimal(6,2)", "decimal(6,2)", default="1.50")),
        ("a = 1e3 : float64", column("a", "double", "float64", default="1000")),
        ("a = '2024-1-5' : date", column("a", "date", "date", default="'2024-01-05'")),
        ("a = '2024-01-05 01:02:03.5' : datetime(3)", column("a", "datetime(3)", "datetime(3)", default="'2024-01-05 01:02:03.500'")),
        ("a = current_timestamp(3) : datetime(3)", column("a", "datetime(3)", "datetime(3)", default="CURRENT_TIMESTAMP(3)")),
        ("a = true : bool", column("a", "tinyint", "bool", default="1")),
        ('a = "x" : varchar(5)', column("a", "varchar(5)", "varchar(5)", default="'x'")),
        ("a = null : int8", column("a", "tinyint", "int8", nullable=True)),
        ('a : int8 # "so"', column("a", "tinyint", "int8", comment='\\"so\\"')),
        ("a : int(11)", column("a", "int")),
        ("a : integer", column("a", "int")),
        ("a : decimal(5)", column("a", "decimal(5,0)")),
    ],
)  # fmt: skip
def test_same(line, stored):
    assert not compared(declared(f"k : int32\n---\n{line}"), table(KEY, stored)).differences


def test_hidden_columns_and_place_of_the_singleton_key():
    info = table(
        column("_singleton", "tinyint", "bool", default="1"), column("a", "int", "int32"),
        column("_job_start_time", "datetime(3)", nullable=True), key=("_singleton",),
    )  # fmt: skip
    definition = declared("---\na : int32")
    hidden = AttributeDefinition("_singleton", "bool", parse_type("bool"), in_key=True)
    definition = TableDefinition((*definition.attributes, hidden))
    comparison = compared(definition, info)
    assert not comparison.differences
    assert [a.name for a in comparison.alteration.target.attributes] == ["a", "_singleton", "_job_start_time"]


def test_inherited_columns_are_their_parents_matter():
    parent = TableInfo(PARENT, "", (column("p", "tinyint", "bool", comment="the p"),), ("p",))
    link = ForeignKeyInfo(NAME, ("p",), PARENT, ("p",), "fk")
    info = table(
        KEY, column("p", "tinyint", nullable=True), foreign_keys=[link], indexes=[IndexInfo("p", ("p",), unique=False)]
    )
    definition = declared(
        "k : int32\n---\np = null : bool # the p",
        [ForeignKeyDefinition(("p",), PARENT, ("p",), nullable=True)],
        inherited={"p"},
    )
    assert not compared(definition, info, MYSQL, parent).differences
    # without the foreign key, the column must tell its type itself
    free = declared("k : int32\n---\np = null : bool # the p")
    found = compared(free, info, MYSQL, parent)
    assert [(d.kind, d.aspect) for d in found.differences] == [
        ("foreign key", ""),
        ("attribute", "type"),
        ("attribute", "comment"),
    ]
    assert [i.name for i in found.alteration.dropped_indexes] == ["p"]


# --- what differs
@pytest.mark.parametrize(
    ("line", "aspects"),
    [
        ("a : int32", ["type"]),
        ("a : smallint", ["type"]),
        ("a = 5 : int16", ["default"]),
        ("a = null : int16", ["nullable"]),
        ("a : int16 # more", ["comment"]),
        ("a = null : int64 # more", ["type", "comment", "nullable"]),
        ("a2 : int16 # {a}", ["name", "comment"]),
    ],
)
def test_aspects(line, aspects):
    info = table(KEY, column("a", "smallint", "int16"))
    found = compared(declared(f"k : int32\n---\n{line}"), info)
    assert [d.aspect for d in found.differences] == aspects
    (change,) = found.alteration.attributes
    assert change.aspects == set(aspects)
    assert not found.refused


def test_what_stays_keeps_its_stored_form():
    info = table(KEY, column("a", "smallint", "INT16", default="5", comment="x"))
    found = compared(declared("k : int32\n---\na = 5 : int16 # y"), info)
    (change,) = found.alteration.attributes
    assert change.new.marked_comment == ":INT16:y"


def test_added_and_dropped_are_not_taken_for_renamed():
    info = table(KEY, column("a", "smallint", "int16"))
    assert differences(declared("k : int32\n---\nb : int16"), info) == [("attribute", "a", ""), ("attribute", "b", "")]


def test_a_rename_that_is_done_is_none():
    info = table(KEY, column("b", "smallint", "int16", comment="{a} x"))
    assert not compared(declared("k : int32\n---\nb : int16 # {a} x"), info).differences


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("k : int32\n---\nb : int16 # {c}", "no attribute `c`"),
        ("k : int32\n---\nb : int16 # {a}\nc : int16 # {a}", "another use"),
        ("k : int32\n---\na : int16\nb : int16 # {a}", "another use"),
        ("k : int32\nl : int8\n---\na : int16", "primary key"),
        ("l : int32 # {k}\n---\na : int16", "primary key"),
    ],
)
def test_refused(text, hint):
    found = compared(declared(text), table(KEY, column("a", "smallint", "int16")))
    assert any(hint in d.hint for d in found.refused)
    assert issubclass(UnsupportedChangeError, NotImplementedError)


def test_indexes():
    indexes = [IndexInfo("x", ("a",), unique=False), IndexInfo("y", ("a", "k"), unique=True)]
    info = table(KEY, column("a", "smallint", "int16"), indexes=indexes)
    definition = declared(
        "k : int32\n---\na : int16",
        indexes=[IndexDefinition(("a",), unique=True), IndexDefinition(("a", "k"), unique=True)],
    )
    found = compared(definition, info).alteration
    assert found.added_indexes == (IndexDefinition(("a",), unique=True),)
    assert found.dropped_indexes == (indexes[0],)


# --- order
def test_moves_are_as_few_as_can_be():
    columns = [column(n, "smallint", "int16") for n in "abcde"]
    order = "eabcd"
    definition = declared("k : int32\n---\n" + "\n".join(f"{n} : int16" for n in order))
    found = compared(definition, table(KEY, *columns))
    assert [(c.new.name, c.after) for c in found.alteration.attributes] == [("e", "k")]
    assert not compared(definition, table(KEY, *columns), POSTGRESQL).differences


def test_an_added_attribute_moves_no_other():
    definition = declared("k : int32\n---\na : int16\nx : int8\nb : int16")
    info = table(KEY, column("a", "smallint", "int16"), column("b", "smallint", "int16"))
    (change,) = compared(definition, info).alteration.attributes
    assert (change.old, change.new.name, change.after) == (None, "x", "a")


@pytest.mark.parametrize(
    ("numbers", "size"), [([], 0), ([3], 1), ([1, 2, 3], 3), ([3, 2, 1], 1), ([2, 0, 1, 3], 3), ([4, 0, 3, 1, 2], 3)]
)
def test_longest_increasing(numbers, size):
    positions = sorted(_longest_increasing(numbers))
    chosen = [numbers[n] for n in positions]
    assert len(chosen) == size
    assert chosen == sorted(chosen)


# --- types
@pytest.mark.parametrize(
    ("old", "new", "is_convertible", "is_wider"),
    [
        ("int8", "int64", True, True), ("int64", "int8", True, False), ("bool", "int8", True, True),
        ("int8", "bool", True, False), ("varchar(5)", "varchar(6)", True, True), ("varchar(5)", "char(5)", True, False),
        ("enum('a','b')", "enum('b','c','a')", True, True), ("enum('a','b')", "enum('a')", True, False),
        ("decimal(5,2)", "decimal(7,3)", True, True), ("decimal(5,2)", "decimal(6,4)", True, False),
        ("float32", "float64", True, True), ("float64", "float32", True, False), ("int32", "varchar(20)", True, False),
        ("varchar(20)", "int32", True, False), ("date", "datetime", True, True), ("datetime", "date", True, False),
        ("datetime(3)", "datetime", True, False), ("json", "json", True, True), ("json", "varchar(9)", False, False),
        ("uuid", "varchar(36)", False, False), ("bytes", "json", False, False), ("datetime", "varchar(30)", False, False),
        ("float64", "varchar(30)", False, False), ("varchar(9)", "varchar(8)", True, False), ("varchar(5)", "text", True, True),
    ],
)  # fmt: skip
def test_conversions(old, new, is_convertible, is_wider):
    assert convertible(parse_type(old), parse_type(new)) == is_convertible
    if is_convertible:
        assert widens(parse_type(old), parse_type(new)) == is_wider


@pytest.mark.parametrize(
    ("value", "old", "new", "result"),
    [
        (5, "int32", "int8", True), (500, "int32", "int8", False), (1, "int8", "bool", True), (2, "int8", "bool", False),
        ("5", "varchar(9)", "int8", True), (" 5", "varchar(9)", "int8", False), ("5.0", "varchar(9)", "int8", False),
        ("1.5", "varchar(9)", "decimal(4,2)", True), ("1.555", "varchar(9)", "decimal(4,2)", False), ("1e1", "varchar(9)", "decimal(4,2)", False),
        (1.5, "float64", "int8", False), (2.0, "float64", "int8", True), ("abc", "varchar(9)", "varchar(2)", False),
        ("a", "varchar(9)", "enum('a')", True), ("A", "varchar(9)", "enum('a')", False), (-12, "int8", "varchar(3)", True),
        (-12, "int8", "varchar(2)", False), ("ab ", "varchar(9)", "char(2)", True), (1e39, "float64", "float32", False),
    ],
)  # fmt: skip
def test_fits(value, old, new, result):
    assert fits(value, parse_type(old), parse_type(new)) == result


def test_comment_of_the_other_system():
    assert plain('it is \\"so\\"') == plain('it is "so"')


# --- what a heading was made of
def test_what_another_schema_tells_is_asked_again():
    """A column without a type of its own has that of the parent's, which another schema may tell otherwise by now."""
    key = ForeignKeyInfo(NAME, ("k",), TableName("far", "p"), ("k",))
    info = TableInfo(NAME, "", (column("k", "tinyint"),), ("k",), (key,), ())
    catalog = SchemaCatalog("lab", {"t": info})

    def far(marker):
        parent = TableInfo(TableName("far", "p"), "", (column("k", "tinyint", marker),), ("k",), (), ())
        return SchemaCatalog("far", {"p": parent})

    one, other = far("bool"), far("int8")
    kinds = [read_heading(info, catalog, {"far": found}.get)["k"].original_type for found in (one, other, None, one)]
    assert kinds == ["bool", "int8", None, "bool"]
    assert read_heading(info, catalog, {"far": one}.get) is read_heading(info, catalog, {"far": one}.get)


def test_what_a_codec_leads_to_is_asked_again():
    info = table(KEY, column("a", "json", "<told_later>"))
    catalog = SchemaCatalog("lab", {"t": info})
    assert isinstance(read_heading(info, catalog, {}.get)["a"].codec, MissingCodec)

    class ToldLater(dj.Codec):
        name = "told_later"

        def get_dtype(self, is_store):
            return "json"

        def encode(self, value, *, key=None, store_name=None):
            return value

        def decode(self, stored, *, key=None):
            return stored

    try:
        assert isinstance(read_heading(info, catalog, {}.get)["a"].codec, ToldLater)
    finally:
        unregister_codec("told_later")

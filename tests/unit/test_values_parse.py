"""Texts of types are read whatever their case and blanks, and refused with a way out."""

from dataclasses import replace

import pytest

from datajoint.errors import DefinitionError
from datajoint.values.parse import parse_stored_type, parse_type


@pytest.mark.parametrize(
    ("text", "spelled", "kind", "core"),
    [
        ("Int32", "int32", "int", True),
        ("FLOAT64", "float64", "float64", True),
        ("VARCHAR ( 20 )", "varchar(20)", "varchar", True),
        ("decimal(5, 2)", "decimal(5,2)", "decimal", True),
        ("jsonb", "json", "json", True),
        ("datetime", "datetime", "datetime", True),
        ("datetime(3)", "datetime(3)", "datetime", True),
        ("int(11) unsigned", "int unsigned", "int", False),
        ("INTEGER", "int", "int", False),
        ("bigint auto_increment", "bigint auto_increment", "int", False),
        ("decimal(5)", "decimal(5,0)", "decimal", False),
        ("numeric(5,2) unsigned", "decimal(5,2) unsigned", "decimal", False),
        ("float", "float", "float32", False),
        ("real", "real", "float64", False),
        ("time(3)", "time(3)", "time", False),
        ("timestamp", "timestamp", "timestamp", False),
        ("year(4)", "year", "year", False),
        ("mediumtext", "mediumtext", "text", False),
        ("longblob", "longblob", "bytes", False),
        ("serial", "serial", "int", False),
    ],
)
def test_types_are_read_and_spelled_in_one_way(text, spelled, kind, core):
    found = parse_type(text)
    assert (found.text, found.kind, found.core) == (spelled, kind, core)
    assert replace(parse_type(found.text), core=core) == found


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("enum('a','b')", ("a", "b")),
        ("enum ('a', \"b\")", ("a", "b")),
        ("ENUM('A,B','c:d','it''s','#','')", ("A,B", "c:d", "it's", "#", "")),
        (r"enum('a\'b','c\\d','e\nf')", ("a'b", r"c\d", "e\nf")),
        ('enum("say ""x""")', ('say "x"',)),
    ],
)
def test_labels_may_hold_anything(text, labels):
    assert parse_type(text).labels == labels


@pytest.mark.parametrize("label", ["a", "it's", 'say "x"', "a,b", "a:b", "(x)", "ü", " ", "\\", "\n"])
def test_the_normal_spelling_of_an_enum_is_read_back(label):
    spelled = parse_type('enum("' + label.replace("\\", "\\\\").replace('"', '""') + '")')
    assert spelled.labels == (label,)
    assert parse_type(spelled.text).labels == (label,)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("uint8", "int16"),
        ("uint64", "bigint unsigned"),
        ("boolean", "bool"),
        ("vachar(5)", "varchar"),
        ("varchar", r"varchar\(100\)"),
        ("binary(16)", "uuid"),
        ("intfoo", "int"),
        ("int24", "int"),
        ("double precision", ""),
        ("varchar(5) = 3", ""),
        ("varchar(0)", ""),
        ("datetime(7)", "6 digits"),
        ("decimal(70,2)", "65"),
        ("decimal(5,6)", ""),
        ("smallblob", "blob"),
        ("enum(a,b)", "enum"),
        ("enum()", "enum"),
        ("enum('a','a')", "twice"),
        ("enum('a',)", "enum"),
        ("", ""),
        ("<blob>", ""),
    ],
)
def test_other_types_are_refused_with_a_hint(text, hint):
    with pytest.raises(DefinitionError, match=hint or "Unsupported"):
        parse_type(text)


def test_integers_know_their_bounds():
    assert (parse_type("int8").low, parse_type("int8").high) == (-128, 127)
    assert (parse_type("smallint unsigned").low, parse_type("smallint unsigned").high) == (0, 65535)
    assert parse_type("bigint unsigned").high == 2**64 - 1


def test_a_stored_type_that_no_definition_has_is_unknown_or_binary():
    assert parse_stored_type("point").kind == "unknown"
    assert parse_stored_type("binary(20)").kind == "bytes"
    assert parse_stored_type("int").kind == "int"

"""What definitions say, and what is said about the ones that cannot be read."""

from __future__ import annotations

import pytest

from datajoint.declare.grammar import ParsedAttribute, ParsedIndex, ParsedReference, parse_definition
from datajoint.errors import DefinitionError


def only(text: str):
    (item,) = parse_definition(text).items
    return item


def test_sections_comment_and_blank_lines():
    parsed = parse_definition(
        """
        # recording sessions
        # not the table's comment
        a : int32   # first: the -> "id" #1

        -------- anything
        b = 5 : int8
        ---
        c : varchar(8)#
        """
    )
    assert parsed.comment == "recording sessions"
    assert [(i.name, i.in_key, i.default, i.type_text, i.comment) for i in parsed.items] == [
        ("a", True, None, "int32", 'first: the -> "id" #1'),
        ("b", False, "5", "int8", ""),
        ("c", False, None, "varchar(8)", ""),
    ]


@pytest.mark.parametrize(
    ("line", "default", "type_text", "comment"),
    [
        ("a:int32", None, "int32", ""),
        ("a = null : int32", "null", "int32", ""),
        ('a = "x: y # z" : varchar(9) # c', '"x: y # z"', "varchar(9)", "c"),
        ("a='it''s' : varchar(9)", "'it''s'", "varchar(9)", ""),
        ("a : enum('a#b', 'c:d', \"e,f)\") # {100%}", None, "enum('a#b', 'c:d', \"e,f)\")", "{100%}"),
        ("a = '-> x' : varchar(9)", "'-> x'", "varchar(9)", ""),
        ("a : <blob@cold-store># c", None, "<blob@cold-store>", "c"),
        ("a : int auto_increment", None, "int auto_increment", ""),
        ("index : int32", None, "int32", ""),
        ("unique : int32", None, "int32", ""),
        ('a = "2020-01-01 00:00:00" : datetime', '"2020-01-01 00:00:00"', "datetime", ""),
    ],
)
def test_attribute(line, default, type_text, comment):
    item = only(line)
    assert isinstance(item, ParsedAttribute)
    assert (item.default, item.type_text, item.comment) == (default, type_text, comment)


@pytest.mark.parametrize(
    ("line", "options", "expression"),
    [
        ("-> Subject", set(), "Subject"),
        ("->Subject  # who", set(), "Subject"),
        ("-> [nullable] lab.Subject", {"nullable"}, "lab.Subject"),
        ("-> [Unique, NULLABLE] Cell.proj(pre='cell')", {"unique", "nullable"}, "Cell.proj(pre='cell')"),
        ("-> `lab`.`#rig`.proj(a='b')", set(), "`lab`.`#rig`.proj(a='b')"),
    ],
)
def test_reference(line, options, expression):
    item = only("---\n" + line)
    assert isinstance(item, ParsedReference)
    assert (item.options, item.expression) == (options, expression)


@pytest.mark.parametrize(
    ("line", "unique", "columns"),
    [
        ("index (a, b)", False, ["a", "b"]),
        ("UNIQUE INDEX(a)  # fast", True, ["a"]),
        ("unique index (meta.x[0]:int, (lower(concat(a, ','))))", True, ["meta.x[0]:int", "(lower(concat(a, ',')))"]),
    ],
)
def test_index(line, unique, columns):
    item = only(line)
    assert isinstance(item, ParsedIndex)
    assert (item.unique, [text for text, _ in item.columns]) == (unique, columns)


def test_an_empty_definition_has_no_items():
    assert parse_definition("").items == parse_definition("  \n ---\n").items == ()


# line, what the caret points at (text that follows it; "" for the end of the line), part of the message
MISTAKES = [
    ("name varchar(20)", "varchar", "colon is missing after `name`"),
    ("name", "", "colon is missing after `name`"),
    ("name :", "", "`name` has no type"),
    ("name : # text", "# text", "`name` has no type"),
    ("name = 5", "", "`name` has no type. Write `name = 5 : type`."),
    ("name = 5 # text", "# text", "`name` has no type"),
    ("name = : int32", ": int32", "empty default"),
    ("name : int32 = 5", "= 5", "A default stands before the type. Write `name = 5 : int32`."),
    ("name : varchar(8) = 'a' # c", "= 'a'", "Write `name = 'a' : varchar(8)`."),
    ("Name : int32", "Name", "Declaration error in position 1"),
    ("subjectId : int32", "Id", "Declaration error in position 8: `subjectId`"),
    ("subjectId : int32", "Id", "Write `subject_id`."),
    ("2nd : int32", "2nd", "Declaration error in position 1"),
    ("_name : int32", "_name", "reserved for platform-managed"),
    ("nämé : int32", "ämé", "Declaration error in position 2"),
    ("name : int32 # :colon", ":colon", "must not start with a colon"),
    ("name : enum('a, 'b')", "')", "quote that opens here is never closed"),
    ("name = 'a : varchar(8)", "'a", "quote that opens here is never closed"),
    ("name : varchar(20", "(20", "parenthesis that opens here is never closed"),
    ("name : varchar 20)", ")", "closes nothing"),
    ("name : <blob # text", "<blob", "never closed. Write `<codec>`"),
    ("name : <blob> text", "text", "Nothing but a comment may follow a codec"),
    ("--", "--", "Write `---` for the end of the primary key."),
    ("! name : int32", "! name", "neither attribute, foreign key nor index"),
    ("->", "", "names no table"),
    ("-> [unique]", "", "names no table"),
    ("-> # Subject", "# Subject", "names no table"),
    ("-> [nulable] Subject", "nulable", "Invalid foreign key option `nulable`. Did you mean 'nullable'?"),
    ("-> [unique primary] Subject", "primary", "Options are `nullable` and `unique`."),
    ("-> [] Subject", "] Subject", "brackets are empty"),
    ("-> [unique Subject", "[unique", "bracket of these options is never closed"),
    ("-> [nullable] Subject", "[nullable]", "cannot be nullable"),
    ("b -> Subject", "b ->", "Nothing may stand before the arrow"),
    ("index (a, )", ")", "empty column"),
    ("index ()", ")", "empty column"),
    ("index (a, b", "(a, b", "never closed"),
]


@pytest.mark.parametrize(("line", "at", "message"), MISTAKES)
def test_mistake(line, at, message):
    with pytest.raises(DefinitionError) as caught:
        parse_definition(f"# comment\nfirst : int32\n    {line}\n---\nlast : int32")
    error, text = caught.value, str(caught.value)
    assert message in text
    assert (error.line, error.source) == (3, line)
    assert line[error.column :].startswith(at) if at else error.column == len(line)
    assert text.splitlines()[-3:] == ["In line 3:", f"    {line}", "    " + " " * error.column + "^"]


def test_a_table_comment_must_not_start_with_a_colon():
    with pytest.raises(DefinitionError, match="must not start with a colon"):
        parse_definition("# : sessions\na : int32")

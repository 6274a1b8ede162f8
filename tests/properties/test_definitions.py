"""Any definition, declared and described, declares the same table again."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import datajoint as dj

_tables = itertools.count()

letters = st.sampled_from("abcxyz")
names = st.builds(lambda head, tail: head + tail, letters, st.text("abc_01", max_size=6)).filter(
    lambda n: n.upper() not in {"AS", "BY"}
)
# What the languages of definitions and of databases give a meaning to.
characters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")) | st.sampled_from(
    "'\"\\%{}#:->`;?"
)
comments = st.text(characters, max_size=20).map(str.strip).filter(lambda c: not c.startswith(":"))
labels = st.text(st.sampled_from("ab ,:#%?(){}é-"), min_size=1, max_size=5).map(str.strip).filter(bool)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


enums = st.lists(labels, min_size=1, max_size=3, unique_by=str.lower)
KEY_TYPES = [
    "int8",
    "int16",
    "int32",
    "int64",
    "bool",
    "date",
    "uuid",
    "datetime(3)",
    "char(3)",
    "varchar(20)",
    "decimal(8,2)",
]
OTHER_TYPES = ["float32", "float64", "json", "bytes", "datetime", "datetime(6)", "<blob>", "decimal(5,0)"]
DEFAULTS = {
    "int8": ["5", "-1"], "int64": ["0"], "bool": ["0", "1", "true"], "date": ['"2024-02-29"'], "float64": ["1.5", "-0.25"],
    "datetime(3)": ["'2024-01-05 01:02:03.5'", "CURRENT_TIMESTAMP(3)"], "datetime": ["CURRENT_TIMESTAMP"],
    "decimal(8,2)": ["1.5", "-3"],
}  # fmt: skip


@st.composite
def key_attributes(draw):
    kind = draw(st.sampled_from([*KEY_TYPES, "enum"]))
    return f"enum({', '.join(map(quoted, draw(enums)))})" if kind == "enum" else kind, None


@st.composite
def other_attributes(draw):
    kind = draw(st.sampled_from([*KEY_TYPES, *OTHER_TYPES, "enum"]))
    if kind == "enum":
        options = draw(enums)
        default = draw(st.none() | st.just("null") | st.sampled_from(options).map(quoted))
        return f"enum({','.join(map(quoted, options))})", default
    choices = (
        [st.none(), st.just("null"), st.sampled_from(DEFAULTS[kind])]
        if kind in DEFAULTS
        else [st.none(), st.just("null")]
    )
    if kind == "varchar(20)":
        texts = st.text(characters, max_size=20).filter(lambda t: '"' not in t or "'" not in t)
        choices.append(texts.map(lambda t: f'"{t}"' if '"' not in t else f"'{t}'"))
    return kind, draw(st.one_of(choices))


@st.composite
def definitions(draw):
    """Return a definition that may refer to the tables A and B."""
    free = draw(st.lists(names, min_size=4, max_size=10, unique=True))
    lines = []
    if comment := draw(comments):
        lines.append(f"# {comment}")
    secondary = []

    def attribute(source):
        kind, default = draw(source)
        name = free.pop()
        text = draw(comments)
        lines.append(f"{name}{'' if default is None else f' = {default}'} : {kind}{' # ' + text if text else ''}")
        return name, kind

    def reference(options):
        target = draw(st.sampled_from(["A", "B"]))
        renamed = {"A": "aa_key", "B": draw(st.sampled_from(["bb_one", "bb_two"]))}[target]
        rename = f".proj({free.pop()}='{renamed}')" if draw(st.booleans()) else ""
        chosen = draw(st.lists(st.sampled_from(options), unique=True)) if options else []
        lines.append(f"-> {'[' + ', '.join(chosen) + '] ' if chosen else ''}{target}{rename}")

    for _ in range(draw(st.integers(0, 2))):
        reference([]) if draw(st.booleans()) else attribute(key_attributes())
    lines.append("---")
    for _ in range(draw(st.integers(0, 4))):
        if not free:
            break
        if draw(st.integers(0, 3)) == 0:
            reference(["nullable", "unique"])
        else:
            secondary.append(attribute(other_attributes()))
    indexed = [n for n, kind in secondary if kind.startswith(("int", "varchar(20)", "date"))]
    if indexed and draw(st.booleans()):
        columns = draw(st.lists(st.sampled_from(indexed), min_size=1, max_size=2, unique=True))
        lines.append(f"{'unique ' if draw(st.booleans()) else ''}index ({', '.join(columns)})")
    return "\n".join(lines)


def declare(schema, definition, context):
    name = f"T{next(_tables)}"
    cls = type(name, (dj.Manual,), {"__module__": __name__, "definition": definition})
    return schema(cls, context=context)


def structure(table):
    """Return all that the database knows of a table but names that it chose itself."""
    info, _ = table()._info()
    heading = [
        a._replace(
            lineage=a.lineage and a.lineage.replace(f".{table.table_name}.", ".T."), codec=a.codec and type(a.codec)
        )
        for a in table.heading._attributes.values()
    ]
    return (
        info.comment,
        info.columns,
        info.primary_key,
        sorted((k.columns, k.parent, k.parent_columns) for k in info.foreign_keys),
        sorted((i.columns, i.unique) for i in info.indexes),
        heading,
    )


@pytest.fixture
def context(schema):
    return {
        "A": declare(schema, "aa_key : int32 # the key", {}),
        "B": declare(schema, "bb_one : varchar(8)\nbb_two : enum('x','y: z')\n---\nbb_more : int8", {}),
    }


def check(schema, context, definition):
    first = declare(schema, definition, context)
    described = first.describe(context)
    second = declare(schema, described, context)
    assert structure(second) == structure(first), described
    assert second.describe(context) == described
    first.drop_quick()
    second.drop_quick()


SAMPLED = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=12)


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=100)
@given(definition=definitions())
def test_declare_describe_declare_embedded(embedded, definition):
    check(*embedded, definition)


@SAMPLED
@given(definition=definitions())
def test_declare_describe_declare(schema, context, definition):
    if schema.connection.dialect.name in {"mysql", "mariadb"}:  # whose catalogue refuses characters beyond
        definition = "".join(c if ord(c) <= 0xFFFF else "€" for c in definition)
    check(schema, context, definition)


@pytest.fixture
def embedded(tmp_path):
    with dj.Connection(f"sqlite:///{tmp_path / 'definitions.db'}") as connection:
        schema = dj.Schema("lab", connection=connection)
        yield (
            schema,
            {
                "A": declare(schema, "aa_key : int32 # the key", {}),
                "B": declare(schema, "bb_one : varchar(8)\nbb_two : enum('x','y: z')\n---\nbb_more : int8", {}),
            },
        )

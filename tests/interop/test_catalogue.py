"""What is stored is what DataJoint 2.3 stores, and each opens, extends and populates what the other made."""

from __future__ import annotations

import re

import pytest

import datajoint as dj
from tests.interop import pipeline
from tests.interop.stored import differences, stored
from tests.provision.servers import connect_raw


# --- every difference has its reason
def _marked(ours, theirs):
    """Ours is the type and then theirs, which on PostgreSQL is left out altogether."""
    return theirs is None or re.sub(r"^:[^:]+:", "", ours or "") == re.sub(r"^:uuid:", "", theirs)


def _same_but_enum(ours, theirs):
    return re.sub(r"enum_\w{8}", "", str(ours)) == re.sub(r"enum_\w{8}", "", str(theirs))


DIFFERENCES = [
    # (what, fact, test of our value and theirs, reason)
    ("column", "comment", _marked, "inherited columns repeat their type, which DataJoint 2.3 then reads too"),
    ("column", "type", _same_but_enum, "the name of an enum's type tells the order of its labels apart"),
    ("column", "default", _same_but_enum, "as above"),
    ("enum type", "exists", lambda ours, theirs: bool(ours) != bool(theirs), "as above"),
    ("column", "type", lambda ours, theirs: (ours, theirs) == ("double precision", "real"),
     "`real` is a double on every engine, as it is on MySQL"),
    ("constraint", "exists", lambda ours, theirs: ours and "octet_length" in ours["definition"],
     "`text` holds as many bytes on every engine as it does on MySQL"),
    ("index", "definition", lambda ours, theirs: ours.replace(" NULLS FIRST", "") == theirs,
     "NULLs sort first on every engine, and an index must sort likewise to serve"),
]  # fmt: skip


def unexplained(ours, theirs):
    left = []
    for what, schema, name, fact, *values in differences(ours, theirs):
        origin = ours.get(("lineage", schema, name), {}).get("origin", "")
        is_inherited = bool(origin) and origin != f"{schema}.{name}"
        explained = any((what, fact) == listed[:2] and listed[2](*values) for listed in DIFFERENCES)
        if not explained or (fact == "comment" and not is_inherited):
            left.append((what, schema, name, fact, *values))
    return left


@pytest.fixture
def raw(url, engine):
    if engine == "sqlite":
        pytest.skip("DataJoint 2.3 knows servers only")
    connection = connect_raw(url)
    yield connection
    connection.close()


@pytest.fixture
def ours(settings, raw, new_connection, new_schema_name):
    settings.jobs.add_job_metadata = settings.provenance.capture = True
    settings.database.schema_collation = "server"  # as DataJoint 2.3, which leaves the choice to the server
    connection = new_connection()
    names = [new_schema_name("o0"), new_schema_name("o1")]
    pipeline.declare(dj, [dj.Schema(name, connection=connection) for name in names])
    return names


@pytest.fixture
def theirs(peer, new_schema_name):
    names = [new_schema_name("p0"), new_schema_name("p1")]
    peer("declare", names=names, hidden=True)
    return names


def seen(connection, names):
    """Return what this library sees of schemas without their source."""
    found = {}
    for number, name in enumerate(names):
        module = dj.VirtualModule(f"m{number}", name, connection=connection)
        for table in module.schema.list_tables():
            heading = dj.FreeTable(connection, f"{name}.{table}").heading
            found[f"{number}.{table}"] = [
                [a.name, a.declared_type, a.in_key, a.nullable, a.uuid, (a.lineage or "").partition(".")[2]]
                for a in heading.attributes.values()
            ]
    return found


def test_the_same_catalogue(engine, raw, ours, theirs, peer, connection):
    is_postgresql = engine == "postgresql"
    one, other = (stored(raw, names, postgresql=is_postgresql) for names in (ours, theirs))
    assert len({name.partition(".")[0] for what, _, name in one if what == "table"}) >= 40
    assert unexplained(one, other) == []
    # each reads the other's as it reads its own, but for what the differences above do to native types
    mine, read = seen(connection, theirs), peer("headings", names=ours)
    assert without_native(mine) == without_native(seen(connection, ours))
    assert without_native(mine) == without_native(read)


def without_native(tables):
    return {name: columns for name, columns in tables.items() if not name.startswith("0.native_")}


def fill(connection, name):
    module = dj.VirtualModule("a", name, connection=connection)
    module.Subject.insert1({"subject_id": 1, "sex": "F"})
    module.Session.insert1({"subject_id": 1, "sess": 2, "note": "größer"})
    module.Texts.insert1({"id": "ä", "a": "four", "b": "b"})
    return module


def test_datajoint_extends_and_populates_ours(ours, peer, connection):
    fill(connection, ours[0])
    answer = peer("extend", names=ours)
    assert answer["note"] == "größer"
    assert answer["lengths"] == [4]
    assert answer["matched"] == 1
    connection.forget_catalog()
    module = dj.VirtualModule("a", ours[0], connection=connection)
    assert (module.Extension * module.Session * module.Length).fetch1("value", "length", "flags") == (
        {"answer": [1, 2.5, "x"]},
        4,
        [1, "x"],
    )
    assert module.Length.heading["id"].lineage == f"{ours[0]}.texts.id"


def test_we_extend_and_populate_theirs(theirs, connection):
    a = fill(connection, theirs[0])
    schema = dj.Schema(theirs[0], connection=connection)

    class Extension(dj.Manual):
        definition = "-> a.Session\n-> a.Texts\n-> a.Unique.proj(code='id')\n---\nvalue : <blob>"

    class Length(dj.Computed):
        definition = "-> a.Texts\n---\nlength : int32"

        def make(self, key):
            self.insert1({**key, "length": len((a.Texts & key).fetch1("a"))})

    schema(Extension, context={"a": a})
    schema(Length, context={"a": a})
    a.Unique.insert1({"id": "00000000-0000-0000-0000-000000000001"})
    Extension.insert1({**a.Session.keys()[0], **a.Texts.keys()[0], "code": a.Unique.fetch1("id"), "value": [1]})
    Length.populate()
    assert len(Extension * a.Session * Length * a.Unique.proj(code="id")) == 1


def test_a_schema_with_another_character_set(engine, raw, peer, connection, new_schema_name):
    if engine == "postgresql":
        pytest.skip("one character set a database")
    old, new = new_schema_name("latin"), new_schema_name("utf")
    cursor = raw.cursor()
    cursor.execute(f"CREATE DATABASE `{old}` CHARACTER SET latin1 COLLATE latin1_german1_ci")
    names = [old, new_schema_name("p1")]
    peer("declare", names=names)
    a = fill(connection, old)
    schema = dj.Schema(new, connection=connection)

    class Child(dj.Manual):
        definition = "-> a.Texts\n-> a.Choices.proj(choice='id')\n---\nnote='' : varchar(20)"

    schema(Child, context={"a": a})
    a.Choices.insert1({"id": "b", "x": "one"})
    Child.insert1({"id": "ä", "choice": "b", "note": "Ω"})
    columns = {c.name: c.collation for c in connection.catalog(new).tables["child"].columns}
    assert "latin1_german1_ci" in columns["id"]
    assert "utf8mb4" in columns["note"]
    # and DataJoint 2.3 opens the schema that refers to the old one
    assert peer("headings", names=[new])["0.child"][0][0] == "id"

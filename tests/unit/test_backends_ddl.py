"""What is sent to create tables: the very text on MySQL, the statements in order on PostgreSQL."""

import pytest

from datajoint.backends import Target, get_backend
from datajoint.backends.catalog import ColumnInfo, ForeignKeyInfo, SchemaCatalog, TableInfo
from datajoint.backends.catalog.reader import default_sql
from datajoint.backends.ddl import children_first
from datajoint.backends.mariadb import MariaDB
from datajoint.backends.registry import UnknownBackendError
from datajoint.definition import (
    AttributeDefinition,
    ForeignKeyDefinition,
    IndexDefinition,
    TableDefinition,
    TableName,
)
from datajoint.errors import DataJointError, IntegrityError, QuerySyntaxError
from datajoint.sql import Sql
from datajoint.values.parse import parse_type

MYSQL, POSTGRES, SQLITE = get_backend("mysql"), get_backend("postgresql"), get_backend("sqlite")
MARIADB = MariaDB((10, 11, 0))
NULL = Sql("NULL")


def attribute(name, text, **options):
    return AttributeDefinition(name, text, parse_type(text), **options)


def rendered(backend, statements):
    return [statement.render(backend.dialect)[0] for statement in statements]


SUBJECT = TableName("lab", "subject")
SESSION = TableDefinition(
    (
        AttributeDefinition("subject_id", "int32", parse_type("int32"), in_key=True, inherited=True, comment="the id"),
        attribute("sess", "int16", in_key=True),
        AttributeDefinition(
            "other", "int32", parse_type("int32"), inherited=True, nullable=True, default=NULL, comment="the id"
        ),
        attribute("note", "varchar(10)", default=Sql("''"), comment='free "text" 5%'),
        attribute("w", "float32", nullable=True, default=NULL),
        attribute("n", "int unsigned"),
        AttributeDefinition(
            "data", "<blob@cold>", parse_type("json"), codec="<blob@cold>", nullable=True, default=NULL
        ),
    ),
    comment="sessions",
    foreign_keys=(
        ForeignKeyDefinition(("subject_id",), SUBJECT, ("subject_id",)),
        ForeignKeyDefinition(("other",), SUBJECT, ("subject_id",), nullable=True, unique=True),
    ),
    indexes=(IndexDefinition(("note",)), IndexDefinition((Sql("(lower(`note`))"),), unique=True)),
)


def test_mysql_text():
    (text,) = rendered(MYSQL, MYSQL.create_table(TableName("lab", "session"), SESSION, None))
    assert text == (
        'CREATE TABLE IF NOT EXISTS `lab`.`session` (\n'
        '`subject_id` int NOT NULL COMMENT ":int32:the id",\n'
        '`sess` smallint NOT NULL COMMENT ":int16:",\n'
        '`other` int COMMENT ":int32:the id",\n'
        '`note` varchar(10) NOT NULL DEFAULT \'\' COMMENT ":varchar(10):free \\"text\\" 5%",\n'
        '`w` float DEFAULT NULL COMMENT ":float32:",\n'
        '`n` int unsigned NOT NULL,\n'
        '`data` json DEFAULT NULL COMMENT ":<blob@cold>:",\n'
        'PRIMARY KEY (`subject_id`, `sess`),\n'
        'FOREIGN KEY (`subject_id`) REFERENCES `lab`.`subject` (`subject_id`) ON UPDATE CASCADE ON DELETE RESTRICT,\n'
        'FOREIGN KEY (`other`) REFERENCES `lab`.`subject` (`subject_id`) ON UPDATE CASCADE ON DELETE RESTRICT,\n'
        'UNIQUE INDEX (`other`),\n'
        'index (`note`),\n'
        'unique index ((lower(`note`)))\n'
        ') ENGINE=InnoDB, COMMENT "sessions"'
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "mysql", "postgresql"),
    [
        ("int8", "tinyint", "smallint"), ("int16", "smallint", "smallint"), ("int32", "int", "integer"), ("int64", "bigint", "bigint"),
        ("float32", "float", "real"), ("float64", "double", "double precision"), ("bool", "tinyint", "boolean"), ("uuid", "binary(16)", "uuid"),
        ("json", "json", "jsonb"), ("bytes", "longblob", "bytea"), ("date", "date", "date"), ("datetime", "datetime", "timestamp"),
        ("datetime(3)", "datetime(3)", "timestamp(3)"), ("char(4)", "char(4)", "char(4)"), ("varchar(9)", "varchar(9)", "varchar(9)"),
        ("decimal(5,2)", "decimal(5,2)", "numeric(5,2)"), ("mediumint", "mediumint", "integer"), ("smallint unsigned", "smallint unsigned", "integer"),
        ("bigint unsigned", "bigint unsigned", "numeric(20,0)"), ("tinytext", "tinytext", "text"), ("blob", "blob", "bytea"), ("year", "year", "smallint"),
        ("time(3)", "time(3)", "time(3)"), ("int auto_increment", "int auto_increment", "serial"), ("bigint auto_increment", "bigint auto_increment", "bigserial"),
    ],
)  # fmt: skip
def test_column_types(text, mysql, postgresql):
    definition = TableDefinition((attribute("x", text, in_key=True),))
    assert (
        rendered(MYSQL, MYSQL.create_table(TableName("s", "t"), definition, None))[0]
        .split("\n")[1]
        .startswith(f"`x` {mysql} NOT NULL")
    )
    assert (
        f'"x" {postgresql} NOT NULL'
        in rendered(POSTGRES, POSTGRES.create_table(TableName("s", "t"), definition, None))[0]
    )


def test_a_collation_is_repeated_only_where_it_differs():
    latin, binary = "CHARACTER SET latin1 COLLATE latin1_bin", "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    definition = TableDefinition((attribute("a", "varchar(5)", in_key=True, inherited=True, collation=latin),))
    (other,) = rendered(
        MYSQL, MYSQL.create_table(TableName("s", "t"), definition, SchemaCatalog("s", collation=binary))
    )
    (same,) = rendered(MYSQL, MYSQL.create_table(TableName("s", "t"), definition, SchemaCatalog("s", collation=latin)))
    assert f"`a` varchar(5) {latin} NOT NULL" in other
    assert "COLLATE" not in same


def test_postgresql_statements_in_order():
    statements = rendered(POSTGRES, POSTGRES.create_table(TableName("lab", "session"), SESSION, None))
    assert [statement.split('"')[0].strip() for statement in statements] == [
        "CREATE TABLE IF NOT EXISTS", "CREATE UNIQUE INDEX IF NOT EXISTS", "CREATE INDEX IF NOT EXISTS", "CREATE UNIQUE INDEX IF NOT EXISTS",
        "COMMENT ON TABLE", *["COMMENT ON COLUMN"] * 6,
    ]  # fmt: skip
    assert statements[1].endswith('"idx_session_other" ON "lab"."session" ("other" NULLS FIRST)')
    assert statements[-3].endswith("IS ':varchar(10):free \"text\" 5%'")


def indexes(*foreign_keys, key, declared=()):
    names = dict.fromkeys(n for names in (key, *foreign_keys, *(i.columns for i in declared)) for n in names)
    definition = TableDefinition(
        tuple(attribute(n, "int32", in_key=n in key) for n in names),
        foreign_keys=tuple(ForeignKeyDefinition(names, SUBJECT, names) for names in foreign_keys), indexes=tuple(declared),
    )  # fmt: skip
    created = rendered(POSTGRES, POSTGRES.create_table(TableName("s", "child"), definition, None))
    return [text.split('"')[1] for text in created if "INDEX" in text]


def test_foreign_keys_get_an_index_unless_one_serves_them():
    assert indexes(("master_id",), key=("id",)) == ["idx_child_master_id"]
    assert indexes(("master_id",), key=("master_id", "id")) == []
    assert indexes(("master_id",), key=("id",), declared=[IndexDefinition(("master_id", "note"))]) == [
        "idx_child_master_id_note"
    ]
    assert indexes(("a",), ("a", "b"), key=("id",)) == ["idx_child_a_b"]


def test_index_names_are_distinct_and_short():
    long = "x" * 40
    names = indexes((f"{long}1",), (f"{long}2",), key=("id",))
    assert len(set(names)) == 2
    assert all(len(name.encode()) <= 63 for name in names)


def catalog(*columns):
    info = TableInfo(TableName("s", "old"), "", columns, ())
    return SchemaCatalog("s", {"old": info})


def test_an_enum_type_is_shared_only_with_the_same_labels_in_order():
    stored = ColumnInfo("x", "enum('a','b')", False, None, "", enum_type='"s"."enum_old"')
    table = TableName("s", "t")
    same = rendered(
        POSTGRES,
        POSTGRES.create_table(table, TableDefinition((attribute("x", "enum('a','b')", in_key=True),)), catalog(stored)),
    )
    assert '"x" "s"."enum_old" NOT NULL' in same[0]
    other = rendered(
        POSTGRES,
        POSTGRES.create_table(table, TableDefinition((attribute("x", "enum('b','a')", in_key=True),)), catalog(stored)),
    )
    assert "CREATE TYPE" in other[0]
    assert "AS ENUM ('b', 'a')" in other[0]
    inherited = attribute("x", "enum('a','b')", in_key=True, inherited=True, enum_type='"p"."enum_1"')
    assert (
        '"x" "p"."enum_1" NOT NULL'
        in rendered(POSTGRES, POSTGRES.create_table(table, TableDefinition((inherited,)), None))[0]
    )


def test_labels_are_quoted():
    definition = TableDefinition((attribute("x", r"enum('it''s','a,b','c\\d')", in_key=True),))
    assert (
        r"AS ENUM ('it''s', 'a,b', 'c\d')"
        in rendered(POSTGRES, POSTGRES.create_table(TableName("s", "t"), definition, None))[0]
    )
    assert (
        r"enum('it''s','a,b','c\\d')" in rendered(MYSQL, MYSQL.create_table(TableName("s", "t"), definition, None))[0]
    )


def test_an_enum_type_is_dropped_with_its_last_column():
    kind = '"s"."enum_1"'
    column = ColumnInfo("x", "enum('a')", False, None, "", enum_type=kind)
    one = TableInfo(TableName("s", "one"), "", (column,), ())
    two = TableInfo(TableName("s", "two"), "", (column,), ())
    assert len(POSTGRES.drop_table(one.name, SchemaCatalog("s", {"one": one, "two": two}))) == 1
    dropped = rendered(POSTGRES, POSTGRES.drop_table(one.name, SchemaCatalog("s", {"one": one})))
    assert f"DROP TYPE {kind}" in dropped[1]
    assert "CASCADE" not in dropped[1]
    foreign = TableInfo(TableName("t", "one"), "", (column,), ())
    assert len(POSTGRES.drop_table(foreign.name, SchemaCatalog("t", {"one": foreign}))) == 1


@pytest.mark.parametrize("backend", [MYSQL, POSTGRES, SQLITE], ids=lambda b: b.dialect.name)
def test_a_schema_that_others_refer_to_is_not_dropped(backend):
    key = ForeignKeyInfo(TableName("t", "child"), ("a",), TableName("s", "parent"), ("a",))
    with pytest.raises(IntegrityError, match=r"t\.child"):
        backend.drop_schema("s", SchemaCatalog("s", find_incoming=lambda: (key,)))


def test_children_are_dropped_before_their_parents():
    def info(name, *parents):
        keys = tuple(ForeignKeyInfo(TableName("s", name), ("a",), TableName("s", p), ("a",)) for p in parents)
        return TableInfo(TableName("s", name), "", (), ("a",), keys)

    tables = {t.name.name: t for t in (info("a"), info("b", "a", "b"), info("c", "b", "a"))}
    assert [t.name for t in children_first(SchemaCatalog("s", tables))] == ["c", "b", "a"]


def test_schemas_compare_by_code_point_unless_told_otherwise():
    def text(backend, **options):
        return rendered(backend, backend.create_schema("s", Target(backend="mysql", **options)))[0]

    assert text(MYSQL) == "CREATE DATABASE IF NOT EXISTS `s` CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"
    assert text(MARIADB).endswith("COLLATE utf8mb4_nopad_bin")
    assert text(MYSQL, schema_collation="server") == "CREATE DATABASE IF NOT EXISTS `s`"
    assert text(MYSQL, schema_collation="latin1_bin") == "CREATE DATABASE IF NOT EXISTS `s` COLLATE latin1_bin"


@pytest.mark.parametrize(
    ("text", "stored", "expected"),
    [
        ("int8", "'5'", "5"), ("int8", "5", "5"), ("bool", "true", "1"), ("varchar(5)", "it's", "'it''s'"), ("varchar(5)", "'it''s'", "'it''s'"),
        ("varchar(5)", "''", "''"), ("datetime", "current_timestamp()", "CURRENT_TIMESTAMP"), ("datetime(3)", "CURRENT_TIMESTAMP(3)", "CURRENT_TIMESTAMP(3)"),
        ("date", "2024-01-05", "'2024-01-05'"), ("int8", "NULL", None), ("int8", None, None),
    ],
)  # fmt: skip
def test_defaults_are_read_in_one_spelling(text, stored, expected):
    assert default_sql(parse_type(text), stored) == expected


@pytest.mark.parametrize("path", ["a'b", "a b", "", "a;b", 'a"', "a\\b", "$", "a-b"])
@pytest.mark.parametrize("backend", [MYSQL, MARIADB, POSTGRES, SQLITE], ids=lambda b: b.dialect.name)
def test_a_path_cannot_leave_its_quotes(backend, path):
    with pytest.raises(QuerySyntaxError):
        backend.json_path(Sql("x"), path, None)


def test_a_type_of_a_path_is_checked():
    with pytest.raises(QuerySyntaxError, match="unsigned"):
        MYSQL.json_path(Sql("x"), "a", "int); DROP TABLE t")


def test_old_mariadb_cannot_compare_documents():
    old = MariaDB((10, 6, 0))
    assert not old.dialect.json_equality
    with pytest.raises(DataJointError, match="path"):
        old.json_equals(Sql("x"), "{}")


def test_an_unknown_engine_is_refused():
    assert get_backend("Postgres") is not None
    with pytest.raises(UnknownBackendError, match="sqlite"):
        get_backend("oracle")
    with pytest.raises(ValueError, match="oracle"):
        get_backend("oracle")

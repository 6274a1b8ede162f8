"""What a server keeps of schemas, asked of the server itself, with the schemas' names replaced by ``{0}``, ``{1}``."""

from __future__ import annotations

MYSQL = {
    "table": (
        "SELECT table_schema, table_name, table_comment, engine FROM information_schema.tables WHERE table_schema IN %s",
        ("comment", "engine"),
    ),
    "column": (
        (
            "SELECT table_schema, CONCAT(table_name, '.', column_name), ordinal_position, column_type, is_nullable, column_default, "
            "extra, column_comment, CONCAT(character_set_name, ' ', collation_name) "
            "FROM information_schema.columns WHERE table_schema IN %s"
        ),
        ("position", "type", "nullable", "default", "extra", "comment", "collation"),
    ),
    "index": (
        (
            "SELECT table_schema, CONCAT(table_name, '.', index_name), MIN(non_unique), "
            "GROUP_CONCAT(column_name ORDER BY seq_in_index) "
            "FROM information_schema.statistics WHERE table_schema IN %s GROUP BY table_schema, table_name, index_name"
        ),
        ("non_unique", "columns"),
    ),
    "foreign key": (
        (
            "SELECT k.table_schema, CONCAT(k.table_name, '.', k.constraint_name), MIN(k.referenced_table_schema), "
            "MIN(k.referenced_table_name), GROUP_CONCAT(k.column_name ORDER BY k.ordinal_position), "
            "GROUP_CONCAT(k.referenced_column_name ORDER BY k.ordinal_position), MIN(r.update_rule), MIN(r.delete_rule) "
            "FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r "
            "ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name "
            "WHERE k.table_schema IN %s AND k.referenced_table_name IS NOT NULL "
            "GROUP BY k.table_schema, k.table_name, k.constraint_name"
        ),
        ("schema", "parent", "columns", "parent columns", "on update", "on delete"),
    ),
    "lineage": ("SELECT %r, CONCAT(table_name, '.', attribute_name), lineage FROM `%s`.`~lineage`", ("origin",)),
}

_PG_TABLES = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
POSTGRESQL = {
    "table": (
        (f"SELECT n.nspname, c.relname, obj_description(c.oid, 'pg_class') FROM {_PG_TABLES} "
        "WHERE c.relkind = 'r' AND n.nspname = ANY(%s)"),
        ("comment",),
    ),
    "column": (
        ("SELECT n.nspname, c.relname || '.' || a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
        "pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum), "
        "(SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = a.atttypid) "
        f"FROM {_PG_TABLES} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
        "WHERE c.relkind = 'r' AND n.nspname = ANY(%s)"),
        ("position", "type", "not null", "default", "comment", "labels"),
    ),
    "index": (
        (f"SELECT n.nspname, c.relname || '.' || x.relname, pg_get_indexdef(x.oid) FROM {_PG_TABLES} "
        "JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid WHERE n.nspname = ANY(%s)"),
        ("definition",),
    ),
    "constraint": (
        (f"SELECT n.nspname, c.relname || '.' || k.conname, pg_get_constraintdef(k.oid) FROM {_PG_TABLES} "
        "JOIN pg_constraint k ON k.conrelid = c.oid WHERE k.contype IN ('p', 'f', 'u', 'c') AND n.nspname = ANY(%s)"),
        ("definition",),
    ),
    "enum type": (
        ("SELECT n.nspname, t.typname, (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e "
        "WHERE e.enumtypid = t.oid) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
        "WHERE t.typtype = 'e' AND n.nspname = ANY(%s)"),
        ("labels",),
    ),
    "lineage": ("SELECT %r, table_name || '.' || attribute_name, lineage FROM \"%s\".\"~lineage\"", ("origin",)),
}  # fmt: skip


def stored(raw, names, *, postgresql=False):
    """Return ``(what, schema, name) -> {fact: value}`` of all that is stored in the schemas `names`."""
    facts = {}
    for what, (query, columns) in (POSTGRESQL if postgresql else MYSQL).items():
        for row in _rows(raw, what, query, names, postgresql=postgresql):
            schema, name, *values = (_plain(value, names) for value in row)
            facts[what, schema, name] = dict(zip(columns, values, strict=True))
    return facts


def _rows(raw, what, query, names, *, postgresql):
    cursor = raw.cursor()
    if what == "lineage":
        rows = []
        for name in names:
            cursor.execute(query % (name, name))
            rows += cursor.fetchall()
    else:
        cursor.execute(query, (list(names),) if postgresql else (tuple(names),))
        rows = cursor.fetchall()
    cursor.close()
    return rows


def _plain(value, names):
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, str):
        for number, name in enumerate(names):
            value = value.replace(name, f"{{{number}}}")
    return value


def differences(ours, theirs):
    """Yield ``what, schema, name, fact, our value, their value``; None stands for what one side lacks."""
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key), theirs.get(key)
        if mine is None or other is None:
            yield (*key, "exists", mine is not None and mine, other is not None and other)
            continue
        for fact in mine:
            if mine[fact] != other[fact]:
                yield (*key, fact, mine[fact], other[fact])

-- The structure of the embedded engine: SQLite's own description of a table, and the records of what it does not keep.

-- name: all_schemas
SELECT schema_name FROM `~dj_schemas`;

-- name: schemas
SELECT schema_name, NULL AS collation FROM `~dj_schemas` WHERE schema_name IN :schemas;

-- name: versions
SELECT schema_name, schema_version FROM `~dj_schemas`, pragma_schema_version WHERE schema_name IN :schemas;

-- name: tables
SELECT schema_name, table_name, comment FROM `~dj_tables` WHERE schema_name IN :schemas ORDER BY 1, 2;

-- name: columns
SELECT t.schema_name, t.table_name, x.name,
       coalesce(c.type, x.type) AS type, NOT x."notnull" AND x.pk = 0 AS nullable, coalesce(c.default_text, x.dflt_value) AS default_text,
       c.comment, 0 AS auto_increment, NULL AS collation, NULL AS enum_type
FROM `~dj_tables` t
JOIN pragma_table_xinfo(t.schema_name || '.' || t.table_name) x
LEFT JOIN `~dj_columns` c
       ON c.schema_name = t.schema_name AND c.table_name = t.table_name AND c.column_name = x.name
WHERE t.schema_name IN :schemas
ORDER BY t.schema_name, t.table_name, x.cid;

-- name: foreign_keys
SELECT t.schema_name, t.table_name, f.id AS name, p.schema_name AS parent_schema, p.table_name AS parent_table,
       f."from" AS column_name, f."to" AS parent_column
FROM `~dj_tables` t
JOIN pragma_foreign_key_list(t.schema_name || '.' || t.table_name) f
JOIN `~dj_tables` p ON p.schema_name || '.' || p.table_name = f."table"
WHERE t.schema_name IN :schemas
ORDER BY t.schema_name, t.table_name, f.id DESC, f.seq;

-- name: incoming
SELECT t.schema_name, t.table_name, f.id AS name, p.schema_name AS parent_schema, p.table_name AS parent_table,
       f."from" AS column_name, f."to" AS parent_column
FROM `~dj_tables` t
JOIN pragma_foreign_key_list(t.schema_name || '.' || t.table_name) f
JOIN `~dj_tables` p ON p.schema_name || '.' || p.table_name = f."table"
WHERE p.schema_name IN :schemas
ORDER BY t.schema_name, t.table_name, f.id DESC, f.seq;

-- name: indexes
SELECT schema_name, table_name, '' AS name, 1 AS is_unique, column_name, 1 AS is_key, 0 AS place, key_position AS position
FROM `~dj_columns` WHERE schema_name IN :schemas AND key_position IS NOT NULL
UNION ALL
SELECT t.schema_name, t.table_name, substr(i.name, length(t.schema_name) + 2), i."unique", k.name, 0, -i.seq, k.seqno
FROM `~dj_tables` t
JOIN pragma_index_list(t.schema_name || '.' || t.table_name) i
JOIN pragma_index_info(i.name) k
WHERE t.schema_name IN :schemas AND i.origin = 'c'
ORDER BY schema_name, table_name, is_key DESC, place, position;

-- name: downstream
-- CROSS: the tables in this order, or the list of foreign keys is made again for every pair of tables.
SELECT DISTINCT t.schema_name
FROM `~dj_tables` t
CROSS JOIN pragma_foreign_key_list(t.schema_name || '.' || t.table_name) f
CROSS JOIN `~dj_tables` p ON p.schema_name || '.' || p.table_name = f."table"
WHERE p.schema_name IN :schemas;

-- name: upstream
SELECT DISTINCT p.schema_name
FROM `~dj_tables` t
CROSS JOIN pragma_foreign_key_list(t.schema_name || '.' || t.table_name) f
CROSS JOIN `~dj_tables` p ON p.schema_name || '.' || p.table_name = f."table"
WHERE t.schema_name IN :schemas;

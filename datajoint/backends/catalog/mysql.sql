-- The structure of MySQL, from its information schema.

-- name: all_schemas
SELECT schema_name FROM information_schema.schemata
WHERE schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys');

-- name: schemas
SELECT schema_name, CONCAT('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name) AS collation
FROM information_schema.schemata WHERE schema_name IN :schemas;

-- name: versions
SELECT schema_name, '' AS version FROM information_schema.schemata WHERE schema_name IN :schemas
UNION ALL
SELECT table_schema, CONCAT(COUNT(*), ' ', SUM(CRC32(CONCAT_WS('/', table_name, column_name, ordinal_position, column_type, is_nullable,
       column_default, column_key, extra, column_comment))))
FROM information_schema.columns WHERE table_schema IN :schemas GROUP BY table_schema;

-- name: tables
SELECT table_schema, table_name, table_comment FROM information_schema.tables
WHERE table_schema IN :schemas AND table_type = 'BASE TABLE' ORDER BY table_schema, table_name;

-- name: columns
SELECT table_schema, table_name, column_name, column_type, is_nullable = 'YES' AS nullable,
       IF(extra LIKE '%DEFAULT_GENERATED%', column_default, CONCAT('''', REPLACE(column_default, '''', ''''''), '''')) AS default_text,
       column_comment, extra LIKE '%auto_increment%' AS auto_increment,
       IF(collation_name IS NULL, NULL, CONCAT('CHARACTER SET ', character_set_name, ' COLLATE ', collation_name)) AS collation,
       NULL AS enum_type
FROM information_schema.columns WHERE table_schema IN :schemas
ORDER BY table_schema, table_name, ordinal_position;

-- name: foreign_keys
SELECT table_schema, table_name, constraint_name, referenced_table_schema, referenced_table_name, column_name, referenced_column_name
FROM information_schema.key_column_usage
WHERE table_schema IN :schemas AND referenced_table_schema IS NOT NULL
ORDER BY table_schema, table_name, constraint_name, referenced_table_schema, referenced_table_name, ordinal_position;

-- name: incoming
SELECT table_schema, table_name, constraint_name, referenced_table_schema, referenced_table_name, column_name, referenced_column_name
FROM information_schema.key_column_usage
WHERE referenced_table_schema IN :schemas
ORDER BY table_schema, table_name, constraint_name, referenced_table_schema, referenced_table_name, ordinal_position;

-- name: indexes
SELECT table_schema, table_name, index_name, non_unique = 0 AS is_unique, column_name, index_name = 'PRIMARY' AS is_key
FROM information_schema.statistics WHERE table_schema IN :schemas
ORDER BY table_schema, table_name, index_name, seq_in_index;

-- name: downstream
SELECT DISTINCT table_schema FROM information_schema.key_column_usage WHERE referenced_table_schema IN :schemas;

-- name: upstream
SELECT DISTINCT referenced_table_schema FROM information_schema.key_column_usage
WHERE table_schema IN :schemas AND referenced_table_schema IS NOT NULL;

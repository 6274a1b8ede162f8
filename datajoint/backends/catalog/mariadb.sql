-- The structure of MariaDB, from its information schema. JSON is text with a check that bears the column's name.

-- name: all_schemas
SELECT schema_name FROM information_schema.schemata
WHERE schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys');

-- name: schemas
SELECT schema_name, CONCAT('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name) AS collation
FROM information_schema.schemata WHERE schema_name IN :schemas;

-- name: tables
SELECT table_schema, table_name, table_comment FROM information_schema.tables
WHERE table_schema IN :schemas AND table_type = 'BASE TABLE' ORDER BY table_schema, table_name;

-- name: columns
SELECT c.table_schema, c.table_name, c.column_name,
       IF(j.check_clause IS NULL, c.column_type, 'json') AS column_type, c.is_nullable = 'YES' AS nullable,
       -- a literal as this server would read it
       REPLACE(c.column_default, '\\\\', '\\') AS default_text, c.column_comment, c.extra LIKE '%auto_increment%' AS auto_increment,
       IF(c.collation_name IS NULL, NULL, CONCAT('CHARACTER SET ', c.character_set_name, ' COLLATE ', c.collation_name)) AS collation,
       NULL AS enum_type
FROM information_schema.columns c
LEFT JOIN information_schema.check_constraints j
       ON j.constraint_schema = c.table_schema AND j.table_name = c.table_name AND j.constraint_name = c.column_name
      AND j.constraint_schema IN :schemas AND j.check_clause LIKE 'json_valid(%'
WHERE c.table_schema IN :schemas
ORDER BY c.table_schema, c.table_name, c.ordinal_position;

-- name: keys
SELECT table_schema, table_name, column_name FROM information_schema.statistics
WHERE table_schema IN :schemas AND index_name = 'PRIMARY' ORDER BY table_schema, table_name, seq_in_index;

-- name: foreign_keys
SELECT table_schema, table_name, constraint_name, referenced_table_schema, referenced_table_name, column_name, referenced_column_name
FROM information_schema.key_column_usage
WHERE referenced_table_schema IN :schemas OR (referenced_table_schema IS NOT NULL AND table_schema IN :schemas)
ORDER BY table_schema, table_name, constraint_name, referenced_table_schema, referenced_table_name, ordinal_position;

-- name: indexes
SELECT table_schema, table_name, index_name, non_unique = 0 AS is_unique, column_name FROM information_schema.statistics
WHERE table_schema IN :schemas AND index_name <> 'PRIMARY' ORDER BY table_schema, table_name, index_name, seq_in_index;

-- name: downstream
SELECT DISTINCT table_schema FROM information_schema.key_column_usage WHERE referenced_table_schema IN :schemas;

-- name: upstream
SELECT DISTINCT referenced_table_schema FROM information_schema.key_column_usage
WHERE table_schema IN :schemas AND referenced_table_schema IS NOT NULL;

-- The structure of MariaDB, from its information schema. JSON is text with a check that bears the column's name.

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
SELECT c.table_schema, c.table_name, c.column_name,
       -- what the comment marks as JSON is believed; the list of checks costs more than all the rest
       CASE WHEN c.data_type <> 'longtext' OR c.collation_name <> 'utf8mb4_bin' THEN c.column_type
            WHEN c.column_comment LIKE ':json%:%' THEN 'json'
            WHEN c.column_comment LIKE ':%' THEN c.column_type
            WHEN EXISTS (SELECT 1 FROM information_schema.check_constraints j
                         WHERE j.constraint_schema = c.table_schema AND j.table_name = c.table_name
                           AND j.constraint_name = c.column_name AND j.check_clause LIKE 'json_valid(%') THEN 'json'
            ELSE c.column_type END AS column_type,
       c.is_nullable = 'YES' AS nullable,
       c.column_default, c.column_comment, c.extra LIKE '%auto_increment%' AS auto_increment,
       IF(c.collation_name IS NULL, NULL, CONCAT('CHARACTER SET ', c.character_set_name, ' COLLATE ', c.collation_name)) AS collation,
       NULL AS enum_type
FROM information_schema.columns c
WHERE c.table_schema IN :schemas
ORDER BY c.table_schema, c.table_name, c.ordinal_position;

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

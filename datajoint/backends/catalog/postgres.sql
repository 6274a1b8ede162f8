-- The structure of PostgreSQL, from its system catalogs; types are spelled as a definition could say them.

-- name: text_cast
::text

-- name: all_schemas
SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema';

-- name: schemas
SELECT nspname, NULL AS collation FROM pg_namespace WHERE nspname IN :schemas;

-- name: versions
SELECT n.nspname, count(a.attnum) || ' ' || coalesce(sum(a.xmin::text::bigint + c.xmin::text::bigint), 0) AS version
FROM pg_namespace n
LEFT JOIN pg_class c ON c.relnamespace = n.oid
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE n.nspname IN :schemas GROUP BY n.nspname;

-- name: tables
SELECT n.nspname, c.relname, obj_description(c.oid, 'pg_class')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN :schemas AND c.relkind IN ('r', 'p')
  -- who may not read the recorded lineage works without it
  AND (c.relname <> '~lineage' OR has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C";

-- name: columns
SELECT n.nspname, c.relname, a.attname,
       -- a native type of MySQL is told by the name of its check, «attribute»: «type»
       coalesce((SELECT substr(k.conname, length(a.attname) + 3) FROM pg_constraint k
                 WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
                   AND starts_with(k.conname, a.attname || ': ') LIMIT 1),
       CASE WHEN t.typtype = 'e' THEN
              'enum(' || (SELECT string_agg('''' || replace(replace(e.enumlabel, '\', '\\'), '''', '''''') || '''', ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) || ')'
            ELSE CASE format_type(a.atttypid, NULL)
              WHEN 'integer' THEN 'int'
              WHEN 'boolean' THEN 'bool'
              WHEN 'real' THEN 'float'
              WHEN 'double precision' THEN 'double'
              WHEN 'bytea' THEN 'longblob'
              WHEN 'jsonb' THEN 'json'
              WHEN 'character' THEN 'char(' || a.atttypmod - 4 || ')'
              WHEN 'character varying' THEN CASE WHEN a.atttypmod < 0 THEN 'longtext' ELSE 'varchar(' || a.atttypmod - 4 || ')' END
              WHEN 'numeric' THEN CASE WHEN a.atttypmod < 0 THEN 'numeric' ELSE 'decimal(' || (((a.atttypmod - 4) >> 16) & 65535) || ',' || ((a.atttypmod - 4) & 2047) || ')' END
              WHEN 'timestamp without time zone' THEN CASE WHEN a.atttypmod < 0 THEN 'timestamp' ELSE 'timestamp(' || a.atttypmod || ')' END
              WHEN 'time without time zone' THEN CASE WHEN a.atttypmod < 0 THEN 'time' ELSE 'time(' || a.atttypmod || ')' END
              WHEN 'text' THEN 'longtext'
              ELSE format_type(a.atttypid, a.atttypmod) END
       END) AS type,
       NOT a.attnotnull AS nullable, pg_get_expr(d.adbin, d.adrelid) AS default_text,
       col_description(c.oid, a.attnum) AS comment, a.attidentity <> '' AS auto_increment, NULL AS collation,
       CASE WHEN t.typtype = 'e' THEN '"' || replace(tn.nspname, '"', '""') || '"."' || replace(t.typname, '"', '""') || '"' END AS enum_type
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE n.nspname IN :schemas AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY n.nspname, c.relname, a.attnum;

-- name: foreign_keys
SELECT n.nspname, c.relname, k.conname, pn.nspname, pc.relname, a.attname, pa.attname
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class pc ON pc.oid = k.confrelid
JOIN pg_namespace pn ON pn.oid = pc.relnamespace
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u(attnum, parent_attnum, position)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum
JOIN pg_attribute pa ON pa.attrelid = pc.oid AND pa.attnum = u.parent_attnum
WHERE k.contype = 'f' AND n.nspname IN :schemas
ORDER BY n.nspname, c.relname, k.oid, u.position;

-- name: incoming
SELECT n.nspname, c.relname, k.conname, pn.nspname, pc.relname, a.attname, pa.attname
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class pc ON pc.oid = k.confrelid
JOIN pg_namespace pn ON pn.oid = pc.relnamespace
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u(attnum, parent_attnum, position)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum
JOIN pg_attribute pa ON pa.attrelid = pc.oid AND pa.attnum = u.parent_attnum
WHERE k.contype = 'f' AND pn.nspname IN :schemas
ORDER BY n.nspname, c.relname, k.oid, u.position;

-- name: indexes
SELECT n.nspname, c.relname, ic.relname, i.indisunique, a.attname, i.indisprimary
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS u(attnum, position)
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum AND u.attnum > 0
WHERE n.nspname IN :schemas AND u.position <= i.indnkeyatts
ORDER BY n.nspname, c.relname, ic.oid, u.position;

-- name: downstream
SELECT DISTINCT n.nspname
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class pc ON pc.oid = k.confrelid
JOIN pg_namespace pn ON pn.oid = pc.relnamespace
WHERE k.contype = 'f' AND pn.nspname IN :schemas;

-- name: upstream
SELECT DISTINCT pn.nspname
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class pc ON pc.oid = k.confrelid
JOIN pg_namespace pn ON pn.oid = pc.relnamespace
WHERE k.contype = 'f' AND n.nspname IN :schemas;

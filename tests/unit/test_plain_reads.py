"""A statement is taken for a mere read only where it surely is one."""

from __future__ import annotations

import pytest

from datajoint.autopopulate.plain_reads import is_plain_read

READS = [
    "SELECT 1",
    "  (select a from t)",
    "SELECT count(*), max(x) FROM t WHERE y IN (1, 2) AND NOT (z > 3)",
    "SELECT 'for update into' AS x",
    'SELECT `into`, "for update" FROM t',
    "SELECT NOW(), UUID()",
    "SHOW TABLES",
    "DESCRIBE t",
    "EXPLAIN SELECT 1",
    "VALUES (1), (2)",
    "SELECT dj_json_as(x) FROM t;",
    "SELECT 'it''s; DROP TABLE t' FROM t",
]
OTHERS = [
    "INSERT INTO t VALUES (1)",
    "UPDATE t SET a = 1",
    "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
    "SELECT * FROM t FOR UPDATE",
    "SELECT * FROM t for  share",
    "SELECT * FROM t FOR NO KEY UPDATE",
    "SELECT * FROM t LOCK IN SHARE MODE",
    "SELECT a INTO OUTFILE '/tmp/x' FROM t",
    "SELECT a INTO new FROM t",
    "SELECT nextval('s')",
    "SELECT GET_LOCK('a', 1)",
    "SELECT setval ('s', 1)",
    "SELECT lo_import('/etc/passwd')",
    "SELECT @x := 1",
    "SELECT 1; DELETE FROM t",
    "SELECT 1 /*! INTO OUTFILE 'x' */",
    "SELECT $$a$$",
    "EXPLAIN ANALYZE DELETE FROM t",
    "EXPLAIN (ANALYZE) DELETE FROM t",
    "SET x = 1",
    "CALL p()",
    "CREATE TEMPORARY TABLE t (a INT)",
    "BEGIN",
    "LOCK TABLE t",
]


@pytest.mark.parametrize("text", READS)
def test_reads(text):
    assert is_plain_read(text)


@pytest.mark.parametrize("text", OTHERS)
def test_others(text):
    assert not is_plain_read(text)

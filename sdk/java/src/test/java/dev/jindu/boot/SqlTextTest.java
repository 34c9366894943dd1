package dev.jindu.boot;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SqlTextTest {
    @ParameterizedTest
    @ValueSource(strings = {
        "INSERT INTO t VALUES (1)", "  update t set a=1", "/*jindu:x*/ DELETE FROM t", "-- c\nREPLACE INTO t VALUES (1)", "# c\nMERGE INTO t", "(INSERT INTO t VALUES (1))",
        "{call f(?)}", "CALL f()", "TRUNCATE t", "CREATE TABLE t (a INT)", "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "EXPLAIN ANALYZE DELETE FROM t",
        "SELECT 1; DELETE FROM t", "SELECT a INTO OUTFILE '/x' FROM t", "select * into t2 from t", "/*!50000 DELETE */ FROM t", "/*M! DELETE */ FROM t", "/* open", "COPY t FROM STDIN",
        "DO f()", "LOAD DATA INFILE 'x' INTO TABLE t", "SELECT 'a\\'; DELETE FROM t", "unheard of", "/* a */ /* b */ insert into t values (1)", "SELECT 'open; DELETE"
    })
    void writes(String sql) {
        assertTrue(SqlText.writes(sql));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "SELECT 1", " (select 1)", "/*jindu:x*/ SELECT * FROM t FOR UPDATE", "SHOW TABLES", "SET NAMES utf8", "BEGIN", "COMMIT", "START TRANSACTION", "WITH x AS (SELECT 1) SELECT * FROM x",
        "EXPLAIN DELETE FROM t", "SELECT 1;", "SELECT 'a;b' FROM t", "SELECT a_into FROM t", "SELECT point FROM interest", "-- nothing", "", "  ", "SELECT ';' ; ", "VALUES (1)", "DESC t"
    })
    void reads(String sql) {
        assertFalse(SqlText.writes(sql));
    }
}

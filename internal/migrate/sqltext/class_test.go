package sqltext

import "testing"

func TestClassesOfMySQL(t *testing.T) {
	for sql, want := range map[string]Class{
		"":                                   Read,
		" -- nothing\n # at all\n/* here */": Read,
		"SELECT 1":                           Read,
		"select * from t where a = 'x; DELETE FROM t' -- ; DELETE\n": Read,
		"SELECT 1;":                                                           Read,
		"SELECT 1; -- done":                                                   Read,
		"(SELECT 1) UNION (SELECT 2)":                                         Read,
		"SELECT COUNT(*), NOW(), IF(a, 1, 2) FROM t":                          Read,
		"SELECT REPLACE(a, 'x', 'y'), INSERT(a,1,1,'x')":                      Read,
		"SELECT a FROM t FOR UPDATE":                                          Read,
		"SELECT a FROM t LOCK IN SHARE MODE":                                  Read,
		"SELECT a INTO @x FROM t":                                             Read,
		"WITH x AS (SELECT 1) SELECT * FROM x":                                Read,
		"WITH x (a, b) AS (SELECT 1, 2), y (c) AS (SELECT 1) SELECT * FROM x": Read,
		"SHOW TABLES":                                                         Read,
		"EXPLAIN DELETE FROM t":                                               Read,
		"EXPLAIN ANALYZE SELECT 1":                                            Read,
		"DESC t":                                                              Read,
		"VALUES (1), (2)":                                                     Read,
		"/* ping */ SELECT 1":                                                 Read,
		"SELECT /*!40001 SQL_NO_CACHE */ * FROM t":                            Read,
		"SELECT \"it's\" FROM t":                                              Read,
		"SELECT 'it\\'s' FROM t":                                              Read,
		"SELECT CAST(a AS DECIMAL(10,2)) FROM t":                              Read,
		"SELECT * FROM t PARTITION (p0) WHERE a IN (1)":                       Read,
		"SELECT t.update, t.delete FROM t":                                    Read,

		"INSERT INTO t (a) VALUES (1)":  Write,
		"insert t (a) values (now())":   Write,
		"INSERT INTO t SELECT * FROM u": Write,
		"REPLACE INTO t VALUES (1)":     Write,
		"UPDATE t SET a = 1":            Write,
		"DELETE FROM t":                 Write,
		"WITH x AS (SELECT 1) DELETE FROM t WHERE a IN (SELECT * FROM x)": Write,
		"LOAD DATA LOCAL INFILE 'x' INTO TABLE t":                         Write,
		"SELECT NEXTVAL(s)":                         Write,
		"SELECT NEXT VALUE FOR s":                   Write,
		"/*!50001 DELETE FROM t */":                 Unknown,
		"/*! INSERT */ INTO t VALUES (1)":           Unknown,
		"/*!99999 EXPLAIN */ DELETE FROM t":         Unknown,
		"/*!99999 EXPLAIN /* y */ */ DELETE FROM t": Unknown,
		"/*M!100100 SELECT */ /*!50000 1 */":        Unknown,
		"SELECT /*!50000 1 INTO OUTFILE 'x' */":     Unknown,
		"SELECT /* /*!50000 x */ 1":                 Read,
		"SELECT \"\\\" INTO OUTFILE 'x' -- \"":      Unknown,

		"CREATE TABLE t (a INT)":        DDL,
		"TRUNCATE t":                    DDL,
		"TRUNCATE TABLE t":              DDL,
		"ANALYZE TABLE t":               DDL,
		"ANALYZE LOCAL TABLE t":         DDL,
		"GRANT ALL ON *.* TO u":         DDL,
		"ANALYZE UPDATE t SET a=1":      Unknown,
		"ANALYZE FORMAT=JSON SELECT 1":  Unknown,
		"EXPLAIN ANALYZE DELETE FROM t": Unknown,

		"BEGIN":                          Begin,
		"START TRANSACTION READ ONLY":    Begin,
		"BEGIN NOT ATOMIC DELETE FROM t": Unknown,
		"START SLAVE":                    Admin,
		"COMMIT AND CHAIN":               Commit,
		"ROLLBACK":                       Rollback,
		"ROLLBACK WORK TO SAVEPOINT a":   Savepoint,
		"ROLLBACK TO a":                  Savepoint,
		"SAVEPOINT a":                    Savepoint,
		"RELEASE SAVEPOINT a":            Savepoint,
		"USE shop":                       Use,

		"SET autocommit = 0":                                   Set,
		"SET NAMES utf8mb4, @x = 1":                            Set,
		"SET @@session.sql_mode = @@global.sql_mode":           Set,
		"SET GLOBAL x = 1":                                     Admin,
		"SET a = 1, GLOBAL x = 1":                              Admin,
		"SET @@global.x = 1":                                   Admin,
		"SET @@`global`.x = 1":                                 Admin,
		"SET @@PERSIST_ONLY.x = 1":                             Admin,
		"SET PASSWORD = 'x'":                                   Admin,
		"SET @x = f()":                                         Unknown,
		"SET STATEMENT max_statement_time=1 FOR DELETE FROM t": Unknown,

		"SELECT GET_LOCK('x', 1)":           Admin,
		"SELECT 1 INTO OUTFILE '/tmp/x'":    Admin,
		"SELECT a FROM t INTO DUMPFILE 'x'": Admin,
		"SELECT a INTO b FROM t":            Admin,
		"KILL 7":                            Admin,
		"FLUSH TABLES":                      Admin,
		"LOCK TABLES t WRITE":               Admin,
		"XA START 'x'":                      Admin,
		"RESET MASTER":                      Admin,

		"CALL p()":                            Unknown,
		"DO f()":                              Unknown,
		"PREPARE p FROM 'DELETE'":             Unknown,
		"EXECUTE p":                           Unknown,
		"HANDLER t OPEN":                      Unknown,
		"SELECT f(1)":                         Unknown,
		"SELECT `now`(1)":                     Unknown,
		"SELECT shop.now(1)":                  Unknown,
		"SELECT a, f(b) FROM t":               Unknown,
		"WITH a AS (SELECT 1) SELECT 1, f(2)": Unknown,
		"INSERT INTO t VALUES (f())":          Unknown,
		"SELECT 1; DELETE FROM t":             Unknown,
		"SELECT 1;; DELETE FROM t":            Unknown,
		"SELECT 'torn":                        Unknown,
		"SELECT 1 /* torn":                    Unknown,
		"SELECT \x00":                         Unknown,
		"/*!50000 SELECT 1":                   Unknown,
		"42":                                  Unknown,
		"(DELETE FROM t)":                     Unknown,
		"HELLO":                               Unknown,
		"MERGE INTO t":                        Unknown,
	} {
		if got := Classify(sql, Options{}); got.Class != want {
			t.Errorf("%q: %v, want %v (calls %q)", sql, got.Class, want, got.Calls)
		}
	}
}

func TestClassesOfPostgres(t *testing.T) {
	for sql, want := range map[string]Class{
		"SELECT $1::text, a->>'x', b ? 'c'":                         Read,
		"SELECT $$; DELETE FROM t$$":                                Read,
		"SELECT $a$ $$ ; DELETE $a$":                                Read,
		"SELECT E'it\\'s; DELETE', 'back\\'":                        Read,
		"SELECT E'a'\n 'b\\'; DELETE FROM t; --'":                   Read,
		"SELECT 1 /* a /* b */ ; DELETE FROM t */":                  Read,
		"SELECT a FROM t FOR NO KEY UPDATE OF t SKIP LOCKED":        Read,
		"SELECT a FROM t FOR KEY SHARE":                             Read,
		"SELECT pg_advisory_xact_lock_shared(7461626)":              Read,
		"SELECT pg_catalog.lower(a) FROM t":                         Read,
		"EXPLAIN (ANALYZE, FORMAT json) SELECT 1":                   Read,
		"COPY t (a) TO STDOUT":                                      Read,
		"COPY (SELECT a FROM t) TO STDOUT WITH (FORMAT csv)":        Read,
		"DECLARE c CURSOR FOR SELECT 1":                             Read,
		"FETCH NEXT FROM c":                                         Read,
		"SELECT \"a\"\"; DELETE\" FROM t":                           Read,
		"SELECT count(*) FILTER (WHERE a) OVER (ORDER BY b) FROM t": Read,

		"WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x":  Write,
		"WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x":     Write,
		"INSERT INTO t VALUES (nextval('s'))":                    Write,
		"SELECT nextval('s')":                                    Write,
		"SELECT pg_logical_emit_message(true, 'jindu.mark', $1)": Write,
		"COPY t FROM STDIN":                                      Write,
		"MERGE INTO t USING u ON a = b WHEN MATCHED THEN DELETE": Write,
		"NOTIFY x": Write,
		"INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO NOTHING": Write,

		"SELECT * INTO n FROM t":      DDL,
		"TRUNCATE t":                  DDL,
		"REFRESH MATERIALIZED VIEW v": DDL,
		"ANALYZE t":                   DDL,
		"SELECT pg_logical_emit_message(false, 'x', 'y')": Admin,
		"SELECT setval('s', 1)":                           Admin,
		"COPY t TO '/tmp/x'":                              Admin,
		"COPY t TO PROGRAM 'x'":                           Admin,
		"COPY t FROM '/tmp/x'":                            Admin,
		"VACUUM":                                          Admin,
		"LOAD 'lib'":                                      Admin,
		"COMMIT PREPARED 'x'":                             Admin,
		"LISTEN x":                                        Set,
		"SET LOCAL statement_timeout = 0":                 Set,
		"RESET ALL":                                       Set,
		"DISCARD ALL":                                     Set,
		"BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY": Begin,
		"END":                               Commit,
		"ABORT":                             Rollback,
		"COMMIT TO x":                       Unknown,
		"COPY t":                            Unknown,
		"DO $$ BEGIN DELETE FROM t; END $$": Unknown,
		"SELECT 'back\\', 'x; DELETE FROM t; --'; DELETE FROM t": Unknown,
		"SELECT f(x)":                     Unknown,
		"EXPLAIN (ANALYZE) DELETE FROM t": Unknown,
		"SELECT $a$ torn":                 Unknown,
		"PREPARE TRANSACTION 'x'":         Unknown,
		"USE x":                           Unknown,
		"SELECT set_config('search_path', 'x', false)": Unknown,
		"SELECT \"lower\"(x)":                          Unknown,
	} {
		if got := Classify(sql, Options{Dialect: Postgres}); got.Class != want {
			t.Errorf("%q: %v, want %v (calls %q)", sql, got.Class, want, got.Calls)
		}
	}
}

func TestWhatASessionSaysChangesTheReading(t *testing.T) {
	for _, c := range []struct {
		sql  string
		o    Options
		want Class
	}{
		{`SELECT '\' INTO OUTFILE 'x'`, Options{}, Unknown},
		{`SELECT '\', 'a' -- '`, Options{NoBackslash: true}, Read},
		{`SELECT '\' INTO OUTFILE 'x'`, Options{NoBackslash: true}, Admin},
		{`SELECT '\'; DELETE FROM t; --'`, Options{Dialect: Postgres, Backslash: true}, Read},
		{"SELECT '\xbf\\' INTO OUTFILE 'x' -- '", Options{}, Read},
		{"SELECT '\xbf\\' INTO OUTFILE 'x' -- '", Options{Multibyte: true}, Unknown},
		{"SELECT '\xbf\\' , 'x'", Options{Multibyte: true}, Unknown},
		{"SELECT \xbf` INTO OUTFILE 'x' -- `", Options{Multibyte: true}, Unknown},
		{"SELECT '\u6d25'", Options{Multibyte: true}, Read},
	} {
		if got := Classify(c.sql, c.o); got.Class != c.want {
			t.Errorf("%q under %+v: %v, want %v", c.sql, c.o, got.Class, c.want)
		}
	}
}

func TestInfoSaysVerbLocksAndCalls(t *testing.T) {
	i := Classify([]byte("SELECT my_func(a), shop.other(b), max(c) FROM t FOR UPDATE"), Options{})
	if i.Verb != "select" || !i.Locks || i.Base != Read || len(i.Calls) != 2 || i.Calls[0] != "my_func" || i.Calls[1] != "shop.other" {
		t.Errorf("%+v", i)
	}
	for c := Read; c <= Unknown; c++ {
		if c.String() == "" {
			t.Error(c)
		}
	}
}

func TestClassifyAllocatesNothing(t *testing.T) {
	sql := []byte("SELECT id, name, COUNT(*) FROM orders o JOIN items i ON i.order_id = o.id WHERE o.id = 17 AND name = 'it''s' ORDER BY id")
	if n := testing.AllocsPerRun(100, func() { Classify(sql, Options{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkClassify(b *testing.B) {
	sql := []byte("UPDATE stock SET reserved = reserved + 1, updated_at = '2026-01-02 03:04:05' WHERE sku = 'A-4711' AND reserved < quantity")
	b.ReportAllocs()
	for b.Loop() {
		Classify(sql, Options{})
	}
}

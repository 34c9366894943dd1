// Package dbtest starts real databases for tests: MariaDB, PostgreSQL and Redis, on loopback, on free ports,
// with data in a temporary directory.
//
//	TestMain ─► Main(m) ─► tests ─► MariaDB(t), Postgres(t), Redis(t)   one shared instance a test binary, lazily
//	                            └─► NewMariaDB(t), NewPostgres(t), ...  one of the test's own: Kill, Restart
//	            └─► all are stopped, their directories removed
//
// Invariants:
//   - No system service is touched: each instance has its own directory, port and password.
//   - A test binary that is killed takes its servers with it (on Linux: the signal of the parent's death), and
//     the directory that it leaves is removed by the next one.
//   - Waiting is for a condition: the server answers, or its process ended.
//   - Where a program is missing the test is skipped with the reason, and fails where CI=true.
//
// Only tests import it.
package dbtest

// Package sqldb is the database of one side of a migration: MariaDB and MySQL over go-sql-driver/mysql,
// PostgreSQL and openGauss over pgx. It implements data.Store.
//
//	Apply: writes ─► batch by table ─► lock rows and versions ─► decide in order ─► delete, insert, update ─► position
//	          on a refusal: roll back ─► one write after another in one transaction ─► data.RowError, or done
//	Sum:   range ─► chunks by key, each of about a second ─► the database's sum of each
//
// Invariants:
//   - What a write does is decided in Go from rows that are locked, so a Fate is exact whatever else writes.
//   - One Apply is one transaction, position included. On an error nothing was written, or the commit's
//     outcome is unknown, and applying again is idempotent.
//   - Deadlocks and lost races are tried again here, a few times; nothing else is.
//   - Sessions are our own: UTC, strict, READ COMMITTED, limits on waiting for locks.
//   - A password is in no error. The errors of the database itself are passed on as they are.
//
// openGauss: its own logins (SHA-256 and SM3 without SASL) are not known to pgx; let the user log in by md5
// (password_encryption_type 0 or 1). DM8: its driver is in no registry that this build can draw from; Open
// says so. The statements are there (package dialect); what is missing is a pool over that driver.
package sqldb

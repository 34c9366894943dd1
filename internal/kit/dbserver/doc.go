// Package dbserver starts a database of one's own on loopback: MariaDB, PostgreSQL or Redis, on a free port,
// with its data in a directory that the caller gives. The demo and tests use it; no system service is touched.
//
// Invariants:
//   - On Linux the server dies with the process that started it, whatever ends that one.
//   - Waiting is for a condition: the server answers, or its process ended.
//   - MariaDB writes its binary log by rows with full images, PostgreSQL has wal_level=logical: changes can be
//     captured. What a crash of the machine would lose is not flushed.
package dbserver

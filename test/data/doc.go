// Package data holds what needs real databases and more than one part: the SDK's outbox and wrappers on
// MariaDB and PostgreSQL, and the two shops of the examples, which must answer alike and keep the same rows.
package data

// Package shopjava carries the source of the old shop and its tables, so that the demo can start it from
// the binary alone.
package shopjava

import _ "embed"

// Source is Shop.java: a single file for JDK 17 or later, with MariaDB's JDBC driver on the class path.
//
//go:embed Shop.java
var Source []byte

// Schema is the statements that make its tables; shop.Statements splits them.
//
//go:embed schema.sql
var Schema string

// Driver is the Maven coordinate of the JDBC driver that it is tested with.
const Driver = "org.mariadb.jdbc:mariadb-java-client:3.5.3"

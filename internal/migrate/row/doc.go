// Package row says what a row is, whatever database it is in: typed columns, values in one canonical text,
// sums that do not depend on order, and the rules by which a row of one side becomes a row of the other.
//
// Canonical text of a value, the same for MariaDB, MySQL, PostgreSQL, openGauss and DM8:
//
//	Bool       true | false
//	Integer    decimal digits, - in front, no leading zero
//	Decimal    plain decimals of the column's scale cut of trailing zeros: 12.5, -0.01, 0; never 1e3, never -0
//	Float      shortest decimal that reads back the same 64-bit number; NaN, Infinity, -Infinity
//	Text       as it is, UTF-8; of CHAR(n) without trailing spaces
//	Bytes      lower-case hexadecimal
//	Date       2006-01-02
//	Clock      15:04:05[.ffffff], time of day, fraction without trailing zeros
//	Local      2006-01-02T15:04:05[.ffffff], time without zone
//	Instant    2006-01-02T15:04:05[.ffffff]Z, in UTC
//	JSON       compact, members by name, numbers as written
//	UUID       lower case with hyphens
//	Bits       0 and 1
//
// Invariants:
//   - Two databases that hold the same fact give the same text; NULL is no text.
//   - Sum of a set of rows is the sum modulo 2^64 of a 64-bit hash of each (first eight bytes, big-endian,
//     of MD5 over the encoding that Encode describes), so that order does not matter, and a pair of equal
//     rows does not cancel out. A database can compute it: package dialect writes the expression.
//   - A Mapping that loses nothing carries every row there and back unchanged; where it would lose, it says so.
//
// The package is pure: no I/O, no clock, no goroutines.
package row

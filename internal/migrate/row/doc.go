// Package row says what a row is, whatever database it is in: typed columns, values in one canonical text,
// sums that do not depend on order, and the rules by which a row of one side becomes a row of the other.
//
//	driver's value, log's bytes ─► Canon ─► Value ─┬─► AppendRow ─► Hash ─► Sum
//	                                               ├─► CompareKeys, EncodeKey
//	                                               └─► Mapping.Forward ─► Row of the other side ─► Backward
//
// Canonical text of a value, the same for MariaDB, MySQL, PostgreSQL, openGauss and DM8:
//
//	Bool       true | false; a TINYINT(1) that is neither 1 nor 0 keeps its digits
//	Integer    decimal digits, - in front, no leading zero
//	Decimal    plain decimals of the column's scale cut of trailing zeros: 12.5, -0.01, 0; never 1e3, never -0
//	Float      shortest decimal that reads back the same 64-bit number, written plainly as a Decimal is; NaN,
//	           Infinity, -Infinity. A 32-bit number is the 64-bit number with the same value.
//	Text       as it is, UTF-8; of CHAR(n) without trailing spaces
//	Bytes      lower-case hexadecimal
//	Date       2006-01-02
//	Clock      15:04:05[.ffffff], time of day, fraction without trailing zeros
//	Local      2006-01-02T15:04:05[.ffffff], time without zone
//	Instant    2006-01-02T15:04:05[.ffffff]Z, in UTC
//	JSON       compact, members by name (of two with one name the last), numbers plain as a Decimal is
//	UUID       lower case with hyphens
//	Bits       0 and 1
//
// What a database can hold beyond that keeps its own text: the zero date 0000-00-00 of MariaDB, infinity and
// years before Christ of PostgreSQL, a TIME of more than a day.
//
// The encoding of a row, over which its hash is taken, is that of its columns one behind the other. NULL is
// "N,"; Text and JSON are the length in bytes, ":", the text and ","; all others, in whose text no comma can
// be, the text and ",", written as databases do with the least work: Bool as 1 and 0, Decimal with all digits
// of the column's scale, Local and Instant with a space instead of T and without Z. Two different rows of one
// table never have the same encoding.
//
// Invariants:
//   - Two databases that hold the same fact give the same text; NULL is no text.
//   - Sum of a set of rows is the sum modulo 2^64 of a 64-bit hash of each (first eight bytes, big-endian,
//     of MD5 over the encoding), so that order does not matter, and a pair of equal rows does not cancel out.
//     A database can compute it: package dialect writes the expression.
//   - A number never passes through floating point, unless it is one.
//   - A Mapping that loses nothing carries every row there and back unchanged; where it would lose, Lost says
//     so. What the other side cannot hold is an error, never rounded nor cut; only digits of a second that
//     the other side does not keep are cut, and Lost names them.
//
// The package is pure: no I/O, no clock, no goroutines. (A zone is looked up in the database of zones that
// the Go runtime finds.)
package row

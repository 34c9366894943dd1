package row

import "slices"

// Type is what a column holds, apart from how a database spells it.
type Type uint8

// The types; see the package comment for their canonical text.
const (
	Text Type = iota
	Bool
	Integer
	Decimal
	Float
	Bytes
	Date
	Clock
	Local   // time without zone
	Instant // time with zone
	JSON
	UUID
	Bits
)

var typeNames = [...]string{"text", "boolean", "integer", "decimal", "float", "bytes", "date", "time of day", "time without zone", "time with zone", "JSON", "UUID", "bits"}

// String is the type's name for people.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "unknown type"
}

// Column is one column of a table.
type Column struct {
	Name      string
	Type      Type
	Scale     int  // Decimal: digits behind the point, -1 without a bound; Clock, Local, Instant: digits of the fraction
	Length    int  // Text, Bytes, Bits: most characters, bytes or bits; 0 without a bound. Float: 32 or 64 bits
	Padded    bool // CHAR(n): trailing spaces are no part of the value; BINARY(n): trailing zeros are
	Fold      bool // the collation takes upper and lower case for the same: matters for keys
	Binary    bool // Text: the database's own order is that of the bytes in UTF-8
	Unsigned  bool // Integer, Decimal
	Nullable  bool
	EmptyNull bool   // Text: the database takes empty text for NULL (DM8)
	Filled    bool   // the database gives it a value when an insert does not: a default, or a running number
	Generated bool   // the database computes it and takes no value
	Native    string // the type as the database spells it
	Collation string // Text of MariaDB and MySQL
}

// Table is one table of one side.
type Table struct {
	Name    string
	Columns []Column
	Key     []int // indices of the primary key's columns, in its order
}

// Value is a value in canonical text.
type Value struct {
	Null bool
	Text string
}

// Row holds a value for each column of its table, in order.
type Row []Value

// Key is the primary key of a row, in the key's order.
type Key []Value

// Index is the column of that name, -1 without one.
func (t *Table) Index(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// KeyOf is the primary key of a row of t.
func (t *Table) KeyOf(r Row) Key {
	k := make(Key, len(t.Key))
	for i, at := range t.Key {
		k[i] = r[at]
	}
	return k
}

// IsKey says whether a column is part of the primary key.
func (t *Table) IsKey(column int) bool {
	return slices.Contains(t.Key, column)
}

package row

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

// Column is one column of a table.
type Column struct {
	Name     string
	Type     Type
	Scale    int  // Decimal: digits behind the point; Clock, Local, Instant: digits of the fraction
	Length   int  // Text, Bytes, Bits: most characters, bytes or bits; 0 without a bound
	Padded   bool // CHAR(n): trailing spaces are no part of the value
	Fold     bool // the collation takes upper and lower case for the same: matters for keys
	Unsigned bool // Integer, Decimal
	Nullable bool
	Native   string // the type as the database spells it
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

package dialect

import (
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/row"
)

// Native is a column as a database's catalogue tells it; see Columns.
type Native struct {
	Name      string
	Type      string // varchar, numeric, ...; of a domain or an enumeration the type that it is of
	Full      string // as it is declared: varchar(20), numeric(10,2), int(10) unsigned
	Charset   string // MariaDB, MySQL
	Collation string
	Length    int64 // characters or bytes
	Precision int64
	Scale     int64 // digits behind the point, or of a fraction of a second
	Nullable  bool
	Filled    bool
	Generated bool
	JSON      bool // MariaDB: a check says that it is JSON
	Fold      bool // PostgreSQL: the collation takes different texts for the same
}

// Column is a row.Column of a native one.
func (d *Dialect) Column(n Native) (row.Column, error) {
	c := row.Column{Name: n.Name, Nullable: n.Nullable, Filled: n.Filled, Generated: n.Generated, Native: n.Full}
	if c.Native == "" {
		c.Native = n.Type
	}
	var known bool
	switch {
	case d.mysql():
		known = d.mysqlType(&c, n)
	case d.postgres():
		known = d.postgresType(&c, n)
	default:
		known = d.dm8Type(&c, n)
	}
	if !known {
		return c, kind.New(kind.Unsupported, "JD-DIALECT-001", "column %s has type %s, which has no canonical text; write the column in skip", n.Name, c.Native)
	}
	return c, nil
}

func (d *Dialect) mysqlType(c *row.Column, n Native) bool {
	full := strings.ToLower(n.Full)
	c.Unsigned = strings.Contains(full, "unsigned")
	switch strings.ToLower(n.Type) {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "year":
		c.Type = row.Integer
		if strings.HasPrefix(full, "tinyint(1)") && !c.Unsigned {
			c.Type = row.Bool
		}
	case "decimal", "numeric":
		c.Type, c.Scale = row.Decimal, int(n.Scale)
	case "float":
		c.Type, c.Length = row.Float, 32
	case "double", "real":
		c.Type, c.Length = row.Float, 64
	case "bit":
		c.Type, c.Length = row.Bits, int(n.Precision)
	case "date":
		c.Type = row.Date
	case "time":
		c.Type, c.Scale = row.Clock, int(n.Scale)
	case "datetime":
		c.Type, c.Scale = row.Local, int(n.Scale)
	case "timestamp":
		c.Type, c.Scale = row.Instant, int(n.Scale)
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "inet4", "inet6":
		d.mysqlText(c, n)
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "vector":
		c.Type = row.Bytes // as the server keeps them, which it takes back
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		c.Type, c.Length, c.Padded = row.Bytes, int(n.Length), n.Type == "binary"
		c.Length = bound(c.Length)
	case "uuid":
		c.Type = row.UUID
	case "json":
		c.Type = row.JSON
	default:
		return false
	}
	return true
}

// bound is a length, or 0 where it is only that of the type: no bound of the user's.
func bound(n int) int {
	if n >= 65535 {
		return 0
	}
	return n
}

func (d *Dialect) mysqlText(c *row.Column, n Native) {
	c.Type = row.Text
	if n.JSON {
		c.Type = row.JSON
		return
	}
	typ := strings.ToLower(n.Type)
	if typ == "char" || typ == "varchar" {
		c.Length = int(n.Length)
	}
	c.Padded = typ == "char"
	collation := strings.ToLower(n.Collation)
	c.Collation = collation
	c.Fold = collation != "" && !strings.HasSuffix(collation, "_bin") && collation != "binary" && !strings.Contains(collation, "_cs")
	switch strings.ToLower(n.Charset) {
	case "utf8mb4", "utf8mb3", "utf8", "ascii", "latin1":
		// The order of code points is that of the bytes of UTF-8. Enumerations sort by their numbers.
		c.Binary = strings.HasSuffix(collation, "_bin") && typ != "enum" && typ != "set"
	}
}

func (d *Dialect) postgresType(c *row.Column, n Native) bool {
	switch n.Type {
	case "int2", "int4", "int8", "oid":
		c.Type = row.Integer
	case "bool":
		c.Type = row.Bool
	case "numeric":
		c.Type, c.Scale = row.Decimal, int(n.Scale)
	case "money":
		c.Type, c.Scale = row.Decimal, 2
	case "float4":
		c.Type, c.Length = row.Float, 32
	case "float8":
		c.Type, c.Length = row.Float, 64
	case "bytea":
		c.Type = row.Bytes
	case "date":
		c.Type = row.Date
	case "time":
		c.Type, c.Scale = row.Clock, int(n.Scale)
	case "timestamp", "smalldatetime":
		c.Type, c.Scale = row.Local, int(n.Scale)
	case "timestamptz":
		c.Type, c.Scale = row.Instant, int(n.Scale)
	case "json", "jsonb":
		c.Type = row.JSON
	case "uuid":
		c.Type = row.UUID
	case "bit", "varbit":
		c.Type, c.Length = row.Bits, int(n.Length)
	case "bpchar", "varchar", "nvarchar2":
		c.Type, c.Length, c.Padded = row.Text, int(n.Length), n.Type == "bpchar"
		d.postgresOrder(c, n)
	default:
		// Arrays, ranges, enumerations, addresses, composites: PostgreSQL writes each as text and reads it back.
		c.Type = row.Text
		d.postgresOrder(c, n)
	}
	return true
}

func (d *Dialect) postgresOrder(c *row.Column, n Native) {
	c.Fold = n.Fold || n.Type == "citext"
	switch strings.ToLower(strings.ReplaceAll(n.Collation, "-", "")) {
	case "c", "posix", "c.utf8", "ucs_basic":
		switch n.Type {
		case "bpchar", "varchar", "text", "nvarchar2", "name":
			c.Binary = true
		}
	}
}

func (d *Dialect) dm8Type(c *row.Column, n Native) bool {
	switch strings.ToUpper(n.Type) {
	case "TINYINT", "BYTE", "SMALLINT", "INT", "INTEGER", "PLS_INTEGER", "BIGINT":
		c.Type = row.Integer
	case "BIT":
		c.Type = row.Bool // 0 and 1 only
	case "NUMBER", "NUMERIC", "DECIMAL", "DEC":
		c.Type, c.Scale = row.Decimal, int(n.Scale)
		if n.Precision == 0 {
			c.Scale = -1
		}
	case "REAL":
		c.Type, c.Length = row.Float, 32
	case "FLOAT", "DOUBLE", "DOUBLE PRECISION":
		c.Type, c.Length = row.Float, 64
	case "CHAR", "CHARACTER":
		c.Type, c.Length, c.Padded, c.EmptyNull = row.Text, int(n.Length), true, true
	case "VARCHAR", "VARCHAR2":
		c.Type, c.Length, c.EmptyNull = row.Text, int(n.Length), true
	case "TEXT", "LONGVARCHAR", "CLOB":
		c.Type, c.EmptyNull = row.Text, true
	case "BINARY", "VARBINARY", "RAW", "IMAGE", "LONGVARBINARY", "BLOB":
		c.Type = row.Bytes
	case "DATE":
		c.Type = row.Date
	case "TIME":
		c.Type, c.Scale = row.Clock, int(n.Scale)
	case "TIMESTAMP", "DATETIME":
		c.Type, c.Scale = row.Local, int(n.Scale)
	case "TIMESTAMP WITH TIME ZONE", "DATETIME WITH TIME ZONE", "TIMESTAMP WITH LOCAL TIME ZONE":
		c.Type, c.Scale = row.Instant, int(n.Scale)
	default:
		return false
	}
	c.Binary = c.Type == row.Text // of a server initialised with its usual, binary comparison
	return true
}

package binlog

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/row"
)

// column is one column of a table as the log has it.
type column struct {
	col    row.Column
	at     int      // index in the row that is told, -1: it is not told
	data   string   // the type's name
	octets int      // of strings and bytes, the most
	names  []string // of ENUM and SET
	fixed  int      // BINARY(n): n
	decode decoder  // nil: UTF-8 already

	// As the events before the rows say:
	kind   byte
	meta   uint16
	length int
}

// definition is a table as information_schema says.
type definition struct {
	table   *row.Table
	columns []column
	loaded  bool
	read    position  // the log's end before it was read
	pending place     // the last statement that may have changed the table and that the stream has not passed
	stale   bool      // the stream passed a statement that came after it was read
}

// place names a transaction in the log, or, without GTIDs, the end of one. The zero place is none.
type place struct {
	gtid gtidEvent
	end  position
	set  bool
}

// in says whether the transaction is before p.
func (l place) in(p position) bool {
	if l.end.file != "" {
		return p.reached(l.end)
	}
	return p.holds(l.gtid)
}

const columnsQuery = "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, COALESCE(CHARACTER_SET_NAME,''), COALESCE(COLLATION_NAME,''), " +
	"COALESCE(CHARACTER_MAXIMUM_LENGTH,0), COALESCE(CHARACTER_OCTET_LENGTH,0), COALESCE(NUMERIC_PRECISION,0), COALESCE(NUMERIC_SCALE,0), " +
	"COALESCE(DATETIME_PRECISION,0), EXTRA, COALESCE(TABLE_NAME,'') FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=? AND TABLE_NAME=? ORDER BY ORDINAL_POSITION"

// readTable reads a definition; nil when there is no such table.
func (s *Source) readTable(c *conn, name string) (*definition, error) {
	rows, err := c.query(columnsQuery, s.db.Schema, name)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	d := &definition{table: &row.Table{Name: rows[0][12]}, loaded: true}
	json := map[string]bool{}
	if s.flavor == flavorMaria {
		checks, err := c.query("SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA=? AND TABLE_NAME=?", s.db.Schema, name)
		if err != nil {
			return nil, err
		}
		for _, r := range checks {
			if n, ok := strings.CutPrefix(r[0], "json_valid(`"); ok {
				json[strings.ReplaceAll(strings.TrimSuffix(n, "`)"), "``", "`")] = true
			}
		}
	}
	for _, r := range rows {
		col, err := s.readColumn(r, json[r[0]])
		if err != nil {
			return nil, kind.New(kind.Unsupported, "JD-BINLOG-006", "table %s.%s, column %s of type %s: %w", s.db.Schema, name, r[0], r[2], err)
		}
		if col.at == 0 {
			col.at = len(d.table.Columns)
			d.table.Columns = append(d.table.Columns, col.col)
		}
		d.columns = append(d.columns, col)
	}
	keys, err := c.query("SELECT COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA=? AND TABLE_NAME=? AND INDEX_NAME='PRIMARY' ORDER BY SEQ_IN_INDEX", s.db.Schema, name)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		d.table.Key = append(d.table.Key, slices.IndexFunc(d.table.Columns, func(c row.Column) bool { return c.Name == k[0] }))
	}
	if len(keys) == 0 {
		return nil, kind.New(kind.Invalid, "JD-BINLOG-006", "table %s.%s has no primary key: without one its rows cannot be carried; add one", s.db.Schema, name)
	}
	return d, nil
}

func (s *Source) readColumn(r []string, json bool) (column, error) {
	number := func(i int) int { n, _ := strconv.Atoi(r[i]); return n } // COALESCE: always a number, or beyond any that counts
	c := column{data: strings.ToLower(r[1]), octets: number(7)}
	c.col = row.Column{Name: r[0], Nullable: r[3] == "YES", Native: r[2], Unsigned: strings.Contains(strings.ToLower(r[2]), "unsigned")}
	if strings.Contains(r[2], "COMPRESSED") {
		return c, fmt.Errorf("compressed columns cannot be read from the log: use the outbox, or store it plain")
	}
	if e := strings.ToUpper(r[11]); strings.Contains(e, "GENERATED") && !strings.Contains(e, "DEFAULT_GENERATED") {
		c.at = -1
	}
	switch c.data {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "year":
		c.col.Type = row.Integer
		if r[2] == "tinyint(1)" {
			c.col.Type = row.Bool
		}
	case "decimal":
		c.col.Type, c.col.Scale, c.meta = row.Decimal, number(9), uint16(number(8)<<8|number(9))
	case "float", "double":
		c.col.Type = row.Float
	case "bit":
		c.col.Type, c.col.Length = row.Bits, number(8)
	case "date":
		c.col.Type = row.Date
	case "time":
		c.col.Type, c.col.Scale = row.Clock, number(10)
	case "datetime":
		c.col.Type, c.col.Scale = row.Local, number(10)
	case "timestamp":
		c.col.Type, c.col.Scale = row.Instant, number(10)
	case "json":
		c.col.Type = row.JSON
	case "uuid":
		c.col.Type, c.octets = row.UUID, 16
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		c.col.Type, c.col.Length = row.Bytes, number(7)
		if c.data == "binary" {
			c.fixed = number(7)
		}
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set":
		c.col.Type, c.col.Length, c.col.Padded = row.Text, number(6), c.data == "char"
		c.col.Fold = strings.HasSuffix(r[5], "_ci")
		if json {
			c.col.Type = row.JSON
		}
		var ok bool
		if c.decode, ok = decoderOf(r[4]); !ok {
			return c, fmt.Errorf("character set %s is not known: convert the column to utf8mb4", r[4])
		}
		if c.data == "enum" || c.data == "set" {
			c.names = listed(r[2])
		}
	default:
		return c, fmt.Errorf("the type is not known here: use the outbox for this table, or another type")
	}
	return c, nil
}

// listed are the values of a type such as enum('a','it”s').
func listed(native string) []string {
	t, _ := tokens(native)
	var out []string
	for _, w := range t {
		if w.quoted {
			out = append(out, w.text)
		}
	}
	return out
}

// kinds are the types that the log has for a type's name.
var kinds = map[string][]byte{
	"tinyint": {typeTiny}, "smallint": {typeShort}, "mediumint": {typeInt24}, "int": {typeLong}, "bigint": {typeLonglong}, "year": {typeYear},
	"decimal": {typeDecimal}, "float": {typeFloat}, "double": {typeDouble}, "bit": {typeBit}, "date": {typeDate},
	"time": {typeTime2, typeTime}, "datetime": {typeDatetime2, typeDatetime}, "timestamp": {typeTimestamp2, typeTimestamp},
	"json": {typeJSON}, "uuid": {typeString}, "binary": {typeString}, "char": {typeString}, "enum": {typeEnum}, "set": {typeSet},
	"varchar": {typeVarchar, typeVarString}, "varbinary": {typeVarchar, typeVarString},
	"tinytext": {typeBlob}, "text": {typeBlob}, "mediumtext": {typeBlob}, "longtext": {typeBlob},
	"tinyblob": {typeBlob}, "blob": {typeBlob}, "mediumblob": {typeBlob}, "longblob": {typeBlob},
}

var blobSizes = map[string]uint16{"tinytext": 1, "text": 2, "mediumtext": 3, "longtext": 4, "tinyblob": 1, "blob": 2, "mediumblob": 3, "longblob": 4}

// fits says whether an event's column can be this one.
func (c *column) fits(t byte, meta uint16) bool {
	k, length := realType(t, meta)
	if !slices.Contains(kinds[c.data], k) {
		return false
	}
	switch k {
	case typeDecimal:
		return meta == c.meta
	case typeBit:
		return int(meta>>8)*8+int(meta&0xff) == c.col.Length
	case typeTime2, typeDatetime2, typeTimestamp2:
		return int(meta) == c.col.Scale
	case typeString, typeVarchar, typeVarString:
		return length == c.octets
	case typeBlob:
		return meta == blobSizes[c.data]
	case typeEnum:
		return length == 1 && len(c.names) <= 255 || length == 2 && len(c.names) > 255
	case typeSet:
		n := (len(c.names) + 7) / 8
		if n > 4 {
			n = 8
		}
		return length == n
	}
	return true
}

// misfit says what of a table map does not fit the definition, "" when all does; named: the log has the names too.
func (d *definition) misfit(m tableMap) (why string, named bool) {
	if len(m.types) != len(d.columns) {
		return fmt.Sprintf("the log has %d columns, the table %d", len(m.types), len(d.columns)), false
	}
	for i := range d.columns {
		c := &d.columns[i]
		if !c.fits(m.types[i], m.meta[i]) {
			return fmt.Sprintf("column %s is %s, the log has type %d (%d)", c.col.Name, c.col.Native, m.types[i], m.meta[i]), false
		}
		if len(m.names) == len(d.columns) && string(m.names[i]) != c.col.Name {
			return fmt.Sprintf("column %s is %s in the log", c.col.Name, m.names[i]), false
		}
	}
	return "", len(m.names) == len(d.columns)
}

// bound is a definition with what a table map says: rows can be read with it.
type bound struct {
	table   *row.Table
	columns []column
	buf     []byte
	ends    []int
}

func (d *definition) bind(m tableMap) *bound {
	b := &bound{table: d.table, columns: slices.Clone(d.columns)}
	for i := range b.columns {
		c := &b.columns[i]
		c.meta = m.meta[i]
		c.kind, c.length = realType(m.types[i], m.meta[i])
	}
	return b
}

// errNotLogged is of a column whose value the log leaves out.
var errNotLogged = errors.New("its value was not logged")

// image reads one image of a row. mask says which columns it holds.
func (b *bound) image(r *reader, mask []byte) (row.Row, error) {
	present := 0
	for i := range b.columns {
		if mask[i>>3]>>(i&7)&1 != 0 {
			present++
		}
	}
	nulls := r.bytes((present + 7) / 8)
	if r.bad {
		return nil, errShort
	}
	out := make(row.Row, len(b.table.Columns))
	b.buf, b.ends = b.buf[:0], b.ends[:0]
	var err error
	n := 0
	for i := range b.columns {
		c := &b.columns[i]
		if mask[i>>3]>>(i&7)&1 == 0 {
			if c.at >= 0 {
				return nil, fmt.Errorf("column %s: %w", c.col.Name, errNotLogged)
			}
			continue
		}
		null := nulls[n>>3]>>(n&7)&1 != 0
		n++
		if null {
			if c.at >= 0 {
				out[c.at].Null = true
			}
			continue
		}
		from := len(b.buf)
		if b.buf, err = appendValue(b.buf, r, c); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.col.Name, err)
		}
		if r.bad {
			return nil, fmt.Errorf("column %s: %w", c.col.Name, errShort)
		}
		if c.at < 0 {
			b.buf = b.buf[:from]
			continue
		}
		if c.col.Padded {
			for len(b.buf) > from && b.buf[len(b.buf)-1] == ' ' {
				b.buf = b.buf[:len(b.buf)-1]
			}
		}
		b.ends = append(b.ends, c.at, from, len(b.buf))
	}
	text := string(b.buf) // one allocation for all values
	for i := 0; i < len(b.ends); i += 3 {
		out[b.ends[i]].Text = text[b.ends[i+1]:b.ends[i+2]]
	}
	return out, nil
}

package binlog

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/dialect"
	"jindu.dev/jindu/internal/migrate/row"
)

// column is one column of a table as the log has it.
type column struct {
	col              row.Column
	at               int    // index in the row that is told, -1: it is not told
	data             string // the type's name
	octets           int    // of strings and bytes, the most
	precision, scale int
	names            []string // of ENUM and SET
	fixed            int      // BINARY(n): n
	decode           decoder  // nil: UTF-8 already

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
	read    position // the log's end before it was read
	pending place    // the last statement that may have changed the table and that the stream has not passed
	stale   bool     // the stream passed a statement that came after it was read
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
	extra := strings.ToUpper(r[11])
	d, _ := dialect.For(s.flavor) // New knows both
	n := dialect.Native{
		Name: r[0], Type: strings.ToLower(r[1]), Full: r[2], Charset: r[4], Collation: r[5], Length: int64(number(6)), Precision: int64(number(8)),
		Scale: int64(number(9)), Nullable: r[3] == "YES", JSON: json, Generated: strings.Contains(extra, "GENERATED") && !strings.Contains(extra, "DEFAULT_GENERATED"),
	}
	if n.Scale == 0 {
		n.Scale = int64(number(10))
	}
	c := column{data: n.Type, octets: number(7), precision: number(8), scale: int(n.Scale)}
	if strings.Contains(r[2], "COMPRESSED") {
		return c, errors.New("compressed columns cannot be read from the log: use the outbox, or store it plain")
	}
	col, err := d.Column(n)
	if c.col = col; err != nil || n.Generated && strings.Contains(extra, "VIRTUAL") {
		c.at = -1 // the store does not carry it either; a virtual one is not logged
	}
	if kinds[c.data] == nil {
		return c, errors.New("the type is not known in the log: use the outbox for this table, or another type")
	}
	switch c.data {
	case "binary":
		c.fixed = number(7)
	case "uuid":
		if c.octets = 16; s.oldUUID(r[2]) {
			return c, errors.New("a UUID of this server's age is stored in another order: ALTER TABLE ... FORCE on MariaDB 10.11.5 or later")
		}
	case "inet4":
		c.octets = 4
	case "inet6":
		c.octets = 16
	case "enum", "set":
		c.names = listed(r[2])
	}
	var ok bool
	if c.decode, ok = decoderOf(r[4]); !ok {
		return c, fmt.Errorf("character set %s is not known: convert the column to utf8mb4", r[4])
	}
	return c, nil
}

// oldUUID says whether a UUID column may be stored as MariaDB before 10.11.5 did.
func (s *Source) oldUUID(native string) bool {
	return !strings.EqualFold(native, "uuid")
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
	"json": {typeJSON}, "uuid": {typeString}, "inet4": {typeString}, "inet6": {typeString}, "binary": {typeString}, "char": {typeString}, "enum": {typeEnum}, "set": {typeSet},
	"varchar": {typeVarchar, typeVarString}, "varbinary": {typeVarchar, typeVarString},
	"tinytext": {typeBlob}, "text": {typeBlob}, "mediumtext": {typeBlob}, "longtext": {typeBlob},
	"tinyblob": {typeBlob}, "blob": {typeBlob}, "mediumblob": {typeBlob}, "longblob": {typeBlob},
	"geometry": {typeGeometry}, "point": {typeGeometry}, "linestring": {typeGeometry}, "polygon": {typeGeometry}, "multipoint": {typeGeometry},
	"multilinestring": {typeGeometry}, "multipolygon": {typeGeometry}, "geometrycollection": {typeGeometry}, "geomcollection": {typeGeometry},
	"vector": {typeVector, typeVarchar},
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
		return int(meta>>8) == c.precision && int(meta&0xff) == c.scale
	case typeBit:
		return int(meta>>8)*8+int(meta&0xff) == c.precision
	case typeTime2, typeDatetime2, typeTimestamp2:
		return int(meta) == c.scale
	case typeString, typeVarchar, typeVarString:
		return length == c.octets || c.data == "vector"
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
		if b.buf, err = appendValue(b.buf, r, c); err != nil && c.at >= 0 {
			return nil, fmt.Errorf("column %s: %w", c.col.Name, err)
		}
		if r.bad {
			return nil, fmt.Errorf("column %s: %w", c.col.Name, errShort)
		}
		if c.at < 0 {
			b.buf = b.buf[:from]
			continue
		}
		if c.col.Padded && c.col.Type == row.Text {
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

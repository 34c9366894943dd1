package dialect

import (
	"fmt"
	"strings"

	"jindu.dev/jindu/internal/migrate/row"
)

// Kin is a text that two tables share when KinSum gives the same number for the same rows of both: databases
// that write values alike, columns of the same types in the same order. "" where there is no such sum.
func (d *Dialect) Kin(t *row.Table) string {
	if _, ok := d.kinColumns(t); !ok {
		return ""
	}
	var b strings.Builder
	b.WriteString(string(d.Kind))
	for i := range t.Columns {
		c := &t.Columns[i]
		fmt.Fprintf(&b, " %d/%s/%d/%s", c.Type, c.Native, c.Scale, c.Collation)
	}
	fmt.Fprint(&b, " key ", t.Key)
	return b.String()
}

// kinColumns are the expressions of the columns. A time is as the database writes it, which costs half of
// what the form costs that other databases write too.
func (d *Dialect) kinColumns(t *row.Table) ([]string, bool) {
	if !d.mysql() {
		return nil, false
	}
	alike := oneCollation(t.Columns)
	exprs := make([]string, len(t.Columns))
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Type == row.Local || c.Type == row.Instant {
			exprs[i] = d.Quote(c.Name)
			continue
		}
		var ok bool
		if exprs[i], ok = d.code(c, c, d.Quote(c.Name), alike); !ok {
			return nil, false
		}
	}
	return exprs, true
}

// KinSum asks for the number of rows of a range and the sum of CRC32(row) x CRC32(key), each of 32 bits: the
// hash that costs these databases least. The key in it makes the sum differ where two rows change their values
// with each other, which a sum of checksums alone often does not show. A row that differs is missed once in
// 2^32; other databases cannot compute it as fast as MD5.
func (d *Dialect) KinSum(t *row.Table, after, until row.Key) (Query, bool) {
	exprs, ok := d.kinColumns(t)
	if !ok {
		return Query{}, false
	}
	pieces := make([]string, len(exprs))
	for i, expr := range exprs {
		pieces[i] = d.piece(&t.Columns[i], expr, t.Columns[i].Nullable)
	}
	key := make([]string, len(t.Key))
	for i, at := range t.Key {
		key[i] = pieces[at]
	}
	b := d.builder()
	b.add("SELECT COUNT(*), CAST(COALESCE(SUM(CRC32(", joined(pieces), ") * (1 + CRC32(", joined(key), "))), 0) AS CHAR) FROM ", d.Table(t.Name))
	b.within(t, after, until)
	return b.query(), true
}

// joined is one text of pieces, none of which is NULL.
func joined(pieces []string) string {
	if len(pieces) == 1 && !strings.Contains(pieces[0], "':'") {
		return pieces[0]
	}
	return "CONCAT_WS(',', " + strings.Join(pieces, ", ") + ")"
}

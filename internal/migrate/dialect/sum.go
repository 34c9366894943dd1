package dialect

import (
	"strings"

	"jindu.dev/jindu/internal/migrate/row"
)

// piece is a column's part of a row's encoding.
func (d *Dialect) piece(c *row.Column, expr string, nullable bool) string {
	if c.Type == row.Text || c.Type == row.JSON {
		switch {
		case d.mysql():
			expr = "CONCAT(OCTET_LENGTH(" + expr + "), ':', " + expr + ")"
		case d.postgres():
			expr = "octet_length(" + expr + ") || ':' || " + expr
		default:
			expr = "LENGTHB(" + expr + ") || ':' || " + expr
		}
	}
	if !nullable {
		return expr
	}
	if d.Kind == DM8 {
		// There a text joined with NULL is the text.
		return "CASE WHEN " + expr + " IS NULL THEN 'N' ELSE " + expr + " END"
	}
	return "COALESCE(" + expr + ", 'N')"
}

// encoding is the expression of a row's encoding.
func (d *Dialect) encoding(pieces []string) string {
	if d.mysql() {
		return "CONCAT(" + strings.Join(pieces, ", ',', ") + ", ',')"
	}
	return strings.Join(pieces, " || ',' || ") + " || ','"
}

// hash is the expression of the hash of an encoding, as a number whose sum is exact.
func (d *Dialect) hash(encoding string) string {
	switch {
	case d.mysql():
		return "CAST(CONV(LEFT(MD5(" + encoding + "), 16), 16, 10) AS UNSIGNED)" // sums as DECIMAL
	case d.postgres():
		return "('x' || substr(md5(" + encoding + "), 1, 16))::bit(64)::bigint" // signed; sums as numeric
	default:
		return "TO_NUMBER(SUBSTR(RAWTOHEX(DBMS_CRYPTO.HASH(UTL_RAW.CAST_TO_RAW(" + encoding + "), 2)), 1, 16), 'XXXXXXXXXXXXXXXX')"
	}
}

// Sum asks for the number of rows of a range and the sum of their hashes, which is taken modulo 2^64 by whoever
// reads it. With a mapping it is the sum of rows as they are carried forward. False when there is no SQL for it.
func (d *Dialect) Sum(t *row.Table, after, until row.Key, m *row.Mapping) (Query, bool) {
	var pieces []string
	if m == nil {
		for i := range t.Columns {
			c := &t.Columns[i]
			expr, ok := d.Text(c, d.Quote(c.Name))
			if !ok {
				return Query{}, false
			}
			pieces = append(pieces, d.piece(c, expr, c.Nullable))
		}
	} else {
		var ok bool
		if pieces, ok = d.mapped(m); !ok {
			return Query{}, false
		}
	}
	b := d.builder()
	sum := "COALESCE(SUM(" + d.hash(d.encoding(pieces)) + "), 0)"
	switch {
	case d.mysql():
		sum = "CAST(" + sum + " AS CHAR)"
	case d.postgres():
		sum += "::text"
	default:
		sum = "TO_CHAR(" + sum + ")"
	}
	b.add("SELECT COUNT(*), ", sum, " FROM ", d.Table(t.Name))
	b.within(t, after, until)
	return b.query(), true
}

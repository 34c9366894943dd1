package dialect

import (
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/migrate/row"
)

// code is the expression of a column's value as it stands in the encoding of a row; see row.Column.Code. to is
// the column as whose value it is taken: the same, or one of the same type on the other side. alike says that all
// texts of the row have one collation.
func (d *Dialect) code(c, to *row.Column, ref string, alike bool) (string, bool) {
	switch c.Type {
	case row.Text:
		if d.mysql() && alike && strings.HasPrefix(c.Collation, "utf8mb4_") && !strings.HasPrefix(c.Native, "enum") && !strings.HasPrefix(c.Native, "set") {
			return ref, true
		}
	case row.Bool:
		switch {
		case d.mysql():
			return ref, true
		case d.postgres():
			return ref + "::int::text", true
		}
		return "CAST(" + ref + " AS VARCHAR(1))", true
	case row.Integer:
		if d.mysql() && !strings.Contains(c.Native, "zerofill") && !strings.HasPrefix(c.Native, "year") {
			return ref, true
		}
	case row.Decimal:
		return d.decimalCode(c, to, ref)
	case row.Local, row.Instant:
		switch {
		case d.mysql() && c.Scale == 0:
			return ref, true
		case d.mysql():
			return d.cut(ref), true
		case d.postgres() && c.Type == row.Local:
			return ref + "::text", true
		case d.postgres():
			return "(" + ref + " AT TIME ZONE 'UTC')::text", true
		case c.Type == row.Instant:
			ref = "SYS_EXTRACT_UTC(" + ref + ")"
		}
		return d.dm8Time(c, ref, " "), true
	}
	return d.Text(c, ref)
}

// decimalCode has all digits of the scale of to.
func (d *Dialect) decimalCode(c, to *row.Column, ref string) (string, bool) {
	switch {
	case to.Scale < 0:
		return d.Text(c, ref)
	case c.Scale > to.Scale || c.Scale < 0:
		return "", false // what has more digits cannot be carried, and a database would round it
	case c.Native == "money" && to.Scale == c.Scale:
		return ref + "::numeric::text", true
	case d.mysql() && to.Scale == c.Scale && !strings.Contains(c.Native, "zerofill"):
		return ref, true
	case d.mysql():
		return "CAST(" + ref + " AS DECIMAL(65, " + strconv.Itoa(to.Scale) + "))", true
	case d.postgres() && to.Scale == c.Scale:
		return ref + "::text", true
	case d.postgres():
		return "round(" + ref + "::numeric, " + strconv.Itoa(to.Scale) + ")::text", true
	case to.Scale == 0:
		return "TO_CHAR(" + ref + ", 'FM99999999999999999999999999999999999990')", true
	}
	return "TO_CHAR(" + ref + ", 'FM999999999999999990." + zeros(to.Scale) + "')", true
}

// oneCollation says that texts can be joined as they are.
func oneCollation(columns []row.Column) bool {
	first := ""
	for i := range columns {
		c := &columns[i]
		if c.Type != row.Text {
			continue
		}
		if first == "" {
			first = c.Collation
		}
		if c.Collation != first {
			return false
		}
	}
	return true
}

// piece is a column's part of a row's encoding.
func (d *Dialect) piece(c *row.Column, expr string, nullable bool) string {
	value := expr
	if c.Type == row.Text || c.Type == row.JSON {
		switch {
		case d.mysql() && !nullable:
			return "OCTET_LENGTH(" + expr + "), ':', " + expr
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
		return "CASE WHEN " + value + " IS NULL THEN 'N' ELSE " + expr + " END"
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
		alike := oneCollation(t.Columns)
		for i := range t.Columns {
			c := &t.Columns[i]
			expr, ok := d.code(c, c, d.Quote(c.Name), alike)
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

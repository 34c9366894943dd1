package dialect

import (
	"strconv"

	"jindu.dev/jindu/internal/migrate/row"
)

// Text is the expression of a column's canonical text, NULL where the column is, and whether there is one.
// ref is the column, quoted. On MariaDB and MySQL texts come as bytes, so that collations never meet.
func (d *Dialect) Text(c *row.Column, ref string) (string, bool) {
	switch {
	case d.mysql():
		return d.mysqlExpr(c, ref)
	case d.postgres():
		return d.postgresExpr(c, ref)
	default:
		return d.dm8Expr(c, ref)
	}
}

// cut is a text without zeros at its end, and without the point where nothing is left behind it.
func (d *Dialect) cut(expr string) string {
	if d.mysql() {
		return "TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM " + expr + "))"
	}
	return "RTRIM(RTRIM(" + expr + ", '0'), '.')"
}

func (d *Dialect) mysqlExpr(c *row.Column, ref string) (string, bool) {
	switch c.Type {
	case row.Text:
		return "CAST(CONVERT(" + ref + " USING utf8mb4) AS BINARY)", true
	case row.Bool:
		return "CASE " + ref + " WHEN 0 THEN 'false' WHEN 1 THEN 'true' ELSE " + ref + " END", true
	case row.Integer:
		return "(" + ref + " + 0)", true // without the zeros of ZEROFILL and of YEAR
	case row.Decimal:
		if c.Scale == 0 {
			return "(" + ref + " + 0)", true
		}
		return d.cut("(" + ref + " + 0)"), true
	case row.Float:
		if d.Kind == MariaDB {
			return mariaFloat(ref), true
		}
	case row.Bytes:
		return "LOWER(HEX(" + ref + "))", true
	case row.Date:
		return ref, true
	case row.Clock:
		if c.Scale == 0 {
			return ref, true
		}
		return d.cut(ref), true
	case row.Local:
		return d.mysqlTime(c, ref, ""), true
	case row.Instant:
		return d.mysqlTime(c, ref, "Z"), true
	case row.UUID:
		return "CAST(" + ref + " AS CHAR)", true
	case row.Bits:
		return "LPAD(BIN(" + ref + " + 0), " + strconv.Itoa(c.Length) + ", '0')", true
	}
	return "", false // JSON: members have an order in MariaDB, and numbers their spelling
}

func (d *Dialect) mysqlTime(c *row.Column, ref, zone string) string {
	text := "REPLACE(" + ref + ", ' ', 'T')"
	if c.Scale > 0 {
		text = d.cut(text)
	}
	if zone == "" {
		return text
	}
	return "CONCAT(" + text + ", '" + zone + "')"
}

// mariaFloat writes a number plainly. MariaDB prints the shortest decimal that reads back the same, with an
// exponent where the point would be more than 15 digits away.
func mariaFloat(ref string) string {
	t := "CAST(" + ref + " + 0e0 AS CHAR)" // a FLOAT as the DOUBLE of its value
	mantissa := "REPLACE(SUBSTRING_INDEX(" + t + ", 'e', 1), '-', '')"
	exponent := "CAST(SUBSTRING_INDEX(" + t + ", 'e', -1) AS SIGNED)"
	digits := "REPLACE(" + mantissa + ", '.', '')"
	sign := "IF(" + ref + " < 0, '-', '')"
	large := "IF(LENGTH(" + digits + ") <= " + exponent + " + 1, RPAD(" + digits + ", " + exponent + " + 1, '0'), INSERT(" + digits + ", " + exponent + " + 2, 0, '.'))"
	small := "CONCAT('0.', REPEAT('0', -1 - " + exponent + "), " + digits + ")"
	return "CASE WHEN " + ref + " = 0 THEN '0' WHEN LOCATE('e', " + t + ") = 0 THEN " + t +
		" WHEN LOCATE('e-', " + t + ") = 0 THEN CONCAT(" + sign + ", " + large + ") ELSE CONCAT(" + sign + ", " + small + ") END"
}

func (d *Dialect) postgresExpr(c *row.Column, ref string) (string, bool) {
	switch c.Type {
	case row.Text, row.Bool, row.Integer, row.Date, row.Clock, row.UUID, row.Bits:
		return ref + "::text", true
	case row.Decimal:
		if c.Native == "money" {
			ref += "::numeric"
		}
		switch {
		case c.Scale == 0:
			return ref + "::text", true
		case d.Kind == Postgres:
			return "trim_scale(" + ref + ")::text", true
		case c.Scale > 0:
			return d.cut(ref + "::text"), true
		}
		return "CASE WHEN position('.' in " + ref + "::text) > 0 THEN " + d.cut(ref+"::text") + " ELSE " + ref + "::text END", true
	case row.Float:
		if d.Kind == Postgres {
			return "trim_scale(" + ref + "::float8::text::numeric)::text", true
		}
	case row.Bytes:
		return "encode(" + ref + ", 'hex')", true
	case row.Local:
		return "replace(" + ref + "::text, ' ', 'T')", true
	case row.Instant:
		// Only infinity ends in y.
		return "replace(replace((" + ref + " AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z', 'yZ', 'y')", true
	}
	return "", false
}

func (d *Dialect) dm8Expr(c *row.Column, ref string) (string, bool) {
	switch c.Type {
	case row.Text:
		if c.Padded {
			return "RTRIM(" + ref + ", ' ')", true
		}
		return ref, true
	case row.Bool:
		return "CASE " + ref + " WHEN 0 THEN 'false' WHEN 1 THEN 'true' END", true
	case row.Integer:
		return "CAST(" + ref + " AS VARCHAR(20))", true
	case row.Decimal:
		text := "TO_CHAR(" + ref + ", 'FM99999999999999999999999999999999999990')"
		if c.Scale != 0 {
			scale := c.Scale
			if scale < 0 {
				scale = 20
			}
			text = d.cut("TO_CHAR(" + ref + ", 'FM999999999999999990." + zeros(scale) + "')")
		}
		return text, true
	case row.Bytes:
		return "LOWER(RAWTOHEX(" + ref + "))", true
	case row.Date:
		return "TO_CHAR(" + ref + ", 'YYYY-MM-DD')", true
	case row.Clock:
		return "TO_CHAR(" + ref + ", 'HH24:MI:SS')", c.Scale == 0
	case row.Local:
		return d.dm8Time(c, ref, `"T"`), true
	case row.Instant:
		return d.dm8Time(c, "SYS_EXTRACT_UTC("+ref+")", `"T"`) + " || 'Z'", true
	}
	return "", false
}

func (d *Dialect) dm8Time(c *row.Column, ref, between string) string {
	text := "TO_CHAR(" + ref + ", 'YYYY-MM-DD" + between + "HH24:MI:SS"
	if c.Scale > 0 {
		return d.cut(text + ".FF6')")
	}
	return text + "')"
}

func zeros(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0'
	}
	return string(b)
}

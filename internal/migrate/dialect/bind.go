package dialect

import (
	"encoding/hex"
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/migrate/row"
)

// Bind is the driver's value of a canonical one. Of PostgreSQL it is text, which Param casts.
func (d *Dialect) Bind(c *row.Column, v row.Value) any {
	if v.Null {
		return nil
	}
	s := v.Text
	switch c.Type {
	case row.Bool:
		if !d.postgres() {
			return boolNumber(s)
		}
	case row.Integer:
		if d.postgres() {
			break
		}
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
		if n, err := strconv.ParseUint(s, 10, 64); err == nil {
			return n
		}
	case row.Float:
		if f, err := strconv.ParseFloat(s, 64); err == nil && !d.postgres() {
			return f
		}
	case row.Bytes:
		if d.postgres() {
			return `\x` + s
		}
		if b, err := hex.DecodeString(s); err == nil {
			return b
		}
	case row.Bits:
		if n, err := strconv.ParseUint(s, 2, 64); err == nil && !d.postgres() {
			return n
		}
	case row.Local, row.Instant:
		return d.time(s)
	case row.Date:
		if d.postgres() {
			return era(s)
		}
	}
	return s
}

func boolNumber(s string) any {
	switch s {
	case "true":
		return int64(1)
	case "false":
		return int64(0)
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	return s
}

func (d *Dialect) time(s string) string {
	if d.postgres() {
		return era(s)
	}
	return strings.Replace(strings.TrimSuffix(s, "Z"), "T", " ", 1)
}

// era turns years before Christ back into what PostgreSQL reads.
func era(s string) string {
	if strings.Contains(s, "BC") {
		zone := ""
		if strings.HasSuffix(s, "Z") {
			zone = "Z"
		}
		s = strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(s, "Z"), "TBC"), "T", " ") + zone + " BC"
		return strings.ReplaceAll(s, " BC BC", " BC")
	}
	return s
}

// Param is how argument n of a column's type stands in a statement, so that it is compared as what it is.
func (d *Dialect) Param(n int, c *row.Column) string {
	mark := d.mark(n)
	switch {
	case d.postgres():
		return mark + "::" + d.cast(c)
	case c.Type == row.Decimal && d.mysql():
		return "CAST(" + mark + " AS DECIMAL(65," + strconv.Itoa(min(max(c.Scale, 0), 30)) + "))"
	case c.Type == row.Instant && d.Kind == DM8:
		return "CAST(" + mark + " AS TIMESTAMP)"
	}
	return mark
}

// cast is the type of PostgreSQL that a text is cast to before it is compared or assigned: without length or
// scale, so that what does not fit is refused and not cut.
func (d *Dialect) cast(c *row.Column) string {
	switch c.Type {
	case row.Integer:
		switch c.Native {
		case "smallint", "integer", "bigint":
			return c.Native
		}
		return "numeric"
	case row.Decimal:
		if c.Native == "money" {
			return "numeric::money"
		}
		return "numeric"
	case row.Bool:
		return "boolean"
	case row.Float:
		return "double precision"
	case row.Bytes:
		return "bytea"
	case row.Date:
		return "date"
	case row.Clock:
		return "time"
	case row.Local:
		return "timestamp"
	case row.Instant:
		return "timestamptz"
	case row.UUID:
		return "uuid"
	case row.Bits:
		return "bit varying"
	case row.JSON:
		if c.Native == "json" {
			return "json"
		}
		return "jsonb"
	}
	switch base := bare(c.Native); base {
	case "", "character varying", "character", "text", "bpchar":
		return "text"
	default:
		return base
	}
}

// bare is a type without its length: timestamp(3) without time zone is timestamp without time zone.
func bare(native string) string {
	open := strings.IndexByte(native, '(')
	if open < 0 || strings.HasPrefix(native, `"`) {
		return native
	}
	end := strings.IndexByte(native[open:], ')')
	if end < 0 {
		return native
	}
	return native[:open] + native[open+end+1:]
}

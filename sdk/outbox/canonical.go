package outbox

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Decimal is a number of a DECIMAL or NUMERIC column, such as 12.50.
type Decimal string

// Local is a time of a column without zone: the clock's digits count, the location does not.
type Local time.Time

// Date is a date, such as 2006-01-02.
type Date string

// JSON is a document of a JSON column.
type JSON string

const seconds = "2006-01-02T15:04:05.999999"

// canonical is a value in the text that is the same for every database.
func canonical(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case []byte:
		return hex.EncodeToString(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case Decimal:
		return decimal(string(v))
	case Date:
		_, err := time.Parse(time.DateOnly, string(v))
		return string(v), err
	case time.Time:
		return v.UTC().Format(seconds) + "Z", nil
	case Local:
		return time.Time(v).Format(seconds), nil
	case JSON:
		return compact(string(v))
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return strconv.FormatInt(r.Int(), 10), nil
	case r.CanUint():
		return strconv.FormatUint(r.Uint(), 10), nil
	case r.CanFloat():
		return float(r.Float(), r.Type().Bits()), nil
	case r.Kind() == reflect.String:
		return r.String(), nil
	}
	return "", fmt.Errorf("a %T has no canonical text: give one of the types that Row lists", v)
}

func float(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(f, 'g', -1, bits)
}

// decimal is a number without leading and trailing zeros: 12.5, -0.01, 0.
func decimal(s string) (string, error) {
	digits, minus := strings.CutPrefix(s, "-")
	whole, frac, _ := strings.Cut(digits, ".")
	if whole == "" && frac == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return "", fmt.Errorf("%q is no decimal number: write it like -12.50", s)
	}
	whole, frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if whole == "" {
		whole = "0"
	}
	if frac != "" {
		whole += "." + frac
	}
	if minus && whole != "0" {
		whole = "-" + whole
	}
	return whole, nil
}

// compact is a JSON document, compact, with members by name and numbers as written.
func compact(s string) (string, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("it is no JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("it is no JSON: something follows the document")
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// typed gives a value that a driver read the type of its column, as the driver calls it.
func typed(d Dialect, v any, column string) (any, error) {
	column = strings.TrimPrefix(strings.ToUpper(column), "UNSIGNED ")
	if t, ok := v.(time.Time); ok {
		switch {
		case column == "DATE":
			return Date(t.Format(time.DateOnly)), nil
		case column == "DATETIME", column == "TIMESTAMP" && d == Postgres:
			return Local(t), nil
		}
		return t, nil
	}
	text, isText := v.(string)
	if b, ok := v.([]byte); ok {
		text, isText = string(b), true
	}
	if !isText {
		return v, nil
	}
	switch column {
	case "CHAR", "BPCHAR":
		return strings.TrimRight(text, " "), nil
	case "VARCHAR", "TEXT", "TINYTEXT", "MEDIUMTEXT", "LONGTEXT", "ENUM", "UUID", "NAME":
		return text, nil
	case "DECIMAL", "NUMERIC":
		return Decimal(text), nil
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT", "YEAR", "INT2", "INT4", "INT8":
		return strconv.ParseInt(text, 10, 64)
	case "JSON", "JSONB":
		return JSON(text), nil
	case "BINARY", "VARBINARY", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "BYTEA":
		return []byte(text), nil
	}
	return nil, fmt.Errorf("RecordRow does not know type %s: say Record", column)
}

// plain is a value of a key as a driver takes it.
func plain(v any) any {
	switch v := v.(type) {
	case Decimal:
		return string(v)
	case Date:
		return string(v)
	case JSON:
		return string(v)
	case Local:
		return time.Time(v)
	}
	return v
}

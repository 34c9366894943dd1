package outbox

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func TestValuesHaveOneText(t *testing.T) {
	type word string
	shanghai := time.FixedZone("Asia/Shanghai", 8*60*60)
	for _, c := range []struct {
		value any
		want  string
	}{
		{"a ", "a "}, {[]byte{0, 255}, "00ff"}, {true, "true"}, {false, "false"}, {int8(-3), "-3"}, {uint64(math.MaxUint64), "18446744073709551615"},
		{1.5, "1.5"}, {float32(0.1), "0.1"}, {math.Inf(1), "Infinity"}, {math.Inf(-1), "-Infinity"}, {math.NaN(), "NaN"}, {word("w"), "w"},
		{Decimal("0012.500"), "12.5"}, {Decimal("-0.00"), "0"}, {Decimal("-.10"), "-0.1"}, {Decimal("7"), "7"},
		{Date("2026-03-04"), "2026-03-04"}, {time.Date(2026, 3, 4, 8, 0, 0, 120_000_000, shanghai), "2026-03-04T00:00:00.12Z"},
		{Local(time.Date(2026, 3, 4, 8, 0, 0, 0, shanghai)), "2026-03-04T08:00:00"}, {JSON(`{"b": [1.0, "<"], "a":null}`), `{"a":null,"b":[1.0,"<"]}`},
	} {
		if got, err := canonical(c.value); err != nil || got != c.want {
			t.Errorf("%T %v: %q, %v", c.value, c.value, got, err)
		}
	}
	for _, v := range []any{struct{}{}, []int{1}, Decimal("1e3"), Decimal(""), Decimal("."), Decimal("--1"), Date("04.03.2026"), JSON("{"), JSON(`{} {}`)} {
		if got, err := canonical(v); err == nil {
			t.Errorf("%T %v is %q", v, v, got)
		}
	}
}

func TestColumnsHaveTypes(t *testing.T) {
	when := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, c := range []struct {
		dialect Dialect
		value   any
		column  string
		want    any
	}{
		{MySQL, when, "DATETIME", Local(when)}, {MySQL, when, "TIMESTAMP", when}, {Postgres, when, "TIMESTAMP", Local(when)}, {Postgres, when, "TIMESTAMPTZ", when},
		{MySQL, when, "DATE", Date("2026-03-04")}, {MySQL, nil, "INT", nil}, {MySQL, int64(3), "INT", int64(3)}, {MySQL, []byte("-3"), "UNSIGNED BIGINT", int64(-3)},
		{MySQL, []byte("a "), "CHAR", "a"}, {Postgres, "a ", "BPCHAR", "a"}, {MySQL, []byte("a "), "VARCHAR", "a "}, {MySQL, []byte("1.50"), "DECIMAL", Decimal("1.50")},
		{Postgres, "1.50", "NUMERIC", Decimal("1.50")}, {Postgres, []byte("{}"), "JSONB", JSON("{}")},
	} {
		if got, err := typed(c.dialect, c.value, c.column); err != nil || got != c.want {
			t.Errorf("%v as %s: %v, %v", c.value, c.column, got, err)
		}
	}
	if b, err := typed(MySQL, []byte{1}, "BLOB"); err != nil || string(b.([]byte)) != "\x01" {
		t.Errorf("%v, %v", b, err)
	}
	if _, err := typed(Postgres, "10:00", "TIME"); err == nil {
		t.Error("a type that is not known")
	}
}

// FuzzDecimal: what is a decimal has one text, and that text is its own.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "-0.10", "00.00", "12345678901234567890.5", ".", "-", "1.2.3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := decimal(s)
		if err != nil {
			return
		}
		again, err := decimal(got)
		if err != nil || again != got || strings.HasSuffix(got, ".") || got == "-0" {
			t.Errorf("%q is %q is %q, %v", s, got, again, err)
		}
	})
}

// FuzzCompact: a document's text is JSON and its own text.
func FuzzCompact(f *testing.F) {
	for _, s := range []string{`{"b":1.50,"a":[null,true,"<"]}`, `"x"`, `1e400`, `{`, ` [ ] `} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := compact(s)
		if err != nil {
			return
		}
		if again, err := compact(got); err != nil || again != got || !json.Valid([]byte(got)) {
			t.Errorf("%q is %q is %q, %v", s, got, again, err)
		}
	})
}

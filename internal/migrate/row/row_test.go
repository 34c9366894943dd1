package row

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

func TestCanonicalText(t *testing.T) {
	shanghai := time.FixedZone("", 8*3600)
	moment := time.Date(2026, 1, 2, 11, 4, 5, 120_000_000, shanghai)
	for _, c := range []struct {
		column Column
		in     any
		want   string
	}{
		{Column{Type: Bool}, true, "true"},
		{Column{Type: Bool}, int64(0), "false"},
		{Column{Type: Bool}, []byte("1"), "true"},
		{Column{Type: Bool}, []byte{1}, "true"},
		{Column{Type: Bool}, []byte{0}, "false"},
		{Column{Type: Bool}, "t", "true"},
		{Column{Type: Bool}, int8(2), "2"},
		{Column{Type: Bool}, []byte("-3"), "-3"},
		{Column{Type: Integer}, int64(math.MinInt64), "-9223372036854775808"},
		{Column{Type: Integer}, uint64(math.MaxUint64), "18446744073709551615"},
		{Column{Type: Integer}, []byte("000042"), "42"},
		{Column{Type: Integer}, "-0", "0"},
		{Column{Type: Integer}, true, "1"},
		{Column{Type: Integer}, false, "0"},
		{Column{Type: Decimal, Scale: 2}, "12.50", "12.5"},
		{Column{Type: Decimal, Scale: 2}, "-0.00", "0"},
		{Column{Type: Decimal, Scale: 2}, "100", "100"},
		{Column{Type: Decimal, Scale: 2}, "+.50", "0.5"},
		{Column{Type: Decimal, Scale: 2}, "5.", "5"},
		{Column{Type: Decimal}, "1e3", "1000"},
		{Column{Type: Decimal}, "-125E-4", "-0.0125"},
		{Column{Type: Decimal}, "NaN", "NaN"},
		{Column{Type: Decimal}, "-Infinity", "-Infinity"},
		{Column{Type: Decimal}, int64(7), "7"},
		{Column{Type: Float, Length: 64}, 1e21, "1000000000000000000000"},
		{Column{Type: Float, Length: 64}, math.Copysign(0, -1), "0"},
		{Column{Type: Float, Length: 64}, math.Inf(-1), "-Infinity"},
		{Column{Type: Float, Length: 64}, math.Inf(1), "Infinity"},
		{Column{Type: Float, Length: 64}, math.NaN(), "NaN"},
		{Column{Type: Float, Length: 64}, "1e-07", "0.0000001"},
		{Column{Type: Float, Length: 32}, float32(0.1), "0.10000000149011612"},
		{Column{Type: Float, Length: 32}, "0.1", "0.10000000149011612"},
		{Column{Type: Text}, "a ", "a "},
		{Column{Type: Text, Padded: true}, []byte("a   "), "a"},
		{Column{Type: Text}, int64(5), "5"},
		{Column{Type: Text}, true, "true"},
		{Column{Type: Bytes}, []byte{0, 255}, "00ff"},
		{Column{Type: Bytes, Padded: true, Length: 4}, []byte{1}, "01000000"},
		{Column{Type: Bytes}, `\x00FF`, "00ff"},
		{Column{Type: Bytes}, "ab", "6162"},
		{Column{Type: Date}, moment, "2026-01-02"},
		{Column{Type: Date}, "0000-00-00", "0000-00-00"},
		{Column{Type: Clock}, "10:00:00.500000", "10:00:00.5"},
		{Column{Type: Clock}, "-838:59:59", "-838:59:59"},
		{Column{Type: Clock}, moment, "11:04:05.12"},
		{Column{Type: Local}, moment, "2026-01-02T11:04:05.12"},
		{Column{Type: Local}, []byte("2026-01-02 11:04:05.000000"), "2026-01-02T11:04:05"},
		{Column{Type: Local}, "infinity", "infinity"},
		{Column{Type: Instant}, moment, "2026-01-02T03:04:05.12Z"},
		{Column{Type: Instant}, "2026-01-02 03:04:05.120+00", "2026-01-02T03:04:05.12Z"},
		{Column{Type: Instant}, "2026-01-02 11:04:05.12+08", "2026-01-02T03:04:05.12Z"},
		{Column{Type: Instant}, "2026-01-01 21:34:05-05:30", "2026-01-02T03:04:05Z"},
		{Column{Type: Instant}, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
		{Column{Type: Instant}, "2026-01-02 03:04:05", "2026-01-02T03:04:05Z"},
		{Column{Type: Instant}, "0044-03-15 00:00:00+00 BC", "0044-03-15T00:00:00TBCZ"},
		{Column{Type: Instant}, "-infinity", "-infinity"},
		{Column{Type: JSON}, `{"b":[1.0,"é\u0001\"\r"],"a":null,"a":true,"x":-1e2}`, `{"a":true,"b":[1,"é\u0001\"\r"],"x":-100}`},
		{Column{Type: JSON}, `1e999`, `1e999`},
		{Column{Type: JSON}, `false`, `false`},
		{Column{Type: UUID}, "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{Column{Type: UUID}, []byte("\x6b\xa7\xb8\x10\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8"), "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{Column{Type: Bits, Length: 4}, []byte{5}, "0101"},
		{Column{Type: Bits, Length: 4}, "0101", "0101"},
		{Column{Type: Bits, Length: 64}, uint64(math.MaxUint64), strings.Repeat("1", 64)},
		{Column{Type: Bits, Length: 1}, true, "1"},
	} {
		v, err := Canon(&c.column, c.in)
		if err != nil || v.Null || v.Text != c.want {
			t.Errorf("%s of %T %v is %q, want %q: %v", c.column.Type, c.in, c.in, v.Text, c.want, err)
		}
		// What is canonical stays as it is.
		if again, err := Canon(&c.column, v.Text); c.column.Type != Bytes && (err != nil || again != v) {
			t.Errorf("%s %q became %q: %v", c.column.Type, v.Text, again.Text, err)
		}
	}
}

func TestNullIsNoText(t *testing.T) {
	for _, c := range []struct {
		column Column
		in     any
	}{{Column{}, nil}, {Column{EmptyNull: true}, ""}, {Column{EmptyNull: true, Padded: true}, "  "}} {
		if v, err := Canon(&c.column, c.in); err != nil || v != (Value{Null: true}) {
			t.Error(v, err)
		}
	}
}

func TestWhatIsNoValueIsRefused(t *testing.T) {
	for _, c := range []struct {
		typ Type
		in  any
	}{
		{Bool, "maybe"}, {Integer, "1.5"}, {Integer, ""}, {Integer, "-"}, {Integer, 1.5}, {Decimal, "1.2.3"}, {Decimal, "e5"}, {Decimal, 1.5}, {Decimal, "1e9999"}, {Decimal, "1e"},
		{Float, "0x10"}, {Float, "1_0"}, {Text, "\xff"}, {Date, "yesterday"}, {Date, ""}, {Local, strings.Repeat("1", 50)}, {Instant, "2026"}, {Instant, "now"},
		{Instant, "2026-01-02 03:04:05+123"}, {Instant, "2026-99-02 03:04:05+01"}, {JSON, "{"}, {JSON, "1 2"}, {JSON, `{"a" 1}`}, {JSON, "[1,"}, {JSON, strings.Repeat("[", 300) + strings.Repeat("]", 300)},
		{UUID, "12"}, {UUID, strings.Repeat("g", 32)}, {Bits, "012"}, {Bits, make([]byte, 9)}, {Date, 5}, {Bytes, true}, {Text, struct{}{}}, {Bool, time.Time{}},
	} {
		if v, err := Canon(&Column{Name: "c", Type: c.typ}, c.in); kind.Code(err) != "JD-ROW-001" || !strings.Contains(err.Error(), "column c") {
			t.Errorf("%s of %T %v is %v: %v", c.typ, c.in, c.in, v, err)
		}
	}
	if Type(99).String() != "unknown type" {
		t.Error(Type(99))
	}
}

func table(types ...Type) *Table {
	t := &Table{Name: "t"}
	for i, typ := range types {
		t.Columns = append(t.Columns, Column{Name: fmt.Sprint("c", i), Type: typ, Nullable: true})
		t.Key = append(t.Key, i)
	}
	return t
}

func texts(s ...string) (r []Value) {
	for _, x := range s {
		r = append(r, Value{Null: x == "NULL", Text: strings.TrimPrefix(x, "NULL")})
	}
	return r
}

func TestEncodingAndHash(t *testing.T) {
	tab := table(Text, Integer, Bool, Decimal, Local, Instant, JSON, Decimal)
	tab.Columns[3].Scale, tab.Columns[7].Scale = 2, -1
	r := Row(texts("a,b", "-5", "true", "1.5", "2026-01-02T03:04:05.5", "2026-01-02T03:04:05Z", "{}", "1.5"))
	want := "3:a,b,-5,1,1.50,2026-01-02 03:04:05.5,2026-01-02 03:04:05,2:{},1.5,"
	if got := string(tab.AppendRow(nil, r)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sum := md5.Sum([]byte(want))
	if tab.Hash(r) != binary.BigEndian.Uint64(sum[:8]) || tab.Sum([]Row{r, r, r}) != 3*tab.Hash(r) {
		t.Error("the hash is not that of the encoding")
	}
	nulls := make(Row, 8)
	for i := range nulls {
		nulls[i].Null = true
	}
	if got := string(tab.AppendRow(nil, nulls)); got != "N,N,N,N,N,N,N,N," {
		t.Error(got)
	}
	if got := tab.Columns[3].Code("7"); got != "7.00" {
		t.Error(got)
	}
	if got := tab.Columns[3].Code("NaN"); got != "NaN" {
		t.Error(got)
	}
}

func TestKeysOfDifferentRowsAreDifferent(t *testing.T) {
	seen := map[string]Key{}
	for _, k := range []Key{texts("a", "b"), texts("a,1:b"), texts("ab"), texts("NULL"), texts("N"), texts(""), texts("", ""), texts(strings.Repeat("x", 600)), texts(strings.Repeat("x", 601))} {
		e := string(EncodeKey(k))
		if other, twice := seen[e]; twice || len(e) > MaxKey {
			t.Errorf("%v and %v: %s", k, other, e)
		}
		seen[e] = k
	}
}

func TestKeysSortAsDatabasesSort(t *testing.T) {
	for _, c := range []struct {
		typ   Type
		order []string
	}{
		{Integer, []string{"-100", "-20", "-3", "0", "7", "10", "9223372036854775807", "18446744073709551615"}},
		{Decimal, []string{"-Infinity", "-1.5", "-1.25", "-0.5", "0", "0.05", "0.5", "0.51", "10", "Infinity", "NaN"}},
		{Float, []string{"-10000000000", "0.1", "2"}},
		{Text, []string{"", "A", "_", "a", "aa", "é", "津"}},
		{Bool, []string{"-1", "false", "true", "2"}},
		{Date, []string{"-infinity", "0050-01-01TBC", "0044-03-15TBC", "0001-01-01", "2026-01-02", "10000-01-01", "infinity"}},
		{Instant, []string{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.15Z", "2026-01-02T03:04:06Z"}},
		{Clock, []string{"-100:00:00", "-10:00:00", "-00:00:01", "00:00:00", "09:00:00", "23:59:59.5", "100:00:00"}},
		{Bytes, []string{"", "00", "0001", "ff"}},
	} {
		tab := table(c.typ)
		var keys []Key
		for _, s := range c.order {
			keys = append(keys, texts(s))
		}
		keys = append(keys, texts("NULL"))
		for i := range keys {
			for j := range keys {
				got := tab.CompareKeys(keys[i], keys[j])
				if (got < 0) != (i < j) || (got > 0) != (i > j) {
					t.Errorf("%s: %v and %v compare as %d", c.typ, keys[i], keys[j], got)
				}
			}
		}
	}
	pair := table(Text, Integer)
	if pair.CompareKeys(texts("a", "10"), texts("a", "9")) <= 0 || !pair.IsKey(1) || pair.IsKey(2) || pair.Index("none") != -1 {
		t.Error("a key of two columns")
	}
	if !slices.Equal(pair.KeyOf(Row(texts("x", "1"))), texts("x", "1")) {
		t.Error("KeyOf")
	}
}

func FuzzCanon(f *testing.F) {
	for _, s := range []string{"", "1", "-0.50", "1e5", "2026-01-02 03:04:05.5+08", "0044-03-15 00:00:00 BC", `\x00ff`, `{"a":[1,null]}`, "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "infinity", "0101", "-838:59:59.5"} {
		for typ := Text; typ <= Bits; typ++ {
			f.Add(uint8(typ), s)
		}
	}
	f.Fuzz(func(t *testing.T, typ uint8, s string) {
		c := &Column{Name: "c", Type: Type(typ % uint8(Bits+1)), Length: 64, Scale: 6}
		v, err := Canon(c, s)
		if err != nil {
			return
		}
		if c.Type != Bytes {
			if again, err := Canon(c, v.Text); err != nil || again != v {
				t.Errorf("%s: %q became %q and then %q: %v", c.Type, s, v.Text, again.Text, err)
			}
		}
		tab := &Table{Columns: []Column{*c}, Key: []int{0}}
		if tab.CompareKeys(Key{v}, Key{v}) != 0 {
			t.Errorf("%s: %q is not equal to itself", c.Type, v.Text)
		}
	})
}

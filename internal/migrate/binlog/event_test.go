package binlog

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBinaryJSONIsTheTextTheServerShows(t *testing.T) {
	dec := func(p, s byte, digits string) string {
		return "0f f6" + hex.EncodeToString([]byte{byte(2 + len(digits)/2), p, s}) + digits
	}
	f64 := func(f float64) string {
		return "0b" + hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)))
	}
	temporal := func(kind byte, v int64) string {
		return "0f" + hex.EncodeToString(binary.LittleEndian.AppendUint64([]byte{kind, 8}, uint64(v)))
	}
	day := int64((2026*13+11)<<5|23) << 17
	for in, want := range map[string]string{
		"":                          "null",
		"0400":                      "null",
		"0401":                      "true",
		"0402":                      "false",
		"05ffff":                    "-1",
		"06ffff":                    "65535",
		"07feffffff":                "-2",
		"08ffffffff":                "4294967295",
		"09ffffffffffffffff":        "-1",
		"0affffffffffffffff":        "18446744073709551615",
		f64(1):                      "1.0",
		f64(1.5):                    "1.5",
		f64(1e20):                   "1e20",
		f64(-2.5e-20):               "-2.5e-20",
		"0c03616263":                `"abc"`,
		"0c00":                      `""`,
		"0c 02 22 0a":               `"\"\n"`,
		dec(4, 2, "8c22"):           "12.34",
		temporal(typeDate, day<<24): `"2026-11-23"`,
		temporal(typeDatetime, (day|int64(1<<12|2<<6|3))<<24|500): `"2026-11-23 01:02:03.000500"`,
		temporal(typeTime, -(int64(100<<12|2<<6|3) << 24)):        `"-100:02:03.000000"`,
		"0f fc 02 0001": `"base64:type252:AAE="`,
		// {"a": 1, "b": [true, "x"]}
		"00 0200 2500 1200 0100 1300 0100 050100 021400 6162 0200 1100 040100 0c0a00 0178 000000000000": "",
		"02 0200 0c00 050100 0c0a00 0178":           `[1,"x"]`,
		"00 0100 0c00 0b00 0100 050700 61":          `{"a":7}`,
		"03 01000000 11000000 07 ffffffff 00000000": `[-1]`,
		"02 0000 0400": "[]",
		"00 0000 0400": "{}",
	} {
		got, err := jsonText(unhex(t, in))
		if want == "" {
			continue
		}
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"0403", "05ff", "0b000000000000f07f", "0c05", "0cffffffffffff", "0d", "02 0100 ff00", "02 0100 0700 0cff00", "00 0100 0b00 ff00 0100 050700", "02 ffff ffff"} {
		if got, err := jsonText(unhex(t, in)); err == nil {
			t.Errorf("%s is %s", in, got)
		}
	}
	deep := []byte{4, 0}
	for range 120 {
		inner := deep
		deep = append([]byte{jsonSmallArray, 1, 0, byte(7 + len(inner) - 1), byte((7 + len(inner) - 1) >> 8), inner[0], 7, 0}, inner[1:]...)
	}
	if _, err := jsonText(deep); err == nil {
		t.Error("any depth is read")
	}
}

// mysqlEvent is an event with its header.
func mysqlEvent(kind byte, body []byte) []byte {
	b := make([]byte, headerSize, headerSize+len(body))
	binary.LittleEndian.PutUint32(b, 1_700_000_000)
	b[4] = kind
	binary.LittleEndian.PutUint32(b[9:], uint32(headerSize+len(body)))
	binary.LittleEndian.PutUint32(b[13:], 777)
	return append(b, body...)
}

func mysqlGTID(seq uint64) []byte {
	b := append([]byte{1}, bytes.Repeat([]byte{0xab}, 16)...)
	b = binary.LittleEndian.AppendUint64(b, seq)
	b = append(b, 2)
	b = append(b, make([]byte, 16)...)
	at := make([]byte, 8)
	binary.LittleEndian.PutUint64(at, 1_700_000_000_123_456)
	return mysqlEvent(evGTID, append(b, at[:7]...))
}

func tableMapBody(names bool) []byte {
	b := []byte{9, 0, 0, 0, 0, 0, 1, 0, 1, 's', 0, 1, 'a', 0, 3, typeLonglong, typeJSON, typeVarchar, 3, 4, 80, 0, 0}
	if names {
		b = append(b, optionNames, 6, 1, 'i', 1, 'j', 1, 'v')
	}
	return b
}

// testStream is a stream of MySQL with one table and without a server.
func testStream(t testing.TB, got *[]data.Txn) *stream {
	t.Helper()
	at, err := parsePosition("abababab-abab-abab-abab-abababababab:1-5", flavorMySQL)
	if err != nil {
		t.Fatal(err)
	}
	s := &Source{name: "t", db: data.Database{Schema: "s", Kind: flavorMySQL}, flavor: flavorMySQL, opt: Options{part: maxPart}}
	table := &row.Table{Name: "a", Columns: []row.Column{{Name: "i", Type: row.Integer, Unsigned: true}, {Name: "j", Type: row.JSON}, {Name: "v", Type: row.Text}}, Key: []int{0}}
	d := &definition{table: table, loaded: true, read: at.clone(), columns: []column{
		{col: table.Columns[0], at: 0, data: "bigint"}, {col: table.Columns[1], at: 1, data: "json"}, {col: table.Columns[2], at: 2, data: "varchar", octets: 80}}}
	return &stream{src: s, at: at, defs: map[string]*definition{"a": d}, maps: map[uint64]*bound{}, probes: &probes{},
		emit: func(x data.Txn) error { *got = append(*got, x); return nil }}
}

func rowsBody(kind byte, images ...[]byte) []byte {
	b := []byte{9, 0, 0, 0, 0, 0, 1, 0, 2, 0, 3, 7}
	if kind == evUpdateV2 {
		b = append(b, 7)
	}
	for _, i := range images {
		b = append(b, i...)
	}
	return b
}

func TestMySQLEventsAreRead(t *testing.T) {
	image := func(id byte, v string) []byte {
		b := []byte{0, id, 0, 0, 0, 0, 0, 0, 0x80, 3, 0, 0, 0, jsonInt16, 7, 0, byte(len(v))}
		return append(b, v...)
	}
	mark := "/*jindu:0123456789abcdef:p:0:-*/ UPDATE"
	query := func(text string) []byte {
		b := make([]byte, 13)
		b[8] = 1
		return mysqlEvent(evQuery, append(append(b, 's', 0), text...))
	}
	inner := [][]byte{
		query("BEGIN"),
		mysqlEvent(evRowsQuery, append([]byte{byte(len(mark))}, mark...)),
		mysqlEvent(evTableMap, tableMapBody(true)),
		mysqlEvent(evWriteV2, rowsBody(evWriteV2, image(1, "x"))),
		mysqlEvent(evUpdateV2, rowsBody(evUpdateV2, image(1, "x"), image(1, "y"))),
		mysqlEvent(evDeleteV2, rowsBody(evDeleteV2, image(1, "y"))),
		mysqlEvent(evXID, make([]byte, 8)),
	}
	want := []string{"insert a after=[9223372036854775809 7 x]", "update a before=[9223372036854775809 7 x] after=[9223372036854775809 7 y]", "delete a before=[9223372036854775809 7 y]"}
	for name, events := range map[string][][]byte{"plain": inner, "payload": {mysqlEvent(evPayload, packed(t, inner, 0))}, "uncompressed payload": {mysqlEvent(evPayload, packed(t, inner, 255))}} {
		var got []data.Txn
		st := testStream(t, &got)
		for _, e := range append([][]byte{mysqlEvent(evRotate, append(make([]byte, 8), "b.000002"...)), mysqlGTID(6)}, events...) {
			if err := st.event(e); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if len(got) != 1 || len(got[0].Changes) != 3 {
			t.Fatalf("%s: %+v", name, got)
		}
		x := got[0]
		if x.Position != "abababab-abab-abab-abab-abababababab:1-6" || x.Sequence != 6<<partBits || x.Commit.UnixMicro() != 1_700_000_000_123_456 || x.Mark != "jindu:0123456789abcdef:p:0:-" {
			t.Errorf("%s: %+v", name, x)
		}
		for i, c := range x.Changes {
			if show(c) != want[i] {
				t.Errorf("%s: %s, want %s", name, show(c), want[i])
			}
		}
	}
	var got []data.Txn
	st := testStream(t, &got)
	for _, c := range []struct {
		code   string
		events [][]byte
	}{
		{"JD-BINLOG-008", [][]byte{mysqlEvent(evIncident, nil)}},
		{"JD-BINLOG-007", [][]byte{mysqlEvent(evTaggedGTID, nil)}},
		{"JD-BINLOG-011", [][]byte{mysqlGTID(7), mysqlEvent(evTableMap, tableMapBody(true)), mysqlEvent(evPartialUpdate, rowsBody(evUpdateV2))}},
		{"JD-BINLOG-010", [][]byte{mysqlGTID(7), inner[2], inner[3], mysqlEvent(evXAPrepare, []byte{0})}},
		{"JD-BINLOG-010", [][]byte{mysqlGTID(7), inner[0], inner[2], inner[3], query("ROLLBACK")}},
		{"JD-BINLOG-004", [][]byte{mysqlGTID(7), inner[0], query("INSERT INTO a VALUES (1)")}},
		{"JD-BINLOG-014", [][]byte{mysqlGTID(7), query("TRUNCATE TABLE a")}},
		{"JD-BINLOG-012", [][]byte{mysqlGTID(7), inner[2], mysqlEvent(evWriteV2, rowsBody(evWriteV2, append([]byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 99, 0}, 0)))}},
	} {
		var err error
		for _, e := range c.events {
			if err = st.event(e); err != nil {
				break
			}
		}
		if kind.Code(err) != c.code {
			t.Errorf("%s: %v", c.code, err)
		}
		st = testStream(t, &got)
	}
}

// packed is a transaction as MySQL compresses it.
func packed(t testing.TB, events [][]byte, method byte) []byte {
	t.Helper()
	body := bytes.Join(events, nil)
	if method == 0 {
		z, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		body = z.EncodeAll(body, nil)
	}
	b := []byte{2, 1, method}
	if method == 255 {
		b = []byte{2, 3, 0xfc, 255, 0}
	}
	return append(append(b, 0), body...)
}

func TestMariaDBsCompressionIsRead(t *testing.T) {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if got, err := unpack(append([]byte{0x81, 5}, z.Bytes()...)); err != nil || string(got) != "hello" {
		t.Error(string(got), err)
	}
	for _, bad := range [][]byte{nil, {0x81}, {0x01, 5}, {0xf1, 5}, append([]byte{0x81, 4}, z.Bytes()...), append([]byte{0x81, 6}, z.Bytes()...), {0x81, 5, 1, 2}, {0x84, 0xff, 0xff, 0xff, 0xff}} {
		if _, err := unpack(bad); err == nil {
			t.Errorf("%x", bad)
		}
	}
}

func TestPositionsOfEveryForm(t *testing.T) {
	const u = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
	for _, c := range []struct {
		flavor, text string
		seq          int64
	}{
		{flavorMaria, "begin", 0}, {flavorMaria, "0-1-5", 5 << partBits}, {flavorMaria, "0-1-5,3-2-7", 12 << partBits},
		{flavorMySQL, "begin", 0}, {flavorMySQL, u + ":1-5", 5 << partBits}, {flavorMySQL, u + ":1-5:7-9", 8 << partBits}, {flavorMySQL, "mysql-bin.000003:120", 3<<32 | 120},
	} {
		p, err := parsePosition(data.Position(c.text), c.flavor)
		if err != nil || string(p.text()) != c.text || p.sequence() != c.seq || p.behind() < c.seq || !p.reached(p) {
			t.Errorf("%s: %s %d %v", c.text, p.text(), p.sequence(), err)
		}
	}
	for _, c := range [][2]string{{flavorMaria, ""}, {flavorMaria, "x"}, {flavorMaria, "0-1-5,0-2-6"}, {flavorMaria, "9999999999-1-1"}, {flavorMaria, "f.1:4"}, {flavorMySQL, "0-1-5"}, {flavorMySQL, u}, {flavorMySQL, "f.1:99999999999"}, {flavorMySQL, strings.Repeat("x", 1<<17)}} {
		if p, err := parsePosition(data.Position(c[1]), c[0]); kind.Code(err) != "JD-BINLOG-001" {
			t.Errorf("%s %.40q: %s %v", c[0], c[1], p.text(), err)
		}
	}
	s := &Source{flavor: flavorMaria}
	for _, c := range []struct {
		at, want string
		is       bool
	}{{"0-1-5", "0-2-5", true}, {"0-1-5", "0-1-6", false}, {"0-1-5", "0-1-5,1-1-1", false}, {"0-1-5,1-1-1", "1-1-1", true}, {"x", "0-1-1", false}, {"0-1-1", "x", false}, {"0-1-1", "begin", true}} {
		if s.Reached(data.Position(c.at), data.Position(c.want)) != c.is {
			t.Error(c)
		}
	}
	s.flavor = flavorMySQL
	if !s.Reached("f.000002:4", "f.000001:99") || s.Reached("f.000001:4", "f.000001:5") || s.Reached("f.000001:4", u+":1") || !s.Reached(u+":1-9", u+":2-3") {
		t.Error("positions of MySQL")
	}
}

func TestStatementsMean(t *testing.T) {
	for text, want := range map[string]meaning{
		"ALTER TABLE a ADD x INT":                                reshaped,
		"alter table `s`.`a` drop column x":                      reshaped,
		"/* c */ ALTER /*!50000 TABLE */ s . a ADD y INT":        reshaped,
		"-- note\nRENAME TABLE b TO a":                           reshaped,
		"# note\nCREATE TABLE IF NOT EXISTS a (id INT)":          reshaped,
		"ALTER TABLE b ADD x INT DEFAULT 'a'":                    reshaped, // a text of that name: it is only read again
		"ALTER TABLE other.a ADD x INT":                          nothing,
		"ALTER TABLE ab ADD x INT":                               nothing,
		"DROP TABLE IF EXISTS `b`,`a` /* generated by server */": rowsGone,
		"TRUNCATE a":                                                rowsGone,
		"CREATE OR REPLACE TABLE a (id INT)":                        rowsGone,
		"DROP DATABASE s":                                           rowsGone,
		"DROP DATABASE other":                                       nothing,
		"ALTER TABLE a DROP PARTITION p":                            rowsGone,
		"ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b":           rowsGone,
		"ALTER TABLE a DISCARD TABLESPACE":                          rowsGone,
		"ALTER TABLE a DROP COLUMN c":                               reshaped,
		"UPDATE a SET x=1":                                          asWritten,
		"SET STATEMENT max_statement_time=1 FOR DELETE FROM a":      asWritten,
		"(INSERT INTO a SELECT 1)":                                  asWritten,
		"CREATE INDEX i ON a (x)":                                   nothing,
		"GRANT SELECT ON a TO x":                                    nothing,
		"ANALYZE TABLE a":                                           nothing,
		"DROP TEMPORARY TABLE IF EXISTS a":                          nothing,
		"SOMETHING NEW a":                                           reshaped,
		"ALTER TABLE `a``b` ADD x INT":                              nothing,
		"ALTER TABLE x COMMENT 'it\\'s' /* unfinished":              nothing,
		"ALTER TABLE b -- a":                                        nothing,
		"ALTER TABLE b ADD " + strings.Repeat("c INT, ", maxTokens): reshaped, // too long to be known
	} {
		q := queryEvent{schema: []byte("s"), text: []byte(text)}
		if got := affects(parseStatement(text), q, "s", "a"); got != want {
			t.Errorf("%.60s: %d, want %d", text, got, want)
		}
	}
	if got := affects(parseStatement("ALTER TABLE a ADD x INT"), queryEvent{schema: []byte("other")}, "s", "a"); got != nothing {
		t.Error(got)
	}
	if got := listed("enum('a','it''s','x\\'y')"); strings.Join(got, "|") != "a|it's|x'y" {
		t.Error(got)
	}
}

func TestOldTemporalFormsAreRead(t *testing.T) {
	for _, c := range []struct {
		kind byte
		in   string
		want string
	}{
		{typeTime, "40e201", "12:34:56"}, {typeTime, "c01dfe", "-12:34:56"}, {typeDatetime, hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, 20261123010203)), "2026-11-23T01:02:03"},
		{typeTimestamp, hex.EncodeToString(binary.LittleEndian.AppendUint32(nil, 1700000000)), "2023-11-14T22:13:20Z"}, {typeTimestamp, "00000000", "0000-00-00T00:00:00Z"},
	} {
		r := reader{b: unhex(t, c.in)}
		got, err := appendValue(nil, &r, &column{kind: c.kind})
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s %v", c.in, got, err)
		}
	}
	for _, c := range []column{{kind: 99}, {kind: typeBit, meta: 9 << 8}, {kind: typeEnum, length: 1}, {kind: typeSet, length: 1}, {kind: typeDecimal, meta: 70 << 8}, {kind: typeDecimal, meta: 2<<8 | 3},
		{kind: typeString, length: 1, col: row.Column{Type: row.Text}}, {kind: typeString, length: 1, col: row.Column{Type: row.UUID}}} {
		r := reader{b: bytes.Repeat([]byte{0xff}, 300)}
		if got, err := appendValue(nil, &r, &c); err == nil {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func FuzzEvents(f *testing.F) {
	var sink []data.Txn
	f.Add(mysqlGTID(6), mysqlEvent(evTableMap, tableMapBody(true)), mysqlEvent(evWriteV2, rowsBody(evWriteV2, []byte{0, 1, 0, 0, 0, 0, 0, 0, 0x80, 3, 0, 0, 0, jsonInt16, 7, 0, 1, 'x'})))
	f.Add(mysqlGTID(6), mysqlEvent(evTableMap, tableMapBody(false)), mysqlEvent(evPayload, []byte{2, 1, 0, 0}))
	f.Add(mysqlEvent(evQueryPacked, make([]byte, 20)), mysqlEvent(evMariaGTID, make([]byte, 19)), mysqlEvent(evUpdatePacked, make([]byte, 30)))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		sink = sink[:0]
		st := testStream(t, &sink)
		for _, e := range [][]byte{a, b, c} {
			if len(e) >= headerSize && e[4] == evTableMap { // another table is read from the server, which is not here
				if m, err := parseTableMap(e[headerSize:]); err == nil && string(m.table) == "a" && string(m.schema) == "s" {
					if why, _ := st.defs["a"].misfit(m); why != "" {
						continue
					}
				}
			}
			if st.event(e) != nil {
				return
			}
			st.defs["a"].stale = false
			l := looker{src: st.src, table: "a", at: st.at.clone()}
			_ = l.event(e, 0) // it must not panic
		}
		s := sums{on: true}
		_, _ = s.cut(a)
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{"0400", "02 0200 0c00 050100 0c0a00 0178", "00 0100 0c00 0b00 0100 050700 61", "0ff6048202 8c22"} {
		b, _ := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if text, err := jsonText(b); err == nil {
			if _, err := row.AppendJSON(nil, text); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	})
}

func FuzzPosition(f *testing.F) {
	for _, s := range []string{"begin", "0-1-5,1-2-3", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7", "f.000001:4", ""} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, maria bool) {
		flavor := flavorMySQL
		if maria {
			flavor = flavorMaria
		}
		p, err := parsePosition(data.Position(s), flavor)
		if err != nil {
			return
		}
		again, err := parsePosition(p.text(), flavor)
		if err != nil || again.text() != p.text() || !again.reached(p) || !p.reached(again) {
			t.Errorf("%q becomes %q: %v", s, p.text(), err)
		}
	})
}

func FuzzStatement(f *testing.F) {
	f.Add("ALTER TABLE `a` ADD x INT -- y")
	f.Add("/*!50001 SET STATEMENT x=1 FOR */ DELETE FROM s.a")
	f.Fuzz(func(_ *testing.T, s string) {
		affects(parseStatement(s), queryEvent{schema: []byte("s")}, "s", "a")
	})
}

// BenchmarkRows is the decoding of rows of a shop's order as MariaDB logs them, on one core.
func BenchmarkRows(b *testing.B) {
	var n int
	st := testStream(b, new([]data.Txn))
	st.emit = func(x data.Txn) error { n += len(x.Changes); return nil }
	image := []byte{0, 1, 0, 0, 0, 0, 0, 0, 0x80, 3, 0, 0, 0, jsonInt16, 7, 0, 40}
	image = append(image, strings.Repeat("x", 40)...)
	events := [][]byte{mysqlEvent(evTableMap, tableMapBody(true)), mysqlEvent(evWriteV2, rowsBody(evWriteV2, bytes.Join([][]byte{image, image, image, image}, nil))), mysqlEvent(evXID, make([]byte, 8))}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		if err := st.event(mysqlGTID(uint64(6 + i))); err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			if err := st.event(e); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

package mysql

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/effects"
)

func TestIntegersOfVariableLength(t *testing.T) {
	for _, n := range []uint64{0, 1, 250, 251, 1 << 15, 1<<16 - 1, 1 << 16, 1<<24 - 1, 1 << 24, 1<<64 - 1} {
		c := cursor{b: appendLenenc(nil, n)}
		if got, null := c.lenenc(); got != n || null || c.bad || len(c.b) != 0 {
			t.Errorf("%d: %d", n, got)
		}
	}
	c := cursor{b: []byte{0xfb}}
	if _, null := c.lenenc(); !null {
		t.Error("NULL")
	}
	for _, b := range [][]byte{{}, {0xff}, {0xfc, 1}, {0xfd, 1}, {0xfe, 1}, {5, 'a'}} {
		c := cursor{b: b}
		if c.text(); !c.bad {
			t.Errorf("%x is read", b)
		}
	}
}

func TestParametersAsTextAndAsLiterals(t *testing.T) {
	for want, in := range map[string]struct {
		typ byte
		raw string
	}{
		"-1 -1": {typeTiny, "ff"}, "-2 -2": {typeShort, "feff"}, "7 7": {typeLong, "07000000"}, "-3 -3": {typeLonglong, "fdffffffffffffff"},
		"0.5 0.5e0": {typeFloat, "0000003f"}, "2.5 2.5e0": {typeDouble, "0000000000000440"}, "NULL NULL": {typeNull, ""},
		"2026-01-02 '2026-01-02'":                                 {typeDate, "04ea070102"},
		"2026-01-02 03:04:05 '2026-01-02 03:04:05'":               {typeDatetime, "07ea070102030405"},
		"2026-01-02 03:04:05.000006 '2026-01-02 03:04:05.000006'": {typeTimestamp, "0bea07010203040506000000"},
		"0000-00-00 '0000-00-00'":                                 {typeDatetime, "00"},
		"-26:03:04 '-26:03:04'":                                   {typeTime, "080101000000020304"},
		"02:03:04.000005 '02:03:04.000005'":                       {typeTime, "0c000000000002030405000000"},
		"00:00:00 '00:00:00'":                                     {typeTime, "00"},
		"12.50 12.50":                                             {typeNewDecimal, "0531322e3530"},
		"it's _utf8mb4 X'69742773'":                               {253, "0469742773"},
		"0xff _utf8mb4 X'ff'":                                     {252, "01ff"},
	} {
		raw, err := hex.DecodeString(in.raw)
		if err != nil {
			t.Fatal(err)
		}
		c := cursor{b: raw}
		p := readParam(&c, in.typ, false)
		text, _ := p.text()
		literal, _ := p.literal("_utf8mb4 ")
		if got := text + " " + literal; got != want || c.bad || len(c.b) > 0 {
			t.Errorf("%x: %q, want %q (%v, left %x)", raw, got, want, c.bad, c.b)
		}
	}
	if p := readParam(&cursor{b: []byte{0xff}}, typeTiny, true); p.kind != paramUint || p.int != 255 {
		t.Errorf("%+v", p)
	}
	for _, bad := range []struct {
		typ byte
		raw string
	}{{typeDate, "03"}, {typeTime, "05"}, {253, "05aa"}} {
		raw, _ := hex.DecodeString(bad.raw)
		c := cursor{b: raw}
		if readParam(&c, bad.typ, false); !c.bad {
			t.Errorf("%x is read", raw)
		}
	}
	if _, ok := (param{long: true}).literal(""); ok {
		t.Error("a parameter that is not known")
	}
	if _, ok := (param{plain: true, bytes: []byte("1; DROP")}).literal(""); ok {
		t.Error("a decimal that is none")
	}
	if text, cut := (param{bytes: bytes.Repeat([]byte{0xff}, maxArg)}).text(); !cut || len(text) != maxArg+2 {
		t.Error("a long parameter")
	}
}

func TestAutocommitIsRead(t *testing.T) {
	type is struct{ on, simple, named bool }
	for sql, want := range map[string]is{
		"SET autocommit=0": {false, true, true}, "set session AUTOCOMMIT = ON;": {true, true, true}, "SET @@autocommit := 1": {true, true, true},
		"SET @@session.autocommit=off": {false, true, true}, "SET `autocommit` = 'on'": {true, true, true},
		"SET autocommit=0, x=1": {false, false, true}, "SET @@global.autocommit=1": {false, false, true}, "SET autocommit=DEFAULT": {false, false, true},
		"SET names utf8": {}, "SET x=1": {}, "SET a = @@autocommit": {false, false, true},
	} {
		on, simple, named := autocommit([]byte(sql))
		if got := (is{on, simple, named}); got != want {
			t.Errorf("%s: %+v, want %+v", sql, got, want)
		}
	}
	if !chains([]byte("COMMIT AND CHAIN")) || chains([]byte("COMMIT AND NO CHAIN")) || chains([]byte("COMMIT")) {
		t.Error("chains")
	}
	if !nextTransaction([]byte("SET TRANSACTION READ ONLY")) || nextTransaction([]byte("SET SESSION TRANSACTION READ ONLY")) {
		t.Error("the next transaction")
	}
	if !wideCharset("SET NAMES GBK") || wideCharset("SET NAMES utf8mb4") || !wideCollation(28) || wideCollation(45) {
		t.Error("character sets")
	}
}

// FuzzExecute: whatever a client sends for parameters, nothing panics, and what is read can be said.
func FuzzExecute(f *testing.F) {
	f.Add([]byte{comExecute, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 8, 0, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 'a'}, 2)
	f.Add([]byte{comExecute, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 12, 0, 11, 0}, 2)
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		if n < 0 || n > 100 || len(body) == 0 {
			return
		}
		raw := frame(nil, 0, body)
		st := &statement{p: packet{raw, len(body)}, exec: &prepared{params: n}}
		s := &session{}
		if s.decode(st) != nil {
			return
		}
		if n > 0 && len(st.params) != n {
			t.Fatalf("%d of %d", len(st.params), n)
		}
		for _, p := range st.params {
			if text, _ := p.text(); len(text) > 2*maxArg+2 {
				t.Errorf("%d bytes", len(text))
			}
			p.literal("_utf8mb4 ")
		}
	})
}

// FuzzGreeting and what else is read of logins and answers.
func FuzzGreeting(f *testing.F) {
	f.Add([]byte("\x0a8.0.0\x00\x01\x00\x00\x0012345678\x00\xff\xf7\x2d\x02\x00\xff\x81\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00123456789012\x00mysql_native_password\x00"))
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6})
	f.Fuzz(func(t *testing.T, b []byte) {
		if g, ok := parseGreeting(b); ok && (g.capsLow+2 > len(b) || g.capsHigh+2 > len(b) || g.reserved+10 > len(b)) {
			t.Errorf("fields of %x behind its end", b)
		}
		parseHello(b)
		var a answer
		if parseOK(b, &a) && statusAt(b)+2 > len(b) {
			t.Errorf("status of %x behind its end", b)
		}
		parseErr(b, &a)
		wideGrant(string(b), "x")
	})
}

// FuzzRelay: whatever a server answers, the relay ends, and passes on what it read.
func FuzzRelay(f *testing.F) {
	ok := appendOK(nil, 1, 2)
	f.Add(ok, false)
	f.Add(append(frame(frame(frame(nil, 1, []byte{1}), 2, []byte("def")), 3, []byte{isEOF, 0, 0, 2, 0}), frame(frame(nil, 4, []byte{1, 'x'}), 5, []byte{isEOF, 0, 0, 2, 0})...), false)
	f.Add(appendErr(nil, 1, refusal{1, "HY000", "x"}), true)
	f.Fuzz(func(t *testing.T, b []byte, short bool) {
		s := &session{main: &link{}}
		if short {
			s.caps = capDeprecateEOF
		}
		var out bytes.Buffer
		l := &link{stream: newStream(&fake{Reader: bytes.NewReader(b)}), session: s}
		l.sink = &out
		var a answer
		if err := l.relay(expectResult, &a, false); err != nil && !errors.Is(err, errProtocol) && !effects.Ordinary(err) {
			t.Fatal(err)
		}
		if err := l.flush(); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(b, out.Bytes()) {
			t.Errorf("passed on %x of %x", out.Bytes(), b)
		}
		l = &link{stream: newStream(&fake{Reader: bytes.NewReader(b)}), session: s}
		_, _, _, _ = l.ask("SELECT 1", 3)
	})
}

// fake is a connection that reads from memory.
type fake struct {
	io.Reader
	net.Conn
	wrote int
}

func (f *fake) Read(b []byte) (int, error)      { return f.Reader.Read(b) }
func (f *fake) Write(b []byte) (int, error)     { f.wrote += len(b); return len(b), nil }
func (f *fake) Close() error                    { return nil }
func (f *fake) SetReadDeadline(time.Time) error { return nil }

// again gives the same bytes for ever.
type again struct{ b []byte }

func (a again) Read(b []byte) (int, error) { return copy(b, a.b), nil }

// BenchmarkUserStatement is what a user's statement costs at the proxy, less the system calls: the packet,
// the mark, the class, the answer.
func BenchmarkUserStatement(b *testing.B) {
	for name, sql := range map[string]string{
		"read":  "SELECT id, name, price FROM item WHERE id IN (1, 2, 3) AND name LIKE 'a%' ORDER BY id LIMIT 20",
		"write": "UPDATE stock SET reserved = reserved + 1, updated_at = '2026-01-02 03:04:05' WHERE sku = 'A-4711' AND reserved < quantity",
	} {
		b.Run(name, func(b *testing.B) {
			s := benchSession(b)
			query := frame(nil, 0, append([]byte{comQuery}, led(markOf(1, false), sql)...))
			s.cl = newStream(&fake{Reader: again{query}})
			s.main = &link{stream: newStream(&fake{Reader: again{appendOK(nil, 1, statusAutocommit)}}), session: s}
			s.main.sink = s.cl.conn
			b.ReportAllocs()
			for b.Loop() {
				p, err := s.cl.command()
				if err == nil {
					_, err = s.command(p)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchSession(tb testing.TB) *session {
	tb.Helper()
	s := newStage(tb, nil, nil)
	var es *effects.Session
	took := make(chan struct{})
	probe := effects.New("probe", effects.Proxy{Protocol: "mysql", Listen: "127.0.0.1:0", Upstream: s.server.Addr}, grab(func(got *effects.Session) { es = got; close(took) }), &book{runs: map[string][]v1.Effect{}}, quiet())
	probe.Limits.Drain = time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- probe.Run(ctx, func() { close(ready) }) }()
	<-ready
	nc, err := net.Dial("tcp", probe.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	<-took
	tb.Cleanup(func() {
		_ = nc.Close()
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return &session{Session: es, limits: defaultLimits(), catalog: newCatalogue(), prepared: map[uint32]*prepared{}, caps: capDeprecateEOF}
}

// grab is a protocol that hands its session out.
type grab func(*effects.Session)

func (g grab) Serve(ctx context.Context, s *effects.Session) error {
	g(s)
	<-ctx.Done()
	return ctx.Err()
}

func TestWhatAUserReadsCostsNoAllocation(t *testing.T) {
	s := benchSession(t)
	query := frame(nil, 0, append([]byte{comQuery}, led(markOf(1, false), "SELECT id FROM item WHERE id = 5")...))
	s.cl = newStream(&fake{Reader: again{query}})
	s.main = &link{stream: newStream(&fake{Reader: again{appendOK(nil, 1, statusAutocommit)}}), session: s}
	s.main.sink = s.cl.conn
	if n := testing.AllocsPerRun(200, func() {
		if p, err := s.cl.command(); err == nil {
			_, _ = s.command(p)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSavepointsCutWhatIsPending(t *testing.T) {
	s := benchSession(t)
	add := func() { s.fx.add(s, markOf(1, false), v1.Effect{Kind: v1.EffectSQL, Text: "x"}) }
	add()
	s.fx.savepoint([]byte("SAVEPOINT `a b`"))
	add()
	s.fx.savepoint([]byte("savepoint C"))
	add()
	s.fx.savepoint([]byte("ROLLBACK WORK TO SAVEPOINT c"))
	if len(s.fx.items) != 2 {
		t.Errorf("%d items", len(s.fx.items))
	}
	s.fx.savepoint([]byte("ROLLBACK TO `A B`"))
	if len(s.fx.items) != 1 || len(s.fx.points) != 1 {
		t.Errorf("%d items", len(s.fx.items))
	}
	s.limits.fx = 1
	add()
	if len(s.fx.items) != 1 || !s.fx.items[0].what.Truncated || s.Events().Dropped.Load() != 1 {
		t.Error("the bound")
	}
	if first, last := firstAndLast([]byte("SAVEPOINT 'torn")); first != "SAVEPOINT" || last != first {
		t.Error(first, last)
	}
	if text, cut := bounded([]byte("津津"), 4); text != "津" || !cut {
		t.Error(text)
	}
	if text, _ := bounded([]byte{0xff, 'a'}, 9); text != "\uFFFDa" {
		t.Error(text)
	}
}

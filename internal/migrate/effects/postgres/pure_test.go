package postgres

import (
	"strings"
	"testing"

	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/migrate/effects"
)

func TestParametersForPeople(t *testing.T) {
	for _, c := range []struct {
		p    param
		oid  uint32
		want string
	}{
		{param{null: true}, 0, "NULL"},
		{param{b: []byte("text")}, 0, "text"},
		{param{b: []byte("text"), binary: true}, 25, "text"},
		{param{b: []byte{1}, binary: true}, 16, "true"},
		{param{b: []byte{0xff, 0xff}, binary: true}, 21, "-1"},
		{param{b: []byte{0, 0, 0, 7}, binary: true}, 23, "7"},
		{param{b: []byte{0, 0, 0, 0, 0, 0, 0, 7}, binary: true}, 20, "7"},
		{param{b: []byte{0x3f, 0x80, 0, 0}, binary: true}, 700, "1"},
		{param{b: []byte{0x3f, 0xf0, 0, 0, 0, 0, 0, 0}, binary: true}, 701, "1"},
		{param{b: []byte{0xff, 0}, binary: true}, 17, "0xff00"},
		{param{b: []byte{0xff}}, 25, "0xff"},
	} {
		if got, cut := c.p.text(c.oid); got != c.want || cut {
			t.Errorf("%v: %s", c.p, got)
		}
	}
	if got, cut := bounded([]byte(strings.Repeat("é", 10)), 5); got != "éé" || !cut {
		t.Errorf("%q", got)
	}
	if _, cut := (param{b: make([]byte, 2*maxArg), binary: true}).text(17); !cut {
		t.Error("not cut")
	}
}

func TestOlderLogins(t *testing.T) {
	s := &session{Session: &effects.Session{Rule: effects.Proxy{Shadow: effects.Shadow{User: "u", Password: conf.NewSecret("file:/p", "p")}}}}
	got, err := s.prove([]byte{0, 0, 0, 5, 1, 2, 3, 4}, &scram{})
	if err != nil || len(got) != 36 || !strings.HasPrefix(string(got), "md5") {
		t.Errorf("%q %v", got, err)
	}
	if got, err := s.prove([]byte{0, 0, 0, 3}, &scram{}); err != nil || string(got) != "p\x00" {
		t.Errorf("%q %v", got, err)
	}
}

func TestEffectsOverABoundAreCounted(t *testing.T) {
	s := newStage(t, nil, func(p *Proxy) { p.limits.fx, p.limits.imageRows = 2, 2 })
	s.setup("CREATE TABLE o (id INT PRIMARY KEY, v TEXT)", "INSERT INTO o SELECT g, 'x' FROM generate_series(1, 10) g")
	c := s.conn("")
	m, u := markOf(1, true), markOf(2, false)
	must(t, c, led(m, "UPDATE o SET v = 'y'")) // more rows than are read
	if got := s.book.say(m); got != "sql update o rows 10: UPDATE o SET v = 'y' [] rolled_back" {
		t.Errorf("recorded %s", got)
	}
	must(t, c, led(m, "UPDATE o SET id = id + 100 WHERE id = 1"))
	must(t, c, led(m, "INSERT INTO o SELECT id + 1000, v FROM o"))
	must(t, c, led(u, "SELECT 1"))
	must(t, c, "BEGIN")
	for range 4 {
		must(t, c, led(u, "UPDATE o SET v = 'z' WHERE id = 1"))
	}
	must(t, c, "COMMIT")
	if got := s.book.of(u); len(got) != 2 || !got[1].Truncated || s.proxy.Events.Dropped.Load() != 2 {
		t.Errorf("%d recorded, %d dropped", len(got), s.proxy.Events.Dropped.Load())
	}
	// Settings and prepared statements by SQL.
	must(t, c, "DEALLOCATE ALL")
	must(t, c, led(u, "UPDATE o SET v = 'q' WHERE id = 1"))
}

package mysql

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// pending are effects of a transaction that has not ended.
type pending struct {
	items  []effect
	bytes  int
	points []point
}

type effect struct {
	mark v1.Mark
	what v1.Effect
}

// point is a savepoint: effects from at on go when the transaction goes back to it.
type point struct {
	name string
	at   int
}

func (f *pending) add(s *session, m v1.Mark, e v1.Effect) {
	size := len(e.Text)
	for _, list := range [][]v1.ColumnValue{e.Before, e.After} {
		for _, c := range list {
			if c.Value != nil {
				size += len(*c.Value)
			}
		}
	}
	if len(f.items) >= s.limits.fx || f.bytes+size > s.limits.fxBytes {
		s.Events().Dropped.Add(1)
		if n := len(f.items); n > 0 {
			f.items[n-1].what.Truncated = true
		}
		return
	}
	f.bytes += size
	f.items = append(f.items, effect{m, e})
}

// settle tells the recorder: what they are part of has been committed, as far as the client knows.
func (f *pending) settle(s *session) {
	for i := range f.items {
		s.Record(f.items[i].mark, f.items[i].what)
	}
	f.forget()
}

// unknownIf tells the recorder of effects whose commit got no answer, or forgets those that were not to be
// committed yet.
func (f *pending) unknownIf(s *session, committing bool) {
	for i := range f.items {
		if committing {
			if f.items[i].what.Fate == "" {
				f.items[i].what.Fate = "unknown"
			}
			s.Record(f.items[i].mark, f.items[i].what)
		}
	}
	f.forget()
}

func (f *pending) forget() {
	clear(f.items)
	f.items, f.points, f.bytes = f.items[:0], f.points[:0], 0
}

// since drops what came behind the first n.
func (f *pending) since(n int) {
	if n < len(f.items) {
		clear(f.items[n:])
		f.items = f.items[:n]
	}
}

// savepoint follows SAVEPOINT, ROLLBACK TO and RELEASE.
func (f *pending) savepoint(sql []byte) {
	first, name := firstAndLast(sql)
	name = strings.ToLower(name)
	switch strings.ToUpper(first) {
	case "SAVEPOINT":
		f.points = append(f.points, point{name, len(f.items)})
	case "ROLLBACK":
		for i, p := range slices.Backward(f.points) {
			if p.name == name {
				f.since(p.at)
				f.points = f.points[:i+1]
				return
			}
		}
	}
}

// firstAndLast are the first and the last word of a statement, names without their quotes.
func firstAndLast(sql []byte) (first, last string) {
	sc := sqltext.NewScanner(sql, sqltext.Options{})
	for {
		t := sc.Next()
		switch t.Kind {
		case sqltext.End, sqltext.Bad:
			return first, last
		case sqltext.Word:
			last = string(sql[t.Start:t.End])
		case sqltext.Quoted:
			last = strings.ReplaceAll(string(sql[t.Start+1:t.End-1]), "``", "`")
		}
		if first == "" {
			first = last
		}
	}
}

const (
	maxText = 64 << 10 // bytes of a statement in an effect
	maxArg  = 4 << 10
)

// effectOf is a statement as an effect, where its rows are not known.
func (s *session) effectOf(st *statement, a *answer) v1.Effect {
	e := v1.Effect{Kind: v1.EffectSQL, Op: st.info.Verb, Rows: int64(min(a.affected, 1<<62))}
	e.Text, e.Truncated = bounded(st.text, maxText)
	if e.Op == "" {
		e.Op = "statement"
	}
	if tables, ok := sqltext.Tables(st.text, s.options()); ok && len(tables) > 0 {
		e.Target = nameOf(tables[0])
	}
	if st.exec != nil {
		if err := s.decode(st); err == nil {
			total := 0
			for _, p := range st.params {
				text, cut := p.text()
				if total += len(text); total > maxText || len(e.Args) >= 4096 {
					e.Truncated = true
					break
				}
				e.Args = append(e.Args, text)
				e.Truncated = e.Truncated || cut
			}
		} else {
			e.Truncated = true
		}
	}
	if st.p.size == maxPayload {
		e.Truncated = true
	}
	return e
}

func nameOf(t sqltext.Table) string {
	if t.Schema != "" {
		return t.Schema + "." + t.Name
	}
	return t.Name
}

// bounded is text as UTF-8, cut at n bytes.
func bounded(b []byte, n int) (string, bool) {
	cut := len(b) > n
	if cut {
		b = b[:n]
		for k := 0; k < utf8.UTFMax && len(b) > 0 && !utf8.Valid(b[max(0, len(b)-utf8.UTFMax):]); k++ {
			b = b[:len(b)-1]
		}
	}
	if utf8.Valid(b) {
		return string(b), cut
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), cut
}

// text is a parameter for people: its value, hexadecimal where it is no UTF-8.
func (p param) text() (string, bool) {
	switch {
	case p.null:
		return "NULL", false
	case p.kind == paramInt:
		return strconv.FormatInt(p.int, 10), false
	case p.kind == paramUint:
		return strconv.FormatUint(uint64(p.int), 10), false
	case p.kind == paramFloat:
		return strconv.FormatFloat(p.float, 'g', -1, 64), false
	case p.long:
		return "", true
	}
	if !utf8.Valid(p.bytes) {
		b := p.bytes[:min(len(p.bytes), maxArg/2)]
		return "0x" + hexOf(b), len(b) < len(p.bytes)
	}
	return bounded(p.bytes, maxArg)
}

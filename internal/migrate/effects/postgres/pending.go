package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"math"
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

// unsure tells the recorder of effects whose commit got no answer.
func (f *pending) unsure(s *session) {
	for i := range f.items {
		if f.items[i].what.Fate == "" {
			f.items[i].what.Fate = "unknown"
		}
	}
	f.settle(s)
}

func (f *pending) forget() {
	clear(f.items)
	f.items, f.points, f.bytes = f.items[:0], f.points[:0], 0
}

// savepoint follows SAVEPOINT and ROLLBACK TO.
func (f *pending) savepoint(sql string) {
	first, name := firstAndLast(sql)
	switch strings.ToUpper(first) {
	case "SAVEPOINT":
		f.points = append(f.points, point{name, len(f.items)})
	case "ROLLBACK":
		for i, p := range slices.Backward(f.points) {
			if p.name == name {
				clear(f.items[min(p.at, len(f.items)):])
				f.items = f.items[:min(p.at, len(f.items))]
				f.points = f.points[:i+1]
				return
			}
		}
	}
}

// firstAndLast are the first and the last word of a statement, names as the database knows them.
func firstAndLast(sql string) (first, last string) {
	sc := sqltext.NewScanner([]byte(sql), sqltext.Options{Dialect: sqltext.Postgres})
	for {
		t := sc.Next()
		switch t.Kind {
		case sqltext.End, sqltext.Bad:
			return first, last
		case sqltext.Word:
			last = strings.ToLower(sql[t.Start:t.End])
		case sqltext.Quoted:
			last = strings.ReplaceAll(sql[t.Start+1:t.End-1], `""`, `"`)
		default:
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

// bounded is text as UTF-8, cut at n bytes.
func bounded(b []byte, n int) (string, bool) {
	cut := len(b) > n
	if cut {
		for n > 0 && !utf8.RuneStart(b[n]) {
			n--
		}
		b = b[:n]
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), cut
}

// param is a parameter as Bind has it.
type param struct {
	b      []byte
	null   bool
	binary bool
}

// params takes the parameters of a portal apart.
func (p *portal) params() []param {
	c := cursor{b: p.values}
	formats := make([]bool, c.u16())
	for i := range formats {
		formats[i] = c.u16() == 1
	}
	out := make([]param, c.u16())
	for i := range out {
		n := int32(c.u32())
		out[i].null = n < 0
		if n > 0 {
			out[i].b = c.take(int(n))
		}
		switch {
		case len(formats) == 1:
			out[i].binary = formats[0]
		case i < len(formats):
			out[i].binary = formats[i]
		}
	}
	return out
}

// oid is the type of a parameter, 0 where it is not known.
func (p *prepared) oid(i int) uint32 {
	if 4*i+4 > len(p.oids) {
		return 0
	}
	return binary.BigEndian.Uint32(p.oids[4*i:])
}

// text is a parameter for people.
func (p param) text(oid uint32) (string, bool) {
	const boolean, bytea, int8s, int2s, int4s, textual, oids, float4s, float8s, bpchar, varchar = 16, 17, 20, 21, 23, 25, 26, 700, 701, 1042, 1043
	if p.null {
		return "NULL", false
	}
	if !p.binary && utf8.Valid(p.b) || p.binary && (oid == textual || oid == bpchar || oid == varchar) && utf8.Valid(p.b) {
		return bounded(p.b, maxArg)
	}
	if p.binary {
		switch n := len(p.b); {
		case oid == boolean && n == 1:
			return strconv.FormatBool(p.b[0] != 0), false
		case oid == int2s && n == 2:
			return strconv.Itoa(int(int16(binary.BigEndian.Uint16(p.b)))), false
		case (oid == int4s || oid == oids) && n == 4:
			return strconv.Itoa(int(int32(binary.BigEndian.Uint32(p.b)))), false
		case oid == int8s && n == 8:
			return strconv.FormatInt(int64(binary.BigEndian.Uint64(p.b)), 10), false
		case oid == float4s && n == 4:
			return strconv.FormatFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(p.b))), 'g', -1, 32), false
		case oid == float8s && n == 8:
			return strconv.FormatFloat(math.Float64frombits(binary.BigEndian.Uint64(p.b)), 'g', -1, 64), false
		}
	}
	b := p.b[:min(len(p.b), maxArg/2)]
	return "0x" + hex.EncodeToString(b), len(b) < len(p.b)
}

package mysql

import (
	"encoding/binary"
	"fmt"
	"math"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// prepared is a statement that the client prepared.
type prepared struct {
	text   []byte // without the mark
	mark   v1.Mark
	marked bool
	info   sqltext.Info
	params int
	types  []byte // of the parameters, two bytes each, as last sent
	long   map[int]bool
	aside  bool // on the connection of shadows, under this id
	id     uint32
}

// asideBit tells the ids of statements on the shadows' connection, as the client knows them.
const asideBit = 1 << 31

// latestID stands for the statement prepared last (MariaDB).
const latestID = math.MaxUint32

// prepare lets the server read a statement. What would be refused is refused here already.
func (s *session) prepare(p packet) error {
	st := s.newStatement(p)
	if p.size == maxPayload || len(s.prepared) >= s.limits.prepared {
		if err := s.skipRest(p); err != nil {
			return err
		}
		return s.refuse(errNetPacketTooBig, "08S01", "JD-EFFECTS-112", "too many prepared statements, or one of 16 MiB or more; close some")
	}
	s.latest = latestID
	l := s.main
	if st.marked && st.mark.Shadow && s.Rule.Shadow.Mode == effects.ShadowDivert && !controls(st.info) {
		if why := s.leavesSchema(st); why != "" {
			return s.refuseShadow(st, why)
		}
		var err error
		if l, err = s.openAside(); err != nil {
			return s.refuseAside(err)
		}
	}
	if _, err := l.conn.Write(p.raw); err != nil {
		return s.lost(l, err)
	}
	known := &prepared{text: append([]byte(nil), st.text...), mark: st.mark, marked: st.marked, info: st.info, aside: l != s.main}
	if err := s.relayPrepare(l, known); err != nil {
		return s.lost(l, err)
	}
	return l.flush()
}

// controls says whether a statement is one of the words of transactions and sessions.
func controls(i sqltext.Info) bool {
	return i.Class >= sqltext.Begin && i.Class <= sqltext.Rollback
}

func (s *session) relayPrepare(l *link, known *prepared) error {
	l.from = l.r
	p, err := l.next()
	if err != nil {
		return err
	}
	if p.first() == isErr {
		return nil
	}
	c := cursor{b: p.body()}
	c.u8()
	known.id = c.u32()
	columns := c.u16()
	known.params = int(c.u16())
	if c.bad {
		return errProtocol
	}
	id := known.id
	if known.aside {
		id |= asideBit
		binary.LittleEndian.PutUint32(p.body()[1:], id)
	}
	for _, n := range []int{known.params, int(columns)} {
		if n == 0 {
			continue
		}
		if !s.shortEOF() {
			n++
		}
		for range n {
			if _, err := l.next(); err != nil {
				return err
			}
		}
	}
	s.prepared[id], s.latest = known, id
	return nil
}

// find is the statement that a command names, with its id made the server's.
func (s *session) find(p packet) (*prepared, uint32) {
	if len(p.body()) < 5 {
		return nil, 0
	}
	id := binary.LittleEndian.Uint32(p.body()[1:])
	if id == latestID {
		id = s.latest
	}
	known := s.prepared[id]
	if known != nil {
		binary.LittleEndian.PutUint32(p.body()[1:], known.id)
	}
	return known, id
}

func (s *session) linkOf(known *prepared) *link {
	if known.aside {
		return s.aside
	}
	return s.main
}

func (s *session) unknownStatement(id uint32, what string) error {
	return s.refuse(errUnknownStmt, "HY000", "JD-EFFECTS-112", fmt.Sprintf("unknown prepared statement %d given to %s; prepare it again", id, what))
}

func (s *session) execute(p packet) error {
	known, id := s.find(p)
	if known == nil || known.aside && s.aside == nil {
		if err := s.skipRest(p); err != nil {
			return err
		}
		return s.unknownStatement(id, "execute")
	}
	st := &s.st
	*st = statement{p: p, text: known.text, mark: known.mark, marked: known.marked, info: known.info, exec: known}
	st.bad = s.noteTypes(st) != nil
	err := s.statement(st)
	clear(known.long)
	return err
}

// longData passes a piece of a parameter on; there is no answer.
func (s *session) longData(p packet) error {
	known, _ := s.find(p)
	l := s.main
	if known != nil {
		if len(p.body()) >= 7 {
			if known.long == nil {
				known.long = map[int]bool{}
			}
			if len(known.long) <= known.params {
				known.long[int(binary.LittleEndian.Uint16(p.body()[5:]))] = true
			}
		}
		l = s.linkOf(known)
	}
	for {
		if l != nil {
			if _, err := l.conn.Write(p.raw); err != nil {
				return err
			}
		}
		if p.size != maxPayload {
			return nil
		}
		var err error
		if p, err = s.cl.command(); err != nil {
			return err
		}
	}
}

// closeStatement has no answer.
func (s *session) closeStatement(p packet) error {
	known, id := s.find(p)
	if known == nil {
		return nil
	}
	delete(s.prepared, id)
	l := s.linkOf(known)
	if l == nil {
		return nil
	}
	_, err := l.conn.Write(p.raw)
	return err
}

func (s *session) resetStatement(p packet) error {
	known, id := s.find(p)
	if known == nil || s.linkOf(known) == nil {
		return s.unknownStatement(id, "reset")
	}
	clear(known.long)
	return s.passOn(s.linkOf(known), p, expectResult)
}

func (s *session) fetch(p packet) error {
	known, id := s.find(p)
	if known == nil || s.linkOf(known) == nil {
		return s.unknownStatement(id, "fetch")
	}
	return s.passOn(s.linkOf(known), p, expectRows)
}

func (s *session) passOn(l *link, p packet, e expect) error {
	if l == s.main {
		return s.pass(p, e)
	}
	var a answer
	if _, err := l.conn.Write(p.raw); err != nil {
		return s.lost(l, err)
	}
	if err := l.relay(e, &a, true); err != nil {
		return s.lost(l, err)
	}
	return l.flush()
}

const (
	paramBytes paramKind = iota // text or bytes, a decimal, a JSON document
	paramInt
	paramUint
	paramFloat
	paramTime // as MySQL writes it
)

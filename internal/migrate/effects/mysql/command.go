package mysql

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// Commands of the protocol.
const (
	comQuit        = 0x01
	comInitDB      = 0x02
	comQuery       = 0x03
	comFieldList   = 0x04
	comStatistics  = 0x09
	comProcessInfo = 0x0a
	comPing        = 0x0e
	comChangeUser  = 0x11
	comPrepare     = 0x16
	comExecute     = 0x17
	comLongData    = 0x18
	comClose       = 0x19
	comReset       = 0x1a
	comSetOption   = 0x1b
	comFetch       = 0x1c
	comResetConn   = 0x1f
)

// statement is one statement of the client, sent as text or prepared before.
type statement struct {
	p      packet
	text   []byte // without the mark
	mark   v1.Mark
	marked bool
	info   sqltext.Info
	exec   *prepared // nil for text
	params []param   // of exec, once they are decoded
	bad    bool      // params could not be decoded
}

func (st *statement) is(c sqltext.Class) bool { return st.info.Class == c }

// command carries one command out; false ends the connection in order.
func (s *session) command(p packet) (bool, error) {
	s.reply = p.seq() + 1
	switch p.first() {
	case comQuery:
		return true, s.statement(s.newStatement(p))
	case comPrepare:
		return true, s.prepare(p)
	case comExecute:
		return true, s.execute(p)
	case comLongData:
		return true, s.longData(p)
	case comClose:
		return true, s.closeStatement(p)
	case comReset:
		return true, s.resetStatement(p)
	case comFetch:
		return true, s.fetch(p)
	case comQuit:
		_, err := s.main.conn.Write(p.raw)
		return false, err
	case comPing:
		return true, s.pass(p, expectResult)
	case comFieldList:
		return true, s.pass(p, expectFields)
	case comStatistics:
		return true, s.pass(p, expectText)
	case comProcessInfo:
		return true, s.pass(p, expectResult)
	case comInitDB:
		return true, s.initDB(p)
	case comSetOption:
		if len(p.body()) == 3 && binary.LittleEndian.Uint16(p.body()[1:]) == 0 {
			return true, s.refuse(errUnknownCommand, "08S01", "JD-EFFECTS-112", "several statements at once are not carried; send them one by one (in the client: allowMultiQueries=false, multiStatements=false)")
		}
		return true, s.pass(p, expectRows)
	case comResetConn:
		return true, s.resetConnection(p)
	case comChangeUser:
		return s.changeUser(p)
	}
	if err := s.skipRest(p); err != nil {
		return false, err
	}
	return true, s.refuse(errUnknownCommand, "08S01", "JD-EFFECTS-112", fmt.Sprintf("command 0x%02x is not carried; go to the database itself for it", p.first()))
}

// pass sends a command as it is and relays the answer.
func (s *session) pass(p packet, e expect) error {
	var a answer
	if _, err := s.main.conn.Write(p.raw); err != nil {
		return err
	}
	if err := s.main.relay(e, &a, s.shade.open); err != nil {
		return err
	}
	return s.main.flush()
}

// skipRest lets the rest of a command go that takes more than one packet.
func (s *session) skipRest(p packet) error {
	for p.size == maxPayload {
		var err error
		if p, err = s.cl.command(); err != nil {
			return err
		}
		s.reply = p.seq() + 1
	}
	return nil
}

// newStatement reads the mark and the class of a statement of text.
func (s *session) newStatement(p packet) *statement {
	st := &s.st
	*st = statement{p: p}
	st.mark, st.text, st.marked = s.readMark(p.body()[1:])
	st.info = sqltext.Classify(st.text, s.options())
	return st
}

// readMark reads the mark of a statement. A run sends many statements with the same one.
func (s *session) readMark(sql []byte) (v1.Mark, []byte, bool) {
	if n := len(s.lastMark); n > 0 && len(sql) > n && bytes.Equal(sql[:n], s.lastMark) && !bytes.Contains(sql[n:], []byte("jindu:")) {
		return s.mark, bytes.TrimPrefix(sql[n:], []byte(" ")), true
	}
	m, rest, ok := sqltext.Mark(sql)
	if end := bytes.Index(sql, []byte("*/")); ok && sql[0] == '/' {
		s.lastMark, s.mark = append(s.lastMark[:0], sql[:end+2]...), m
	}
	return m, rest, ok
}

// statement decides by the mark.
func (s *session) statement(st *statement) error {
	control := st.info.Class >= sqltext.Begin && st.info.Class <= sqltext.Rollback
	switch {
	case st.marked && !st.mark.Shadow:
		s.Events().Users.Add(1)
	case st.marked:
		s.Events().Shadows.Add(1)
	default:
		s.Events().Unmarked.Add(1)
	}
	switch {
	case st.marked && !st.mark.Shadow && !control:
		return s.user(st)
	case st.p.size == maxPayload: // and more packets follow
		if err := s.skipRest(st.p); err != nil {
			return err
		}
		return s.refuse(errNetPacketTooBig, "08S01", "JD-EFFECTS-112", "a statement of 16 MiB or more needs the mark of a user; shadows and statements without a mark are read whole")
	case control:
		return s.control(st)
	case st.marked:
		return s.shadow(st)
	}
	return s.unmarked(st)
}

// user passes a statement of a user untouched, and records what it wrote.
func (s *session) user(st *statement) error {
	if s.shade.open {
		if s.shade.busy() {
			return s.refuse(errDenied, "42000", "JD-EFFECTS-113", "the open transaction holds what a shadow wrote, so a user's statement cannot join it; end it first")
		}
		if err := s.closeShade(); err != nil {
			return err
		}
	}
	s.userTx = true
	return s.forward(st)
}

// unmarked decides about a statement without a mark that is not of the words of transactions.
func (s *session) unmarked(st *statement) error {
	if st.is(sqltext.Read) {
		return s.forward(st)
	}
	if s.Rule.Unmarked == effects.UnmarkedPass {
		s.Unattributed()
		return s.forward(st)
	}
	s.Refused(v1.Mark{}, v1.Effect{})
	return s.refuse(errDenied, "42000", "JD-EFFECTS-110", "a statement without a mark that "+does(st.info)+" is refused; send it within a request through sdk/effects or the Java agent, "+
		"or, where no shadows come, set effects.proxies."+s.Name()+".unmarked to pass")
}

// does says in words what a class of statement does.
func does(i sqltext.Info) string {
	switch i.Class {
	case sqltext.Write:
		return "writes"
	case sqltext.DDL:
		return "changes the schema or commits by itself"
	case sqltext.Admin:
		return "has effects that no rollback takes back"
	}
	if len(i.Calls) > 0 {
		return "calls " + strings.Join(i.Calls[:min(3, len(i.Calls))], ", ") + ", which may write,"
	}
	return "the proxy cannot classify"
}

// forward sends a statement to the main connection as it is and relays the answer.
func (s *session) forward(st *statement) error {
	var a answer
	writes := st.marked && !st.mark.Shadow && writesRows(st.info)
	if err := s.send(st); err != nil {
		return err
	}
	if err := s.main.relay(expectResult, &a, s.shade.open); err != nil {
		if writes {
			e := s.effectOf(st, &a)
			e.Fate = "unknown"
			s.Record(st.mark, e)
		}
		s.fx.unknownIf(s, st.is(sqltext.Commit))
		return err
	}
	s.settleMain(st, &a, writes)
	return s.main.flush()
}

// send writes a statement to the main connection, with the packets that it goes on in.
func (s *session) send(st *statement) error {
	if _, err := s.main.conn.Write(st.p.raw); err != nil {
		return err
	}
	for p := st.p; p.size == maxPayload; {
		var err error
		if p, err = s.cl.command(); err != nil {
			return err
		}
		if _, err = s.main.conn.Write(p.raw); err != nil {
			return err
		}
	}
	return nil
}

// writesRows says whether a user's statement is worth recording.
func writesRows(i sqltext.Info) bool {
	switch i.Class {
	case sqltext.Write, sqltext.DDL, sqltext.Unknown:
		return true
	case sqltext.Admin:
		return i.Verb != "select"
	}
	return false
}

// settleMain keeps the books after a statement on the main connection, outside of a shade.
func (s *session) settleMain(st *statement, a *answer, writes bool) {
	if s.shade.open {
		return
	}
	if a.failed {
		if a.code == errDeadlock {
			s.fx.forget()
			s.userTx = false
		}
		if st.is(sqltext.Commit) {
			s.fx.unknownIf(s, true)
		}
		return
	}
	if writes && (st.info.Class != sqltext.Unknown || a.affected > 0 || !a.rows) {
		s.fx.add(s, st.mark, s.effectOf(st, a))
	}
	switch st.info.Class {
	case sqltext.Commit:
		s.fx.settle(s)
	case sqltext.Rollback:
		s.fx.forget()
	case sqltext.Savepoint:
		s.fx.savepoint(st.text)
	case sqltext.Set, sqltext.Use:
		s.noteSetting(st)
	}
	if !s.main.inTrans() {
		s.userTx = false
		if s.aside == nil || !s.aside.inTrans() {
			s.fx.settle(s)
		}
	}
}

// noteSetting remembers what a SET or USE changed of how statements are read.
func (s *session) noteSetting(st *statement) {
	if st.is(sqltext.Use) {
		s.schema = ""
		return
	}
	s.charset = ""
	if wideCharset(string(st.text)) {
		s.wide = true
	}
}

func (s *session) initDB(p packet) error {
	var a answer
	if _, err := s.main.conn.Write(p.raw); err != nil {
		return err
	}
	name := string(p.body()[1:])
	if err := s.main.relay(expectResult, &a, s.shade.open); err != nil {
		return err
	}
	if !a.failed {
		s.schema = name
	}
	return s.main.flush()
}

// resetConnection ends whatever is open; the server rolls back, too.
func (s *session) resetConnection(p packet) error {
	s.forgetAll()
	if err := s.pass(p, expectResult); err != nil {
		return err
	}
	s.wide, s.charset = s.wide || wideCollation(s.collate), ""
	return nil
}

// forgetAll drops what ends with the session of the server.
func (s *session) forgetAll() {
	if s.shade.open {
		s.Events().RolledBack.Add(1)
	}
	s.shade = shade{}
	s.fx.forget()
	s.userTx = false
	clear(s.prepared)
	s.settings, s.charset = nil, ""
	if s.aside != nil {
		_ = s.aside.conn.Close()
		s.aside = nil
	}
}

func (s *session) changeUser(p packet) (bool, error) {
	s.forgetAll()
	c := cursor{b: p.body()[1:]}
	c.until0()
	if s.caps&capSecureConnection != 0 {
		c.take(int(c.u8()))
	} else {
		c.until0()
	}
	s.schema = string(c.until0())
	if id := c.u16(); !c.bad && id != 0 {
		s.collate = byte(id)
		s.wide = id > 255 || wideCollation(byte(id))
	}
	s.main.sink = nil
	ok, err := s.authenticate(p, 0)
	s.main.sink = s.cl.conn
	return ok, err
}

package mysql

import (
	"bytes"
	"errors"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// divert runs a statement of a shadow on the connection of the shadows' user, in the shadows' schema.
func (s *session) divert(st *statement) error {
	if st.exec != nil && !st.exec.aside {
		return s.refuseShadow(st, "it was prepared on the connection of users; prepare it with the mark of the shadow")
	}
	if why := s.leavesSchema(st); why != "" {
		return s.refuseShadow(st, why)
	}
	l, err := s.openAside()
	if err != nil {
		return s.refuseAside(err)
	}
	s.Events().Diverted.Add(1)
	if s.main.inTrans() && s.main.status&statusAutocommit != 0 && !l.inTrans() {
		if _, err := l.do("START TRANSACTION"); err != nil {
			return s.lostAside(err)
		}
	}
	if st.is(sqltext.Read) {
		var a answer
		if _, err := l.conn.Write(st.p.raw); err != nil {
			return s.lostAside(err)
		}
		if err := l.relay(expectResult, &a, true); err != nil {
			return s.lost(l, err)
		}
		return l.flush()
	}
	return s.writeAside(l, st)
}

// writeAside runs a write on the shadows' connection, with its rows before and after. Outside of a
// transaction it gets one of its own, so that the three belong together.
func (s *session) writeAside(l *link, st *statement) error {
	own := !l.inTrans() && l.status&statusAutocommit != 0
	if own {
		if _, err := l.do("START TRANSACTION"); err != nil {
			return s.lostAside(err)
		}
	}
	a, held, err := s.write(l, st, "shadowed")
	if err != nil {
		return s.lost(l, err)
	}
	if own {
		if _, err := l.do("COMMIT"); err != nil {
			s.fx.forget()
			return s.lostAside(err)
		}
		s.fx.settle(s)
	} else if a.failed && a.code == errDeadlock {
		s.fx.forget()
	}
	_, err = s.cl.conn.Write(held)
	return err
}

// leavesSchema says why a statement cannot be diverted, "" when it can.
func (s *session) leavesSchema(st *statement) string {
	if st.info.Class != sqltext.Read && st.info.Class != sqltext.Write {
		return "only reads and changes of rows are diverted"
	}
	tables, ok := sqltext.Tables(st.text, s.options())
	if !ok {
		return "the proxy cannot tell which tables it names"
	}
	for _, t := range tables {
		if t.Catalog != "" || t.Schema != "" && !strings.EqualFold(t.Schema, s.Rule.Shadow.To) && !strings.EqualFold(t.Schema, "information_schema") {
			return "it names table " + nameOf(t) + " by its schema; shadows go to " + s.Rule.Shadow.To + ", so leave the schema out"
		}
	}
	if st.info.Verb == "load" {
		return "a file of the server is read"
	}
	return ""
}

// openAside gives the connection of the shadows' user, which is made when it is first needed.
func (s *session) openAside() (*link, error) {
	if s.aside != nil {
		return s.aside, nil
	}
	conn, err := s.Dial()
	if err != nil {
		return nil, err
	}
	l := &link{stream: newStream(conn), session: s}
	if err := s.enter(l); err != nil {
		_ = conn.Close()
		return nil, err
	}
	l.take()
	if err := s.holdsNothing(l); err != nil {
		_ = conn.Close()
		return nil, err
	}
	for _, sql := range s.settings {
		if _, err := l.do(string(sql)); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	l.sink = s.cl.conn
	s.aside = l
	return l, nil
}

// holdsNothing refuses a shadows' user that could write outside of the shadows' schema, as far as its own
// grants tell.
func (s *session) holdsNothing(l *link) error {
	rows, _, _, err := l.ask("SHOW GRANTS", 1024)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if len(r) == 0 {
			return errProtocol
		}
		if grant := string(r[0]); wideGrant(grant, s.Rule.Shadow.To) {
			return failure(kind.Denied, "JD-EFFECTS-103", "proxy %s: user %s of effects.proxies.%s.shadow may do more than use schema %s; revoke what it has elsewhere", s.Name(), s.Rule.Shadow.User, s.Name(), s.Rule.Shadow.To)
		}
	}
	return nil
}

// wideGrant says whether a line of SHOW GRANTS gives rights to write outside of a schema.
func wideGrant(grant, schema string) bool {
	upper := strings.ToUpper(grant)
	what, rest, ok := strings.Cut(upper, " ON ")
	if !ok {
		return true // a role, which could hold anything
	}
	what = strings.TrimSpace(strings.TrimPrefix(what, "GRANT "))
	if what == "USAGE" || what == "SELECT" {
		return false
	}
	where, _, _ := strings.Cut(rest, " TO ")
	where = strings.TrimSpace(where)
	for _, kind := range []string{"TABLE ", "PROCEDURE ", "FUNCTION "} {
		where = strings.TrimPrefix(where, kind)
	}
	owner := quote(strings.ToUpper(schema)) + "."
	plain := strings.ReplaceAll(where, "\\_", "_")
	return !strings.HasPrefix(plain, owner)
}

// refuseAside tells the client that there is no connection for shadows.
func (s *session) refuseAside(err error) error {
	s.Log.Warn("shadow connection failed", "error", err)
	return s.refuse(errConCount, "08004", "JD-EFFECTS-115", "there is no connection for shadows: "+err.Error())
}

// lostAside ends the shadows' connection. The client's own stays.
func (s *session) lostAside(err error) error {
	if s.aside != nil {
		_ = s.aside.conn.Close()
		s.aside = nil
	}
	s.fx.forget()
	return s.refuseAside(err)
}

// lost is what an error on a link within a statement means. When an answer may have been begun nothing but
// the end of the connection is understood.
func (s *session) lost(l *link, err error) error {
	if l != s.main && s.aside == l {
		_ = l.conn.Close()
		s.aside = nil
		s.fx.forget()
	}
	return err
}

// controlAside does on the shadows' connection what the client does to its transaction. ended says that the
// client was answered.
func (s *session) controlAside(st *statement) (ended bool, err error) {
	l := s.aside
	sql := string(st.text)
	switch st.info.Class {
	case sqltext.Begin:
		sql = "COMMIT" // as BEGIN does to what is open
	case sqltext.Commit, sqltext.Rollback, sqltext.Savepoint:
	default:
		return false, nil
	}
	if !l.inTrans() {
		return false, nil
	}
	_, err = l.do(sql)
	e, refused := errors.AsType[*serverError](err)
	switch {
	case err == nil && st.info.Class == sqltext.Begin:
		s.fx.settle(s)
		return false, nil
	case err == nil:
		return false, nil
	case refused && e.code == errNoSavepoint && st.is(sqltext.Savepoint):
		// It was set before the shadow came: all that the shadow wrote goes.
		s.fx.forget()
		_, err = l.do("ROLLBACK")
		if err == nil {
			return false, nil
		}
	}
	if _, err := s.main.do("ROLLBACK"); err != nil {
		return true, err
	}
	return true, s.lostAside(err)
}

// repeatAside remembers a SET for the shadows' connection, and repeats it where there is one.
func (s *session) repeatAside(st *statement) {
	text := append([]byte(nil), st.text...)
	for i, old := range s.settings {
		if bytes.Equal(old, text) {
			s.settings = append(s.settings[:i], s.settings[i+1:]...)
			break
		}
	}
	if len(s.settings) >= s.limits.settings {
		s.settings = s.settings[1:]
	}
	s.settings = append(s.settings, text)
	if s.aside == nil {
		return
	}
	if _, err := s.aside.do(string(text)); err != nil {
		_ = s.aside.conn.Close()
		s.aside = nil
	}
}

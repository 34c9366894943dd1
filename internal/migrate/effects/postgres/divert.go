package postgres

import (
	"bytes"
	"errors"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// target is where shadows go: schemas of a search path, and a database where that is not the client's.
func (s *session) target() (database string, path []string) {
	database, schemas, other := strings.Cut(s.Rule.Shadow.To, "/")
	if !other {
		database, schemas = s.start.get("database"), s.Rule.Shadow.To
		if database == "" {
			database = s.start.get("user")
		}
	}
	for name := range strings.SplitSeq(schemas, ",") {
		if name = strings.TrimSpace(name); name != "" {
			path = append(path, name)
		}
	}
	return database, path
}

// leavesSchema says why a statement cannot be diverted, "" when it can.
func (s *session) leavesSchema(p *prepared) string {
	if p.info.Class != sqltext.Read && p.info.Class != sqltext.Write {
		return "only reads and changes of rows are diverted"
	}
	tables, ok := sqltext.Tables(p.text, s.options())
	if !ok {
		return "the proxy cannot tell which tables it names"
	}
	_, path := s.target()
	for _, t := range tables {
		own := t.Schema == "" || t.Schema == "pg_catalog" || t.Schema == "information_schema"
		for _, name := range path {
			own = own || t.Schema == name
		}
		if t.Catalog != "" || !own {
			return "it names table " + nameOf(t) + " by its schema; shadows go to " + s.Rule.Shadow.To + ", so leave the schema out"
		}
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
	err = s.enterAside(l)
	if err == nil {
		err = s.holdsNothing(l)
	}
	for _, sql := range s.settings {
		if err == nil {
			err = l.do(string(sql))
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	l.before = s.flush
	s.mu.Lock()
	s.aside = l
	s.mu.Unlock()
	return l, nil
}

// holdsNothing refuses a shadows' user that could write outside of the shadows' schemas, as the database
// tells.
func (s *session) holdsNothing(l *link) error {
	_, path := s.target()
	r, err := l.ask(`SELECT r.rolname FROM pg_catalog.pg_roles r WHERE (r.rolsuper OR r.rolcreaterole OR r.rolreplication) AND pg_catalog.pg_has_role(r.oid, 'MEMBER')
UNION ALL SELECT c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND NOT n.nspname = ANY (pg_catalog.string_to_array($1, E'\n'))
 AND (pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') OR pg_catalog.has_any_column_privilege(c.oid, 'INSERT, UPDATE')) LIMIT 1`,
		asking{oids: textOID, values: textValues(strings.Join(path, "\n")), most: 1})
	if err != nil {
		return err
	}
	if len(r.rows) > 0 {
		return kind.New(kind.Denied, "JD-EFFECTS-103", "proxy %s: user %s of effects.proxies.%s.shadow may do more than use %s: it has rights of, or on, %s; revoke what it has elsewhere",
			s.Name(), s.Rule.Shadow.User, s.Name(), s.Rule.Shadow.To, strings.ToValidUTF8(string(r.rows[0][0]), "?"))
	}
	return nil
}

// partAside makes the shadows' connection part of the client's batch, or transaction; where the client has
// none, a write gets one of its own, so that it and its rows belong together. It is nil when that was refused.
func (s *session) partAside(p *prepared) (*link, error) {
	if len(s.main.pending) > 0 && !s.batch.aside { // Sync tells whether a transaction is open
		if err := s.main.say(msgSync, expected{kind: 'S', hide: all}); err != nil {
			return nil, err
		}
		if err := s.main.settleAll(); err != nil || s.batch.skipping {
			return nil, err
		}
	}
	l, err := s.openAside()
	if err != nil {
		return nil, s.noAside(err)
	}
	s.batch.aside = true
	if l.status == 'I' && (s.main.status != 'I' || p.is(sqltext.Write)) {
		if err := l.do("BEGIN"); err != nil {
			return nil, s.noAside(err)
		}
		s.batch.asideOwn = s.main.status == 'I'
	}
	return l, nil
}

// leaveAside ends the transaction that was only a statement's, or a batch's.
func (s *session) leaveAside() error {
	l := s.aside
	if !s.batch.asideOwn || l == nil {
		return nil
	}
	s.batch.asideOwn = false
	if s.batch.failed {
		s.fx.forget()
		return s.lostAside(l.do("ROLLBACK"))
	}
	err := l.do("COMMIT")
	if e, ok := errors.AsType[*serverError](err); ok {
		s.fx.forget()
		s.put(e.raw)
		s.batch.failed = true
		return nil
	}
	if err != nil {
		return s.lostAside(err)
	}
	s.fx.settle(s)
	return nil
}

// noAside tells the client that there is no connection for shadows.
func (s *session) noAside(err error) error {
	s.Log.Warn("shadow connection failed", "error", err)
	s.dropAside()
	return s.refuse(&refusal{"08006", "there is no connection for shadows: " + err.Error() + " (JD-EFFECTS-115)"})
}

func (s *session) dropAside() {
	if s.aside == nil {
		return
	}
	_ = s.aside.conn.Close()
	s.mu.Lock()
	s.aside = nil
	s.mu.Unlock()
	s.fx.forget()
	for name, p := range s.prepared {
		if p.aside {
			delete(s.prepared, name)
		}
	}
}

// syncAside ends the part of a batch that is the shadows' connection's.
func (s *session) syncAside() error {
	if err := s.main.settleAll(); err != nil {
		return err
	}
	l := s.aside
	if err := l.say(msgSync, expected{kind: 'S', hide: all}); err != nil {
		return err
	}
	if err := l.settleAll(); err != nil {
		return err
	}
	if err := s.leaveAside(); err != nil {
		return err
	}
	if s.batch.failed && s.main.status == 'T' { // the transaction is the client's: both fail
		return s.failMain()
	}
	return nil
}

// failMain makes the transaction of the main connection one that failed.
func (s *session) failMain() error {
	err := s.main.do("refused by the jindu proxy")
	if _, ok := errors.AsType[*serverError](err); ok {
		return nil
	}
	return err
}

// divertQuery runs a simple query of a shadow on the shadows' connection.
func (s *session) divertQuery(p *prepared, m message) error {
	l, err := s.partAside(p)
	if err != nil || l == nil {
		return err
	}
	s.simple = false // Z is told once all is settled
	s.Events().Diverted.Add(1)
	if err := s.divertText(l, p, m); err != nil {
		return s.lostAside(err)
	}
	if err := s.leaveAside(); err != nil {
		return err
	}
	if s.batch.failed && s.main.status == 'T' {
		if err := s.failMain(); err != nil {
			return err
		}
	}
	s.put(readyMessage(s.main.status))
	return nil
}

func (s *session) divertText(l *link, p *prepared, m message) error {
	if p.is(sqltext.Write) {
		im, err := s.imageOf(l, p, nil)
		if e, ok := errors.AsType[*serverError](err); ok {
			return s.fail(e)
		}
		if err != nil {
			return err
		}
		if im != nil {
			return s.write(l, im, p, nil, "shadowed")
		}
	}
	if err := l.say(m.raw, expected{kind: 'Q', of: p, quiet: true}); err != nil {
		return err
	}
	if err := l.settleAll(); err != nil {
		return err
	}
	if p.is(sqltext.Write) && !s.batch.failed {
		e := s.effectOf(p, nil, s.last.rows)
		e.Fate = "shadowed"
		s.fx.add(s, p.mark, e)
	}
	return nil
}

// lostAside ends the session when the shadows' connection failed within an answer.
func (s *session) lostAside(err error) error {
	if err != nil {
		s.dropAside()
	}
	return err
}

// divertPortal runs a portal of a shadow on the shadows' connection.
func (s *session) divertPortal(po *portal, m message, most uint32) error {
	p := po.of
	if !p.aside {
		return s.refuse(&refusal{stateDenied, "it was prepared on the connection of users; prepare it with the mark of the shadow (JD-EFFECTS-111)"})
	}
	l := s.aside
	if err := s.main.settleAll(); err != nil || s.batch.skipping {
		return err
	}
	s.batch.aside = true
	s.Events().Diverted.Add(1)
	if p.is(sqltext.Write) && most == 0 && l.status == 'T' {
		im, err := s.imageOf(l, p, po)
		if e, ok := errors.AsType[*serverError](err); ok {
			return s.fail(e)
		}
		if err != nil {
			return err
		}
		if im != nil {
			return s.lostAside(s.write(l, im, p, po, "shadowed"))
		}
	}
	if err := l.say(m.raw, expected{kind: 'E', of: p, po: po}); err != nil {
		return err
	}
	if !p.is(sqltext.Write) {
		return nil
	}
	if err := l.settleAll(); err != nil || s.batch.failed {
		return err
	}
	e := s.effectOf(p, po, s.last.rows)
	e.Fate = "shadowed"
	s.fx.add(s, p.mark, e)
	return nil
}

// controlAside does on the shadows' connection what the client does to its transaction. ended says that the
// client was answered.
func (s *session) controlAside(p *prepared) (ended bool, err error) {
	if p.is(sqltext.Set) && !p.marked {
		s.repeatAside(p)
	}
	l := s.aside
	if l == nil || l.status == 'I' {
		return false, nil
	}
	switch p.info.Class {
	case sqltext.Commit, sqltext.Rollback, sqltext.Savepoint:
	default:
		return false, nil
	}
	if err := s.settle(); err != nil || s.batch.skipping {
		return true, err
	}
	sql := p.text
	if chains(sql) {
		sql = p.info.Verb
	}
	if p.is(sqltext.Commit) && s.main.status == 'E' {
		sql = "ROLLBACK"
	}
	r, err := l.ask(sql, asking{})
	e, refused := errors.AsType[*serverError](err)
	switch {
	case refused && p.is(sqltext.Savepoint): // it was set before the shadow came: all that the shadow wrote goes
		s.fx.forget()
		return false, l.do("ROLLBACK")
	case refused:
		s.fx.forget()
		if err := s.main.do("ROLLBACK"); err != nil {
			return true, err
		}
		s.failControl(e)
		return true, nil
	case err != nil:
		return true, err
	}
	if p.is(sqltext.Rollback) || r.tag == "ROLLBACK" {
		s.fx.forget()
	}
	return false, nil
}

// failControl answers a COMMIT that the shadows' connection did not take.
func (s *session) failControl(e *serverError) {
	s.put(e.raw)
	s.batch.failed = true
	if !s.simple {
		s.batch.skipping = true
		return
	}
	s.put(readyMessage(s.main.status))
}

// repeatAside remembers a setting for the shadows' connection, and repeats it where there is one. One of a
// transaction goes with it.
func (s *session) repeatAside(p *prepared) {
	first, _ := firstAndLast(p.text)
	if !strings.EqualFold(first, "SET") && !strings.EqualFold(first, "RESET") || isSetLocal(p.text) || namesPath(p.text) {
		return
	}
	text := []byte(p.text)
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
	if s.aside != nil && s.aside.do(p.text) != nil {
		s.dropAside()
	}
}

// namesPath says whether a setting is about whose rights and which schemas the shadows' connection has.
func namesPath(sql string) bool {
	upper := strings.ToUpper(sql)
	for _, word := range []string{"SEARCH_PATH", "SCHEMA", "ROLE", "SESSION AUTHORIZATION", "RESET ALL"} {
		if strings.Contains(upper, word) {
			return true
		}
	}
	return false
}

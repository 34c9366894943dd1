package mysql

import (
	"errors"
	"slices"
	"strings"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// shade is the transaction that holds what a shadow wrote, and what the client is shown instead.
type shade struct {
	open bool
	run  string
	used time.Time
	dead bool // rolled back while the client had a transaction open

	// The client's view.
	autocommit bool
	explicit   bool   // it sent BEGIN
	begun      bool   // its transaction, by BEGIN or without autocommit, holds a statement
	saved      bool   // savepoint stands where it began
	begin      []byte // its BEGIN, which was not sent
}

// savepoint marks in the shade where the client's transaction began.
const savepoint = "`jindu_view`"

// busy says that the client has a transaction open that holds a statement.
func (v *shade) busy() bool { return v.begun && (v.explicit || !v.autocommit) }

// left is how long the shade may be left alone from now.
func (v *shade) left(l limits) time.Duration {
	switch {
	case v.dead:
		return time.Hour // nothing is held; the client has to end its transaction
	case v.busy():
		return max(l.holdInTx-time.Since(v.used), time.Millisecond)
	}
	return max(l.hold-time.Since(v.used), time.Millisecond)
}

// shown is what the client is told of the server's status.
func (s *session) shown(status uint16) uint16 {
	const both = statusInTrans | statusAutocommit
	if !s.shade.open {
		return status&^both | s.main.status&both
	}
	status &^= both
	if s.shade.autocommit {
		status |= statusAutocommit
	}
	if s.shade.explicit || s.shade.busy() {
		status |= statusInTrans
	}
	return status
}

// do sends a statement of the proxy's own that answers with OK.
func (l *link) do(sql string) (answer, error) {
	_, a, _, err := l.ask(sql, 0)
	return a, err
}

// openShade takes the open transaction over, or opens one.
func (s *session) openShade(st *statement) error {
	l := s.main
	auto := l.status&statusAutocommit != 0
	v := shade{open: true, run: st.mark.Run, used: time.Now(), autocommit: auto, explicit: auto && l.inTrans(), begun: l.inTrans() || !auto}
	// Off, so that whatever ends the transaction early, the next statement begins another. A shadow that
	// waits holds its own locks meanwhile, so it may not wait for long.
	a, err := l.do("SET @jindu_wait=@@innodb_lock_wait_timeout, innodb_lock_wait_timeout=1, autocommit=0")
	if err != nil {
		return err
	}
	if a.status&statusAutocommit != 0 {
		return errProtocol
	}
	s.shade = v
	s.Holds(v.run)
	return nil
}

// join makes the shade follow the client into a transaction that it began since.
func (s *session) join() error {
	v := &s.shade
	v.used = time.Now()
	if v.begun || !v.explicit && v.autocommit {
		return nil
	}
	if _, err := s.main.do("SAVEPOINT " + savepoint); err != nil {
		return err
	}
	v.begun, v.saved = true, true
	return nil
}

// closeShade rolls back what shadows wrote and gives the connection back as its client believes it to be.
func (s *session) closeShade() error {
	v := s.shade
	s.fx.forget()
	if err := s.undo(); err != nil {
		return err
	}
	restore := "SET innodb_lock_wait_timeout=@jindu_wait"
	if v.autocommit {
		restore += ", autocommit=1"
	}
	if _, err := s.main.do(restore); err != nil {
		return s.cannotUndo(err)
	}
	s.shade, s.userTx = shade{}, false
	s.Holds("")
	if v.explicit && !v.begun {
		if _, err := s.main.do(string(v.begin)); err != nil {
			return s.cannotUndo(err)
		}
	}
	return nil
}

// undo rolls the shade's transaction back. When it cannot, the connection must end: then the server does.
func (s *session) undo() error {
	a, err := s.main.do("ROLLBACK")
	if err != nil {
		return s.cannotUndo(err)
	}
	if !s.shade.dead {
		s.Events().RolledBack.Add(1)
	}
	if a.warnings > 0 {
		rows, _, _, err := s.main.ask("SHOW WARNINGS", 64)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(rows, func(r [][]byte) bool { return len(r) > 1 && string(r[1]) == "1196" }) {
			return failure(kind.Internal, "JD-EFFECTS-120", "proxy %s: the database could not roll back all that a shadow wrote, since a table of another engine was written on the way; "+
				"look for triggers on tables without transactions, and compare the data", s.Name())
		}
	}
	return nil
}

func (s *session) cannotUndo(err error) error {
	if _, ok := errors.AsType[*serverError](err); ok {
		return failure(kind.Internal, "JD-EFFECTS-121", "proxy %s: the transaction of a shadow could not be ended in order, so its connection is closed: %w", s.Name(), err)
	}
	return err
}

// expire ends a shade that was left alone. Where its client believes to be within a transaction, that one is
// lost and must be ended by the client.
func (s *session) expire() error {
	if s.shade.dead {
		s.shade.used = time.Now()
		return nil
	}
	if !s.shade.busy() {
		return s.closeShade()
	}
	s.fx.forget()
	if err := s.undo(); err != nil {
		return err
	}
	s.shade.dead = true
	return nil
}

// afterShade keeps the client's view after a statement within the shade.
func (s *session) afterShade(a *answer) {
	if a.failed && a.code == errDeadlock {
		// The server ended the transaction, and the client knows.
		s.fx.forget()
		s.shade.explicit, s.shade.begun, s.shade.saved = false, false, false
	}
}

// controlShade carries out the words of transactions on the client's view.
func (s *session) controlShade(st *statement) error {
	v := &s.shade
	v.used = time.Now()
	if v.dead && st.info.Class != sqltext.Commit && st.info.Class != sqltext.Rollback {
		return s.refuseDead()
	}
	switch st.info.Class {
	case sqltext.Begin:
		if v.busy() {
			s.fx.settle(s) // BEGIN commits
		}
		v.explicit, v.begun, v.saved = true, false, false
		v.begin = append(v.begin[:0], st.text...)
		return s.okay()
	case sqltext.Commit:
		if v.dead {
			v.dead, v.explicit, v.begun, v.saved = false, false, false, false
			return s.refuseDead()
		}
		s.fx.settle(s)
		v.explicit, v.begun, v.saved = chains(st.text), false, false
		v.begin = append(v.begin[:0], "START TRANSACTION"...)
		return s.okay()
	case sqltext.Rollback:
		if err := s.rollbackView(); err != nil {
			return err
		}
		v.explicit, v.begun, v.saved = chains(st.text), false, false
		v.begin = append(v.begin[:0], "START TRANSACTION"...)
		return s.okay()
	case sqltext.Savepoint:
		if err := s.join(); err != nil {
			return err
		}
		a, err := s.within(st)
		if err == nil && !a.failed {
			s.fx.savepoint(st.text)
		}
		return err
	case sqltext.Set:
		return s.setInShade(st)
	}
	a, err := s.within(st)
	if err == nil && !a.failed {
		s.noteSetting(st)
	}
	return err
}

// rollbackView takes the shade back to where the client's transaction began.
func (s *session) rollbackView() error {
	v := &s.shade
	s.fx.forget()
	if v.dead {
		v.dead = false
		return nil
	}
	if !v.busy() {
		return nil
	}
	if v.saved {
		_, err := s.main.do("ROLLBACK TO SAVEPOINT " + savepoint)
		if e, ok := errors.AsType[*serverError](err); !ok || e.code != errNoSavepoint {
			return err
		}
	}
	_, err := s.main.do("ROLLBACK")
	return err
}

// within sends a statement that neither begins nor ends anything, and shows the client its view.
func (s *session) within(st *statement) (answer, error) {
	var a answer
	if err := s.send(st); err != nil {
		return a, err
	}
	if err := s.main.relay(expectResult, &a, true); err != nil {
		return a, err
	}
	s.afterShade(&a)
	return a, s.main.flush()
}

// setInShade keeps SET autocommit from the server, where it would commit.
func (s *session) setInShade(st *statement) error {
	v := &s.shade
	on, simple, named := autocommit(st.text)
	switch {
	case simple:
		if on && !v.autocommit {
			if v.busy() {
				s.fx.settle(s) // it commits
			}
			v.explicit, v.begun, v.saved = false, false, false
		}
		v.autocommit = on
		return s.okay()
	case named || nextTransaction(st.text):
		if v.busy() {
			return s.refuseShadow(st, "it sets autocommit or the next transaction's characteristics in a way that the proxy does not follow within a shadow's transaction; set it on its own, or outside of it")
		}
		if err := s.closeShade(); err != nil {
			return err
		}
		return s.controlPlain(st)
	}
	a, err := s.within(st)
	if err == nil && !a.failed {
		s.noteSetting(st)
	}
	return err
}

func (s *session) refuseDead() error {
	return s.refuse(errDeadlock, "40001", "JD-EFFECTS-114", "the transaction of the shadow was left open for too long and is rolled back; end it and try again")
}

// chains says whether COMMIT or ROLLBACK begins another transaction.
func chains(sql []byte) bool {
	_, last := firstAndLast(sql)
	return strings.EqualFold(last, "CHAIN") && !strings.Contains(strings.ToUpper(string(sql)), "NO CHAIN")
}

// nextTransaction says whether a SET is of the next transaction only.
func nextTransaction(sql []byte) bool {
	sc := sqltext.NewScanner(sql, sqltext.Options{})
	sc.Next()
	t := sc.Next()
	return t.Kind == sqltext.Word && strings.EqualFold(string(sql[t.Start:t.End]), "TRANSACTION")
}

// autocommit reads SET autocommit = x. simple: it is that and nothing else; named: autocommit is in it.
func autocommit(sql []byte) (on, simple, named bool) {
	sc := sqltext.NewScanner(sql, sqltext.Options{})
	var words []string
	for {
		t := sc.Next()
		if t.Kind == sqltext.End || t.Kind == sqltext.Bad {
			break
		}
		word := strings.ToLower(strings.Trim(string(sql[t.Start:t.End]), "`'\""))
		switch word {
		case "session", "local", ":", ";":
			continue
		}
		named = named || strings.Contains(word, "autocommit")
		words = append(words, word)
	}
	if len(words) != 4 || words[0] != "set" || words[2] != "=" {
		return false, false, named
	}
	switch words[1] {
	case "autocommit", "@@autocommit", "@@session.autocommit", "@@local.autocommit":
	default:
		return false, false, named
	}
	switch words[3] {
	case "1", "on", "true":
		return true, true, true
	case "0", "off", "false":
		return false, true, true
	}
	return false, false, named
}

package postgres

import (
	"bytes"
	"strconv"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// prepared is a statement that the client prepared, or sends as text.
type prepared struct {
	text   string // without the mark
	mark   v1.Mark
	marked bool
	info   sqltext.Info
	aside  bool   // on the connection of shadows
	oids   []byte // of its parameters, four bytes each, once they are known
	known  bool
	name   string
}

func (p *prepared) is(c sqltext.Class) bool { return p.info.Class == c }
func (p *prepared) shadow() bool            { return p.marked && p.mark.Shadow }
func (p *prepared) user() bool              { return p.marked && !p.mark.Shadow }

// portal is a statement with its parameters.
type portal struct {
	of      *prepared
	values  []byte // formats and values of the parameters, as Bind has them
	formats []byte // of the results
	done    bool
	part    bool // only so many rows were asked for
}

// read reads the mark and the class of a statement.
func (s *session) read(sql []byte) *prepared {
	p := &prepared{}
	var rest []byte
	p.mark, rest, p.marked = s.readMark(sql)
	p.text = string(rest)
	p.info = sqltext.Classify(rest, s.options())
	if p.info.Class == sqltext.Unknown && p.info.Verb == "" && single(rest, s.options(), "DEALLOCATE") {
		p.info.Class, p.info.Verb = sqltext.Set, "deallocate"
	}
	return p
}

// single says whether a text is one statement that begins with that word.
func single(sql []byte, o sqltext.Options, word string) bool {
	sc := sqltext.NewScanner(sql, o)
	t := sc.Next()
	if t.Kind != sqltext.Word || !strings.EqualFold(string(sql[t.Start:t.End]), word) {
		return false
	}
	for {
		switch t = sc.Next(); {
		case t.Kind == sqltext.End:
			return true
		case t.Kind == sqltext.Bad, t.Kind == sqltext.Symbol && sql[t.Start] == ';':
			return t.Kind == sqltext.Symbol && sc.Next().Kind == sqltext.End
		}
	}
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

func (s *session) count(p *prepared) {
	switch {
	case p.shadow():
		s.Events().Shadows.Add(1)
	case p.marked:
		s.Events().Users.Add(1)
	default:
		s.Events().Unmarked.Add(1)
	}
}

// controls says whether a statement is one of the words of transactions and sessions.
func controls(p *prepared) bool {
	return p.info.Class >= sqltext.Begin && p.info.Class <= sqltext.Rollback
}

// refusal is why a statement is not let through, with its SQLSTATE; nil lets it.
type refusal struct{ state, text string }

const (
	stateDenied   = "42501"
	stateConflict = "25001"
	stateLost     = "40001"
)

// does says in words what a class of statement does.
func does(i sqltext.Info) string {
	switch i.Class {
	case sqltext.Read:
		return "reads"
	case sqltext.Write:
		return "writes"
	case sqltext.DDL:
		return "changes the schema"
	case sqltext.Admin:
		return "has effects that no rollback takes back"
	}
	if len(i.Calls) > 0 {
		return "calls " + strings.Join(i.Calls[:min(3, len(i.Calls))], ", ") + ", which may write,"
	}
	return "the proxy cannot classify"
}

// admit decides about a statement that is to run now, before any shade is entered.
func (s *session) admit(p *prepared, e func() v1.Effect) *refusal {
	switch {
	case controls(p):
		return nil
	case p.user():
		if s.shade.open && (s.shade.busy() || s.batch.saved) || s.batch.aside {
			return &refusal{stateConflict, "the open transaction holds what a shadow wrote, so a user's statement cannot join it; end it first (JD-EFFECTS-113)"}
		}
		return nil
	case p.marked:
		return s.admitShadow(p, e)
	case p.is(sqltext.Read):
		return nil
	case s.Rule.Unmarked == effects.UnmarkedPass:
		s.Unattributed()
		return nil
	}
	s.Refused(v1.Mark{}, v1.Effect{})
	return &refusal{stateDenied, "a statement without a mark that " + does(p.info) + " is refused (JD-EFFECTS-110); send it within a request through sdk/effects or the Java agent, " +
		"or, where no shadows come, set effects.proxies." + s.Name() + ".unmarked to pass"}
}

func (s *session) admitShadow(p *prepared, e func() v1.Effect) *refusal {
	if s.Rule.Shadow.Mode == effects.ShadowDivert && (s.main.status == 'E' || s.aside != nil && s.aside.status == 'E') {
		return &refusal{"25P02", "current transaction is aborted, commands ignored until end of transaction block"}
	}
	why := s.shadowMayNot(p)
	if why == "" {
		return nil
	}
	if why == shadeIsDead {
		return &refusal{stateLost, why}
	}
	if p.is(sqltext.Read) {
		s.Refused(v1.Mark{}, v1.Effect{})
	} else {
		s.Refused(p.mark, e())
	}
	return &refusal{stateDenied, "a statement of a shadow that " + does(p.info) + " is refused: " + why + " (JD-EFFECTS-111)"}
}

const shadeIsDead = "the transaction of the shadow was left open for too long and is rolled back; end it and try again (JD-EFFECTS-114)"

// shadowMayNot says why a shadow's statement cannot run, "" when it can.
func (s *session) shadowMayNot(p *prepared) string {
	mode := s.Rule.Shadow.Mode
	switch {
	case s.userTx && s.main.status != 'I' || s.batch.mixed:
		return "the open transaction is a user's, and a shadow cannot join it; end it first"
	case mode == effects.ShadowDivert:
		return s.leavesSchema(p)
	case s.shade.dead:
		return shadeIsDead
	case s.shade.open && s.shade.run != p.mark.Run && s.shade.busy():
		return "the open transaction is another shadow's; end it first"
	case p.is(sqltext.Read):
		return ""
	case mode == effects.ShadowRefuse:
		return "effects.proxies." + s.Name() + ".shadow.mode is refuse; set rollback or divert to let shadows write"
	case p.is(sqltext.Write):
		return ""
	}
	return "only reads, and writes that a rollback takes back, are let through"
}

// effectOf is a statement as an effect, where its rows are not known.
func (s *session) effectOf(p *prepared, po *portal, rows int64) v1.Effect {
	e := v1.Effect{Kind: v1.EffectSQL, Op: p.info.Verb, Rows: rows}
	e.Text, e.Truncated = bounded([]byte(p.text), maxText)
	if e.Op == "" {
		e.Op = "statement"
	}
	if tables, ok := sqltext.Tables(p.text, s.options()); ok && len(tables) > 0 {
		e.Target = nameOf(tables[0])
	}
	if po == nil {
		return e
	}
	total := 0
	for i, v := range po.params() {
		text, cut := v.text(p.oid(i))
		if total += len(text); total > maxText || len(e.Args) >= 4096 {
			e.Truncated = true
			break
		}
		e.Args = append(e.Args, text)
		e.Truncated = e.Truncated || cut
	}
	return e
}

func nameOf(t sqltext.Table) string {
	if t.Schema != "" && t.Schema != "public" {
		return t.Schema + "." + t.Name
	}
	return t.Name
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

// carriesMark says whether a user's statement gets a mark in the log before it.
func (s *session) carriesMark(p *prepared) bool {
	if s.Rule.NoEmitMark || !p.user() || s.emitted == p.mark.Run {
		return false
	}
	switch p.info.Class {
	case sqltext.Write:
		return true
	case sqltext.Unknown:
		switch p.info.Verb {
		case "select", "insert", "update", "delete", "with", "merge", "values":
			return true
		}
	}
	return false
}

func markSQL(m v1.Mark) string {
	return "SELECT pg_catalog.pg_logical_emit_message(true,'jindu.mark','" + m.String() + "')"
}

// rowsOf is the number in the tag of an answer.
func rowsOf(tag string) int64 {
	if i := strings.LastIndexByte(tag, ' '); i >= 0 {
		n, _ := strconv.ParseInt(tag[i+1:], 10, 64) // a tag without a number tells of no rows
		return n
	}
	return 0
}

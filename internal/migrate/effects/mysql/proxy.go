package mysql

import (
	"context"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// Proxy is the protocol of MariaDB and MySQL.
type Proxy struct {
	limits  limits
	catalog *catalogue
}

// limits bound what shadows hold; tests shorten them.
type limits struct {
	hold       time.Duration // a shade that nobody uses
	holdInTx   time.Duration // one whose client has a transaction open
	idle       time.Duration // without a command: from then on the database is watched
	imageRows  int           // rows of one statement that are read before and after
	prepared   int           // prepared statements of a session
	fx         int           // effects that wait for a commit
	fxBytes    int
	settings   int // SET statements that a diverted connection repeats
	catalogAge time.Duration
}

func defaultLimits() limits {
	return limits{hold: 2 * time.Second, holdInTx: 10 * time.Second, idle: time.Second, imageRows: 1000, prepared: 16382,
		fx: 4096, fxBytes: 4 << 20, settings: 64, catalogAge: time.Minute}
}

// New makes the protocol for one proxy.
func New() *Proxy { return &Proxy{limits: defaultLimits(), catalog: newCatalogue()} }

// Serve relays one client's connection.
func (p *Proxy) Serve(_ context.Context, es *effects.Session) error {
	s := &session{Session: es, limits: p.limits, catalog: p.catalog, cl: newStream(es.Client)}
	s.prepared = map[uint32]*prepared{}
	defer s.end()
	conn, err := es.Dial()
	if err != nil {
		_, _ = es.Client.Write(appendErr(nil, 0, refusal{errConCount, "08004", "jindu proxy " + es.Name() + ": " + err.Error()}))
		return err
	}
	s.main = &link{stream: newStream(conn), session: s}
	if ok, err := s.login(); err != nil || !ok {
		return err
	}
	s.main.sink = s.cl.conn
	es.LoggedIn()
	return s.run()
}

// link is a connection to the database.
type link struct {
	*stream
	session *session
	status  uint16
}

func (l *link) inTrans() bool { return l.status&statusInTrans != 0 }

// session is one connection of a client.
type session struct {
	*effects.Session
	limits  limits
	catalog *catalogue

	cl      *stream
	main    *link // as the client itself
	aside   *link // as the shadow user; nil until it is needed
	caps    uint32
	mariadb bool
	collate byte   // of the client's login
	schema  string // of the main connection; "" when it is not known

	prepared map[uint32]*prepared
	latest   uint32 // statement prepared last

	lastMark []byte // mark read last, as text
	mark     v1.Mark

	wide     bool   // see sqltext.Options
	charset  string // of the client, "" when it must be asked
	settings [][]byte
	userTx   bool // a user's statement is part of the open transaction

	st    statement // the present one
	shade shade
	fx    pending
	out   []byte // scratch for answers of the proxy's own
	reply byte   // number of the packet that answers the command
}

// options are how the server reads the client's SQL now.
func (s *session) options() sqltext.Options {
	return sqltext.Options{NoBackslash: s.main.status&statusNoBackslash != 0, Multibyte: s.wide}
}

// run takes commands until one side ends the connection.
func (s *session) run() error {
	for {
		p, err := s.wait()
		if err != nil {
			return err
		}
		if !s.Work() {
			return nil
		}
		if p.size == 0 {
			return errProtocol
		}
		more, err := s.command(p)
		if err != nil || !more {
			return err
		}
		s.cl.shrink()
	}
}

// wait reads the next command. Meanwhile it ends a shade that nobody uses, and notices a database that left.
func (s *session) wait() (packet, error) {
	if s.cl.buffered() {
		return s.cl.command()
	}
	if !s.shade.open && !s.main.inTrans() {
		s.Rest()
	}
	limit := s.limits.idle
	if s.shade.open {
		limit = s.shade.left(s.limits)
	}
	for {
		_ = s.cl.conn.SetReadDeadline(time.Now().Add(limit))
		if s.shade.open && s.Over() && !s.shade.dead {
			_ = s.cl.conn.SetReadDeadline(past())
		}
		err := s.cl.fill(1)
		if err == nil {
			_ = s.cl.conn.SetReadDeadline(time.Time{})
			return s.cl.command()
		}
		if !isTimeout(err) {
			return packet{}, err
		}
		if s.shade.open {
			if err := s.expire(); err != nil {
				return packet{}, err
			}
			limit = s.shade.left(s.limits)
			if !s.shade.open {
				s.Rest()
				limit = s.limits.idle
			}
			continue
		}
		if err := s.watch(); err != nil {
			return packet{}, err
		}
		return s.cl.command()
	}
}

// watch waits for the client and for the end of the database's connection at once.
func (s *session) watch() error {
	_ = s.cl.conn.SetReadDeadline(time.Time{})
	done := make(chan error, 1)
	go func() {
		err := s.main.fill(1)
		if !isTimeout(err) {
			// The database left, or says why it leaves: the client must not wait for its next statement to
			// learn of it.
			_ = s.cl.conn.SetReadDeadline(past())
		}
		done <- err
	}()
	err := s.cl.fill(1)
	_ = s.main.conn.SetReadDeadline(past())
	upstream := <-done
	_ = s.main.conn.SetReadDeadline(time.Time{})
	if !isTimeout(upstream) {
		if upstream == nil {
			s.main.r = s.main.w
			_ = s.main.flush()
		}
		return errGone(upstream)
	}
	_ = s.cl.conn.SetReadDeadline(time.Time{})
	return err
}

func errGone(err error) error {
	if err == nil {
		return errProtocol
	}
	return err
}

// end settles what the end of the connection leaves open: the server rolls back what was not committed.
func (s *session) end() {
	if s.shade.open {
		s.Events().RolledBack.Add(1)
	}
	s.fx.forget()
}

// failure is an error for the operator's log.
func failure(k kind.Kind, code, format string, args ...any) error {
	return kind.New(k, code, format, args...)
}

// refuse answers a command with an error of the proxy's. public is its code in api/errors.
func (s *session) refuse(code uint16, state, public, text string) error {
	s.out = appendErr(s.out[:0], s.reply, refusal{code, state, "jindu proxy " + s.Name() + ": " + text + " (" + public + ")"})
	_, err := s.cl.conn.Write(s.out)
	return err
}

// okay answers a command itself.
func (s *session) okay() error {
	s.out = appendOK(s.out[:0], s.reply, s.shown(s.main.status))
	_, err := s.cl.conn.Write(s.out)
	return err
}

// wideCharset says whether a text names a character set whose characters may end in a backslash.
func wideCharset(text string) bool {
	text = strings.ToLower(text)
	for _, name := range []string{"gbk", "gb18030", "big5", "sjis", "cp932"} {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}

// wideCollation says the same of the collation of a login.
func wideCollation(id byte) bool {
	switch id {
	case 1, 84, 13, 88, 28, 87, 95, 96, 248, 249, 250:
		return true
	}
	return false
}

package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// Proxy is the protocol of PostgreSQL.
type Proxy struct {
	limits  limits
	catalog *catalogue
	keys    *cancelKeys
}

// limits bound what shadows hold; tests shorten them.
type limits struct {
	hold       time.Duration // a shade that nobody uses
	holdInTx   time.Duration // one whose client has a transaction open
	idle       time.Duration // without a message: from then on the database is watched
	imageRows  int           // rows of one statement that are read before and after
	prepared   int           // prepared statements, and portals, of a session
	fx         int           // effects that wait for a commit
	fxBytes    int
	batch      int // bytes of messages that are sent before answers are read
	settings   int // SET statements that are repeated
	catalogAge time.Duration
}

func defaultLimits() limits {
	return limits{hold: 2 * time.Second, holdInTx: 10 * time.Second, idle: time.Second, imageRows: 1000, prepared: 16384,
		fx: 4096, fxBytes: 4 << 20, batch: 256 << 10, settings: 64, catalogAge: time.Minute}
}

// New makes the protocol for one proxy.
func New() *Proxy {
	return &Proxy{limits: defaultLimits(), catalog: newCatalogue(), keys: &cancelKeys{at: map[string]*session{}}}
}

// link is a connection to the database.
type link struct {
	*stream
	session *session
	status  byte // I: no transaction, T: within one, E: within one that failed
	sending []byte
	pending []expected
	key     []byte // for canceling
}

// session is one connection of a client.
type session struct {
	*effects.Session
	limits  limits
	catalog *catalogue
	keys    *cancelKeys

	cl    *stream
	main  *link      // as the client itself
	aside *link      // as the shadows' user; nil until it is needed
	mu    sync.Mutex // guards aside for who cancels
	out   []byte     // for the client, not written yet
	start startup

	prepared map[string]*prepared
	portals  map[string]*portal
	batch    batch

	lastMark []byte // mark read last, as text
	mark     v1.Mark

	backslash bool // the server reads \ in strings
	encoding  string
	settings  [][]byte // what the shadows' connection has to repeat
	userTx    bool     // a user's statement is part of the open transaction
	emitted   string   // run whose mark the open transaction carries
	markReady bool     // the statement that puts marks there is prepared
	ending    string   // tag of the last COMMIT or ROLLBACK
	last      expected // what completed last
	simple    bool     // the present statement came as a simple query: Z follows its answer

	shade shade
	fx    pending
}

// batch is what the client sent since its last Sync.
type batch struct {
	open     bool
	skipping bool // an error was told: nothing is done until Sync
	failed   bool
	saved    bool // a savepoint of the shade stands where it began
	aside    bool // the shadows' connection has a part in it
	asideOwn bool // in a transaction of the batch's own
	mixed    bool // so has a user's statement
}

// Serve relays one client's connection.
func (p *Proxy) Serve(_ context.Context, es *effects.Session) error {
	s := &session{Session: es, limits: p.limits, catalog: p.catalog, keys: p.keys, cl: newStream(es.Client),
		prepared: map[string]*prepared{}, portals: map[string]*portal{}}
	defer s.end()
	err := s.serve()
	switch {
	case errors.Is(err, errProtocol):
		return kind.New(kind.Invalid, "JD-EFFECTS-201", "proxy %s: %w; see that both sides speak version 3 of it", es.Name(), err)
	case errors.Is(err, errTooLarge):
		_ = s.flushWith(errorMessage("54000", "jindu proxy "+es.Name()+": "+err.Error()))
		return kind.New(kind.Exhausted, "JD-EFFECTS-202", "proxy %s: %w; send less at once, or go to the database itself", es.Name(), err)
	}
	return err
}

func (s *session) serve() error {
	if ok, err := s.greet(); err != nil || !ok {
		return err
	}
	conn, err := s.Dial()
	if err != nil {
		_ = s.flushWith(errorMessage("08006", "jindu proxy "+s.Name()+": "+err.Error()))
		return err
	}
	s.main = &link{stream: newStream(conn), session: s}
	if ok, err := s.login(); err != nil || !ok {
		return err
	}
	s.main.before = s.flush
	s.LoggedIn()
	return s.run()
}

// options are how the server reads the client's SQL now.
func (s *session) options() sqltext.Options {
	return sqltext.Options{Dialect: sqltext.Postgres, Backslash: s.backslash, Multibyte: wideEncoding(s.encoding)}
}

// run takes messages until one side ends the connection.
func (s *session) run() error {
	for {
		m, err := s.wait()
		if err != nil {
			return err
		}
		if !s.Work() {
			return nil
		}
		more, err := s.message(m)
		if err != nil || !more {
			return err
		}
	}
}

// wait reads the next message. Meanwhile it ends a shade that nobody uses, and notices a database that left.
func (s *session) wait() (message, error) {
	if s.cl.buffered() || s.batch.open {
		if !s.cl.buffered() {
			if err := s.flush(); err != nil {
				return message{}, err
			}
		}
		return s.cl.next()
	}
	if err := s.flush(); err != nil {
		return message{}, err
	}
	if !s.shade.open && s.main.status == 'I' {
		s.Rest()
	}
	limit := s.limits.idle
	if s.shade.open {
		limit = s.shade.left(s.limits)
	}
	for {
		_ = s.cl.conn.SetReadDeadline(time.Now().Add(limit))
		err := s.cl.fill(1)
		_ = s.cl.conn.SetReadDeadline(time.Time{})
		if err == nil {
			return s.cl.next()
		}
		if !isTimeout(err) {
			return message{}, err
		}
		if s.shade.open {
			if err := s.expire(); err != nil {
				return message{}, err
			}
			limit = s.shade.left(s.limits)
			if !s.shade.open {
				s.Rest()
				limit = s.limits.idle
			}
			continue
		}
		if err := s.watch(); err != nil {
			return message{}, err
		}
		return s.cl.next()
	}
}

// watch waits for the client and for the database at once: notifications come, and the connection may end.
func (s *session) watch() error {
	for {
		done := make(chan error, 1)
		go func() {
			err := s.main.fill(1)
			if !isTimeout(err) {
				_ = s.cl.conn.SetReadDeadline(past()) // the client must hear of it
			}
			done <- err
		}()
		err := s.cl.fill(1)
		_ = s.main.conn.SetReadDeadline(past())
		upstream := <-done
		_ = s.main.conn.SetReadDeadline(time.Time{})
		_ = s.cl.conn.SetReadDeadline(time.Time{})
		if err == nil {
			return nil // what the database sent is read with the next answer
		}
		if upstream != nil && !isTimeout(upstream) {
			return upstream
		}
		if !isTimeout(err) {
			return err
		}
		for s.main.buffered() {
			m, err := s.main.next()
			if err != nil {
				return err
			}
			if !s.async(m) {
				s.put(m.raw) // why the database ends the connection
			}
		}
		if err := s.flush(); err != nil {
			return err
		}
	}
}

// put collects what goes to the client.
func (s *session) put(b []byte) { s.out = append(s.out, b...) }

// flush writes it.
func (s *session) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.cl.conn.Write(s.out)
	if cap(s.out) > 4*keepBuffer {
		s.out = nil
	}
	s.out = s.out[:0]
	return err
}

func (s *session) flushWith(b []byte) error {
	s.put(b)
	return s.flush()
}

// end settles what the end of the connection leaves open: the server rolls back what was not committed.
func (s *session) end() {
	if s.shade.open && !s.shade.dead {
		s.Events().RolledBack.Add(1)
	}
	if s.main != nil {
		s.keys.remove(s.main.key)
	}
	s.fx.forget()
}

// wideEncoding says whether an encoding has characters that end in a backslash.
func wideEncoding(name string) bool {
	switch name {
	case "SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB", "SHIFT_JIS_2004":
		return true
	}
	return false
}

// cancelKeys finds sessions by the keys that their clients cancel with.
type cancelKeys struct {
	mu sync.Mutex
	at map[string]*session
}

func (k *cancelKeys) add(key []byte, s *session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at[string(key)] = s
}

func (k *cancelKeys) remove(key []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.at, string(key))
}

// asideOf is the key of the shadows' connection of the session with that key.
func (k *cancelKeys) asideOf(key []byte) []byte {
	k.mu.Lock()
	s := k.at[string(key)]
	k.mu.Unlock()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aside == nil {
		return nil
	}
	return s.aside.key
}

// cancel passes a request to cancel on. It has no answer but the end of the connection.
func (s *session) cancel(raw []byte) error {
	requests := [][]byte{raw}
	if key := s.keys.asideOf(raw[8:]); key != nil {
		b := append(append([]byte(nil), raw[:8]...), key...)
		b[3] = byte(len(b))
		requests = append(requests, b)
	}
	for _, r := range requests {
		conn, err := s.Dial()
		if err != nil {
			return err
		}
		if _, err := conn.Write(r); err != nil {
			return err
		}
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) && !isTimeout(err) && !errors.Is(err, net.ErrClosed) {
			return err
		}
		_ = conn.Close()
	}
	return nil
}

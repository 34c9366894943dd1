package redis

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/effects"
)

// Proxy is the protocol of Redis.
type Proxy struct{ limits limits }

// limits bound what a connection holds; tests shorten them.
type limits struct {
	queue  int           // replies that a client waits for
	flush  int           // bytes of commands that are sent at once
	answer int           // bytes of a reply to a shadow whose writes are diverted
	queued int           // commands of a transaction
	held   int           // bytes of a transaction of a shadow
	keys   int           // keys that KEYS of a shadow answers with
	glance time.Duration // how often somebody looks whether the client is still there while it waits
}

func defaultLimits() limits {
	return limits{queue: 1 << 20, flush: 64 << 10, answer: 64 << 20, queued: maxQueued, held: 64 << 20, keys: 1 << 20, glance: time.Second}
}

// New makes the protocol for one proxy.
func New() *Proxy { return &Proxy{defaultLimits()} }

// session is one connection of a client. Commands are read by the goroutine of Serve, replies by another.
type session struct {
	*effects.Session
	limits limits
	prefix string // of keys of shadows
	cl     *intake
	up     *stream
	queue  queue

	// Of commands.
	sending []byte // to the database, not sent yet
	mark    v1.Mark
	marked  bool
	named   []byte // the mark as the client set it
	tx      transaction
	aside   *aside // where writes of shadows go; nil until it is needed

	// Of replies.
	out      sync.Mutex // who holds it writes to the client
	ready    []byte     // for the client, not written yet
	channels [3]map[string]struct{}

	// Of both.
	state sync.Mutex
	db    int
	resp3 bool
	login [][]byte // arguments of AUTH
	gone  chan struct{}
}

// Serve relays one client's connection.
func (p *Proxy) Serve(_ context.Context, es *effects.Session) error {
	if es.HasTLS() {
		if err := es.StartTLS(nil); err != nil {
			return err
		}
	}
	s := &session{Session: es, limits: p.limits, prefix: es.Rule.Shadow.To, cl: newIntake(es.Client), gone: make(chan struct{})}
	s.queue.moved = make(chan struct{}, 1)
	conn, err := es.Dial()
	if err != nil {
		_, _ = es.Client.Write(failing("ERR jindu proxy " + es.Name() + ": " + err.Error()))
		return err
	}
	s.up = newStream(conn)
	s.up.sink = s.put
	s.cl.before = s.beforeCommand
	es.LoggedIn()
	var upstream error
	go func() {
		defer close(s.gone)
		upstream = s.replies()
		_ = es.Client.Close() // the client has nothing more to hear
		s.queue.moves()
	}()
	err = s.commands()
	_ = conn.Close()
	<-s.gone
	s.end()
	if errors.Is(err, net.ErrClosed) && !errors.Is(upstream, net.ErrClosed) {
		err = upstream
	}
	return explain(es, err)
}

// explain makes errors of the protocol such that an operator hears of them.
func explain(es *effects.Session, err error) error {
	switch {
	case errors.Is(err, errProtocol), errors.Is(err, errUnexpected):
		return kind.New(kind.Invalid, "JD-EFFECTS-301", "proxy %s: %w; see that client and database speak RESP2 or RESP3", es.Name(), err)
	case errors.Is(err, errTooLarge):
		return kind.New(kind.Exhausted, "JD-EFFECTS-302", "proxy %s: %w; send less at once, or go to the database itself", es.Name(), err)
	}
	return err
}

// commands takes commands until the client leaves.
func (s *session) commands() error {
	for {
		c, err := s.cl.next()
		if err != nil {
			if errors.Is(err, errProtocol) || errors.Is(err, errTooLarge) {
				s.answer(failing("ERR jindu proxy " + s.Name() + ": " + err.Error()))
				s.deliver()
			}
			return err
		}
		s.queue.mu.Lock()
		s.queue.waiting = false
		s.queue.mu.Unlock()
		if !s.Work() {
			return nil
		}
		if err := s.command(c); err != nil {
			return err
		}
	}
}

// beforeCommand sends what is due before the client's next command is waited for.
func (s *session) beforeCommand() error {
	if err := s.send(); err != nil {
		return err
	}
	s.deliver()
	if s.cl.r == s.cl.w && !s.tx.open {
		s.queue.mu.Lock()
		s.queue.waiting = true
		s.queue.mu.Unlock()
		s.rested()
	}
	return nil
}

// rested says that the session rests when nothing is under way.
func (s *session) rested() {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	if s.queue.waiting && len(s.queue.list) == s.queue.head {
		s.Rest()
	}
}

// forward sends a command to the database as it is.
func (s *session) forward(c command, e expected) error {
	if err := s.expect(e); err != nil {
		return err
	}
	if len(s.sending)+len(c.raw) > s.limits.flush {
		if err := s.send(); err != nil {
			return err
		}
		if len(c.raw) > s.limits.flush {
			_, err := s.up.conn.Write(c.raw)
			return err
		}
	}
	s.sending = append(s.sending, c.raw...)
	return nil
}

// expect queues a reply. A client that asks without listening is held.
func (s *session) expect(e expected) error {
	if s.queue.size() >= s.limits.queue {
		if err := s.until(func() bool { return s.queue.size() <= s.limits.queue/2 }); err != nil {
			return err
		}
	}
	s.queue.push(e)
	return nil
}

// until waits for the queue to become shorter, and notices a client that left.
func (s *session) until(short func() bool) error {
	if err := s.send(); err != nil {
		return err
	}
	s.deliver()
	t := time.NewTicker(s.limits.glance)
	defer t.Stop()
	for !short() {
		select {
		case <-s.queue.moved:
		case <-s.gone:
			return net.ErrClosed
		case <-t.C:
			if err := s.there(); err != nil {
				return err
			}
		}
	}
	return nil
}

// drained waits until the client has heard all that it asked for.
func (s *session) drained() error {
	return s.until(func() bool { return s.queue.size() == 0 })
}

// there notices a client that left while something is done for it.
func (s *session) there() error {
	_ = s.cl.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	err := s.cl.peek()
	_ = s.cl.conn.SetReadDeadline(time.Time{})
	if timedOut(err) {
		return nil
	}
	return err
}

func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

func (s *session) send() error {
	if len(s.sending) == 0 {
		return nil
	}
	_, err := s.up.conn.Write(s.sending)
	s.sending = s.sending[:0]
	return err
}

// answer queues a reply of the proxy's own.
func (s *session) answer(b []byte) { s.queue.push(expected{what: local, bytes: b}) }

// end settles what the end of the connection leaves open: of writes that were sent and not answered nobody
// knows.
func (s *session) end() {
	if s.aside != nil {
		_ = s.aside.conn.Close()
	}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	for _, e := range s.queue.list[s.queue.head:] {
		for _, f := range e.fx {
			f.what.Fate = "unknown"
			s.Record(f.mark, f.what)
		}
	}
}

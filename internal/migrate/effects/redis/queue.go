package redis

import (
	"errors"
	"sync"

	v1 "jindu.dev/jindu/api/v1"
)

// what says how the reply to a command is to be treated.
type what uint8

const (
	plain   what = iota
	local        // made by the proxy: bytes
	swallow      // read and not passed on; bytes are told instead
	greets       // HELLO
	logsIn       // AUTH
	selects      // SELECT
	resets       // RESET
	ends         // EXEC
	subs         // SUBSCRIBE and the like: a message for each channel
)

// expected is a reply that the client waits for.
type expected struct {
	what  what
	nulls bool // a null says that nothing was done
	n     int  // selects: the database; subs: messages to come, -1 for one a channel; greets: the version, 0 without
	bytes []byte
	verb  string // of subs
	login [][]byte
	fx    []effect
}

// effect waits for the reply that says whether it happened.
type effect struct {
	mark v1.Mark
	what v1.Effect
	at   int // within a transaction: which of its commands
}

// queue holds the expected replies of one client, oldest first.
type queue struct {
	mu      sync.Mutex
	list    []expected
	head    int
	waiting bool // the client has nothing under way
	moved   chan struct{}
}

func (q *queue) push(e expected) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head > 0 && len(q.list) == cap(q.list) {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, e)
}

// pop takes the oldest off; the queue is not empty.
func (q *queue) pop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list[q.head] = expected{}
	q.head++
	if q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
	}
}

// front is the oldest; it stays where it is, and is changed only by the goroutine that reads replies.
func (q *queue) front() *expected {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.list) {
		return nil
	}
	e := q.list[q.head]
	return &e
}

// replace changes the oldest.
func (q *queue) replace(e expected) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list[q.head] = e
}

// size is how many replies are expected.
func (q *queue) size() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list) - q.head
}

// moves tells who waits that the queue is shorter.
func (q *queue) moves() {
	select {
	case q.moved <- struct{}{}:
	default:
	}
}

var errUnexpected = errors.New("the database answered what nobody asked")

// replies reads what the database says until it ends.
func (s *session) replies() error {
	for {
		if err := s.up.fill(1); err != nil {
			return err
		}
		s.out.Lock()
		s.up.before = s.flush // what is ready is written before more is waited for
		err := s.relay()
		s.up.before = nil
		if failed := s.flush(); err == nil {
			err = failed
		}
		s.out.Unlock()
		if err != nil {
			return err
		}
		s.queue.moves()
		s.deliver()
		s.rested()
	}
}

// relay passes on every reply that has begun to come.
func (s *session) relay() error {
	for s.up.r < s.up.w {
		s.locals()
		if err := s.reply(); err != nil {
			_ = s.up.pass()
			return err
		}
		if err := s.up.pass(); err != nil {
			return err
		}
		s.locals()
	}
	return nil
}

// locals passes on the replies of the proxy's own that are next.
func (s *session) locals() {
	for {
		e := s.queue.front()
		if e == nil || e.what != local {
			return
		}
		s.ready = append(s.ready, e.bytes...)
		s.queue.pop()
	}
}

// deliver passes on replies of the proxy's own when no reply of the database is to come that would do it.
// Either goroutine calls it after it changed what it looks at, so that none is left.
func (s *session) deliver() {
	for {
		if e := s.queue.front(); e == nil || e.what != local || !s.out.TryLock() {
			return
		}
		s.locals()
		err := s.flush()
		s.out.Unlock()
		s.queue.moves()
		if err != nil {
			_ = s.cl.conn.Close()
			return
		}
	}
}

// put collects what goes to the client.
func (s *session) put(b []byte) error {
	if len(s.ready)+len(b) > keepBuffer {
		if err := s.flush(); err != nil {
			return err
		}
	}
	if len(b) > readBuffer {
		_, err := s.cl.conn.Write(b)
		return err
	}
	s.ready = append(s.ready, b...)
	return nil
}

func (s *session) flush() error {
	if len(s.ready) == 0 {
		return nil
	}
	_, err := s.cl.conn.Write(s.ready)
	s.ready = s.ready[:0]
	return err
}

// head is what is known of a reply once it was read: its first byte, and the first elements of an array.
type head struct {
	kind  byte
	null  bool
	n     int64
	words [3][]byte
	fails []int // elements that are errors
}

func (h *head) see(e element) {
	if e.at < 0 {
		h.kind, h.null, h.n = e.kind, e.null, e.n
		return
	}
	if e.at < len(h.words) {
		h.words[e.at] = append(h.words[e.at][:0], e.text...)
	}
	if (e.kind == '-' || e.kind == '!') && len(h.fails) < maxQueued {
		h.fails = append(h.fails, e.at)
	}
}

// reply passes on one reply, or one message that nobody asked for.
func (s *session) reply() error {
	first := s.up.buf[s.up.r]
	e := s.queue.front()
	if first == '>' || first == '*' && (s.subscribed() > 0 || e != nil && e.what == subs) {
		var h head
		if err := s.up.value(h.see); err != nil {
			return err
		}
		return s.message(&h, first == '>', e)
	}
	if e == nil {
		if err := s.up.value(nil); err != nil {
			return err
		}
		return errUnexpected
	}
	if e.what == plain && e.fx == nil {
		if err := s.up.value(nil); err != nil {
			return err
		}
		s.queue.pop()
		return nil
	}
	if e.what == swallow {
		if err := s.up.pass(); err != nil {
			return err
		}
		s.up.sink = nil
	}
	var h head
	err := s.up.value(h.see)
	if e.what == swallow && err == nil {
		err = s.up.pass()
		s.up.sink = s.put
		if err == nil {
			err = s.put(e.bytes)
		}
	}
	if err != nil {
		return err
	}
	s.settle(e, &h)
	s.queue.pop()
	return nil
}

// settle does what a reply asks for, before the client sees it.
func (s *session) settle(e *expected, h *head) {
	if h.kind == '-' || h.kind == '!' {
		return
	}
	switch e.what {
	case ends:
		s.happened(e, h)
		return
	case greets:
		s.greeted(e)
	case logsIn:
		s.state.Lock()
		s.login = e.login
		s.state.Unlock()
	case selects:
		s.state.Lock()
		s.db = e.n
		s.state.Unlock()
	case resets:
		s.state.Lock()
		s.db, s.resp3, s.login = 0, false, nil
		s.state.Unlock()
		s.channels = [3]map[string]struct{}{}
	default:
	}
	if !e.nulls || !h.null {
		for _, f := range e.fx {
			s.Record(f.mark, f.what)
		}
	}
}

// happened records what a transaction did; nothing where a watched key had changed.
func (s *session) happened(e *expected, h *head) {
	if h.null {
		return
	}
	failed := h.fails
	for _, f := range e.fx {
		for len(failed) > 0 && failed[0] < f.at {
			failed = failed[1:]
		}
		if len(failed) == 0 || failed[0] != f.at {
			s.Record(f.mark, f.what)
		}
	}
}

func (s *session) greeted(e *expected) {
	s.state.Lock()
	defer s.state.Unlock()
	if e.n != 0 {
		s.resp3 = e.n == 3
	}
	if e.login != nil {
		s.login = e.login
	}
}

// kindsOfSubscription are the words of messages that answer SUBSCRIBE and the like.
var kindsOfSubscription = [3]string{"subscribe", "psubscribe", "ssubscribe"}

func (s *session) subscribed() int {
	return len(s.channels[0]) + len(s.channels[1]) + len(s.channels[2])
}

// message is one that came of a subscription, or answers a SUBSCRIBE.
func (s *session) message(h *head, push bool, e *expected) error {
	word := string(h.words[0])
	for i, kind := range kindsOfSubscription {
		if word != kind && word != "un"+kind && word != kind[:1]+"un"+kind[1:] {
			continue
		}
		wanted := e != nil && e.what == subs && e.verb == word
		if wanted && e.n < 0 {
			e.n = max(1, len(s.channels[i]))
		}
		if word == kind {
			if s.channels[i] == nil {
				s.channels[i] = map[string]struct{}{}
			}
			s.channels[i][string(h.words[1])] = struct{}{}
			if len(s.channels[i]) > maxChannels {
				return errTooLarge
			}
		} else {
			delete(s.channels[i], string(h.words[1]))
		}
		if wanted {
			if e.n--; e.n == 0 {
				s.queue.pop()
			} else {
				s.queue.replace(*e)
			}
		}
		return nil
	}
	switch word {
	case "message", "pmessage", "smessage", "invalidate":
		return nil
	}
	if push {
		return nil
	}
	if e == nil {
		return errUnexpected
	}
	s.queue.pop() // of PING among subscriptions
	return nil
}

const (
	maxChannels = 1 << 16
	maxQueued   = 1 << 16 // commands of a transaction
)

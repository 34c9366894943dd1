package redis

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

// aside is the connection for what shadows do when their writes are diverted. It is used by the goroutine of
// commands alone, one exchange after the other.
type aside struct {
	conn     net.Conn
	in       *stream
	db       int
	resp3    bool
	watching string // run whose keys are watched
	answer   []byte
}

// openAside gives the connection, in the client's database and version of the protocol.
func (s *session) openAside() (*aside, error) {
	s.state.Lock()
	db, resp3, login := s.db, s.resp3, s.login
	s.state.Unlock()
	a := s.aside
	if a == nil {
		conn, err := s.Dial()
		if err != nil {
			return nil, err
		}
		a = &aside{conn: conn, in: newStream(conn)}
		a.in.patience = func(err error) (bool, error) {
			if !timedOut(err) {
				return false, nil
			}
			if gone := s.there(); gone != nil {
				return false, gone
			}
			return true, conn.SetReadDeadline(time.Now().Add(s.limits.glance))
		}
		if err := s.enter(a, login); err != nil {
			_ = conn.Close()
			return nil, err
		}
		s.aside = a
	}
	var setup [][][]byte
	if a.resp3 != resp3 {
		version := "2"
		if resp3 {
			version = "3"
		}
		setup = append(setup, words("HELLO", version))
	}
	if a.db != db {
		setup = append(setup, words("SELECT", strconv.Itoa(db)))
	}
	for _, c := range setup {
		v, err := s.ask(a, c...)
		if err == nil && v.failed() {
			err = kind.New(kind.Unavailable, "JD-EFFECTS-303", "proxy %s: the connection of shadows cannot be prepared: the database says %s", s.Name(), strings.ToValidUTF8(string(v.text), "?"))
		}
		if err != nil {
			s.closeAside()
			return nil, err
		}
	}
	a.db, a.resp3 = db, resp3
	return a, nil
}

func (s *session) closeAside() {
	if s.aside != nil {
		_ = s.aside.conn.Close()
		s.aside = nil
	}
}

// enter logs in: as the user of shadows, whose rights are tried, or as the client itself.
func (s *session) enter(a *aside, login [][]byte) error {
	user := s.Rule.Shadow.User
	if user != "" {
		login = words("AUTH", user, s.Rule.Shadow.Password.Reveal())
	}
	if login == nil {
		return nil
	}
	v, err := s.ask(a, login...)
	if err != nil {
		return err
	}
	if v.failed() {
		return kind.New(kind.Denied, "JD-EFFECTS-303", "proxy %s: the connection of shadows cannot log in: the database says %s; correct user and password of effects.proxies.%s.shadow", s.Name(), strings.ToValidUTF8(string(v.text), "?"), s.Name())
	}
	if user == "" {
		return nil
	}
	return s.holdsNothing(a)
}

// holdsNothing refuses a user of shadows that could do anything to what users own. Each thing tried does no
// harm where it is permitted: the key and the channel are nobody's, and the other commands are malformed.
func (s *session) holdsNothing(a *aside) error {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // it never fails
	nobody := "jindu-probe:" + hex.EncodeToString(b)
	for _, c := range [][][]byte{words("DEL", nobody), words("PUBLISH", nobody, ""), words("FLUSHALL", "jindu-probe"), words("FLUSHDB", "jindu-probe"), words("SWAPDB", "jindu", "probe")} {
		v, err := s.ask(a, c...)
		if err != nil {
			return err
		}
		if !v.failed() || !strings.HasPrefix(string(v.text), "NOPERM") {
			return kind.New(kind.Denied, "JD-EFFECTS-304", "proxy %s: user %s of effects.proxies.%s.shadow may do more than read and write keys that begin with %s: %s is not denied; "+
				"restrict it with ACL SETUSER %s resetkeys %%R~* ~%s* resetchannels &%s* -@dangerous -@admin",
				s.Name(), s.Rule.Shadow.User, s.Name(), s.prefix, c[0], s.Rule.Shadow.User, s.prefix, s.prefix)
		}
	}
	return nil
}

// exchange sends commands and gives the replies to the last few of them as they came, valid until the next.
func (s *session) exchange(a *aside, batch []byte, n int) ([][]byte, error) {
	if err := a.conn.SetReadDeadline(time.Now().Add(s.limits.glance)); err != nil {
		return nil, err
	}
	if _, err := a.conn.Write(batch); err != nil {
		return nil, err
	}
	a.answer = a.answer[:0]
	a.in.from = a.in.r
	a.in.sink = func(b []byte) error {
		if len(a.answer)+len(b) > s.limits.answer {
			return errTooLarge
		}
		a.answer = append(a.answer, b...)
		return nil
	}
	ends := make([]int, 0, n)
	for range n {
		if err := a.in.value(nil); err != nil {
			return nil, err
		}
		if err := a.in.pass(); err != nil {
			return nil, err
		}
		ends = append(ends, len(a.answer))
	}
	out := make([][]byte, n)
	from := 0
	for i, end := range ends {
		out[i] = a.answer[from:end]
		from = end
	}
	if cap(a.answer) > 1<<20 {
		a.answer = nil // it is the answers' now
	}
	return out, nil
}

// ask is one command of the proxy's own.
func (s *session) ask(a *aside, args ...[]byte) (value, error) {
	replies, err := s.exchange(a, appendCommand(nil, args...), 1)
	if err != nil {
		return value{}, err
	}
	v, _, err := parseValue(slices.Clone(replies[0]), 0)
	return v, err
}

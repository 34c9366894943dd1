package redis

import (
	"bytes"
	"strconv"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/effects"
)

// transaction is what is known of MULTI.
type transaction struct {
	open    bool
	aside   bool // of a shadow that is diverted: held until EXEC
	aborted bool // a command was refused
	n       int  // commands queued
	fx      []effect
	held    []held
	size    int
}

var (
	okay     = []byte("+OK\r\n")
	queuedOK = []byte("+QUEUED\r\n")
)

// failing is an error as Redis tells it.
func failing(text string) []byte {
	return []byte("-" + strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text) + "\r\n")
}

// command decides by the mark.
func (s *session) command(c command) error {
	name, sp := lookup(c.args)
	cl := sp.classOf(name, c.args)
	if name == "client+setname" || name == "client+getname" {
		if done := s.rename(name, c.args); done {
			return nil
		}
	}
	switch {
	case s.marked && s.mark.Shadow:
		s.Events().Shadows.Add(1)
	case s.marked:
		s.Events().Users.Add(1)
	default:
		s.Events().Unmarked.Add(1)
	}
	if cl == leaves {
		return s.no("ERR jindu proxy " + s.Name() + ": " + commandName(name) + " is not carried; go to the database itself for it")
	}
	shadow := s.marked && s.mark.Shadow
	if shadow && s.Rule.Shadow.Mode == effects.ShadowDivert {
		if done, err := s.divert(name, sp, cl, c); done || err != nil {
			return err
		}
	}
	switch {
	case cl == connection:
		return s.connection(name, c)
	case cl == reads:
		return s.queueable(c, expected{})
	case shadow:
		return s.refuseShadow(name, sp, c, "effects.proxies."+s.Name()+".shadow.mode is refuse; set divert to let shadows write")
	case s.marked:
		e := s.effectOf(name, sp, c.args)
		return s.queueable(c, expected{nulls: sp.blocking, fx: []effect{{s.mark, e, 0}}})
	case s.Rule.Unmarked == effects.UnmarkedPass:
		s.Unattributed()
		return s.queueable(c, expected{})
	}
	s.Refused(v1.Mark{}, v1.Effect{})
	return s.no("NOPERM jindu proxy " + s.Name() + ": " + commandName(name) + " without a mark is refused, since it writes or is not known to only read (JD-EFFECTS-110); " +
		"send it within a request through sdk/effects/redisx or the Java agent, or, where no shadows come, set effects.proxies." + s.Name() + ".unmarked to pass")
}

func commandName(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "+", " ")) }

// queueable sends a command that a transaction only queues.
func (s *session) queueable(c command, e expected) error {
	if !s.tx.open {
		return s.forward(c, e)
	}
	if len(s.tx.fx) >= s.limits.queued {
		return s.no("ERR jindu proxy " + s.Name() + ": the transaction has too many commands; send fewer at once")
	}
	for _, f := range e.fx {
		f.at = s.tx.n
		s.tx.fx = append(s.tx.fx, f)
	}
	s.tx.n++
	return s.forward(c, expected{})
}

// no answers a command with an error; a transaction that it is part of fails.
func (s *session) no(text string) error {
	s.tx.aborted = s.tx.aborted || s.tx.open
	return s.expect(expected{what: local, bytes: failing(text)})
}

func (s *session) refuseShadow(name string, sp *spec, c command, why string) error {
	s.Refused(s.mark, s.effectOf(name, sp, c.args))
	return s.no("NOPERM jindu proxy " + s.Name() + ": " + commandName(name) + " of a shadow is refused: " + why + " (JD-EFFECTS-111)")
}

// rename follows CLIENT SETNAME and answers it where it is about a mark.
func (s *session) rename(name string, args [][]byte) bool {
	if name == "client+getname" {
		if s.marked && !s.tx.open {
			s.answer(text(s.named))
			return true
		}
		return false
	}
	if len(args) != 3 {
		return false
	}
	m, ok := s.readMark(args[2])
	switch {
	case s.tx.open && (ok || s.marked):
		_ = s.no("ERR jindu proxy " + s.Name() + ": a mark cannot change within MULTI; set it before") // an answer only
		return true
	case ok:
		s.mark, s.marked, s.named = m, true, append(s.named[:0], args[2]...)
	case s.marked:
		s.marked = false
		if len(args[2]) > 0 {
			return false // a name of the client's own
		}
	default:
		return false
	}
	s.answer(okay)
	return true
}

// readMark reads a name as a mark; a run sets the same one many times.
func (s *session) readMark(name []byte) (v1.Mark, bool) {
	if len(name) > 0 && bytes.Equal(name, s.named) {
		return s.mark, true
	}
	return v1.ParseMark(string(name))
}

func text(b []byte) []byte {
	return append(append(append(strconv.AppendInt([]byte{'$'}, int64(len(b)), 10), "\r\n"...), b...), "\r\n"...)
}

// connection carries out what concerns the connection, whoever sends it.
func (s *session) connection(name string, c command) error {
	switch name {
	case "multi":
		if !s.tx.open && len(c.args) == 1 {
			s.tx = transaction{open: true}
		}
		return s.forward(c, expected{})
	case "exec":
		return s.exec(c)
	case "discard":
		s.tx = transaction{}
		return s.forward(c, expected{})
	case "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe":
		if s.tx.open {
			return s.no("ERR jindu proxy " + s.Name() + ": " + commandName(name) + " within MULTI is not carried")
		}
		n := len(c.args) - 1
		if n == 0 && strings.Contains(name, "un") {
			n = -1
		}
		if n == 0 {
			return s.forward(c, expected{}) // an error
		}
		return s.forward(c, expected{what: subs, n: n, verb: name})
	case "watch", "quit": // never queued
		return s.forward(c, expected{})
	}
	if s.tx.open && (name == "hello" || name == "auth" || name == "select" || name == "reset") {
		return s.stateInTransaction(name, c)
	}
	switch name {
	case "hello":
		return s.hello(c)
	case "auth":
		return s.forward(c, expected{what: logsIn, login: keep(c.args)})
	case "select":
		n := 0
		if len(c.args) == 2 {
			n, _ = strconv.Atoi(string(c.args[1])) // what is no number is an error of the database's
		}
		return s.forward(c, expected{what: selects, n: n})
	case "reset":
		s.marked, s.tx = false, transaction{}
		return s.forward(c, expected{what: resets})
	}
	return s.queueable(c, expected{})
}

// stateInTransaction refuses what the proxy would have to follow into the answer of EXEC.
func (s *session) stateInTransaction(name string, c command) error {
	if name == "reset" {
		s.marked, s.tx = false, transaction{}
		return s.forward(c, expected{what: resets})
	}
	return s.no("ERR jindu proxy " + s.Name() + ": " + commandName(name) + " within MULTI is not carried")
}

func (s *session) exec(c command) error {
	tx := s.tx
	s.tx = transaction{}
	if tx.open && tx.aborted {
		abort := failing("EXECABORT Transaction discarded because of previous errors.")
		return s.forward(command{raw: []byte("*1\r\n$7\r\nDISCARD\r\n")}, expected{what: swallow, bytes: abort})
	}
	return s.forward(c, expected{what: ends, fx: tx.fx})
}

// hello reads HELLO, and keeps a mark that it sets from the database.
func (s *session) hello(c command) error {
	e := expected{what: greets}
	args := c.args
	if len(args) > 1 {
		e.n, _ = strconv.Atoi(string(args[1])) // as above
	}
	for i := 2; i < len(args); i++ {
		switch {
		case isWord(args[i], "auth") && i+2 < len(args):
			e.login = keep([][]byte{[]byte("AUTH"), args[i+1], args[i+2]})
			i += 2
		case isWord(args[i], "setname") && i+1 < len(args):
			m, ok := s.readMark(args[i+1])
			s.marked = ok
			if ok {
				s.mark, s.named = m, append(s.named[:0], args[i+1]...)
				rest := append(append([][]byte{}, args[:i]...), args[i+2:]...)
				args = rest
				c.raw = appendCommand(nil, rest...)
				i--
				continue
			}
			i++
		}
	}
	return s.forward(c, e)
}

// keep copies arguments, which otherwise go with the next command.
func keep(args [][]byte) [][]byte {
	size := 0
	for _, a := range args {
		size += len(a)
	}
	all, out := make([]byte, 0, size), make([][]byte, len(args))
	for i, a := range args {
		all = append(all, a...)
		out[i] = all[len(all)-len(a):]
	}
	return out
}

package postgres

import (
	"bytes"
	"encoding/binary"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
)

// Codes of first messages.
const (
	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSS    = 80877104
)

// startup is what a client asked for when it began.
type startup struct {
	raw    []byte
	params [][2]string
}

func (s startup) get(name string) string {
	for _, p := range s.params {
		if p[0] == name {
			return p[1]
		}
	}
	return ""
}

// readStartup reads the parameters of a client.
func readStartup(raw []byte) (startup, bool) {
	st := startup{raw: raw}
	c := cursor{b: raw[8:]}
	for len(c.b) > 1 {
		name := string(c.text())
		st.params = append(st.params, [2]string{name, string(c.text())})
	}
	return st, !c.bad && len(c.b) == 1
}

// greet reads what comes before the login. It is false when the connection was for something else.
func (s *session) greet() (bool, error) {
	secure := false
	for range 4 {
		code, raw, err := s.cl.first()
		if err != nil {
			return false, err
		}
		switch {
		case code == codeCancel:
			return false, s.cancel(raw)
		case code == codeSSL && s.HasTLS() && !secure:
			if s.cl.buffered() {
				return false, errProtocol // nothing may come between the question and TLS
			}
			if _, err := s.Client.Write([]byte("S")); err != nil {
				return false, err
			}
			if err := s.StartTLS(nil); err != nil {
				return false, err
			}
			s.cl, secure = newStream(s.Client), true
		case code == codeSSL, code == codeGSS:
			if s.cl.buffered() {
				return false, errProtocol
			}
			if _, err := s.Client.Write([]byte("N")); err != nil {
				return false, err
			}
		case code>>16 != 3:
			return false, s.notLetIn("0A000", "only version 3 of the protocol is spoken")
		case s.HasTLS() && !secure:
			return false, s.notLetIn("28000", "this proxy takes TLS only; set sslmode=require in the client")
		default:
			st, ok := readStartup(raw)
			if !ok {
				return false, errProtocol
			}
			if r := strings.ToLower(st.get("replication")); r != "" && r != "false" && r != "off" && r != "0" && r != "no" {
				return false, s.notLetIn("0A000", "replication is not carried; go to the database itself for it")
			}
			s.start = st
			return true, nil
		}
	}
	return false, errProtocol
}

func (s *session) notLetIn(state, text string) error {
	return s.flushWith(errorMessage(state, "jindu proxy "+s.Name()+": "+text))
}

// login relays a login until the server is ready. It is false when the server said no.
func (s *session) login() (bool, error) {
	if _, err := s.main.conn.Write(s.start.raw); err != nil {
		return false, err
	}
	for {
		m, err := s.main.next()
		if err != nil {
			return false, err
		}
		switch m.kind {
		case 'R':
			c := cursor{b: m.body()}
			const saslBegins, saslEnds = 10, 12
			method := c.u32()
			if c.bad {
				return false, errProtocol
			}
			if method == saslBegins {
				if m.raw, err = withoutBinding(m.body()); err != nil {
					return false, err
				}
			}
			if err := s.flushWith(m.raw); err != nil {
				return false, err
			}
			if method == 0 || method == saslEnds {
				continue
			}
			answer, err := s.cl.next()
			if err != nil {
				return false, err
			}
			if answer.kind != 'p' {
				return false, errProtocol
			}
			if _, err := s.main.conn.Write(answer.raw); err != nil {
				return false, err
			}
		case 'K':
			s.main.key = append([]byte(nil), m.body()...)
			s.keys.add(s.main.key, s)
			s.put(m.raw)
		case 'Z':
			if len(m.body()) != 1 {
				return false, errProtocol
			}
			s.main.status = m.body()[0]
			return true, s.flushWith(m.raw)
		case 'E':
			return false, s.flushWith(m.raw)
		case 'N', 'v':
			s.put(m.raw)
		case 'S':
			s.noteStatus(m)
			s.put(m.raw)
		default:
			return false, kind.New(kind.Unsupported, "JD-EFFECTS-203", "proxy %s: what listens at the upstream address does not greet as PostgreSQL does; correct effects.proxies.%s.upstream", s.Name(), s.Name())
		}
	}
}

// withoutBinding takes the mechanisms out of an offer that bind a login to TLS: the client's TLS ends here.
func withoutBinding(body []byte) ([]byte, error) {
	c := cursor{b: body[4:]}
	out := [][]byte{body[:4]}
	for {
		name := c.text()
		if c.bad {
			return nil, errProtocol
		}
		if len(name) == 0 {
			break
		}
		if !bytes.HasSuffix(name, []byte("-PLUS")) {
			out = append(out, name, []byte{0})
		}
	}
	return appendMessage(nil, 'R', append(out, []byte{0})...), nil
}

// noteStatus follows what the server reports of its settings.
func (s *session) noteStatus(m message) {
	c := cursor{b: m.body()}
	name, value := string(c.text()), string(c.text())
	switch name {
	case "standard_conforming_strings":
		s.backslash = value == "off"
	case "client_encoding":
		s.encoding = value
	}
}

// async takes a message that comes without being asked for.
func (s *session) async(m message) bool {
	switch m.kind {
	case 'S':
		s.noteStatus(m)
	case 'N', 'A':
	default:
		return false
	}
	s.put(m.raw)
	return true
}

// appendStartup is the first message of a connection of the proxy's own.
func appendStartup(params ...string) []byte {
	b := []byte{0, 0, 0, 0, 0, 3, 0, 0}
	for _, p := range params {
		b = append(append(b, p...), 0)
	}
	b = append(b, 0)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

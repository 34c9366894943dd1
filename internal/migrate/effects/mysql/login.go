package mysql

import (
	"encoding/binary"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
)

// greeting is the first packet of a server.
type greeting struct {
	version string
	nonce   []byte // 20 bytes
	caps    uint32
	status  uint16
	plugin  string
	// where the fields that the proxy changes are in the payload
	capsLow, capsHigh, reserved int
}

func parseGreeting(body []byte) (greeting, bool) {
	c := cursor{b: body}
	at := func() int { return len(body) - len(c.b) }
	if c.u8() != 10 {
		return greeting{}, false
	}
	var g greeting
	g.version = string(c.until0())
	c.u32()
	g.nonce = append(g.nonce, c.take(8)...)
	c.u8()
	g.capsLow = at()
	g.caps = uint32(c.u16())
	c.u8()
	g.status = c.u16()
	g.capsHigh = at()
	g.caps |= uint32(c.u16()) << 16
	length := int(c.u8())
	g.reserved = at()
	c.take(10)
	if c.bad {
		return greeting{}, false
	}
	if rest := c.take(min(max(13, length-8), len(c.b))); len(rest) > 0 {
		g.nonce = append(g.nonce, rest[:min(12, len(rest))]...)
	}
	g.plugin = string(c.until0())
	return g, true
}

// hello is the client's answer to it.
type hello struct {
	caps    uint32
	collate byte
	schema  string
}

func parseHello(body []byte) (hello, bool) {
	c := cursor{b: body}
	var h hello
	h.caps = c.u32()
	c.u32()
	h.collate = c.u8()
	c.take(23)
	if c.bad || h.caps&capProtocol41 == 0 {
		return h, false
	}
	c.until0() // user
	switch {
	case h.caps&capPluginAuthLenenc != 0:
		c.text()
	case h.caps&capSecureConnection != 0:
		c.take(int(c.u8()))
	default:
		c.until0()
	}
	if h.caps&capConnectWithDB != 0 {
		h.schema = string(c.until0())
	}
	return h, !c.bad
}

// login relays the handshake, less what the proxy cannot follow. It is false when the server said no.
func (s *session) login() (bool, error) {
	s.main.sink = nil
	p, err := s.main.next()
	if err != nil {
		return false, err
	}
	if p.first() == isErr {
		_, err := s.cl.conn.Write(p.raw)
		return false, err
	}
	g, ok := parseGreeting(p.body())
	if !ok || !p.whole() {
		return false, failure(kind.Unsupported, "JD-EFFECTS-101", "proxy %s: what listens at the upstream address does not greet as MariaDB or MySQL do; correct effects.proxies.%s.upstream", s.Name(), s.Name())
	}
	s.mariadb = strings.Contains(g.version, "MariaDB")
	s.main.status = g.status
	caps := g.caps &^ withheld
	if s.HasTLS() {
		caps |= capSSL
	}
	body := p.body()
	binary.LittleEndian.PutUint16(body[g.capsLow:], uint16(caps))
	binary.LittleEndian.PutUint16(body[g.capsHigh:], uint16(caps>>16))
	clear(body[g.reserved : g.reserved+10]) // MariaDB's further capabilities
	if _, err := s.cl.conn.Write(p.raw); err != nil {
		return false, err
	}
	return s.introduce(caps)
}

// introduce reads the client's answer to the greeting, through TLS where there is a certificate, and hands
// it on.
func (s *session) introduce(offered uint32) (bool, error) {
	p, err := s.cl.command()
	if err != nil {
		return false, err
	}
	shift := byte(0)
	if s.HasTLS() {
		if p.size != 32 || binary.LittleEndian.Uint32(p.body())&capSSL == 0 {
			return false, s.notLetIn(p.seq()+1, "this proxy takes TLS only; switch TLS on in the client")
		}
		if err := s.StartTLS(s.cl.buf[s.cl.r:s.cl.w]); err != nil {
			return false, err
		}
		s.cl, shift = newStream(s.Client), 1
		if p, err = s.cl.command(); err != nil {
			return false, err
		}
	}
	h, ok := parseHello(p.body())
	if !ok {
		return false, s.notLetIn(p.seq()+1, "the client does not speak the protocol of 4.1 or later")
	}
	s.caps = h.caps & offered &^ withheld
	s.collate, s.schema, s.wide = h.collate, h.schema, wideCollation(h.collate)
	binary.LittleEndian.PutUint32(p.body(), h.caps&^withheld)
	if h.caps&capLongPassword == 0 {
		clear(p.body()[28:32]) // MariaDB's further capabilities
	}
	return s.authenticate(p, shift)
}

func (s *session) notLetIn(seq byte, text string) error {
	_, err := s.cl.conn.Write(appendErr(nil, seq, refusal{errHandshake, "08S01", "jindu proxy " + s.Name() + ": " + text}))
	return err
}

// authenticate passes a login on and then what both sides have to say, until the server decides. Packets of
// a client over TLS are numbered shift higher than those to the server.
func (s *session) authenticate(p packet, shift byte) (bool, error) {
	defer func() { s.main.take() }() // it was passed on here
	for range 32 {
		p.raw[3] -= shift
		if _, err := s.main.conn.Write(p.raw); err != nil {
			return false, err
		}
		for {
			var err error
			if p, err = s.main.next(); err != nil {
				return false, err
			}
			if !p.whole() || p.size == 0 {
				return false, errProtocol
			}
			p.raw[3] += shift
			if _, err := s.cl.conn.Write(p.raw); err != nil {
				return false, err
			}
			switch p.first() {
			case isOK:
				var a answer
				if !parseOK(p.body(), &a) {
					return false, errProtocol
				}
				s.main.status = a.status
				return true, nil
			case isErr:
				return false, nil
			}
			const more, fastOK = 1, 3
			if p.first() == more && p.size == 2 && p.body()[1] == fastOK {
				continue // the server goes on by itself
			}
			break
		}
		var err error
		if p, err = s.cl.command(); err != nil {
			return false, err
		}
	}
	return false, errProtocol
}

package mysql

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the protocol's mysql_native_password is made of it
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"

	"jindu.dev/jindu/internal/kit/kind"
)

// enter logs the shadows' user in, with the client's capabilities, so that answers look alike.
func (s *session) enter(l *link) error {
	p, err := l.next()
	if err != nil {
		return err
	}
	if p.first() == isErr {
		var a answer
		parseErr(p.body(), &a)
		return &serverError{a.code, a.message}
	}
	g, ok := parseGreeting(p.body())
	if !ok {
		return errProtocol
	}
	password := s.Rule.Shadow.Password.Reveal()
	caps := s.caps&^capConnectAttrs&^capPluginAuthLenenc | capProtocol41 | capSecureConnection | capPluginAuth | capConnectWithDB
	proof, ok := prove(g.plugin, password, g.nonce)
	if !ok {
		g.plugin = nativePassword // the server asks for another then
		proof, _ = prove(g.plugin, password, g.nonce)
	}
	b := binary.LittleEndian.AppendUint32(nil, caps)
	b = append(binary.LittleEndian.AppendUint32(b, 1<<24), s.collate)
	b = append(b, make([]byte, 23)...)
	b = append(append(b, s.Rule.Shadow.User...), 0, byte(len(proof)))
	b = append(b, proof...)
	b = append(append(b, s.Rule.Shadow.To...), 0)
	b = append(append(b, g.plugin...), 0)
	if _, err := l.conn.Write(frame(nil, 1, b)); err != nil {
		return err
	}
	return s.proveTo(l, g, password)
}

const (
	nativePassword  = "mysql_native_password" //nolint:gosec // the name of a plugin
	cachingPassword = "caching_sha2_password" //nolint:gosec // the name of a plugin
)

// proveTo answers what the server asks until it decides.
func (s *session) proveTo(l *link, g greeting, password string) error {
	for range 16 {
		p, err := l.next()
		if err != nil {
			return err
		}
		var answerTo []byte
		switch p.first() {
		case isOK:
			var a answer
			if !parseOK(p.body(), &a) {
				return errProtocol
			}
			l.status = a.status
			return nil
		case isErr:
			var a answer
			parseErr(p.body(), &a)
			return &serverError{a.code, a.message}
		case isEOF: // another plugin
			c := cursor{b: p.body()[1:]}
			g.plugin = string(c.until0())
			g.nonce = append([]byte(nil), c.until0()...)
			proof, ok := prove(g.plugin, password, g.nonce)
			if !ok {
				return kind.New(kind.Unsupported, "JD-EFFECTS-102", "proxy %s: user %s logs in by %s, which shadow connections cannot; give it %s or %s",
					s.Name(), s.Rule.Shadow.User, g.plugin, nativePassword, cachingPassword)
			}
			answerTo = proof
		case 1: // more of the same
			body := p.body()[1:]
			const goesOn, full, askKey = 3, 4, 2
			switch {
			case len(body) == 1 && body[0] == goesOn:
				continue
			case len(body) == 1 && body[0] == full:
				answerTo = []byte{askKey}
			default:
				if answerTo, err = sealed(body, password, g.nonce); err != nil {
					return err
				}
			}
		default:
			return errProtocol
		}
		if _, err := l.conn.Write(frame(nil, p.seq()+1, answerTo)); err != nil {
			return err
		}
	}
	return errProtocol
}

// prove shows that the password is known.
func prove(plugin, password string, nonce []byte) ([]byte, bool) {
	if len(nonce) > 20 {
		nonce = nonce[:20]
	}
	switch plugin {
	case nativePassword, "":
		if password == "" {
			return nil, true
		}
		once := sha1.Sum([]byte(password))                                  //nolint:gosec // as above
		twice := sha1.Sum(once[:])                                          //nolint:gosec // as above
		mix := sha1.Sum(append(append([]byte(nil), nonce...), twice[:]...)) //nolint:gosec // as above
		for i := range mix {
			mix[i] ^= once[i]
		}
		return mix[:], true
	case cachingPassword:
		if password == "" {
			return nil, true
		}
		once := sha256.Sum256([]byte(password))
		twice := sha256.Sum256(once[:])
		mix := sha256.Sum256(append(twice[:], nonce...))
		for i := range mix {
			mix[i] ^= once[i]
		}
		return mix[:], true
	}
	return nil, false
}

// sealed is the password for the server's key only.
func sealed(key []byte, password string, nonce []byte) ([]byte, error) {
	block, _ := pem.Decode(key)
	if block == nil || len(nonce) == 0 {
		return nil, errProtocol
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errProtocol
	}
	text := append([]byte(password), 0)
	for i := range text {
		text[i] ^= nonce[i%len(nonce)]
	}
	return rsa.EncryptOAEP(sha1.New(), rand.Reader, public, text, nil) //nolint:gosec // as the protocol has it
}

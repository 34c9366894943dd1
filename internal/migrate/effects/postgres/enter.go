package postgres

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // one of the server's methods is made of it
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
)

// enterAside logs the shadows' user in, with the client's settings but for where its tables are.
func (s *session) enterAside(l *link) error {
	database, path := s.target()
	quoted := make([]string, len(path))
	for i, name := range path {
		quoted[i] = quote(name)
	}
	params := []string{"user", s.Rule.Shadow.User, "database", database}
	for _, p := range s.start.params {
		switch strings.ToLower(p[0]) {
		case "user", "database", "options", "replication", "search_path", "role", "session_authorization":
		default:
			if !strings.HasPrefix(p[0], "_pq_.") {
				params = append(params, p[0], p[1])
			}
		}
	}
	params = append(params, "search_path", strings.Join(quoted, ", "))
	if _, err := l.conn.Write(appendStartup(params...)); err != nil {
		return err
	}
	var proof scram
	for {
		m, err := l.next()
		if err != nil {
			return err
		}
		switch m.kind {
		case 'E':
			return newServerError(m)
		case 'R':
			answer, err := s.prove(m.body(), &proof)
			if err != nil {
				return err
			}
			if answer != nil {
				if _, err := l.conn.Write(appendMessage(nil, 'p', answer)); err != nil {
					return err
				}
			}
		case 'K':
			l.key = append([]byte(nil), m.body()...)
		case 'Z':
			if len(m.body()) != 1 {
				return errProtocol
			}
			l.status = m.body()[0]
			return nil
		case 'S', 'N', 'v':
		default:
			return errProtocol
		}
	}
}

// prove answers what the server asks in a login; nil when it asks nothing.
func (s *session) prove(body []byte, p *scram) ([]byte, error) {
	const ok, cleartext, md5s, begins, goesOn, ends = 0, 3, 5, 10, 11, 12
	user, password := s.Rule.Shadow.User, s.Rule.Shadow.Password.Reveal()
	c := cursor{b: body}
	switch c.u32() {
	case ok:
		return nil, nil
	case cleartext:
		return zero(password), nil
	case md5s:
		return zero("md5" + sum(sum(password+user)+string(c.take(4)))), nil
	case begins:
		for {
			name := c.text()
			if len(name) == 0 {
				break
			}
			if string(name) == "SCRAM-SHA-256" {
				return p.begin(), nil
			}
		}
	case goesOn:
		return p.answer(password, string(c.b))
	case ends:
		return nil, p.check(string(c.b))
	}
	return nil, kind.New(kind.Unsupported, "JD-EFFECTS-102", "proxy %s: user %s logs in by a method that shadow connections cannot; give it SCRAM-SHA-256, md5 or a password", s.Name(), user)
}

func sum(text string) string {
	b := md5.Sum([]byte(text)) //nolint:gosec // as above
	return hex.EncodeToString(b[:])
}

// scram is a login by SCRAM-SHA-256.
type scram struct {
	nonce  string
	server []byte // the proof that the server has to give
}

func (p *scram) begin() []byte {
	b := make([]byte, 18)
	_, _ = rand.Read(b) // it never fails
	p.nonce = base64.StdEncoding.EncodeToString(b)
	first := "n,,n=,r=" + p.nonce
	out := zero("SCRAM-SHA-256")
	out = append(out, 0, 0, 0, byte(len(first)))
	return append(out, first...)
}

func (p *scram) answer(password, challenge string) ([]byte, error) {
	var nonce string
	var salt []byte
	rounds := 0
	for part := range strings.SplitSeq(challenge, ",") {
		key, value, _ := strings.Cut(part, "=")
		var err error
		switch key {
		case "r":
			nonce = value
		case "s":
			salt, err = base64.StdEncoding.DecodeString(value)
		case "i":
			rounds, err = strconv.Atoi(value)
		}
		if err != nil {
			return nil, errProtocol
		}
	}
	if p.nonce == "" || !strings.HasPrefix(nonce, p.nonce) || len(salt) == 0 || rounds < 1 || rounds > 1_000_000 {
		return nil, errProtocol
	}
	salted, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		return nil, err
	}
	without := "c=biws,r=" + nonce
	all := "n=,r=" + p.nonce + "," + challenge + "," + without
	key := mac(salted, "Client Key")
	stored := sha256.Sum256(key)
	proof := mac(stored[:], all)
	for i := range proof {
		proof[i] ^= key[i]
	}
	p.server = mac(mac(salted, "Server Key"), all)
	return []byte(without + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// check sees that the server knows the password, too.
func (p *scram) check(final string) error {
	proof, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(final, "v="))
	if err != nil || len(p.server) == 0 || subtle.ConstantTimeCompare(proof, p.server) != 1 {
		return errProtocol
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

package mysql

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"net"
	"strings"
	"testing"

	"github.com/go-mysql-org/go-mysql/client"

	"jindu.dev/jindu/internal/migrate/effects"
)

// foreign is a connection of go-mysql through the proxy, which sends EOF packets as of old.
func (s *stage) foreign() *client.Conn {
	s.t.Helper()
	conn, err := client.Connect(s.addr, s.server.User, s.server.Password, s.schema)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// rows are what a statement answers, as text.
func rows(t *testing.T, conn *client.Conn, q string, args ...any) string {
	t.Helper()
	r, err := conn.Execute(q, args...)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	var b strings.Builder
	for i := range r.RowNumber() {
		for j := range r.ColumnNumber() {
			text, err := r.GetString(i, j)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(text + " ")
		}
		b.WriteString("/ ")
	}
	return b.String()
}

func TestAForeignClientOfTheOldForm(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock, "INSERT INTO stock (sku, n) VALUES ('a', 1), ('b', 2)")
	conn := s.foreign()
	m := markOf(1, true)
	rows(t, conn, led(m, "UPDATE stock SET n = n + 1 WHERE sku = ?"), "a")
	rows(t, conn, led(m, "DELETE FROM stock WHERE n = 2 LIMIT 5"))
	if got := rows(t, conn, led(m, "SELECT sku, n FROM stock WHERE n < ?"), 100); got != "" {
		t.Errorf("the shadow sees %q", got)
	}
	want := "row update stock key sku=a before n=1 after n=2 rolled_back\nrow delete stock key sku=a before sku=a n=2 price=NULL at=NULL rolled_back\n" +
		"row delete stock key sku=b before sku=b n=2 price=NULL at=NULL rolled_back"
	if got := s.book.say(m); got != want {
		t.Errorf("recorded\n%s\nwant\n%s", got, want)
	}
	if _, err := conn.Execute(led(m, "SELECT nothing FROM stock")); err == nil {
		t.Error("no error")
	}
	if got := rows(t, conn, led(markOf(2, false), "SELECT sku, n FROM stock ORDER BY sku")); got != "a 1 / b 2 / " {
		t.Errorf("a user sees %q", got)
	}
	// The schema changes by text: the table's rows are told all the same.
	m = markOf(3, true)
	rows(t, conn, "USE information_schema")
	rows(t, conn, "USE "+s.schema)
	rows(t, conn, "SET NAMES gbk")
	rows(t, conn, led(m, "UPDATE stock SET n = 5 WHERE sku = ? AND 'x\xbf' <> ''"), "a")
	if got := s.book.say(m); !strings.HasPrefix(got, "row update stock key sku=a") {
		t.Errorf("recorded %s", got)
	}
	if _, err := conn.Execute(led(m, "UPDATE stock SET n = 5 WHERE sku = '\xbf\\' OR sku > ''")); err == nil || !strings.Contains(err.Error(), "cannot classify") {
		t.Errorf("a text of two readings: %v", err)
	}
	if got := s.dump("stock"); got != "a 1 NULL NULL / b 2 NULL NULL / " {
		t.Errorf("table %s", got)
	}
}

// talk sends raw commands.
type talk struct {
	t    *testing.T
	conn *client.Conn
}

func (k talk) send(command byte, body []byte) {
	k.t.Helper()
	k.conn.ResetSequence()
	if err := k.conn.WritePacket(append([]byte{0, 0, 0, 0, command}, body...)); err != nil {
		k.t.Fatal(err)
	}
}

func (k talk) read() []byte {
	k.t.Helper()
	b, err := k.conn.ReadPacket()
	if err != nil {
		k.t.Fatal(err)
	}
	return b
}

// prepare gives the id of a statement and reads the definitions that follow.
func (k talk) prepare(q string) uint32 {
	k.t.Helper()
	k.send(comPrepare, []byte(q))
	b := k.read()
	if b[0] != isOK {
		k.t.Fatalf("%s: %s", q, b)
	}
	for _, at := range []int{5, 7} {
		if n := int(binary.LittleEndian.Uint16(b[at:])); n > 0 {
			for range n + 1 {
				k.read()
			}
		}
	}
	return binary.LittleEndian.Uint32(b[1:])
}

func with(id uint32, rest ...byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, id), rest...)
}

func TestCursorsAndLongData(t *testing.T) {
	for _, mode := range []string{"main", "aside"} {
		t.Run(mode, func(t *testing.T) {
			var s *stage
			m := markOf(1, false)
			where := ""
			if mode == "aside" {
				var shadows string
				s, shadows = diverted(t)
				m, where = markOf(1, true), shadows+"."
			} else {
				s = newStage(t, nil, nil)
			}
			s.setup("CREATE TABLE "+where+"c (id INT PRIMARY KEY, b BLOB)", "INSERT INTO "+where+"c VALUES (1, 'x'), (2, 'y'), (3, 'z')")
			k := talk{t, s.foreign()}
			id := k.prepare(led(m, "SELECT id FROM c ORDER BY id"))
			if (id&asideBit != 0) != (mode == "aside") {
				t.Errorf("id %x", id)
			}
			k.send(comExecute, with(id, 1, 1, 0, 0, 0)) // a cursor
			for range 3 {
				k.read() // head, definition, EOF
			}
			k.send(comFetch, with(id, 2, 0, 0, 0))
			if a, b, end := k.read(), k.read(), k.read(); a[0] != 0 || b[0] != 0 || end[0] != isEOF {
				t.Errorf("fetched %x %x %x", a, b, end)
			}
			k.send(comReset, with(id))
			if b := k.read(); b[0] != isOK {
				t.Errorf("reset %s", b)
			}
			id = k.prepare(led(m, "INSERT INTO c VALUES (?, ?)"))
			k.send(comLongData, with(id, append([]byte{1, 0}, "long "...)...))
			k.send(comLongData, with(id, append([]byte{1, 0}, "text"...)...))
			k.send(comExecute, with(id, 0, 1, 0, 0, 0, 0, 1, typeLong, 0, 252, 0, 9, 0, 0, 0))
			if b := k.read(); b[0] != isOK {
				t.Errorf("execute %s", b)
			}
			k.send(comExecute, with(latestID, 0, 1, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 'b')) // the statement prepared last, types as before
			if b := k.read(); b[0] != isOK {
				t.Errorf("execute %s", b)
			}
			k.send(comClose, with(id))
			k.send(comExecute, with(id, 0, 1, 0, 0, 0))
			if b := k.read(); b[0] != isErr || !strings.Contains(string(b), "prepare it again") {
				t.Errorf("closed: %s", b)
			}
			if got := s.dump(where + "c WHERE id > 3"); got != "8 b / 9 long text / " {
				t.Errorf("rows %q", got)
			}
		})
	}
}

func TestChangeOfUser(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock, "INSERT INTO stock (sku, n) VALUES ('a', 1)")
	conn := s.foreign()
	k := talk{t, conn}
	m := markOf(1, true)
	rows(t, conn, led(m, "UPDATE stock SET n = 2"))
	body := append([]byte(s.server.User), 0, 0)
	body = append(append(body, s.schema...), 0, 45, 0)
	body = append(append(body, nativePassword...), 0, 0) // and no attributes
	k.send(comChangeUser, body)
	b := k.read()
	for b[0] == isEOF {
		c := cursor{b: b[1:]}
		plugin := string(c.until0())
		proof, ok := prove(plugin, s.server.Password, c.until0())
		if !ok {
			t.Fatalf("plugin %s", plugin)
		}
		if err := conn.WritePacket(append(make([]byte, 4), proof...)); err != nil {
			t.Fatal(err)
		}
		b = k.read()
	}
	if b[0] != isOK {
		t.Fatalf("%s", b)
	}
	rows(t, conn, led(markOf(2, false), "UPDATE stock SET n = n + 10"))
	if got := s.dump("stock"); got != "a 11 NULL NULL / " {
		t.Errorf("table %s", got)
	}
}

// TestAnotherServersLogin: a stand-in for MySQL 8 asks the shadows' user for caching_sha2_password, by both
// of its ways.
func TestAnotherServersLogin(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	nonce := []byte("abcdefghijklmnopqrst")
	const password = "secret-sh"
	for name, serve := range map[string]func(nc net.Conn, st *stream, first []byte) bool{
		"known": func(nc net.Conn, _ *stream, first []byte) bool {
			once := sha256.Sum256([]byte(password))
			twice := sha256.Sum256(once[:])
			mix := sha256.Sum256(append(twice[:], nonce...))
			for i := range mix {
				mix[i] ^= once[i]
			}
			_, _ = nc.Write(frame(nil, 2, []byte{1, 3}))
			_, _ = nc.Write(appendOK(nil, 3, statusAutocommit))
			return bytes.Contains(first, mix[:])
		},
		"full": func(nc net.Conn, st *stream, _ []byte) bool {
			_, _ = nc.Write(frame(nil, 2, []byte{1, 4}))
			if p, err := st.command(); err != nil || p.first() != 2 {
				return false
			}
			_, _ = nc.Write(frame(nil, 4, append([]byte{1}, public...)))
			p, err := st.command()
			if err != nil {
				return false
			}
			plain, err := rsa.DecryptOAEP(sha1.New(), nil, key, p.body(), nil)
			for i := range plain {
				plain[i] ^= nonce[i%len(nonce)]
			}
			_, _ = nc.Write(appendOK(nil, 6, statusAutocommit))
			return err == nil && string(plain) == password+"\x00"
		},
		"another plugin": func(nc net.Conn, st *stream, _ []byte) bool {
			_, _ = nc.Write(frame(nil, 2, append(append([]byte{isEOF}, nativePassword+"\x00"...), append(nonce, 0)...)))
			p, err := st.command()
			want, _ := prove(nativePassword, password, nonce)
			_, _ = nc.Write(appendOK(nil, 4, statusAutocommit))
			return err == nil && bytes.Equal(p.body(), want)
		},
		"an unknown plugin": func(nc net.Conn, _ *stream, _ []byte) bool {
			_, _ = nc.Write(frame(nil, 2, append(append([]byte{isEOF}, "dialog\x00"...), append(nonce, 0)...)))
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			in, out := net.Pipe()
			right := make(chan bool, 1)
			go func() {
				hello := append([]byte("\x0a8.4.0\x00\x01\x00\x00\x00"), nonce[:8]...)
				hello = append(hello, 0, 0xff, 0xff, 45, 2, 0, 0xff, 0xdf, 21)
				hello = append(append(append(hello, make([]byte, 10)...), nonce[8:]...), 0)
				_, _ = in.Write(frame(nil, 0, append(hello, cachingPassword+"\x00"...)))
				st := newStream(in)
				p, err := st.command()
				if err != nil {
					right <- false
					return
				}
				right <- serve(in, st, append([]byte(nil), p.body()...))
			}()
			base := benchSession(t)
			base.Rule.Shadow = effects.Shadow{Mode: "divert"}
			divertTo("sh")(&base.Rule)
			l := &link{stream: newStream(out), session: base}
			err := base.enter(l)
			if name == "an unknown plugin" {
				if err == nil || !strings.Contains(err.Error(), "JD-EFFECTS-102") {
					t.Errorf("got %v", err)
				}
			} else if err != nil || l.status != statusAutocommit {
				t.Errorf("got %v, status %d", err, l.status)
			}
			_, _ = in.Close(), out.Close()
			if !<-right {
				t.Error("the proof is wrong")
			}
		})
	}
}

func TestUpsertsOfManyKindsAreTold(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup("CREATE TABLE k (a INT, b BINARY(2), c DATE, d DECIMAL(6,2), v INT DEFAULT 3, PRIMARY KEY (a, b, c, d))", "INSERT INTO k VALUES (1, X'00ff', '2026-01-02', 1.50, 1)",
		"CREATE TABLE u (id INT AUTO_INCREMENT PRIMARY KEY, mail VARCHAR(30) NULL, UNIQUE (mail))", "INSERT INTO u (mail) VALUES ('x')")
	c := s.conn("")
	m := markOf(1, true)
	must(t, c, led(m, "INSERT INTO k VALUES (?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE v = VALUES(v)"), 1, []byte{0, 0xff}, "2026-01-02", "1.50", 9)
	must(t, c, led(m, "UPDATE k SET v = v + 1"))
	must(t, c, led(m, "INSERT INTO u (mail) VALUES (NULL)"))
	must(t, c, led(m, "INSERT IGNORE INTO u (mail) VALUES ('x')"))
	must(t, c, led(m, "INSERT INTO u (mail) VALUES ('y') ON DUPLICATE KEY UPDATE mail = mail"))
	must(t, c, led(m, "REPLACE INTO u (mail) VALUES ('x')"))
	want := `row update k key a=1 b=00ff c=2026-01-02 d=1.5 before v=1 after v=9 rolled_back
row update k key a=1 b=00ff c=2026-01-02 d=1.5 before v=9 after v=10 rolled_back
row insert u key id=2 after id=2 mail=NULL rolled_back`
	got := s.book.say(m)
	if !strings.HasPrefix(got, want) || !strings.Contains(got, "sql insert u rows 1: INSERT INTO u (mail) VALUES ('y') ON DUPLICATE") ||
		!strings.Contains(got, "row delete u key id=1 before id=1 mail=x rolled_back\nrow insert u key id=") {
		t.Errorf("recorded\n%s", got)
	}
	if got := s.dump("u") + s.dump("k"); !strings.HasPrefix(got, "1 x / 1 ") {
		t.Errorf("tables %s", got)
	}
	if _, err := c.ExecContext(context.Background(), led(m, "UPDATE k SET v = 'x'")); err == nil {
		t.Error("no error")
	}
}

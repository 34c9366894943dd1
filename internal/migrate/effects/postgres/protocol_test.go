package postgres

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"jindu.dev/jindu/internal/migrate/effects"
)

func TestTLSIsBetweenClientAndProxy(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, data := range map[string][]byte{"cert.pem": certPEM, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newStage(t, func(p *effects.Proxy) {
		p.Cert, p.Key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	}, nil)
	ctx := context.Background()
	cfg, err := pgx.ParseConfig(s.dsn(s.server.User, s.server.Password, "sslmode=require"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	cfg.TLSConfig = &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(ctx); err != nil {
		t.Error(err)
	}
	_ = c.Close(ctx)
	if _, err := pgx.Connect(ctx, s.dsn(s.server.User, s.server.Password, "sslmode=disable")); err == nil || !strings.Contains(err.Error(), "takes TLS only") {
		t.Errorf("got %v", err)
	}
}

func TestLogins(t *testing.T) {
	s := newStage(t, nil, nil)
	ctx := context.Background()
	if _, err := pgx.Connect(ctx, s.dsn(s.server.User, "wrong", "sslmode=prefer")); err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("got %v", err)
	}
	if _, err := pgx.Connect(ctx, s.dsn(s.server.User, s.server.Password, "replication=database")); err == nil || !strings.Contains(err.Error(), "replication is not carried") {
		t.Errorf("got %v", err)
	}
	down := newStage(t, func(p *effects.Proxy) { p.Upstream = "127.0.0.1:1" }, nil)
	if _, err := pgx.Connect(ctx, down.dsn("a", "b", "sslmode=disable")); err == nil || !strings.Contains(err.Error(), "JD-EFFECTS-002") {
		t.Errorf("got %v", err)
	}
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(nc); len(b) != 0 {
		t.Errorf("answered %q", b)
	}
	body := append([]byte{0, 0, 0, 10}, "SCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00"...)
	if got, err := withoutBinding(body); err != nil || !bytes.Contains(got, []byte("SCRAM-SHA-256\x00\x00")) || bytes.Contains(got, []byte("PLUS")) {
		t.Errorf("%q %v", got, err)
	}
}

func TestScramRefusesAServerThatDoesNotKnowThePassword(t *testing.T) {
	var p scram
	p.begin()
	if _, err := p.answer("x", "r="+p.nonce+"y,s=AAAA,i=4096"); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"v=AAAA", "e=other", ""} {
		if p.check(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, bad := range []string{"r=other,s=AAAA,i=1", "r=" + p.nonce + ",s=*,i=1", "r=" + p.nonce + ",s=AAAA,i=0", "r=" + p.nonce + ",s=AAAA,i=99999999"} {
		if _, err := p.answer("x", bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(appendQuery(nil, "SELECT 1"))
	f.Add(asking{oids: textOID, values: textValues("a")}.messages("SELECT $1"))
	f.Add(errorMessage("42501", "no"))
	f.Add([]byte{'D', 0, 0, 0, 10, 0, 1, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newStream(&script{b: b})
		var seen []byte
		for {
			m, err := s.next()
			if err != nil {
				break
			}
			seen = append(seen, m.raw...)
			switch m.kind {
			case 'B':
				c := cursor{b: m.body()}
				c.text()
				c.text()
				rest := c.b
				if skipValues(&c) {
					po := &portal{values: rest[:len(rest)-len(c.b)]}
					for _, p := range po.params() {
						_, _ = p.text(23)
					}
				}
			case 'E':
				_ = field(m.body(), 'C')
				_ = movedError(m.raw, 3)
			case 'R':
				if len(m.body()) > 4 {
					_, _ = withoutBinding(m.body())
				}
			case 'D':
				if cells, ok := readRow(m.body()); ok {
					if got := appendRow(nil, cells); !bytes.Equal(got[5:], m.body()) && len(cells) > 0 && !strings.Contains(string(m.body()), "\xff") {
						t.Fatalf("%q became %q", m.body(), got[5:])
					}
				}
			case 'T':
				if len(m.body()) > 2 {
					_ = cutColumns(m.body(), 1)
				}
			}
		}
		if !bytes.HasPrefix(b, seen) {
			t.Fatalf("%q was read as %q", b, seen)
		}
		if len(b) >= 8 {
			_, _ = readStartup(b)
		}
	})
}

// script is a connection that says b, a few bytes at a time.
type script struct {
	net.Conn
	b []byte
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 7)], s.b)
	s.b = s.b[n:]
	return n, nil
}

// BenchmarkStatement is a round trip: to the database itself, of a user, of a shadow.
func BenchmarkStatement(b *testing.B) {
	s := newStage(b, nil, nil)
	s.setup("CREATE TABLE o (id INT PRIMARY KEY, v INT)", "INSERT INTO o VALUES (1, 1)")
	quiet := newStage(b, func(p *effects.Proxy) { p.NoEmitMark = true }, nil)
	quiet.setup("CREATE TABLE o (id INT PRIMARY KEY, v INT)", "INSERT INTO o VALUES (1, 1)")
	direct, err := pgx.Connect(context.Background(), "postgres://"+s.server.User+":"+s.server.Password+"@"+s.server.Addr+"/"+s.schema)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = direct.Close(context.Background()) }()
	for _, bench := range []struct {
		name string
		c    *pgx.Conn
		mark string
		sql  string
	}{
		{"read/direct", direct, "", "SELECT v FROM o WHERE id = $1"}, {"read/user", s.pgx(""), led(markOf(1, false), ""), "SELECT v FROM o WHERE id = $1"},
		{"write/unmarked log", quiet.pgx(""), led(markOf(3, false), ""), "UPDATE o SET v = v + 1 WHERE id = $1"},
		{"write/direct", direct, "", "UPDATE o SET v = v + 1 WHERE id = $1"}, {"write/user", s.pgx(""), led(markOf(1, false), ""), "UPDATE o SET v = v + 1 WHERE id = $1"},
		{"write/shadow", s.pgx(""), led(markOf(2, true), ""), "UPDATE o SET v = v + 1 WHERE id = $1"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := bench.c.Exec(context.Background(), bench.mark+bench.sql, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

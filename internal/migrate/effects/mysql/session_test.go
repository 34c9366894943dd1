package mysql

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	driver "github.com/go-sql-driver/mysql"

	"jindu.dev/jindu/internal/migrate/dbtest"
	"jindu.dev/jindu/internal/migrate/effects"
)

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("%s did not come to pass", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestRefuseAndPass(t *testing.T) {
	s := newStage(t, func(p *effects.Proxy) { p.Shadow.Mode, p.Unmarked = "", "pass" }, nil)
	s.setup(stock)
	c := s.conn("")
	m := markOf(1, true)
	must(t, c, "INSERT INTO stock (sku, n) VALUES ('a', 1)")
	must(t, c, "INSERT INTO stock (sku, n) VALUES (?, 1)", "b")
	must(t, c, "ANALYZE TABLE stock")
	refused(t, c, "shadow.mode is refuse", led(m, "INSERT INTO stock (sku, n) VALUES ('c', 1)"))
	if got := dump(t, c, led(m, "SELECT COUNT(*) FROM stock")); got != "2 / " {
		t.Errorf("a shadow reads %q", got)
	}
	if s.book.unattributed != 3 || s.proxy.Events.Unattributed.Load() != 3 {
		t.Errorf("unattributed %d", s.book.unattributed)
	}
}

func TestAShadeIsNotHeldForLong(t *testing.T) {
	s := newStage(t, nil, func(p *Proxy) { p.limits.hold, p.limits.holdInTx = 30*time.Millisecond, 60*time.Millisecond })
	s.setup(stock, "INSERT INTO stock (sku, n) VALUES ('a', 1)")
	c := s.conn("")
	m := markOf(1, true)
	must(t, c, led(m, "UPDATE stock SET n = 2"))
	eventually(t, "the rollback", func() bool { return s.proxy.Events.RolledBack.Load() == 1 })
	s.setup("SET innodb_lock_wait_timeout=1", "UPDATE stock SET n = 3") // the row is free
	if got := dump(t, c, led(m, "SELECT n FROM stock")); got != "3 / " {
		t.Errorf("reads %q", got)
	}
	must(t, c, "BEGIN")
	must(t, c, led(m, "UPDATE stock SET n = 4"))
	eventually(t, "the rollback", func() bool { return s.proxy.Events.RolledBack.Load() == 2 })
	refused(t, c, "JD-EFFECTS-114", led(m, "UPDATE stock SET n = 5"))
	refused(t, c, "JD-EFFECTS-114", led(m, "SELECT n FROM stock"))
	refused(t, c, "JD-EFFECTS-114", "SAVEPOINT x")
	refused(t, c, "JD-EFFECTS-114", "COMMIT")
	must(t, c, led(m, "UPDATE stock SET n = 6"))
	must(t, c, "BEGIN")
	must(t, c, led(m, "UPDATE stock SET n = 4"))
	eventually(t, "the rollback", func() bool { return s.proxy.Events.RolledBack.Load() >= 3 })
	_, _ = c.ExecContext(context.Background(), "ROLLBACK")
	must(t, c, led(markOf(2, false), "UPDATE stock SET n = n + 1"))
	if got := s.dump("stock"); got != "a 4 NULL NULL / " {
		t.Errorf("table %s", got)
	}
}

func TestADeadlockEndsAShadowsTransactionOnly(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock, "INSERT INTO stock (sku, n) VALUES ('a', 1), ('b', 1)")
	ctx := context.Background()
	m := markOf(1, true)
	c := s.conn("")
	other, err := s.direct.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	must(t, c, led(m, "UPDATE stock SET n = 2 WHERE sku = 'a'"))
	// The other has written more, so that InnoDB takes the shadow's for the victim.
	must(t, other, "CREATE TABLE heavy (a INT PRIMARY KEY)")
	must(t, other, "BEGIN")
	must(t, other, "INSERT INTO heavy SELECT seq FROM seq_1_to_500")
	must(t, other, "UPDATE stock SET n = 7 WHERE sku = 'b'")
	done := make(chan error, 1)
	go func() {
		_, err := other.ExecContext(ctx, "UPDATE stock SET n = 7 WHERE sku = 'a'")
		done <- err
	}()
	_, err = c.ExecContext(ctx, led(m, "UPDATE stock SET n = 2 WHERE sku = 'b'"))
	if err := <-done; err != nil {
		t.Fatalf("the user was the victim: %v", err)
	}
	must(t, other, "COMMIT")
	_ = err // the shadow's statement waited, or was the victim
	must(t, c, led(m, "UPDATE stock SET n = 3 WHERE sku = 'a'"))
	must(t, c, led(markOf(2, false), "SELECT 1"))
	if got := s.dump("stock"); got != "a 7 NULL NULL / b 7 NULL NULL / " {
		t.Errorf("table %s", got)
	}
}

func TestResetAndChangeOfUserEndAShade(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock, "INSERT INTO stock (sku, n) VALUES ('a', 1)")
	conn, err := client.Connect(s.addr, s.server.User, s.server.Password, s.schema)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	m := markOf(1, true)
	run := func(q string, args ...any) {
		t.Helper()
		if _, err := conn.Execute(q, args...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	run(led(m, "UPDATE stock SET n = 2"))
	run(led(m, "UPDATE stock SET n = ? WHERE sku = ?"), 3, "a")
	raw := func(command byte, arg string) byte {
		t.Helper()
		conn.ResetSequence()
		if err := conn.WritePacket(append([]byte{0, 0, 0, 0, command}, arg...)); err != nil {
			t.Fatal(err)
		}
		b, err := conn.ReadPacket()
		if err != nil {
			t.Fatal(err)
		}
		return b[0]
	}
	if raw(comResetConn, "") != isOK {
		t.Error("no reset")
	}
	if got := s.dump("stock"); got != "a 1 NULL NULL / " {
		t.Errorf("table %s", got)
	}
	run(led(m, "UPDATE stock SET n = 2"))
	// A login that says who it is with a wrong proof, so that the server asks for another: the proof of go-mysql.
	if first := raw(comPing, ""); first != isOK {
		t.Errorf("ping %x", first)
	}
	for command, want := range map[byte]byte{0x0d: isErr, 0x12: isErr, 0x07: isErr, 0xfa: isErr, comStatistics: 'U'} {
		if got := raw(command, ""); got != want {
			t.Errorf("command %x: %x", command, got)
		}
	}
	if raw(comSetOption, "\x00\x00") != isErr || raw(comSetOption, "\x01\x00") != isEOF {
		t.Error("several statements at once")
	}
	if raw(comInitDB, s.schema) != isOK || raw(comInitDB, "nowhere_at_all") != isErr {
		t.Error("another schema")
	}
	for _, command := range []byte{comExecute, comReset, comFetch} {
		if raw(command, "\x63\x00\x00\x00\x00\x01\x00\x00\x00") != isErr {
			t.Errorf("command %x of no statement", command)
		}
	}
	fields, err := conn.FieldList("stock", "")
	if err != nil || len(fields) != 4 {
		t.Errorf("%d fields, %v", len(fields), err)
	}
	run(led(markOf(2, false), "UPDATE stock SET n = 5"))
	if got := s.dump("stock"); got != "a 5 NULL NULL / " {
		t.Errorf("table %s", got)
	}
}

func TestPreparedStatementsOfGoMySQL(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup("CREATE TABLE p (id INT PRIMARY KEY, i BIGINT, u BIGINT UNSIGNED, f FLOAT, d DOUBLE, t VARCHAR(50), b VARBINARY(20), j JSON, y BOOLEAN, ts TIMESTAMP(6) NULL, x BIT(5), c CHAR(4), e ENUM('q','r'))")
	c := s.conn("parseTime=true")
	m := markOf(1, true)
	at := time.Date(2026, 3, 4, 5, 6, 7, 120000000, time.UTC)
	must(t, c, "SET time_zone='+03:00'")
	must(t, c, led(m, "INSERT INTO p VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"), 1, -5, uint64(1)<<63, 0.1, 1.25, "津'\\", []byte{0, 0xff}, `{"b":1, "a":[1,2]}`, true, at, 5, "k", "r")
	must(t, c, led(m, "UPDATE p SET t = ? WHERE t = ? AND d = ? AND ts <= ? AND u > ?"), nil, "津'\\", 1.25, at, 1)
	must(t, c, led(m, "DELETE FROM p WHERE id = ?"), 1)
	row := "id=1 i=-5 u=9223372036854775808 f=0.10000000149011612 d=1.25 t=津'\\ b=00ff j={\"a\":[1,2],\"b\":1} y=true ts=2026-03-04T02:06:07.12Z x=00101 c=k e=r"
	want := "row insert p key id=1 after " + row + " rolled_back\nrow update p key id=1 before t=津'\\ after t=NULL rolled_back\n" +
		"row delete p key id=1 before " + strings.Replace(row, "t=津'\\", "t=NULL", 1) + " rolled_back"
	if got := s.book.say(m); got != want {
		t.Errorf("recorded\n%s\nwant\n%s", got, want)
	}
	// What is not simple is told as a statement.
	m = markOf(2, true)
	must(t, c, led(m, "INSERT INTO p (id) VALUES (1), (2)"))
	must(t, c, led(m, "UPDATE p SET id = id + ? WHERE id > ?"), 10, 0)
	must(t, c, led(m, "DELETE FROM p WHERE RAND() < 2 LIMIT 1"))
	must(t, c, led(m, "INSERT INTO p (id) SELECT id + 1000 FROM p"))
	must(t, c, led(m, "INSERT INTO p (id) VALUES (7 + 0)"))
	if got := s.book.say(m); strings.Count(got, "row insert") != 2 || strings.Count(got, "\nsql ") != 4 || !strings.Contains(got, `rows 2: UPDATE p SET id = id + ? WHERE id > ? ["10" "0"] rolled_back`) {
		t.Errorf("recorded\n%s", got)
	}
	got, err := c.QueryContext(context.Background(), led(m, "DELETE FROM p WHERE id = 7 RETURNING id"))
	if err != nil {
		t.Fatal(err)
	}
	_ = got.Close()
	if !strings.Contains(s.book.say(m), "RETURNING") {
		t.Error("a write that answers with rows is not recorded")
	}
	if got := s.dump("p"); got != "" {
		t.Errorf("table %s", got)
	}
}

func TestLargeResultsAndStatementsStream(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup("CREATE TABLE big (id INT PRIMARY KEY, b LONGBLOB)", "SET GLOBAL max_allowed_packet = 67108864")
	c := s.conn("maxAllowedPacket=67108864")
	u, m := markOf(1, false), markOf(2, true)
	for i, size := range []int{1 << 10, 100 << 10, 17 << 20} {
		must(t, c, led(u, "INSERT INTO big VALUES (?, ?)"), i, make([]byte, size))
		if got := dump(t, c, led(u, "SELECT LENGTH(b), b = REPEAT(X'00', ?) FROM big WHERE id = ?"), size, i); got != fmt.Sprintf("%d 1 / ", size) {
			t.Errorf("size %d: %s", size, got)
		}
		var b []byte
		if err := c.QueryRowContext(context.Background(), led(u, "SELECT b FROM big WHERE id = ?"), i).Scan(&b); err != nil || len(b) != size {
			t.Errorf("size %d: read %d, %v", size, len(b), err)
		}
	}
	must(t, c, led(m, "INSERT INTO big VALUES (?, ?)"), 7, make([]byte, 100<<10))
	if _, err := c.ExecContext(context.Background(), led(m, "INSERT INTO big VALUES (8, X'"+strings.Repeat("00", 9<<20)+"')")); err == nil || !strings.Contains(err.Error(), "16 MiB") {
		t.Errorf("got %v", err)
	}
	if got := dump(t, s.direct, "SELECT COUNT(*) FROM big"); got != "3 / " {
		t.Errorf("rows %s", got)
	}
	if got := dump(t, c, led(u, "SELECT COUNT(*), SUM(LENGTH(a.seq)) FROM seq_1_to_1000 a JOIN seq_1_to_50 b")); !strings.HasPrefix(got, "50000 ") {
		t.Errorf("read %s", got)
	}
	rows, err := c.QueryContext(context.Background(), led(u, "SELECT a.seq FROM seq_1_to_1000 a JOIN seq_1_to_50 b"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil || n != 50000 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestTLSBetweenClientAndProxy(t *testing.T) {
	cert, key, pool := certificate(t)
	s := newStage(t, func(p *effects.Proxy) { p.Cert, p.Key = cert, key }, nil)
	if err := driver.RegisterTLSConfig("jindu", &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}); err != nil {
		t.Fatal(err)
	}
	s.setup(stock)
	c := s.conn("tls=jindu")
	m := markOf(1, true)
	must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('a', ?)"), 1)
	if !strings.HasPrefix(s.book.say(m), "row insert stock") {
		t.Error(s.book.say(m))
	}
	if err := s.open("").PingContext(context.Background()); err == nil || !strings.Contains(err.Error(), "takes TLS only") {
		t.Errorf("without TLS: %v", err)
	}
}

func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
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
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for path, data := range map[string][]byte{certFile: certPEM, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return certFile, keyFile, pool
}

func TestADatabaseThatLeavesIsNoticed(t *testing.T) {
	s := newStage(t, nil, func(p *Proxy) { p.limits.idle = 10 * time.Millisecond })
	c := s.conn("")
	id := dump(t, c, "SELECT CONNECTION_ID()")
	// Left alone for longer than the idle limit, it still works.
	eventually(t, "the pause", func() bool { time.Sleep(30 * time.Millisecond); return true })
	must(t, c, "SELECT 1")
	s.setup("KILL " + strings.Fields(id)[0])
	eventually(t, "the end of the session", func() bool { return c.PingContext(context.Background()) != nil })
}

func TestALoginThatFailsIsToldAsTheServerTellsIt(t *testing.T) {
	s := newStage(t, nil, nil)
	_, err := client.Connect(s.addr, "nobody", "wrong", "")
	if err == nil || !strings.Contains(err.Error(), "Access denied") {
		t.Errorf("got %v", err)
	}
	gone := newStage(t, func(p *effects.Proxy) { p.Upstream = "127.0.0.1:1" }, nil)
	if err := gone.open("").PingContext(context.Background()); err == nil || !strings.Contains(err.Error(), "JD-EFFECTS-002") {
		t.Errorf("without a database: %v", err)
	}
	// What greets otherwise is no MariaDB.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(nc, "\x05\x00\x00\x00hello")
			_ = nc.Close()
		}
	}()
	odd := newStage(t, func(p *effects.Proxy) { p.Upstream = ln.Addr().String() }, nil)
	if err := odd.open("").PingContext(context.Background()); err == nil {
		t.Error("a stranger was taken for a database")
	}
	eventually(t, "the failure", func() bool { return odd.proxy.Events.Failed.Load() > 0 })
}

// cutter passes a connection on and can cut it.
type cutter struct {
	ln    net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func newCutter(t *testing.T, to string) *cutter {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{ln: ln}
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, in, out)
			c.mu.Unlock()
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); c.cut() })
	return c
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, nc := range c.conns {
		_ = nc.Close()
	}
	c.conns = nil
}

func TestCutConnectionsLeaveNothingOfAShadow(t *testing.T) {
	server := dbtest.MariaDB(t)
	cutting := newCutter(t, server.Addr)
	s := newStage(t, func(p *effects.Proxy) { p.Upstream = cutting.ln.Addr().String() }, nil)
	s.setup(stock, "INSERT INTO stock (sku, n) VALUES ('a', 1)")
	ctx := context.Background()
	for i := range 12 {
		db := s.open("interpolateParams=true")
		c, err := db.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		m := markOf(100+i, true)
		if i%3 == 1 {
			must(t, c, "BEGIN")
		}
		must(t, c, led(m, "UPDATE stock SET n = n + 1"))
		if i%3 == 2 {
			must(t, c, led(markOf(200+i, false), "SELECT 1"))
			must(t, c, "BEGIN")
			must(t, c, led(markOf(200+i, false), "UPDATE stock SET n = n + 1"))
		}
		if i%2 == 0 {
			cutting.cut() // between proxy and database
		} else if err := c.Raw(func(raw any) error { return raw.(io.Closer).Close() }); err != nil {
			t.Log(err) // the client leaves
		}
		_ = c.Close()
		_ = db.Close()
		// The rows are free, as soon as the database has noticed.
		if got := dump(t, s.direct, "SELECT n FROM stock FOR UPDATE"); got != "1 / " {
			t.Fatalf("round %d: %s", i, got)
		}
		if got := s.dump("stock"); got != "a 1 NULL NULL / " {
			t.Fatalf("round %d: %s", i, got)
		}
		if got := s.book.say(markOf(200+i, false)); got != "" {
			t.Fatalf("round %d: recorded what was not committed: %s", i, got)
		}
	}
}

func TestACommitWithoutAnAnswerIsUnknown(t *testing.T) {
	server := dbtest.MariaDB(t)
	cutting := newCutter(t, server.Addr)
	s := newStage(t, func(p *effects.Proxy) { p.Upstream = cutting.ln.Addr().String() }, nil)
	s.setup(stock)
	ctx := context.Background()
	c := s.conn("interpolateParams=true")
	u := markOf(1, false)
	// The statement waits for a lock, so that the cut comes in the middle of it.
	other, err := s.direct.BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(ctx, "INSERT INTO stock (sku, n) VALUES ('a', 1)"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.ExecContext(ctx, led(u, "INSERT INTO stock (sku, n) VALUES ('a', 2)"))
		done <- err
	}()
	eventually(t, "the wait", func() bool {
		time.Sleep(120 * time.Millisecond) // innodb_trx stays as it is while it is read more often
		return dump(t, s.direct, "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'") == "1 / "
	})
	cutting.cut()
	if err := <-done; err == nil {
		t.Error("answered")
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the record", func() bool { return strings.Contains(s.book.say(u), "unknown") })
}

func TestTheEndOfTheProcessWaitsForWork(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock)
	idle, busy := s.conn(""), s.conn("")
	must(t, idle, "SELECT 1")
	must(t, busy, "BEGIN")
	must(t, busy, led(markOf(1, false), "INSERT INTO stock (sku, n) VALUES ('a', 1)"))
	stopped := make(chan struct{})
	go func() { s.stop(); close(stopped) }()
	eventually(t, "the end of the idle session", func() bool { return idle.PingContext(context.Background()) != nil })
	must(t, busy, "COMMIT")
	<-stopped
	if got := s.dump("stock"); got != "a 1 NULL NULL / " {
		t.Errorf("table %s", got)
	}
}

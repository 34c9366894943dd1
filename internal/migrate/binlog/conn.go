package binlog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
)

// Numbers of errors of the server that mean something here.
const (
	errDBAccess      = 1044
	errAccess        = 1045
	errNoDatabase    = 1049
	errHost          = 1130
	errTableAccess   = 1142
	errPrivilege     = 1227
	errReplicaLog    = 1236 // the log cannot be read from there; why, only its text says
	commandDump      = 0x12
	commandDumpGTID  = 0x1e
	flagAnnotate     = 2 // MariaDB: with the text of statements
	packetOK         = 0x00
	packetEnd        = 0xfe
	packetError      = 0xff
	heartbeat        = 200 * time.Millisecond
	silence          = 15 * time.Second // without a packet, while the server sends heartbeats: the connection is dead
	connectPatience  = 10 * time.Second
	statementTimeout = 30 * time.Second
)

// conn is a connection that ends with its context.
type conn struct {
	*client.Conn
	stop func() bool
	sums sums
}

func (c *conn) close() {
	c.stop()
	_ = c.Close() // nothing is left to be written
}

// dial connects and logs in. A read that lasts longer than patience fails.
func (s *Source) dial(ctx context.Context, patience time.Duration) (*conn, error) {
	stop := func() bool { return true }
	dial := func(ctx2 context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Timeout: connectPatience}
		c, err := d.DialContext(ctx2, network, address)
		if err == nil {
			stop = context.AfterFunc(ctx, func() { _ = c.Close() })
		}
		return c, err
	}
	network := "tcp"
	if strings.HasPrefix(s.db.Address, "/") {
		network = "unix"
	}
	c, err := client.ConnectWithDialer(ctx, network, s.db.Address, s.db.User, s.db.Password.Reveal(), "", dial, func(c *client.Conn) error {
		c.ReadTimeout, c.WriteTimeout = patience, statementTimeout
		c.SetAttributes(map[string]string{"program_name": "jindu", "_client_role": "binary_log_listener"})
		if s.tls != nil {
			c.SetTLSConfig(s.tls)
		}
		return nil
	})
	if err != nil {
		stop()
		return nil, fmt.Errorf("connect to %s: %w", s.db.Address, err)
	}
	return &conn{Conn: c, stop: stop}, nil
}

// tlsConfig is what Database.TLS and CA mean, nil for none.
func tlsConfig(d data.Database) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(d.Address)
	if err != nil && !strings.HasPrefix(d.Address, "/") {
		return nil, kind.New(kind.Invalid, "JD-BINLOG-002", "address %q is no host:port and no path of a socket", d.Address)
	}
	if d.TLS != "verify" {
		ip := net.ParseIP(host)
		if host != "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, kind.New(kind.Invalid, "JD-BINLOG-002", "tls is off and %s is not this machine; write tls: verify", d.Address)
		}
		return nil, nil
	}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if d.CA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(d.CA)
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-BINLOG-002", "read the authorities of %s: %w", d.Address, err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, kind.New(kind.Invalid, "JD-BINLOG-002", "ca %s holds no certificate: name a PEM file of the authorities", d.CA)
	}
	return c, nil
}

// query reads all rows of a small answer as text; NULL is "".
func (c *conn) query(text string, args ...any) ([][]string, error) {
	r, err := c.Execute(text, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	defer r.Close()
	if r.Resultset == nil {
		return nil, nil
	}
	rows := make([][]string, r.RowNumber())
	for i := range rows {
		rows[i] = make([]string, r.ColumnNumber())
		for j := range rows[i] {
			v, err := r.GetString(i, j)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", text, err)
			}
			rows[i][j] = strings.Clone(v) // it is the memory of an answer that the library uses again
		}
	}
	return rows, nil
}

// row is the only row of an answer.
func (c *conn) row(width int, text string) ([]string, error) {
	rows, err := c.query(text)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 || len(rows[0]) < width {
		return nil, fmt.Errorf("%s: the server answered %d rows", text, len(rows))
	}
	return rows[0], nil
}

// code is the number of a server's error, 0 of any other.
func code(err error) uint16 {
	if e, ok := errors.AsType[*mysql.MyError](err); ok {
		return e.Code
	}
	return 0
}

// dump asks for the log from a position on; events follow without end.
func (s *Source) dump(ctx context.Context, from position, id uint32) (*conn, error) {
	c, err := s.dial(ctx, silence)
	if err != nil {
		return nil, err
	}
	settings := []string{
		"SET @master_binlog_checksum='NONE', @source_binlog_checksum='NONE'", // TCP and TLS have theirs
		fmt.Sprintf("SET @master_heartbeat_period=%d, @source_heartbeat_period=%d", heartbeat, heartbeat),
		fmt.Sprintf("SET @slave_uuid='%s', @replica_uuid='%s'", s.uuid(id), s.uuid(id)),
	}
	if from.maria != nil {
		// Capability 4 is GTIDs. The strict mode holds the server from beginning at a place that it only guesses.
		settings = append(settings, "SET @mariadb_slave_capability=4", "SET @slave_gtid_strict_mode=1",
			"SET @slave_connect_state='"+from.gtids()+"'")
	}
	for _, text := range settings {
		if _, err := c.query(text); err != nil {
			c.close()
			return nil, err
		}
	}
	c.ResetSequence()
	if err := c.WritePacket(dumpCommand(from, id)); err != nil {
		c.close()
		return nil, fmt.Errorf("ask for the log: %w", err)
	}
	return c, nil
}

// dumpCommand is the packet, with room for its head.
func dumpCommand(from position, id uint32) []byte {
	b := make([]byte, 4, 64)
	if from.mysql != nil {
		set := from.mysql.Encode()
		b = append(b, commandDumpGTID, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, id)
		b = binary.LittleEndian.AppendUint32(b, 0) // no file
		b = binary.LittleEndian.AppendUint64(b, 4)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(set)))
		return append(b, set...)
	}
	at, flags := uint32(4), uint16(0)
	if from.maria != nil {
		at, flags = 0, flagAnnotate
	} else if from.at > 4 {
		at = from.at
	}
	b = append(b, commandDump)
	b = binary.LittleEndian.AppendUint32(b, at)
	b = binary.LittleEndian.AppendUint16(b, flags)
	b = binary.LittleEndian.AppendUint32(b, id)
	return append(b, from.file...)
}

// event reads one event of a dump.
func (c *conn) event() ([]byte, error) {
	p, err := c.ReadPacket()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the log: %w", err)
	case len(p) == 0:
		return nil, errShort
	case p[0] == packetOK:
		b, err := c.sums.cut(p[1:])
		if err != nil {
			return nil, &brokenError{fmt.Errorf("read the log: %w", err)}
		}
		return b, nil
	case p[0] == packetError:
		return nil, fmt.Errorf("read the log: %w", c.HandleErrorPacket(p))
	case p[0] == packetEnd:
		return nil, errors.New("read the log: the server ended it")
	}
	return nil, fmt.Errorf("read the log: packet %#x is not known", p[0])
}

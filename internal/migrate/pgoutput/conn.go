package pgoutput

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
)

const (
	connectPatience  = 10 * time.Second
	statementTimeout = 30 * time.Second
	silence          = 15 * time.Second // without a message, while the server is asked 5 times a second: the connection is dead
)

// settings make the server write values as the store reads them.
var settings = map[string]string{
	"datestyle": "ISO, YMD", "intervalstyle": "postgres", "timezone": "UTC", "extra_float_digits": "1", "bytea_output": "hex",
	"client_encoding": "UTF8", "lc_monetary": "C", "idle_in_transaction_session_timeout": "0", "statement_timeout": "0",
}

// dial connects; replication is for the stream of changes.
func (s *Source) dial(ctx context.Context, replication bool) (*pgconn.PgConn, error) {
	c, err := pgconn.ParseConfig("")
	if err != nil {
		return nil, fmt.Errorf("settings of a connection: %w", err)
	}
	// Nothing of the environment counts: the configuration names all.
	c.Host, c.Port, c.Database, c.User, c.Password = s.host, s.port, s.db.Schema, s.db.User, s.db.Password.Reveal()
	c.TLSConfig, c.Fallbacks, c.ConnectTimeout, c.KerberosSrvName, c.KerberosSpn = s.tls, nil, connectPatience, "", ""
	c.ValidateConnect, c.AfterConnect, c.OnNotice = nil, nil, nil
	c.RuntimeParams = map[string]string{"application_name": s.slot}
	maps.Copy(c.RuntimeParams, settings)
	if replication {
		c.RuntimeParams["replication"] = "database"
	}
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", s.db.Address, err)
	}
	return conn, nil
}

// tlsConfig is what Database.TLS and CA mean, nil for none.
func tlsConfig(d data.Database) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(d.Address)
	if err != nil && !strings.HasPrefix(d.Address, "/") {
		return nil, kind.New(kind.Invalid, "JD-PGOUTPUT-002", "address %q is no host:port and no path of a socket", d.Address)
	}
	if d.TLS != "verify" {
		ip := net.ParseIP(host)
		if host != "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, kind.New(kind.Invalid, "JD-PGOUTPUT-002", "tls is off and %s is not this machine; write tls: verify", d.Address)
		}
		return nil, nil
	}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if d.CA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(d.CA)
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-PGOUTPUT-002", "read the authorities of %s: %w", d.Address, err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, kind.New(kind.Invalid, "JD-PGOUTPUT-002", "ca %s holds no certificate: name a PEM file of the authorities", d.CA)
	}
	return c, nil
}

// target is host and port of an address; a Unix socket is a file such as /run/postgresql/.s.PGSQL.5432.
func target(address string) (host string, port uint16, err error) {
	var text string
	if strings.HasPrefix(address, "/") {
		at := strings.LastIndex(address, "/.s.PGSQL.")
		if at < 0 {
			return address, 5432, nil
		}
		host, text = address[:at], address[at+len("/.s.PGSQL."):]
	} else if host, text, err = net.SplitHostPort(address); err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return host, uint16(n), err
}

// query reads all rows of a small answer as text; NULL is "".
func query(ctx context.Context, c *pgconn.PgConn, text string, args ...string) ([][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	var r *pgconn.Result
	if len(args) == 0 {
		all, err := c.Exec(ctx, text).ReadAll() // replication connections take nothing else
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		if len(all) == 0 {
			return nil, nil
		}
		r = all[len(all)-1]
	} else {
		params := make([][]byte, len(args))
		for i, a := range args {
			params[i] = []byte(a)
		}
		if r = c.ExecParams(ctx, text, params, nil, nil, nil).Read(); r.Err != nil {
			return nil, fmt.Errorf("%s: %w", text, r.Err)
		}
	}
	rows := make([][]string, len(r.Rows))
	for i, row := range r.Rows {
		rows[i] = make([]string, len(row))
		for j, v := range row {
			rows[i][j] = string(v)
		}
	}
	return rows, nil
}

// The states of PostgreSQL's errors that mean something here.
const (
	stateDenied      = "42501"
	stateNoDatabase  = "3D000"
	statePassword    = "28P01"
	stateAuth        = "28000"
	stateInUse       = "55006"
	stateNotPrepared = "55000" // of a slot: invalidated
	stateNotFound    = "42704"
	stateExists      = "42710"
)

// state is the SQLSTATE of a server's error, "" of any other.
func state(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

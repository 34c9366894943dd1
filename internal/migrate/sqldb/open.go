package sqldb

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dialect"
)

const defaultConns = 8

// Store is the database of one side.
type Store struct {
	name    string
	config  data.Database
	dialect *dialect.Dialect
	pool    pool
	timeout time.Duration

	mu       sync.Mutex
	replicas map[string]pool
}

var _ data.Store = (*Store)(nil)

// Open makes the store of a database; it connects when it is first used. timeout is the limit of one
// statement; those that read much are cut into pieces that keep it.
func Open(name string, d data.Database, timeout time.Duration) (data.Store, error) {
	dia, ok := dialect.For(d.Kind)
	if !ok {
		return nil, kind.New(kind.Invalid, "JD-SQLDB-001", "database %s: kind %q is none; write mariadb, mysql, postgres, opengauss or dm8", name, d.Kind)
	}
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	if d.MaxConns <= 0 {
		d.MaxConns = defaultConns
	}
	s := &Store{name: name, config: d, dialect: dia, timeout: timeout, replicas: map[string]pool{}}
	var err error
	s.pool, err = s.open(d.Address)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// open makes a pool for one address: the database's own, or a replica's.
func (s *Store) open(address string) (pool, error) {
	t, err := s.tls(address)
	if err != nil {
		return nil, err
	}
	switch s.dialect.Kind {
	case dialect.MariaDB, dialect.MySQL:
		return s.openMySQL(address, t)
	case dialect.Postgres, dialect.OpenGauss:
		return s.openPostgres(address, t)
	}
	return nil, kind.New(kind.Unsupported, "JD-SQLDB-002", "database %s: this build has no driver for %s; link a side module with that driver", s.name, s.config.Kind)
}

// tls is nil where the connection needs none.
func (s *Store) tls(address string) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil && !strings.HasPrefix(address, "/") {
		return nil, kind.New(kind.Invalid, "JD-SQLDB-001", "database %s: address %q is no host:port and no path of a socket", s.name, address)
	}
	local := strings.HasPrefix(address, "/") || host == "localhost"
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		local = true
	}
	switch s.config.TLS {
	case "", "off":
		if !local {
			return nil, kind.New(kind.Invalid, "JD-SQLDB-001", "database %s: tls is off and %s is not this machine; write tls: verify", s.name, address)
		}
		return nil, nil
	case "verify":
	default:
		return nil, kind.New(kind.Invalid, "JD-SQLDB-001", "database %s: tls %q is neither off nor verify", s.name, s.config.TLS)
	}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if s.config.CA != "" {
		pem, err := os.ReadFile(s.config.CA)
		if err != nil {
			return nil, kind.New(kind.Invalid, "JD-SQLDB-001", "database %s: read ca: %w", s.name, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, kind.New(kind.Invalid, "JD-SQLDB-001", "database %s: ca %s holds no certificate", s.name, s.config.CA)
		}
	}
	return c, nil
}

// Close ends all connections.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := []error{s.pool.close()}
	for _, p := range s.replicas {
		errs = append(errs, p.close())
	}
	s.replicas = nil
	return errors.Join(errs...)
}

// limit bounds a statement, or what a caller waits for a transaction.
func (s *Store) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.timeout)
}

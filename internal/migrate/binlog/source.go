package binlog

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
)

// Flavors of servers.
const (
	flavorMaria = "mariadb"
	flavorMySQL = "mysql"
)

// relayTable is the table whose rows mark a transaction as one that a relay of ours wrote.
const relayTable = "jindu_relay"

// maxPart is how many bytes of row events a transaction may have before it is told in parts. It is no option:
// parts must be the same ones when a transaction is told again.
const maxPart = 16 << 20

// Options are what New may be told.
type Options struct {
	// ServerID is the id under which the server knows this reader among its replicas. 0: from name and address.
	ServerID uint32
	// Logger hears of connections lost and of what the log does not tell; nil: nobody does.
	Logger *slog.Logger
	// Wait is the first pause before a lost connection is tried again; it doubles up to 5 s. 0: 100 ms.
	Wait time.Duration

	part int // for tests: instead of maxPart
}

// Source reads the binary log of one database. It is safe for concurrent use, but only one Run at a time: the
// server ends the former reader of the same id.
type Source struct {
	name   string
	db     data.Database
	opt    Options
	tls    *tls.Config
	flavor string
}

var _ data.Source = (*Source)(nil)

// New makes a source named for its stream. It does no I/O but reading the authorities' file.
func New(name string, d data.Database, o Options) (*Source, error) {
	if d.Kind != flavorMaria && d.Kind != flavorMySQL {
		return nil, kind.New(kind.Invalid, "JD-BINLOG-002", "database kind %q has no binary log: use mariadb or mysql, or another capture", d.Kind)
	}
	if d.Schema == "" || d.Address == "" || d.User == "" {
		return nil, kind.New(kind.Invalid, "JD-BINLOG-002", "address, schema and user of a database must be set: address %q, schema %q, user %q", d.Address, d.Schema, d.User)
	}
	t, err := tlsConfig(d)
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Wait <= 0 {
		o.Wait = 100 * time.Millisecond
	}
	if o.part <= 0 {
		o.part = maxPart
	}
	s := &Source{name: name, db: d, opt: o, tls: t, flavor: d.Kind}
	if s.opt.ServerID == 0 {
		s.opt.ServerID = s.hash("") | 1<<31 // ids that people give are small
	}
	return s, nil
}

func (s *Source) hash(role string) uint32 {
	sum := sha256.Sum256([]byte(strings.Join([]string{"jindu", s.name, s.db.Address, s.db.Schema, role}, "\x00")))
	return binary.BigEndian.Uint32(sum[:])
}

// uuid is what MySQL knows a replica by, the same each time: a reader that comes again ends the one it lost.
func (s *Source) uuid(id uint32) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "jindu\x00%s\x00%s\x00%d", s.name, s.db.Address, id))
	h := hex.EncodeToString(sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// Here is the position of the log's end now.
func (s *Source) Here(ctx context.Context) (data.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	c, err := s.dial(ctx, statementTimeout)
	if err != nil {
		return "", s.final(err)
	}
	defer c.close()
	srv, err := s.look(c)
	if err != nil {
		return "", s.final(err)
	}
	p, _, err := srv.end(c)
	return p.text(), s.final(err)
}

// Reached says whether everything up to want is told when at is.
func (s *Source) Reached(at, want data.Position) bool {
	a, err := parsePosition(at, s.flavor)
	if err != nil {
		return false
	}
	w, err := parsePosition(want, s.flavor)
	return err == nil && a.reached(w)
}

// Run tells every transaction behind from that touches one of the tables; see data.Source.
func (s *Source) Run(ctx context.Context, from data.Position, tables []string, emit func(data.Txn) error) error {
	at := position{}
	if from != "" {
		var err error
		if at, err = parsePosition(from, s.flavor); err != nil {
			return err
		}
	}
	st := &stream{src: s, at: at, names: tables, emit: emit}
	wait, broken := s.opt.Wait, 0
	for {
		before := st.at.text()
		err := st.session(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if e, ok := errors.AsType[*emitError](err); ok {
			return e.err
		}
		if err = s.final(err); isFinal(err) {
			return err
		}
		if st.at.text() != before {
			wait, broken = s.opt.Wait, 0
		}
		if e, ok := errors.AsType[*brokenError](err); ok {
			if broken++; broken >= maxBroken {
				return lost("JD-BINLOG-012", "the binary log of %s cannot be read: %w: compare in full and go on behind it", s.db.Address, e.err)
			}
		}
		s.opt.Logger.Warn("binary log lost, trying again", "source", s.name, "after", wait, "error", err)
		if !sleep(ctx, wait/2+rand.N(wait/2+1)) {
			return ctx.Err()
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// maxBroken is how often an event that cannot be read is read again: a connection may have spoilt it.
const maxBroken = 4

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// emitError is what the consumer returned.
type emitError struct{ err error }

func (e *emitError) Error() string { return e.err.Error() }

// isFinal says whether trying again is in vain: every error with a kind of ours but Unavailable.
func isFinal(err error) bool {
	_, ours := errors.AsType[*kind.Error](err)
	return ours && kind.Of(err) != kind.Unavailable
}

// final gives errors that a person must mend their kind and remedy.
func (s *Source) final(err error) error {
	switch code(err) {
	case errAccess, errHost, errDBAccess, errNoDatabase:
		return kind.New(kind.Denied, "JD-BINLOG-003", "%s lets user %s not in: %w: correct user, password or schema", s.db.Address, s.db.User, err)
	case errPrivilege, errTableAccess:
		return kind.New(kind.Denied, "JD-BINLOG-003", "%s refuses user %s: %w: grant REPLICATION SLAVE and REPLICATION CLIENT (MariaDB: REPLICATION SLAVE and BINLOG MONITOR) on *.*, and SELECT on %s.*",
			s.db.Address, s.db.User, err, s.db.Schema)
	}
	return err
}

// lost is an error after which only a full comparison finds what differs.
func lost(code, format string, args ...any) error {
	e := kind.New(kind.Conflict, code, format, args...)
	if e.Err == nil {
		e.Err = data.ErrLogGone
	} else {
		e.Err = errors.Join(data.ErrLogGone, e.Err)
	}
	return e
}

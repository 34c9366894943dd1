package pgoutput

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
)

// relayTable is the table whose rows mark a transaction as one that a relay of ours wrote.
const relayTable = "jindu_relay"

// markPrefix is that of the logical messages that carry a mark.
const markPrefix = "jindu.mark"

// maxPart is how many bytes of rows a transaction may have before it is told in parts. It is no option: parts
// must be the same ones when a transaction is told again.
const maxPart = 16 << 20

// Options are what New may be told.
type Options struct {
	// Tables are those that the publication holds, schema in front where it is not public. Run may be given
	// some of them. They must be known to Here, which marks the place from which on they are told.
	Tables []string
	// Logger hears of connections lost; nil: nobody does.
	Logger *slog.Logger
	// Wait is the first pause before a lost connection is tried again; it doubles up to 5 s. 0: 100 ms.
	Wait time.Duration

	part int // for tests: instead of maxPart
}

// Source reads the logical changes of one database. It is safe for concurrent use, but only one Run at a time.
type Source struct {
	name string
	db   data.Database
	opt  Options
	tls  *tls.Config
	host string
	port uint16
	slot string

	mu    sync.Mutex
	acked lsn
}

var (
	_ data.Source = (*Source)(nil)
	_ data.Acker  = (*Source)(nil)
)

// New makes a source named for its stream. It does no I/O but reading the authorities' file.
func New(name string, d data.Database, o Options) (*Source, error) {
	if d.Kind != "postgres" {
		return nil, kind.New(kind.Invalid, "JD-PGOUTPUT-002", "database kind %q has no logical decoding that is read here: use postgres, or capture by outbox", d.Kind)
	}
	if d.Schema == "" || d.User == "" {
		return nil, kind.New(kind.Invalid, "JD-PGOUTPUT-002", "schema and user of a database must be set: schema %q, user %q", d.Schema, d.User)
	}
	host, port, err := target(d.Address)
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-PGOUTPUT-002", "address %q: %w: write host:port, or the path of a Unix socket", d.Address, err)
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
	o.Tables = slices.Clone(o.Tables)
	return &Source{name: name, db: d, opt: o, tls: t, host: host, port: port, slot: slotName(name, d.Schema)}, nil
}

// slotName is a name that PostgreSQL takes for a slot: at most 63 of a-z, 0-9 and _.
func slotName(name, database string) string {
	sum := sha256.Sum256([]byte(name + "\x00" + database))
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, name)
	return "jindu_" + clean[:min(len(clean), 40)] + "_" + hex.EncodeToString(sum[:4])
}

// Slot is the name of the slot and of the publication.
func (s *Source) Slot() string { return s.slot }

// Reached says whether everything up to want is told when at is.
func (s *Source) Reached(at, want data.Position) bool {
	a, err1 := parsePosition(at)
	w, err2 := parsePosition(want)
	return err1 == nil && err2 == nil && a >= w
}

// Ack lets the server forget its log up to at. It is sent with the next status, within a fifth of a second.
func (s *Source) Ack(_ context.Context, at data.Position) error {
	l, err := parsePosition(at)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked = max(s.acked, l)
	return nil
}

func (s *Source) acknowledged() lsn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked
}

// Here is the position of the log's end now. It makes publication and slot when they are missing or of no more
// use, so that Run from there tells everything.
func (s *Source) Here(ctx context.Context) (data.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*statementTimeout)
	defer cancel()
	c, err := s.dial(ctx, false)
	if err != nil {
		return "", s.final(err)
	}
	defer closeConn(c)
	l, err := s.here(ctx, c, s.opt.Tables)
	if err != nil {
		return "", s.final(err)
	}
	return l.text(), nil
}

func closeConn(c *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.Close(ctx) // nothing is left to be written
}

// Run tells every transaction behind from that touches one of the tables; see data.Source.
func (s *Source) Run(ctx context.Context, from data.Position, tables []string, emit func(data.Txn) error) error {
	st := &stream{src: s, names: tables, emit: emit}
	if from != "" {
		var err error
		if st.at, err = parsePosition(from); err != nil {
			return err
		}
	}
	wait := s.opt.Wait
	for {
		before := st.at
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
		if st.at > before {
			wait = s.opt.Wait
		}
		s.opt.Logger.Warn("logical changes lost, trying again", "source", s.name, "after", wait, "error", err)
		if !sleep(ctx, wait/2+rand.N(wait/2+1)) {
			return ctx.Err()
		}
		wait = min(2*wait, 5*time.Second)
	}
}

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
	if isFinal(err) {
		return err
	}
	switch state(err) {
	case statePassword, stateAuth, stateNoDatabase:
		return kind.New(kind.Denied, "JD-PGOUTPUT-003", "%s lets user %s not in: %w: correct user, password or schema, and let pg_hba.conf have it", s.db.Address, s.db.User, err)
	case stateDenied:
		return kind.New(kind.Denied, "JD-PGOUTPUT-003", "%s refuses user %s: %w: ALTER ROLE %s REPLICATION, GRANT CREATE ON DATABASE %s and make it the owner of the tables; or make the publication yourself: CREATE PUBLICATION %s FOR TABLE with all tables and %s",
			s.db.Address, s.db.User, err, quote(s.db.User), quote(s.db.Schema), s.slot, relayTable)
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

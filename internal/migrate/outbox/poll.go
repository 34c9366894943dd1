package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/data"
)

// record is a row of the outbox.
type record struct {
	id      int64
	table   string
	op      string
	key     string
	after   sql.NullString
	version int64
	mark    string
	at      time.Time
}

// stream is one Run.
type stream struct {
	src    *Source
	run    string
	tables *tables
	emit   func(data.Txn) error

	told     int64 // rows
	high     int64 // the highest id seen by a poll that told all it saw
	top      int64 // the highest id seen
	mark     time.Time
	lastEmit time.Time
}

// emitError is what the consumer returned.
type emitError struct{ err error }

func (e *emitError) Error() string { return e.err.Error() }

// Run tells every row of the outbox of one of the tables; see the package comment for what from means.
func (s *Source) Run(ctx context.Context, from data.Position, names []string, emit func(data.Txn) error) error {
	st := &stream{src: s, run: s.begin(), tables: newTables(s, names), emit: emit}
	if from != "" {
		p, err := parsePosition(from)
		if err != nil {
			return err
		}
		st.high, st.top = p.high, p.high
	}
	wait, pause := s.opt.Wait, s.opt.Busy
	for {
		n, err := st.poll(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			wait = s.opt.Wait
			if pause = min(2*pause, s.opt.Idle); n > 0 {
				pause = s.opt.Busy
			}
			if n < chunk && !sleep(ctx, pause) {
				return ctx.Err()
			}
			continue
		}
		if e, ok := errors.AsType[*emitError](err); ok {
			return e.err
		}
		if err = s.final(err); isFinal(err) {
			return err
		}
		s.opt.Logger.Warn("outbox lost, trying again", "source", s.name, "after", wait, "error", err)
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

// poll reads what was not told and tells it. It says how many rows there were.
func (st *stream) poll(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	st.src.mu.Lock()
	full := len(st.src.held.order) >= maxHeld || len(st.src.held.spans) >= maxSpans
	spans := append([]span(nil), st.src.held.spans...)
	st.src.mu.Unlock()
	if full {
		return 0, nil
	}
	// The clock first: what was committed before is then seen.
	now, look := time.Time{}, time.Since(st.lastEmit) >= quiet
	if look {
		var err error
		if now, err = st.src.now(ctx); err != nil {
			return 0, err
		}
	}
	records, err := st.src.read(ctx, spans)
	if err != nil {
		return 0, err
	}
	whole := len(records) < chunk
	for i := range records {
		st.top = max(st.top, records[i].id)
		if whole && i == len(records)-1 {
			st.high = st.top
		}
		if err := st.tell(ctx, &records[i]); err != nil {
			return 0, err
		}
	}
	if !whole || !look {
		return len(records), nil
	}
	if st.mark = now; time.Since(st.lastEmit) < quiet {
		return len(records), nil
	}
	return len(records), st.send(data.Txn{Position: st.position(), Sequence: st.top, Commit: st.mark})
}

func (st *stream) position() data.Position {
	return position{st.high, st.told, st.run}.text()
}

// tell emits one row.
func (st *stream) tell(ctx context.Context, r *record) error {
	out := data.Txn{Sequence: r.id, Commit: r.at}
	if st.mark.After(out.Commit) {
		out.Commit = st.mark
	}
	if m, ok := v1.ParseMark(r.mark); ok {
		out.Mark = m.String()
	}
	if r.op != "h" && st.tables.carried(r.table) {
		c, err := st.tables.change(ctx, r)
		if err != nil {
			return err
		}
		out.Changes = []data.Change{c}
	}
	st.src.mu.Lock()
	st.src.held.add(r.id)
	st.src.mu.Unlock()
	st.told++
	out.Position = st.position()
	return st.send(out)
}

func (st *stream) send(out data.Txn) error {
	if err := st.emit(out); err != nil {
		return &emitError{err}
	}
	st.lastEmit = time.Now()
	return nil
}

func (s *Source) now(ctx context.Context) (time.Time, error) {
	text := "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)"
	if !s.mysql() {
		text = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
	}
	var b string
	if err := s.db.QueryRowContext(ctx, text).Scan(&b); err != nil {
		return time.Time{}, fmt.Errorf("the server's clock: %w", err)
	}
	return clock(b)
}

func clock(text string) (time.Time, error) {
	t, err := time.Parse("2006-01-02 15:04:05.999999", text)
	if err != nil {
		return t, fmt.Errorf("a time of the server: %w", err)
	}
	return t, nil
}

// read reads the next rows that are not held, as of one moment.
func (s *Source) read(ctx context.Context, spans []span) ([]record, error) {
	at := "CAST(at AS CHAR)"
	if !s.mysql() {
		at = "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
	}
	var b strings.Builder
	b.WriteString("SELECT id, tbl, op, row_key, row_after, version, COALESCE(mark, ''), " + at + " FROM jindu_outbox")
	for i, r := range spans {
		word := " AND "
		if i == 0 {
			word = " WHERE "
		}
		fmt.Fprintf(&b, "%sid NOT BETWEEN %d AND %d", word, r.from, r.to)
	}
	fmt.Fprintf(&b, " ORDER BY id LIMIT %d", chunk)
	rows, err := s.db.QueryContext(ctx, b.String())
	if err != nil {
		return nil, fmt.Errorf("read jindu_outbox: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	var out []record
	for rows.Next() {
		var r record
		var when string
		if err := rows.Scan(&r.id, &r.table, &r.op, &r.key, &r.after, &r.version, &r.mark, &when); err != nil {
			return nil, fmt.Errorf("read jindu_outbox: %w", err)
		}
		if r.at, err = clock(when); err != nil {
			return nil, err
		}
		r.op = strings.TrimSpace(r.op)
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read jindu_outbox: %w", err)
	}
	return out, nil
}

package outbox

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
)

// On real databases this package is tested in test/data; here a script plays the database.

// script answers each statement that has a word in it with rows, and remembers what it heard.
type script struct {
	heard   []string
	level   driver.IsolationLevel
	answers map[string][][]driver.Value
	fail    string
}

func (s *script) hear(query string, args []driver.NamedValue) error {
	line := query
	for _, a := range args {
		line += fmt.Sprint(" | ", a.Value)
	}
	s.heard = append(s.heard, line)
	if s.fail != "" && strings.Contains(query, s.fail) {
		return errors.New("the database says no")
	}
	return nil
}

func (s *script) Connect(context.Context) (driver.Conn, error) { return s, nil }
func (s *script) Driver() driver.Driver                        { return nil }
func (s *script) Prepare(string) (driver.Stmt, error)          { return nil, errors.New("not needed") }
func (s *script) Close() error                                 { return nil }
func (s *script) Begin() (driver.Tx, error)                    { return nil, errors.New("not needed") }
func (s *script) Commit() error                                { return s.hear("COMMIT", nil) }
func (s *script) Rollback() error                              { return s.hear("ROLLBACK", nil) }
func (s *script) BeginTx(_ context.Context, o driver.TxOptions) (driver.Tx, error) {
	s.level = o.Isolation
	err := s.hear("BEGIN", nil)
	return s, err
}

func (s *script) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), s.hear(query, args)
}

func (s *script) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.hear(query, args); err != nil {
		return nil, err
	}
	for word, rows := range s.answers {
		if strings.Contains(query, word) {
			return &scripted{rows: slices.Clone(rows)}, nil
		}
	}
	return &scripted{rows: [][]driver.Value{{int64(0)}}}, nil
}

type scripted struct{ rows [][]driver.Value }

func (r *scripted) Columns() []string {
	return []string{"id", "name", "version"}[:len(r.rows[0])]
}
func (r *scripted) Close() error { return nil }
func (r *scripted) Next(into []driver.Value) error {
	if len(r.rows) == 0 || r.rows[0] == nil {
		return io.EOF
	}
	copy(into, r.rows[0])
	if r.rows = r.rows[1:]; len(r.rows) == 0 {
		r.rows = [][]driver.Value{nil}
	}
	return nil
}

func (r *scripted) ColumnTypeDatabaseTypeName(i int) string {
	return []string{"BIGINT", "VARCHAR", "BIGINT"}[i]
}

func play(t *testing.T, s *script) *sql.DB {
	t.Helper()
	db := sql.OpenDB(s)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func user(ctx context.Context) context.Context {
	return sdk.WithRun(ctx, sdk.Run{Mark: v1.Mark{Run: "0123456789abcdef", Epoch: 4, Bucket: 42}, Marked: true})
}

const (
	lookMySQL = "SELECT COALESCE(MAX(epoch), 0) FROM jindu_fence WHERE epoch = 0 OR (epoch > ? AND low <= ? AND high > ?) LOCK IN SHARE MODE"
	lookPG    = "SELECT COALESCE(MAX(epoch), 0) FROM jindu_fence WHERE epoch > $1 AND low <= $2 AND high > $3"
	lockPG    = "SELECT pg_advisory_xact_lock_shared($1) | 7461626"
)

func TestTheFenceIsLookedAtFirst(t *testing.T) {
	ctx := user(t.Context())
	for name, c := range map[string]struct {
		ctx     context.Context
		options Options
		script  script
		heard   string
		err     error
	}{
		"mysql":    {ctx, Options{}, script{}, "BEGIN; " + lookMySQL + " | 4 | 42 | 42", nil},
		"postgres": {ctx, Options{Dialect: Postgres}, script{}, "BEGIN; " + lockPG + "; " + lookPG + " | 4 | 42 | 42", nil},
		"nobody":   {t.Context(), Options{}, script{}, "BEGIN; " + lookMySQL + " | 0 | 10000 | 10000", nil},
		"a job":    {t.Context(), Options{Unmarked: true}, script{}, "BEGIN", nil},
		"a shadow": {sdk.WithRun(ctx, sdk.Run{Shadow: true}), Options{}, script{}, "BEGIN", nil},
		"fenced": {ctx, Options{}, script{answers: map[string][][]driver.Value{"MAX": {{int64(5)}}}},
			"BEGIN; " + lookMySQL + " | 4 | 42 | 42; ROLLBACK", ErrFenced},
	} {
		tx, err := Begin(c.ctx, play(t, &c.script), c.options)
		if got := strings.Join(c.script.heard, "; "); got != c.heard || !errors.Is(err, c.err) || (err == nil) != (tx != nil) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
		if want := map[Dialect]driver.IsolationLevel{MySQL: 0, Postgres: driver.IsolationLevel(sql.LevelReadCommitted)}[c.options.Dialect]; c.script.level != want {
			t.Errorf("%s: level %d", name, c.script.level)
		}
		if tx != nil {
			_ = tx.Rollback()
		}
	}
}

func TestTheFenceMayBeMissing(t *testing.T) {
	for _, d := range []Dialect{MySQL, Postgres} {
		s := &script{}
		tx, err := Begin(user(t.Context()), play(t, s), Options{Dialect: d, Unfenced: true})
		if err != nil || len(s.heard) != 2 || !strings.Contains(s.heard[1], "jindu_fence") {
			t.Errorf("%v: %s", err, s.heard)
		}
		_ = tx.Rollback()
		s = &script{answers: map[string][][]driver.Value{"COUNT": {{int64(1)}}, "MAX": {{int64(9)}}}}
		if _, err := Begin(user(t.Context()), play(t, s), Options{Dialect: d, Unfenced: true}); !errors.Is(err, ErrFenced) {
			t.Errorf("it is there: %v", err)
		}
	}
	for _, fail := range []string{"BEGIN", "COUNT", "MAX", "advisory"} {
		for _, o := range []Options{{Unfenced: fail == "COUNT"}, {Dialect: Postgres, Unfenced: fail == "COUNT"}} {
			s := &script{fail: fail}
			if tx, err := Begin(user(t.Context()), play(t, s), o); (err == nil) != (fail == "advisory" && o.Dialect == MySQL) || errors.Is(err, ErrFenced) {
				t.Errorf("%s: %v", fail, err)
			} else if tx != nil {
				_ = tx.Rollback()
			}
		}
	}
}

func TestRowsAreRecordedAsTheyAre(t *testing.T) {
	for _, c := range []struct {
		dialect Dialect
		read    string
		write   string
	}{
		{MySQL, "SELECT * FROM `o``r` WHERE `id` = ? AND `part` = ? | 7 | 1.5", "INSERT INTO jindu_outbox (tbl, op, row_key, row_after, version, mark) VALUES (?, ?, ?, ?, ?, ?)"},
		{Postgres, `SELECT * FROM "o` + "`" + `r" WHERE "id" = $1 AND "part" = $2 | 7 | 1.5`, "INSERT INTO jindu_outbox (tbl, op, row_key, row_after, version, mark) VALUES ($1, $2, $3, $4, $5, $6)"},
	} {
		s := &script{answers: map[string][][]driver.Value{"SELECT *": {{int64(7), "x<", int64(3)}}}}
		tx, err := Begin(user(t.Context()), play(t, s), Options{Dialect: c.dialect, Unmarked: true})
		if err != nil {
			t.Fatal(err)
		}
		s.heard = nil
		key := Row{"id": 7, "part": Decimal("1.5")}
		if err := errors.Join(tx.RecordRow(t.Context(), "o`r", Update, key, "version"), tx.RecordRow(t.Context(), "o`r", Insert, key, ""),
			tx.Record(t.Context(), "o", Delete, Row{"id": 7}, nil, 4), tx.Commit()); err != nil {
			t.Fatal(err)
		}
		const mark = "jindu:0123456789abcdef:p:4:42"
		want := []string{
			c.read, c.write + ` | o` + "`" + `r | u | {"id":"7","part":"1.5"} | {"id":"7","name":"x<","version":"3"} | 3 | ` + mark,
			c.read, c.write + ` | o` + "`" + `r | i | {"id":"7","part":"1.5"} | {"id":"7","name":"x<","version":"3"} | 1 | ` + mark,
			c.write + ` | o | d | {"id":"7"} | <nil> | 4 | ` + mark, "COMMIT",
		}
		if !slices.Equal(s.heard, want) {
			t.Errorf("%s\n%s", strings.Join(s.heard, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestRecordsThatCannotBeWrittenAreErrors(t *testing.T) {
	s := &script{answers: map[string][][]driver.Value{"`two`": {{int64(1)}, {int64(2)}}, "`none`": {{}}, "`one`": {{int64(7), "x", "no number"}}}}
	tx, err := Begin(t.Context(), play(t, s), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	ctx, key := t.Context(), Row{"id": 7, "d": Date("2026-01-01"), "j": JSON("{}"), "l": Local{}}
	for name, f := range map[string]func() error{
		"no table":     func() error { return tx.Record(ctx, "", Insert, key, key, 1) },
		"no key":       func() error { return tx.Record(ctx, "o", Insert, nil, key, 1) },
		"no row":       func() error { return tx.Record(ctx, "o", Insert, key, nil, 1) },
		"no operation": func() error { return tx.Record(ctx, "o", "x", key, key, 1) },
		"odd key":      func() error { return tx.Record(ctx, "o", Delete, Row{"a": struct{}{}}, nil, 1) },
		"odd row":      func() error { return tx.Record(ctx, "o", Insert, key, Row{"a": struct{}{}}, 1) },
		"deleted":      func() error { return tx.RecordRow(ctx, "o", Delete, key, "") },
		"two rows":     func() error { return tx.RecordRow(ctx, "two", Insert, key, "") },
		"no number":    func() error { return tx.RecordRow(ctx, "one", Insert, key, "version") },
		"database":     func() error { s.fail = "jindu_outbox"; return tx.Record(ctx, "o", Insert, key, Row{"a": nil}, 1) },
		"reading":      func() error { s.fail = "SELECT *"; return tx.RecordRow(ctx, "o", Insert, key, "") },
	} {
		if err := f(); err == nil || !strings.HasPrefix(err.Error(), "outbox: ") {
			t.Errorf("%s: %v", name, err)
		}
		s.fail = ""
	}
}

func TestShadowsLeaveNoRecord(t *testing.T) {
	s := &script{}
	tx, err := Begin(sdk.WithRun(t.Context(), sdk.Run{Shadow: true}), play(t, s), Options{})
	if err != nil {
		t.Fatal(err)
	}
	key := Row{"id": 1}
	if err := errors.Join(tx.Record(t.Context(), "o", Insert, key, key, 1), tx.RecordRow(t.Context(), "o", Insert, key, ""), tx.Commit()); err != nil {
		t.Error(err)
	}
	if got := strings.Join(s.heard, "; "); got != "BEGIN; COMMIT" {
		t.Errorf("the database heard %s", got)
	}
}

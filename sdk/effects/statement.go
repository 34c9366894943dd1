package effects

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
)

// owner is whom a statement belongs to.
type owner struct {
	run   sdk.Run
	of    bool // there is a run
	mark  string
	tally *tally
}

func ownerIn(ctx context.Context) owner {
	run, of := sdk.RunIn(ctx)
	return owner{run, of, markOf(ctx), tallyIn(ctx)}
}

// transaction is what is known of one while it is open.
type transaction struct {
	owner   owner
	emitted bool  // the mark is in the log
	count   int   // statements that wrote
	effects []int // where owner.tally has them
}

// settle tells what became of a transaction.
func (t *transaction) settle(fate string) {
	if fate == "" {
		t.owner.tally.wrote(t.count)
		return
	}
	for _, at := range t.effects {
		t.owner.tally.change(at, func(e *v1.Effect) { e.Fate = fate })
	}
}

// statement is one that may go out.
type statement struct {
	owner  owner
	text   string // with the mark in front
	plain  string // without
	write  bool
	verb   string
	table  string
	record bool
}

// admit says what is to be sent for a text, or why nothing may be.
func (c *conn) admit(ctx context.Context, text string) (statement, error) {
	s := statement{owner: ownerIn(ctx), plain: text, record: c.options.Record}
	s.write, s.verb, s.table = writes(c.options.Dialect, text)
	if tx := c.tx; tx != nil {
		switch {
		case !tx.owner.of:
			tx.owner = s.owner // begun for nobody; whoever comes first has it
		case s.owner.of && s.owner.run != tx.owner.run:
			return s, &Refused{strings.ToUpper(s.verb), ErrMixed}
		}
		s.owner = tx.owner
	}
	if s.write {
		switch run := s.owner.run; {
		case !s.owner.of && c.options.RequireMark && BackgroundOf(ctx) == "":
			return s, &Refused{strings.ToUpper(s.verb), ErrUnmarked}
		case run.Shadow && (!run.Marked || c.options.Shadows != Pass):
			if s.record {
				s.owner.tally.add(s.effect("refused", nil, 0))
			}
			return s, &Refused{strings.ToUpper(s.verb), ErrShadow}
		}
	}
	s.text = marked(s.owner.mark, text)
	return s, nil
}

func marked(mark, text string) string {
	if mark == "" {
		return text
	}
	return "/*" + mark + "*/ " + text
}

// emit puts the mark into PostgreSQL's log. Its characters need no quoting.
func (c *conn) emit(ctx context.Context, s *statement) error {
	if !c.emits(s) || c.tx == nil || c.tx.emitted {
		return nil
	}
	text := marked(s.owner.mark, "SELECT pg_logical_emit_message(true, 'jindu.mark', '"+s.owner.mark+"')")
	if _, err := c.exec(ctx, text, nil); err != nil {
		return fmt.Errorf("effects: put the mark into the log: %w", err)
	}
	c.tx.emitted = true
	return nil
}

func (c *conn) emits(s *statement) bool {
	return c.options.EmitMark && c.options.Dialect == Postgres && s.write && s.owner.mark != ""
}

// wrote counts and tells a statement that went well. rows is -1 when they are not known.
func (c *conn) wrote(s *statement, args []driver.NamedValue, rows int64) {
	if !s.write || rows == 0 || s.owner.tally == nil {
		return
	}
	at := -1
	if s.record {
		at = s.owner.tally.add(s.effect("", args, max(rows, 0)))
	}
	if c.tx == nil {
		s.owner.tally.wrote(1)
		return
	}
	c.tx.count++
	if at >= 0 {
		c.tx.effects = append(c.tx.effects, at)
	}
}

func (s *statement) effect(fate string, args []driver.NamedValue, rows int64) v1.Effect {
	e := v1.Effect{Kind: v1.EffectSQL, Op: s.verb, Target: clip(s.table, 1024), Text: clip(s.plain, 64<<10), Rows: rows, Fate: fate}
	e.Truncated = len(e.Text) < len(s.plain)
	for _, a := range args {
		text := argument(a.Value)
		e.Args = append(e.Args, clip(text, maxBody))
		e.Truncated = e.Truncated || len(text) > maxBody
	}
	return e
}

// argument is a value of a driver as text.
func argument(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return v
	case []byte:
		return hex.EncodeToString(v)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999Z")
	default:
		return fmt.Sprint(v)
	}
}

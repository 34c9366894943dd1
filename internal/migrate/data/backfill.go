package data

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/row"
)

// backfill copies what a table held before its relay began, by key range, beside live writes: a row that is
// there already, or was deleted since, is left as it is. Its progress is stored with the rows.
type backfill struct {
	pair   *Pair
	stores [2]Store
	stream string
	chunk  int
	limit  *throttle

	known   bool // progress was read
	done    bool
	after   row.Key
	copied  int64
	refused int64 // rows that the new side does not take: the full comparison shows them
	problem string
}

// progress is what is stored.
type progress struct {
	Done   bool    `json:"done,omitempty"`
	Copied int64   `json:"copied"`
	After  row.Key `json:"after,omitempty"`
}

func backfillStream(migration, table string) string {
	return streamName("backfill/" + migration + "/" + table)
}

// streamName fits a name into what a database keeps of it.
func streamName(name string) string {
	if len(name) <= 120 {
		return name
	}
	return name[:100] + "~" + digest(name)
}

// resume reads how far it got.
func (b *backfill) resume(ctx context.Context) error {
	text, ok, err := b.stores[newSide].Position(ctx, b.stream)
	if err != nil {
		return err
	}
	var p progress
	if ok {
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return kind.New(kind.Internal, "JD-DATA-014", "table jindu_relay: progress %q of %s is none that Jindu wrote; delete the row to begin anew: %w", text, b.stream, err)
		}
	}
	b.known, b.done, b.copied, b.after = true, p.Done, p.Copied, p.After
	return nil
}

// step copies one chunk; it says whether more is to come.
func (b *backfill) step(ctx context.Context) (more bool, err error) {
	if !b.known {
		if err := b.resume(ctx); err != nil {
			return true, err
		}
	}
	if b.done {
		return false, nil
	}
	t := b.pair.tables[oldSide]
	page, err := b.stores[oldSide].Read(ctx, t, Range{After: b.after}, b.chunk)
	if err != nil {
		return true, err
	}
	writes := make([]Write, 0, len(page))
	for _, r := range page {
		to, err := b.pair.Mapper.Forward(r)
		if err != nil {
			b.refuse(err)
			continue
		}
		writes = append(writes, Write{
			Table: b.pair.tables[newSide], Op: Insert, Row: to, VersionColumn: b.pair.version[newSide], Once: b.pair.Mapper.Once(), Absent: true,
		})
	}
	next := progress{Done: len(page) < b.chunk, Copied: b.copied + int64(len(page)), After: b.after}
	if len(page) > 0 {
		next.After = t.KeyOf(page[len(page)-1])
	}
	at, err := json.Marshal(next)
	if err != nil {
		return true, kind.New(kind.Internal, "JD-DATA-015", "write down progress: %w", err)
	}
	for {
		_, err := b.stores[newSide].Apply(ctx, b.stream, Position(at), writes)
		refused, ok := errors.AsType[*RowError](err)
		if ok && refused.Index >= 0 && refused.Index < len(writes) {
			b.refuse(refused.Err)
			writes = append(writes[:refused.Index], writes[refused.Index+1:]...)
			continue
		}
		if err != nil {
			return true, err
		}
		break
	}
	b.done, b.copied, b.after = next.Done, next.Copied, next.After
	return !b.done, b.limit.take(ctx, int64(len(page)))
}

func (b *backfill) refuse(err error) {
	b.refused++
	b.problem = fmt.Sprintf("%d rows could not be copied, the last because: %v; correct the rule or the row, then repair them", b.refused, strings.TrimSpace(err.Error()))
}

// yieldTo waits while replicas are further behind than allowed.
func yieldTo(ctx context.Context, p pace, stores [2]Store, most time.Duration) error {
	for {
		worst := time.Duration(0)
		for _, s := range stores {
			lag, err := s.Lag(ctx)
			if err != nil {
				return err
			}
			worst = max(worst, lag)
		}
		if worst <= most {
			return nil
		}
		if err := p.sleep(ctx, min(max(worst/4, 100*time.Millisecond), 2*time.Second)); err != nil {
			return err
		}
	}
}

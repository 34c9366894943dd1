package main

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// write is what is known of one row's only write in the run.
type write struct{ due, sent, acked time.Time }

func eventSchema(moment string) []string {
	return []string{"CREATE TABLE events (id BIGINT PRIMARY KEY, buyer VARCHAR(40) NOT NULL, amount DECIMAL(12,2) NOT NULL, ver BIGINT NOT NULL, changed " + moment + " NOT NULL)"}
}

// convergence writes at a fixed rate, half inserts, half updates, each row once, and asks PostgreSQL afterwards
// when it committed each of them. All clocks are this machine's.
func convergence(ctx context.Context, b *bench) error {
	o, old, fresh, err := b.pair(ctx, nil, []string{"track_commit_timestamp=on"}, eventSchema)
	if err != nil {
		return err
	}
	total := int(b.length.Seconds()) * b.rate
	seed := fmt.Sprintf("INSERT INTO events SELECT seq, CONCAT('buyer ', seq), 1, 1, UTC_TIMESTAMP(6) FROM seq_1_to_%d", total)
	if _, err := old.ExecContext(ctx, seed); err != nil {
		return err
	}
	if _, err := old.ExecContext(ctx, "DELETE FROM events WHERE id % 2 = 1"); err != nil { // odd ids are inserted
		return err
	}
	o.Spec = carries(v1.TableRule{Name: "events", Version: "ver", Strong: true})
	c, err := b.carrier(ctx, o, "convergence")
	if err != nil {
		return err
	}
	before, err := c.await(ctx, 50*time.Millisecond, 2*time.Minute, "tables copied and compared", caughtUp)
	if err != nil {
		return err
	}
	b.say("writing at %d a second for %v", b.rate, b.length)
	writes, err := openLoop(ctx, old, total, b.rate)
	if err != nil {
		return err
	}
	want := before.Status.Relays[0].Changes + before.Status.Relays[0].Stale + int64(total)
	after, err := c.await(ctx, 50*time.Millisecond, 2*time.Minute, "changes carried", func(a *answer) bool {
		return a.Status.Relays[0].Changes+a.Status.Relays[0].Stale >= want
	})
	if err != nil {
		return err
	}
	applied, err := commits(ctx, fresh, total)
	if err != nil {
		return err
	}
	var fromAck, fromSend, own []time.Duration
	for i := range writes {
		w := &writes[i]
		fromAck = append(fromAck, max(applied[i].Sub(w.acked), 0))
		fromSend = append(fromSend, applied[i].Sub(w.sent))
		own = append(own, w.acked.Sub(w.due))
	}
	rate := float64(total) / writes[total-1].acked.Sub(writes[0].due).Seconds()
	p50, p99 := quantile(fromAck, 0.5), quantile(fromAck, 0.99)
	what := fmt.Sprintf("convergence at %.0f writes/s, MariaDB's commit acknowledged to PostgreSQL's commit: 99th percentile", rate)
	b.table.add(what, ms(p99), "below 100 ms", p99 < 100*time.Millisecond && rate > 0.95*float64(b.rate))
	b.table.note("the same: median, largest", ms(p50)+", "+ms(quantile(fromAck, 1)))
	b.table.note("the same from the moment the write was sent: median, 99th percentile", ms(quantile(fromSend, 0.5))+", "+ms(quantile(fromSend, 0.99)))
	b.table.note("the writer's own statement, from when it was due: median, 99th percentile", ms(quantile(own, 0.5))+", "+ms(quantile(own, 0.99)))
	relay := after.Status.Relays[0]
	b.table.note("what the relay says of itself: median, 99th percentile, alarms", fmt.Sprintf("%.2f ms, %.2f ms, %d",
		float64(relay.P50Micros)/1000, float64(relay.P99Micros)/1000, relay.Alarms-before.Status.Relays[0].Alarms))
	b.table.note("CPU of the carrier meanwhile, for each write", fmt.Sprintf("%.1f µs", float64((after.CPU-before.CPU).Microseconds())/float64(total)))
	return nil
}

// openLoop sends each write when it is due, whatever became of those before.
func openLoop(ctx context.Context, db *sql.DB, total, rate int) ([]write, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	const conns = 24
	db.SetMaxOpenConns(conns)
	writes := make([]write, total)
	due := make(chan int, total)
	var work sync.WaitGroup
	insert, err := db.PrepareContext(ctx, "INSERT INTO events VALUES (?, ?, 1, 1, UTC_TIMESTAMP(6))")
	if err != nil {
		return nil, err
	}
	update, err := db.PrepareContext(ctx, "UPDATE events SET amount = amount + 1, ver = ver + 1, changed = UTC_TIMESTAMP(6) WHERE id = ?")
	if err != nil {
		return nil, err
	}
	for range conns {
		work.Go(func() {
			for i := range due {
				w := &writes[i]
				w.sent = time.Now()
				id := i + 1
				statement, args := update, []any{id}
				if id%2 == 1 {
					statement, args = insert, []any{id, "buyer"}
				}
				_, err := statement.ExecContext(ctx, args...)
				if w.acked = time.Now(); err != nil {
					cancel(err)
				}
			}
		})
	}
	began := time.Now()
	for i := range total {
		at := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if d := time.Until(at); d > 0 {
			time.Sleep(d)
		}
		if ctx.Err() != nil {
			break
		}
		writes[i].due = at
		due <- i
	}
	close(due)
	work.Wait()
	return writes, context.Cause(ctx)
}

// commits are the moments at which PostgreSQL committed rows 1 to total.
func commits(ctx context.Context, db *sql.DB, total int) ([]time.Time, error) {
	rows, err := db.QueryContext(ctx, "SELECT id, pg_xact_commit_timestamp(xmin) FROM events ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	at := make([]time.Time, 0, total)
	for rows.Next() {
		var id int
		var when time.Time
		if err := rows.Scan(&id, &when); err != nil {
			return nil, err
		}
		if id != len(at)+1 {
			return nil, fmt.Errorf("row %d is missing on the new side", len(at)+1)
		}
		at = append(at, when)
	}
	if rows.Err() == nil && len(at) != total {
		return nil, fmt.Errorf("%d rows on the new side, %d written", len(at), total)
	}
	return at, rows.Err()
}

package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/dbserver"
)

// A small shop: what one of its transactions changes is an order, three items of it and the stock of one product.
const (
	perTxn   = 5
	products = 1000
)

var relayTables = []v1.TableRule{{Name: "orders", Version: "ver"}, {Name: "items"}, {Name: "stock", Version: "ver"}}

// relaySchema has an order of about 100 bytes; time is the only type that the two databases call differently.
func relaySchema(moment string) []string {
	return []string{
		"CREATE TABLE orders (id BIGINT PRIMARY KEY, buyer VARCHAR(40) NOT NULL, channel VARCHAR(16), total DECIMAL(12,2) NOT NULL, ver BIGINT NOT NULL, changed " + moment + " NOT NULL)",
		"CREATE TABLE items (order_id BIGINT NOT NULL, line INT NOT NULL, sku BIGINT NOT NULL, qty INT NOT NULL, price DECIMAL(12,2) NOT NULL, PRIMARY KEY (order_id, line))",
		"CREATE TABLE stock (sku BIGINT PRIMARY KEY, available BIGINT NOT NULL, ver BIGINT NOT NULL)",
	}
}

const (
	mariaMoment    = "DATETIME(6)"
	postgresMoment = "TIMESTAMP(6)"
)

// pair starts MariaDB and PostgreSQL with the same tables.
func (b *bench) pair(ctx context.Context, maria, postgres []string, tables func(moment string) []string) (o order, old, fresh *sql.DB, err error) {
	m, err := b.server(dbserver.KindMariaDB, maria...)
	if err != nil {
		return o, nil, nil, err
	}
	p, err := b.server(dbserver.KindPostgres, postgres...)
	if err != nil {
		return o, nil, nil, err
	}
	if old, err = b.schema(ctx, m, "a", tables(mariaMoment)...); err != nil {
		return o, nil, nil, err
	}
	if fresh, err = b.schema(ctx, p, "b", tables(postgresMoment)...); err != nil {
		return o, nil, nil, err
	}
	return order{Old: side(m, "a"), New: side(p, "b")}, old, fresh, nil
}

// relay fills the log while nobody reads it, then lets the relay carry all of it.
func relay(ctx context.Context, b *bench) error {
	o, old, fresh, err := b.pair(ctx, nil, nil, relaySchema)
	if err != nil {
		return err
	}
	if _, err := old.ExecContext(ctx, fmt.Sprintf("INSERT INTO stock SELECT seq, 1000000, 1 FROM seq_1_to_%d", products)); err != nil {
		return err
	}
	o.Spec, o.Held = carries(relayTables...), true
	c, err := b.carrier(ctx, o, "relay")
	if err != nil {
		return err
	}
	if _, err := c.await(ctx, 50*time.Millisecond, time.Minute, "tables copied and compared", caughtUp); err != nil {
		return err
	}
	b.say("writing %d row changes", b.changes)
	txns := b.changes / perTxn
	if err := fillLog(ctx, old, txns); err != nil {
		return err
	}
	before, err := c.ask("go")
	if err != nil {
		return err
	}
	began := time.Now()
	want := before.Status.Relays[0].Changes + int64(txns*perTxn)
	after, err := c.await(ctx, 50*time.Millisecond, 10*time.Minute, "changes carried", func(a *answer) bool {
		return a.Status.Relays[0].Changes+a.Status.Relays[0].Stale >= want
	})
	if err != nil {
		return err
	}
	wall, cpu := time.Since(began), after.CPU-before.CPU
	if err := sameTotals(ctx, old, fresh); err != nil {
		return err
	}
	n := float64(txns * perTxn)
	perCore := n / cpu.Seconds()
	b.table.add("relay, MariaDB's log to PostgreSQL: row changes for each second of our CPU", fmt.Sprintf("%.0f", perCore), "at least 20,000", perCore >= 20_000)
	b.table.note(fmt.Sprintf("the same, %d row changes in %d transactions: wall time beside both databases", txns*perTxn, txns),
		fmt.Sprintf("%.1f s, %.0f/s, %.1f µs CPU each", wall.Seconds(), n/wall.Seconds(), float64(cpu.Microseconds())/n))
	return nil
}

// fillLog commits transactions on a few connections at once.
func fillLog(ctx context.Context, db *sql.DB, txns int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(txns) || ctx.Err() != nil {
					return
				}
				if err := buy(ctx, db, n); err != nil {
					cancel(err)
				}
			}
		})
	}
	work.Wait()
	return context.Cause(ctx)
}

// buy is one transaction, in one round trip: this program is not what is measured.
func buy(ctx context.Context, db *sql.DB, n int64) error {
	var s strings.Builder
	fmt.Fprintf(&s, "BEGIN; INSERT INTO orders VALUES (%d, 'Buyer %d of the shop', 'app', %d.50, 1, UTC_TIMESTAMP(6)); ", n, n%5000, n%900)
	fmt.Fprintf(&s, "INSERT INTO items VALUES (%d, 1, %d, 1, 12.30), (%d, 2, %d, 2, 7.00), (%d, 3, %d, 1, 99.99); ", n, n%products, n, n%77, n, n%13)
	fmt.Fprintf(&s, "UPDATE stock SET available = available - 1, ver = ver + 1 WHERE sku = %d; COMMIT", 1+n*7919%products)
	_, err := db.ExecContext(ctx, s.String())
	return err
}

// sameTotals is nil when both sides have the same rows, as far as counts and sums tell.
func sameTotals(ctx context.Context, old, fresh *sql.DB) error {
	for _, query := range []string{
		"SELECT COUNT(*), SUM(total) FROM orders", "SELECT COUNT(*), SUM(price * qty) FROM items", "SELECT SUM(ver), SUM(available * sku) FROM stock",
	} {
		var got [2][2]string
		for i, db := range []*sql.DB{old, fresh} {
			if err := db.QueryRowContext(ctx, query).Scan(&got[i][0], &got[i][1]); err != nil {
				return err
			}
		}
		if got[0] != got[1] {
			return fmt.Errorf("%s: %v on the old side, %v on the new", query, got[0], got[1])
		}
	}
	return nil
}

package data

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/examples/shop-go/shop"
	"jindu.dev/jindu/sdk"
	"jindu.dev/jindu/sdk/outbox"
)

const runID = "0123456789abcdef"

// marked is the context of a user's request.
func marked(ctx context.Context, epoch int64, bucket int) context.Context {
	return sdk.WithRun(ctx, sdk.Run{Mark: v1.Mark{Run: runID, Epoch: epoch, Bucket: bucket}, Marked: true})
}

func shadowed(ctx context.Context) context.Context {
	return sdk.WithRun(ctx, sdk.Run{Mark: v1.Mark{Run: runID, Shadow: true, Bucket: 5}, Marked: true, Shadow: true, Migration: "m"})
}

// side is a schema with the tables that Jindu makes.
func side(t *testing.T, e engine, statements ...string) (*sql.DB, outbox.Options) {
	t.Helper()
	db := e.server.DB(t, e.server.Schema(t))
	sqlExec(t, db, append(jinduTables(e.name), statements...)...)
	o := outbox.Options{}
	if e.name == "postgres" {
		o.Dialect = outbox.Postgres
	}
	return db, o
}

// fencer does what a node does to fence; between is called while it holds the lock.
func fencer(ctx context.Context, db *sql.DB, e engine, epoch int64, low, high int, between func()) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	lock := "SELECT migration FROM jindu_fence WHERE migration = '' AND epoch = 0 FOR UPDATE"
	if e.name == "postgres" {
		lock = "SELECT pg_advisory_xact_lock(7461626)"
	}
	if _, err := tx.ExecContext(ctx, lock); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO jindu_fence VALUES ('m', %d, %d, %d)", epoch, low, high)); err != nil {
		return err
	}
	if between != nil {
		between()
	}
	return tx.Commit()
}

// try begins a transaction and ends it.
func try(ctx context.Context, db *sql.DB, o outbox.Options) error {
	tx, err := outbox.Begin(ctx, db, o)
	if err != nil {
		return err
	}
	return tx.Commit()
}

func TestTheFenceRefusesWhoIsOnTheWrongSide(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		db, o := side(t, e)
		for _, f := range [][3]int{{3, 0, 1000}, {5, 1000, 2000}, {9, 0, 10001}} {
			if err := fencer(t.Context(), db, e, int64(f[0]), f[1], f[2], nil); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				epoch  int64
				bucket int
				fenced bool
			}{
				{3, 0, f[0] >= 9}, {2, 0, true}, {2, 999, true}, {2, 1000, f[0] >= 5}, {5, 1500, f[0] >= 9}, {4, 1500, f[0] >= 5},
				{2, 2000, f[0] >= 9}, {2, -1, f[0] >= 9}, {9, 0, false}, {10, -1, false},
			} {
				if err := try(marked(t.Context(), c.epoch, c.bucket), db, o); errors.Is(err, outbox.ErrFenced) != c.fenced || err != nil && !c.fenced {
					t.Errorf("behind fence %v, epoch %d, bucket %d: %v", f, c.epoch, c.bucket, err)
				}
			}
		}
		if err := try(t.Context(), db, o); !errors.Is(err, outbox.ErrFenced) {
			t.Errorf("without a mark: %v", err)
		}
		o.Unmarked = true
		if err := try(t.Context(), db, o); err != nil {
			t.Errorf("a job of its own: %v", err)
		}
		if err := try(shadowed(t.Context()), db, o); err != nil {
			t.Errorf("a shadow: %v", err)
		}
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("%d connections are held", n)
		}
	})
}

func TestWithoutAFenceNothingIsWrittenUnlessToldSo(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		db, o := side(t, e, "DROP TABLE jindu_fence")
		if err := try(marked(t.Context(), 1, 1), db, o); err == nil || errors.Is(err, outbox.ErrFenced) || !strings.Contains(err.Error(), "jindu_fence") {
			t.Errorf("error: %v", err)
		}
		o.Unfenced = true
		if err := try(marked(t.Context(), 1, 1), db, o); err != nil {
			t.Error(err)
		}
		sqlExec(t, db, jinduTables(e.name)[0])
		if e.name == "mariadb" {
			sqlExec(t, db, jinduTables(e.name)[2])
		}
		sqlExec(t, db, "INSERT INTO jindu_fence VALUES ('m', 2, 0, 10000)")
		if err := try(marked(t.Context(), 1, 1), db, o); !errors.Is(err, outbox.ErrFenced) {
			t.Errorf("the fence came, but: %v", err)
		}
	})
}

func TestAWriterWhoWaitedForTheFencerSeesTheFence(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		db, o := side(t, e)
		if e.name == "postgres" { // what it must not take over
			sqlExec(t, db, "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_isolation = ''repeatable read'''; END $$")
			db.SetMaxIdleConns(0)
		}
		wrote := make(chan error, 1)
		err := fencer(t.Context(), db, e, 2, 0, 10001, func() {
			go func() { wrote <- try(marked(context.WithoutCancel(t.Context()), 1, 7), db, o) }()
			waits(t, db, e)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-wrote; !errors.Is(err, outbox.ErrFenced) {
			t.Errorf("the writer: %v", err)
		}
	})
}

// waits returns when a statement of the schema waits for the lock of the fence.
func waits(t *testing.T, db *sql.DB, e engine) {
	t.Helper()
	ask := "SELECT COUNT(*) FROM information_schema.innodb_trx x JOIN information_schema.processlist p ON p.id = x.trx_mysql_thread_id WHERE x.trx_state = 'LOCK WAIT' AND p.db = DATABASE()"
	if e.name == "postgres" {
		ask = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
	}
	deadline := time.Now().Add(10 * time.Second)
	for table(t, db, ask)[0][0] == "0" {
		if time.Now().After(deadline) {
			t.Error("nobody waits")
			return
		}
		time.Sleep(120 * time.Millisecond) // MariaDB shows the same picture to who looks again within 100 ms
	}
}

// TestNobodyWritesUnderAnOldEpochOnceFenced: what is there when the fencer returns stays all there is.
func TestNobodyWritesUnderAnOldEpochOnceFenced(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		db, o := side(t, e, "CREATE TABLE w (id INT PRIMARY KEY)")
		var next, refused atomic.Int64
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for range 6 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					tx, err := outbox.Begin(marked(t.Context(), 1, 42), db, o)
					if errors.Is(err, outbox.ErrFenced) {
						refused.Add(1)
						continue
					} else if err != nil {
						t.Error(err)
						return
					}
					if _, err := tx.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO w VALUES (%d)", next.Add(1))); err != nil {
						t.Error(err)
					}
					if err := tx.Commit(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		until(t, func() bool { return next.Load() > 50 })
		if err := fencer(t.Context(), db, e, 2, 0, 10001, nil); err != nil {
			t.Error(err)
		}
		atFence := table(t, db, "SELECT COUNT(*) FROM w")[0][0]
		until(t, func() bool { return refused.Load() > 50 })
		close(stop)
		wg.Wait()
		if after := table(t, db, "SELECT COUNT(*) FROM w")[0][0]; after != atFence {
			t.Errorf("%s rows when fenced, %s later", atFence, after)
		}
	})
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Error("it does not come to pass")
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestRecordsAreWrittenWithTheirRows(t *testing.T) {
	moment := time.Date(2026, 3, 4, 5, 6, 7, 891_000_000, time.UTC)
	want := []string{
		`m|i|{"id":"7"}|{"amount":"12.5","at":"2026-03-04T05:06:07.891Z","blob":"00ff","day":"2026-03-04","doc":"{\"a\":1.0,\"b\":[2]}","empty":null,"id":"7","local":"2026-03-04T05:06:07.5","name":"<ü>","version":"3"}|3|jindu:0123456789abcdef:p:4:77`,
		`m|d|{"id":"7"}|NULL|4|jindu:0123456789abcdef:p:4:77`,
	}
	engines(t, func(t *testing.T, e engine) {
		create := "CREATE TABLE m (id BIGINT PRIMARY KEY, name VARCHAR(10), amount DECIMAL(8,3), at TIMESTAMP(3) NULL, local DATETIME(1), day DATE, `blob` VARBINARY(5), doc TEXT, empty INT, version BIGINT)"
		insert := "INSERT INTO m VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		if e.name == "postgres" {
			create = `CREATE TABLE m (id BIGINT PRIMARY KEY, name VARCHAR(10), amount DECIMAL(8,3), at TIMESTAMPTZ(3), local TIMESTAMP(1), day DATE, "blob" BYTEA, doc JSON, empty INT, version BIGINT)`
			insert = "INSERT INTO m VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
		}
		db, o := side(t, e, create)
		ctx := marked(t.Context(), 4, 77)
		tx, err := outbox.Begin(ctx, db, o)
		if err != nil {
			t.Fatal(err)
		}
		key := outbox.Row{"id": 7}
		if _, err := tx.ExecContext(ctx, insert, 7, "<ü>", "12.500", moment, time.Date(2026, 3, 4, 5, 6, 7, 500_000_000, time.UTC), "2026-03-04", []byte{0, 255}, `{"b":[2], "a":1.0}`, nil, 3); err != nil {
			t.Fatal(err)
		}
		if e.name == "postgres" {
			err = tx.RecordRow(ctx, "m", outbox.Insert, key, "version")
		} else { // its JSON is text: only the service knows
			err = tx.Record(ctx, "m", outbox.Insert, key, outbox.Row{"id": 7, "name": "<ü>", "amount": outbox.Decimal("12.500"), "at": moment, "empty": nil,
				"local": outbox.Local(time.Date(2026, 3, 4, 5, 6, 7, 500_000_000, time.Local)), "day": outbox.Date("2026-03-04"), "blob": []byte{0, 255}, "doc": outbox.JSON(`{"b":[2], "a":1.0}`), "version": int32(3)}, 3)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Record(ctx, "m", outbox.Delete, key, nil, 4); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		for i, row := range table(t, db, "SELECT tbl, op, row_key, row_after, version, mark FROM jindu_outbox ORDER BY id") {
			if got := strings.Join(row, "|"); got != want[i] {
				t.Errorf("%s\n%s", got, want[i])
			}
		}
		if e.name == "mariadb" {
			sameRow(t, db, o, want[0])
		}
		tx, err = outbox.Begin(shadowed(t.Context()), db, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(tx.Record(ctx, "m", outbox.Delete, key, nil, 4), tx.RecordRow(ctx, "m", outbox.Update, key, "version"), tx.Commit()); err != nil {
			t.Error(err)
		}
		if n := table(t, db, "SELECT COUNT(*) FROM jindu_outbox WHERE op <> 'u'")[0][0]; n != "2" {
			t.Errorf("%s records, some of a shadow", n)
		}
	})
}

// sameRow holds RecordRow against Record on MariaDB, as far as it has the types.
func sameRow(t *testing.T, db *sql.DB, o outbox.Options, want string) {
	t.Helper()
	ctx := marked(t.Context(), 4, 77)
	tx, err := outbox.Begin(ctx, db, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := tx.RecordRow(ctx, "m", outbox.Update, outbox.Row{"id": 7}, "version"); err != nil {
		t.Fatal(err)
	}
	var text string
	if err := tx.QueryRowContext(ctx, "SELECT row_after FROM jindu_outbox WHERE op = 'u'").Scan(&text); err != nil {
		t.Fatal(err)
	}
	var got, should map[string]*string
	if err := errors.Join(json.Unmarshal([]byte(text), &got), json.Unmarshal([]byte(strings.Split(want, "|")[3]), &should)); err != nil {
		t.Fatal(err)
	}
	delete(got, "doc")
	delete(should, "doc")
	for name, v := range should {
		if g := got[name]; (g == nil) != (v == nil) || g != nil && *g != *v {
			t.Errorf("%s of %s", name, text)
		}
	}
}

func TestRecordsThatSayTooLittleAreErrors(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		db, o := side(t, e, "CREATE TABLE m (id BIGINT PRIMARY KEY, part INT, span TIME)", "INSERT INTO m VALUES (1, 1, '10:00:00'), (2, 1, NULL)")
		ctx := marked(t.Context(), 4, 77)
		tx, err := outbox.Begin(ctx, db, o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		key, after := outbox.Row{"id": 1}, outbox.Row{"id": 1}
		for name, err := range map[string]error{
			"no table":    tx.Record(ctx, "", outbox.Insert, key, after, 1),
			"no key":      tx.Record(ctx, "m", outbox.Insert, nil, after, 1),
			"no row":      tx.Record(ctx, "m", outbox.Update, key, nil, 1),
			"too much":    tx.Record(ctx, "m", outbox.Delete, key, after, 1),
			"no op":       tx.Record(ctx, "m", "x", key, after, 1),
			"odd key":     tx.Record(ctx, "m", outbox.Delete, outbox.Row{"id": struct{}{}}, nil, 1),
			"odd row":     tx.Record(ctx, "m", outbox.Insert, key, outbox.Row{"id": []int{1}}, 1),
			"deleted row": tx.RecordRow(ctx, "m", outbox.Delete, key, ""),
			"no row key":  tx.RecordRow(ctx, "m", outbox.Insert, nil, ""),
			"several":     tx.RecordRow(ctx, "m", outbox.Insert, outbox.Row{"part": 1}, ""),
			"none":        tx.RecordRow(ctx, "m", outbox.Insert, outbox.Row{"id": 9}, ""),
			"no version":  tx.RecordRow(ctx, "m", outbox.Insert, outbox.Row{"id": 2}, "version"),
			"odd type":    tx.RecordRow(ctx, "m", outbox.Insert, outbox.Row{"id": 1}, ""),
		} {
			if err == nil || !strings.HasPrefix(err.Error(), "outbox: ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestAShopIsFencedBeforeAnyEffect(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		s := goShop(t, e, func(c *shop.Config) { c.Outbox = true })
		sqlExec(t, s.db, jinduTables(e.name)...)
		place := func(request, mark string) (int, string) {
			status, header, _ := send(t.Context(), t, s.base, http.MethodPost, "/orders", `{"user":1,"buyer":{"first":"a","last":"b"},"items":[{"sku":1,"qty":1}]}`,
				map[string]string{"X-Request-Id": request, "X-Jindu-Mark": mark})
			return status, header.Get("X-Jindu-Refused")
		}
		if status, refused := place("a", "jindu:0123456789abcdef:p:1:42"); status != 201 || refused != "" {
			t.Errorf("%d %s", status, refused)
		}
		// stock, order, item, message, payment: each with its record and the mark.
		if rows := table(t, s.db, "SELECT tbl, version FROM jindu_outbox WHERE mark = 'jindu:0123456789abcdef:p:1:42' ORDER BY id"); fmt.Sprint(rows) != "[[stock 2] [orders 1] [order_items 1] [messages 1] [payments 1]]" {
			t.Errorf("records %v", rows)
		}
		if err := fencer(t.Context(), s.db, e, 2, 0, 10001, nil); err != nil {
			t.Fatal(err)
		}
		if status, refused := place("b", "jindu:0123456789abcdef:p:1:42"); status != 503 || refused != "fenced" {
			t.Errorf("%d %s", status, refused)
		}
		if status, refused := place("c", "jindu:0123456789abcdef:s:2:42"); status != 503 || refused != "1" {
			t.Errorf("a shadow with no proxy: %d %s", status, refused)
		}
		if n := table(t, s.db, "SELECT COUNT(*) FROM orders")[0][0]; n != "1" || s.provider.Book().Asked != 1 {
			t.Errorf("%s orders, %d charges", n, s.provider.Book().Asked)
		}
		if status, _ := place("b", "jindu:0123456789abcdef:p:2:42"); status != 201 {
			t.Errorf("after the gateway decided again: %d", status)
		}
		if err := s.db.PingContext(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

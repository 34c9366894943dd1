package data

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
	"jindu.dev/jindu/sdk/outbox"
)

// fate is what a service was told of a write.
type fate uint8

const (
	unknown fate = iota // the connection broke at the commit: it may or may not be there
	acked
	refused // fenced, or rolled back: it must not be there
)

// transfer is one write: an order, and what it moved between two accounts of its subject.
type transfer struct {
	id, debit, credit, cents int64
	subject                  int
	side                     string
	epoch                    int64
	fate                     fate
}

// change is a later write to a row: the state of an order, or a cart.
type change struct {
	value string // "" is a deletion
	fate  fate
	by    string // side, epoch and when it ended, for whoever looks for what went wrong
}

// ledger is what the writers were told. A subject has one writer at a time.
type ledger struct {
	mu        sync.Mutex
	transfers map[int64]*transfer
	states    map[int64][]change  // of orders
	carts     map[[2]int][]change // quantities
	fenced    int
	slept     int // fenced after a sleep
}

// writers are both sides' services.
type writers struct {
	bank    *bank
	ledger  ledger
	ids     atomic.Int64
	view    atomic.Pointer[v1.MigrationStatus]
	naps    time.Duration // how long a thread may sleep within a transaction
	pause   time.Duration // between the requests of one thread
	stop    context.CancelFunc
	group   sync.WaitGroup
	done    atomic.Int64 // acknowledged
	trouble atomic.Pointer[error]
	frozen  sync.RWMutex // held while nobody may write
}

// write starts threads that write until stopped.
func (b *bank) write(seed uint64, threads int) *writers {
	ctx, stop := context.WithCancel(context.Background())
	w := &writers{bank: b, stop: stop, naps: 1500 * time.Millisecond, pause: 12 * time.Millisecond,
		ledger: ledger{transfers: map[int64]*transfer{}, states: map[int64][]change{}, carts: map[[2]int][]change{}}}
	w.view.Store(&v1.MigrationStatus{})
	w.look()
	w.group.Go(func() {
		for ctx.Err() == nil {
			w.look()
			time.Sleep(40 * time.Millisecond)
		}
	})
	for n := range threads {
		random := rand.New(rand.NewPCG(seed, uint64(n)))
		w.group.Go(func() {
			for ctx.Err() == nil {
				w.frozen.RLock()
				// Threads share no subject.
				w.request(ctx, random, n+threads*random.IntN((subjects-n+threads-1)/threads))
				w.frozen.RUnlock()
				time.Sleep(time.Duration(random.Int64N(int64(2 * w.pause))))
			}
		})
	}
	b.t.Cleanup(w.Stop)
	return w
}

// Stop ends them, and what they have begun.
func (w *writers) Stop() {
	w.stop()
	w.group.Wait()
}

// look learns where the share is. While the node is away the writers go on with what they know.
func (w *writers) look() {
	if st, err := w.bank.status(); err == nil {
		w.view.Store(&st)
	}
}

// request is one request of a subject, as a service handles it.
func (w *writers) request(ctx context.Context, random *rand.Rand, subject int) {
	view := w.view.Load()
	bucket := bucketOf(subject)
	s := w.bank.stores[0]
	if bucket < view.Buckets {
		s = w.bank.stores[1]
	}
	nap := time.Duration(0)
	if random.IntN(150) == 0 && w.naps > 0 {
		nap = time.Duration(random.Int64N(int64(w.naps)))
	}
	early := random.IntN(2) == 0 // asleep before the transaction begins, or within it
	mark := v1.Mark{Run: fmt.Sprintf("%016x", random.Uint64()), Epoch: view.Epoch, Bucket: bucket}
	run := sdk.WithRun(context.WithoutCancel(ctx), sdk.Run{Mark: mark, Marked: true})
	run, cancel := context.WithTimeout(run, 20*time.Second)
	defer cancel()
	if early {
		time.Sleep(nap)
		nap = 0
	}
	t := &transfer{id: w.ids.Add(1), subject: subject, side: s.side, epoch: view.Epoch, cents: 1 + random.Int64N(500), fate: refused}
	t.debit = int64(subject*accounts + random.IntN(accounts))
	t.credit = int64(subject*accounts + (int(t.debit)+1+random.IntN(accounts-1))%accounts)
	later := w.later(random, s, subject)
	fate, err := s.transact(run, mark, t, later, nap)
	t.fate = fate
	w.note(t, later, err, early)
	if err != nil && !errors.Is(err, outbox.ErrFenced) {
		time.Sleep(50 * time.Millisecond) // the database is away
	}
}

// also is what else a transaction changes.
type also struct {
	paid int64 // order that is paid, 0: none
	cart int   // item, -1: none
	qty  int   // 0 removes it
}

// later chooses something that was written before.
func (w *writers) later(random *rand.Rand, s *store, subject int) also {
	a := also{cart: -1}
	switch random.IntN(4) {
	case 0:
		a.paid = w.known(random, subject)
	case 1:
		a.cart, a.qty = random.IntN(5), random.IntN(3)
	}
	return a
}

// known is an acknowledged order of a subject that nobody else changes now.
func (w *writers) known(random *rand.Rand, subject int) int64 {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	newest := w.ids.Load()
	for range 40 {
		id := newest - random.Int64N(2000)
		if t := w.ledger.transfers[id]; t != nil && t.subject == subject && t.fate == acked {
			return id
		}
	}
	return 0
}

func (w *writers) note(t *transfer, a also, err error, early bool) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if errors.Is(err, outbox.ErrFenced) {
		w.ledger.fenced++
		if early {
			w.ledger.slept++
		}
	} else if err != nil {
		w.trouble.Store(&err)
	}
	w.ledger.transfers[t.id] = t
	if t.fate == refused {
		return
	}
	if t.fate == acked {
		w.done.Add(1)
	}
	by := fmt.Sprintf("%s@%d %s", t.side, t.epoch, time.Now().UTC().Format("05.000"))
	w.ledger.states[t.id] = append(w.ledger.states[t.id], change{"C", t.fate, by})
	if a.paid != 0 {
		w.ledger.states[a.paid] = append(w.ledger.states[a.paid], change{"P", t.fate, by})
	}
	if a.cart >= 0 {
		value := ""
		if a.qty > 0 {
			value = fmt.Sprint(a.qty)
		}
		key := [2]int{t.subject, a.cart}
		w.ledger.carts[key] = append(w.ledger.carts[key], change{value, t.fate, by})
	}
}

// money is an amount as the side keeps it.
func (s *store) money(cents int64) string {
	if s.cents {
		return fmt.Sprint(cents)
	}
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

// transact writes all of it, or nothing.
func (s *store) transact(ctx context.Context, mark v1.Mark, t *transfer, a also, nap time.Duration) (fate, error) {
	tx, err := outbox.Begin(ctx, s.db, outbox.Options{Dialect: s.dialect()})
	if err != nil {
		return refused, err
	}
	if err := s.fill(ctx, tx, mark, t, a, nap); err != nil {
		_ = tx.Rollback() // it was not committed, whatever this says
		return refused, err
	}
	if err := tx.Commit(); err != nil {
		return unknown, err
	}
	return acked, nil
}

func (s *store) fill(ctx context.Context, tx *outbox.Tx, mark v1.Mark, t *transfer, a also, nap time.Duration) error {
	amount, now, placed, state := "amount", "UTC_TIMESTAMP(6)", "C", "P"
	if s.cents {
		amount, now, placed, state = "cents", "clock_timestamp()", "created", "paid"
	}
	exec := func(query string, args ...any) (sql.Result, error) {
		return tx.ExecContext(ctx, "/*"+mark.String()+"*/ "+query, args...)
	}
	record := func(table string, op outbox.Op, key outbox.Row) error {
		if s.capture != "outbox" {
			return nil
		}
		return tx.RecordRow(ctx, table, op, key, "version")
	}
	for _, move := range []struct {
		id   int64
		sign string
	}{{min(t.debit, t.credit), ""}, {max(t.debit, t.credit), ""}} { // always in one order
		sign := "+"
		if move.id == t.debit {
			sign = "-"
		}
		r, err := exec(fmt.Sprintf("UPDATE accounts SET %s = %s %s %s, changed = %s, version = version + 1 WHERE id = %d", amount, amount, sign, s.money(t.cents), now, move.id))
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("%s side: account %d: %d rows: %w", s.side, move.id, n, err)
		}
		if err := record("accounts", outbox.Update, outbox.Row{"id": move.id}); err != nil {
			return err
		}
	}
	time.Sleep(nap) // a thread that sleeps through a change of share, its locks held
	if _, err := exec(fmt.Sprintf("INSERT INTO orders VALUES (%d,%d,%d,%d,%s,'%s',%s,1)", t.id, t.subject, t.debit, t.credit, s.money(t.cents), placed, now)); err != nil {
		return err
	}
	if err := record("orders", outbox.Insert, outbox.Row{"id": t.id}); err != nil {
		return err
	}
	if a.paid != 0 {
		r, err := exec(fmt.Sprintf("UPDATE orders SET state = '%s', changed = %s, version = version + 1 WHERE id = %d", state, now, a.paid))
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("%s side: order %d: %w", s.side, a.paid, errMissing)
		}
		if err := record("orders", outbox.Update, outbox.Row{"id": a.paid}); err != nil {
			return err
		}
	}
	if a.cart < 0 {
		return nil
	}
	return s.fillCart(ctx, tx, exec, t, a)
}

// errMissing is an acknowledged row that a service does not find where its subject is served.
var errMissing = errors.New("an acknowledged row is not there")

// fillCart puts an item in, changes its number, or takes it out. Versions of carts are times, so that they rise
// over deletions too.
func (s *store) fillCart(ctx context.Context, tx *outbox.Tx, exec func(string, ...any) (sql.Result, error), t *transfer, a also) error {
	version := time.Now().UnixNano()
	key := outbox.Row{"subject": t.subject, "item": a.cart}
	if a.qty == 0 {
		if _, err := exec(fmt.Sprintf("DELETE FROM carts WHERE subject = %d AND item = %d", t.subject, a.cart)); err != nil || s.capture != "outbox" {
			return err
		}
		return tx.Record(ctx, "carts", outbox.Delete, key, nil, version)
	}
	r, err := exec(fmt.Sprintf("UPDATE carts SET qty = %d, version = %d WHERE subject = %d AND item = %d", a.qty, version, t.subject, a.cart))
	if err != nil {
		return err
	}
	op := outbox.Update
	if n, err := r.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		op = outbox.Insert
		if _, err := exec(fmt.Sprintf("INSERT INTO carts VALUES (%d,%d,%d,%d)", t.subject, a.cart, a.qty, version)); err != nil {
			return err
		}
	}
	if s.capture != "outbox" {
		return nil
	}
	return tx.RecordRow(ctx, "carts", op, key, "version")
}

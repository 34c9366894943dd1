package data

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
	"jindu.dev/jindu/sdk/outbox"
)

// A counter of one subject, which goes from one side's database to the other's and back. Whoever adds one says what
// it became. To those who add it must look like one counter, although threads sleep in the midst of a transaction
// while their subject is moved; and none may add under an epoch from before the last move.
type (
	addition struct {
		epoch int64
		side  string
		move  bool // the subject moves to the other side, with this epoch
	}
	added struct {
		refused bool
		count   int64
	}
	counter struct{ fenced, count int64 }
)

var counterModel = porcupine.Model{
	Init: func() any { return counter{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(counter), input.(addition), output.(added)
		switch {
		case in.move:
			return in.epoch > s.fenced, counter{in.epoch, s.count}
		case out.refused:
			return true, s
		}
		return in.epoch >= s.fenced && out.count == s.count+1, counter{s.fenced, out.count}
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v %+v", input, output) },
}

// counters are the histories of some subjects.
type counters struct {
	bank   *bank
	mu     sync.Mutex
	begun  time.Time
	events map[int][]porcupine.Operation // by subject
	failed error
}

// itemCounted is the item of a cart that is counted up.
const itemCounted = 99

func (c *counters) note(subject, client int, call time.Time, in addition, out added) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events[subject] = append(c.events[subject], porcupine.Operation{
		ClientId: client, Input: in, Call: call.Sub(c.begun).Nanoseconds(), Output: out, Return: time.Since(c.begun).Nanoseconds(),
	})
}

// add adds one, asleep for a while within the transaction: before the fence is looked at, or behind it.
func (c *counters) add(subject, client int, view *v1.MigrationStatus, nap time.Duration, early bool) error {
	s, bucket := c.bank.stores[0], bucketOf(subject)
	if bucket < view.Buckets {
		s = c.bank.stores[1]
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ctx = sdk.WithRun(ctx, sdk.Run{Marked: true, Mark: v1.Mark{Run: "0123456789abcdef", Epoch: view.Epoch, Bucket: bucket}})
	call := time.Now()
	if early {
		time.Sleep(nap)
	}
	count, err := s.addOne(ctx, subject, nap, early)
	if err != nil && !errors.Is(err, outbox.ErrFenced) {
		return err
	}
	c.note(subject, client, call, addition{epoch: view.Epoch, side: s.side}, added{refused: err != nil, count: count})
	return nil
}

func (s *store) addOne(ctx context.Context, subject int, nap time.Duration, early bool) (count int64, err error) {
	tx, err := outbox.Begin(ctx, s.db, outbox.Options{Dialect: s.dialect()})
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }() // nothing, behind a commit
	if !early {
		time.Sleep(nap)
	}
	where := fmt.Sprintf(" WHERE subject = %d AND item = %d", subject, itemCounted)
	if _, err := tx.ExecContext(ctx, "UPDATE carts SET qty = qty + 1, version = version + 1"+where); err != nil {
		return 0, err
	}
	if err := tx.QueryRowContext(ctx, "SELECT qty FROM carts"+where).Scan(&count); err != nil {
		return 0, err
	}
	return count, tx.Commit()
}

// A thread that sleeps through a change of share is refused, or was in time: on MariaDB going up, on PostgreSQL
// coming back.
func TestAThreadThatSleptThroughAMoveIsRefusedOrWasInTime(t *testing.T) {
	seed := seedOf(t, 7)
	b := newBank(t, shape{postgres: true})
	c := &counters{bank: b, begun: time.Now(), events: map[int][]porcupine.Operation{}}
	counted := []int{0, 15, 60, 90, 130, 190} // subjects below 10, 50 and 100 %
	for _, subject := range counted {
		b.stores[0].exec(t, fmt.Sprintf("INSERT INTO carts VALUES (%d, %d, 0, 1)", subject, itemCounted))
	}
	b.settledIn()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var group sync.WaitGroup
	for client := range 9 {
		random := rand.New(rand.NewPCG(seed, uint64(client)))
		group.Go(func() {
			view := &v1.MigrationStatus{}
			for n := 0; ctx.Err() == nil; n++ {
				if st, err := b.status(); err == nil && random.IntN(3) > 0 { // some are late to learn of a move
					view = &st
				}
				nap := time.Duration(0)
				if random.IntN(4) == 0 {
					nap = time.Duration(random.Int64N(int64(600 * time.Millisecond)))
				}
				if err := c.add(counted[random.IntN(len(counted))], client, view, nap, random.IntN(2) == 0); err != nil {
					c.mu.Lock()
					c.failed = err
					c.mu.Unlock()
					return
				}
				time.Sleep(time.Duration(random.Int64N(int64(60 * time.Millisecond))))
			}
		})
	}
	last := 0
	for _, share := range []int{1000, 5000, 10000, 0, 1000, 5000, 10000, 0} {
		time.Sleep(700 * time.Millisecond) // what is counted, not what is waited for
		b.current()
		call := time.Now()
		b.moveTo(share, 30*time.Second, nil)
		d, err := b.data()
		if err != nil || len(d.Fences) == 0 {
			t.Fatalf("%v %+v", err, d.Fences)
		}
		for _, f := range d.Fences {
			if f.At.Before(call) {
				continue
			}
			for _, subject := range counted {
				if bucket := bucketOf(subject); bucket >= f.Low && bucket < f.High {
					c.note(subject, 9, call, addition{epoch: f.Epoch, move: true}, added{})
				}
			}
			if !f.Drained {
				t.Errorf("epoch %d was not drained: %d changes were on their way", f.Epoch, f.Pending)
			}
		}
		last = share
		b.logState()
		var parked []v1.ParkedChange
		_ = b.call("GET", "/parked", nil, &parked)
		for _, p := range parked {
			t.Logf("%s %s %s %s %s", p.From, p.At, p.Position, rowName(p.Table, p.Key), p.Error)
		}
	}
	stop()
	group.Wait()
	if c.failed != nil {
		t.Fatal(c.failed)
	}
	all, refused := 0, 0
	for subject, history := range c.events {
		for _, o := range history {
			all++
			if o.Output.(added).refused {
				refused++
			}
		}
		if got := porcupine.CheckOperationsTimeout(counterModel, history, 20*time.Second); got != porcupine.Ok {
			t.Errorf("subject %d in bucket %d: %v: its counter does not look like one over %d operations", subject, bucketOf(subject), got, len(history))
			for _, o := range history {
				t.Logf("%8.3f-%8.3f %d %+v %+v", float64(o.Call)/1e9, float64(o.Return)/1e9, o.ClientId, o.Input, o.Output)
			}
		}
	}
	t.Logf("%d operations on %d counters, %d refused by the fence; share %d", all, len(c.events), refused, last)
	if refused == 0 {
		t.Error("nobody slept through a move")
	}
}

// The model is not satisfied with whatever happens.
func TestTheModelSeesALateWriteAndALostOne(t *testing.T) {
	at := func(call, end int64, in addition, out added) porcupine.Operation {
		return porcupine.Operation{Input: in, Call: call, Output: out, Return: end}
	}
	move := at(3, 4, addition{epoch: 2, move: true}, added{})
	for name, c := range map[string]struct {
		history []porcupine.Operation
		fine    bool
	}{
		"in time":           {[]porcupine.Operation{at(1, 9, addition{epoch: 1}, added{count: 1}), move, at(10, 11, addition{epoch: 2}, added{count: 2})}, true},
		"refused":           {[]porcupine.Operation{at(5, 9, addition{epoch: 1}, added{refused: true}), move}, true},
		"behind the fence":  {[]porcupine.Operation{at(5, 9, addition{epoch: 1}, added{count: 1}), move}, false},
		"lost":              {[]porcupine.Operation{at(1, 2, addition{epoch: 1}, added{count: 1}), move, at(5, 6, addition{epoch: 2}, added{count: 1})}, false},
		"slept and was not": {[]porcupine.Operation{at(1, 9, addition{epoch: 1}, added{count: 2}), move, at(5, 6, addition{epoch: 2}, added{count: 1})}, false},
	} {
		if got := porcupine.CheckOperations(counterModel, c.history); got != c.fine {
			t.Errorf("%s: %v", name, got)
		}
	}
}

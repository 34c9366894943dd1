// Package datatest has a database in memory that behaves as package data asks of a Store and a Source, and
// fails when it is told to: for tests and simulations of what must not lose a row.
//
//	service ─► DB.Begin ─► Tx: Fenced, Get, Put, Delete ─► Commit ─► log ─► Source ─► relay ─► Store.Apply
//
// Invariants:
//   - A transaction is atomic; its rows are locked from the first touch to its end, and who finds one locked is
//     refused at once, as after a lock wait timeout.
//   - The log holds every transaction in commit order until it is purged.
//   - Fault is asked before, and Lost after each call of a Store: an error of the latter is an outcome that the
//     caller does not learn.
package datatest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

// ErrLocked is a lock wait that timed out.
var ErrLocked = errors.New("lock wait timeout")

// ErrDown is a database that is not there.
var ErrDown = errors.New("connection refused")

// DB is a database in memory. It is safe for concurrent use.
type DB struct {
	mu       sync.Mutex
	now      func() time.Time
	tables   map[string]*table
	relay    map[string]data.Position
	versions map[string]version
	fences   []data.FenceRow
	parked   map[string]data.ParkedRow
	log      []data.Txn
	purged   int // transactions at the head of the log that are gone
	sequence int64
	locks    map[string]*Tx
	shared   int // open transactions that asked whether they are fenced
	wake     chan struct{}
	down     bool
	life     int // rises when it goes down: transactions of before are dead

	// Fault is asked before a call, by its name; an error is the call's. Set it before use. It may write to
	// the database: the lock is not held.
	Fault func(op string) error
	// Lost is asked after a call that was done.
	Lost func(op string) error
	// Delay is the lag of its replicas.
	Delay time.Duration
}

type table struct {
	def   *row.Table
	rows  map[string]row.Row
	order []string // keys in order, nil: to be sorted
	check func(row.Row) error
}

type version struct {
	version int64
	gone    bool
}

// New makes an empty database whose clock is now.
func New(now func() time.Time, tables ...*row.Table) *DB {
	d := &DB{
		now: now, tables: map[string]*table{}, relay: map[string]data.Position{}, versions: map[string]version{}, parked: map[string]data.ParkedRow{},
		locks: map[string]*Tx{}, wake: make(chan struct{}),
	}
	for _, t := range tables {
		d.tables[t.Name] = &table{def: t, rows: map[string]row.Row{}}
	}
	return d
}

// Check makes the database refuse rows of a table; nil takes that back.
func (d *DB) Check(name string, check func(row.Row) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tables[name].check = check
}

// Alter replaces the definition of a table; rows keep the columns of the same name.
func (d *DB) Alter(t *row.Table) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.tables[t.Name]
	next := &table{def: t, rows: map[string]row.Row{}, check: old.check}
	for key, r := range old.rows {
		out := make(row.Row, len(t.Columns))
		for i := range out {
			if at := old.def.Index(t.Columns[i].Name); at >= 0 {
				out[i] = r[at]
			} else {
				out[i].Null = true
			}
		}
		next.rows[key] = out
	}
	d.tables[t.Name] = next
}

// Down takes the database away or brings it back. Open transactions are rolled back.
func (d *DB) Down(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
	if down {
		d.life++
		clear(d.locks)
		d.shared = 0
	}
	d.ring()
}

// Purge takes all transactions of the log away but the last n.
func (d *DB) Purge(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.purged = max(d.purged, len(d.log)-n)
}

// ring wakes sources. d.mu is held.
func (d *DB) ring() {
	close(d.wake)
	d.wake = make(chan struct{})
}

// Rows are all rows of a table by key, for judging.
func (d *DB) Rows(name string) map[string]row.Row {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make(map[string]row.Row, len(d.tables[name].rows))
	maps.Copy(out, d.tables[name].rows)
	return out
}

// Len is how many transactions were ever committed.
func (d *DB) Len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.log)
}

// Log is the transactions ever committed, those purged too.
func (d *DB) Log() []data.Txn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.log)
}

// Fences are the fence rows.
func (d *DB) Fences() []data.FenceRow {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.fences)
}

// Key is the key of a row as Rows has it.
func Key(values ...string) string {
	k := make(row.Key, len(values))
	for i, v := range values {
		k[i].Text = v
	}
	return string(row.EncodeKey(k))
}

func keyText(k row.Key) string { return string(row.EncodeKey(k)) }

// Tx is a transaction of a service, or of a relay.
type Tx struct {
	d       *DB
	mark    string
	dead    bool
	life    int
	shared  bool
	origin  bool
	changes []data.Change
	staged  map[string]row.Row // by lock: nil is a row that is gone
	held    []string
	after   []func()
}

// Begin opens a transaction; mark is the v1.Mark of its request, "" without one.
func (d *DB) Begin(mark string) *Tx {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.begin(mark)
}

func (d *DB) begin(mark string) *Tx {
	return &Tx{d: d, mark: mark, staged: map[string]row.Row{}, life: d.life}
}

// Fenced asks whether a writer of an epoch may write for a bucket, and keeps a fence away until the transaction
// ends.
func (t *Tx) Fenced(epoch int64, bucket int) error {
	d := t.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := t.usable(); err != nil {
		return err
	}
	if !t.shared {
		t.shared = true
		d.shared++
	}
	if bucket < 0 {
		bucket = 10_000
	}
	for _, f := range d.fences {
		if f.Epoch > epoch && f.Low <= bucket && f.High > bucket {
			return fmt.Errorf("epoch %d: %w", epoch, data.ErrFenced)
		}
	}
	return nil
}

func (t *Tx) usable() error {
	if t.dead || t.d.down || t.life != t.d.life {
		return ErrDown
	}
	return nil
}

// lock takes a row. d.mu is held.
func (t *Tx) lock(name string, key row.Key) (string, error) {
	id := name + "\x00" + keyText(key)
	if holder := t.d.locks[id]; holder != nil && holder != t {
		return "", ErrLocked
	}
	if t.d.locks[id] == nil {
		t.d.locks[id] = t
		t.held = append(t.held, id)
	}
	return id, nil
}

// read is a row as the transaction sees it. d.mu is held.
func (t *Tx) read(name, id string, key row.Key) row.Row {
	if r, ok := t.staged[id]; ok {
		return r
	}
	return t.d.tables[name].rows[keyText(key)]
}

// Get reads and locks a row, nil when there is none.
func (t *Tx) Get(name string, key row.Key) (row.Row, error) {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	if err := t.usable(); err != nil {
		return nil, err
	}
	id, err := t.lock(name, key)
	if err != nil {
		return nil, err
	}
	return t.read(name, id, key), nil
}

// Put writes a row.
func (t *Tx) Put(name string, r row.Row) error {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	if err := t.usable(); err != nil {
		return err
	}
	return t.put(name, r)
}

func (t *Tx) put(name string, r row.Row) error {
	tab := t.d.tables[name]
	if tab.check != nil {
		if err := tab.check(r); err != nil {
			return err
		}
	}
	key := tab.def.KeyOf(r)
	id, err := t.lock(name, key)
	if err != nil {
		return err
	}
	before := t.read(name, id, key)
	op := data.Update
	if before == nil {
		op = data.Insert
	}
	t.staged[id] = slices.Clone(r)
	t.changes = append(t.changes, data.Change{Table: tab.def, Op: op, Before: before, After: t.staged[id]})
	return nil
}

// Rekey writes a row whose key was another.
func (t *Tx) Rekey(name string, was row.Key, r row.Row) error {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	if err := t.usable(); err != nil {
		return err
	}
	tab := t.d.tables[name]
	from, err := t.lock(name, was)
	if err != nil {
		return err
	}
	to, err := t.lock(name, tab.def.KeyOf(r))
	if err != nil {
		return err
	}
	before := t.read(name, from, was)
	if before == nil || t.read(name, to, tab.def.KeyOf(r)) != nil {
		return errors.New("no such row, or one in the way")
	}
	t.staged[from], t.staged[to] = nil, slices.Clone(r)
	t.changes = append(t.changes, data.Change{Table: tab.def, Op: data.Update, Before: before, After: t.staged[to]})
	return nil
}

// Delete deletes a row.
func (t *Tx) Delete(name string, key row.Key) error {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	if err := t.usable(); err != nil {
		return err
	}
	return t.remove(name, key)
}

func (t *Tx) remove(name string, key row.Key) error {
	id, err := t.lock(name, key)
	if err != nil {
		return err
	}
	before := t.read(name, id, key)
	if before == nil {
		return nil
	}
	t.staged[id] = nil
	t.changes = append(t.changes, data.Change{Table: t.d.tables[name].def, Op: data.Delete, Before: before})
	return nil
}

// Commit makes it so.
func (t *Tx) Commit() error {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	return t.commit()
}

func (t *Tx) commit() error {
	if err := t.usable(); err != nil {
		t.end()
		return err
	}
	d := t.d
	for i := range t.changes {
		c := &t.changes[i]
		tab := d.tables[c.Table.Name]
		tab.order = nil
		if c.Before != nil {
			delete(tab.rows, keyText(c.Table.KeyOf(c.Before)))
		}
		if c.After != nil {
			tab.rows[keyText(c.Table.KeyOf(c.After))] = c.After
		}
	}
	for _, f := range t.after {
		f()
	}
	if len(t.changes) > 0 || t.origin {
		d.sequence++
		for i := range t.changes {
			t.changes[i].Version = d.sequence
		}
		d.log = append(d.log, data.Txn{
			Position: at(len(d.log) + 1), Sequence: d.sequence, Commit: d.now(), Mark: t.mark, Origin: t.origin, Changes: t.changes,
		})
		d.ring()
	}
	t.end()
	return nil
}

// Rollback gives up.
func (t *Tx) Rollback() {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.end()
}

func (t *Tx) end() {
	if t.dead {
		return
	}
	t.dead = true
	if t.life != t.d.life {
		return
	}
	for _, id := range t.held {
		delete(t.d.locks, id)
	}
	if t.shared {
		t.d.shared--
	}
}

func at(n int) data.Position { return data.Position(strconv.Itoa(n)) }

func place(p data.Position) int {
	n, err := strconv.Atoi(string(p))
	if err != nil {
		return 0
	}
	return n
}

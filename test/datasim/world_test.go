package datasim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/data/datatest"
	"jindu.dev/jindu/internal/migrate/row"
)

var (
	errCut    = errors.New("connection reset by peer")
	errKilled = errors.New("killed")
	errPoison = errors.New("value out of range")
)

// sim is one history.
type sim struct {
	rnd    *rand.Rand
	now    time.Time
	db     map[string]*datatest.DB
	held   map[string][]byte // notes
	node   *node
	status v1.MigrationStatus
	spec   v1.DataSpec
	ctx    context.Context

	chaos   float64 // chance that trouble comes
	faults  float64 // chance that a call fails
	depth   int     // of steps within steps
	calm    bool    // no more faults, no more users
	writers []*writer
	orders  int

	balance  map[int]int64   // of accounts, as acknowledged
	items    map[int]string  // of carts, as acknowledged; "" is none
	amounts  map[int]int64   // of orders, as acknowledged
	creator  map[int]string  // of orders
	excused  map[string]bool // rows that may differ, as long as that is said
	anyone   string          // why any row may, "" when none
	fenced   map[string][]fenceOp
	tick     int64
	steps    int
	upTo     int64 // fences above it are being taken back
	compared bool  // no gate waits for a comparison
	loose    bool  // there may be fences of a move that did not happen
	tale     []string
	tell     bool
	count    counts
}

type counts struct {
	writes, fenced, moves, kills, lost, undrained, parked, differ, cases, retold, backed, handed int
}

// node is a process: it knows nothing of the one before it.
type node struct {
	m       *data.Manual
	dead    bool
	up      bool // set up, both relays on board
	busy    bool // one goroutine does this
	told    map[string]data.Position
	flights []*data.Flight
	filled  bool
}

func (s *sim) sayf(format string, args ...any) {
	if s.tell {
		s.tale = append(s.tale, fmt.Sprintf("%8.3f ", s.now.Sub(start).Seconds())+strings.Repeat("  ", s.depth)+fmt.Sprintf(format, args...))
	}
}

var start = time.Unix(1_800_000_000, 0).UTC()

func column(name string, t row.Type, null bool) row.Column {
	return row.Column{Name: name, Type: t, Nullable: null, Length: 64}
}

func accounts() *row.Table {
	return &row.Table{Name: "accounts", Key: []int{0}, Columns: []row.Column{
		column("id", row.Integer, false), column("balance", row.Integer, false), column("version", row.Integer, false),
	}}
}

func carts() *row.Table {
	return &row.Table{Name: "carts", Key: []int{0}, Columns: []row.Column{column("id", row.Integer, false), column("item", row.Text, false)}}
}

func orders(name string) *row.Table {
	return &row.Table{Name: name, Key: []int{0}, Columns: []row.Column{
		column("id", row.Integer, false), column("amount", row.Integer, false), column("owner", row.Text, false), column("version", row.Integer, false),
	}}
}

const (
	nAccounts = 8
	nCarts    = 6
)

func newSim(seed uint64, tell bool) *sim {
	s := &sim{
		rnd: rand.New(rand.NewPCG(seed, 7)), now: start, held: map[string][]byte{}, ctx: context.Background(), tell: tell,
		balance: map[int]int64{}, items: map[int]string{}, amounts: map[int]int64{}, creator: map[int]string{}, excused: map[string]bool{}, fenced: map[string][]fenceOp{},
		status: v1.MigrationStatus{Phase: v1.PhaseRamp, Epoch: 1},
		spec: v1.DataSpec{
			Old: v1.DataSide{Database: "old", Capture: "binlog"}, New: v1.DataSide{Database: "new", Capture: "binlog"},
			Tables: []v1.TableRule{
				{Name: "accounts", Version: "version"}, {Name: "carts"},
				{Name: "orders", To: "t_orders", Version: "version", Owner: "owner", Money: []string{"amount"}},
			},
			Winner: "old", Grace: "30ms", Every: "100ms", Drain: "40ms", Chunk: 3, MaxRate: 1_000_000_000,
		},
	}
	clock := func() time.Time { return s.now }
	s.db = map[string]*datatest.DB{
		"old": datatest.New(clock, accounts(), carts(), orders("orders")),
		"new": datatest.New(clock, accounts(), carts(), orders("t_orders")),
	}
	tx := s.db["old"].Begin("")
	for i := range nAccounts {
		s.balance[i] = 100
		_ = tx.Put("accounts", ints(i, 100, 1))
	}
	s.items[0] = "first"
	_ = tx.Put("carts", row.Row{num(0), text("first")})
	_ = tx.Commit()
	for name, d := range s.db {
		d.Fault = func(op string) error { return s.fault(name, op) }
		d.Lost = func(op string) error {
			s.note(name, op)
			if !s.calm && s.rnd.Float64() < s.faults/2 {
				s.sayf("%s: the answer to %s is lost", name, op)
				return errCut
			}
			return nil
		}
	}
	s.chaos = []float64{0.1, 0.3, 1}[s.rnd.IntN(3)]
	s.faults = []float64{0, 0.01, 0.05}[s.rnd.IntN(3)]
	s.boot()
	return s
}

func num(n int) row.Value     { return row.Value{Text: strconv.Itoa(n)} }
func text(t string) row.Value { return row.Value{Text: t} }

func ints(values ...int) row.Row {
	r := make(row.Row, len(values))
	for i, v := range values {
		r[i] = num(v)
	}
	return r
}

// fault is asked before each call of the node to a database: other things may happen first, or it fails.
func (s *sim) fault(name, op string) error {
	if op == "fence" && s.rnd.IntN(5) > 0 { // it waits for the writers that asked before it
		for _, w := range s.writers {
			if w.side == name && w.phase >= 2 {
				for s.advance(w) {
				}
				w.gone = true
			}
		}
		s.writers = slices.DeleteFunc(s.writers, func(w *writer) bool { return w.gone })
	}
	if s.depth < 2 && !s.calm && s.rnd.IntN(4) == 0 {
		s.depth++
		s.step()
		s.depth--
	}
	if !s.calm && s.rnd.Float64() < s.faults {
		s.sayf("%s: %s fails", name, op)
		return errCut
	}
	return nil
}

// sleep passes time, in which other things happen.
func (s *sim) sleep(ctx context.Context, d time.Duration) error {
	s.now = s.now.Add(d)
	if s.depth < 4 {
		s.depth++
		for range 4 {
			s.pump()
		}
		if !s.calm {
			s.step()
		} else {
			s.drain()
		}
		s.depth--
	}
	return ctx.Err()
}

// Notes of the node: they outlive it.
type notes struct {
	s *sim
	n *node
}

func (x notes) Put(_ context.Context, name string, body []byte) error {
	if x.n.dead {
		return errKilled
	}
	if body == nil {
		delete(x.s.held, name)
	} else {
		x.s.held[name] = body
	}
	return nil
}

func (x notes) List(_ context.Context, prefix string) (map[string][]byte, error) {
	out := maps.Clone(x.s.held)
	maps.DeleteFunc(out, func(k string, _ []byte) bool { return !strings.HasPrefix(k, prefix) })
	return out, nil
}

func (s *sim) migration() v1.Migration {
	m := v1.Migration{Status: s.status}
	m.Metadata.Name = "shop"
	spec := s.spec
	m.Spec.Data = &spec
	return m
}

// boot starts a process anew.
func (s *sim) boot() {
	n := &node{told: map[string]data.Position{}}
	cfg := data.Default()
	cfg.Workers, cfg.Batch, cfg.Timeout = 1+s.rnd.IntN(3), 1+s.rnd.IntN(6), 100*time.Millisecond
	dead := func() error {
		if n.dead {
			return errKilled
		}
		return nil
	}
	o := data.Options{
		Open: func(name string) (data.Store, error) {
			st := s.db[name].Store()
			st.Dead = dead
			return st, nil
		},
		Source: func(r data.SourceRequest) (data.Source, error) { return s.db[r.Side].Source(), nil },
		Notes:  notes{s, n},
	}
	n.m = data.NewManual(s.migration(), cfg, o, data.Clock{Now: func() time.Time { return s.now }, Sleep: s.sleep})
	s.node = n
}

// kill ends the process where it stands.
func (s *sim) kill() {
	s.sayf("kill -9 of the node")
	s.count.kills++
	s.node.dead = true
	s.boot()
}

// ready sets the node up, as far as databases let it.
func (s *sim) ready() bool {
	n := s.node
	if n.up {
		return true
	}
	if n.busy {
		return false
	}
	n.busy = true
	defer func() { n.busy = false }()
	if err := n.m.SetUp(s.ctx); err != nil || n.dead {
		return false
	}
	for _, side := range []string{"old", "new"} {
		at, err := n.m.Board(s.ctx, side)
		if err != nil || n.dead {
			return false
		}
		n.told[side] = at
	}
	n.up = true
	return true
}

// tables of a side.
func tables(side string) []string {
	if side == "old" {
		return []string{"accounts", "carts", "orders"}
	}
	return []string{"accounts", "carts", "t_orders"}
}

func table(side, name string) string {
	if name == "orders" && side == "new" {
		return "t_orders"
	}
	return name
}

// pump moves rows on: a source tells, a batch is taken, written or settled.
func (s *sim) pump() {
	n := s.node
	if !n.up || n.dead {
		return
	}
	side := []string{"old", "new"}[s.rnd.IntN(2)]
	switch s.rnd.IntN(4) {
	case 0:
		s.feed(side)
	case 1:
		if f := n.m.Take(side, s.rnd.IntN(3)); f != nil {
			n.flights = append(n.flights, f)
		}
	default:
		if len(n.flights) > 0 {
			i := s.rnd.IntN(len(n.flights))
			f := n.flights[i]
			n.flights = append(n.flights[:i:i], n.flights[i+1:]...)
			f.Write(s.ctx)
			if !n.dead {
				f.Settle()
			}
		}
	}
}

// feed lets a source tell the next transaction.
func (s *sim) feed(side string) {
	n := s.node
	if n.m.Full(side) {
		return
	}
	if s.rnd.IntN(40) == 0 && !s.calm { // a cut connection: some is told again
		back, _ := strconv.Atoi(string(n.told[side]))
		n.told[side] = data.Position(strconv.Itoa(max(back-s.rnd.IntN(4), 0)))
		s.count.retold++
	}
	t, _, err := s.db[side].Source().Next(n.told[side], tables(side))
	if n.dead || !n.up {
		return
	}
	if errors.Is(err, data.ErrLogGone) {
		s.sayf("%s: %v", side, err)
		s.anyone = "a log was purged"
		s.count.lost++
		n.up, n.flights, n.busy = false, nil, true
		defer func() { n.busy = false }()
		_ = n.m.Lost(s.ctx, side, err) // when it fails, the next attempt finds the log gone again
		return
	}
	if err != nil {
		return
	}
	n.told[side] = t.Position
	if err := n.m.Push(side, t); err != nil {
		panic(err)
	}
}

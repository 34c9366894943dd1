package datasim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/data/datatest"
	"jindu.dev/jindu/internal/migrate/row"
)

// step does one thing at random.
func (s *sim) step() {
	if s.steps++; s.steps > 1500 {
		return // a node that waits without end
	}
	s.now = s.now.Add(time.Duration(s.rnd.IntN(2000)) * time.Microsecond)
	switch k := s.rnd.IntN(200); {
	case k < 50:
		s.write()
	case k < 120:
		for range 4 {
			s.pump()
		}
	case k < 150:
		s.nodeStep()
	case k < 175:
		s.control()
	default:
		if s.rnd.Float64() < s.chaos {
			s.trouble()
		}
	}
}

// trouble is one thing that goes wrong, or right again.
func (s *sim) trouble() {
	name := []string{"old", "new"}[s.rnd.IntN(2)]
	switch k := s.rnd.IntN(40); {
	case k < 4:
		s.kill()
	case k < 20:
		down := s.rnd.IntN(4) == 0
		s.sayf("%s: down %v", name, down)
		s.db[name].Down(down)
	case k < 26:
		poison := s.rnd.IntN(2) == 0
		s.sayf("poison is refused: %v", poison)
		s.poison(poison)
	case k < 27:
		if s.rnd.IntN(4) == 0 {
			s.sayf("%s: log purged", name)
			s.db[name].Purge(2)
		}
	case k < 30:
		jump := time.Duration(s.rnd.IntN(60)-30) * time.Second
		s.sayf("the clock jumps by %v", jump)
		s.now = s.now.Add(jump)
	case k < 31:
		s.stray()
	}
}

func (s *sim) poison(on bool) {
	check := func(r row.Row) error {
		if r[1].Text == "poison" {
			return errPoison
		}
		return nil
	}
	if !on {
		check = nil
	}
	s.db["new"].Check("carts", check)
}

// nodeStep is something that the node does beside carrying changes.
func (s *sim) nodeStep() {
	if !s.ready() {
		return
	}
	n := s.node
	switch s.rnd.IntN(6) {
	case 0, 1:
		if more, err := n.m.Fill(s.ctx); err == nil && !more {
			n.filled = true
		}
	case 2:
		_ = n.m.Keep(s.ctx, []string{"old", "new"}[s.rnd.IntN(2)], s.rnd.IntN(4) == 0)
	case 3:
		_ = n.m.Look(s.ctx)
	case 4:
		n.m.Chore(s.ctx)
	case 5:
		if n.filled && s.depth == 0 && s.rnd.IntN(8) == 0 {
			_ = n.m.Compare(s.ctx)
		}
	}
}

// writer is a request on its way.
type writer struct {
	kind   string
	id     int
	bucket int
	side   string
	epoch  int64
	tx     *datatest.Tx
	phase  int
	gone   bool
	done   func() // when it is acknowledged
}

func bucketOf(id int) int { return (id%4)*2500 + 700 }

// write begins a request, or lets one go on that slept.
func (s *sim) write() {
	if len(s.writers) > 0 && s.rnd.IntN(3) > 0 {
		i := s.rnd.IntN(len(s.writers))
		w := s.writers[i]
		s.writers = append(s.writers[:i:i], s.writers[i+1:]...)
		if s.advance(w) {
			s.writers = append(s.writers, w)
		}
		return
	}
	if len(s.writers) > 6 || s.calm {
		return
	}
	w := &writer{kind: []string{"add", "transfer", "cart", "order", "order"}[s.rnd.IntN(5)], epoch: s.status.Epoch}
	switch w.kind {
	case "add", "transfer":
		w.id = s.rnd.IntN(nAccounts)
	case "cart":
		w.id = s.rnd.IntN(nCarts)
	case "order":
		w.id = s.orders
		if s.orders > 0 && s.rnd.IntN(2) == 0 {
			w.id = s.rnd.IntN(s.orders)
		} else {
			s.orders++
		}
	}
	w.bucket = bucketOf(w.id)
	w.side = "old"
	if w.bucket < s.status.Buckets {
		w.side = "new"
	}
	if made := s.creator[w.id]; w.kind == "order" {
		switch s.status.Owner {
		case "old", "new":
			w.side = s.status.Owner
		default:
			if made != "" {
				w.side = made
			}
		}
		if made == "" {
			s.creator[w.id] = w.side
		}
	}
	for s.advance(w) {
		if s.rnd.IntN(3) == 0 { // it sleeps
			s.writers = append(s.writers, w)
			return
		}
	}
}

// advance takes a request one step further; it is false when it is over.
func (s *sim) advance(w *writer) bool {
	d := s.db[w.side]
	w.phase++
	var err error
	switch w.phase {
	case 1:
		return true // routed
	case 2:
		w.tx = d.Begin(v1.Mark{Run: "0123456789abcdef", Epoch: w.epoch, Bucket: w.bucket}.String())
		if err = w.tx.Fenced(w.epoch, w.bucket); errors.Is(err, data.ErrFenced) {
			s.sayf("%s %d on %s under epoch %d: fenced", w.kind, w.id, w.side, w.epoch)
			s.count.fenced++
			s.ask(w, true)
		}
	case 3:
		err = s.change(w)
	default:
		s.tick++
		call := s.tick
		if err = w.tx.Commit(); err == nil {
			s.tick++
			s.fenced[w.side] = append(s.fenced[w.side], fenceOp{call: call, done: s.tick, epoch: w.epoch, bucket: w.bucket, write: true})
			s.count.writes++
			w.done()
			return false
		}
	}
	if err != nil {
		w.tx.Rollback()
		return false
	}
	return true
}

// ask notes that a writer was refused.
func (s *sim) ask(w *writer, refused bool) {
	s.tick += 2
	s.fenced[w.side] = append(s.fenced[w.side], fenceOp{call: s.tick - 1, done: s.tick, epoch: w.epoch, bucket: w.bucket, write: true, refused: refused})
}

func key(id int) row.Key { return row.Key{num(id)} }

func val(r row.Row, i int) int {
	n, _ := strconv.Atoi(r[i].Text)
	return n
}

func (s *sim) change(w *writer) error {
	switch w.kind {
	case "add":
		by := 1 + s.rnd.IntN(1_000_000) // no two alike
		return errors.Join(s.add(w, w.id, by), w.then(func() {
			s.balance[w.id] += int64(by)
			s.sayf("account %d on %s: +%d = %d", w.id, w.side, by, s.balance[w.id])
		}))
	case "transfer":
		by, to := 1+s.rnd.IntN(1_000_000), (w.id+4)%nAccounts
		return errors.Join(s.add(w, w.id, -by), s.add(w, to, by), w.then(func() {
			s.balance[w.id] -= int64(by)
			s.balance[to] += int64(by)
			s.sayf("accounts %d, %d on %s: %d moved = %d, %d", w.id, to, w.side, by, s.balance[w.id], s.balance[to])
		}))
	case "cart":
		return s.changeCart(w)
	}
	name := table(w.side, "orders")
	was, err := w.tx.Get(name, key(w.id))
	if err != nil {
		return err
	}
	amount, version, owner := s.rnd.IntN(1_000_000), 1, w.side
	if was != nil {
		version, owner = val(was, 3)+1, was[2].Text
	} else if s.amounts[w.id] != 0 {
		return errors.New("it is not here") // the service does not find it
	}
	amount++
	return errors.Join(w.tx.Put(name, row.Row{num(w.id), num(amount), text(owner), num(version)}), w.then(func() {
		s.amounts[w.id] = int64(amount)
		s.sayf("order %d on %s: amount %d version %d owner %s", w.id, w.side, amount, version, owner)
	}))
}

func (w *writer) then(f func()) error {
	w.done = f
	return nil
}

func (s *sim) add(w *writer, id, by int) error {
	r, err := w.tx.Get("accounts", key(id))
	if err != nil {
		return err
	}
	if r == nil {
		return errors.New("no such account here")
	}
	return w.tx.Put("accounts", ints(id, val(r, 1)+by, val(r, 2)+1))
}

// changeCart puts, deletes or renames a cart; carts have no version.
func (s *sim) changeCart(w *writer) error {
	was, err := w.tx.Get("carts", key(w.id))
	if err != nil {
		return err
	}
	switch k := s.rnd.IntN(10); {
	case k < 2 && was != nil:
		return errors.Join(w.tx.Delete("carts", key(w.id)), w.then(func() {
			s.items[w.id] = ""
			s.sayf("cart %d on %s: gone", w.id, w.side)
		}))
	case k < 4 && was != nil:
		to := w.id + 100 // of the same subject
		there, err := w.tx.Get("carts", key(to))
		if err != nil {
			return err
		}
		if there != nil {
			return errors.New("in the way")
		}
		return errors.Join(w.tx.Rekey("carts", key(w.id), row.Row{num(to), was[1]}), w.then(func() {
			s.items[to], s.items[w.id] = was[1].Text, ""
			s.sayf("cart %d on %s: now %d", w.id, w.side, to)
		}))
	case k < 5 && w.id < nCarts:
		back, err := w.tx.Get("carts", key(w.id+100))
		if err != nil {
			return err
		}
		if back != nil && was == nil {
			return errors.Join(w.tx.Delete("carts", key(w.id+100)), w.tx.Put("carts", row.Row{num(w.id), back[1]}), w.then(func() {
				s.items[w.id], s.items[w.id+100] = back[1].Text, ""
				s.sayf("cart %d on %s: was %d", w.id, w.side, w.id+100)
			}))
		}
	}
	item := fmt.Sprintf("i%d", s.rnd.IntN(1_000_000))
	if w.side == "old" && s.rnd.IntN(12) == 0 {
		item = "poison"
	}
	return errors.Join(w.tx.Put("carts", row.Row{num(w.id), text(item)}), w.then(func() {
		s.items[w.id] = item
		if item == "poison" {
			s.excused[name("carts", w.id)], s.excused[name("carts", w.id+100)] = true, true
		}
		s.sayf("cart %d on %s: %s", w.id, w.side, item)
	}))
}

func name(table string, id int) string { return fmt.Sprintf("%s %d", table, id) }

// stray is a write by nobody: on the side that does not own the order, in its own table. It must be found.
func (s *sim) stray() {
	if s.orders == 0 || s.calm {
		return
	}
	id := s.rnd.IntN(s.orders)
	side := []string{"old", "new"}[s.rnd.IntN(2)]
	tx := s.db[side].Begin("")
	t := table(side, "orders")
	r, err := tx.Get(t, key(id))
	if err != nil || r == nil || r[2].Text == side {
		tx.Rollback()
		return
	}
	if tx.Put(t, row.Row{r[0], num(9999), r[2], num(val(r, 3) + 1)}) == nil && tx.Commit() == nil {
		s.sayf("order %d on %s: stray write", id, side)
		s.excused[name("orders", id)] = true
	}
}

// control moves the share, as the controller does: up only when everything is copied and compared, and drained;
// down always.
func (s *sim) control() {
	if s.depth > 0 || !s.ready() {
		return
	}
	n := s.node
	from := s.status.Buckets
	if s.loose && !s.settle() {
		return
	}
	if s.rnd.IntN(3) == 0 && from > 0 {
		s.down(from, s.rnd.IntN(3) == 0)
		return
	}
	if from == 10_000 {
		return
	}
	for range 20 {
		if more, err := n.m.Fill(s.ctx); err != nil || n != s.node {
			return
		} else if !more {
			n.filled = true
			break
		}
	}
	if s.compared = true; !s.passes() && !s.compared && n.m.Compare(s.ctx) != nil || n != s.node || !s.passes() {
		return
	}
	to := []int{2500, 5000, 7500, 10_000}[from/2500]
	epoch := s.status.Epoch + 1
	f, t := from, to
	owner := s.status.Owner
	if to == 10_000 && s.rnd.IntN(2) == 0 {
		owner = "new"
	}
	if owner == "old" {
		owner = "creator" // from now on
	}
	if owner != s.status.Owner {
		f, t = 0, 10_000
	}
	if !s.move(epoch, f, t) || s.node != n {
		s.settle()
		return
	}
	s.status.Buckets, s.status.Epoch, s.status.Owner = to, epoch, owner
	if owner == "creator" {
		s.adopt()
	}
	s.sayf("share is %d under epoch %d, owner %q", to, epoch, owner)
	s.count.moves++
	s.follow()
	if owner == "new" {
		s.handOver("new")
	}
}

// passes says whether the gates of the data let users move.
func (s *sim) passes() bool {
	for _, g := range s.node.m.Gates("shop") {
		if g.Verdict != v1.VerdictPass {
			s.compared = !strings.Contains(g.Detail, "comparison")
			s.sayf("gate: %s", g.Detail)
			return false
		}
	}
	return true
}

// adopt makes the creator of what was handed over its owner.
func (s *sim) adopt() {
	for id := range s.creator {
		if r := s.db["old"].Rows("orders")[datatest.Key(strconv.Itoa(id))]; r != nil {
			s.creator[id] = r[2].Text
		}
	}
}

func (s *sim) follow() {
	if s.node.m != nil {
		s.node.m.Follow(s.migration())
	}
}

// down takes users back: the fence is tried once, and whatever comes of it they go back.
func (s *sim) down(from int, part bool) {
	to := 0
	if part {
		to = from - 2500
	}
	epoch := s.status.Epoch + 1
	owner := s.status.Owner
	f, t := from, to
	if to == 0 {
		owner = "old"
		f = 10_000
	} else if owner == "new" {
		return // a person would hand over first
	}
	ok := s.move(epoch, f, t)
	if !ok {
		s.anyone = "users went back before all their rows had"
		s.count.undrained++
	}
	s.status.Buckets, s.status.Epoch, s.status.Owner = to, epoch, owner
	s.sayf("share is %d under epoch %d, owner %q, drained %v", to, epoch, owner, ok)
	s.count.backed++
	s.follow()
	if owner == "old" {
		s.handOver("old")
	}
}

func (s *sim) move(epoch int64, from, to int) bool {
	err := s.node.m.Move(s.ctx, "shop", epoch, from, to)
	s.sayf("move %d to %d under epoch %d: %v", from, to, epoch, err)
	return err == nil
}

// note keeps what a database did to its fences, for the judge.
func (s *sim) note(side, op string) {
	if op != "fence" && op != "unfence" {
		return
	}
	s.tick += 2
	one := fenceOp{call: s.tick - 1, done: s.tick, epoch: s.upTo, unfence: true}
	if op == "fence" {
		f := s.db[side].Fences()
		last := f[len(f)-1]
		one = fenceOp{call: s.tick - 1, done: s.tick, epoch: last.Epoch, low: last.Low, high: last.High}
	}
	s.fenced[side] = append(s.fenced[side], one)
}

// settle takes fences back that no share followed.
func (s *sim) settle() bool {
	s.upTo, s.loose = s.status.Epoch, true
	err := s.node.m.Settle(s.ctx, "shop", s.status.Epoch)
	s.sayf("settle above %d: %v", s.status.Epoch, err)
	s.loose = err != nil
	return err == nil
}

func (s *sim) handOver(to string) {
	if s.node.up {
		if err := s.node.m.HandOver(s.ctx, "shop", to); err == nil {
			s.count.handed++
			s.sayf("handed over to %s", to)
			for id := range s.creator {
				s.creator[id] = to
			}
		} else {
			s.sayf("not handed over to %s: %v", to, err)
		}
	}
}

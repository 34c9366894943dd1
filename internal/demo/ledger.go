package demo

import (
	"slices"
	"sync"

	"jindu.dev/jindu/examples/order-store/store"
)

// placed is an order that a client was told of.
type placed struct {
	requestID string // "" for an order that was there from the start
	id        int64
	user      int64
	items     []item
	created   string
}

// attempt is a request to order that was sent and has not been answered.
type attempt struct {
	requestID string
	user      int64
	items     []item
}

const (
	listed   = 10   // orders that GET /users/{id}/orders shows
	kept     = 64   // orders kept for each user: those shown, and those that may be overtaken
	unknown  = 1024 // attempts of a user without an answer that are remembered
	gettable = 4096 // orders kept for GET /orders/{id} and for repeats
)

// ledger is what clients know of stock and orders. A request under way may or may not have taken effect, so
// of everything it keeps the least (answered) and the most (sent). Safe for concurrent use.
type ledger struct {
	mu     sync.Mutex
	taken  []taken // by product
	users  map[int64]*account
	recent []*placed // a ring
	next   int
}

type taken struct{ least, most int64 }

type account struct {
	least, most int64     // number of orders
	newest      []*placed // by id, falling
	underWay    []*attempt
}

func newLedger(c catalogue) *ledger {
	l := &ledger{taken: make([]taken, len(c)+1), users: map[int64]*account{}}
	for _, o := range store.Seed() {
		p := &placed{id: o.ID, user: o.User, created: stamp(o.CreatedMillis)}
		for _, line := range o.Items {
			p.items = append(p.items, item{line.Product, line.Qty})
		}
		a := l.account(o.User)
		a.most++
		l.know(a, p)
	}
	return l
}

func (l *ledger) account(user int64) *account {
	a := l.users[user]
	if a == nil {
		a = &account{}
		l.users[user] = a
	}
	return a
}

func (l *ledger) know(a *account, p *placed) {
	a.least++
	i, _ := slices.BinarySearchFunc(a.newest, p.id, func(o *placed, id int64) int {
		if o.id > id {
			return -1
		}
		return 1
	})
	a.newest = slices.Insert(a.newest, i, p)
	if len(a.newest) > kept {
		a.newest = a.newest[:kept]
	}
	if len(l.recent) < gettable {
		l.recent = append(l.recent, p)
		return
	}
	l.recent[l.next] = p
	l.next = (l.next + 1) % gettable
}

// begin notes that a request to order is about to be sent.
func (l *ledger) begin(at *attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, it := range at.items {
		l.taken[it.product].most += it.qty
	}
	a := l.account(at.user)
	a.most++
	if a.underWay = append(a.underWay, at); len(a.underWay) > unknown {
		a.underWay = slices.Delete(a.underWay, 0, 1)
	}
}

// placed notes that an attempt became an order.
func (l *ledger) placed(at *attempt, p *placed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, it := range at.items {
		l.taken[it.product].least += it.qty
	}
	a := l.account(at.user)
	a.underWay = slices.DeleteFunc(a.underWay, func(o *attempt) bool { return o == at })
	l.know(a, p)
}

// refused notes that an attempt took nothing. An attempt without an answer is neither: it may still take
// effect, so it stays under way.
func (l *ledger) refused(at *attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, it := range at.items {
		l.taken[it.product].most -= it.qty
	}
	a := l.account(at.user)
	a.most--
	a.underWay = slices.DeleteFunc(a.underWay, func(o *attempt) bool { return o == at })
}

func (l *ledger) takenOf(product int64) taken {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken[product]
}

// view is what a user's list must show: at least what was answered when the question was sent, at most what
// was sent when the answer came.
type view struct {
	least, most int64
	newest      []*placed
	underWay    []*attempt
}

func (l *ledger) viewOf(user int64) view {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.users[user]
	if a == nil {
		return view{}
	}
	return view{a.least, a.most, slices.Clone(a.newest), slices.Clone(a.underWay)}
}

// some is a known order, chosen by a random number.
func (l *ledger) some(random uint64) *placed {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recent[random%uint64(len(l.recent))]
}

package data

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// picture is what a side holds, in one form for both.
type picture struct {
	accounts map[int64]int64 // cents
	orders   map[int64]booked
	carts    map[[2]int]string
	rows     map[string]string // table/key to row, for comparing
}

type booked struct {
	subject              int
	debit, credit, cents int64
	state                string
}

func (s *store) picture() (*picture, error) {
	p := &picture{accounts: map[int64]int64{}, orders: map[int64]booked{}, carts: map[[2]int]string{}, rows: map[string]string{}}
	cents := "CAST(amount * 100 AS SIGNED)"
	if s.cents {
		cents = "cents"
	}
	rows, err := s.db.Query("SELECT id, " + cents + ", version FROM accounts")
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // it was read
	for rows.Next() {
		var id, n, version int64
		if err := rows.Scan(&id, &n, &version); err != nil {
			return nil, err
		}
		p.accounts[id] = n
		p.rows[fmt.Sprintf("accounts/%d", id)] = fmt.Sprint(n, " v", version)
	}
	if rows, err = s.db.Query("SELECT id, subject, debit, credit, " + cents + ", state, version FROM orders"); err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // it was read
	for rows.Next() {
		var id, version int64
		var b booked
		if err := rows.Scan(&id, &b.subject, &b.debit, &b.credit, &b.cents, &b.state, &version); err != nil {
			return nil, err
		}
		b.state = strings.ToUpper(b.state[:1])
		p.orders[id] = b
		p.rows[fmt.Sprintf("orders/%d", id)] = fmt.Sprint(b, " v", version)
	}
	if rows, err = s.db.Query("SELECT subject, item, qty FROM carts"); err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // it was read
	for rows.Next() {
		var key [2]int
		var qty string
		if err := rows.Scan(&key[0], &key[1], &qty); err != nil {
			return nil, err
		}
		p.carts[key] = qty
		p.rows[fmt.Sprintf("carts/%d/%d", key[0], key[1])] = qty
	}
	return p, rows.Err()
}

// visible are the rows that people are told of: open cases, differences, what is parked. A row not among them must
// be right.
func (b *bank) visible() (map[string]string, error) {
	out := map[string]string{}
	var cases []v1.Case
	if err := b.call(http.MethodGet, "/cases", nil, &cases); err != nil {
		return nil, err
	}
	for _, c := range cases {
		out[rowName(c.Difference.Table, c.Difference.Key)] = "case " + c.ID
	}
	cases = nil
	if err := b.call(http.MethodGet, "/cases?closed=true", nil, &cases); err != nil {
		return nil, err
	}
	for _, c := range cases { // people were told, and the sides agreed before they did anything
		if c.Closed != nil {
			b.forgive(c.Difference.Table, c.Difference.Key)
		}
	}
	var parked []v1.ParkedChange
	if err := b.call(http.MethodGet, "/parked", nil, &parked); err != nil {
		return nil, err
	}
	for _, p := range parked {
		out[rowName(p.Table, p.Key)] = "parked"
	}
	var known v1.DiffResult
	if err := b.call(http.MethodPost, "/diff", v1.DiffRequest{}, &known); err != nil {
		return nil, err
	}
	for _, d := range known.Differences {
		out[rowName(d.Table, d.Key)] += " differs"
	}
	return out, nil
}

func rowName(table string, key []v1.ColumnValue) string {
	name := table
	for _, c := range key {
		if c.Value != nil {
			name += "/" + *c.Value
		}
	}
	return name
}

// differ are the rows that are not the same on both sides.
func differ(a, b *picture) []string {
	var out []string
	for name := range merged(a.rows, b.rows) {
		if a.rows[name] != b.rows[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func merged[V any](a, b map[string]V) map[string]V {
	out := map[string]V{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// converge waits until both sides are the same but for rows that people are told of, and returns both and those.
func (b *bank) converge(limit time.Duration) (pictures [2]*picture, told map[string]string) {
	b.t.Helper()
	b.until(limit, "both sides hold the same, or people are told what differs", func() (bool, string) {
		var err error
		for i, s := range b.stores {
			if pictures[i], err = s.picture(); err != nil {
				return false, err.Error()
			}
		}
		if told, err = b.visible(); err != nil {
			return false, err.Error()
		}
		var hidden []string
		for _, name := range differ(pictures[0], pictures[1]) {
			if told[name] == "" {
				hidden = append(hidden, fmt.Sprintf("%s: old %q new %q", name, pictures[0].rows[name], pictures[1].rows[name]))
			}
		}
		if len(hidden) > 0 {
			return false, fmt.Sprintf("%d rows differ and nobody is told, such as %v", len(hidden), hidden[:min(5, len(hidden))])
		}
		return true, ""
	})
	return pictures, told
}

// forgive notes a row that a person settled: what one of the sides wrote there is lost by that decision.
func (b *bank) forgive(table string, key []v1.ColumnValue) {
	if b.forgiven == nil {
		b.forgiven = map[string]string{}
	}
	b.forgiven[rowName(table, key)] = "settled"
}

// settleOnce does once what a person would, row by row: who serves the subject now is right. It says how much there was.
func (b *bank) settleOnce() (cases, parked int, err error) {
	st, err := b.status()
	if err != nil {
		return 0, 0, err
	}
	end := time.Now().Add(8 * time.Second) // then the share is looked at again
	var list []v1.ParkedChange
	if err := b.call(http.MethodGet, "/parked", nil, &list); err != nil {
		return 0, 0, err
	}
	for _, p := range list {
		verb := "skip"
		if p.From == sideNow(&st, p.Key, p.Table, b) {
			verb = "retry"
		}
		b.forgive(p.Table, p.Key)
		if err = b.call(http.MethodPost, "/parked/"+p.ID+"/"+verb, v1.Command{Reason: "test"}, nil); err == nil {
			parked++
		}
		if time.Now().After(end) {
			break
		}
	}
	var open []v1.Case
	if err := b.call(http.MethodGet, "/cases", nil, &open); err != nil {
		return 0, parked, err
	}
	for _, c := range open {
		side := sideNow(&st, c.Difference.Key, c.Difference.Table, b)
		b.forgive(c.Difference.Table, c.Difference.Key)
		if err = b.call(http.MethodPost, "/cases/"+c.ID+"/decide", v1.CaseDecision{Decision: side, Reason: "test"}, nil); err == nil {
			cases++
		}
	}
	if len(list)+len(open) > cases+parked {
		err = fmt.Errorf("%d parked rows, %d cases; %d and %d settled: %w", len(list), len(open), parked, cases, err)
	}
	return cases, parked, err
}

// settleAll settles until a full comparison finds nothing.
func (b *bank) settleAll(limit time.Duration) (cases, parked int) {
	b.t.Helper()
	b.until(limit, "people settled what they were told of", func() (bool, string) {
		c, p, err := b.settleOnce()
		cases, parked = cases+c, parked+p
		if err != nil {
			return false, err.Error()
		}
		var found v1.DiffResult
		if err := b.call(http.MethodPost, "/diff", v1.DiffRequest{Full: true}, &found); err != nil {
			return false, err.Error()
		}
		if len(found.Differences) == 0 && c+p == 0 {
			return true, ""
		}
		var repaired v1.RepairResult
		if err := b.call(http.MethodPost, "/repair", v1.RepairRequest{}, &repaired); err != nil {
			return false, err.Error()
		}
		return false, fmt.Sprintf("%d rows differ, such as %+v; %d repaired", len(found.Differences), found.Differences[:min(1, len(found.Differences))], repaired.Written)
	})
	return cases, parked
}

// sideNow is the side that serves the subject of a row.
func sideNow(st *v1.MigrationStatus, key []v1.ColumnValue, table string, b *bank) string {
	id, _ := strconv.ParseInt(*key[0].Value, 10, 64)
	subject := int(id)
	switch table {
	case "accounts":
		subject = int(id) / accounts
	case "orders":
		subject = 0
		for _, s := range b.stores {
			_ = s.db.QueryRow(fmt.Sprintf("SELECT subject FROM orders WHERE id = %d", id)).Scan(&subject) // on one of the two
		}
	}
	if bucketOf(subject) < st.Buckets {
		return v1.SideNew
	}
	return v1.SideOld
}

// audit holds both sides against the ledger. Rows that people are told of are let off, each with its subject's sums.
func (w *writers) audit(pictures [2]*picture, told map[string]string) {
	t := w.bank.t
	t.Helper()
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	told = merged(told, w.bank.forgiven)
	wrong := 0
	fail := func(format string, args ...any) {
		if wrong++; wrong <= 20 {
			t.Errorf(format, args...)
		}
	}
	for at, p := range pictures {
		side := w.bank.stores[at].side
		balance := map[int64]int64{}
		for n := range int64(subjects * accounts) {
			balance[n] = opening
		}
		for id, o := range p.orders {
			balance[o.debit] -= o.cents
			balance[o.credit] += o.cents
			if id < 0 {
				continue
			}
			switch one := w.ledger.transfers[id]; {
			case one == nil:
				fail("%s side: order %d is there and nobody wrote it", side, id)
			case one.fate == refused:
				fail("%s side: order %d is there and was refused on the %s side at epoch %d", side, id, one.side, one.epoch)
			case one.subject != o.subject || one.debit != o.debit || one.credit != o.credit || one.cents != o.cents:
				fail("%s side: order %d is %+v, written was %+v", side, id, o, one)
			}
		}
		for id, one := range w.ledger.transfers {
			name := fmt.Sprintf("orders/%d", id)
			o, there := p.orders[id]
			if one.fate == acked && !there && told[name] == "" {
				fail("%s side: order %d was acknowledged by the %s side at epoch %d, and is lost", side, id, one.side, one.epoch)
			}
			if there && told[name] == "" && !possible(w.ledger.states[id], o.state) {
				fail("%s side: order %d is in state %s after %v", side, id, o.state, w.ledger.states[id])
			}
		}
		for key, list := range w.ledger.carts {
			if told[fmt.Sprintf("carts/%d/%d", key[0], key[1])] == "" && !possible(list, p.carts[key]) {
				fail("%s side: cart %v has %q after %v", side, key, p.carts[key], list[max(0, len(list)-5):])
			}
		}
		sum := map[int64]int64{}
		excused := map[int64]bool{}
		for id, has := range p.accounts {
			sum[id/accounts] += has
			if told[fmt.Sprintf("accounts/%d", id)] != "" {
				excused[id/accounts] = true
				continue
			}
			if has != balance[id] && !orderOfTold(w.ledger.transfers, told, id) {
				fail("%s side: account %d has %d, its orders say %d", side, id, has, balance[id])
			}
		}
		for subject, has := range sum {
			if has != accounts*opening && !excused[subject] {
				fail("%s side: subject %d has %d in all, had %d", side, subject, has, accounts*opening)
			}
		}
	}
	if wrong > 20 {
		t.Errorf("and %d more", wrong-20)
	}
}

// orderOfTold says whether an order of an account is among those that people are told of.
func orderOfTold(all map[int64]*transfer, told map[string]string, account int64) bool {
	for name := range told {
		var id int64
		if n, _ := fmt.Sscanf(name, "orders/%d", &id); n == 1 && all[id] != nil && (all[id].debit == account || all[id].credit == account) {
			return true
		}
	}
	return false
}

// possible says whether a row may be as it is after writes of which some ends are not known: as the last
// acknowledged write left it, or one of unknown end behind that.
func possible(list []change, is string) bool {
	for _, c := range slices.Backward(list) {
		if c.value == is {
			return true
		}
		if c.fate == acked {
			return false
		}
	}
	return is == "" || is == "C" && len(list) == 0
}

// tell logs what was done, for whoever reads the report.
func (w *writers) tell(told map[string]string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	count := map[fate]int{}
	for _, t := range w.ledger.transfers {
		count[t.fate]++
	}
	last := "none"
	if e := w.trouble.Load(); e != nil {
		last = (*e).Error()
	}
	w.bank.t.Logf("%d writes acknowledged, %d of unknown end, %d refused (%d by the fence, %d of them late); rows that people are told of at the end: %d, settled before: %d; last error of a writer: %s",
		count[acked], count[unknown], count[refused], w.ledger.fenced, w.ledger.slept, len(told), len(w.bank.forgiven), last)
}

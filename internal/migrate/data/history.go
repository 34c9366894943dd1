package data

import (
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// History keeps what both sides did to rows lately, bounded by bytes, so that a case can show it. It is safe
// for concurrent use.
type History struct {
	mu    sync.Mutex
	max   int64
	bytes int64
	line  []*event // oldest first
	head  int
	by    map[string][]*event
	fence [2]map[string]bool // rows that a side wrote since it gained a share; nil: nobody asks
}

type event struct {
	ident  string
	bytes  int64
	change v1.CaseChange
}

const (
	historyBytes = 16 << 20
	historyEach  = 32      // changes of one row
	fenceRows    = 100_000 // rows that are remembered while late changes of the other side still arrive
)

// NewHistory makes a history of at most limit bytes.
func NewHistory(limit int64) *History { return &History{max: limit, by: map[string][]*event{}} }

// Add notes a native change of one side.
func (h *History) Add(on side, t *Txn, c *cargo) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.fence[on]; f != nil && len(f) < fenceRows {
		f[c.ident] = true
	}
	if len(c.pair.Rule.Money) == 0 {
		return // only cases are asked for, and only money makes one
	}
	change := v1.CaseChange{Side: on.String(), At: t.Commit, Op: c.change.Op.String(), Position: string(t.Position)}
	if mark, ok := v1.ParseMark(t.Mark); ok {
		change.Run = mark.Run
	}
	if c.change.After != nil && c.change.Op != Delete {
		change.After = named(c.change.Table, c.change.After)
	}
	e := &event{ident: c.ident, change: change, bytes: weigh(c.change.After) + int64(len(c.ident)) + 256}
	h.line = append(h.line, e)
	h.bytes += e.bytes
	h.by[c.ident] = append(h.by[c.ident], e)
	if list := h.by[c.ident]; len(list) > historyEach {
		h.by[c.ident] = list[1:]
	}
	for h.bytes > h.max && h.head < len(h.line) {
		h.forget()
	}
}

func (h *History) forget() {
	e := h.line[h.head]
	h.line[h.head] = nil
	h.head++
	h.bytes -= e.bytes
	if list := h.by[e.ident]; len(list) > 0 && list[0] == e {
		if list = list[1:]; len(list) == 0 {
			delete(h.by, e.ident)
		} else {
			h.by[e.ident] = list
		}
	}
	if h.head > len(h.line)/2 {
		h.line = append([]*event(nil), h.line[h.head:]...)
		h.head = 0
	}
}

// Of is what was done to a row, oldest first.
func (h *History) Of(ident string) []v1.CaseChange {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.by[ident]
	out := make([]v1.CaseChange, 0, len(list))
	for _, e := range list {
		out = append(out, e.change)
	}
	return out
}

// Watch remembers from now on which rows one side writes, until Unwatch.
func (h *History) Watch(on side) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fence[on] == nil {
		h.fence[on] = map[string]bool{}
	}
}

// Unwatch ends that.
func (h *History) Unwatch(on side) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fence[on] = nil
}

// Touched says whether the watched side wrote a row since; with more rows than are remembered, every row counts.
func (h *History) Touched(on side, ident string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fence[on] != nil && (h.fence[on][ident] || len(h.fence[on]) >= fenceRows)
}

// sortable is a time as text that sorts.
func sortable(t time.Time) string { return t.UTC().Format("20060102T150405.000000000") }

package outbox

import "slices"

// held are the rows that were told and not acknowledged.
type held struct {
	order []int64 // by when they were told; the first is row number base of the run
	base  int64
	spans []span // the same ids as ranges without gaps, sorted
}

// span is a range of ids, both ends in it.
type span struct{ from, to int64 }

func (h *held) add(id int64) {
	h.order = append(h.order, id)
	at, _ := slices.BinarySearchFunc(h.spans, id, func(s span, id int64) int {
		switch {
		case s.to < id:
			return -1
		case s.from > id:
			return 1
		}
		return 0
	})
	left := at > 0 && h.spans[at-1].to == id-1
	right := at < len(h.spans) && h.spans[at].from == id+1
	switch {
	case left && right:
		h.spans[at-1].to = h.spans[at].to
		h.spans = slices.Delete(h.spans, at, at+1)
	case left:
		h.spans[at-1].to = id
	case right:
		h.spans[at].from = id
	default:
		h.spans = slices.Insert(h.spans, at, span{id, id})
	}
}

// first are at most limit of the rows told before row number told of the run.
func (h *held) first(told int64, limit int) []int64 {
	n := min(told-h.base, int64(len(h.order)), int64(limit))
	if n <= 0 {
		return nil
	}
	return h.order[:n]
}

// drop forgets the first n: they are deleted.
func (h *held) drop(n int) {
	h.order = append(h.order[:0:0], h.order[n:]...)
	h.base += int64(n)
	sorted := slices.Clone(h.order)
	slices.Sort(sorted)
	h.spans = h.spans[:0]
	for _, id := range sorted {
		if n := len(h.spans); n > 0 && h.spans[n-1].to == id-1 {
			h.spans[n-1].to = id
		} else {
			h.spans = append(h.spans, span{id, id})
		}
	}
}

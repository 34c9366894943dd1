package outbox

import (
	"math/rand/v2"
	"slices"
	"testing"

	"jindu.dev/jindu/internal/migrate/data"
)

func TestSpansHoldExactlyTheHeldIDs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var h held
	in := map[int64]bool{}
	var order []int64
	for range 3000 {
		if r.IntN(4) > 0 {
			id := int64(r.IntN(500))
			if in[id] {
				continue
			}
			h.add(id)
			in[id] = true
			order = append(order, id)
		} else if n := r.IntN(5); n <= len(order) {
			for _, id := range order[:n] {
				delete(in, id)
			}
			order = order[n:]
			h.drop(n)
		}
		if !slices.Equal(h.order, order) {
			t.Fatal("order")
		}
		for id := int64(-1); id <= 500; id++ {
			found := 0
			for _, s := range h.spans {
				if s.from <= id && id <= s.to {
					found++
				}
			}
			if (found == 1) != in[id] || found > 1 {
				t.Fatalf("id %d is in %d spans, held: %v", id, found, in[id])
			}
		}
		for i := 1; i < len(h.spans); i++ {
			if h.spans[i-1].to+1 >= h.spans[i].from {
				t.Fatalf("spans %v", h.spans)
			}
		}
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("7.5.00aa")
	f.Add("..")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePosition(data.Position(s))
		if err != nil {
			return
		}
		if again, err := parsePosition(p.text()); err != nil || again != p {
			t.Errorf("%q becomes %q: %v", s, p.text(), err)
		}
	})
}

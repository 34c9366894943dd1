package data

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"jindu.dev/jindu/internal/kit/kind"
)

// memory is Notes for a node that keeps nothing: what it holds is found again by the next full comparison.
type memory struct {
	mu   sync.Mutex
	held map[string][]byte
}

// Put keeps body under a name; nil forgets it.
func (m *memory) Put(_ context.Context, name string, body []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if body == nil {
		delete(m.held, name)
		return nil
	}
	if m.held == nil {
		m.held = map[string][]byte{}
	}
	m.held[name] = slices.Clone(body)
	return nil
}

// List reads what is kept under names that begin with prefix.
func (m *memory) List(_ context.Context, prefix string) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string][]byte{}
	for name, body := range m.held {
		if strings.HasPrefix(name, prefix) {
			out[name] = slices.Clone(body)
		}
	}
	return out, nil
}

func (c *crossing) noteName(of string) string { return "data/" + c.name + "/" + of }

// recall reads what was kept over a restart, once.
func (c *crossing) recall(ctx context.Context, plan *Plan) error {
	if c.reader {
		return nil
	}
	all, err := c.opts.Notes.List(ctx, c.noteName(""))
	if err != nil {
		return kind.New(kind.Unavailable, "JD-DATA-012", "read what was kept of migration %s: %w", c.name, err)
	}
	var bodies [][]byte
	c.mu.Lock()
	c.fences, c.repairs = nil, nil
	for _, name := range slices.Sorted(maps.Keys(all)) {
		body := all[name]
		switch what, _, _ := strings.Cut(strings.TrimPrefix(name, c.noteName("")), "/"); what {
		case "fence":
			var f fenceNote
			if json.Unmarshal(body, &f) == nil {
				c.fences = append(c.fences, f)
			}
		case "repair":
			var m mended
			if json.Unmarshal(body, &m) == nil && m.ID != "" {
				c.repairs = append(c.repairs, m)
			}
		case "case":
			bodies = append(bodies, body)
		case "window":
			c.closed = string(body) == "closed"
		case "lost":
			c.lost = true
		}
	}
	c.reader = true
	c.mu.Unlock()
	c.judge.Recall(plan, bodies, c.pace.now())
	return nil
}

// keepCases keeps cases that changed; those that cannot be kept now are kept later.
func (c *crossing) keepCases(ctx context.Context) {
	changed := c.judge.Dirty()
	for id, body := range changed {
		if err := c.opts.Notes.Put(ctx, c.noteName("case/"+id), body); err != nil {
			c.judge.Again(changed)
			c.log.Warn("case not kept", "case", id, "error", err)
			return
		}
	}
}

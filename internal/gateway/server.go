package gateway

import (
	"context"
	"time"
)

// Run writes the access log until ctx ends and what was queued by then is written. A driver runs it
// beside its listeners.
func (g *Gateway) Run(ctx context.Context) {
	if g.access.out == nil {
		return
	}
	tick := time.NewTicker(accessEvery)
	defer tick.Stop()
	var buf []byte
	n := 0
	flush := func() {
		if n == 0 {
			return
		}
		if _, err := g.access.out.Write(buf); err != nil {
			g.access.Dropped.Add(int64(n))
		} else {
			g.access.Written.Add(int64(n))
		}
		buf, n = buf[:0], 0
	}
	add := func(e *accessEntry) {
		buf = e.appendLine(buf)
		g.access.free.Put(e)
		if n++; n == accessBatch {
			flush()
		}
	}
	for {
		select {
		case e := <-g.access.queue:
			add(e)
		case <-tick.C:
			flush()
		case <-ctx.Done():
			for {
				select {
				case e := <-g.access.queue:
					add(e)
					continue
				default:
				}
				break
			}
			flush()
			return
		}
	}
}

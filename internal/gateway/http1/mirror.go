package http1

import (
	"context"
	"time"

	"jindu.dev/jindu/internal/gateway"
)

// RequestMirror filters: copies that are sent after the answer and whose answers nobody reads.
const (
	mirrorQueue   = 256
	mirrorWorkers = 8
	mirrorTimeout = 5 * time.Second
)

type mirrorJob struct {
	addr string
	req  gateway.Outgoing
}

// mirror queues the copies that the rule asks for. One that finds the queue full, or whose body was
// not kept, is dropped and counted.
func (c *conn) mirror(v *gateway.View) {
	w := c.w
	var rec *gateway.Recorded
	for i := range w.ex.Decision.Rule.Mirrors {
		m := &w.ex.Decision.Rule.Mirrors[i]
		random := c.s.gw.Random()
		if m.Subset == nil || gateway.Share(random)*100 >= m.Percent {
			continue
		}
		u := v.Pick(m.Subset, c.s.coarse.Load(), gateway.Mix(random, gateway.UseTry), nil)
		if rec == nil {
			w.note.plan.MaxRequest = max(w.note.plan.MaxRequest, v.Limits.ReplayBytes)
			rec = c.recorded()
		}
		if u == nil || rec.Truncated {
			c.s.gw.Events.MirrorsDropped.Add(1)
			continue
		}
		select {
		case c.s.mirrors <- mirrorJob{u.Address, gateway.Outgoing{Method: rec.Method, Host: rec.Host, Target: rec.Target, Header: rec.Header, Body: rec.Body}}:
		default:
			c.s.gw.Events.MirrorsDropped.Add(1)
		}
	}
}

// mirrorLoop sends copies until ctx ends.
func (s *Server) mirrorLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-s.mirrors:
			once, cancel := context.WithTimeout(ctx, mirrorTimeout)
			_, err := s.client.Do(once, job.addr, job.req)
			cancel()
			if err != nil {
				s.gw.Events.MirrorsDropped.Add(1)
			} else {
				s.gw.Events.MirrorsSent.Add(1)
			}
		}
	}
}

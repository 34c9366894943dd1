package http1

import (
	"time"

	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/route"
)

// exchange answers the request whose head was parsed. It is false when the connection ends.
func (c *conn) exchange() (keep bool) {
	w, g := c.w, c.s.gw
	ex := &w.ex
	ex.Reset()
	ex.Start = g.Now()
	v := g.Load()
	c.begin(v)
	if c.observe {
		return c.takeCopy(v)
	}
	if len(w.req.path) == 1 && w.req.path[0] == '*' { // OPTIONS *: asks about the server itself
		w.back = append(w.back[:0], "HTTP/1.1 204 No Content\r\n\r\n"...)
		return !w.req.hasBody() && c.write(w.back) == nil && c.mayKeep()
	}
	if v.Limits.BodyBytes > 0 && w.req.body.length > v.Limits.BodyBytes {
		c.reject(errBodySize)
		return false
	}
	v.Decide(ex)
	keep = c.decided(v)
	if w.note.end.IsZero() {
		w.note.end = g.Now()
	}
	v.Finish(ex, w.note.end)
	c.after(v)
	w.send.reset()
	return keep
}

// decided does what was decided.
func (c *conn) decided(v *gateway.View) bool {
	d := &c.w.ex.Decision
	switch {
	case d.Refused == route.RefusedPath:
		c.s.gw.Rejected("ambiguous path")
		return c.answer(400, "JD-GATEWAY-010", "the path could be read in more than one way")
	case d.Refused == route.RefusedNoRoute:
		return c.answer(404, "JD-GATEWAY-011", "no route matches the request")
	case d.Rule.Filters.Redirect != nil:
		return c.redirect(d.Rule.Filters.Redirect)
	}
	if tap := c.s.gw.Tap(); tap != nil && d.Cohort != nil && !c.w.ex.Shadow {
		c.w.note.plan = tap.Plan(&c.w.ex)
	}
	return c.forward(v)
}

// forward tries instances until one answers or nothing more may be tried.
func (c *conn) forward(v *gateway.View) bool {
	w := c.w
	ex := &w.ex
	rule := ex.Decision.Rule
	start := c.s.gw.Clock(ex.Start)
	w.note.overall = 0
	if rule.Timeout > 0 {
		w.note.overall = start + int64(rule.Timeout)
	}
	if r := c.gather(v); r != nil {
		ex.Status, ex.Origin = r.status, gateway.OriginGateway
		if r == errBodyLeft {
			ex.Status, ex.Origin, ex.Failure = 499, gateway.OriginNone, gateway.ClientLeft
			return false
		}
		c.reject(r)
		return false
	}
	subset, side := ex.Decision.Subset, ex.Decision.Side
	var avoid *gateway.Upstream
	var admitted *route.Subset // whose circuit let the request through
	now := start
	for {
		f := gateway.Answered
		var u *gateway.Upstream
		switch {
		case subset != admitted && !v.Allow(ex, subset, side, now):
			f = gateway.CircuitOpen
		default:
			admitted = subset
			if u = v.Pick(subset, now, gateway.Mix(ex.Request.Random, gateway.UseTry+uint64(ex.Tries)), avoid); u == nil {
				f = gateway.NoInstance
			}
		}
		if f == gateway.Answered {
			ex.Tries++
			ex.Subset, ex.Answered, ex.Instance = subset, side, u.Address
			v.Began(u)
			var status int
			var keep bool
			f, status, keep = c.try(v, u, now)
			now = c.s.gw.Clock(w.note.end)
			v.Ended(subset, u, f, status, now)
			if f == gateway.Answered {
				return keep
			}
		}
		if c.sent() { // something of an answer is on its way: nothing can be repaired
			ex.Failure = f
			if f == gateway.ClientLeft {
				ex.Origin, ex.Status = gateway.OriginNone, 499
			}
			c.abort()
			return false
		}
		if r := w.send.rejected(); r != nil && r != errBodyLeft { // the body was at fault
			ex.Status, ex.Origin = r.status, gateway.OriginGateway
			c.reject(r)
			return false
		}
		whole := c.replayable()
		switch {
		case w.note.overall > 0 && now >= w.note.overall:
			return c.fail(gateway.TimedOut)
		case f == gateway.RetryStatus || f != gateway.Refused && v.MayRetry(ex, f, whole, now):
			if !c.pause(rule.Retry.Backoff, ex.Request.Random) {
				return c.fail(gateway.ClientLeft)
			}
			avoid = u
		case f == gateway.Refused || v.MayFallBack(ex, f, whole, now):
			subset, side, avoid = ex.Decision.Cohort.Old, route.SideOld, nil
		default:
			return c.fail(f)
		}
		now = c.clock()
	}
}

// pause waits before a retry, between half and all of d.
func (c *conn) pause(d time.Duration, random uint64) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d/2 + time.Duration(random%uint64(d/2+1)))
	defer t.Stop()
	select {
	case <-t.C:
		return !left(c.sock)
	case <-c.s.ctx.Done():
		return false
	}
}

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
	v, keep = c.decided(v)
	if w.note.end.IsZero() {
		w.note.end = g.Now()
	}
	v.Finish(ex, w.note.end)
	c.after(v)
	w.send.reset()
	return keep
}

// decided does what was decided. It returns the view that decided last.
func (c *conn) decided(v *gateway.View) (*gateway.View, bool) {
	if done, keep := c.answered(); done {
		return v, keep
	}
	d := &c.w.ex.Decision
	if tap := c.s.gw.Tap(); tap != nil && d.Cohort != nil && !c.w.ex.Shadow && (!d.ByOwner || gateway.Safe(c.w.req.method)) {
		c.w.note.plan = tap.Plan(&c.w.ex)
	}
	return c.forward(v)
}

// answered answers what was decided to go to no service.
func (c *conn) answered() (done, keep bool) {
	d := &c.w.ex.Decision
	switch {
	case d.Refused == route.RefusedPath:
		c.s.gw.Rejected("ambiguous path")
		return true, c.answer(400, "JD-GATEWAY-010", "the path could be read in more than one way")
	case d.Refused == route.RefusedNoRoute:
		return true, c.answer(404, "JD-GATEWAY-011", "no route matches the request")
	case d.Rule.Filters.Redirect != nil:
		return true, c.redirect(d.Rule.Filters.Redirect)
	}
	return false, false
}

// forward tries instances until one answers or nothing more may be tried. It returns the view that
// decided last.
func (c *conn) forward(v *gateway.View) (*gateway.View, bool) {
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
			return v, false
		}
		c.reject(r)
		return v, false
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
			ex.Fenced = false
			ex.Subset, ex.Answered, ex.Instance = subset, side, u.Address
			v.Began(u)
			var status int
			var keep bool
			f, status, keep = c.try(v, u, now)
			now = c.s.gw.Clock(w.note.end)
			ended := f
			if ex.Fenced {
				ended = gateway.Fenced
			}
			v.Ended(subset, u, ended, status, now)
			if f == gateway.Answered {
				return v, keep
			}
		}
		if c.sent() { // something of an answer is on its way: nothing can be repaired
			ex.Failure = f
			if f == gateway.ClientLeft {
				ex.Origin, ex.Status = gateway.OriginNone, 499
			}
			c.abort()
			return v, false
		}
		if r := w.send.rejected(); r != nil && r != errBodyLeft { // the body was at fault
			ex.Status, ex.Origin = r.status, gateway.OriginGateway
			c.reject(r)
			return v, false
		}
		whole := c.replayable()
		switch {
		case f == gateway.Fenced:
			if !c.awaitShare(v) {
				return v, c.fail(gateway.ClientLeft)
			}
			was := v
			v = v.Redecide(ex)
			if now = c.clock(); w.note.overall > 0 && now >= w.note.overall {
				return v, c.fail(gateway.Fenced)
			}
			if v == was {
				break // the side is asked once more
			}
			if done, keep := c.answered(); done {
				return v, keep
			}
			rule, avoid, admitted = ex.Decision.Rule, nil, nil
			subset, side = ex.Decision.Subset, ex.Decision.Side
		case w.note.overall > 0 && now >= w.note.overall:
			return v, c.fail(gateway.TimedOut)
		case f == gateway.RetryStatus || f != gateway.Refused && v.MayRetry(ex, f, whole, now):
			if !c.pause(rule.Retry.Backoff, ex.Request.Random) {
				return v, c.fail(gateway.ClientLeft)
			}
			avoid = u
		case f == gateway.Refused || v.MayFallBack(ex, f, whole, now):
			subset, side, avoid = ex.Decision.Cohort.Old, route.SideOld, nil
		default:
			return v, c.fail(f)
		}
		now = c.clock()
	}
}

// awaitShare waits until a newer share of the exchange's migration is in force, or time is up. It is
// false when nobody waits for the answer any more.
func (c *conn) awaitShare(v *gateway.View) bool {
	w := c.w
	now := c.clock()
	if w.note.fenced == 0 {
		w.note.fenced = now + int64(v.Timeouts.Fenced)
	}
	deadline := w.note.fenced
	if w.note.overall > 0 {
		deadline = min(deadline, w.note.overall)
	}
	t := time.NewTimer(time.Duration(deadline - now))
	defer t.Stop()
	for {
		changed := c.s.gw.Changed()
		if v.Moved(&w.ex) {
			return !left(c.sock)
		}
		select {
		case <-changed:
		case <-t.C:
			return !left(c.sock)
		case <-c.s.ctx.Done():
			return false
		}
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

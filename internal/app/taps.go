package app

import (
	"context"
	"errors"
	"fmt"
	"net"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/gateway/http1"
	"jindu.dev/jindu/internal/migrate"
)

// tap hands the gateway's recordings to migrate.
type tap struct{ migrate *migrate.Server }

// Plan is asked on the request path.
func (t *tap) Plan(ex *gateway.Exchange) gateway.Plan {
	if ex.Decision.Cohort == nil {
		return gateway.Plan{}
	}
	return gateway.Plan(t.migrate.Plan(ex.Decision.Cohort.Migration, ex.Shadow))
}

// Done takes the recording over.
func (t *tap) Done(rec *gateway.Recorded) { t.migrate.Done((*migrate.Recorded)(rec)) }

// caller sends copies over the gateway's client. When a copy is answered its run is over, and proxies let go of
// what they hold for it.
type caller struct {
	client *http1.Client
	over   func(run string)
}

// Call is migrate.Caller.
func (c caller) Call(ctx context.Context, address string, out *migrate.Copy, maxBody int64) (migrate.Reply, error) {
	in, err := c.client.Do(ctx, address, gateway.Outgoing(*out))
	for _, h := range out.Header {
		if mark, ok := v1.ParseMark(h.Value); ok && h.Name == v1.MarkHeader {
			c.over(mark.Run)
		}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return migrate.Reply{}, fmt.Errorf("%w: %w", migrate.ErrUnreached, err)
	}
	if err != nil {
		return migrate.Reply{}, err
	}
	reply := migrate.Reply{Status: in.Status, Header: in.Header, Body: in.Body, Truncated: in.Truncated}
	if int64(len(reply.Body)) > maxBody {
		reply.Body, reply.Truncated = reply.Body[:maxBody], true
	}
	return reply, nil
}

// outcomes reads the gateway's counters.
type outcomes struct{ gw *gateway.Gateway }

// Outcomes is migrate.Outcomes.
func (o outcomes) Outcomes(migration string) (old, new migrate.Outcome) {
	a, b := o.gw.Outcomes(migration)
	return migrate.Outcome(a), migrate.Outcome(b)
}

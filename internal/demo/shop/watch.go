package shop

import (
	"context"
	"fmt"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/screen"
	"jindu.dev/jindu/internal/load"
)

// traffic is a load that runs until it is stopped.
type traffic struct {
	cancel context.CancelFunc
	done   chan struct{}
	state  chan load.Progress // the latest
	err    error
}

func (r *traffic) stop() {
	r.cancel()
	<-r.done
}

func (t *story) traffic(ctx context.Context, rate float64) (*traffic, error) {
	client, err := t.dial(t.place.Gateway, 10*time.Second)
	if err != nil {
		return nil, err
	}
	o := load.Default()
	o.Rate, o.Poisson, o.Duration = rate, true, 0
	o.MaxInFlight, o.Backlog = 64, 64
	ctx, cancel := context.WithCancel(ctx)
	r := &traffic{cancel: cancel, done: make(chan struct{}), state: make(chan load.Progress, 1)}
	go func() {
		defer close(r.done)
		_, r.err = load.Run(ctx, o, client, t.ledger, t.ledger.Check, func(p load.Progress) {
			select {
			case <-r.state: // nobody looked at the one before
			default:
			}
			r.state <- p
		})
	}()
	return r, nil
}

// wait lets time pass; it ends early when ctx ends or a process fails.
func (t *story) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case err := <-t.stage.Failed():
		return err
	}
}

// pause lets traffic run on and shows it.
func (t *story) pause(ctx context.Context, d time.Duration) error {
	for end := t.o.Now().Add(d); t.o.Now().Before(end); {
		if err := t.wait(ctx, min(tick, max(end.Sub(t.o.Now()), time.Millisecond))); err != nil {
			return err
		}
		if err := t.look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// follow watches the migration until it reaches a phase, is rolled back, or time is up.
func (t *story) follow(ctx context.Context, until v1.Phase) (v1.Phase, error) {
	for deadline := t.o.Now().Add(t.o.Pace.Limit); ; {
		if err := t.look(ctx); err != nil {
			return "", err
		}
		if p := t.report.Phase; p == until || p == v1.PhaseRolledBack || t.o.Now().After(deadline) {
			return p, nil
		}
		if err := t.wait(ctx, tick); err != nil {
			return "", err
		}
	}
}

// look brings what is shown up to date.
func (t *story) look(ctx context.Context) error {
	m, err := t.place.Node.Migration(ctx, Name)
	if err != nil {
		return nil //nolint:nilerr // it is not applied yet, or the node is busy: there will be another look
	}
	st := &m.Status
	t.report.Phase, t.report.Share, t.report.FirstDifference = st.Phase, st.Buckets/100, st.FirstDifference
	for ; t.told < len(st.History); t.told++ {
		h := st.History[t.told]
		t.say("%s %s  %s", t.screen.Paint(screen.Yellow, fmt.Sprintf("%3d%%", h.Buckets/100)), screen.Pad(string(h.Phase), 11), h.Reason)
	}
	if e, err := t.place.Node.Evidence(ctx, Name); err == nil {
		t.report.Compared = e.Mirror.Compared
	}
	now := t.o.Now()
	if now.Sub(t.spoke) < plainEvery {
		return nil
	}
	t.spoke = now
	c := t.ledger.Counts()
	var text strings.Builder
	fmt.Fprintf(&text, "%3d%%  %d requests, %d orders, %d wrong", t.report.Share, c.Requests, c.Orders, c.Errors)
	if d, err := t.place.Node.Data(ctx, Name); err == nil {
		for _, r := range d.Relays {
			fmt.Fprintf(&text, "  %s→ %s %d changes, p99 %.0f ms", r.From, r.State, r.Changes, float64(r.P99Micros)/1000)
		}
		if d.Cases > 0 || d.Parked > 0 {
			fmt.Fprintf(&text, "  %d cases, %d parked", d.Cases, d.Parked)
		}
	}
	if st.Blocked != "" && st.Phase != v1.PhaseRolledBack {
		text.WriteString("  (" + st.Blocked + ")")
	}
	t.say("%s", &text)
	return nil
}

// keep goes on with little traffic until ctx ends.
func (t *story) keep(ctx context.Context) {
	t.say("everything keeps running; see %s, stop with Ctrl-C", t.place.Console)
	run, err := t.traffic(ctx, 20)
	if err != nil {
		return
	}
	select {
	case <-ctx.Done():
	case <-run.done:
	case err := <-t.stage.Failed():
		t.say("%s", err)
	}
	run.stop()
}

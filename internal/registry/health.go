package registry

import (
	"net/netip"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// health is what active checks say of an instance. One that was never asked counts as healthy; the
// first answer decides at once, later ones by the thresholds.
type health struct {
	check  *v1.HealthCheck // nil: not asked; defaults are written out
	known  bool
	sick   bool
	run    int // answers in a row against the present state
	reason string
	busy   bool
	next   time.Duration
}

func (h *health) ok() bool { return !h.sick }

// spec takes what the service says of checks.
func (h *health) spec(check *v1.HealthCheck) {
	if check == nil {
		*h = health{}
		return
	}
	with := check.WithDefaults()
	if h.check == nil || *h.check != with {
		h.check, h.next = &with, 0
	}
}

// answer takes the outcome of a check; it says whether the state changed.
func (h *health) answer(reason string, at time.Duration) (changed bool) {
	h.busy = false
	h.next = at + h.check.Interval.Or(0)
	sick := reason != ""
	switch {
	case !h.known:
		changed = sick
		h.known, h.run = true, 0
		h.sick = sick
	case sick == h.sick:
		h.run = 0
	default:
		h.run++
		need := h.check.Healthy
		if sick {
			need = h.check.Unhealthy
		}
		if h.run >= need {
			h.sick, h.run, changed = sick, 0, true
		}
	}
	h.reason = ""
	if h.sick {
		h.reason = reason
	}
	return changed
}

// probe is one check to be made.
type probe struct {
	instance string
	addr     netip.AddrPort
	check    v1.HealthCheck
}

// due returns at most n checks whose time has come and marks them as under way. Instances that left are
// not asked; those that are gone are, so that protection knows what it keeps.
func (m *machine) due(at time.Duration, n int) []probe {
	var out []probe
	for name, in := range m.instances {
		if len(out) >= n {
			break
		}
		h := &in.health
		if h.check == nil || h.busy || h.next > at || in.left {
			continue
		}
		h.busy = true
		out = append(out, probe{name, in.addr, *h.check})
	}
	return out
}

// checked takes the outcome of a probe; reason is empty for success. It is ignored when the instance
// moved or is no longer asked.
func (m *machine) checked(p probe, reason string, at time.Duration) {
	in := m.instances[p.instance]
	if in == nil || in.addr != p.addr || in.health.check == nil {
		return
	}
	if in.health.answer(reason, at) {
		m.service(in.spec.Service)
	}
}

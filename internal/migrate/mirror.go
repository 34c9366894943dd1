package migrate

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/route"
)

// Headers of a copy.
const (
	headerShadow = "X-Jindu-Shadow" // name of the migration
	headerState  = "X-Jindu-State"  // version of the data that the primary answer was made from
	headerTrace  = "traceparent"
)

const connect = "CONNECT"

// Why a recording is not comparable.
const (
	reasonUnsafe    = "unsafe_method"
	reasonState     = "state_differs"
	reasonTruncated = "truncated"
	reasonShadow    = "shadow_header"
	reasonUpgraded  = "upgraded"
)

// target is an instance that copies may go to.
type target struct {
	address    string
	shadowSafe bool
}

// mirrorView is what the mirror needs to know of a migration at one moment. It is immutable.
type mirrorView struct {
	name     string
	settings *Settings
	phase    v1.Phase
	old, new []target
}

func newMirrorView(name string, s *Settings, phase v1.Phase, both *sides) *mirrorView {
	return &mirrorView{name: name, settings: s, phase: phase, old: targets(both.old), new: targets(both.new)}
}

func targets(instances []*registry.Instance) []target {
	var out []target
	for _, in := range instances {
		if in.Usable {
			out = append(out, target{in.Address, in.ShadowSafe()})
		}
	}
	return out
}

func (v *mirrorView) equal(o *mirrorView) bool {
	return v != nil && o != nil && v.settings == o.settings && v.phase == o.phase && slices.Equal(v.old, o.old) && slices.Equal(v.new, o.new)
}

// safe says that a method has no effect by definition, so any instance may be asked.
func safe(method string) bool { return method == "GET" || method == "HEAD" || method == "OPTIONS" }

// repeatable says that a side may be asked once more, only as a control.
func repeatable(method string) bool { return method == "GET" || method == "HEAD" }

// role is which answer of a pair or triple a copy gets.
type role uint8

const (
	roleOld role = iota
	roleOld2
	roleNew
	roleNew2
)

// among is the instances that may give the answer.
func (v *mirrorView) among(r role) []target {
	if r == roleNew || r == roleNew2 {
		return v.new
	}
	return v.old
}

// ask is one copy to send.
type ask struct {
	role    role
	address string
}

// mirrorPlan is what to do with a recording.
type mirrorPlan struct {
	skip string // why it is not comparable, "" when it is
	// none says that no instance can be asked: a drop.
	none bool
	asks []ask // in the order in which they start, all at once
	// inTurn: each begins when the one before has ended. Two runs of one unsafe request at the same time would
	// wait for each other's locks, or one would find what the other did.
	inTurn bool
}

// rolesOf are the answers that a comparison needs, and the control that makes it a triple: the side that
// answered the user once more, at the same time as the other one. What changed since the user's answer
// then sets both apart from it. An unsafe request was done where the user was answered, and cannot be done
// there again: its control is the other side's second run, as long after its first as that was after the
// user's.
func rolesOf(rec *Recorded) (needed []role, control role) {
	unsafe := !safe(rec.Method)
	switch {
	case rec.Observed:
		return []role{roleOld, roleNew}, roleOld2
	case rec.Answered == route.SideNew && unsafe:
		return []role{roleOld}, roleOld2
	case rec.Answered == route.SideNew:
		return []role{roleOld}, roleNew2
	case unsafe:
		return []role{roleNew}, roleNew2
	}
	return []role{roleNew}, roleOld2
}

// plan decides which copies of a recording to send. triple asks for a control; it is given up where the
// control may not be asked.
func (v *mirrorView) plan(rec *Recorded, triple func() bool, rng *rand.Rand) mirrorPlan {
	if why := incomparable(rec); why != "" {
		return mirrorPlan{skip: why}
	}
	unsafe := !safe(rec.Method)
	needed, control := rolesOf(rec)
	p := mirrorPlan{}
	for _, r := range needed {
		t, found := pick(v.among(r), unsafe, rec.Instance, rng)
		switch {
		case found:
			p.asks = append(p.asks, ask{r, t.address})
		case unsafe && len(v.among(r)) > 0:
			return mirrorPlan{skip: reasonUnsafe}
		default:
			return mirrorPlan{none: true}
		}
	}
	if rec.Truncated || rec.ResponseTruncated { // asked last: what nobody may be asked is no comparison missed
		return mirrorPlan{skip: reasonTruncated}
	}
	if triple() {
		if t, found := pick(v.among(control), !repeatable(rec.Method), rec.Instance, rng); found {
			p.asks = append(p.asks, ask{control, t.address})
		}
	}
	if p.inTurn = unsafe; unsafe {
		return p
	}
	rng.Shuffle(len(p.asks), func(i, j int) { p.asks[i], p.asks[j] = p.asks[j], p.asks[i] })
	return p
}

// incomparable is why a recording can by its nature not be compared, whoever is asked.
func incomparable(rec *Recorded) string {
	switch {
	case headerOf(rec.Header, headerShadow) != "":
		return reasonShadow
	case rec.Status == 101 || rec.Method == connect || headerOf(rec.Header, "Upgrade") != "":
		return reasonUpgraded
	}
	return ""
}

// pick chooses an instance at random, for an unsafe method among those that declare themselves
// shadow-safe. The one that answered the user is taken only when it is the only one.
func pick(among []target, unsafe bool, not string, rng *rand.Rand) (target, bool) {
	var fit []target
	for _, t := range among {
		if !unsafe || t.shadowSafe {
			fit = append(fit, t)
		}
	}
	if len(fit) > 1 {
		fit = slices.DeleteFunc(fit, func(t target) bool { return t.address == not })
	}
	if len(fit) == 0 {
		return target{}, false
	}
	return fit[rng.IntN(len(fit))], true
}

// hopByHop are fields that end at a proxy, in lower case.
var hopByHop = []string{
	"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
	"transfer-encoding", "upgrade", "content-length", "expect", "host",
}

// copyOf makes the shadow request of a recording: the same request with its identity, marked as a copy
// and under a span of its own. Credentials stay, since the service needs them; they are never kept.
//
// run names the copy's own run; without one it gets no mark, since nobody asks what it did.
func copyOf(rec *Recorded, migration, run string, span uint64) *Copy {
	drop := connectionFields(rec.Header)
	c := &Copy{Method: rec.Method, Host: rec.Host, Target: rec.Target, Body: rec.Body, Header: make([]v1.Header, 0, len(rec.Header)+4)}
	for _, h := range rec.Header {
		name := strings.ToLower(h.Name)
		switch {
		case slices.Contains(hopByHop, name), slices.Contains(drop, name):
		case strings.HasPrefix(name, "x-jindu-"), name == headerTrace:
		default:
			c.Header = append(c.Header, h)
		}
	}
	c.Header = append(c.Header, v1.Header{Name: headerShadow, Value: migration})
	if run != "" {
		c.Header = append(c.Header, v1.Header{Name: v1.MarkHeader, Value: rec.mark(run).String()})
	}
	if state := headerOf(rec.ResponseHeader, headerState); state != "" {
		c.Header = append(c.Header, v1.Header{Name: headerState, Value: state})
	}
	if len(rec.Trace) == 32 {
		c.Header = append(c.Header, v1.Header{Name: headerTrace, Value: "00-" + rec.Trace + "-" + hex16(span|1) + "-" + traceFlags(rec.Header)})
	}
	return c
}

// connectionFields are the fields that Connection names, in lower case.
func connectionFields(header []v1.Header) []string {
	var out []string
	for _, h := range header {
		if strings.EqualFold(h.Name, "Connection") {
			for name := range strings.SplitSeq(h.Value, ",") {
				out = append(out, strings.ToLower(strings.TrimSpace(name)))
			}
		}
	}
	return out
}

// traceFlags keeps the sampling decision of the primary request.
func traceFlags(header []v1.Header) string {
	if parts := strings.Split(headerOf(header, headerTrace), "-"); len(parts) >= 4 && len(parts[3]) == 2 {
		return parts[3]
	}
	return "00"
}

func hex16(v uint64) string {
	s := strconv.FormatUint(v, 16)
	return strings.Repeat("0", 16-len(s)) + s
}

func headerOf(header []v1.Header, name string) string {
	for i := range header {
		if strings.EqualFold(header[i].Name, name) {
			return header[i].Value
		}
	}
	return ""
}

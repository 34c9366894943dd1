package route

import (
	"regexp"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// ownerRule finds the entity that a request is about.
type ownerRule struct {
	method   string // "" for any
	segments []ownerSegment
	below    bool    // what is below the path fits too
	id       *source // nil: the path has it
	made     *regexp.Regexp
}

// ownerSegment is a segment of an ownerRule's path.
type ownerSegment struct {
	text string // when it is neither of the others
	id   bool   // it is the entity's id
	any  bool   // it has another name in braces
}

// ownerRules compiles rules that ValidateMigration finds nothing in.
func ownerRules(rules []v1.OwnerRule) []ownerRule {
	out := make([]ownerRule, 0, len(rules))
	for i := range rules {
		r := &rules[i]
		made, err := anchored(r.New)
		if err != nil {
			continue // ValidateMigration has compiled the same expression
		}
		c := ownerRule{method: r.Method, made: made}
		path, below := strings.CutSuffix(r.Path, "/*")
		c.below = below
		for s := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
			switch {
			case s == "":
			case s == "{id}":
				c.segments = append(c.segments, ownerSegment{id: true})
			case s[0] == '{':
				c.segments = append(c.segments, ownerSegment{any: true})
			default:
				c.segments = append(c.segments, ownerSegment{text: s})
			}
		}
		if r.ID != nil {
			id := compileSource(*r.ID)
			c.id = &id
		}
		out = append(out, c)
	}
	return out
}

// find returns the id of the entity that req is about, false when the rule does not fit or there is no
// id. path is canonical; a slash at its end does not count.
func (r *ownerRule) find(req *Request, path []byte, s *scratch) (id []byte, ok bool) {
	if r.method != "" && r.method != string(req.Method) {
		return nil, false
	}
	for i := range r.segments {
		if len(path) < 2 {
			return nil, false
		}
		var segment []byte
		segment, path = cut(path)
		switch want := &r.segments[i]; {
		case want.id:
			id = segment
		case !want.any && string(segment) != want.text:
			return nil, false
		}
	}
	if len(path) > 1 && !r.below {
		return nil, false
	}
	if r.id != nil {
		id, ok = r.id.read(req, s)
		return id, ok && len(id) > 0
	}
	return id, len(id) > 0
}

// owner is the side that owns the entity which req is about, SideNone when it is about none. The first
// rule that fits and finds an id counts. Where nobody is on the new side by right of the phase, the old
// side owns all.
func (c *Cohort) owner(req *Request, path []byte, s *scratch) Side {
	for i := range c.owners {
		id, ok := c.owners[i].find(req, path, s)
		switch {
		case !ok:
			continue
		case !ramps(c.Phase) || c.Owner == SideOld:
			return SideOld
		case c.Owner == SideNew || c.owners[i].made.Match(id):
			return SideNew
		}
		return SideOld
	}
	return SideNone
}

// ramps says whether a phase may have users on the new side.
func ramps(p v1.Phase) bool {
	return p == v1.PhaseMirror || p == v1.PhaseRamp || p == v1.PhaseHold || p == v1.PhaseDone
}

func sideOf(owner string) Side {
	switch owner {
	case v1.SideOld:
		return SideOld
	case v1.SideNew:
		return SideNew
	}
	return SideNone
}

package route

import (
	"math/bits"
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
)

// Table decides requests. It is immutable and safe for concurrent use.
type Table struct {
	// Revision is the highest store revision of the objects that it was built from.
	Revision int64
	Rules    []*Rule
	Subsets  []*Subset
	Cohorts  []*Cohort // by name of the migration

	index    *index
	cohortOf []*Cohort // by target; nil where no migration has a say
}

// Build makes a table. Objects that are wrong are left out, in whole or in part, and named among the
// problems; the table serves the rest.
func Build(routes []v1.Route, migrations []v1.Migration, reg *registry.Snapshot, defaults Defaults) (*Table, []Problem) {
	ix, problems := compile(routes, defaults)
	t, more := bind(ix, migrations, reg)
	return t, append(problems, more...)
}

// Cohort is what the table knows of a migration, nil when it has none of that name.
func (t *Table) Cohort(migration string) *Cohort {
	i, ok := slices.BinarySearchFunc(t.Cohorts, migration, func(c *Cohort, name string) int { return strings.Compare(c.Migration, name) })
	if !ok {
		return nil
	}
	return t.Cohorts[i]
}

// Decide fills d with where req goes. It does not allocate, once d's buffers have grown.
func (t *Table) Decide(req *Request, d *Decision) {
	d.reset()
	path, grown, ok := canonical(req.Path, d.scratch.path)
	d.scratch.path = grown
	if !ok {
		d.Refused = RefusedPath
		return
	}
	c := t.index.find(req, path, d)
	if c == nil {
		d.Refused = RefusedNoRoute
		return
	}
	d.Rule, d.Prefix, d.Template = t.Rules[c.rule], c.prefix, c.template
	if d.Rule.Filters.Redirect != nil {
		return
	}
	target := d.Rule.backends.choose(req, d)
	if cohort := t.cohortOf[target]; cohort != nil {
		cohort.assign(req, path, d)
	} else {
		d.Subset = t.Subsets[target]
	}
	if len(d.Subset.Instances) == 0 {
		d.Refused = RefusedNoInstance
	}
}

// choose picks a target by weight.
func (b *backends) choose(req *Request, d *Decision) int {
	if len(b.list) == 1 && b.sticky == nil {
		return b.list[0].target
	}
	var at uint64
	if subject, ok := b.sticky.first(req, &d.scratch); ok {
		d.Subject, d.HasSubject = finish(fold(b.seed, subject)), true
		at = d.Subject % Buckets * b.total / Buckets
	} else {
		at, _ = bits.Mul64(req.Random, b.total)
	}
	for i := range b.list {
		if at < b.list[i].upTo {
			return b.list[i].target
		}
	}
	return b.list[len(b.list)-1].target
}

// assign puts req on the side that owns the entity it is about, else on its subject's.
func (c *Cohort) assign(req *Request, path []byte, d *Decision) {
	d.Cohort, d.Side, d.Subset = c, SideOld, c.Old
	d.Subject, d.HasSubject = 0, false
	if len(c.owners) > 0 {
		if side := c.owner(req, path, &d.scratch); side != SideNone {
			d.Side, d.ByOwner = side, true
		}
	}
	if subject, ok := c.subject.first(req, &d.scratch); ok {
		d.Subject, d.HasSubject = finish(fold(c.seed, subject)), true
	}
	if !d.ByOwner && c.takes(d.Subject, d.HasSubject) {
		d.Side = SideNew
	}
	if d.Side == SideNew {
		d.Subset = c.New
	}
}

func (c *Cohort) takes(subject uint64, present bool) bool {
	if !ramps(c.Phase) {
		return false
	}
	if present {
		return int(subject%Buckets) < c.Buckets
	}
	return c.Buckets >= Buckets && (c.Phase == v1.PhaseHold || c.Phase == v1.PhaseDone)
}

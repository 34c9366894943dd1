package route

import (
	"cmp"
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
)

// bind resolves the targets of an index against the registry and lays migrations over them.
func bind(ix *index, migrations []v1.Migration, reg *registry.Snapshot) (*Table, []Problem) {
	if reg == nil {
		reg = &registry.Snapshot{}
	}
	b := binder{table: &Table{Revision: ix.revision, Rules: ix.rules, index: ix}, registry: reg, extra: map[string]*Subset{}}
	b.table.Subsets = make([]*Subset, 0, len(ix.targets)+2*len(migrations))
	for i := range ix.targets {
		b.add(ix.targets[i])
	}
	byService := b.migrations(migrations)
	b.table.cohortOf = make([]*Cohort, len(ix.targets))
	for i := range ix.targets {
		if len(ix.targets[i].selector) == 0 {
			b.table.cohortOf[i] = byService[ix.targets[i].service]
		}
	}
	b.mirrors()
	b.warn()
	return b.table, b.problems
}

type binder struct {
	table    *Table
	registry *registry.Snapshot
	extra    map[string]*Subset // subsets of migrations alone, by ID
	problems []Problem
}

func (b *binder) add(t target) *Subset {
	s := &Subset{Index: len(b.table.Subsets), ID: t.id, Service: t.service, Selector: t.selector, Text: t.text}
	if svc := b.registry.Services[t.service]; svc != nil {
		s.Spec = svc.Spec
		for _, in := range svc.Instances {
			if in.Usable && in.Weight > 0 && registry.Match(t.selector, in.Metadata) {
				s.Instances = append(s.Instances, in)
			}
		}
	}
	s.Spec = s.Spec.WithDefaults()
	b.table.Subsets = append(b.table.Subsets, s)
	return s
}

// subset is the subset of a migration's side, shared with rules that pin the same.
func (b *binder) subset(service string, selector v1.Selector) *Subset {
	text := registry.SelectorText(selector)
	id := subsetID(service, text)
	if i, ok := b.table.index.seen[id]; ok {
		return b.table.Subsets[i]
	}
	if s := b.extra[id]; s != nil {
		return s
	}
	s := b.add(target{id: id, service: service, text: text, selector: selector})
	b.extra[id] = s
	return s
}

// migrations makes the cohorts; of two migrations of one service the older is in force.
func (b *binder) migrations(in []v1.Migration) map[string]*Cohort {
	in = slices.Clone(in)
	slices.SortStableFunc(in, func(x, y v1.Migration) int {
		return cmp.Or(created(x.Metadata).Compare(created(y.Metadata)), strings.Compare(x.Metadata.Name, y.Metadata.Name))
	})
	byService := map[string]*Cohort{}
	for i := range in {
		m := &in[i]
		name := m.Metadata.Name
		b.table.Revision = max(b.table.Revision, m.Metadata.Revision)
		if wrong := ValidateMigration(m.Spec); len(wrong) > 0 {
			b.problems = append(b.problems, migrationProblem(name, invalidMigration(name, wrong)))
			continue
		}
		if first := byService[m.Spec.Service]; first != nil {
			b.problems = append(b.problems, migrationProblem(name, sameService(name, first.Migration, m.Spec.Service)))
			continue
		}
		b.problems = append(b.problems, CheckSubsets(name, m.Spec, b.registry)...)
		c := b.cohort(m)
		byService[c.Service] = c
		b.table.Cohorts = append(b.table.Cohorts, c)
	}
	slices.SortFunc(b.table.Cohorts, func(x, y *Cohort) int { return strings.Compare(x.Migration, y.Migration) })
	return byService
}

func (b *binder) cohort(m *v1.Migration) *Cohort {
	spec := m.Spec.WithDefaults(m.Metadata.Name)
	c := &Cohort{
		Migration: m.Metadata.Name, Service: spec.Service, Salt: spec.Salt, Subject: spec.Subject,
		Buckets: min(max(m.Status.Buckets, 0), Buckets), Epoch: m.Status.Epoch, Phase: m.Status.Phase,
		Old: b.subset(spec.Service, spec.From), New: b.subset(spec.Service, spec.To),
		Fallback: spec.Fallback, Breaker: spec.Breaker,
		Marked: spec.Marked(), Owner: sideOf(m.Status.Owner),
		subject: compileSources(spec.Subject), seed: seed(spec.Salt),
	}
	if spec.Data != nil {
		c.owners = ownerRules(spec.Data.Owners)
	}
	if m.Status.Latched {
		c.Buckets = 0
	}
	b.withoutOverlap(c)
	return c
}

// withoutOverlap takes instances that are in both subsets out of the new one: nobody may be counted
// as new who was answered by the old side.
func (b *binder) withoutOverlap(c *Cohort) {
	both := func(in *registry.Instance) bool { return slices.Contains(c.Old.Instances, in) }
	if slices.ContainsFunc(c.New.Instances, both) {
		only := *c.New
		only.Instances = slices.DeleteFunc(slices.Clone(only.Instances), both)
		c.New = &only
	}
}

// mirrors gives rules with mirrors their subsets of this table; the other rules are shared with the
// tables of the same index.
func (b *binder) mirrors() {
	copied := false
	for i, r := range b.table.Rules {
		if len(r.Mirrors) == 0 {
			continue
		}
		if !copied {
			b.table.Rules, copied = slices.Clone(b.table.Rules), true
		}
		rule := *r
		rule.Mirrors = slices.Clone(r.Mirrors)
		for j := range rule.Mirrors {
			rule.Mirrors[j].Subset = b.table.Subsets[rule.Mirrors[j].target]
		}
		b.table.Rules[i] = &rule
	}
}

// warn names routes to subsets that nobody can answer for.
func (b *binder) warn() {
	for _, r := range b.table.Rules {
		for _, be := range r.backends.list {
			if s := b.table.Subsets[be.target]; len(s.Instances) == 0 && b.table.cohortOf[be.target] == nil {
				b.problems = append(b.problems, routeWarning(r.Route, noInstance(r.Name, s)))
			}
		}
	}
}

package migrate

import (
	"fmt"
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
)

// sides is what a registry snapshot says of the two subsets of a migration. It is immutable.
type sides struct {
	name     string // "orders: runtime=java17 → runtime=go1.26"
	versions string // "1.4 → 2.0"
	old, new []*registry.Instance
	// usable counts those that get traffic, both those of one side only.
	usableOld, usableNew int
	overlap              string // name of an instance in both, "" when there is none
	known                bool   // the registry knows the service
}

// sidesOf finds the two sides. An instance in both belongs to neither: its answers prove nothing.
func sidesOf(snap *registry.Snapshot, spec *v1.MigrationSpec) sides {
	s := sides{name: fmt.Sprintf("%s: %s → %s", spec.Service, registry.SelectorText(spec.From), registry.SelectorText(spec.To))}
	if snap == nil || snap.Services[spec.Service] == nil {
		s.versions = " → "
		return s
	}
	s.known = true
	var oldVersions, newVersions []string
	for _, in := range snap.Services[spec.Service].Instances {
		isOld, isNew := registry.Match(spec.From, in.Metadata), registry.Match(spec.To, in.Metadata)
		switch {
		case isOld && isNew:
			if s.overlap == "" {
				s.overlap = in.Name
			}
		case isOld:
			s.old = append(s.old, in)
			oldVersions = append(oldVersions, version(in)...)
			if in.Usable {
				s.usableOld++
			}
		case isNew:
			s.new = append(s.new, in)
			newVersions = append(newVersions, version(in)...)
			if in.Usable {
				s.usableNew++
			}
		}
	}
	s.versions = join(oldVersions) + " → " + join(newVersions)
	return s
}

// version is what an instance that is not gone says of its version; "-" when it says nothing.
func version(in *registry.Instance) []string {
	if in.State == v1.StateGone {
		return nil
	}
	v := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ()→+", r) {
			return '_'
		}
		return r
	}, in.Metadata["version"])
	if v == "" {
		v = "-"
	}
	return []string{v}
}

func join(versions []string) string {
	slices.Sort(versions)
	return strings.Join(slices.Compact(versions), "+")
}

// pair is the text of status.versions: "1.4 → 2.0 (orders: runtime=java17 → runtime=go1.26)". Where no
// instance of a side is known its version stays as it was: absence is not a new version.
func (s *sides) pair(before string) string {
	was, name, _ := strings.Cut(strings.TrimSuffix(before, ")"), " (")
	is := s.versions
	if name == s.name {
		wasOld, wasNew, _ := strings.Cut(was, " → ")
		isOld, isNew, _ := strings.Cut(is, " → ")
		if isOld == "" {
			isOld = wasOld
		}
		if isNew == "" {
			isNew = wasNew
		}
		is = isOld + " → " + isNew
	}
	return is + " (" + s.name + ")"
}

// sameSides says whether two texts of status.versions are about the same service and subsets.
func sameSides(a, b string) bool {
	_, a, _ = strings.Cut(a, " (")
	_, b, _ = strings.Cut(b, " (")
	return a == b
}

// hindrance is why users cannot move between these sides now, "" when they can.
func (s *sides) hindrance(spec *v1.MigrationSpec) string {
	from, to := registry.SelectorText(spec.From), registry.SelectorText(spec.To)
	switch {
	case !s.known:
		return fmt.Sprintf("service %q is not known: apply it and let its instances register", spec.Service)
	case s.overlap != "":
		return fmt.Sprintf("instance %q is in both %s and %s: change its metadata or spec.from and spec.to so that no instance is in both", s.overlap, from, to)
	case len(s.old) == 0:
		return fmt.Sprintf("the old subset %s of service %q is empty: start instances with this metadata or correct spec.from", from, spec.Service)
	case len(s.new) == 0:
		return fmt.Sprintf("the new subset %s of service %q is empty: start instances with this metadata or correct spec.to", to, spec.Service)
	case s.usableOld == 0:
		return fmt.Sprintf("no instance of the old subset %s is usable: see the instances' health", from)
	case s.usableNew == 0:
		return fmt.Sprintf("no instance of the new subset %s is usable: see the instances' health", to)
	}
	return ""
}

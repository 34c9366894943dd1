package route

import (
	"slices"

	v1 "jindu.dev/jindu/api/v1"
)

// shares are what the data path knows of shares beside the persisted status.
type shares struct {
	override map[string]share
	latched  map[string]bool
}

type share struct {
	buckets int
	owner   string
	epoch   int64
}

// effective is migrations as the data path obeys them: of the persisted share and the override the one
// with the later epoch, and 0 for what is latched.
func (s *shares) effective(migrations []v1.Migration) []v1.Migration {
	out := slices.Clone(migrations)
	for i := range out {
		st := &out[i].Status
		if o, ok := s.override[out[i].Metadata.Name]; ok && o.epoch > st.Epoch {
			st.Buckets, st.Owner, st.Epoch = o.buckets, o.owner, o.epoch
		}
		if s.latched[out[i].Metadata.Name] {
			st.Buckets = 0
		}
	}
	return out
}

// forget drops what is no longer needed: overrides that were persisted, and all of migrations that
// are gone.
func (s *shares) forget(migrations []v1.Migration) {
	epochs := make(map[string]int64, len(migrations))
	for i := range migrations {
		epochs[migrations[i].Metadata.Name] = migrations[i].Status.Epoch
	}
	for name, o := range s.override {
		if epoch, ok := epochs[name]; !ok || epoch >= o.epoch {
			delete(s.override, name)
		}
	}
	for name := range s.latched {
		if _, ok := epochs[name]; !ok {
			delete(s.latched, name)
		}
	}
}

// latch sets the share of every migration under way to 0 and returns their names. A finished migration
// is left alone: its old side may be gone.
func (s *shares) latch(migrations []v1.Migration) []string {
	var names []string
	for _, m := range s.effective(migrations) {
		if m.Status.Buckets > 0 && (m.Status.Phase == v1.PhaseRamp || m.Status.Phase == v1.PhaseHold) {
			s.latched[m.Metadata.Name] = true
			names = append(names, m.Metadata.Name)
		}
	}
	return names
}

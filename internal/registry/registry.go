package registry

import (
	"net/netip"
	"sort"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// Instance is one process of a service as the data path sees it. It is immutable.
type Instance struct {
	Name     string
	Service  string
	Addr     netip.AddrPort
	Address  string // Addr as text, the key of pools and ejection
	Weight   int
	Metadata map[string]string
	State    v1.State
	Healthy  bool
	// Usable says that it gets traffic: serving and healthy, or held by push-empty protection.
	Usable bool
}

// ShadowSafe says that the instance declares that unsafe methods may be mirrored to it.
func (i *Instance) ShadowSafe() bool { return i.Metadata["shadow-safe"] == "true" }

// Service is a service and its instances, sorted by name. It is immutable.
type Service struct {
	Name      string
	Spec      v1.ServiceSpec
	Instances []*Instance // every one known, usable or not
	Protected bool
}

// Snapshot is all services at one moment. It is immutable; a change makes a new one.
type Snapshot struct {
	Revision int64 // rises with every snapshot of this process
	Services map[string]*Service
}

// Match says whether metadata has every key of sel; a value that ends in * matches by prefix.
func Match(sel v1.Selector, metadata map[string]string) bool {
	for k, want := range sel {
		got, ok := metadata[k]
		if !ok {
			return false
		}
		if prefix, glob := strings.CutSuffix(want, "*"); glob {
			if !strings.HasPrefix(got, prefix) {
				return false
			}
		} else if got != want {
			return false
		}
	}
	return true
}

// SelectorText is sel in words, sorted: "runtime=java17,version=2", or "*" when empty. It names a
// subset in metrics, logs, API and console.
func SelectorText(sel v1.Selector) string {
	if len(sel) == 0 {
		return "*"
	}
	pairs := make([]string, 0, len(sel))
	for k, v := range sel {
		pairs = append(pairs, k+"="+v)
	}
	sort.Strings(pairs)
	return strings.Join(pairs, ",")
}

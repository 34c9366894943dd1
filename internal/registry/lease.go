package registry

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"net/netip"
	"slices"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// registeredLabel holds a digest of what an instance said of itself last. As long as it says the same,
// what users changed stays, through restarts of both.
const registeredLabel = "jindu.dev/registered"

// digest is the same for two specs exactly when an instance says the same of itself.
func digest(s v1.InstanceSpec) string {
	weight := -1
	if s.Weight != nil {
		weight = *s.Weight
	}
	said := fmt.Appendf(nil, "%q %d %q", s.Service, weight, s.TTL)
	for _, k := range slices.Sorted(maps.Keys(s.Metadata)) {
		said = fmt.Appendf(said, " %q=%q", k, s.Metadata[k])
	}
	h := fnv.New64a()
	_, _ = h.Write(said) // a hash never fails
	return fmt.Sprintf("%016x", h.Sum64())
}

// instanceName is the name of the Instance object of a registration.
func instanceName(service string, addr netip.AddrPort) string {
	return fmt.Sprintf("%s-%s-%d", service, addr.Addr(), addr.Port())
}

// named is what a register or deregister call is about.
func named(service, ip string, port int) (string, error) {
	f := &fields{}
	f.instance("", v1.InstanceSpec{Service: service, IP: ip, Port: port})
	if len(f.wrong) > 0 {
		return "", invalidRegistration(f.wrong)
	}
	a := netip.MustParseAddr(ip).Unmap()
	name := instanceName(service, netip.AddrPortFrom(a, uint16(port)))
	if !validName(name) {
		f.add("service", service, "is too long: the instance would be named %s, over 253 octets", name)
		return "", invalidRegistration(f.wrong)
	}
	return name, nil
}

// specOf is the spec that a registration asks for, every default written out.
func (c Config) specOf(r v1.Registration) (v1.InstanceSpec, error) {
	s := v1.InstanceSpec{Service: r.Service, IP: r.IP, Port: r.Port, Weight: r.Weight, Metadata: maps.Clone(r.Metadata), TTL: r.TTL}
	s.TTL = cmp.Or(s.TTL, v1.Duration(c.DefaultTTL.String()))
	f := &fields{}
	f.instance("", s)
	if len(f.wrong) > 0 {
		return s, invalidRegistration(f.wrong)
	}
	s.IP = netip.MustParseAddr(s.IP).Unmap().String()
	return s, nil
}

// lease answers a heartbeat of in.
func (in *instance) lease() v1.Lease {
	beat := max(in.ttl/3, 200*time.Millisecond).Truncate(time.Millisecond)
	return v1.Lease{Instance: in.name, TTL: v1.Duration(in.ttl.String()), Heartbeat: v1.Duration(beat.String()), State: in.state}
}

func invalidRegistration(wrong []kind.Field) *kind.Error {
	return kind.New(kind.Invalid, "JD-REGISTRY-002", "the registration has wrong fields: correct them").WithFields(wrong...)
}

func noService(name string) *kind.Error {
	return kind.New(kind.NotFound, "JD-REGISTRY-003", "service %s does not exist and registry.createServices is off: apply the service first", name)
}

func tooMany(most int) *kind.Error {
	return kind.New(kind.Exhausted, "JD-REGISTRY-004", "%d instances are known, the most that registry.maxInstances allows: raise it, or delete some", most)
}

func unknownInstance(name string) *kind.Error {
	return kind.New(kind.NotFound, "JD-REGISTRY-005", "instance %s is not registered: check service, ip and port", name)
}

func notWritten(name string, err error) *kind.Error {
	k := kind.Of(err)
	if k == kind.Internal {
		k = kind.Unavailable
	}
	return kind.New(k, "JD-REGISTRY-006", "instance %s can not be registered now, try again: write it: %w", name, err)
}

package registry

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

const (
	minTTL = time.Second
	maxTTL = time.Hour

	maxMetadata      = 64
	maxMetadataKey   = 128
	maxMetadataValue = 1024
)

// fields collects wrong fields.
type fields struct{ wrong []kind.Field }

func (f *fields) add(path, value, format string, args ...any) {
	const enough = 80
	if len(value) > enough {
		value = strings.ToValidUTF8(value[:enough], "") + "…"
	}
	f.wrong = append(f.wrong, kind.Field{Path: path, Value: value, Detail: fmt.Sprintf(format, args...)})
}

func (f *fields) between(path string, d, least, most time.Duration) {
	if d < least || d > most {
		f.add(path, d.String(), "must be %v to %v", least, most)
	}
}

// duration checks a duration that may be left out.
func (f *fields) duration(path string, d v1.Duration, least, most time.Duration) {
	if d == "" {
		return
	}
	v, err := d.Parse()
	if err != nil {
		f.add(path, string(d), "is no duration: write it like 250ms, 5s or 1h30m")
		return
	}
	f.between(path, v, least, most)
}

func (f *fields) percent(path string, n int) {
	if n < 0 || n > 100 {
		f.add(path, fmt.Sprint(n), "must be 0 to 100")
	}
}

// ValidateService returns each wrong field of a service.
func ValidateService(s v1.ServiceSpec) []kind.Field {
	f := &fields{}
	if h := s.HealthCheck; h != nil {
		switch h.Type {
		case "HTTP":
			if h.Path != "" && (h.Path[0] != '/' || strings.ContainsFunc(h.Path, func(r rune) bool { return r <= ' ' || r == 0x7f })) {
				f.add("spec.healthCheck.path", h.Path, "must begin with / and have no spaces or control characters")
			}
		case "TCP":
			if h.Path != "" {
				f.add("spec.healthCheck.path", h.Path, "must be absent: a TCP check has no path")
			}
		default:
			f.add("spec.healthCheck.type", h.Type, "must be HTTP or TCP")
		}
		f.duration("spec.healthCheck.interval", h.Interval, 100*time.Millisecond, time.Hour)
		f.duration("spec.healthCheck.timeout", h.Timeout, time.Millisecond, time.Minute)
		for path, n := range map[string]int{"healthyThreshold": h.Healthy, "unhealthyThreshold": h.Unhealthy} {
			if n < 0 || n > 100 {
				f.add("spec.healthCheck."+path, fmt.Sprint(n), "must be 0 to 100")
			}
		}
	}
	if p := s.Protection; p != nil {
		f.percent("spec.protection.thresholdPercent", p.Threshold)
	}
	if o := s.Outlier; o != nil {
		if o.Consecutive < 0 {
			f.add("spec.outlier.consecutiveFailures", fmt.Sprint(o.Consecutive), "must not be negative")
		}
		f.duration("spec.outlier.baseEjection", o.BaseEjection, time.Millisecond, time.Hour)
		f.percent("spec.outlier.maxEjectedPercent", o.MaxEjectPercent)
	}
	if b := s.Breaker; b != nil {
		f.wrong = append(f.wrong, ValidateBreaker("spec.breaker", *b)...)
	}
	f.duration("spec.connectTimeout", s.ConnectTimeout, time.Millisecond, time.Minute)
	if s.MaxConnections < 0 {
		f.add("spec.maxConnections", fmt.Sprint(s.MaxConnections), "must not be negative")
	}
	return f.wrong
}

// ValidateBreaker returns each wrong field of a circuit breaker at path.
func ValidateBreaker(path string, b v1.BreakerSpec) []kind.Field {
	f := &fields{}
	if p := b.Failures; p != nil && !(*p >= 1 && *p <= 100) {
		f.add(path+".failurePercent", fmt.Sprint(*p), "must be 1 to 100")
	}
	if n := b.Requests; n != nil && *n < 1 {
		f.add(path+".minRequests", fmt.Sprint(*n), "must be at least 1")
	}
	f.duration(path+".window", b.Window, 100*time.Millisecond, time.Hour)
	f.duration(path+".open", b.Open, time.Millisecond, time.Hour)
	return f.wrong
}

// ValidateInstance returns each wrong field of an instance.
func ValidateInstance(s v1.InstanceSpec) []kind.Field {
	f := &fields{}
	f.instance("spec.", s)
	return f.wrong
}

// instance checks the fields that an instance and a registration share.
func (f *fields) instance(prefix string, s v1.InstanceSpec) {
	if s.Service == "" {
		f.add(prefix+"service", "", "is missing: name the service")
	} else if !validName(s.Service) {
		f.add(prefix+"service", s.Service, "is no name: use small letters, digits, '-', '.', ':' and '_', and begin and end with a letter or digit")
	}
	if a, err := netip.ParseAddr(s.IP); err != nil {
		f.add(prefix+"ip", s.IP, "is no IPv4 or IPv6 address")
	} else if a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() {
		f.add(prefix+"ip", s.IP, "must be the address of one machine, without a zone")
	}
	if s.Port < 1 || s.Port > 65535 {
		f.add(prefix+"port", fmt.Sprint(s.Port), "must be 1 to 65535")
	}
	if s.Weight != nil && (*s.Weight < 0 || *s.Weight > 10_000) {
		f.add(prefix+"weight", fmt.Sprint(*s.Weight), "must be 0 to 10000")
	}
	f.duration(prefix+"ttl", s.TTL, minTTL, maxTTL)
	if len(s.Metadata) > maxMetadata {
		f.add(prefix+"metadata", fmt.Sprint(len(s.Metadata)), "may have %d keys at most", maxMetadata)
	}
	for k, v := range s.Metadata {
		if k == "" || len(k) > maxMetadataKey || strings.ContainsAny(k, "=,* \t\r\n") {
			f.add(prefix+"metadata", k, "is no metadata key: at most %d octets without '=', ',', '*' or spaces", maxMetadataKey)
		}
		if len(v) > maxMetadataValue || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			f.add(prefix+"metadata."+k, v, "may have %d octets at most and no control characters", maxMetadataValue)
		}
	}
}

// validName says whether s can be the name of an object.
func validName(s string) bool {
	letter := func(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
	for i := range len(s) {
		if !letter(s[i]) && (i == 0 || i == len(s)-1 || strings.IndexByte("-.:_", s[i]) < 0) {
			return false
		}
	}
	return s != "" && len(s) <= 253
}

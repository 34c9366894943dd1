package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"jindu.dev/jindu/internal/kit/screen"
)

// View is the live view of a run, for a terminal of so many columns.
func View(p Progress, width int) []string {
	lines := []string{
		fmt.Sprintf("%s  %s", screen.Bar(done(p), max(min(width-30, 40), 10)), clock(p)),
		fmt.Sprintf("%8.0f requests/s   %d sent   %d in flight", p.Rate, p.Requests, p.InFlight),
		"latency   " + p.Latency.String(),
		fmt.Sprintf("errors %d   late %d   dropped %d%s", p.Errors, p.Late, p.Dropped, kinds(p.Kinds)),
	}
	return lines
}

// Line is the state of a run in one line.
func Line(p Progress) string {
	return fmt.Sprintf("%s  %.0f requests/s  %s  errors %d  late %d  dropped %d", clock(p), p.Rate, p.Latency, p.Errors, p.Late, p.Dropped)
}

// Summary is a result for people.
func Summary(r Result) []string {
	lines := []string{
		fmt.Sprintf("%d requests in %.1f s, %.0f a second (%s loop)", r.Requests, r.Seconds, r.Throughput, r.Mode),
		fmt.Sprintf("errors %d   late %d   dropped %d%s", r.Errors, r.Late, r.Dropped, kinds(r.ErrorKinds)),
	}
	if r.Mode == "closed" {
		lines = append(lines, "latency               "+r.Latency.String())
	} else {
		lines = append(lines, "from intended start   "+r.Latency.String(), "from actual start     "+r.Service.String())
	}
	if len(r.Endpoints) > 1 {
		for _, e := range r.Endpoints {
			lines = append(lines, fmt.Sprintf("  %s %8d  %s  errors %d", screen.Pad(e.Name, 28), e.Requests, e.Latency, e.Errors))
		}
	}
	return lines
}

// String is the quantiles in words.
func (l Latency) String() string {
	return fmt.Sprintf("p50 %s  p90 %s  p99 %s  p99.9 %s  max %s", short(l.P50), short(l.P90), short(l.P99), short(l.P999), short(l.Max))
}

// short writes microseconds with three digits.
func short(us int64) string {
	switch {
	case us < 1_000:
		return fmt.Sprintf("%dµs", us)
	case us < 100_000:
		return fmt.Sprintf("%.1fms", float64(us)/1e3)
	case us < 1_000_000:
		return fmt.Sprintf("%dms", us/1e3)
	}
	return fmt.Sprintf("%.2fs", float64(us)/1e6)
}

func kinds(m map[string]int64) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "   %s %d", k, m[k])
	}
	return b.String()
}

func done(p Progress) float64 {
	switch {
	case p.Of > 0:
		return p.Elapsed.Seconds() / p.Of.Seconds()
	case p.Count > 0:
		return float64(p.Requests) / float64(p.Count)
	}
	return 0
}

func clock(p Progress) string {
	elapsed := p.Elapsed.Truncate(100 * time.Millisecond)
	switch {
	case p.WarmUp:
		return "warm-up"
	case p.Of > 0:
		return fmt.Sprintf("%s of %s", elapsed, p.Of)
	}
	return elapsed.String()
}

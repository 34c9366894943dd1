package demo

import (
	"fmt"
	"slices"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/screen"
	"jindu.dev/jindu/internal/load"
)

// painter colours text, or does not.
type painter func(screen.Color, string) string

// scene is everything that the view shows at one moment.
type scene struct {
	place    Place
	status   v1.MigrationStatus
	gates    []v1.Gate
	sample   *v1.Sample // of the first difference
	steps    int
	overview v1.Overview
	progress load.Progress
	counts   Counts
}

// sampleOf is a pair of values that shows a difference.
func sampleOf(e *v1.Evidence, d *v1.DifferenceRef) *v1.Sample {
	for _, ep := range e.Endpoints {
		for _, p := range ep.Paths {
			if d != nil && ep.Endpoint == d.Endpoint && p.Path == d.Path && len(p.Samples) > 0 {
				return &p.Samples[0]
			}
		}
	}
	return nil
}

// lines draws a scene for a terminal of so many columns.
func (s *scene) lines(w words, width int, paint painter) []string {
	bar := max(min(width-58, 40), 10)
	out := []string{
		paint(screen.Bold, w.title),
		fmt.Sprintf("%s %s   %s %s", w.console, paint(screen.Cyan, s.place.Console), w.gateway, s.place.Gateway),
		"",
		s.side(w, w.old, s.place.OldRuntime, bar, screen.Blue, paint),
		s.side(w, w.new, s.place.NewRuntime, bar, screen.Green, paint),
		s.share(w, bar, paint),
		"",
	}
	for _, g := range s.gates {
		out = append(out, fmt.Sprintf("  %s %s %s", screen.Pad(g.Name, 13), verdictText(w, g.Verdict, paint), paint(screen.Dim, g.Detail)))
	}
	if d := s.status.FirstDifference; d != nil {
		out = append(out, fmt.Sprintf("  %s %s", screen.Pad(w.found, 13), paint(screen.Red, d.Endpoint+"  "+d.Path)))
	}
	if s.sample != nil {
		out = append(out, fmt.Sprintf("  %s %s %s   %s %s", screen.Pad("", 13), w.old, s.sample.Old, w.new, s.sample.New))
	}
	told := slices.ContainsFunc(s.gates, func(g v1.Gate) bool { return s.status.Blocked == g.Name+": "+g.Detail })
	if s.status.Blocked != "" && !told && s.status.Phase != v1.PhaseRolledBack {
		out = append(out, "  "+paint(screen.Dim, s.status.Blocked))
	}
	return append(out, "", s.clients(w, paint))
}

// line is a scene in one line.
func (s *scene) line(w words) string {
	text := fmt.Sprintf("%5g%%  ", float64(s.status.Buckets)/100) + s.clients(w, func(_ screen.Color, text string) string { return text })
	if s.status.Blocked != "" {
		text += "  (" + s.status.Blocked + ")"
	}
	return text
}

func (s *scene) side(w words, name, runtime string, bar int, c screen.Color, paint painter) string {
	var t v1.SubsetTraffic
	for _, sub := range s.overview.Subsets {
		if sub.Service == Name && sub.Subset == "runtime="+runtime {
			t = sub
		}
	}
	total := max(s.overview.Rate, 1)
	return fmt.Sprintf("%s %s %s %8s  %s", screen.Pad(name, 6), screen.Pad(runtime, 12), paint(c, screen.Bar(t.Rate/total, bar)),
		fmt.Sprintf(w.perSecond, t.Rate), fmt.Sprintf(w.latency, micros(t.P50Micros), micros(t.P99Micros)))
}

func (s *scene) share(w words, bar int, paint painter) string {
	share := float64(s.status.Buckets) / 10_000
	phase := w.phases[string(s.status.Phase)]
	if s.status.Phase == v1.PhaseRamp {
		phase += " " + fmt.Sprintf(w.step, s.status.Step+1, s.steps)
	}
	return fmt.Sprintf("%s %12s %s %7g%%  %s", screen.Pad(w.share, 6), "", paint(screen.Yellow, screen.Bar(share, bar)), share*100, paint(screen.Bold, phase))
}

func (s *scene) clients(w words, paint painter) string {
	wrong := fmt.Sprintf(w.errors, s.counts.Errors)
	if s.counts.Errors > 0 {
		wrong = paint(screen.Red, wrong)
	} else {
		wrong = paint(screen.Green, wrong)
	}
	text := fmt.Sprintf("%s  %s  %s  %s", screen.Pad(w.clients, 8), fmt.Sprintf(w.perSecond, s.progress.Rate), fmt.Sprintf(w.requests, s.counts.Requests), wrong)
	if s.counts.Exposed > 0 {
		text += "  " + paint(screen.Yellow, fmt.Sprintf(w.exposed, s.counts.Exposed))
	}
	return text + "  " + fmt.Sprintf(w.late, s.progress.Late+s.progress.Dropped) + "  " + fmt.Sprintf(w.latency, micros(s.progress.Latency.P50), micros(s.progress.Latency.P99))
}

// transition is one move of the migration, as a line that stays.
func transition(since time.Duration, t v1.Transition, paint painter) string {
	c := screen.Green
	if t.Phase == v1.PhaseRolledBack {
		c = screen.Red
	}
	return fmt.Sprintf("%6.1f s  %s  %s  %s", since.Seconds(), paint(c, fmt.Sprintf("%5g%%", float64(t.Buckets)/100)), screen.Pad(string(t.Phase), 11), t.Reason)
}

func verdictText(w words, v v1.Verdict, paint painter) string {
	c := screen.Yellow
	switch v {
	case v1.VerdictPass:
		c = screen.Green
	case v1.VerdictFail:
		c = screen.Red
	case v1.VerdictNotEnough:
	}
	return paint(c, screen.Pad(w.verdicts[string(v)], 14))
}

func micros(us int64) string {
	return (time.Duration(us) * time.Microsecond).Round(10 * time.Microsecond).String()
}

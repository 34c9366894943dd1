package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

func (c *cli) migrationCmd() *cobra.Command {
	cmd := c.resourceCmd(resourceOf(v1.KindMigration))
	cmd.Short = "See and command migrations: " + resourceOf(v1.KindMigration).short
	for _, v := range []struct{ verb, short, long string }{
		{"pause", "Keep the share as it is", "Keep the share as it is: no step forward; a failed gate still rolls back."},
		{"resume", "Go on after a pause, a rollback or a latch", "Go on after a pause. After a rollback the migration begins anew. It also re-arms a data path that latched."},
		{"promote", "Go one step on though evidence or time is short", "Go one step on though evidence or time is short. A failed gate is never overruled. Where the migration\nasks for a second person, the command waits until one with the role approver repeats it."},
		{"rollback", "Take everyone back to the old side, at once", "Take everyone back to the old side, at once. It needs one person and works without the store."},
	} {
		cmd.AddCommand(c.verbCmd(v.verb, v.short, v.long))
	}
	cmd.AddCommand(c.evidenceCmd(), c.effectsCmd(), c.recordCmd(), c.replayCmd(), c.reportCmd())
	cmd.AddCommand(c.dataCmds()...)
	return cmd
}

func (c *cli) verbCmd(verb, short, long string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: verb + " NAME", Short: short, Long: long, Args: exactly("NAME"),
		Example:           fmt.Sprintf("  jindu migration %s orders --reason 'agreed with the order team'", verb),
		ValidArgsFunction: c.completeNames(resourceOf(v1.KindMigration)),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			var m v1.Migration
			if err := cl.do(cmd.Context(), http.MethodPost, "migrations/"+args[0]+"/"+verb, nil, v1.Command{Reason: reason}, &m); err != nil {
				return err
			}
			if p := m.Status.Pending; p != nil && p.Command == verb {
				return c.printf("migration %s: %s waits for a second person with the role approver, until an hour after %s\n", args[0], verb, clock(p.At))
			}
			return c.printf("migration %s: %s, share %s\n", args[0], phaseWords(m), share(m.Status.Buckets))
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; kept in history and audit")
	return cmd
}

// describeMigration shows one migration at length.
func (c *cli) describeMigration(data json.RawMessage) error {
	var m v1.Migration
	if err := json.Unmarshal(data, &m); err != nil {
		return kind.New(kind.Internal, "JD-CLI-004", "the migration of the answer is not understood: %w", err)
	}
	s := m.Status
	facts := table{
		{"Name", m.Metadata.Name},
		{"Service", m.Spec.Service},
		{"From → to", selectorWords(m.Spec.From) + " → " + selectorWords(m.Spec.To)},
		{"Phase", phaseWords(m)},
		{"Share", share(s.Buckets)},
	}
	for _, f := range [][]string{{"Blocked", s.Blocked}, {"Verdict", verdictWords(s.Verdict)}, {"Reason", s.Reason}, {"Versions", s.Versions}} {
		if f[1] != "" {
			facts = append(facts, f)
		}
	}
	if d := s.FirstDifference; d != nil {
		facts = append(facts, []string{"Differed first", d.Endpoint + " " + d.Path})
	}
	if p := s.Pending; p != nil {
		facts = append(facts, []string{"Waits", fmt.Sprintf("%s, asked by %s at %s, needs a second person", p.Command, p.By, clock(p.At))})
	}
	text := facts.String()
	if len(s.Gates) > 0 {
		text += "\nGates at the last transition\n" + gateTable(s.Gates).String()
	}
	if len(s.History) > 0 {
		t := table{{"AT", "BY", "PHASE", "SHARE", "REASON"}}
		for _, h := range s.History[max(0, len(s.History)-10):] {
			t = append(t, []string{clock(h.At), h.By, strings.ReplaceAll(string(h.Phase), "_", " "), share(h.Buckets), h.Reason})
		}
		text += "\nHistory\n" + t.String()
	}
	return c.printf("%s", text)
}

func gateTable(gates []v1.Gate) table {
	t := table{{"GATE", "VERDICT", "BASELINE", "VALUE", "BOUND", "N", "DETAIL"}}
	for _, g := range gates {
		t = append(t, []string{strings.ReplaceAll(g.Name, "_", " "), verdictWords(g.Verdict), g.Baseline, gateNumber(g, g.Value), gateNumber(g, g.Bound), fmt.Sprint(g.Samples), g.Detail})
	}
	return t
}

// gateNumber is a gate's number with its unit.
func gateNumber(g v1.Gate, value float64) string {
	switch g.Name {
	case "data_lag":
		return fmt.Sprintf("%.0f ms", value)
	case "data_differences":
		return fmt.Sprintf("%.0f", value)
	}
	return percent(value)
}

func (c *cli) evidenceCmd() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "evidence NAME", Short: "Show what is known of a migration now", Args: exactly("NAME"),
		Long:              "Show what is known of a migration now: the gates, every endpoint with n and the smallest difference that\nn could show, and the paths that differ. Values are masked unless the migration unmasks their path.",
		Example:           "  jindu migration evidence orders\n  jindu migration evidence orders -o json",
		ValidArgsFunction: c.completeNames(resourceOf(v1.KindMigration)),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			var e v1.Evidence
			if err := cl.do(cmd.Context(), http.MethodGet, "migrations/"+args[0]+"/evidence", nil, nil, &e); err != nil {
				return err
			}
			return c.show(o, e, func() error { return c.printf("%s", evidenceText(e)) })
		},
	}
	o.flag(cmd)
	return cmd
}

func evidenceText(e v1.Evidence) string {
	text := table{
		{"Migration", e.Migration},
		{"Versions", e.Versions},
		{"Since", clock(e.Since)},
		{"Verdict", verdictWords(e.Verdict)},
		{"Old", trafficWords(e.Old)},
		{"New", trafficWords(e.New)},
		{"Mirror", fmt.Sprintf("%d offered, %d compared (%d triples), %d not sampled, %s not comparable, %s dropped",
			e.Mirror.Offered, e.Mirror.Compared, e.Mirror.Triples, e.Mirror.NotSampled, countWords(e.Mirror.NotComparable), countWords(e.Mirror.Dropped))},
	}.String()
	if len(e.Gates) > 0 {
		text += "\n" + gateTable(e.Gates).String()
	}
	if len(e.Endpoints) > 0 {
		t := table{{"ENDPOINT", "VERDICT", "N", "MISMATCHES", "RATE", "95 %", "SHOWS FROM", "NOT COMPARABLE"}}
		for _, p := range e.Endpoints {
			t = append(t, []string{p.Endpoint, verdictWords(p.Verdict), fmt.Sprint(p.Clusters), fmt.Sprint(p.Mismatches), percent(p.Rate * 100),
				percent(p.Low*100) + " – " + percent(p.High*100), percent(p.Detectable * 100), fmt.Sprint(p.NotComparable)})
		}
		text += "\n" + t.String()
	}
	paths := table{{"DIFFERS", "PATH", "VERDICT", "CLASS", "NEW DIFFERS", "OLD DIFFERS", "P", "OLD", "NEW"}}
	for _, p := range e.Endpoints {
		for _, d := range p.Paths {
			before, after := "", ""
			if len(d.Samples) > 0 {
				before, after = d.Samples[0].Old, d.Samples[0].New
			}
			paths = append(paths, []string{p.Endpoint, d.Path, verdictWords(d.Verdict), strings.ReplaceAll(string(d.Class), "_", " "), fmt.Sprint(d.Evidence), fmt.Sprint(d.Noise), fmt.Sprintf("%.2g", d.PValue), before, after})
		}
	}
	if len(paths) > 1 {
		text += "\n" + paths.String()
	}
	return text
}

func trafficWords(t v1.CohortTraffic) string {
	return fmt.Sprintf("%d requests, %d failures, %d fallbacks, p50 %.1f ms, p99 %.1f ms", t.Requests, t.Failures, t.Fallbacks, float64(t.P50Micros)/1000, float64(t.P99Micros)/1000)
}

func (c *cli) reportCmd() *cobra.Command {
	format, file := "html", ""
	cmd := &cobra.Command{
		Use: "report NAME", Short: "Write the dossier of a migration", Args: exactly("NAME"),
		Long:              "Write the dossier of a migration: what was compared, how often, what differed, what was ignored and by\nwhom, and every decision with its numbers.",
		Example:           "  jindu migration report orders -o html --file orders.html\n  jindu migration report orders -o json",
		ValidArgsFunction: c.completeNames(resourceOf(v1.KindMigration)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "html" && format != "json" {
				return usagef("-o %s: must be html or json", format)
			}
			cl, err := c.client()
			if err != nil {
				return err
			}
			var data []byte
			if err := cl.do(cmd.Context(), http.MethodGet, "migrations/"+args[0]+"/report", url.Values{"format": {format}}, nil, &data); err != nil {
				return err
			}
			if file == "" || file == "-" {
				return c.printf("%s", data)
			}
			if err := replaceFile(file, data); err != nil {
				return err
			}
			return c.printf("dossier of %s written to %s\n", args[0], file)
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "html", "form of the dossier: html or json")
	cmd.Flags().StringVar(&file, "file", "", "file to write; standard output when absent")
	complete(cmd, "output", "html", "json")
	return cmd
}

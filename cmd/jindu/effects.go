package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
)

func (c *cli) effectsCmd() *cobra.Command {
	return ofMigration(c, "effects NAME", "Show what requests did on both sides where it differs",
		"Show what requests did on both sides where it differs: rows written, Redis operations, messages, calls. Values are\nmasked unless the migration unmasks their path.",
		"  jindu migration effects shop\n  jindu migration effects shop -o json", get[v1.EffectsView]("effects", nil), effectsText)
}

func effectsText(v v1.EffectsView) string {
	n := v.Counts
	var text strings.Builder
	text.WriteString(table{
		{"Runs", fmt.Sprintf("%d asked for, %d complete, %d late", n.Runs, n.Complete, n.Late)},
		{"Unattributed", countWords(n.Unattributed)},
		{"Refused", countWords(n.Refused)},
		{"Dropped", countWords(n.Dropped)},
	}.String())
	for _, p := range v.Pairs {
		fmt.Fprintf(&text, "\n%s  %s  %s\n", clock(p.At), p.Endpoint, strings.Join(p.Paths, ", "))
		t := table{{"SIDE", "WHAT", "TARGET", "KEY", "BEFORE", "AFTER", "FATE"}}
		for _, s := range []struct {
			side string
			list []v1.Effect
		}{{v1.SideOld, p.Old}, {v1.SideNew, p.New}} {
			for _, e := range s.list {
				t = append(t, []string{s.side, string(e.Kind) + " " + e.Op, e.Target, columns(e.Key), columns(e.Before), afterWords(e), strings.ReplaceAll(e.Fate, "_", " ")})
			}
		}
		text.WriteString(t.String())
	}
	return text.String()
}

// afterWords is what an effect left behind, whatever its kind.
func afterWords(e v1.Effect) string {
	switch {
	case len(e.After) > 0:
		return columns(e.After)
	case e.Text != "":
		return e.Text
	case len(e.Args) > 0:
		return strings.Join(e.Args, " ")
	}
	return e.Body
}

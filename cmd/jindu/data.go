package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
)

// dataCmds are the commands about a migration's rows.
func (c *cli) dataCmds() []*cobra.Command {
	return []*cobra.Command{c.dataCmd(), c.sampleCmd(), c.rowDiffCmd(), c.repairCmd(), c.casesCmd(), c.parkedCmd(), c.windowCmd()}
}

// ofMigration is a command about the migration NAME that answers with a T.
func ofMigration[T any](c *cli, use, short, long, example string, ask func(cl *client, cmd *cobra.Command, args []string, out *T) error, text func(T) string) *cobra.Command {
	var o output
	words := strings.Fields(use)
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Example: example, Args: exactly(words[1:]...),
		ValidArgsFunction: c.completeNames(resourceOf(v1.KindMigration)),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			var out T
			if err := ask(cl, cmd, args, &out); err != nil {
				return err
			}
			return c.show(o, out, func() error { return c.printf("%s", text(out)) })
		},
	}
	o.flag(cmd)
	return cmd
}

// get asks for path below a migration.
func get[T any](last string, query func() url.Values) func(*client, *cobra.Command, []string, *T) error {
	return func(cl *client, cmd *cobra.Command, args []string, out *T) error {
		var q url.Values
		if query != nil {
			q = query()
		}
		return cl.do(cmd.Context(), http.MethodGet, "migrations/"+args[0]+"/"+last, q, nil, out)
	}
}

func (c *cli) dataCmd() *cobra.Command {
	return ofMigration(c, "data NAME", "Show where a migration's data stand",
		"Show where a migration's data stand: relays with their convergence, tables, rolling windows, fences, cases.",
		"  jindu migration data shop\n  jindu migration data shop -o json", get[v1.DataStatus]("data", nil), dataText)
}

func dataText(s v1.DataStatus) string {
	facts := table{{"Migration", s.Migration}, {"Owner", s.Owner}, {"Window", s.Window}, {"Open cases", fmt.Sprint(s.Cases)}, {"Parked", fmt.Sprint(s.Parked)}}
	if s.Problem != "" {
		facts = append(facts, []string{"Problem", s.Problem})
	}
	text := facts.String()
	t := table{{"RELAY", "CAPTURE", "STATE", "CHANGES", "STALE", "ORIGIN", "PARKED", "P50", "P99", "MAX", "ALARMS", "WATERMARK", "PROBLEM"}}
	for _, r := range s.Relays {
		mark := "-"
		if r.Watermark != nil {
			mark = clock(*r.Watermark)
		}
		t = append(t, []string{r.From + " → " + otherSide(r.From), r.Capture, r.State, fmt.Sprint(r.Changes), fmt.Sprint(r.Stale), fmt.Sprint(r.Origin), fmt.Sprint(r.Parked),
			millis(r.P50Micros), millis(r.P99Micros), millis(r.MaxMicros), fmt.Sprint(r.Alarms), mark, r.Problem})
	}
	text += "\n" + t.String()
	t = table{{"TABLE", "TO", "BACKFILL", "COPIED", "OLD ROWS", "NEW ROWS", "DIFFER", "REPAIRED", "COMPARED", "PROBLEM"}}
	for _, r := range s.Tables {
		compared := "never"
		if r.Compared != nil {
			compared = clock(*r.Compared)
		}
		t = append(t, []string{r.Table, r.To, r.Backfill, fmt.Sprint(r.Copied), rows(r.OldRows), rows(r.NewRows), fmt.Sprint(r.Differ), fmt.Sprint(r.Repaired), compared, r.Problem})
	}
	text += "\n" + t.String()
	if len(s.Gates) > 0 {
		text += "\n" + gateTable(s.Gates).String()
	}
	if len(s.Windows) > 0 {
		t = table{{"WINDOW OF", "FROM", "UNTIL", "ROWS", "DIFFER", "SETTLED"}}
		for _, w := range s.Windows[:min(10, len(s.Windows))] {
			t = append(t, []string{w.Table, clock(w.From), clock(w.Until), fmt.Sprint(w.Rows), fmt.Sprint(w.Differ), fmt.Sprint(w.Settled)})
		}
		text += "\n" + t.String()
	}
	if len(s.Fences) > 0 {
		t = table{{"FENCE", "AT", "LOSES", "BUCKETS", "DRAINED"}}
		for _, f := range s.Fences[:min(10, len(s.Fences))] {
			drained := "yes"
			if !f.Drained {
				drained = fmt.Sprintf("no, %d pending", f.Pending)
			}
			t = append(t, []string{fmt.Sprint(f.Epoch), clock(f.At), f.From, fmt.Sprintf("%d-%d", f.Low, f.High), drained})
		}
		text += "\n" + t.String()
	}
	return text
}

func otherSide(side string) string {
	if side == v1.SideOld {
		return v1.SideNew
	}
	return v1.SideOld
}

func millis(micros int64) string { return fmt.Sprintf("%.1f ms", float64(micros)/1000) }

// rows is a number of rows, which is not known before the first comparison.
func rows(n int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// columns are names and values on one line.
func columns(list []v1.ColumnValue) string {
	var b strings.Builder
	for i, c := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(c.Name + "=")
		if c.Value == nil {
			b.WriteString("NULL")
		} else {
			b.WriteString(*c.Value)
		}
	}
	return b.String()
}

func (c *cli) sampleCmd() *cobra.Command {
	name, limit := "", 5
	cmd := ofMigration(c, "sample NAME", "Try the mapping on rows as they are; nothing is written",
		"Try the mapping on rows as they are: what would be written on the new side, and which columns would not\nsurvive the way there and back. Nothing is written.",
		"  jindu migration sample shop --table orders --limit 20",
		get[[]v1.SampleMapping]("samples", func() url.Values { return url.Values{"table": {name}, "limit": {fmt.Sprint(limit)}} }),
		func(list []v1.SampleMapping) string {
			t := table{{"TABLE", "OLD", "NEW", "LOSSY", "ERROR"}}
			for _, s := range list {
				t = append(t, []string{s.Table, columns(s.Old), columns(s.New), strings.Join(s.Lossy, ", "), s.Error})
			}
			return t.String()
		})
	cmd.Flags().StringVar(&name, "table", "", "table of the old side; all when absent")
	cmd.Flags().IntVar(&limit, "limit", limit, "rows of each table, at most 100")
	return cmd
}

func (c *cli) rowDiffCmd() *cobra.Command {
	var in v1.DiffRequest
	cmd := ofMigration(c, "diff NAME", "Show which rows differ",
		"Show which rows differ. With --full everything is compared by bisection first, throttled as the migration\nsays; it may take minutes, so mind --timeout.",
		"  jindu migration diff shop\n  jindu migration diff shop --full --table orders --timeout 10m",
		func(cl *client, cmd *cobra.Command, args []string, out *v1.DiffResult) error {
			return cl.do(cmd.Context(), http.MethodPost, "migrations/"+args[0]+"/diff", nil, in, out)
		}, func(r v1.DiffResult) string {
			return differences(r.Differences).String() + fmt.Sprintf("\n%d rows differ, %s compared in %.1f s\n", int64(len(r.Differences))+r.More, tableCounts(r.Rows), r.Seconds)
		})
	cmd.Flags().BoolVar(&in.Full, "full", false, "compare everything")
	cmd.Flags().StringSliceVar(&in.Tables, "table", nil, "tables of the old side; all when absent")
	return cmd
}

func tableCounts(rows map[string]int64) string {
	if len(rows) == 0 {
		return "nothing"
	}
	return countWords(rows) + " rows"
}

func differences(list []v1.RowDifference) table {
	t := table{{"TABLE", "KEY", "DIFFERENCE", "COLUMNS", "OLD", "NEW", "SINCE", "CASE"}}
	for _, d := range list {
		t = append(t, []string{d.Table, columns(d.Key), strings.ReplaceAll(d.Kind, "_", " on "), strings.Join(d.Columns, ", "), columns(d.Old), columns(d.New), clock(d.Since), d.Case})
	}
	return t
}

func (c *cli) repairCmd() *cobra.Command {
	in := v1.RepairRequest{}
	write := false
	cmd := ofMigration(c, "repair NAME", "Copy the winner's rows where they differ",
		"Copy the rows of the declared winner (spec.data.winner) where they differ. Without --write it says what it would\nwrite. Each repair has an id, by which --undo takes it back. Money and stock are never repaired: see cases.",
		"  jindu migration repair shop\n  jindu migration repair shop --write\n  jindu migration repair shop --undo r-12",
		func(cl *client, cmd *cobra.Command, args []string, out *v1.RepairResult) error {
			in.DryRun = !write && in.Undo == ""
			return cl.do(cmd.Context(), http.MethodPost, "migrations/"+args[0]+"/repair", nil, in, out)
		}, func(r v1.RepairResult) string {
			text := differences(r.Rows).String()
			done := fmt.Sprintf("repair %s wrote %d rows of the %s", r.ID, r.Written, winnerWords(r.Winner))
			switch {
			case r.DryRun:
				done = fmt.Sprintf("nothing was written; with --write %d rows of the %s would be", r.Written, winnerWords(r.Winner))
			case in.Undo != "":
				done = fmt.Sprintf("repair %s was taken back: %d rows", in.Undo, r.Written)
			}
			return text + fmt.Sprintf("\n%s; %d changed meanwhile or differ no more, %d need a person\n", done, r.Skipped, r.Cases)
		})
	cmd.Flags().BoolVar(&write, "write", false, "write; without it nothing is written")
	cmd.Flags().StringVar(&in.Undo, "undo", "", "take back the repair with this id")
	cmd.Flags().StringSliceVar(&in.Tables, "table", nil, "tables of the old side; all when absent")
	return cmd
}

func winnerWords(winner string) string {
	if winner == v1.SideOld || winner == v1.SideNew {
		return winner + " side"
	}
	return winner
}

func (c *cli) casesCmd() *cobra.Command {
	closed := false
	cmd := ofMigration(c, "cases NAME", "Show differences that only a person may settle",
		"Show differences that only a person may settle, money and stock, with what both sides did to the row.",
		"  jindu migration cases shop\n  jindu migration cases decide shop c-3 --take old --reason 'booked twice'",
		get[[]v1.Case]("cases", func() url.Values { return url.Values{"closed": {fmt.Sprint(closed)}} }), casesText)
	cmd.Flags().BoolVar(&closed, "closed", false, "settled cases too")
	cmd.AddCommand(c.decideCmd())
	return cmd
}

func casesText(list []v1.Case) string {
	var b strings.Builder
	for _, k := range list {
		d := k.Difference
		facts := table{{"Case", k.ID}, {"Row", d.Table + " " + columns(d.Key)}, {"Columns", strings.Join(d.Columns, ", ")}, {"Old", columns(d.Old)}, {"New", columns(d.New)}, {"Opened", clock(k.Opened)}}
		if k.Closed != nil {
			facts = append(facts, []string{"Settled", fmt.Sprintf("%s by %s at %s: %s", k.Decision, k.By, clock(*k.Closed), k.Reason)})
		}
		b.WriteString(facts.String())
		t := table{{"SIDE", "AT", "OP", "RUN", "POSITION", "AFTER"}}
		for _, h := range k.History {
			t = append(t, []string{h.Side, clock(h.At), h.Op, h.Run, h.Position, columns(h.After)})
		}
		if len(t) > 1 {
			b.WriteString("\n" + t.String())
		}
		b.WriteByte('\n')
	}
	if len(list) == 0 {
		b.WriteString("no cases\n")
	}
	return b.String()
}

func (c *cli) decideCmd() *cobra.Command {
	var in v1.CaseDecision
	cmd := ofMigration(c, "decide NAME CASE", "Settle a case",
		"Settle a case: take the row of one side, or leave both as they are. It needs the role approver and a reason.",
		"  jindu migration cases decide shop c-3 --take old --reason 'booked twice'",
		func(cl *client, cmd *cobra.Command, args []string, out *v1.Case) error {
			if in.Decision != v1.SideOld && in.Decision != v1.SideNew && in.Decision != "both" {
				return usagef("--take %q must be old, new or both", in.Decision)
			}
			if in.Reason == "" {
				return usagef("--reason is missing: it is kept with the case")
			}
			return cl.do(cmd.Context(), http.MethodPost, "migrations/"+args[0]+"/cases/"+url.PathEscape(args[1])+"/decide", nil, in, out)
		}, func(k v1.Case) string { return casesText([]v1.Case{k}) })
	cmd.Flags().StringVar(&in.Decision, "take", "", "old, new or both")
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why; kept in the case and the audit")
	complete(cmd, "take", v1.SideOld, v1.SideNew, "both")
	return cmd
}

func (c *cli) parkedCmd() *cobra.Command {
	cmd := ofMigration(c, "parked NAME", "Show changes that could not be applied",
		"Show changes that could not be applied. Later changes of the same row wait behind each. Mend the cause and retry,\nor skip: the row is compared then and becomes a difference or a case.",
		"  jindu migration parked shop\n  jindu migration parked retry shop p-1", get[[]v1.ParkedChange]("parked", nil), func(list []v1.ParkedChange) string {
			t := table{{"ID", "FROM", "TABLE", "KEY", "OP", "AT", "BEHIND", "ERROR"}}
			for _, p := range list {
				t = append(t, []string{p.ID, p.From, p.Table, columns(p.Key), p.Op, clock(p.At), fmt.Sprint(p.Behind), p.Error})
			}
			return t.String()
		})
	for _, v := range [][2]string{{"retry", "Apply a parked change, and those behind it, again"}, {"skip", "Give a parked change up"}} {
		cmd.AddCommand(c.unparkCmd(v[0], v[1]))
	}
	return cmd
}

func (c *cli) unparkCmd(verb, short string) *cobra.Command {
	reason := ""
	cmd := &cobra.Command{
		Use: verb + " NAME ID", Short: short, Args: exactly("NAME", "ID"),
		Example:           "  jindu migration parked " + verb + " shop p-1 --reason 'column widened'",
		ValidArgsFunction: c.completeNames(resourceOf(v1.KindMigration)),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			path := "migrations/" + args[0] + "/parked/" + url.PathEscape(args[1]) + "/" + verb
			if err := cl.do(cmd.Context(), http.MethodPost, path, nil, v1.Command{Reason: reason}, nil); err != nil {
				return err
			}
			return c.printf("migration %s: %s of %s done\n", args[0], verb, args[1])
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; kept in the audit")
	return cmd
}

func (c *cli) windowCmd() *cobra.Command {
	cmd := ofMigration(c, "window NAME", "Show whether a rollback still finds its data",
		"Show whether a rollback still finds its data: while the window is open the reverse relay keeps the old side current.",
		"  jindu migration window shop\n  jindu migration window close shop --reason 'a month without a difference'",
		get[v1.DataStatus]("data", nil), windowText)
	reason := ""
	closing := ofMigration(c, "close NAME", "End the reverse relay",
		"End the reverse relay: from then on a rollback loses what the new side wrote. It needs the role approver.",
		"  jindu migration window close shop --reason 'a month without a difference'",
		func(cl *client, cmd *cobra.Command, args []string, out *v1.DataStatus) error {
			return cl.do(cmd.Context(), http.MethodPost, "migrations/"+args[0]+"/window/close", nil, v1.Command{Reason: reason}, out)
		}, windowText)
	closing.Flags().StringVar(&reason, "reason", "", "why; kept in the audit")
	cmd.AddCommand(closing)
	return cmd
}

func windowText(s v1.DataStatus) string {
	if s.Window != "open" {
		return fmt.Sprintf("migration %s: the window is closed: a rollback would lose what the new side wrote since\n", s.Migration)
	}
	for _, r := range s.Relays {
		if r.From == v1.SideNew {
			return fmt.Sprintf("migration %s: the window is open: new → old is %s, p99 %s behind\n", s.Migration, r.State, millis(r.P99Micros))
		}
	}
	return fmt.Sprintf("migration %s: the window is open\n", s.Migration)
}

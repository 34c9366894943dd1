package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"jindu.dev/jindu/internal/demo"
	"jindu.dev/jindu/internal/demo/scene"
	"jindu.dev/jindu/internal/load"
	"jindu.dev/jindu/internal/load/httpload"
)

func (c *cli) demoCmd() *cobra.Command {
	o := scene.Options{Env: c.lookup}
	cmd := &cobra.Command{
		Use: "demo", Short: "Watch a live service cross from Java to Go", Args: exactly(),
		Long: `Watch a live service cross: an order service in Java under real traffic, the new one in Go beside it, and
Jindu moving users from one to the other as far as the evidence allows. With --defect the new service has
a mistake, and everyone is taken back. It starts all it needs as processes on free ports, in a temporary
directory, and leaves nothing behind.`,
		Example: `  jindu demo
  jindu demo --defect list
  jindu demo --defect rounding
  jindu demo --headless --fast --report demo.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Defect == "list" {
				t := table{{"DEFECT", "SHOWS IN", "WHAT IS WRONG"}}
				for _, d := range demo.Defects() {
					where := "copies"
					if d.Live {
						where = "live traffic"
					}
					t = append(t, []string{d.Name, where, d.Summary})
				}
				return c.printf("%v", t)
			}
			outcome, err := scene.Run(cmd.Context(), o, dial, c.out)
			if err != nil {
				return err
			}
			if outcome.Unexpected != "" {
				return errors.New(outcome.Unexpected)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Defect, "defect", "", "mistake to plant in the new service; list shows them")
	f.BoolVar(&o.Headless, "headless", false, "plain lines instead of a picture")
	f.StringVar(&o.Report, "report", "", "file to write the outcome to, as JSON")
	f.BoolVar(&o.Fast, "fast", false, "under 25 seconds instead of a minute")
	f.BoolVar(&o.Keep, "keep", false, "go on with little traffic at the end, until interrupted")
	f.BoolVar(&o.Install, "install", false, "install a JDK by package name when there is none")
	f.BoolVar(&o.StandIn, "stand-in", false, "play the old service in Go, without looking for a JDK")
	f.Float64Var(&o.Rate, "rate", 2000, "requests a second")
	cmd.AddCommand(c.demoDataCmd())
	return cmd
}

func (c *cli) demoDataCmd() *cobra.Command {
	o := scene.DataOptions{Env: c.lookup}
	cmd := &cobra.Command{
		Use: "data", Short: "Watch a shop and its rows cross, and come back", Args: exactly(),
		Long: `Watch a shop cross with its data: the old one in Java on MariaDB, the new one in Go on a schema of its own. What
requests do is compared, rows cross both ways, buyers move to 100 %, everyone is taken back without a write lost, rows
that somebody spoilt by hand are found and repaired, and buyers move again. At the end both databases are read past
Jindu and held against what buyers were told. It starts all it needs as processes on free ports, in temporary
directories, and leaves nothing behind.`,
		Example: `  jindu demo data
  jindu demo data --to postgres
  jindu demo data --defect list
  jindu demo data --defect wrong-row
  jindu demo data --fast --report data.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Defect == "list" {
				t := table{{"DEFECT", "ENDPOINT", "WHAT IS WRONG"}}
				for _, d := range scene.ShopDefects() {
					t = append(t, []string{d.Name, d.Endpoint, d.Says})
				}
				return c.printf("%v", t)
			}
			outcome, err := scene.RunData(cmd.Context(), o, dial, c.out)
			if err != nil {
				return err
			}
			if outcome.Unexpected != "" {
				return errors.New(outcome.Unexpected)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Defect, "defect", "", "mistake to plant in what the new shop does; list shows them")
	f.StringVar(&o.To, "to", "mariadb", "database of the new shop: mariadb or postgres")
	f.StringVar(&o.Report, "report", "", "file to write the outcome to, as JSON")
	f.BoolVar(&o.Fast, "fast", false, "about a minute instead of two")
	f.BoolVar(&o.Keep, "keep", false, "go on with little traffic at the end, until interrupted")
	f.BoolVar(&o.Install, "install", false, "install databases, a JDK and the JDBC driver by package name when they are missing")
	f.StringVar(&o.Agent, "agent", "", "jindu-agent.jar; beside this program when absent")
	f.StringVar(&o.Driver, "driver", "", "MariaDB's JDBC driver; where the package libmariadb-java puts it when absent")
	f.Float64Var(&o.Rate, "rate", 150, "requests a second")
	complete(cmd, "to", "mariadb", "postgres")
	return cmd
}

// dial makes the client of the demo's traffic.
func dial(url string, timeout time.Duration) (load.Client, error) { return httpload.New(url, timeout) }

// demoServiceCmd is how the demo starts its services: as this program.
func (c *cli) demoServiceCmd() *cobra.Command {
	return &cobra.Command{
		Use: "demo-service NAME", Short: "Run one process of the demo", Hidden: true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("NAME is missing")
			}
			return scene.Service(cmd.Context(), args[0], args[1:], c.out)
		},
	}
}

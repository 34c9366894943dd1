package main

import (
	"strings"

	"github.com/spf13/cobra"

	"jindu.dev/jindu/internal/load/httpload"
)

func (c *cli) loadCmd() *cobra.Command {
	o := httpload.DefaultCommand()
	o.Env = c.lookup
	cmd := &cobra.Command{
		Use: "load URL", Short: "Send requests and measure how long answers take", Args: exactly("URL"),
		Long: `Send requests and measure how long answers take. In the open loop, the default, requests come at a rate
whether or not earlier ones were answered, and latency counts from when a request was meant to start: a
server that stalls hides nothing. In the closed loop a number of clients send when their last answer came.
Braces in the URL are variables: /users/{user} with --var user=zipf:10000.`,
		Example: `  jindu load http://127.0.0.1:8080/orders/42 --rate 2000 --duration 30s
  jindu load http://127.0.0.1:8080/users/{user} --var user=zipf:10000
  jindu load http://127.0.0.1:8080 --mix shop.yaml --json result.json
  jindu load http://127.0.0.1:8080/ --closed --concurrency 64`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.URL = args[0]
			_, err := httpload.Run(cmd.Context(), o, c.out)
			return err
		},
	}
	f := cmd.Flags()
	f.Float64VarP(&o.Rate, "rate", "r", o.Rate, "requests a second, open loop")
	f.BoolVar(&o.Poisson, "poisson", false, "random gaps with that mean instead of equal ones")
	f.BoolVar(&o.Closed, "closed", false, "closed loop")
	f.IntVar(&o.Concurrency, "concurrency", o.Concurrency, "clients of the closed loop")
	f.DurationVarP(&o.Duration, "duration", "d", o.Duration, "length of the measured part; 0: until --count")
	f.Int64VarP(&o.Count, "count", "n", 0, "requests at most; 0: no bound")
	f.DurationVar(&o.WarmUp, "warm-up", 0, "time before the measured part")
	f.IntVar(&o.MaxInFlight, "max-in-flight", o.MaxInFlight, "requests under way at most, open loop")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "of every random choice")
	f.DurationVar(&o.Timeout, "timeout", o.Timeout, "limit of one request")
	f.StringVar(&o.Mix, "mix", "", "file with several kinds of requests and their weights")
	f.StringVarP(&o.Method, "method", "X", o.Method, "method, without a mix")
	f.StringArrayVarP(&o.Header, "header", "H", nil, "'Name: value', added to every request; can be repeated")
	f.StringVar(&o.Body, "body", "", "body, without a mix")
	f.Var(vars(o.Vars), "var", "variable for braces, name=kind:argument; can be repeated")
	f.StringVar(&o.JSON, "json", "", "file to write the result to, - for standard output")
	return cmd
}

// vars collects name=value.
type vars map[string]string

func (v vars) String() string { return "" }

// Type is shown in help.
func (v vars) Type() string { return "name=value" }

// Set adds one.
func (v vars) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return usagef("%q is not name=value", s)
	}
	v[name] = value
	return nil
}

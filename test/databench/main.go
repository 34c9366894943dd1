package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are what the command line says.
type options struct {
	rows    int64
	changes int
	rounds  int
	writes  int           // of a round, each way
	rate    int           // writes a second
	length  time.Duration // of the convergence run
	only    []string
	profile string // directory for CPU profiles of the carrier; empty: none
	check   bool
	node    string // program
}

// section is one measurement.
type section struct {
	name string
	run  func(ctx context.Context, b *bench) error
}

var sections = []section{
	{"effects", effects}, {"proxy", proxyCost}, {"relay", relay}, {"convergence", convergence}, {"bisect", bisect}, {"defects", defects},
}

func parse(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("databench", flag.ContinueOnError)
	flags.Int64Var(&o.rows, "rows", 10_000_000, "rows of the tables that are bisected")
	flags.IntVar(&o.changes, "changes", 400_000, "row changes that wait in the log for the relay")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds of the shop's writes")
	flags.IntVar(&o.writes, "writes", 600, "the shop's writes of a round, of each way")
	flags.IntVar(&o.rate, "rate", 2000, "writes a second of the convergence run")
	flags.DurationVar(&o.length, "length", 30*time.Second, "of the convergence run")
	flags.StringVar(&o.profile, "profile", "", "directory to write CPU profiles of the carrier to")
	flags.StringVar(&o.node, "node", "bin/jindu", "the node's program")
	flags.BoolVar(&o.check, "check", false, "exit with 2 when a bound is missed")
	quick := flags.Bool("quick", false, "less of everything")
	only := flags.String("only", "", "sections, with commas: effects,proxy,relay,convergence,bisect,defects")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *quick {
		given := map[string]bool{}
		flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		for name, value := range map[string]string{"rows": "300000", "changes": "100000", "rounds": "2", "writes": "300", "length": "10s"} {
			if !given[name] {
				_ = flags.Set(name, value) // the flags above, with values of their kinds
			}
		}
	}
	if *only == "" {
		return o, nil
	}
	o.only = strings.Split(*only, ",")
	for _, name := range o.only {
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
			return o, fmt.Errorf("-only %q: there is no such section", name)
		}
	}
	return o, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) int {
	var err error
	missed := false
	switch {
	case len(args) == 1 && args[0] == "carrier":
		err = carry(ctx, os.Stdin, os.Stdout)
	case len(args) == 2 && args[0] == "copier":
		err = copyAll(ctx, args[1], os.Stdout)
	default:
		missed, err = measure(ctx, args)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	case missed:
		return 2
	}
	return 0
}

// measure runs the sections and prints the table; missed says that a bound was and that this was asked for.
func measure(ctx context.Context, args []string) (missed bool, err error) {
	o, err := parse(args)
	if err != nil {
		return false, err
	}
	b, err := open(o)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	var failed []error
	for _, s := range sections {
		if len(o.only) > 0 && !slices.Contains(o.only, s.name) {
			continue
		}
		b.say("%s ...", s.name)
		if err := s.run(ctx, b); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", s.name, err))
		}
		b.release()
	}
	fmt.Println()
	fmt.Println(machine() + ", commit " + commit(ctx))
	fmt.Println("go run ./test/databench " + strings.Join(args, " "))
	fmt.Println()
	fmt.Print(b.table.String())
	return o.check && b.table.missed(), errors.Join(failed...)
}

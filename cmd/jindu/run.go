package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// cli is what every command needs of the process.
type cli struct {
	in          io.Reader
	out, errOut io.Writer
	env         []string
	remote      remote
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer, env []string) int {
	c := &cli{in: in, out: out, errOut: errOut, env: env}
	root := c.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	switch usage, wrong := errors.AsType[*usageError](err); {
	case err == nil:
		return exitOK
	case wrong:
		_, _ = fmt.Fprintf(errOut, "jindu: %v\nSee '%s --help'.\n", usage, cmd.CommandPath())
		return exitUsage
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitFailed // interrupted: the user knows
	default:
		_, _ = fmt.Fprintf(errOut, "jindu: %v\n", err)
		return exitFailed
	}
}

func (c *cli) root() *cobra.Command {
	root := group("jindu", "Move a live service from old to new, as far as the evidence allows",
		`Jindu stands in front of a service, shows endpoint by endpoint whether its new implementation answers
alike, moves users over only as far as the evidence allows, and takes them back by itself.

  jindu demo                              watch a service cross from Java to Go
  jindu serve                             run a node: gateway on :8080, console on http://127.0.0.1:8090
  jindu apply -f orders.yaml              create or change services, routes and migrations
  jindu migration list --watch            see where migrations stand
  jindu migration rollback orders         take everyone back, at once`)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.errOut)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(c.serveCmd(), c.versionCmd(), c.configCmd(), c.reloadCmd(), c.applyCmd(), c.exportCmd(), c.migrationCmd(), c.auditCmd(), c.tokenCmd(),
		c.loadCmd(), c.demoCmd(), c.demoServiceCmd())
	for _, r := range resources() {
		if r.kind != v1.KindMigration { // it has commands of its own
			root.AddCommand(c.resourceCmd(r))
		}
	}
	return root
}

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// group is a command that only holds others.
func group(use, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				cmd.SetOut(cmd.ErrOrStderr())
				_ = cmd.Help() // writes to a stream that cannot be told of its failure
				return usagef("a command is missing")
			}
			text := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				text = fmt.Sprintf("; did you mean %s?", strings.Join(near, " or "))
			}
			return usagef("unknown command %q%s", args[0], text)
		},
		SuggestionsMinimumDistance: 2,
	}
}

// exactly checks the number of arguments and names them when they are missing.
func exactly(names ...string) cobra.PositionalArgs { return between(len(names), names...) }

// between takes at least low of the named arguments and at most all.
func between(low int, names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < low {
			return usagef("%s is missing", names[len(args)])
		}
		if len(args) > len(names) {
			return usagef("unexpected argument %q", args[len(names)])
		}
		return nil
	}
}

// lookup is the value of an environment variable, "" when it is not set.
func (c *cli) lookup(name string) string {
	value := ""
	for _, e := range c.env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// printf writes to the output; an error of it is the command's, for instance a full disk.
func (c *cli) printf(format string, args ...any) error {
	if _, err := fmt.Fprintf(c.out, format, args...); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// defects runs the benchmark of planted effect defects, which judges itself: its exit status is 2 when it missed one of
// its targets.
func defects(ctx context.Context, b *bench) error {
	cmd := exec.CommandContext(ctx, "go", "run", "./test/compare", "-full", "-only", "effects")
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	err := cmd.Run()
	_, failed := errors.AsType[*exec.ExitError](err)
	if err != nil && (!failed || out.Len() == 0) {
		return fmt.Errorf("%w\n%s", err, problem.String())
	}
	b.say("%s", out.String())
	fmt.Println(out.String())
	value, met := summary(out.String())
	b.table.add("planted effect defects at noise 0-50 %", value, "recall 0.95, alarms below 5 %, answers alone at most half", met)
	return nil
}

// summary is the line "all" of the report, and whether it ends with every target met.
func summary(out string) (value string, met bool) {
	value = "no line of totals"
	for l := range strings.Lines(out) {
		if f := strings.Fields(l); len(f) > 1 && f[0] == "all" {
			value = strings.Join(f[1:], " ")
		}
	}
	return value, strings.Contains(out, "every target met")
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"jindu.dev/jindu/internal/kit/web"
)

// output is the value of -o.
type output string

func (o *output) String() string { return string(*o) }

// Set takes table, json or yaml.
func (o *output) Set(s string) error {
	switch s {
	case "table", "json", "yaml":
		*o = output(s)
		return nil
	default:
		return fmt.Errorf("must be table, json or yaml")
	}
}

// Type is shown in help.
func (o *output) Type() string { return "table|json|yaml" }

func (o *output) flag(cmd *cobra.Command) {
	*o = "table"
	cmd.Flags().VarP(o, "output", "o", "form of the output")
	complete(cmd, "output", "table", "json", "yaml")
}

// complete offers fixed values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag was added a line before
	}
}

// show writes v as JSON or YAML, or calls table.
func (c *cli) show(o output, v any, table func() error) error {
	if o == "table" {
		return table()
	}
	data, err := marshal(v)
	if err != nil {
		return err
	}
	if o == "yaml" {
		var b bytes.Buffer
		if err := web.JSONToYAML(&b, data); err != nil {
			return fmt.Errorf("write YAML: %w", err)
		}
		data = b.Bytes()
	}
	return c.printf("%s", data)
}

// marshal is v as JSON for people: indented, with <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return b.Bytes(), nil
}

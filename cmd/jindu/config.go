package main

import (
	"fmt"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/app"
	"jindu.dev/jindu/internal/kit/conf"
)

func (c *cli) configCmd() *cobra.Command {
	var o app.Options
	cmd := group("config", "Check and show the configuration of a node",
		"Check and show the configuration of a node. The order is: default, file, variable JINDU_<PART>_<KEY>, flag.")
	nodeFlags(cmd, &o)
	cmd.AddCommand(
		&cobra.Command{
			Use: "schema", Short: "Write the JSON Schema of the configuration file", Args: exactly(),
			Example: "  jindu config schema > jindu.schema.json",
			RunE: func(*cobra.Command, []string) error {
				data, err := conf.Schema("Configuration of a Jindu node", app.EnvPrefix, app.Default())
				if err != nil {
					return fmt.Errorf("write the schema: %w", err)
				}
				return c.printf("%s", data)
			},
		},
		&cobra.Command{
			Use: "check [FILE]", Short: "Say what is wrong with a configuration", Args: between(0, "FILE"),
			Example: "  jindu config check jindu.yaml",
			RunE: func(_ *cobra.Command, args []string) error {
				if err := fileArgument(&o, args); err != nil {
					return err
				}
				if _, _, err := c.load(o); err != nil {
					return err
				}
				if o.ConfigFile == "" {
					return c.printf("the configuration without a file is valid\n")
				}
				return c.printf("%s is valid\n", o.ConfigFile)
			},
		},
		&cobra.Command{
			Use: "print [FILE]", Short: "Show every key in force and what set it", Args: between(0, "FILE"),
			Example: "  jindu config print jindu.yaml\n  JINDU_LOG_LEVEL=debug jindu config print",
			RunE: func(_ *cobra.Command, args []string) error {
				if err := fileArgument(&o, args); err != nil {
					return err
				}
				cfg, result, err := c.load(o)
				if err != nil {
					return err
				}
				return c.printf("%s", conf.Print(cfg, result))
			},
		},
		c.diffCmd(&o),
	)
	return cmd
}

func (c *cli) diffCmd(o *app.Options) *cobra.Command {
	return &cobra.Command{
		Use: "diff [OLD] NEW", Short: "Say what changes between two files, and when it takes effect", Args: between(1, "OLD", "NEW"),
		Long:    "Say what changes from OLD to NEW, or from the defaults to NEW, and whether a reload is enough.",
		Example: "  jindu config diff /etc/jindu/jindu.yaml new.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			before, after := *o, *o
			before.ConfigFile, after.ConfigFile = "", args[len(args)-1]
			if len(args) == 2 {
				before.ConfigFile = args[0]
			}
			a, _, err := c.load(before)
			if err != nil {
				return err
			}
			b, _, err := c.load(after)
			if err != nil {
				return err
			}
			var live, restart []v1.ConfigChange
			for _, ch := range conf.Diff(a, b) {
				line := v1.ConfigChange{Path: ch.Path, Old: ch.Old, New: ch.New}
				if ch.Live {
					live = append(live, line)
				} else {
					restart = append(restart, line)
				}
			}
			if len(live)+len(restart) == 0 {
				return c.printf("they say the same\n")
			}
			return c.printf("%v", changeTable(live, restart))
		},
	}
}

func (c *cli) load(o app.Options) (app.Config, conf.Result, error) {
	c.process(&o)
	return app.LoadConfig(o)
}

// fileArgument takes the file as an argument too.
func fileArgument(o *app.Options, args []string) error {
	if len(args) == 1 {
		if o.ConfigFile != "" {
			return usagef("name the file once: as argument or with --config")
		}
		o.ConfigFile = args[0]
	}
	return nil
}

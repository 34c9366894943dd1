package main

import (
	"net/http"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
)

func (c *cli) reloadCmd() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "reload", Short: "Have a node read its configuration again", Args: exactly(),
		Long: `Have a node read its configuration again, as the signal HUP does. A file with a mistake changes nothing,
and the answer says what is wrong. Keys that need a restart are listed.`,
		Example: "  jindu reload",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			var done v1.Reload
			if err := cl.do(cmd.Context(), http.MethodPost, "reload", nil, nil, &done); err != nil {
				return err
			}
			return c.show(o, done, func() error {
				if len(done.Applied)+len(done.Restart) == 0 {
					return c.printf("nothing changed\n")
				}
				return c.printf("%v", changeTable(done.Applied, done.Restart))
			})
		},
	}
	o.flag(cmd)
	return c.remoteFlags(cmd)
}

// changeTable lists changes of the configuration and when they take effect.
func changeTable(live, restart []v1.ConfigChange) table {
	t := table{{"KEY", "OLD", "NEW", "IN FORCE"}}
	for _, ch := range live {
		t = append(t, []string{ch.Path, ch.Old, ch.New, "by reload"})
	}
	for _, ch := range restart {
		t = append(t, []string{ch.Path, ch.Old, ch.New, "after a restart"})
	}
	return t
}

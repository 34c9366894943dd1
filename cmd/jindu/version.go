package main

import (
	"runtime"

	"github.com/spf13/cobra"
)

func (c *cli) versionCmd() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "version", Short: "Say which version this is", Args: exactly(),
		Example: "  jindu version\n  jindu version -o json",
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
				OS      string `json:"os"`
				Arch    string `json:"arch"`
			}{version, runtime.Version(), runtime.GOOS, runtime.GOARCH}
			return c.show(o, v, func() error {
				return c.printf("jindu %s (%s, %s/%s)\n", v.Version, v.Go, v.OS, v.Arch)
			})
		},
	}
	o.flag(cmd)
	return cmd
}

package main

import "github.com/spf13/cobra"

func (c *cli) extraCmds() []*cobra.Command { return nil }

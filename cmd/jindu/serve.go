package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"jindu.dev/jindu/internal/app"
)

func (c *cli) serveCmd() *cobra.Command {
	var o app.Options
	cmd := &cobra.Command{
		Use: "serve", Short: "Run a node", Args: exactly(),
		Long: `Run a node: the gateway on :8080; the admin API, console, metrics and health on http://127.0.0.1:8090.
It needs no configuration. It ends on SIGTERM after the requests in flight; SIGHUP reads the configuration again.`,
		Example: `  jindu serve
  jindu serve --config /etc/jindu/jindu.yaml
  JINDU_GATEWAY_LISTEN=:80 jindu serve --data-dir /var/lib/jindu`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.process(&o)
			reload, stop := hangups(cmd.Context())
			defer stop()
			o.Reload = reload
			return app.Run(cmd.Context(), o)
		},
	}
	nodeFlags(cmd, &o)
	return cmd
}

// nodeFlags are the flags that choose the configuration of a node.
func nodeFlags(cmd *cobra.Command, o *app.Options) {
	f := cmd.PersistentFlags()
	f.StringVarP(&o.ConfigFile, "config", "c", "", "configuration file; none is needed")
	f.StringVar(&o.DataDir, "data-dir", "", "directory for data; default the user's state directory")
	f.StringVar(&o.LogLevel, "log-level", "", "debug, info, warn or error")
	complete(cmd, "log-level", "debug", "info", "warn", "error")
}

// process gives the options what belongs to the process.
func (c *cli) process(o *app.Options) {
	o.Version, o.Env = version, c.env
	o.Stdout, o.Stderr = c.out, c.errOut
}

// hangups delivers SIGHUP; while one waits, more are the same wish.
func hangups(ctx context.Context) (<-chan struct{}, func()) {
	signals, reload := make(chan os.Signal, 1), make(chan struct{}, 1)
	signal.Notify(signals, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				select {
				case reload <- struct{}{}:
				default:
				}
			}
		}
	}()
	return reload, func() { signal.Stop(signals); cancel() }
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/replay"
)

func (c *cli) recordCmd() *cobra.Command {
	file, limit, span := "", 10_000, 10*time.Minute
	cmd := &cobra.Command{
		Use: "record NAME", Short: "Write requests, answers and what dependencies answered to a file",
		Long: `Write mirrored requests to a file as they come: each with the answer of the old side and, where effects are
captured, the calls that it made and their answers. Credentials (Authorization, Cookie) are left out; bodies are not
masked, so keep the file as you keep the data. It needs the role operator.`,
		Example: "  jindu migration record shop --file shop.rec --for 10m --max 5000",
		Args:    exactly("NAME"), ValidArgsFunction: c.completeNames(resourceOf(v1.KindMigration)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" {
				return usagef("--file is missing")
			}
			cl, err := c.client()
			if err != nil {
				return err
			}
			out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600) //nolint:gosec // the user names this file
			if err != nil {
				return kind.New(kind.Invalid, "JD-CLI-002", "make the file of recordings: %w", err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), span)
			defer cancel()
			n, err := record(ctx, cl, args[0], out, limit)
			if err = errors.Join(err, out.Close()); err != nil {
				if n == 0 {
					err = errors.Join(err, os.Remove(file)) // a head alone is no recording
				}
				return err
			}
			return c.printf("%d requests written to %s\n", n, file)
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "file to write; it must not exist")
	cmd.Flags().IntVar(&limit, "max", limit, "requests at most")
	cmd.Flags().DurationVar(&span, "for", span, "how long at most")
	return cmd
}

// record writes recordings until ctx ends or there are enough.
func record(ctx context.Context, cl *client, name string, out io.Writer, limit int) (int, error) {
	w, err := replay.NewWriter(out, name)
	if err != nil {
		return 0, err
	}
	for r, err := range follow[v1.Recording](ctx, cl, "migrations/"+name+"/recordings/stream", nil) {
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return w.N, errors.Join(err, w.Flush())
		}
		if err := w.Write(&r); err != nil {
			return w.N, err
		}
		if w.N >= limit {
			break
		}
	}
	return w.N, w.Flush()
}

// replayFlags are what a replay is told.
type replayFlags struct {
	file, to, old, dependencies string
	header                      []string
	parallel                    int
	timeout                     time.Duration
}

func (c *cli) replayCmd() *cobra.Command {
	var in replayFlags
	var o output
	cmd := &cobra.Command{
		Use: "replay NAME", Short: "Run recorded requests again against a service",
		Long: `Run recorded requests again, as shadows, and compare the answers with the recorded ones by the rules of the migration.
The file is one of jindu migration record, or one of GoReplay. With --dependencies an HTTP proxy on that address answers
the calls of the service from the recording: give it to the service as its HTTP proxy. A call that was not recorded is
a miss, and never answered by one that is only near. With --old the old service is asked again too, so that fields
which differ between two of its answers do not count. The exit code is 1 when anything differs, misses or fails.`,
		Example: "  jindu migration replay shop --file shop.rec --to http://127.0.0.1:9002\n  jindu migration replay shop --file shop.gor --to http://127.0.0.1:9002 --old http://127.0.0.1:9001 --header 'Authorization: Bearer …'",
		Args:    exactly("NAME"), ValidArgsFunction: c.completeNames(resourceOf(v1.KindMigration)),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			var m v1.Migration
			if err := cl.do(cmd.Context(), http.MethodGet, "migrations/"+args[0], nil, nil, &m); err != nil {
				return err
			}
			result, err := in.play(cmd.Context(), &m)
			if err != nil {
				return err
			}
			if err := c.show(o, result, func() error { return c.printf("%s", replayText(result)) }); err != nil {
				return err
			}
			if result.Alike != result.Requests {
				return kind.New(kind.Conflict, "JD-CLI-007", "%d of %d requests were not answered alike", result.Requests-result.Alike, result.Requests)
			}
			return nil
		},
	}
	o.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&in.file, "file", "", "recordings of jindu migration record, or of GoReplay")
	f.StringVar(&in.to, "to", "", "URL of the service under test")
	f.StringVar(&in.old, "old", "", "URL of the old service, asked again for GET and HEAD to learn its noise")
	f.StringVar(&in.dependencies, "dependencies", "", "address on which to answer the service's calls, such as 127.0.0.1:9100; none when absent")
	f.StringArrayVar(&in.header, "header", nil, "field to add to each request, NAME: VALUE; may be repeated")
	f.IntVar(&in.parallel, "parallel", 8, "requests under way at most")
	f.DurationVar(&in.timeout, "request-timeout", 10*time.Second, "limit of one request")
	return cmd
}

func (in *replayFlags) play(ctx context.Context, m *v1.Migration) (v1.ReplayResult, error) {
	o := replay.Options{Migration: m.Metadata.Name, Compare: m.Spec.WithDefaults(m.Metadata.Name).Compare, Parallel: in.parallel, Timeout: in.timeout, Client: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: max(1, in.parallel), DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	defer o.Client.CloseIdleConnections()
	var err error
	if o.To, err = serviceURL("--to", in.to); err != nil {
		return v1.ReplayResult{}, err
	}
	if in.old != "" {
		if o.Old, err = serviceURL("--old", in.old); err != nil {
			return v1.ReplayResult{}, err
		}
	}
	for _, h := range in.header {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return v1.ReplayResult{}, usagef("--header %q is not NAME: VALUE", h)
		}
		o.Header = append(o.Header, v1.Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	file, err := os.Open(in.file)
	if err != nil {
		return v1.ReplayResult{}, kind.New(kind.Invalid, "JD-CLI-002", "read --file: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	deps := replay.NewDependencies()
	if in.dependencies != "" {
		stop, err := serveDependencies(ctx, in.dependencies, deps)
		if err != nil {
			return v1.ReplayResult{}, err
		}
		defer stop()
	}
	return replay.Play(ctx, replay.Read(file), deps, o)
}

func serviceURL(flag, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usagef("%s %q is no URL such as http://127.0.0.1:9002", flag, text)
	}
	return u, nil
}

func serveDependencies(ctx context.Context, address string, d *replay.Dependencies) (stop func(), err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, kind.New(kind.Unavailable, "JD-CLI-008", "listen on --dependencies: %w", err)
	}
	server := &http.Server{Handler: d, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 64 << 10}
	go func() { _ = server.Serve(l) }() // ends by Close
	return func() { _ = server.Close() }, nil
}

func replayText(r v1.ReplayResult) string {
	t := table{{"ENDPOINT", "REQUESTS", "DIFFER", "MISS", "FAILED", "PATHS"}}
	for _, e := range r.Endpoints {
		var paths []string
		for _, p := range slices.Sorted(maps.Keys(e.Paths)) {
			paths = append(paths, fmt.Sprintf("%s (%d)", p, e.Paths[p]))
		}
		t = append(t, []string{e.Endpoint, fmt.Sprint(e.Requests), fmt.Sprint(e.Differ), fmt.Sprint(e.Miss), fmt.Sprint(e.Failed), strings.Join(paths, ", ")})
	}
	text := t.String()
	if len(r.Misses) > 0 {
		t = table{{"MISS OF", "CALL", "NEAREST"}}
		for _, m := range r.Misses {
			t = append(t, []string{m.Run, m.Method + " " + m.Target, m.Nearest})
		}
		text += "\n" + t.String()
	}
	return text + fmt.Sprintf("\n%d requests: %d alike, %d differ, %d miss, %d failed\n", r.Requests, r.Alike, r.Differ, r.Miss, r.Failed)
}

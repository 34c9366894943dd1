package httpload

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"strings"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/screen"
	"jindu.dev/jindu/internal/load"
)

// Command is the load command's options.
type Command struct {
	load.Options
	URL     string            // server; its path and query are the request when there is no mix
	Mix     string            // file with a load.Mix
	Method  string            // without a mix
	Header  []string          // "Name: value", added to every request
	Body    string            // without a mix
	Vars    map[string]string // more variables: user=zipf:10000
	Timeout time.Duration     // of one request
	JSON    string            // file to write the result to; - for out
	Env     func(string) string
}

// DefaultCommand has the defaults of every option.
func DefaultCommand() Command {
	return Command{Options: load.Default(), Method: "GET", Timeout: 10 * time.Second, Vars: map[string]string{}, Env: os.Getenv}
}

// Run sends the load, shows it live on out, and writes the result.
func Run(ctx context.Context, c Command, out io.Writer) (load.Result, error) {
	source, err := c.source()
	if err != nil {
		return load.Result{}, err
	}
	client, err := New(c.URL, c.Timeout)
	if err != nil {
		return load.Result{}, err
	}
	shown := out
	if c.JSON == "-" {
		shown = io.Discard
	}
	s := screen.Open(shown, c.Env)
	beat := 0
	r, err := load.Run(ctx, c.Options, client, source, nil, func(p load.Progress) {
		if s.Live() {
			s.Draw(load.View(p, s.Width()))
		} else if beat++; beat%10 == 0 { // every five seconds
			s.Print(load.Line(p))
		}
	})
	if err != nil {
		return r, err
	}
	s.Draw(nil)
	for _, l := range load.Summary(r) {
		s.Print(l)
	}
	return r, c.write(r, out)
}

func (c Command) source() (load.Source, error) {
	var m load.Mix
	if c.Mix != "" {
		text, err := os.ReadFile(c.Mix)
		if err != nil {
			return nil, kind.New(kind.Invalid, "JD-LOAD-005", "mix: %w", err)
		}
		if m, err = load.ParseMix(text); err != nil {
			return nil, err
		}
	} else {
		// The URL's braces are variables, so it is not parsed as a whole here.
		_, rest, _ := strings.Cut(c.URL, "://")
		_, target, _ := strings.Cut(rest, "/")
		m.Requests = []load.MixRequest{{Method: c.Method, Target: "/" + target, Body: c.Body}}
	}
	if m.Vars == nil {
		m.Vars = map[string]string{}
	}
	maps.Copy(m.Vars, c.Vars)
	for _, h := range c.Header {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, kind.New(kind.Invalid, "JD-LOAD-006", "header %q: write it as 'Name: value'", h)
		}
		for i := range m.Requests {
			if m.Requests[i].Headers == nil {
				m.Requests[i].Headers = map[string]string{}
			}
			m.Requests[i].Headers[name] = strings.TrimSpace(value)
		}
	}
	return m.Compile()
}

func (c Command) write(r load.Result, out io.Writer) error {
	if c.JSON == "" {
		return nil
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	raw = append(raw, '\n')
	if c.JSON == "-" {
		_, err = out.Write(raw)
		return err
	}
	return os.WriteFile(c.JSON, raw, 0o644)
}

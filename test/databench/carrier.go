package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/migrate/binlog"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/outbox"
	"jindu.dev/jindu/internal/migrate/sqldb"
)

// database is one of a carrier's two.
type database struct {
	Kind, Address, Schema, User, Password string
}

// order is what a carrier is told first.
type order struct {
	Spec     v1.DataSpec
	Old, New database
	Held     bool   // the old side's log is not read before the question "go"
	Profile  string // file of a CPU profile, from "go" or the beginning on
}

// answer is what it says to every question.
type answer struct {
	Status v1.DataStatus
	Diff   v1.DiffResult
	CPU    time.Duration // user and system, so far
	Error  string
}

const migration = "bench"

// carry is the process that carries rows: an order, then questions, each a line of JSON, until there are no more.
func carry(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	var o order
	if !lines.Scan() {
		return lines.Err()
	}
	if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
		return err
	}
	c := &carrying{order: o, start: make(chan struct{})}
	defer c.stopProfile()
	if !o.Held {
		c.goOn()
	}
	server, err := c.server()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	ready := make(chan struct{})
	work.Go(func() { _ = server.Run(ctx, func() { close(ready) }) }) // it has no error to tell
	<-ready
	server.SetMigrations([]v1.Migration{{
		Metadata: v1.Meta{Name: migration}, Spec: v1.MigrationSpec{Data: &o.Spec}, Status: v1.MigrationStatus{Phase: v1.PhaseMirror},
	}})
	say := json.NewEncoder(out)
	for lines.Scan() {
		if err := say.Encode(c.reply(ctx, server, lines.Text())); err != nil {
			return err
		}
	}
	return lines.Err()
}

// carrying is a carrier at work.
type carrying struct {
	order
	start chan struct{}
	once  sync.Once
	stop  func()
}

func (c *carrying) goOn() {
	c.once.Do(func() {
		close(c.start)
		if c.Profile == "" {
			return
		}
		f, err := os.Create(filepath.Clean(c.Profile))
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "no profile:", err)
			return
		}
		c.stop = func() {
			pprof.StopCPUProfile()
			_ = f.Close() // a profile that is not whole says so itself
		}
	})
}

func (c *carrying) stopProfile() {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
}

func (c *carrying) reply(ctx context.Context, server *data.Server, question string) (a answer) {
	var err error
	switch question {
	case "go":
		c.goOn()
	case "diff": // what is known already
		a.Diff, err = server.Diff(ctx, migration, v1.DiffRequest{})
	case "stop profile":
		c.stopProfile()
	}
	if err == nil {
		a.Status, err = server.Status(migration)
	}
	if err != nil {
		a.Error = err.Error()
	}
	a.CPU = cpu()
	return a
}

// server is the part as the node has it, but for the sources, which can be held.
func (c *carrying) server() (*data.Server, error) {
	cfg := data.Default()
	cfg.Databases = map[string]data.Database{"old": c.Old.config(), "new": c.New.config()}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return data.New(cfg, data.Options{
		Open: func(name string) (data.Store, error) { return sqldb.Open(name, cfg.Databases[name], cfg.Timeout) },
		Source: func(r data.SourceRequest) (data.Source, error) {
			d := cfg.Databases[r.From.Database]
			name := r.Migration + "-" + r.Side
			if r.From.Capture == "outbox" {
				return outbox.New(name, d, outbox.Options{Logger: log})
			}
			s, err := binlog.New(name, d, binlog.Options{Logger: log})
			return held{s, c.start}, err
		},
		Log: log,
	})
}

func (d *database) config() data.Database {
	return data.Database{Kind: d.Kind, Address: d.Address, Schema: d.Schema, User: d.User, Password: conf.NewSecret("file:password", d.Password), TLS: "off"}
}

// held is a source that does not run before start.
type held struct {
	data.Source
	start <-chan struct{}
}

// Run waits, then runs.
func (h held) Run(ctx context.Context, from data.Position, tables []string, emit func(data.Txn) error) error {
	select {
	case <-h.start:
	case <-ctx.Done():
		return ctx.Err()
	}
	return h.Source.Run(ctx, from, tables, emit)
}

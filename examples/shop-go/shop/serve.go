package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx

	"jindu.dev/jindu/sdk"
	"jindu.dev/jindu/sdk/effects"
	"jindu.dev/jindu/sdk/outbox"
)

// Config says where the shop runs and what it is.
type Config struct {
	Listen   string
	DB       string // user:password@tcp(host:port)/schema, or postgres://user:password@host:port/database
	Dialect  string // mariadb or postgres
	Payment  string // URL of the payment provider
	Register string // URL of Jindu's admin API; empty: stay unknown
	Service  string // name to register
	Metadata map[string]string
	Side     string // old or new
	Defect   string // planted; see Defects
	// Proxied says that one of Jindu's proxies stands before the database: it knows what to do with shadows.
	// Without it writes of shadows are refused, and PostgreSQL's log gets the marks from here.
	Proxied bool
	Outbox  bool // changes are captured by the outbox
	Fenced  bool // table jindu_fence must be there; else it counts once it is
	Log     *slog.Logger
}

// Open connects to the database and makes the service.
func Open(c Config) (*Service, error) {
	rule := effects.SQL{RequireMark: false}
	if c.Proxied {
		rule.Shadows = effects.Pass
	}
	s := &Service{
		options: outbox.Options{Unfenced: !c.Fenced}, outbox: c.Outbox, side: c.Side, letter: "G",
		charges: newCharges(c.Payment), defect: c.Defect, log: c.Log, now: time.Now,
	}
	if c.Side == "old" {
		s.letter = "J"
	}
	switch c.Dialect {
	case "mariadb":
		config, err := mysql.ParseDSN(c.DB)
		if err != nil {
			return nil, fmt.Errorf("--db: %w", err)
		}
		config.ParseTime, config.Loc, config.InterpolateParams = true, time.UTC, true
		config.Params = map[string]string{"time_zone": "'+00:00'"}
		connector, err := mysql.NewConnector(config)
		if err != nil {
			return nil, fmt.Errorf("--db: %w", err)
		}
		s.db = sql.OpenDB(effects.Wrap(connector, rule))
	case "postgres":
		rule.EmitMark, s.options.Dialect = !c.Proxied, outbox.Postgres
		db, err := effects.Open("pgx", c.DB, rule)
		if err != nil {
			return nil, fmt.Errorf("--db: %w", err)
		}
		s.db = db
	default:
		return nil, fmt.Errorf("--dialect %q: say mariadb or postgres", c.Dialect)
	}
	s.db.SetMaxOpenConns(32)
	s.db.SetMaxIdleConns(32)
	copies := *s
	copies.side = other(s.side)
	s.copies = &copies
	return s, nil
}

// Close closes the connections.
func (s *Service) Close() error { return s.db.Close() }

// Serve runs the shop until ctx ends, then lets requests in flight finish. ready gets the address.
func Serve(ctx context.Context, c Config, ready func(address string)) error {
	s, err := Open(c)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // nothing is under way any more
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	var reporter *effects.Reporter
	if c.Register != "" {
		if reporter, err = effects.NewReporter(effects.Options{Node: c.Register, Service: c.Service, Log: c.Log}); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	server := &http.Server{Handler: reporter.Middleware(s.Handler()), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	defer leave(ctx, func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if reporter != nil {
			err = errors.Join(err, reporter.Close(ctx))
		}
		return err
	})
	if c.Register != "" {
		at := l.Addr().(*net.TCPAddr)
		metadata := map[string]string{"version": "2.0"}
		maps.Copy(metadata, c.Metadata)
		instance, err := sdk.Register(ctx, sdk.Options{Node: c.Register, Service: c.Service, IP: at.IP.String(), Port: at.Port, Metadata: metadata})
		if err != nil {
			return err
		}
		defer leave(ctx, instance.Close)
	}
	ready(l.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// leave does the last thing within its time. What it cannot do, others notice by themselves.
func leave(ctx context.Context, last func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = last(ctx)
}

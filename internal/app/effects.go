package app

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/run"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/effects/mysql"
	"jindu.dev/jindu/internal/migrate/effects/postgres"
	"jindu.dev/jindu/internal/migrate/effects/redis"
	"jindu.dev/jindu/internal/migrate/writeset"
)

// newProxies makes the proxies in front of databases and Redis.
func newProxies(cfg effects.Config, collector *writeset.Collector, log *slog.Logger) ([]*effects.Server, error) {
	var out []*effects.Server
	for _, name := range slices.Sorted(maps.Keys(cfg.Proxies)) {
		p := cfg.Proxies[name]
		protocol, err := protocolOf(p.Protocol)
		if err != nil {
			return nil, err
		}
		out = append(out, effects.New(name, p, protocol, collector, log))
	}
	return out, nil
}

func protocolOf(name string) (effects.Protocol, error) {
	switch name {
	case effects.ProtocolMySQL:
		return mysql.New(), nil
	case effects.ProtocolPostgres:
		return postgres.New(), nil
	case effects.ProtocolRedis:
		return redis.New(), nil
	}
	return nil, kind.New(kind.Invalid, "JD-APP-005", "protocol %q of a proxy is none: use mysql, postgres or redis", name)
}

// proxyPart is a proxy whose captures are prompt while it runs: what it saw is told before its client hears
// of it.
func proxyPart(s *effects.Server, collector *writeset.Collector) run.Part {
	return run.Func(s.Name(), func(ctx context.Context, ready func()) error {
		collector.Prompt(s.Capture(), true)
		defer collector.Prompt(s.Capture(), false)
		return s.Run(ctx, ready)
	})
}

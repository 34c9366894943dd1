package app

import (
	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/conf"
)

// reload reads the configuration again and puts its live keys in force, all or none. The rest is
// listed as waiting for a restart.
func (n *node) reload() (v1.Reload, error) {
	n.configMu.Lock()
	defer n.configMu.Unlock()
	wanted, _, err := LoadConfig(n.opts)
	if err != nil {
		return v1.Reload{}, err
	}
	next, live, restart, err := conf.Live(n.config, wanted)
	if err != nil {
		return v1.Reload{}, err
	}
	err = conf.Apply(n.config, next, live,
		conf.Applier[Config]{Section: "log", Apply: func(c Config) error { return n.level.Set(c.Log.Level) }},
		conf.Applier[Config]{Section: "gateway", Apply: func(c Config) error { n.gateway.Reload(c.Gateway); return nil }},
		conf.Applier[Config]{Section: "admin", Apply: func(c Config) error { return n.setTokens(c.Admin) }},
	)
	if err != nil {
		return v1.Reload{}, err
	}
	// The content of the token file may have changed though its name did not.
	if err := n.setTokens(next.Admin); err != nil {
		return v1.Reload{}, err
	}
	n.config = next
	return v1.Reload{Applied: changes(live), Restart: changes(restart)}, nil
}

func (n *node) setTokens(a Admin) error {
	tokens, err := readTokens(a)
	if err != nil {
		return err
	}
	return n.guard.SetTokens(tokens)
}

func changes(list []conf.Change) []v1.ConfigChange {
	out := make([]v1.ConfigChange, 0, len(list))
	for _, c := range list {
		out = append(out, v1.ConfigChange{Path: c.Path, Old: c.Old, New: c.New})
	}
	return out
}

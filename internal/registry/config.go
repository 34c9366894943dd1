package registry

import (
	"fmt"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

// Config is the registry's part of the node configuration.
type Config struct {
	DefaultTTL     time.Duration `yaml:"defaultTTL" doc:"Lease of a registration that names none."`
	Drain          time.Duration `yaml:"drain" doc:"How long a deregistered instance is shown as draining before it is removed."`
	Gone           time.Duration `yaml:"gone" doc:"How long an instance without heartbeats is shown as gone before it is removed."`
	Hold           time.Duration `yaml:"hold" doc:"How long push-empty protection keeps a lost instance at most."`
	CreateServices bool          `yaml:"createServices" doc:"A registration creates its service when there is none."`
	MaxInstances   int           `yaml:"maxInstances" doc:"Instances known at most; further registrations are refused."`
	MaxChecks      int           `yaml:"maxChecks" doc:"Health checks under way at most."`
}

// Default is the configuration of a node without one.
func Default() Config {
	return Config{
		DefaultTTL:     15 * time.Second,
		Drain:          10 * time.Second,
		Gone:           10 * time.Minute,
		Hold:           24 * time.Hour,
		CreateServices: true,
		MaxInstances:   50_000,
		MaxChecks:      64,
	}
}

// Validate names each wrong key.
func (c Config) Validate() error {
	f := &fields{}
	f.between("defaultTTL", c.DefaultTTL, minTTL, maxTTL)
	f.between("drain", c.Drain, 0, time.Hour)
	f.between("gone", c.Gone, 0, 7*24*time.Hour)
	f.between("hold", c.Hold, c.Gone, 30*24*time.Hour)
	if c.MaxInstances < 1 {
		f.add("maxInstances", fmt.Sprint(c.MaxInstances), "must be 1 or more")
	}
	if c.MaxChecks < 1 || c.MaxChecks > 4096 {
		f.add("maxChecks", fmt.Sprint(c.MaxChecks), "must be 1 to 4096")
	}
	if len(f.wrong) > 0 {
		return kind.New(kind.Invalid, "JD-REGISTRY-001", "registry: wrong configuration: correct the keys").WithFields(f.wrong...)
	}
	return nil
}

package route

import (
	"fmt"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

// Config is the node's defaults for what a rule leaves out.
type Config struct {
	RequestTimeout time.Duration `yaml:"requestTimeout" doc:"Whole exchange, retries and fallback included; 0s for none."`
	TryTimeout     time.Duration `yaml:"tryTimeout" doc:"One try at one instance; 0s for none."`
	Retries        int           `yaml:"retries" doc:"Tries beyond the first."`
	RetryBackoff   time.Duration `yaml:"retryBackoff" doc:"Wait before a retry, with jitter."`
	RetryBudget    float64       `yaml:"retryBudgetPercent" doc:"Retries at most this share of requests, beside 10 a second."`
	Silence        time.Duration `yaml:"silence" doc:"Every migration's share falls to 0 when its controller is silent for this long."`
}

// Default is the configuration of a node without one.
func Default() Config {
	return Config{
		RequestTimeout: 60 * time.Second,
		TryTimeout:     30 * time.Second,
		Retries:        1,
		RetryBackoff:   10 * time.Millisecond,
		RetryBudget:    20,
		Silence:        5 * time.Second,
	}
}

// Validate names each wrong key.
func (c Config) Validate() error {
	f := &fields{}
	for path, d := range map[string]time.Duration{"requestTimeout": c.RequestTimeout, "tryTimeout": c.TryTimeout, "retryBackoff": c.RetryBackoff} {
		if d < 0 {
			f.add(path, d.String(), "must not be negative")
		}
	}
	if c.Retries < 0 || c.Retries > 10 {
		f.add("retries", fmt.Sprint(c.Retries), "must be 0 to 10")
	}
	f.percent("retryBudgetPercent", &c.RetryBudget)
	if c.Silence < time.Second || c.Silence > time.Minute {
		f.add("silence", c.Silence.String(), "must be 1s to 1m")
	}
	if len(f.wrong) > 0 {
		return kind.New(kind.Invalid, "JD-ROUTE-004", "route: wrong configuration: correct the keys").WithFields(f.wrong...)
	}
	return nil
}

// Defaults are what a rule gets where it leaves something out.
func (c Config) Defaults() Defaults {
	return Defaults{
		Timeout: c.RequestTimeout, TryTimeout: c.TryTimeout,
		Retry: RetryPolicy{Attempts: c.Retries, Backoff: c.RetryBackoff, Percent: c.RetryBudget},
	}
}

// Defaults are what a rule gets where it leaves something out.
type Defaults struct {
	Timeout, TryTimeout time.Duration // zero means none
	Retry               RetryPolicy
}

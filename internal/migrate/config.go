package migrate

import (
	"fmt"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

// Config is the part's node configuration. What concerns one migration is in its spec.
type Config struct {
	Tick         time.Duration `yaml:"tick" doc:"How often the controller looks; a rollback leaves within this of the verdict. At most 500ms."`
	StoreTimeout time.Duration `yaml:"storeTimeout" doc:"Limit of one write to the store."`
	Recent       time.Duration `yaml:"recent" doc:"Span of the short window in which the gates look for a failure that began late."`
	Queue        int           `yaml:"queue" doc:"Recordings of one migration that wait to be mirrored, at most."`
	MaxEndpoints int           `yaml:"maxEndpoints" doc:"Endpoints of one migration that are told apart, at most; the rest share one."`
}

// Default is the configuration without a file.
func Default() Config {
	return Config{
		Tick:         250 * time.Millisecond,
		StoreTimeout: 2 * time.Second,
		Recent:       30 * time.Second,
		Queue:        4096,
		MaxEndpoints: 512,
	}
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	var bad []kind.Field
	check := func(ok bool, path string, value any, detail string) {
		if !ok {
			bad = append(bad, kind.Field{Path: path, Value: fmt.Sprint(value), Detail: detail})
		}
	}
	check(c.Tick > 0 && c.Tick <= 500*time.Millisecond, "migrate.tick", c.Tick, "must be above 0 and at most 500ms, or a rollback would come late")
	check(c.StoreTimeout > 0, "migrate.storeTimeout", c.StoreTimeout, "must be above 0")
	check(c.Recent >= time.Second, "migrate.recent", c.Recent, "must be at least 1s")
	check(c.Queue > 0, "migrate.queue", c.Queue, "must be above 0")
	check(c.MaxEndpoints > 0, "migrate.maxEndpoints", c.MaxEndpoints, "must be above 0")
	if bad != nil {
		return kind.New(kind.Invalid, "JD-MIGRATE-001", "the configuration of migrate is not valid").WithFields(bad...)
	}
	return nil
}

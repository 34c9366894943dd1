package data

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/kit/kind"
)

// Config is the part's node configuration. What concerns one migration is in its spec.
type Config struct {
	Databases map[string]Database `yaml:"databases" doc:"Databases that migrations may name."`
	// Memory bounds what a relay holds.
	MaxBytes int64         `yaml:"maxBytes" doc:"Bytes of changes that one relay holds at most; beyond it the log is read no further until they are applied."`
	Batch    int           `yaml:"batch" doc:"Row changes of one transaction at the target at most."`
	Workers  int           `yaml:"workers" doc:"Transactions at the target at the same time; changes of one key stay in one of them."`
	Timeout  time.Duration `yaml:"timeout" doc:"Limit of one statement at a database."`
	MaxCases int           `yaml:"maxCases" doc:"Open differences and cases of one migration that are kept at most; beyond it they are counted."`
}

// Database is one database of a side.
type Database struct {
	Kind     string      `yaml:"kind" enum:"mariadb,mysql,postgres,opengauss,dm8" doc:"What it is."`
	Address  string      `yaml:"address" doc:"host:port, or the path of a Unix socket."`
	Schema   string      `yaml:"schema" doc:"MariaDB, MySQL, DM8: the schema; PostgreSQL, openGauss: the database, its tables in schema public unless search path says otherwise."`
	User     string      `yaml:"user" doc:"Needs rights on the tables carried and on those that begin with jindu_, and for a capture that of reading the log."`
	Password conf.Secret `yaml:"password" doc:"file:/path/to/the/password."`
	TLS      string      `yaml:"tls" enum:"off,verify" doc:"off: only over loopback or a Unix socket; verify: the certificate must hold."`
	CA       string      `yaml:"ca" doc:"PEM file of the authorities; empty: those of the system."`
	Replicas []string    `yaml:"replicas" doc:"Addresses of replicas whose lag throttles a backfill."`
	MaxConns int         `yaml:"maxConns" doc:"Connections at most; default 8."`
}

// Default is the configuration without a file.
func Default() Config {
	return Config{MaxBytes: 64 << 20, Batch: 500, Workers: 4, Timeout: 10 * time.Second, MaxCases: 10_000}
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	var bad []kind.Field
	check := func(ok bool, path string, value any, detail string) {
		if !ok {
			bad = append(bad, kind.Field{Path: path, Value: fmt.Sprint(value), Detail: detail})
		}
	}
	check(c.MaxBytes >= 1<<20, "data.maxBytes", c.MaxBytes, "must be at least 1 MiB, room for one large transaction")
	check(c.Batch > 0 && c.Batch <= 10_000, "data.batch", c.Batch, "must be 1 to 10000")
	check(c.Workers > 0 && c.Workers <= maxStreams, "data.workers", c.Workers, "must be 1 to 64")
	check(c.Timeout >= 100*time.Millisecond, "data.timeout", c.Timeout, "must be at least 100ms")
	check(c.MaxCases > 0, "data.maxCases", c.MaxCases, "must be above 0")
	for _, name := range slices.Sorted(maps.Keys(c.Databases)) {
		d, at := c.Databases[name], "data.databases."+name
		check(slices.Contains([]string{"mariadb", "mysql", "postgres", "opengauss", "dm8"}, d.Kind), at+".kind", d.Kind, "must be mariadb, mysql, postgres, opengauss or dm8")
		check(d.Address != "", at+".address", d.Address, "must be host:port or the path of a Unix socket")
		check(d.Schema != "", at+".schema", d.Schema, "must name the schema or database")
		check(d.TLS == "" || d.TLS == "off" || d.TLS == "verify", at+".tls", d.TLS, "must be off or verify")
		check(d.MaxConns >= 0, at+".maxConns", d.MaxConns, "must not be below 0")
	}
	if bad != nil {
		return kind.New(kind.Invalid, "JD-DATA-026", "the configuration of data is not valid").WithFields(bad...)
	}
	return nil
}

package data

import (
	"time"

	"jindu.dev/jindu/internal/kit/conf"
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

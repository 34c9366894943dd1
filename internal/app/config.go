package app

import (
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/listen"
	"jindu.dev/jindu/internal/kit/logs"
	"jindu.dev/jindu/internal/migrate"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/route"
)

// EnvPrefix begins the name of every environment variable that sets a key.
const EnvPrefix = "JINDU"

// Config is the whole configuration of a node. Every key is optional.
type Config struct {
	DataDir  string          `yaml:"dataDir" doc:"Where the node keeps its objects; empty: jindu below the XDG state directory."`
	Drain    time.Duration   `yaml:"drain" doc:"After the end was asked for, readiness fails for this long before listeners close, so that balancers in front can turn away."`
	Stop     time.Duration   `yaml:"stop" doc:"The whole stop takes at most this long; then what is left is cut."`
	Log      logs.Config     `yaml:"log" doc:"The node's own log, on standard error."`
	Admin    Admin           `yaml:"admin" doc:"Admin API, console, metrics and health."`
	Gateway  gateway.Config  `yaml:"gateway" doc:"The data path."`
	Route    route.Config    `yaml:"route" doc:"Defaults for what routes leave out."`
	Registry registry.Config `yaml:"registry" doc:"Instances, leases and health checks."`
	Migrate  migrate.Config  `yaml:"migrate" doc:"Mirroring and the controller of migrations."`
	Effects  effects.Config  `yaml:"effects" doc:"Proxies that tell what requests do to databases and Redis."`
	Data     data.Config     `yaml:"data" doc:"Databases whose rows migrations carry across."`
}

// Admin is the listener of the admin API.
type Admin struct {
	Listen         string `yaml:"listen" doc:"Address. Anything but loopback needs TLS and tokens, else the node refuses to start."`
	Cert           string `yaml:"cert" doc:"TLS certificate chain, a PEM file; read again when it changes."`
	Key            string `yaml:"key" doc:"TLS private key, a PEM file."`
	ClientCA       string `yaml:"clientCA" doc:"PEM file of the authorities that clients' certificates must descend from; empty: clients need none."`
	Tokens         string `yaml:"tokens" reload:"live" doc:"YAML file with a list of {name, role, services, hash}; hash is the sha256 of the token. Made by jindu token."`
	LocalPrincipal bool   `yaml:"localPrincipal" doc:"On a loopback listener, a caller of this machine without a token is the principal local, an admin."`
}

// Default is the configuration of a node without a file.
func Default() Config {
	return Config{
		Stop:     40 * time.Second,
		Log:      logs.Default(),
		Admin:    Admin{Listen: "127.0.0.1:8090", LocalPrincipal: true},
		Gateway:  gateway.Default(),
		Route:    route.Default(),
		Registry: registry.Default(),
		Migrate:  migrate.Default(),
		Effects:  effects.Default(),
		Data:     data.Default(),
	}
}

// Validate names every wrong key of the sections that app itself owns.
func (c Config) Validate() error {
	var bad []kind.Field
	if c.Drain < 0 {
		bad = append(bad, kind.Field{Path: "drain", Value: c.Drain.String(), Detail: "must not be negative"})
	}
	if c.Stop <= c.Drain {
		bad = append(bad, kind.Field{Path: "stop", Value: c.Stop.String(), Detail: "must be longer than drain"})
	}
	if err := listen.Check(c.Admin.Listen); err != nil {
		bad = append(bad, kind.Field{Path: "admin.listen", Value: c.Admin.Listen, Detail: err.Error()})
	}
	if (c.Admin.Cert == "") != (c.Admin.Key == "") {
		bad = append(bad, kind.Field{Path: "admin.cert", Value: c.Admin.Cert, Detail: "cert and key are given together"})
	}
	if bad == nil {
		return nil
	}
	return kind.New(kind.Invalid, "JD-APP-001", "the configuration is not valid").WithFields(bad...)
}

// Options are what the command hands to a node.
type Options struct {
	ConfigFile string   // empty: none
	DataDir    string   // --data-dir; empty: not given
	LogLevel   string   // --log-level; empty: not given
	Env        []string // NAME=value
	Version    string
	Stdout     io.Writer // access log; nil: none
	Stderr     io.Writer // log; nil: none
	Reload     <-chan struct{}
}

// LoadConfig reads the configuration that o leads to: defaults, file, variables, flags.
func LoadConfig(o Options) (Config, conf.Result, error) {
	cfg := Default()
	src := conf.Source{File: o.ConfigFile, Env: o.Env, EnvPrefix: EnvPrefix, EnvOther: ClientVariables()}
	if o.DataDir != "" {
		src.Flags = append(src.Flags, conf.Flag{Name: "--data-dir", Path: "dataDir", Value: o.DataDir})
	}
	if o.LogLevel != "" {
		src.Flags = append(src.Flags, conf.Flag{Name: "--log-level", Path: "log.level", Value: o.LogLevel})
	}
	result, err := conf.Load(&cfg, src)
	return cfg, result, err
}

// ClientVariables are the variables that the commands read, so that a node started beside them does not take them
// for unknown keys.
func ClientVariables() []string {
	return []string{"JINDU_SERVER", "JINDU_TOKEN_FILE", "JINDU_CA_FILE", "JINDU_TIMEOUT"}
}

// dataDir is where the node keeps its objects.
func dataDir(cfg Config, env func(string) string) (string, error) {
	if cfg.DataDir != "" {
		return cfg.DataDir, nil
	}
	if dir := env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "jindu"), nil
	}
	if runtime.GOOS == "windows" {
		if dir := env("LOCALAPPDATA"); dir != "" {
			return filepath.Join(dir, "jindu"), nil
		}
	}
	if home := env("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "jindu"), nil
	}
	return "", kind.New(kind.Invalid, "JD-APP-002", "dataDir is not set and there is no home directory to put it in: %w; give --data-dir", errNoHome)
}

var errNoHome = errors.New("neither XDG_STATE_HOME nor HOME is set")

// Package logs makes the one logger of a process, which is passed to who needs it and never global.
//
// Messages are constant and lower-case, data is in attributes. An attribute whose key looks like a
// secret (password, token, authorization, cookie, ...) is written as [redacted], however deep it is in
// groups, so that a careless line shows nothing.
package logs

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Config is what an operator says of logs.
type Config struct {
	Level  string `yaml:"level" enum:"debug,info,warn,error" reload:"live" doc:"Least level that is written."`
	Format string `yaml:"format" enum:"text,json" doc:"text: key=value for people. json: one object a line for machines."`
}

// Default is info as text.
func Default() Config { return Config{Level: "info", Format: "text"} }

// Level is the level of a logger; it can change while the logger is in use.
type Level struct{ v slog.LevelVar }

// Set changes the level to debug, info, warn or error.
func (l *Level) Set(name string) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return fmt.Errorf("set the log level: %w", err)
	}
	l.v.Set(level)
	return nil
}

// String is the level in force.
func (l *Level) String() string { return strings.ToLower(l.v.Level().String()) }

// New makes a logger that writes whole lines to w.
func New(w io.Writer, cfg Config) (*slog.Logger, *Level, error) {
	level := &Level{}
	if err := level.Set(cfg.Level); err != nil {
		return nil, nil, err
	}
	opts := &slog.HandlerOptions{Level: &level.v, ReplaceAttr: redact}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts)), level, nil
	}
	return slog.New(slog.NewTextHandler(w, opts)), level, nil
}

const redacted = "[redacted]"

// redact replaces what looks like a secret by its key or by that of a group around it.
func redact(groups []string, a slog.Attr) slog.Attr {
	secret := secretName(a.Key)
	for _, g := range groups {
		secret = secret || secretName(g)
	}
	if secret && !harmless(a.Value) {
		return slog.String(a.Key, redacted)
	}
	return a
}

// harmless values are no secrets under any name: the number of tokens, a flag, an expiry.
func harmless(v slog.Value) bool {
	switch v.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindDuration, slog.KindTime:
		return true
	case slog.KindString:
		return v.String() == "" || strings.HasPrefix(v.String(), "file:") // a reference to a secret
	default:
		return false
	}
}

// secretName says whether a key names a secret: clientSecret, client_secret and Client-Secret alike.
func secretName(key string) bool {
	key = strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(key))
	for _, word := range []string{"password", "passwd", "passphrase", "secret", "token", "authorization", "cookie", "credential", "privatekey", "apikey"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}

package effects

import "jindu.dev/jindu/internal/kit/conf"

// Config is the part's node configuration.
type Config struct {
	Proxies map[string]Proxy `yaml:"proxies" doc:"Proxies in front of databases and Redis, by name; a capture proxy:NAME means one of them."`
}

// Proxy is one proxy.
type Proxy struct {
	Protocol string `yaml:"protocol" enum:"mysql,postgres,redis" doc:"What is spoken: mysql is MariaDB too, postgres openGauss too."`
	Listen   string `yaml:"listen" doc:"Address for the service; anything but loopback needs cert and key."`
	Upstream string `yaml:"upstream" doc:"Address of the database."`
	Cert     string `yaml:"cert" doc:"TLS certificate chain for the listener, a PEM file."`
	Key      string `yaml:"key" doc:"TLS private key, a PEM file."`
	Unmarked string `yaml:"unmarked" enum:"refuse,pass" doc:"What becomes of writes without a mark: refuse, the default and the only safe one where shadows come; pass: they are counted as unattributed, and shadows are refused altogether."`
	Shadow   Shadow `yaml:"shadow" doc:"What becomes of writes of shadows."`
	// NoEmitMark is for who has no use for it, or a database without the function.
	NoEmitMark bool `yaml:"noEmitMark" doc:"postgres: do not put marks of users into the log. Otherwise a transaction of a user that writes carries its mark as a logical message with prefix jindu.mark, for captures by logical decoding; switch it off where nothing decodes the log, where the SDK emits the marks itself, and with openGauss, which has no such messages."`
	MaxConns   int  `yaml:"maxConns" doc:"Connections at most; default 1024."`
}

// Shadow is the rule for shadows.
type Shadow struct {
	Mode     string      `yaml:"mode" enum:"refuse,rollback,divert" doc:"refuse, the default; rollback: they run in a transaction that is recorded and rolled back; divert: they go to another schema, database or key prefix, over a connection of another user where that is given."`
	To       string      `yaml:"to" doc:"divert: name of the schema (MySQL), of the database or search path (PostgreSQL), or key prefix (Redis)."`
	User     string      `yaml:"user" doc:"divert: user of shadow connections; it should have no right on what users own."`
	Password conf.Secret `yaml:"password" doc:"divert: file:/path/to/the/password of that user."`
}

package effects

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/listen"
)

// Words of the configuration.
const (
	ProtocolMySQL    = "mysql"
	ProtocolPostgres = "postgres"
	ProtocolRedis    = "redis"

	UnmarkedRefuse = "refuse"
	UnmarkedPass   = "pass"

	ShadowRefuse   = "refuse"
	ShadowRollback = "rollback"
	ShadowDivert   = "divert"
)

const defaultMaxConns = 1024

// Default is the configuration without a file: no proxies.
func Default() Config { return Config{} }

func (p Proxy) withDefaults() Proxy {
	if p.Unmarked == "" {
		p.Unmarked = UnmarkedRefuse
	}
	if p.Shadow.Mode == "" {
		p.Shadow.Mode = ShadowRefuse
	}
	if p.MaxConns == 0 {
		p.MaxConns = defaultMaxConns
	}
	return p
}

// Validate names every wrong field.
func (c Config) Validate() error {
	var bad []kind.Field
	taken := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Proxies)) {
		p := c.Proxies[name].withDefaults()
		wrong := func(path, value, detail string) {
			bad = append(bad, kind.Field{Path: "proxies." + name + path, Value: value, Detail: detail})
		}
		if !goodName(name) {
			wrong("", name, "a name has 1 to 63 of a-z, 0-9 and -, and captures call it proxy:NAME")
		}
		p.check(wrong)
		if other, twice := taken[p.Listen]; twice && !strings.HasSuffix(p.Listen, ":0") {
			wrong(".listen", p.Listen, "proxy "+other+" listens there already; give each an address of its own")
		}
		taken[p.Listen] = name
	}
	if bad != nil {
		return kind.New(kind.Invalid, "JD-EFFECTS-001", "the configuration of effects is not valid").WithFields(bad...)
	}
	return nil
}

func goodName(s string) bool {
	return s != "" && len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// check is told of a proxy whose defaults are filled in.
func (p Proxy) check(wrong func(path, value, detail string)) {
	oneOf := func(path, value string, words ...string) {
		if !slices.Contains(words, value) {
			wrong(path, value, "must be one of "+strings.Join(words, ", "))
		}
	}
	oneOf(".protocol", p.Protocol, ProtocolMySQL, ProtocolPostgres, ProtocolRedis)
	oneOf(".unmarked", p.Unmarked, UnmarkedRefuse, UnmarkedPass)
	oneOf(".shadow.mode", p.Shadow.Mode, ShadowRefuse, ShadowRollback, ShadowDivert)

	if err := listen.Check(p.Listen); err != nil {
		wrong(".listen", p.Listen, err.Error())
	} else if !listen.Loopback(p.Listen) && p.Cert == "" {
		wrong(".listen", p.Listen, "passwords and rows would cross the network in the clear; set cert and key, or listen on 127.0.0.1")
	}
	if (p.Cert == "") != (p.Key == "") {
		wrong(".cert", p.Cert, "cert and key belong together; give both or neither")
	}
	if host, port, err := net.SplitHostPort(p.Upstream); !strings.HasPrefix(p.Upstream, "/") && (err != nil || host == "" || port == "") {
		wrong(".upstream", p.Upstream, "must be host:port of the database, or the path of its Unix socket")
	} else if p.Upstream == p.Listen {
		wrong(".upstream", p.Upstream, "is the proxy itself; name the database")
	}
	if p.MaxConns < 1 {
		wrong(".maxConns", fmt.Sprint(p.MaxConns), "must be at least 1; 0 means 1024")
	}
	p.checkShadow(wrong)
}

func (p Proxy) checkShadow(wrong func(path, value, detail string)) {
	s := p.Shadow
	if p.Unmarked == UnmarkedPass && s.Mode != ShadowRefuse {
		wrong(".unmarked", p.Unmarked, "a shadow that loses its mark would write as a user; set unmarked to refuse, or shadow.mode to refuse")
	}
	if s.Mode == ShadowRollback && p.Protocol == ProtocolRedis {
		wrong(".shadow.mode", s.Mode, "Redis takes nothing back; use divert with a key prefix, or refuse")
	}
	if s.Mode != ShadowDivert {
		if s.To != "" || s.User != "" || !s.Password.IsZero() {
			wrong(".shadow.to", s.To, "to, user and password are for mode divert; set the mode or remove them")
		}
		return
	}
	if s.To == "" {
		wrong(".shadow.to", "", "divert needs it: the schema, database or key prefix where writes of shadows go")
	}
	if s.User == "" && p.Protocol != ProtocolRedis {
		wrong(".shadow.user", "", "divert needs a user of its own for the shadow connections, without rights on what users own")
	}
	if s.User == "" && !s.Password.IsZero() {
		wrong(".shadow.user", "", "a password without a user; give both or neither")
	}
}

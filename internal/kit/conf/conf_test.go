package conf

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

type nodeConfig struct {
	DataDir string        `yaml:"dataDir" doc:"Where data is kept."`
	Log     logConfig     `yaml:"log" doc:"Logs." reload:"live"`
	Gateway gatewayConfig `yaml:"gateway" doc:"The data path."`
	Admin   adminConfig   `yaml:"admin" doc:"The admin API."`
	Hook    func()
}

type logConfig struct {
	Level string `yaml:"level" enum:"debug,info,warn" doc:"Least level that is written."`
}

type gatewayConfig struct {
	Listen         string        `yaml:"listen" doc:"Address."`
	MaxConnections int           `yaml:"maxConnections" minimum:"1" maximum:"100000" doc:"Client connections at most." reload:"live"`
	MaxBody        Bytes         `yaml:"maxBody" doc:"Body at most."`
	Idle           time.Duration `yaml:"idle" doc:"Time without a request." reload:"live"`
	Sample         float64       `yaml:"sample" minimum:"0" maximum:"1" doc:"Share of requests that are logged."`
	Trusted        []string      `yaml:"trusted" doc:"Proxies that may say who the client is."`
	Strict         bool          `yaml:"strict" doc:"Refuse what is ambiguous."`
	Limit          *int          `yaml:"limit" doc:"Limit; none when absent."`
	Window         uint16        `yaml:"window" doc:"Window."`
}

func (c gatewayConfig) Validate() error {
	if c.Listen == "" {
		return kind.New(kind.Invalid, "JD-TEST-001", "wrong").WithFields(kind.Field{Path: "listen", Value: `""`, Detail: "an address is needed"})
	}
	return nil
}

type adminConfig struct {
	Token  Secret            `yaml:"token" doc:"Token."`
	Tokens []tokenConfig     `yaml:"tokens" doc:"More tokens."`
	Names  map[string]string `yaml:"names" doc:"Names by id."`
	From   netip.Prefix      `yaml:"from" doc:"Who may call."`
}

type tokenConfig struct {
	Name  string `yaml:"name" doc:"Who it is for."`
	Token Secret `yaml:"token" doc:"The token."`
}

func (c *adminConfig) Validate() []kind.Field {
	if len(c.Names) > 2 {
		return []kind.Field{{Path: "admin.names", Detail: "two at most"}}
	}
	return nil
}

func defaults() nodeConfig {
	return nodeConfig{
		DataDir: "/var/lib/jindu",
		Log:     logConfig{Level: "info"},
		Gateway: gatewayConfig{Listen: ":8080", MaxConnections: 10000, MaxBody: 64 * MiB, Idle: time.Minute, Sample: 0.5, Window: 7},
		Admin:   adminConfig{From: netip.MustParsePrefix("127.0.0.0/8")},
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNoFileIsTheDefaults(t *testing.T) {
	cfg := defaults()
	result, err := Load(&cfg, Source{EnvPrefix: "JINDU", Env: []string{"PATH=/bin", "JINDUX=1", "JINDU_GATEWAY_IDLE=", "JINDU_NOTHING="}})
	if err != nil || !reflect.DeepEqual(cfg, defaults()) || len(result.Origins) != 0 {
		t.Fatalf("got %+v, %v, %v", cfg, result, err)
	}
	cfg = defaults()
	if _, err := Load(&cfg, Source{File: write(t, "empty.yaml", "# nothing\n")}); err != nil || !reflect.DeepEqual(cfg, defaults()) {
		t.Fatalf("an empty file: %+v, %v", cfg, err)
	}
}

func TestFlagBeatsVariableBeatsFileBeatsDefault(t *testing.T) {
	file := write(t, "jindu.yaml", `
gateway:
  listen: ":1"
  maxConnections: 11
  idle: 2s
admin:   # all below is left out
log: {level: debug}
`)
	cfg := defaults()
	result, err := Load(&cfg, Source{
		File: file, EnvPrefix: "JINDU",
		Env:   []string{"JINDU_GATEWAY_MAX_CONNECTIONS=22", "JINDU_GATEWAY_IDLE=3s"},
		Flags: []Flag{{"--idle", "gateway.idle", "4s"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.Gateway.Listen, want.Gateway.MaxConnections, want.Gateway.Idle, want.Log.Level = ":1", 22, 4*time.Second, "debug"
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got  %+v\nwant %+v", cfg, want)
	}
	for path, origin := range map[string]string{
		"gateway.listen":         "file jindu.yaml:3:3",
		"gateway.maxConnections": "env JINDU_GATEWAY_MAX_CONNECTIONS",
		"gateway.idle":           "flag --idle",
		"log.level":              "file jindu.yaml:7:7",
		"dataDir":                "default",
	} {
		if got := result.Origins[path].String(); got != origin {
			t.Errorf("origin of %s: %s, want %s", path, got, origin)
		}
	}
}

func TestEveryTypeIsReadFromTheFile(t *testing.T) {
	secret := write(t, "token", "s3cret\n")
	cfg := defaults()
	_, err := Load(&cfg, Source{File: write(t, "jindu.yaml", `
dataDir: 2026-01-31
gateway: {maxBody: 1GiB, sample: 1, trusted: [10.0.0.0/8, "::1"], strict: true, limit: 3, window: 0xff}
admin:
  token: file:`+secret+`
  tokens: [{name: a, token: "file:`+secret+`"}]
  names: {x: "1", y: two}
  from: 10.0.0.0/8
`)})
	if err != nil {
		t.Fatal(err)
	}
	g := cfg.Gateway
	if cfg.DataDir != "2026-01-31" || g.MaxBody != GiB || g.Sample != 1 || !reflect.DeepEqual(g.Trusted, []string{"10.0.0.0/8", "::1"}) || !g.Strict || *g.Limit != 3 || g.Window != 255 {
		t.Errorf("gateway: %+v", g)
	}
	a := cfg.Admin
	if a.Token.Reveal() != "s3cret" || a.Tokens[0].Name != "a" || a.Tokens[0].Token.Reveal() != "s3cret" || a.Names["y"] != "two" || a.From.String() != "10.0.0.0/8" {
		t.Errorf("admin: %+v", a)
	}
}

func TestEveryTypeIsReadFromVariables(t *testing.T) {
	secret := write(t, "token", "s3cret")
	cfg := defaults()
	_, err := Load(&cfg, Source{EnvPrefix: "JINDU", Env: []string{
		"JINDU_GATEWAY_TRUSTED=10.0.0.0/8, 1", "JINDU_GATEWAY_STRICT=true", "JINDU_GATEWAY_LIMIT=4", "JINDU_GATEWAY_LISTEN=8080",
		"JINDU_ADMIN_TOKENS=[{name: b}]", "JINDU_ADMIN_NAMES={a: '1'}", "JINDU_ADMIN_TOKEN=file:" + secret, "JINDU_GATEWAY_MAX_BODY=1024",
	}})
	if err != nil {
		t.Fatal(err)
	}
	g := cfg.Gateway
	if !reflect.DeepEqual(g.Trusted, []string{"10.0.0.0/8", "1"}) || !g.Strict || *g.Limit != 4 || g.Listen != "8080" || g.MaxBody != KiB {
		t.Errorf("gateway: %+v", g)
	}
	if a := cfg.Admin; a.Tokens[0].Name != "b" || a.Names["a"] != "1" || a.Token.Reveal() != "s3cret" {
		t.Errorf("admin: %+v", a)
	}
}

// TestWrongInputIsNamed: each wrong input is reported with where it stands, what it is and what helps.
func TestWrongInputIsNamed(t *testing.T) {
	f := func(yaml string, want ...string) {
		t.Helper()
		cfg := defaults()
		_, err := Load(&cfg, Source{File: write(t, "c.yaml", yaml)})
		if kind.Of(err) != kind.Invalid || kind.Code(err) != "JD-CONF-003" {
			t.Errorf("%q: got %v", yaml, err)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q:\n%v\ndoes not say %q", yaml, err, w)
			}
		}
	}
	f("gateway:\n  lisen: :1", "gateway.lisen = :1: c.yaml:2:3: unknown key", `did you mean "listen"?`)
	f("gatway: {}", `did you mean "gateway"?`)
	f("maxConnections: 3", `did you mean "gateway.maxConnections"?`)
	f("log: {zzzzzz: 1}", "the keys here are level")
	f("gateway: {maxConnections: many}", "gateway.maxConnections = many: c.yaml:1:27: expected a whole number from 1 to 100000")
	f("gateway: {maxConnections: 0}", "expected a whole number from 1 to 100000")
	f("gateway: {maxConnections: 1.5}", "expected a whole number")
	f("gateway: {listen: 8080}", "gateway.listen = 8080", "expected a text; put it in quotes")
	f("gateway: {listen: [a]}", "gateway.listen = […]")
	f("gateway: {idle: 5}", "expected a duration such as 250ms")
	f("gateway: {idle: -5s}", "expected a duration")
	f("gateway: {maxBody: 5M}", "expected a size such as 64MiB")
	f("gateway: {maxBody: true}", "expected a size")
	f("gateway: {sample: 1.1}", "expected a number from 0 to 1")
	f("gateway: {sample: .inf}", "expected a number")
	f("gateway: {strict: yes}", "expected true or false")
	f("gateway: {window: 70000}", "expected a whole number, 0 or more")
	f("gateway: {limit: x}", "expected a whole number")
	f("gateway: {trusted: a}", "expected a list")
	f("gateway: {trusted: [a, 1]}", "gateway.trusted[1] = 1: c.yaml:1:24")
	f("gateway: 3", "expected a mapping")
	f("log: {level: loud}", "expected one of debug, info, warn")
	f("log: {level: info}\nlog: {level: warn}", "log: c.yaml:2:1: the key is in line 1 already")
	f("log: &a {level: info}\ngateway: *a", "expected a mapping")
	f("dataDir: *a", "unknown anchor")
	f("log: {level: &a info}\ndataDir: *a", "aliases are not read")
	f("log: {<<: {level: info}}", "aliases and merges are not read")
	f("? [a]\n: 1", "a key is one plain word")
	f("dataDir: a\n---\ndataDir: b", "a second document begins")
	f("dataDir: [", "c.yaml: this is no YAML: line 1")
	f("dataDir: a\n---\n[", "this is no YAML")
	f("- a", "expected a mapping")
	f("admin: {token: s3cret}", "admin.token: c.yaml:1:16: a secret is given as file:/path/to/it, never by value")
	f("admin: {token: [s3cret]}", "expected file:/path")
	f("admin: {token: 'file:nowhere'}", "cannot be read")
	f("admin: {tokens: [{name: 1, who: 2}]}", "admin.tokens[0].name = 1", "admin.tokens[0].who = 2", "unknown key")
	f("admin: {tokens: [3]}", "admin.tokens[0] = 3: c.yaml:1:18: expected a mapping")
	f("admin: {names: [1]}", "expected a mapping")
	f("admin: {from: here}", "expected a text of the form of netip.Prefix")
	f("gateway: {listen: ''}", `gateway.listen = "": c.yaml:1:11: an address is needed`)
	f("admin: {names: {a: a, b: b, c: c}}", "admin.names: c.yaml:1:9: two at most")
	f("dataDir: 1\nlog: {level: 2}", "has 2 problems")
}

func TestASecretIsNeverInAnError(t *testing.T) {
	cfg := defaults()
	_, err := Load(&cfg, Source{File: write(t, "c.yaml", "admin: {token: hunter2}"), EnvPrefix: "JINDU", Env: []string{"JINDU_ADMIN_TOKN=hunter2"}})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestAnUnknownVariableIsAnError(t *testing.T) {
	load := func(env ...string) error {
		cfg := defaults()
		_, err := Load(&cfg, Source{EnvPrefix: "JINDU", Env: env, EnvOther: []string{"JINDU_SERVER"}})
		return err
	}
	err := load("JINDU_GATEWAY_LISTN=:1")
	if kind.Code(err) != "JD-CONF-003" || !strings.Contains(err.Error(), `did you mean "JINDU_GATEWAY_LISTEN"?`) {
		t.Errorf("got %v", err)
	}
	if err := load("JINDU_GATEWAY_IDLE=x"); err == nil || !strings.Contains(err.Error(), "gateway.idle = x: JINDU_GATEWAY_IDLE: expected a duration") {
		t.Errorf("got %v", err)
	}
	if err := load("JINDU_GATEWAY_PORT=8080"); err == nil {
		t.Error("JINDU_GATEWAY_PORT passed")
	}
	// What Kubernetes sets for a Service named jindu is nobody's mistake.
	if err := load("JINDU_SERVER=http://x", "JINDU_SERVICE_HOST=10.0.0.1", "JINDU_SERVICE_PORT=80", "JINDU_SERVICE_PORT_HTTP=80", "JINDU_PORT=tcp://10.0.0.1:80",
		"JINDU_PORT_80_TCP=tcp://10.0.0.1:80", "JINDU_PORT_80_TCP_ADDR=10.0.0.1", "JINDU_ADMIN_PORT=tcp://10.0.0.1:80"); err != nil {
		t.Error(err)
	}
}

func TestAnUnknownFlagPathIsAnError(t *testing.T) {
	cfg := defaults()
	for _, path := range []string{"nowhere", "gateway", "gateway.nowhere"} {
		if _, err := Load(&cfg, Source{Flags: []Flag{{"--x", path, "1"}}}); err == nil || !strings.Contains(err.Error(), "--x: no such key") {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestAFileThatCannotBeReadSaysWhatToDo(t *testing.T) {
	cfg := defaults()
	_, err := Load(&cfg, Source{File: filepath.Join(t.TempDir(), "none.yaml")})
	if kind.Of(err) != kind.NotFound || kind.Code(err) != "JD-CONF-001" || !strings.Contains(err.Error(), "--config") || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := Load(&cfg, Source{File: t.TempDir()}); kind.Code(err) != "JD-CONF-002" || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("directory: %v", err)
	}
	if _, err := Load(&cfg, Source{File: write(t, "big", strings.Repeat("#", int(maxFile)+1))}); kind.Of(err) != kind.Exhausted {
		t.Errorf("large: %v", err)
	}
	if _, err := Load(&cfg, Source{File: write(t, "many.yaml", strings.Repeat("x: 1\n", 1000))}); err == nil || !strings.Contains(err.Error(), fmt.Sprint(maxProblems)) {
		t.Errorf("problems are not bounded: %v", err)
	}
}

func TestASecretShowsItsReferenceOnly(t *testing.T) {
	s := NewSecret("file:/t", "hunter2")
	type around struct {
		S     Secret
		inner Secret
	}
	text, err := s.MarshalText()
	if err != nil || string(text) != "file:/t" || s.Reveal() != "hunter2" || s.IsZero() || (Secret{}).Reveal() != "" {
		t.Fatalf("%s %v", text, err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("secret", "s", s)
	for _, out := range []string{s.String(), fmt.Sprintf("%#v", s), fmt.Sprintf("%+v", around{s, s}), fmt.Sprintf("%#v", around{s, s}), log.String()} {
		if strings.Contains(out, "hunter2") {
			t.Errorf("shown: %s", out)
		}
	}
	for text, want := range map[string]string{"": "is empty", "\n": "is empty", strings.Repeat("x", maxSecret+1): "larger than 64KiB"} {
		if _, err := readSecret("file:token", filepath.Dir(write(t, "token", text))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
}

func TestSizesAndDurationsAreWrittenAsRead(t *testing.T) {
	for text, want := range map[string]Bytes{"0": 0, "1B": 1, "1KiB": 1024, "64MiB": 64 * MiB, "3 GiB": 3 * GiB, "2TiB": 2 << 40, "10MB": 10_000_000, "5kB": 5000} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%q: %d, %v", text, b, err)
		}
		var again Bytes
		if err := again.UnmarshalText([]byte(b.String())); err != nil || again != b {
			t.Errorf("%v reads as %d, %v", b, again, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5GiB", "9999999999TiB", "1M"} {
		var b Bytes
		if b.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q passed as %d", text, b)
		}
	}
	for d, want := range map[time.Duration]string{0: "0s", time.Minute: "1m", time.Hour: "1h", 90 * time.Minute: "1h30m", 10 * time.Second: "10s", 1500 * time.Millisecond: "1.5s"} {
		if got := durationText(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

func TestNamesFollowTheField(t *testing.T) {
	for in, want := range map[string]string{"Listen": "listen", "MaxBody": "maxBody", "URL": "url", "TLSCert": "tlsCert", "X": "x"} {
		if got := lowerFirst(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"gateway.maxConnections": "J_GATEWAY_MAX_CONNECTIONS", "admin.tlsCert": "J_ADMIN_TLS_CERT", "a.clientIP": "J_A_CLIENT_IP", "a.HTTPPort": "J_A_HTTP_PORT", "a-b": "J_A_B"} {
		if got := envName("J", in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func TestEmbeddedSectionsAreInlined(t *testing.T) {
	type Common struct{ Name string }
	type config struct {
		Common
		More struct{ Port int } `yaml:",inline"`
		Off  string             `yaml:"-"`
	}
	var cfg config
	if _, err := Load(&cfg, Source{File: write(t, "c.yaml", "name: a\nport: 3\n"), EnvPrefix: "J", Env: []string{"J_NAME=b"}}); err != nil || cfg.Name != "b" || cfg.More.Port != 3 {
		t.Errorf("got %+v, %v", cfg, err)
	}
}

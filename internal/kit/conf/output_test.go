package conf

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"jindu.dev/jindu/internal/kit/kind"
)

var update = flag.Bool("update", false, "rewrite golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update if it should. Got:\n%s", name, got)
	}
}

func TestExampleLoadsAsTheDefaults(t *testing.T) {
	example := Example("The whole configuration.\n\nEvery key is optional.", defaults())
	golden(t, "example.yaml", example)
	var cfg nodeConfig
	if _, err := Load(&cfg, Source{File: write(t, "example.yaml", string(example))}); err != nil {
		t.Fatal(err)
	}
	if changes := Diff(cfg, defaults()); len(changes) != 0 {
		t.Errorf("the example says %v", changes)
	}
}

func TestPrintSaysWhereEachValueIsFrom(t *testing.T) {
	secret := write(t, "token", "hunter2")
	cfg := defaults()
	result, err := Load(&cfg, Source{File: write(t, "jindu.yaml", "gateway:\n  trusted: [a, b]\nadmin: {token: 'file:"+secret+"'}\n"), EnvPrefix: "JINDU", Env: []string{"JINDU_LOG_LEVEL=warn"}})
	if err != nil {
		t.Fatal(err)
	}
	out := string(Print(cfg, result))
	if strings.Contains(out, "hunter2") {
		t.Error("the secret is shown")
	}
	golden(t, "print.yaml", []byte(strings.ReplaceAll(out, secret, "/token")))
	var again nodeConfig
	if _, err := Load(&again, Source{File: write(t, "again.yaml", out)}); err != nil || len(Diff(cfg, again)) != 0 {
		t.Errorf("what is printed loads as something else: %v %v", Diff(cfg, again), err)
	}
}

func compile(t *testing.T, data []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("conf.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("conf.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func yamlValue(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSchemaAgreesWithTheLoader: what one takes the other takes, but for null, which the loader takes for
// every key.
func TestSchemaAgreesWithTheLoader(t *testing.T) {
	data, err := Schema("Jindu node", "JINDU", defaults())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "schema.json", data)
	schema := compile(t, data)
	f := func(text string, ok bool) {
		t.Helper()
		cfg := defaults()
		_, loadErr := Load(&cfg, Source{File: write(t, "c.yaml", text)})
		schemaErr := schema.Validate(yamlValue(t, text))
		if (loadErr == nil) != ok || (schemaErr == nil) != ok {
			t.Errorf("%q: loader: %v, schema: %v", text, loadErr, schemaErr)
		}
	}
	f(string(Example("x", defaults())), true)
	f("gateway:\nlog: {level: debug}", true)
	f("gateway: {idle: 1h30m, maxBody: 1GiB, sample: 1, limit: 3}", true)
	f("gateway: {maxBody: 1024}", true)
	f("admin: {names: {a: b}, tokens: [{name: a}]}", true)
	f("gatway: {}", false)
	f("gateway: {idle: 5}", false)
	f("gateway: {idle: soon}", false)
	f("gateway: {maxBody: 1M}", false)
	f("gateway: {maxConnections: 0}", false)
	f("gateway: {maxConnections: 100001}", false)
	f("gateway: {sample: 2}", false)
	f("gateway: {window: -1}", false)
	f("gateway: {strict: 'true'}", false)
	f("log: {level: loud}", false)
	f("admin: {token: s3cret}", false)
	f("admin: {tokens: [{nam: a}]}", false)
}

func TestSchemaRefusesAKeyWithoutDocAndTwoKeysWithOneVariable(t *testing.T) {
	type config struct {
		A  struct{ BC int }
		AB struct{ C int } `yaml:"aB"`
	}
	_, err := Schema("x", "X", config{})
	if err == nil || !strings.Contains(err.Error(), "a.bc has no doc") {
		t.Errorf("got %v", err)
	}
	type twice struct {
		One int `yaml:"a.b" doc:"x"`
		Two int `yaml:"a-b" doc:"x"`
	}
	if _, err := Schema("x", "X", twice{}); err == nil || !strings.Contains(err.Error(), "share the variable X_A_B") {
		t.Errorf("got %v", err)
	}
}

func TestDiffSaysWhatARestartNeeds(t *testing.T) {
	before, after := defaults(), defaults()
	after.Log.Level, after.Gateway.Listen, after.Gateway.Idle, after.Gateway.Trusted = "debug", ":9", time.Hour, []string{}
	before.Admin.Token, after.Admin.Token = NewSecret("file:/t", "a"), NewSecret("file:/t", "b")
	want := []Change{
		{"log.level", "info", "debug", true},
		{"gateway.listen", `":8080"`, `":9"`, false},
		{"gateway.idle", "1m", "1h", true},
		{"admin.token", `"file:/t"`, `"file:/t" (new content)`, false},
	}
	if got := Diff(before, after); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if got := want[0].String(); got != "log.level: info -> debug" {
		t.Error(got)
	}
	next, live, restart, err := Live(before, after)
	if err != nil || len(live) != 2 || len(restart) != 2 {
		t.Fatalf("live %v, restart %v, %v", live, restart, err)
	}
	if next.Gateway.Listen != ":8080" || next.Gateway.Idle != time.Hour || next.Log.Level != "debug" || next.Admin.Token.Reveal() != "a" {
		t.Errorf("next is %+v", next)
	}
	before.Gateway.Listen = ""
	if _, _, _, err := Live(before, after); err == nil {
		t.Error("a mixture that is invalid passed")
	}
}

func TestAFailedApplyIsTakenBackInReverse(t *testing.T) {
	before, after := defaults(), defaults()
	after.Log.Level, after.Gateway.Idle, after.Gateway.MaxConnections = "debug", time.Hour, 5
	changes := Diff(before, after)
	var did []string
	refuse := errors.New("refused")
	applier := func(section, name string, fail string) Applier[nodeConfig] {
		return Applier[nodeConfig]{Section: section, Apply: func(c nodeConfig) error {
			did = append(did, name+" "+c.Log.Level)
			if c.Log.Level == fail {
				return refuse
			}
			return nil
		}}
	}
	f := func(want []string, wantErr error, say string, appliers ...Applier[nodeConfig]) {
		t.Helper()
		did = nil
		err := Apply(before, after, changes, appliers...)
		if !errors.Is(err, wantErr) || !strings.Contains(fmt.Sprint(err), say) || !slices.Equal(did, want) {
			t.Errorf("did %q: %v", did, err)
		}
	}
	f([]string{"log debug", "gw debug"}, nil, "", applier("log", "log", ""), applier("admin", "admin", ""), applier("gateway", "gw", ""))
	f([]string{"log debug", "gw debug", "gw info", "log info"}, refuse, "apply gateway: refused", applier("log", "log", ""), applier("gateway", "gw", "debug"))
	f([]string{"log debug", "gw debug", "gw info", "log info"}, refuse, "take back log", applier("log", "log", "info"), applier("gateway", "gw", "debug"))
	did = nil
	if err := Apply(before, after, changes, applier("log", "log", "")); err == nil || !slices.Equal(did, []string{"log debug", "log info"}) {
		t.Errorf("a key that nothing takes passed: did %q", did)
	}
}

func TestValidateCollectsFromEverySection(t *testing.T) {
	cfg := defaults()
	cfg.Gateway.Listen = ""
	cfg.Admin.Names = map[string]string{"a": "", "b": "", "c": ""}
	err := Validate(&cfg)
	e, ok := errors.AsType[*kind.Error](err)
	if !ok || len(e.Fields) != 2 || e.Fields[0].Path != "gateway.listen" || e.Fields[1].Path != "admin.names" {
		t.Errorf("got %v", err)
	}
	if err := Validate(plain{}); err == nil || !strings.Contains(err.Error(), "nothing is set") {
		t.Errorf("got %v", err)
	}
}

type plain struct{ Name string }

func (p plain) Validate() error {
	if p.Name == "" {
		return errors.New("nothing is set")
	}
	return nil
}

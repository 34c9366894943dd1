package app

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/kit/web"
)

var update = flag.Bool("update", false, "write the generated files anew")

// generated compares data with a file of the tree, or writes it with -update.
func generated(t *testing.T, file string, data []byte) {
	t.Helper()
	path := filepath.Join("..", "..", file)
	if *update {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, data) {
		t.Errorf("%s is not what the code gives; run make gen", file)
	}
}

func testNode(t *testing.T, change ...func(*Config)) *node {
	t.Helper()
	cfg := Default()
	cfg.DataDir = t.TempDir()
	cfg.Gateway.Listen, cfg.Admin.Listen = "127.0.0.1:0", "127.0.0.1:0"
	for _, f := range change {
		f(&cfg)
	}
	n, err := newNode(cfg, Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestGeneratedOpenAPI(t *testing.T) {
	data, err := web.OpenAPI(testNode(t).api(http.NewServeMux()))
	if err != nil {
		t.Fatal(err)
	}
	generated(t, "api/openapi.yaml", data)
}

func TestGeneratedSchema(t *testing.T) {
	data, err := conf.Schema("Configuration of a Jindu node", EnvPrefix, Default())
	if err != nil {
		t.Fatal(err)
	}
	generated(t, "api/jindu.schema.json", data)
}

func TestGeneratedExample(t *testing.T) {
	generated(t, "jindu.example.yaml", conf.Example("Configuration of a Jindu node. Every key is optional; these are the defaults.", Default()))
}

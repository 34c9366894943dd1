package route

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write api/cohort.golden.json")

type golden struct {
	Function string   `json:"function"`
	Vectors  []vector `json:"vectors"`
}

type vector struct {
	Salt    string `json:"salt"`
	Subject string `json:"subject"`
	Hash    string `json:"hash"` // hex, 64 bits
	Bucket  int    `json:"bucket"`
}

func vectors() golden {
	salts := []string{"", "orders-to-go", "订单迁移"}
	subjects := []string{
		"", "0", "1", "2", "9", "10", "42", "1000000", "18446744073709551615", "-1",
		"a", "b", "user-1", "user-2", "user-123456", "Alice", "alice", "alice@example.com",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8", "10.0.0.1", "2001:db8::1",
		"用户", "用户一", "張偉", "ユーザー", "사용자", "Ünïcödé", "e\u0301", "é", "😀", "\u0000", "a\u0000b", " ", "\t",
		strings.Repeat("x", 1000), strings.Repeat("长", 300), "\u200b", "\uffff",
	}
	g := golden{Function: "h = FNV-1a 64 over salt (UTF-8), one zero byte, subject (UTF-8); hash = fmix64 of MurmurHash3 (h); bucket = hash mod 10000, unsigned"}
	for _, salt := range salts {
		for _, s := range subjects {
			g.Vectors = append(g.Vectors, vector{salt, s, fmt.Sprintf("%016x", Hash(salt, s)), Bucket(salt, s)})
		}
	}
	return g
}

func TestTheGoldenVectorsAreThoseOfTheFunction(t *testing.T) {
	file := filepath.FromSlash("../../api/cohort.golden.json")
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(vectors()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("api/cohort.golden.json differs: a change of the function moves every user; if that is meant, run with -update")
	}
	if len(vectors().Vectors) < 60 {
		t.Error("too few vectors")
	}
}

// Known values of the parts, from their authors: FNV-1a 64 of "foobar", fmix64 of 0 and 1.
func TestTheHashIsMadeOfTheKnownFunctions(t *testing.T) {
	if h := fold(uint64(fnvOffset), "foobar"); h != 0x85944171f73967e8 {
		t.Errorf("FNV-1a of foobar is %x", h)
	}
	if h := finish(1); h != 0xb456bcfc34c2cb2c || finish(0) != 0 {
		t.Errorf("fmix64 of 1 is %x", h)
	}
}

func TestJavaComputesTheSameBuckets(t *testing.T) {
	java, err := exec.LookPath("java")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no java on the PATH: CI needs a JDK")
		}
		t.Skip("no java on the PATH: install a JDK to check the vectors against it")
	}
	var in, want strings.Builder
	for _, v := range vectors().Vectors {
		fmt.Fprintf(&in, "%x %x\n", v.Salt, v.Subject)
		fmt.Fprintf(&want, "%x %d\n", Hash(v.Salt, v.Subject), v.Bucket)
	}
	cmd := exec.CommandContext(t.Context(), java, "-Xshare:auto", "-XX:TieredStopAtLevel=1", filepath.Join("testdata", "CohortVectors.java"))
	cmd.Stdin = strings.NewReader(in.String())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	got, expected := strings.Fields(string(out)), strings.Fields(want.String())
	if !slices.Equal(got, expected) {
		t.Errorf("Java differs:\n%s\nwant\n%s", out, want.String())
	}
}

package data

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	shopjava "jindu.dev/jindu/examples/shop-java"

	"jindu.dev/jindu/sdk/effects"
)

// nobody is told what runs did.
type nobody = *effects.Reporter

// missing skips a test, or fails it where everything must be there.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// jdbc is the JDBC driver's jar, fetched by Maven once and kept in the user's cache.
func jdbc(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		missing(t, "no cache directory for the JDBC driver: "+err.Error())
	}
	part := strings.Split(shopjava.Driver, ":")
	dir := filepath.Join(cache, "jindu", "jdbc")
	jar := filepath.Join(dir, part[1]+"-"+part[2]+".jar")
	if _, err := os.Stat(jar); err == nil {
		return jar
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "mvn", "-q", "-B", "dependency:copy", "-Dartifact="+shopjava.Driver, "-DoutputDirectory="+dir)
	cmd.Dir = t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, "no JDBC driver at "+jar+" and none from Maven: "+err.Error()+"\n"+string(out))
	}
	return jar
}

// startJava starts the old shop and gives its URL.
func startJava(t *testing.T, db string, args ...string) string {
	t.Helper()
	java, err := exec.LookPath("java")
	if err != nil {
		missing(t, "no java on the PATH: install JDK 17 or later")
	}
	jar := jdbc(t)
	dir := t.TempDir()
	source := filepath.Join(dir, "Shop.java")
	if err := os.WriteFile(source, shopjava.Source, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), java, append([]string{"-XX:TieredStopAtLevel=1", "-cp", jar, source, "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), "SHOP_DB="+db)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if !ok {
		t.Fatalf("shop-java said %q: %v", line, err)
	}
	return "http://" + address
}

package scene

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"jindu.dev/jindu/internal/demo"
	"jindu.dev/jindu/internal/kit/kind"
)

// The test binary plays the program: started with "demo-service" it is one of the demo's processes.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		if err := fakeNode(os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[1] == "demo-service" {
		ctx := context.Background()
		if os.Args[2] == "sleep" { // a command that does not watch its parent
			fmt.Println("listening nowhere")
			time.Sleep(time.Minute)
			os.Exit(0)
		}
		if os.Args[2] == "parent" {
			playParent(os.Args[3], os.Args[4])
		}
		if err := Service(ctx, os.Args[2], os.Args[3:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// playParent starts two processes and waits to be killed.
func playParent(dir, program string) {
	failed := make(chan error, 2)
	store, err := start("store", exec.Command(program, "demo-service", "store"), failed)
	if err == nil {
		var guarded *process
		if guarded, err = start("guarded", exec.Command(program, "demo-service", "guard", dir, program, "demo-service", "sleep"), failed); err == nil {
			_, err = guarded.listening(context.Background())
		}
	}
	address := ""
	if err == nil {
		address, err = store.listening(context.Background())
	}
	fmt.Println(address)
	if err == nil {
		time.Sleep(time.Minute)
	}
	os.Exit(1)
}

func self(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(program, append([]string{"demo-service"}, args...)...)
}

func TestAServiceTellsItsAddressAndEndsWithItsStandardInput(t *testing.T) {
	failed := make(chan error, 1)
	store, err := start("store", self(t, "store"), failed)
	if err != nil {
		t.Fatal(err)
	}
	defer store.stop(time.Second)
	storeAt, err := store.listening(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	orders, err := start("order-go", self(t, "order-go", "--store", "http://"+storeAt, "--defect", "lost-field"), failed)
	if err != nil {
		t.Fatal(err)
	}
	at, err := orders.listening(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + at + "/products/1")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != 200 || strings.Contains(string(body), "sku") {
		t.Errorf("%d %s (%v)", resp.StatusCode, body, err)
	}
	orders.stop(20 * time.Second)
	store.stop(20 * time.Second)
	for _, p := range []*process{orders, store} {
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("%s exited with %d: %v", p.name, code, p.err)
		}
	}
}

func TestAProcessThatFailsIsReportedWithItsLastWords(t *testing.T) {
	failed := make(chan error, 1)
	p, err := start("odd", self(t, "nothing"), failed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.listening(t.Context()); err == nil || !strings.Contains(err.Error(), "no demo service") {
		t.Errorf("listening: %v", err)
	}
	if err := <-failed; !strings.Contains(err.Error(), "odd ended by itself") {
		t.Errorf("failed: %v", err)
	}
	if _, err := start("absent", exec.Command(filepath.Join(t.TempDir(), "absent")), failed); err == nil {
		t.Error("a program that does not exist was started")
	}
	p, err = start("silent", self(t, "store"), failed)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range p.lines { // take the address away
		break
	}
	if _, err := p.listening(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("listening: %v", err)
	}
	p.stop(20 * time.Second)
}

func TestAGuardStopsItsCommandAndRemovesItsDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := start("guarded", self(t, "guard", dir, program, "demo-service", "sleep"), make(chan error, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.listening(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.stop(20 * time.Second)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
	if err := guard(t.Context(), []string{""}); err == nil {
		t.Error("a guard without a command")
	}
}

// A killed demo cannot say goodbye: what it started must notice by itself.
func TestNothingOutlivesAKilledParent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The parent starts a store and a guard with its command, says so, and is killed.
	parent := self(t, "parent", dir, program)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(line)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	deadline := time.After(30 * time.Second)
	for {
		_, gone := os.Stat(dir)
		c, err := net.Dial("tcp", address)
		if err != nil && errors.Is(gone, os.ErrNotExist) {
			return
		}
		if err == nil {
			_ = c.Close()
		}
		select {
		case <-deadline:
			t.Fatalf("30 s later: store %v, guard's directory %v", err, gone)
		case <-time.After(20 * time.Millisecond): // between two looks
		}
	}
}

func TestAJDKIsFoundOrToldWhyNot(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	t.Setenv("JAVA_HOME", "")
	if _, err := findJDK(t.Context()); err == nil {
		t.Error("a JDK in an empty directory")
	}
	if err := install(t.Context(), javaPackages...); err == nil || !strings.Contains(err.Error(), "apt-get") {
		t.Errorf("install without apt-get: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	write := func(name, script string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("java", `echo 'openjdk version "11.0.2"' >&2`)
	if _, err := findJDK(t.Context()); err == nil || !strings.Contains(err.Error(), "is Java 11") {
		t.Errorf("Java 11: %v", err)
	}
	write("java", `exit 1`)
	if _, err := findJDK(t.Context()); err == nil {
		t.Error("a java that fails")
	}
	write("java", `echo 'openjdk version "21.0.2"' >&2`)
	j, err := findJDK(t.Context())
	if err != nil || j.feature != 21 || j.javac != "" {
		t.Fatalf("%+v (%v)", j, err)
	}
	command, err := j.command(t.Context(), orderProgram(), dir, dir, "--x")
	if err != nil || command[len(command)-2] != filepath.Join(dir, "Order.java") || command[len(command)-1] != "--x" {
		t.Errorf("without javac: %v (%v)", command, err)
	}
	write("javac", `echo broken; exit 1`)
	if j, err = findJDK(t.Context()); err != nil || j.javac == "" {
		t.Fatalf("%+v (%v)", j, err)
	}
	if _, err := j.command(t.Context(), orderProgram(), dir, dir); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a compiler that fails: %v", err)
	}
	write("javac", `while [ "$1" != -d ]; do shift; done; echo class > "$2/Order.class"; echo once >> `+filepath.Join(dir, "runs"))
	for range 2 {
		if command, err = j.command(t.Context(), orderProgram(), filepath.Join(dir, "cache"), dir); err != nil || command[len(command)-1] != "Order" {
			t.Fatalf("%v (%v)", command, err)
		}
	}
	if runs, err := os.ReadFile(filepath.Join(dir, "runs")); err != nil || string(runs) != "once\n" {
		t.Errorf("compiled %q times (%v)", runs, err)
	}
	write("apt-get", `echo "E: no such package"; exit 100`)
	if err := install(t.Context(), javaPackages...); err == nil {
		t.Error("an installation that fails")
	}
}

func TestRunRefusesADefectThatDoesNotExistAndReportsANodeThatDoesNotStart(t *testing.T) {
	env := func(string) string { return "" }
	if _, err := Run(t.Context(), Options{Defect: "none", Env: env}, testDial, io.Discard); kind.Of(err) != kind.Invalid {
		t.Errorf("defect: %v", err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("FAKE_NODE", "fails")
	_, err = Run(t.Context(), Options{Program: program, StandIn: true, Headless: true, Env: env}, testDial, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "told to fail") {
		t.Errorf("node: %v", err)
	}
}

func TestRunPlaysTheWholeSceneAndWritesItsReport(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	temp, file := t.TempDir(), filepath.Join(t.TempDir(), "report.json")
	t.Setenv("TMPDIR", temp)
	var out strings.Builder
	o := Options{Program: program, StandIn: true, Headless: true, Fast: true, Rate: 200, Report: file, Env: func(string) string { return "" }}
	outcome, err := Run(t.Context(), o, testDial, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if outcome.Unexpected != "" || outcome.OldRuntime != demo.StandIn {
		t.Errorf("outcome %+v\n%s", outcome, out.String())
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var read demo.Report
	if err := json.Unmarshal(raw, &read); err != nil || read != outcome.Report {
		t.Errorf("the file holds %s (%v)", raw, err)
	}
	if left, err := os.ReadDir(temp); runtime.GOOS != "windows" && (err != nil || len(left) > 0) {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	o.StandIn = false // in Java where there is a JDK
	o.Report = filepath.Join(temp, "no", "such", "folder")
	if _, err := Run(t.Context(), o, testDial, io.Discard); err == nil || !strings.Contains(err.Error(), "write the report") {
		t.Errorf("a report that cannot be written: %v", err)
	}
}

func TestTheLocaleIsReadAsPOSIXSays(t *testing.T) {
	env := map[string]string{"LANG": "zh_CN.UTF-8"}
	get := func(k string) string { return env[k] }
	if locale(get) != "zh_CN.UTF-8" {
		t.Error("LANG")
	}
	if env["LC_ALL"] = "C"; locale(get) != "C" || locale(func(string) string { return "" }) != "" {
		t.Error("LC_ALL comes first")
	}
}

var _ demo.Node = (*admin)(nil)

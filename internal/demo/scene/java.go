package scene

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	orderjava "jindu.dev/jindu/examples/order-java"
)

// jdk is a Java runtime of version 17 or later.
type jdk struct {
	java    string
	javac   string // empty: java compiles the source itself at each start
	feature int    // 17
}

var versionText = regexp.MustCompile(`version "(\d+)`)

// findJDK looks in JAVA_HOME and PATH.
func findJDK(ctx context.Context) (*jdk, error) {
	var candidates []string
	if home := os.Getenv("JAVA_HOME"); home != "" {
		candidates = append(candidates, filepath.Join(home, "bin", "java"+exe()))
	}
	if path, err := exec.LookPath("java"); err == nil {
		candidates = append(candidates, path)
	}
	err := errors.New("java is neither in JAVA_HOME nor in PATH")
	for _, java := range candidates {
		var j *jdk
		if j, err = inspect(ctx, java); err == nil {
			return j, nil
		}
	}
	return nil, err
}

func inspect(ctx context.Context, java string) (*jdk, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, java, "-XX:TieredStopAtLevel=1", "-version").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s -version: %w", java, err)
	}
	j := &jdk{java: java}
	if m := versionText.FindSubmatch(out); m != nil {
		j.feature, _ = strconv.Atoi(string(m[1])) // digits
	}
	if j.feature < 17 {
		return nil, fmt.Errorf("%s is Java %d, 17 or later is needed", java, j.feature)
	}
	real := java
	if r, err := filepath.EvalSymlinks(java); err == nil {
		real = r
	}
	for _, dir := range []string{filepath.Dir(real), filepath.Dir(java)} {
		if javac := filepath.Join(dir, "javac"+exe()); j.javac == "" && executable(javac) {
			j.javac = javac
		}
	}
	return j, nil
}

func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// javaProgram is one source file that runs.
type javaProgram struct {
	name      string // Order, of Order.java
	source    []byte
	classpath string   // jars that it needs; empty: none
	options   []string // of the virtual machine
}

// orderProgram is the old order service.
func orderProgram() javaProgram { return javaProgram{name: "Order", source: orderjava.Source} }

// command is how a program runs. Its class files are kept below cache by the digest of the source, so that only
// the first demo compiles.
func (j *jdk) command(ctx context.Context, p javaProgram, cache, temp string, args ...string) ([]string, error) {
	// The client compiler alone, and a small heap: it starts fast, and shares two cores with everything else.
	command := append([]string{j.java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx192m"}, p.options...)
	join := func(paths ...string) string {
		return strings.Join(slices.DeleteFunc(paths, func(s string) bool { return s == "" }), string(os.PathListSeparator))
	}
	if j.javac == "" {
		source := filepath.Join(temp, p.name+".java")
		if err := os.WriteFile(source, p.source, 0o600); err != nil {
			return nil, err
		}
		if p.classpath != "" {
			command = append(command, "-cp", p.classpath)
		}
		return append(append(command, source), args...), nil
	}
	digest := sha256.Sum256(p.source)
	classes := filepath.Join(cache, fmt.Sprintf("%s-java%d-%x", strings.ToLower(p.name), j.feature, digest[:8]))
	if !executable(filepath.Join(classes, p.name+".class")) {
		if err := j.compile(ctx, p, classes, temp); err != nil {
			return nil, err
		}
	}
	return append(append(command, "-cp", join(classes, p.classpath), p.name), args...), nil
}

// compile makes the class files beside their place and then moves them there, so that they are whole or absent.
func (j *jdk) compile(ctx context.Context, p javaProgram, classes, temp string) error {
	source := filepath.Join(temp, p.name+".java")
	if err := os.WriteFile(source, p.source, 0o600); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(classes), 0o700); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(classes), "compiling-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(fresh) }() // moved away, or of no use
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	args := []string{"-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-d", fresh}
	if p.classpath != "" {
		args = append(args, "-cp", p.classpath)
	}
	out, err := exec.CommandContext(ctx, j.javac, append(args, source)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("compile %s.java: %w\n%s", p.name, err, out)
	}
	if err := os.Rename(fresh, classes); err != nil && !executable(filepath.Join(classes, p.name+".class")) {
		return fmt.Errorf("keep the compiled %s.java: %w", p.name, err)
	}
	return nil
}

// packages that have a JDK, the first choice first.
var javaPackages = []string{"openjdk-17-jdk-headless", "default-jdk-headless"}

// install installs the first of some packages that there is. It needs root and apt-get.
func install(ctx context.Context, packages ...string) error {
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return fmt.Errorf("there is no apt-get to install %s with", packages[0])
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("installing needs root: run apt-get install %s", packages[0])
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	run := func(args ...string) error {
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %v: %w: %s", args, err, lastLine(out))
		}
		return nil
	}
	for _, refresh := range []bool{false, true} {
		if refresh {
			if err = run("update", "-qq"); err != nil {
				return err
			}
		}
		for _, p := range packages {
			if err = run("install", "-y", "-qq", "--no-install-recommends", p); err == nil {
				return nil
			}
		}
	}
	return err
}

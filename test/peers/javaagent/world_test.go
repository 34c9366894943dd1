package javaagent

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/test/peers/proc"
)

// jdks are the Java homes to test with.
func jdks(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/jvm/*/bin/javac")
	if err != nil {
		t.Fatal(err)
	}
	var homes []string
	seen := map[string]bool{}
	for _, javac := range found {
		real, err := filepath.EvalSymlinks(javac)
		if err != nil || seen[real] {
			continue
		}
		seen[real] = true
		homes = append(homes, filepath.Dir(filepath.Dir(real)))
	}
	if len(homes) == 0 {
		skip(t, "no JDK is installed: make need")
	}
	return homes
}

func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

const agentSource = "../../../sdk/java"

// artifact is a thing that is made once, and kept in the user's cache under a hash of its sources.
type artifact struct {
	name, ext string
	sources   []string
	make      func(source, dir, into string) error

	once sync.Once
	path string
	err  error
}

func (a *artifact) get() (string, error) {
	a.once.Do(func() { a.path, a.err = a.cached() })
	return a.path, a.err
}

func (a *artifact) need(t testing.TB) string {
	t.Helper()
	proc.Need(t, "mvn")
	path, err := a.get()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (a *artifact) cached() (string, error) {
	h := sha256.New()
	for _, s := range a.sources {
		err := filepath.WalkDir(s, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			_, _ = fmt.Fprintf(h, "%s %d\n%s", path, len(b), b) // a hash takes all
			return err
		})
		if err != nil {
			return "", err
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "jindu-peers")
	path := filepath.Join(cache, a.name+"-"+hex.EncodeToString(h.Sum(nil))[:20]+a.ext)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "jindu-peers")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(cache, "part")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(part) }()
	into := filepath.Join(part, "it")
	if err := a.make(a.sources[0], dir, into); err != nil {
		return "", err
	}
	if err := os.Rename(into, path); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, there := os.Stat(path); there != nil { // another process may have been first
			return "", err
		}
	}
	return path, nil
}

func maven(args ...string) error {
	mvn, err := proc.Find("mvn")
	if err != nil {
		return err
	}
	if out, err := exec.Command(mvn, append([]string{"-q", "-B"}, args...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("mvn %v: %w: %s", args, err, out)
	}
	return nil
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}

// agentJar is the agent, built from this tree.
var agentJar = &artifact{
	name: "agent", ext: ".jar", sources: []string{agentSource + "/src/main", agentSource + "/pom.xml"},
	make: func(_, dir, into string) error {
		if err := maven("-f", agentSource, "-DskipTests", "-DbuildDir="+dir, "package"); err != nil {
			return err
		}
		return copyFile(filepath.Join(dir, "jindu-agent.jar"), into)
	},
}

// appDir holds classes and lib of the test's service.
var appDir = &artifact{
	name: "agent-app", sources: []string{"testdata/app", agentSource + "/src/main/java/dev/jindu"},
	make: func(source, dir, into string) error {
		jar, err := agentJar.get()
		if err != nil {
			return err
		}
		if err := maven("-f", source, "-Dagent="+jar, "-DbuildDir="+dir, "package"); err != nil {
			return err
		}
		if err := os.Mkdir(into, 0o755); err != nil {
			return err
		}
		for _, part := range []string{"classes", "lib"} {
			if out, err := exec.Command("cp", "-r", filepath.Join(dir, part), into).CombinedOutput(); err != nil {
				return fmt.Errorf("cp: %w: %s", err, out)
			}
		}
		return nil
	},
}

// mariadb is a MariaDB of the test's own, with a log of all statements.
type mariadb struct {
	port int
	log  string
	sock string
}

var mariadbOnce struct {
	sync.Once
	db   *mariadb
	stop func()
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if mariadbOnce.stop != nil {
		mariadbOnce.stop()
	}
	os.Exit(code)
}

func database(t testing.TB) *mariadb {
	t.Helper()
	server := proc.Need(t, "mariadbd")
	install := proc.Need(t, "mariadb-install-db")
	mariadbOnce.Do(func() { mariadbOnce.db, mariadbOnce.stop, mariadbOnce.err = startMariaDB(server, install) })
	if mariadbOnce.err != nil {
		t.Fatal(mariadbOnce.err)
	}
	return mariadbOnce.db
}

func startMariaDB(server, install string) (*mariadb, func(), error) {
	dir, err := os.MkdirTemp("", "jindu-mariadb")
	if err != nil {
		return nil, nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) }
	data := filepath.Join(dir, "data")
	setup := exec.Command(install, "--no-defaults", "--datadir="+data, "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db")
	setup.Env = append(os.Environ(), "TMPDIR="+dir) // a server that starts removes what others keep in a shared one
	if out, err := setup.CombinedOutput(); err != nil {
		remove()
		return nil, nil, fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	port, err := proc.FreePort()
	if err != nil {
		return nil, nil, err
	}
	db := &mariadb{port: port, log: filepath.Join(dir, "log"), sock: filepath.Join(dir, "sock")}
	p, err := proc.Start(server, "--no-defaults", "--user=root", "--datadir="+data, "--tmpdir="+dir, "--socket="+db.sock, "--port="+strconv.Itoa(port), "--bind-address=127.0.0.1",
		"--general-log=1", "--general-log-file="+db.log, "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M")
	if err == nil {
		err = p.WaitPort(port)
	}
	if err != nil {
		remove()
		return nil, nil, err
	}
	return db, func() { p.Stop(); remove() }, nil
}

func (db *mariadb) exec(t testing.TB, sql string) string {
	t.Helper()
	out, err := exec.Command("mariadb", "--no-defaults", "-uroot", "-N", "-S", db.sock, "-e", sql).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", sql, err, out)
	}
	return strings.TrimSpace(string(out))
}

// statements are what clients sent that contain a word, as it came, without the log's own columns.
func (db *mariadb) statements(t *testing.T, word string) []string {
	t.Helper()
	b, err := os.ReadFile(db.log)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		for _, kind := range []string{" Query\t", " Execute\t"} {
			if _, s, ok := strings.Cut(line, kind); ok && strings.Contains(s, word) {
				out = append(out, strings.TrimRight(s, "\n"))
			}
		}
	}
	return out
}

func (db *mariadb) jdbc(t testing.TB, schema, more string) string {
	t.Helper()
	db.exec(t, "CREATE DATABASE IF NOT EXISTS "+schema)
	return fmt.Sprintf("jdbc:mariadb://127.0.0.1:%d/%s?user=root%s", db.port, schema, more)
}

// node is a node that takes reports.
type node struct {
	*httptest.Server
	mu     sync.Mutex
	runs   map[string][]v1.RunEffects
	bodies []string
	auth   string
}

func newNode(t testing.TB) *node {
	t.Helper()
	n := &node{runs: map[string][]v1.RunEffects{}}
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var report v1.EffectReport
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.DisallowUnknownFields()
		if err == nil {
			err = d.Decode(&report)
		}
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/api/v1/services/shop/effects" {
			t.Errorf("%s %s: %v: %s", r.Method, r.URL, err, b)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.auth = r.Header.Get("Authorization")
		n.bodies = append(n.bodies, string(b))
		for _, run := range report.Runs {
			n.runs[run.Run] = append(n.runs[run.Run], run)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(n.Close)
	return n
}

// closed waits until a run's end was reported and gives all of it.
func (n *node) closed(t *testing.T, m v1.Mark) v1.RunEffects {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		n.mu.Lock()
		var all v1.RunEffects
		for _, r := range n.runs[m.Run] {
			all.Effects = append(all.Effects, r.Effects...)
			all.Closed = all.Closed || r.Closed
			all.Statements += r.Statements
		}
		n.mu.Unlock()
		if all.Closed {
			return all
		}
		time.Sleep(2 * time.Millisecond) // polls the condition of the loop
	}
	t.Fatalf("run %s was not reported within 10 s", m.Run)
	return v1.RunEffects{}
}

// app is the service under test.
type app struct {
	*proc.Process
	base    string
	servlet string
}

func startApp(t testing.TB, jdk, options string, flags ...string) *app {
	t.Helper()
	dir := appDir.need(t)
	cp := filepath.Join(dir, "classes") + ":" + filepath.Join(dir, "lib", "*")
	// JDK classes are not verified without being asked to, and the agent changes some.
	args := []string{"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+IgnoreUnrecognizedVMOptions", "-XX:+UnlockDiagnosticVMOptions", "-XX:+BytecodeVerificationLocal"}
	if options != "none" {
		args = append(args, "-javaagent:"+agentJar.need(t)+"="+options)
	}
	return start(t, jdk, append(args, "-cp", cp, "app.App"), flags...)
}

func start(t testing.TB, jdk string, args []string, flags ...string) *app {
	t.Helper()
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	servlet, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	args = append(append(args, "--port", strconv.Itoa(port), "--servlets", strconv.Itoa(servlet)), flags...)
	p, err := proc.Start(filepath.Join(jdk, "bin", "java"), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	for _, port := range []int{port, servlet} {
		if err := p.WaitPort(port); err != nil {
			t.Fatal(err)
		}
	}
	return &app{p, fmt.Sprintf("http://127.0.0.1:%d", port), fmt.Sprintf("http://127.0.0.1:%d", servlet)}
}

// answer is what the service said.
type answer struct {
	status int
	body   string
	header http.Header
}

// get asks the service, with a mark unless it is the zero one.
func (a *app) get(t *testing.T, path string, m v1.Mark, query ...string) answer {
	t.Helper()
	return ask(t, a.base+path, m, query...)
}

func ask(t *testing.T, to string, m v1.Mark, query ...string) answer {
	t.Helper()
	h := http.Header{}
	if m.Run != "" {
		h.Set(v1.MarkHeader, m.String())
	}
	if m.Shadow {
		h.Set("X-Jindu-Shadow", "shop")
	}
	return askWith(t, to, h, query...)
}

func askWith(t *testing.T, to string, h http.Header, query ...string) answer {
	t.Helper()
	q := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to+"?"+q.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = h
	// A connection of its own: on a used one the client might send a request twice.
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return answer{body: err.Error()}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, string(b), resp.Header}
}

var runs struct {
	sync.Mutex
	n int
}

// newMark is a mark that no other test has.
func newMark(shadow bool) v1.Mark {
	runs.Lock()
	defer runs.Unlock()
	runs.n++
	return v1.Mark{Run: fmt.Sprintf("%016x", runs.n), Shadow: shadow, Epoch: 3, Bucket: 4711}
}

// wire stands before a Redis and keeps the commands of each connection.
type wire struct {
	addr  string
	mu    sync.Mutex
	conns map[int][]string
}

func newWire(t *testing.T, upstream string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w := &wire{addr: l.Addr().String(), conns: map[int][]string{}}
	go func() {
		for id := 0; ; id++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.serve(id, c, upstream)
		}
	}()
	return w
}

func (w *wire) serve(id int, c net.Conn, upstream string) {
	defer func() { _ = c.Close() }()
	up, err := net.Dial("tcp", upstream)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	go func() {
		_, _ = io.Copy(c, up) // ends with either side
		_ = c.Close()
	}()
	r := bufio.NewReader(io.TeeReader(c, up))
	for {
		cmd, err := command(r)
		if err != nil {
			return
		}
		w.mu.Lock()
		w.conns[id] = append(w.conns[id], cmd)
		w.mu.Unlock()
	}
}

// command reads one command in RESP.
func command(r *bufio.Reader) (string, error) {
	line := func(kind byte) (int, error) {
		s, err := r.ReadString('\n')
		if err != nil {
			return 0, err
		}
		if s[0] != kind {
			return 0, fmt.Errorf("%q", s)
		}
		return strconv.Atoi(strings.TrimSpace(s[1:]))
	}
	n, err := line('*')
	if err != nil {
		return "", err
	}
	words := make([]string, n)
	for i := range words {
		size, err := line('$')
		if err != nil {
			return "", err
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		words[i] = string(b[:size])
	}
	return strings.Join(words, " "), nil
}

// marksOf gives, for each command that contains a word, the name that its connection had then.
func (w *wire) marksOf(word string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, cmds := range w.conns {
		name := ""
		for _, c := range cmds {
			if n, ok := strings.CutPrefix(c, "CLIENT SETNAME"); ok {
				name = strings.TrimSpace(n)
			} else if strings.Contains(c, word) {
				out = append(out, name)
			}
		}
	}
	return out
}

// redisServer is a Redis of the test's own.
func redisServer(t *testing.T) string {
	t.Helper()
	bin := proc.Need(t, "redis-server")
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	p, err := proc.Start(bin, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	if err := p.WaitPort(port); err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + strconv.Itoa(port)
}

// echo is another service, which answers what of Jindu's came to it.
func echo(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body) // what came is echoed, however it ended
		w.WriteHeader(201)
		_, _ = fmt.Fprintf(w, "%s %s [%s] [%s] [%s] %s", r.Method, r.URL, r.Header.Get(v1.MarkHeader), r.Header.Get("X-Jindu-Shadow"), r.Header.Get("X-Own"), b)
	}))
	t.Cleanup(s.Close)
	return s
}

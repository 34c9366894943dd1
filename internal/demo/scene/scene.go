// Package scene sets the demo's stage: it starts the node, the store and both services as processes of their
// own, and stops them.
package scene

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"jindu.dev/jindu/internal/demo"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/screen"
)

// Options of the demo command.
type Options struct {
	Defect   string
	Fast     bool
	Keep     bool
	Headless bool    // plain lines, no picture
	Install  bool    // a JDK may be installed
	StandIn  bool    // do not look for a JDK
	Rate     float64 // requests a second; 0: 2,000
	Report   string  // file; empty: none
	Program  string  // this binary; empty: os.Executable
	Env      func(string) string
}

// Run plays the demo on out. The outcome's Unexpected is "" when everything went as planned.
func Run(ctx context.Context, o Options, dial demo.Dial, out io.Writer) (demo.Outcome, error) {
	d, err := demo.DefectNamed(o.Defect)
	if err != nil {
		return demo.Outcome{}, err
	}
	if o.Program == "" {
		if o.Program, err = os.Executable(); err != nil {
			return demo.Outcome{}, fmt.Errorf("find this program: %w", err)
		}
	}
	if o.Rate == 0 {
		o.Rate = 2000
	}
	s := screen.Open(out, o.Env)
	if o.Headless {
		s = screen.Open(struct{ io.Writer }{out}, o.Env)
	}
	pace := demo.NormalPace()
	if o.Fast {
		pace = demo.FastPace()
	}
	stage := &stage{o: o, failed: make(chan error, 1)}
	outcome, err := demo.Story(ctx, demo.Options{Defect: d, Pace: pace, Rate: o.Rate, Keep: o.Keep, Locale: locale(o.Env), Now: time.Now}, stage, dial, s)
	if err != nil || o.Report == "" {
		return outcome, err
	}
	raw, err := json.MarshalIndent(outcome.Report, "", "  ")
	if err == nil {
		err = os.WriteFile(o.Report, append(raw, '\n'), 0o644)
	}
	if err != nil {
		return outcome, fmt.Errorf("write the report: %w", err)
	}
	return outcome, nil
}

func locale(env func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env(name); v != "" {
			return v
		}
	}
	return ""
}

// stage implements demo.Stage.
type stage struct {
	o         Options
	admin     *admin
	store     string   // URL
	extra     string   // more of the node's configuration
	temps     []string // removed by the guards, and by Close where a guard was killed
	processes []*process
	failed    chan error
}

// Failed delivers the error of a process that ended by itself.
func (s *stage) Failed() <-chan error { return s.failed }

// Open starts everything but the new service.
func (s *stage) Open(ctx context.Context, say func(string)) (demo.Place, error) {
	store, err := s.start("store", s.self("store"))
	if err != nil {
		return demo.Place{}, err
	}
	gateway, err := s.node(ctx)
	if err != nil {
		return demo.Place{}, err
	}
	address, err := store.listening(ctx)
	if err != nil {
		return demo.Place{}, err
	}
	s.store = "http://" + address
	old, err := s.old(ctx, say)
	if err != nil {
		return demo.Place{}, err
	}
	return demo.Place{Node: s.admin, Gateway: "http://" + gateway, Console: s.admin.base + "/", OldRuntime: old, NewRuntime: newRuntime}, nil
}

const newRuntime = "go1.26"

// Enter starts the new service.
func (s *stage) Enter(ctx context.Context) error {
	return s.orderGo(ctx, "order-go", newRuntime, "2.0", s.o.Defect)
}

// Close stops everything, the services first, and removes what was kept.
func (s *stage) Close() {
	for _, p := range slices.Backward(s.processes) {
		p.stop(8 * time.Second)
	}
	s.processes = nil
	for _, dir := range s.temps {
		_ = os.RemoveAll(dir) // in the system's folder for temporary files
	}
}

func (s *stage) self(args ...string) *exec.Cmd {
	return exec.Command(s.o.Program, append([]string{"demo-service"}, args...)...) //nolint:noctx // its pipe stops it
}

func (s *stage) start(name string, cmd *exec.Cmd) (*process, error) {
	p, err := start(name, cmd, s.failed)
	if err != nil {
		return nil, kind.New(kind.Unavailable, "JD-DEMO-004", "%w", err)
	}
	s.processes = append(s.processes, p)
	return p, nil
}

func (s *stage) mkdir() (string, error) {
	dir, err := os.MkdirTemp("", "jindu-demo-")
	if err != nil {
		return "", fmt.Errorf("make a temporary directory: %w", err)
	}
	s.temps = append(s.temps, dir)
	return dir, nil
}

// node starts a node on free ports. Another process may take a port between its choice and its use, so there
// are a few tries.
func (s *stage) node(ctx context.Context) (gateway string, err error) {
	for range 3 {
		if gateway, err = s.tryNode(ctx); err == nil || ctx.Err() != nil {
			return gateway, err
		}
	}
	return "", err
}

func (s *stage) tryNode(ctx context.Context) (string, error) {
	ports, err := freePorts(ctx, 2)
	if err != nil {
		return "", err
	}
	temp, err := s.mkdir()
	if err != nil {
		return "", err
	}
	data, config := filepath.Join(temp, "data"), filepath.Join(temp, "jindu.yaml")
	text := fmt.Sprintf("dataDir: %q\nstop: 5s\nlog: {level: warn}\nadmin: {listen: %q}\ngateway:\n  listen: %q\n  accessLog: {sample: 0, errors: false}\n  timeouts: {drain: 2s}\n", data, ports[0], ports[1]) + s.extra
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write the node's configuration: %w", err)
	}
	failed := make(chan error, 1)
	p, err := start("node", s.self("guard", temp, s.o.Program, "serve", "--config", config), failed)
	if err != nil {
		return "", err
	}
	s.admin = newAdmin("http://" + ports[0])
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-failed:
			return "", err
		case <-ctx.Done():
			p.stop(time.Second)
			return "", ctx.Err()
		case <-deadline.C:
			p.stop(time.Second)
			return "", kind.New(kind.Unavailable, "JD-DEMO-005", "the node is not ready after 30 s: the machine may be too busy")
		case <-tick.C:
		}
		if s.admin.ready(ctx) {
			s.processes = append(s.processes, p)
			go s.pass(p, failed)
			return ports[1], nil
		}
	}
}

func freePorts(ctx context.Context, n int) ([]string, error) {
	var addresses []string
	var open []net.Listener // until all are found, so that they differ
	defer func() {
		for _, l := range open {
			_ = l.Close() // nobody connected
		}
	}()
	for range n {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		open = append(open, l)
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}

// old starts the old service: in Java, or where that cannot be, its stand-in.
func (s *stage) old(ctx context.Context, say func(string)) (runtime string, err error) {
	if !s.o.StandIn {
		runtime, err = s.java(ctx, say)
		if err == nil || ctx.Err() != nil {
			return runtime, err
		}
		say(err.Error())
	}
	return demo.StandIn, s.orderGo(ctx, "stand-in", demo.StandIn, "1.0", "")
}

func (s *stage) java(ctx context.Context, say func(string)) (string, error) {
	j, err := findJDK(ctx)
	if err != nil && s.o.Install {
		say("installing a JDK: " + javaPackages[0])
		if err = install(ctx, javaPackages...); err == nil {
			j, err = findJDK(ctx)
		}
	}
	if err != nil {
		return "", err
	}
	temp, err := s.mkdir()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = temp
	}
	command, err := j.command(ctx, orderProgram(), filepath.Join(cache, "jindu"), temp, "--listen", "127.0.0.1:0", "--store", s.store, "--register", s.admin.base)
	if err != nil {
		return "", err
	}
	failed := make(chan error, 1)
	p, err := start("order-java", s.self(append([]string{"guard", temp}, command...)...), failed)
	if err != nil {
		return "", err
	}
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if _, err := p.listening(wait); err != nil {
		p.stop(time.Second)
		return "", err
	}
	s.processes = append(s.processes, p)
	go s.pass(p, failed)
	return fmt.Sprint("java", j.feature), nil
}

func (s *stage) orderGo(ctx context.Context, name, runtime, version, defect string) error {
	p, err := s.start(name, s.self("order-go", "--store", s.store, "--register", s.admin.base, "--runtime", runtime, "--version", version, "--defect", defect))
	if err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err = p.listening(wait)
	return err
}

func lastLine(out []byte) string {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return string(lines[len(lines)-1])
}

// pass hands on the error of a process whose first failure was still the stage's own business.
func (s *stage) pass(p *process, failed <-chan error) {
	<-p.done
	select {
	case s.failed <- <-failed:
	default:
	}
}

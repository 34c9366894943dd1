package scene

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is a child that ends when its standard input does: however this process ends, the pipe closes, and
// no child is left behind.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.Closer
	lines chan string // of standard output; the last ones are dropped when nobody reads
	done  chan struct{}
	err   error

	mu   sync.Mutex
	tail []string // of standard error
}

// tailLines is how much of a child's standard error is kept for an error message.
const tailLines = 20

// start starts a child. failed gets its error when it ends before it was stopped.
func start(name string, cmd *exec.Cmd, failed chan<- error) (*process, error) {
	separate(cmd)
	p := &process{name: name, cmd: cmd, lines: make(chan string, 16), done: make(chan struct{})}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.stdin = stdin
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	errOut, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		each(out, func(line string) {
			select {
			case p.lines <- line:
			default:
			}
		})
		close(p.lines)
	})
	reading.Go(func() { each(errOut, p.keep) })
	go func() {
		reading.Wait()
		err := cmd.Wait()
		p.mu.Lock()
		p.err = fmt.Errorf("%s ended by itself: %w\n%s", name, orEnded(err), strings.Join(p.tail, "\n"))
		p.mu.Unlock()
		close(p.done)
		select {
		case failed <- p.err:
		default:
		}
	}()
	return p, nil
}

var errEnded = errors.New("exit status 0")

func orEnded(err error) error {
	if err == nil {
		return errEnded
	}
	return err
}

func each(r io.Reader, f func(string)) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		f(s.Text())
	}
	_, _ = io.Copy(io.Discard, r) // after a line that is too long: the child must not block
}

func (p *process) keep(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tail = append(p.tail, line); len(p.tail) > tailLines {
		p.tail = p.tail[1:]
	}
}

// listening waits for the line "listening ADDRESS" and returns the address.
func (p *process) listening(ctx context.Context) (string, error) {
	for {
		select {
		case line, ok := <-p.lines:
			if address, found := strings.CutPrefix(line, "listening "); found {
				return address, nil
			}
			if !ok {
				<-p.done
				return "", p.err
			}
		case <-ctx.Done():
			return "", fmt.Errorf("wait for %s: %w", p.name, ctx.Err())
		}
	}
}

// stop closes the pipe, waits, and kills what does not end.
func (p *process) stop(patience time.Duration) {
	_ = p.stdin.Close() // closed already when the child is gone
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		_ = p.cmd.Process.Kill() // gone in the meantime, or about to be
		timer.Reset(patience)
		select {
		case <-p.done:
		case <-timer.C: // somebody else holds its output
		}
	}
}

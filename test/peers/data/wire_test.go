package data

import (
	"net"
	"sync"
	"testing"
)

// wire is a TCP connection to a server that can be cut, and held so that nothing passes.
type wire struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	conns map[net.Conn]bool
	held  chan struct{} // closed when nothing holds
	dead  bool          // nobody is let in
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, to: to, conns: map[net.Conn]bool{}, held: make(chan struct{})}
	close(w.held)
	go w.accept()
	t.Cleanup(func() { _ = l.Close(); w.Free(); w.Cut() })
	return w
}

// Addr is where it listens.
func (w *wire) Addr() string { return w.listener.Addr().String() }

func (w *wire) accept() {
	for {
		c, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		dead := w.dead
		w.mu.Unlock()
		if dead {
			_ = c.Close()
			continue
		}
		go w.serve(c)
	}
}

func (w *wire) serve(c net.Conn) {
	s, err := net.Dial("tcp", w.to)
	if err != nil {
		_ = c.Close()
		return
	}
	w.mu.Lock()
	w.conns[c], w.conns[s] = true, true
	w.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { w.pump(s, c) })
	both.Go(func() { w.pump(c, s) })
	both.Wait()
	w.mu.Lock()
	delete(w.conns, c)
	delete(w.conns, s)
	w.mu.Unlock()
}

func (w *wire) pump(to, from net.Conn) {
	defer to.Close()   //nolint:errcheck // the other half learns of it
	defer from.Close() //nolint:errcheck // the same
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		held := w.held
		w.mu.Unlock()
		<-held
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Cut closes every connection; new ones are let in.
func (w *wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
}

// Block cuts and lets nobody in until Free.
func (w *wire) Block() {
	w.mu.Lock()
	w.dead = true
	w.mu.Unlock()
	w.Cut()
}

// Hold lets nothing pass until Free; connections stay.
func (w *wire) Hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.held:
		w.held = make(chan struct{})
	default:
	}
}

// Free ends Block and Hold.
func (w *wire) Free() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = false
	select {
	case <-w.held:
	default:
		close(w.held)
	}
}

package framing

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

// origin is the server behind the proxies. It counts the requests that arrive complete and answers
// each with 200, or with the raw answer of the case.
type origin struct {
	listener net.Listener
	mu       sync.Mutex
	seen     []string // "METHOD target body-length" of each complete request
	answer   string   // raw answer; the plain one when empty
	conns    map[net.Conn]bool
}

const plainAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func newOrigin() (*origin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &origin{listener: l, conns: map[net.Conn]bool{}}
	go o.serve()
	return o, nil
}

func (o *origin) port() int { return o.listener.Addr().(*net.TCPAddr).Port }

func (o *origin) close() {
	_ = o.listener.Close()
	o.reset("")
}

func (o *origin) serve() {
	for {
		c, err := o.listener.Accept()
		if err != nil {
			return
		}
		o.mu.Lock()
		o.conns[c] = true
		o.mu.Unlock()
		go o.serveConn(c)
	}
}

func (o *origin) serveConn(c net.Conn) {
	defer func() {
		o.mu.Lock()
		delete(o.conns, c)
		o.mu.Unlock()
		_ = c.Close()
	}()
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, req.Body)
		if err != nil {
			return
		}
		o.mu.Lock()
		o.seen = append(o.seen, fmt.Sprintf("%s %s %d", req.Method, req.RequestURI, n))
		answer := o.answer
		o.mu.Unlock()
		if answer == "" {
			answer = plainAnswer
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
		if answer != plainAnswer {
			return // the raw answers end their connection
		}
	}
}

// reset forgets what was seen, closes every connection and sets the next answer.
func (o *origin) reset(answer string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen, o.answer = nil, answer
	for c := range o.conns {
		_ = c.Close()
	}
}

func (o *origin) requests() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.seen...)
}

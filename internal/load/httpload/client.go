// Package httpload sends the requests of a load over HTTP/1.1, and is the load command.
//
// The client is lean on purpose: a load generator shares its machine with what it measures. One request
// is one write and one read on the goroutine that asked, no goroutine per connection.
package httpload

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/load"
)

const (
	idleLimit = 5 * time.Second // less than servers allow, so that a kept connection is not closed under a request
	maxBody   = 16 << 20
)

// Client keeps connections to one server and uses the one used last first, so that few are open.
type Client struct {
	address string
	host    string
	tls     *tls.Config
	timeout time.Duration

	mu     sync.Mutex
	idle   []*conn
	all    map[*conn]struct{}
	closed bool
}

type conn struct {
	net.Conn
	br    *bufio.Reader
	out   []byte
	since time.Time // idle since
}

// New is a client of the server that a URL names: http://host:port or https://host. timeout bounds one
// request, connecting included.
func New(server string, timeout time.Duration) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, kind.New(kind.Invalid, "JD-LOAD-004", "url %q is not usable: give http://host:port or https://host", server)
	}
	c := &Client{host: u.Host, timeout: timeout, all: map[*conn]struct{}{}}
	port := u.Port()
	if u.Scheme == "https" {
		c.tls = &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}}
		if port == "" {
			port = "443"
		}
	}
	if port == "" {
		port = "80"
	}
	c.address = net.JoinHostPort(u.Hostname(), port)
	return c, nil
}

// Do sends req and reads the whole answer into resp.
func (c *Client) Do(ctx context.Context, req *load.Request, resp *load.Response) error {
	resp.Status, resp.Header, resp.Body = 0, nil, resp.Body[:0]
	deadline := time.Now().Add(c.timeout)
	k, err := c.get(ctx, deadline)
	if err != nil {
		return failure("connect", err)
	}
	keep, err := k.exchange(c.host, deadline, req, resp)
	if err != nil || !keep {
		c.drop(k)
		return err
	}
	c.put(k)
	return nil
}

func (k *conn) exchange(host string, deadline time.Time, req *load.Request, resp *load.Response) (keep bool, err error) {
	if err := k.SetDeadline(deadline); err != nil {
		return false, failure("closed", err)
	}
	k.out = appendRequest(k.out[:0], host, req)
	if _, err := k.Write(k.out); err != nil {
		return false, failure("closed", err)
	}
	var r *http.Response
	for r == nil || r.StatusCode < 200 && r.StatusCode != http.StatusSwitchingProtocols {
		if r, err = http.ReadResponse(k.br, &http.Request{Method: req.Method}); err != nil { //nolint:bodyclose // the connection is what is closed
			return false, failure("protocol", err)
		}
	}
	resp.Status, resp.Header = r.StatusCode, r.Header.Get
	if resp.Body, err = readBody(resp.Body, r.Body); err != nil {
		return false, failure("protocol", err)
	}
	return !r.Close && r.StatusCode != http.StatusSwitchingProtocols, nil
}

// readBody appends all of r to b, within the bound.
func readBody(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
		if len(b) > maxBody {
			return b, fmt.Errorf("body is over %d bytes", maxBody)
		}
	}
}

func appendRequest(b []byte, host string, req *load.Request) []byte {
	b = append(b, req.Method...)
	b = append(b, ' ')
	b = append(b, req.Target...)
	b = append(b, " HTTP/1.1\r\n"...)
	named := false
	for _, h := range req.Header {
		named = named || strings.EqualFold(h.Name, "Host")
		b = append(append(append(append(b, h.Name...), ": "...), h.Value...), "\r\n"...)
	}
	if !named {
		b = append(append(append(b, "Host: "...), host...), "\r\n"...)
	}
	if len(req.Body) > 0 || req.Method == http.MethodPost || req.Method == http.MethodPut || req.Method == http.MethodPatch {
		b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(req.Body)), 10)
		b = append(b, "\r\n"...)
	}
	return append(append(b, "\r\n"...), req.Body...)
}

func (c *Client) get(ctx context.Context, deadline time.Time) (*conn, error) {
	c.mu.Lock()
	for len(c.idle) > 0 {
		k := c.idle[len(c.idle)-1]
		c.idle = c.idle[:len(c.idle)-1]
		if time.Since(k.since) < idleLimit {
			c.mu.Unlock()
			return k, nil
		}
		delete(c.all, k)
		_ = k.Close() // it was idle: nothing is lost
	}
	c.mu.Unlock()
	dialer := net.Dialer{Deadline: deadline}
	nc, err := dialer.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return nil, err
	}
	if c.tls != nil {
		t := tls.Client(nc, c.tls)
		_ = t.SetDeadline(deadline) // of an open connection: the handshake would tell
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, nc.Close())
		}
		nc = t
	}
	k := &conn{Conn: nc, br: bufio.NewReaderSize(nc, 8<<10)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.Join(net.ErrClosed, nc.Close())
	}
	c.all[k] = struct{}{}
	return k, nil
}

func (c *Client) put(k *conn) {
	k.since = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = k.Close()
		return
	}
	c.idle = append(c.idle, k)
}

func (c *Client) drop(k *conn) {
	_ = k.Close() // it failed already, or the server asked for it
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, k)
}

// Close closes every connection, those in use too. The client is of no use after it.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for k := range c.all {
		_ = k.Close()
	}
	clear(c.all)
	c.idle = nil
}

type clientError struct {
	kind string
	err  error
}

func failure(word string, err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		word = "timeout"
	case word == "protocol" && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isNet(err)):
		word = "closed"
	}
	return &clientError{word, err}
}

func isNet(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}

func (e *clientError) Error() string { return e.kind + ": " + e.err.Error() }
func (e *clientError) Unwrap() error { return e.err }
func (e *clientError) Kind() string  { return e.kind }

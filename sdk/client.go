package sdk

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// Error is what the node answered instead of what was asked for.
type Error struct{ Problem v1.Problem }

// Error is the problem in words.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "node answered %d: %s (%s)", e.Problem.Status, e.Problem.Detail, e.Problem.Code)
	for _, f := range e.Problem.Errors {
		fmt.Fprintf(&b, "; %s = %q %s", f.Field, f.Value, f.Detail)
	}
	return b.String()
}

// lasting says that trying again will not help.
func lasting(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Problem.Status >= 400 && e.Problem.Status < 500 && e.Problem.Status != http.StatusTooManyRequests
}

const (
	defaultNode = "http://127.0.0.1:8090"
	maxAnswer   = 64 << 10
)

// Node calls the API of a node; the other packages of the SDK speak through it.
type Node struct{ client *client }

// NewNode is a node that is called as Node, Token and Client of o say; the other options do not matter.
func NewNode(o Options) (*Node, error) {
	o.Node = cmp.Or(o.Node, defaultNode)
	c, err := newClient(&o)
	if err != nil {
		return nil, err
	}
	return &Node{c}, nil
}

// Post sends in as JSON to a path below the node's address and decodes the answer into out, unless out is
// nil. What the node refuses is an *Error.
func (n *Node) Post(ctx context.Context, path string, in, out any) error {
	return n.client.post(ctx, path, in, out)
}

// client calls a node.
type client struct {
	base  string // without trailing slash
	token string
	http  http.Client
}

func newClient(o *Options) (*client, error) {
	u, err := url.Parse(o.Node)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("sdk: Node %q is no address of a node: write it like https://jindu.example.com:8443", o.Node)
	}
	if o.Token != "" && u.Scheme != "https" && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("sdk: Node %q: a token is not sent in the clear: use https", o.Node)
	}
	c := &client{base: strings.TrimRight(u.String(), "/"), token: o.Token}
	if o.Client != nil {
		c.http = *o.Client
	}
	// A node does not redirect, and a token must not follow one that does.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// post sends in and decodes the answer into out, unless out is nil.
func (c *client) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("call %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("call %s: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("call %s: read answer: %w", path, err)
	}
	if resp.StatusCode/100 != 2 {
		e := &Error{}
		if json.Unmarshal(data, &e.Problem) != nil || e.Problem.Status == 0 { // no node of ours, or one behind a proxy
			e.Problem = v1.Problem{Detail: "no problem document", Code: "none"}
		}
		e.Problem.Status = resp.StatusCode
		return e
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("call %s: decode answer: %w", path, err)
	}
	return nil
}

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/web"
)

// maxAnswer bounds what the client reads of one answer.
const maxAnswer = 256 << 20

// remote is how the client reaches a node.
type remote struct {
	server, tokenFile, caFile, timeout string
}

// remoteFlags adds the flags of the client to a command and those below it. app.ClientVariables lists
// the variables.
func (c *cli) remoteFlags(cmd *cobra.Command) *cobra.Command {
	f := cmd.PersistentFlags()
	f.StringVar(&c.remote.server, "server", cmp.Or(c.lookup("JINDU_SERVER"), "http://127.0.0.1:8090"), "admin API of the node (JINDU_SERVER)")
	f.StringVar(&c.remote.tokenFile, "token-file", c.lookup("JINDU_TOKEN_FILE"), "file with the token; none is needed on loopback (JINDU_TOKEN_FILE)")
	f.StringVar(&c.remote.caFile, "ca-file", c.lookup("JINDU_CA_FILE"), "certificates to trust beside the system's (JINDU_CA_FILE)")
	f.StringVar(&c.remote.timeout, "timeout", cmp.Or(c.lookup("JINDU_TIMEOUT"), "30s"), "limit of one request (JINDU_TIMEOUT)")
	return cmd
}

// client speaks to the admin API of one node.
type client struct {
	base    *url.URL
	http    *http.Client
	timeout time.Duration
	token   string
	actor   string
}

func (c *cli) client() (*client, error) {
	base, err := url.Parse(c.remote.server)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, usagef("--server %q is no URL such as http://127.0.0.1:8090", c.remote.server)
	}
	timeout, err := time.ParseDuration(c.remote.timeout)
	if err != nil || timeout <= 0 {
		return nil, usagef("--timeout %q is no duration such as 30s", c.remote.timeout)
	}
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, ForceAttemptHTTP2: true}
	cl := &client{base: base, http: &http.Client{Transport: transport}, timeout: timeout, actor: c.actor()}
	if file := c.remote.tokenFile; file != "" {
		data, err := os.ReadFile(file) //nolint:gosec // the user names this file
		if err != nil {
			return nil, kind.New(kind.Invalid, "JD-CLI-002", "read the token: %w", err)
		}
		cl.token = strings.TrimSpace(string(data))
		if base.Scheme == "http" && !web.LoopbackAddr(base.Host) {
			return nil, kind.New(kind.Denied, "JD-CLI-003", "the token would travel in the clear to %s; use https", c.remote.server)
		}
	}
	if file := c.remote.caFile; file != "" {
		pem, err := os.ReadFile(file) //nolint:gosec // the user names this file
		if err != nil {
			return nil, kind.New(kind.Invalid, "JD-CLI-002", "read the certificates to trust: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, kind.New(kind.Invalid, "JD-CLI-002", "%s holds no certificate in PEM form", file)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return cl, nil
}

// actor is the name of the user at this machine, for the audit log of a node that asks for no token.
func (c *cli) actor() string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		text := strings.Map(func(r rune) rune {
			if r < 128 && (r == '.' || r == '_' || r == '-' || r == '@' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
				return r
			}
			return -1
		}, c.lookup(name))
		if text != "" {
			return text[:min(len(text), 64)]
		}
	}
	return ""
}

// do sends a request with in as JSON, nothing when nil, and reads the answer into out: a *[]byte takes
// it as it is, nil throws it away.
func (cl *client) do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	_, err := cl.call(ctx, method, path, query, in, out)
	return err
}

// call is do with the header of the answer.
func (cl *client) call(ctx context.Context, method, path string, query url.Values, in, out any) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, cl.timeout)
	defer cancel()
	res, err := cl.send(ctx, method, path, query, in, "application/json")
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // it is read to its end or given up
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, kind.New(kind.Unavailable, "JD-CLI-004", "read the answer of %s: %w", cl.base, err)
	}
	switch out := out.(type) {
	case nil:
		return res.Header, nil
	case *[]byte:
		*out = data
		return res.Header, nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return nil, kind.New(kind.Internal, "JD-CLI-004", "the answer of %s is not understood; is it a jindu node of this version? %w", cl.base, err)
	}
	return res.Header, nil
}

// send sends a request and returns the answer if it is a success, else its problem as an error.
func (cl *client) send(ctx context.Context, method, path string, query url.Values, in any, accept string) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	target := cl.base.JoinPath("api", "v1", path)
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "jindu/"+version)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if cl.token != "" {
		req.Header.Set("Authorization", "Bearer "+cl.token)
	} else if cl.actor != "" {
		req.Header.Set("X-Jindu-Actor", cl.actor)
	}
	res, err := cl.http.Do(req)
	if err != nil {
		return nil, cl.unreachable(ctx, err)
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }() // only its beginning matters
	data, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return nil, errors.Join(problem(res, data), err)
}

func (cl *client) unreachable(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err // without the URL, which is said below
	}
	if ctx.Err() != nil {
		return kind.New(kind.Unavailable, "JD-CLI-001", "%s did not answer within %v; raise --timeout if it is slow: %w", cl.base, cl.timeout, err)
	}
	return kind.New(kind.Unavailable, "JD-CLI-001", "cannot reach %s; is `jindu serve` running there? name another node with --server: %w", cl.base, err)
}

// problem is what the node says is wrong.
func problem(res *http.Response, data []byte) error {
	var p v1.Problem
	if err := json.Unmarshal(data, &p); err != nil || p.Code == "" {
		return kind.New(kind.Internal, "JD-CLI-004", "%s answered %s, which no jindu node does; check --server", res.Request.URL, res.Status)
	}
	return problemError(p)
}

func problemError(p v1.Problem) error {
	k := kind.Internal
	for known := kind.Internal; known <= kind.Unsupported; known++ {
		if known.String() == p.Title {
			k = known
		}
	}
	e := &kind.Error{Kind: k, Code: p.Code, Detail: p.Detail}
	for _, f := range p.Errors {
		e = e.WithFields(kind.Field{Path: f.Field, Value: f.Value, Detail: f.Detail})
	}
	return e
}

// follow follows a stream of events until ctx ends, the node ends it, or the caller stops.
func follow[T any](ctx context.Context, cl *client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		res, err := cl.send(ctx, http.MethodGet, path, query, nil, "text/event-stream")
		if err != nil {
			yield(none, err)
			return
		}
		defer func() { _ = res.Body.Close() }() // the stream is over
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 64<<20)
		name := ""
		for lines.Scan() {
			line := lines.Text()
			if v, ok := strings.CutPrefix(line, "event:"); ok {
				name = strings.TrimSpace(v)
			}
			if line == "" {
				name = ""
			}
			data, ok := strings.CutPrefix(line, "data:")
			if !ok {
				continue
			}
			event, err := decodeEvent[T](name, []byte(data))
			if !yield(event, err) || err != nil {
				return
			}
		}
		err = lines.Err()
		if err == nil {
			err = errors.New("the node ended the stream")
		}
		yield(none, kind.New(kind.Unavailable, "JD-CLI-004", "follow %s of %s: %w", path, cl.base, err))
	}
}

func decodeEvent[T any](name string, data []byte) (event T, err error) {
	if name == "problem" {
		var p v1.Problem
		if err := json.Unmarshal(data, &p); err != nil {
			return event, kind.New(kind.Internal, "JD-CLI-004", "an event is not understood: %w", err)
		}
		return event, problemError(p)
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return event, kind.New(kind.Internal, "JD-CLI-004", "an event is not understood: %w", err)
	}
	return event, nil
}

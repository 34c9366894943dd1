package effects

import (
	"cmp"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
)

// Transport is an http.RoundTripper that sends the mark along, tells what was called, and refuses calls of
// shadows to hosts that were not declared to know what a shadow is.
type Transport struct {
	// Base sends; nil: http.DefaultTransport.
	Base http.RoundTripper
	// Forward lists hosts, as host:port or as they stand in the URL, that calls of shadows may go to, because
	// they honour X-Jindu-Shadow or only answer questions.
	Forward []string
	// RequireMark refuses calls whose context belongs to no run, except with Background. Methods that only
	// ask (GET, HEAD, OPTIONS, TRACE) pass.
	RequireMark bool
}

const shadowHeader = "X-Jindu-Shadow"

// RoundTrip sends a request.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	run, of := sdk.RunIn(ctx)
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	if !of {
		if t.RequireMark && !safe(req.Method) && BackgroundOf(ctx) == "" {
			return nil, refuseCall(req, ErrUnmarked)
		}
		return base.RoundTrip(req)
	}
	host := hostPort(req.URL)
	e := v1.Effect{Kind: v1.EffectCall, Op: cmp.Or(req.Method, http.MethodGet), Target: clip(host+cmp.Or(req.URL.EscapedPath(), "/"), 1024)}
	if req.URL.RawQuery != "" {
		e.Args = []string{"query=" + clip(req.URL.RawQuery, maxBody)}
	}
	tally := tallyIn(ctx)
	at := tally.add(e)
	out := req.Clone(ctx)
	body := &copied{want: req.ContentLength}
	if req.Body != nil && req.Body != http.NoBody {
		body.ReadCloser = req.Body
		out.Body = body
	}
	if run.Shadow && (!run.Marked || !slices.Contains(t.Forward, host) && !slices.Contains(t.Forward, req.URL.Host)) {
		if body.ReadCloser != nil { // it is compared all the same
			_, _ = io.CopyN(io.Discard, body, maxBody+1) // what cannot be read is missing
		}
		tally.change(at, func(e *v1.Effect) { e.Fate = "refused"; body.into(e) })
		return nil, refuseCall(req, ErrShadow)
	}
	if run.Marked {
		out.Header.Set(v1.MarkHeader, run.Mark.String())
	}
	if run.Shadow && run.Migration != "" {
		out.Header.Set(shadowHeader, run.Migration)
	}
	resp, err := base.RoundTrip(out)
	tally.change(at, func(e *v1.Effect) {
		body.into(e)
		if err != nil {
			e.Fate = "unknown"
		}
	})
	return resp, err
}

// refuseCall closes the body, as a RoundTripper must.
func refuseCall(req *http.Request, why error) error {
	if req.Body != nil {
		_ = req.Body.Close() // nothing of it was sent
	}
	return &Refused{req.Method + " " + req.URL.Host, why}
}

// hostPort is the host in small letters with its port, as the Java agent writes it too.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func safe(method string) bool {
	return slices.Contains([]string{"", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace}, method)
}

func clip(s string, most int) string { return s[:min(len(s), most)] }

// copied keeps the first part of a body that is read through it. The transport may go on reading after
// RoundTrip has returned.
type copied struct {
	io.ReadCloser
	want int64 // length as declared; below 1 unknown
	mu   sync.Mutex
	kept []byte
	read int64
	done bool
}

func (c *copied) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, p[:min(n, maxBody-len(c.kept))]...)
	c.read += int64(n)
	c.done = err != nil || c.read == c.want
	return n, err
}

// into puts what was read so far into an effect.
func (c *copied) into(e *v1.Effect) {
	if c.ReadCloser == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e.Truncated = !c.done || c.read > int64(len(c.kept))
	if utf8.Valid(c.kept) {
		e.Body = string(c.kept)
		return
	}
	e.Body, e.Base64 = base64.StdEncoding.EncodeToString(c.kept), true
}

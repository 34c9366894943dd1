package replay

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/compare"
	"jindu.dev/jindu/internal/migrate/evidence"
)

// Options say how to replay.
type Options struct {
	Migration string         // name, told to the service as X-Jindu-Shadow
	Compare   v1.CompareSpec // what counts as a difference
	To        *url.URL       // service under test
	Old       *url.URL       // the old service, asked for safe requests too, so that its noise is known; nil: not asked
	Header    []v1.Header    // added to each request, such as credentials
	Parallel  int            // requests under way at most
	Timeout   time.Duration  // of one request
	Client    *http.Client
}

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 16 << 20

// Play replays recordings. Dependencies is where the service under test sends its calls; nil: nowhere.
func Play(ctx context.Context, recordings iter.Seq2[v1.Recording, error], deps *Dependencies, o Options) (v1.ReplayResult, error) {
	rules, err := compare.Compile(o.Compare, time.Now())
	if err != nil {
		return v1.ReplayResult{}, err
	}
	if deps == nil {
		deps = NewDependencies()
	}
	p := &player{o: o, rules: rules, deps: deps, endpoints: map[string]*endpoint{}}
	slots := make(chan struct{}, max(1, o.Parallel))
	var all sync.WaitGroup
	for r, err2 := range recordings {
		if err2 != nil {
			err = err2
			break
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			p.play(ctx, &r)
		})
	}
	all.Wait()
	return p.result(), err
}

type player struct {
	o     Options
	rules *compare.Rules
	deps  *Dependencies

	mu        sync.Mutex
	endpoints map[string]*endpoint
}

// endpoint is what was seen of one endpoint. A path that the old side itself answers otherwise is noise.
type endpoint struct {
	v1.ReplayEndpoint
	noise map[string]bool
	found [][]string // paths of each request that differed
}

func (p *player) play(ctx context.Context, r *v1.Recording) {
	name := cmp.Or(r.Endpoint, evidence.Endpoint(r.Request.Method, r.Request.Target, ""))
	run := freshRun()
	p.deps.begin(run, r)
	fresh, err := p.ask(ctx, p.o.To, r, run)
	missed := p.deps.end(run)
	var noise []compare.Difference
	was, broken := recordedAnswer(r)
	if m := r.Request.Method; p.o.Old != nil && err == nil && broken == nil && (m == http.MethodGet || m == http.MethodHead) {
		if again, err := p.ask(ctx, p.o.Old, r, freshRun()); err == nil {
			noise = p.rules.Diff(p.rules.Parse(&was), p.rules.Parse(&again))
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.endpoints[name]
	if e == nil {
		e = &endpoint{ReplayEndpoint: v1.ReplayEndpoint{Endpoint: name, Paths: map[string]int{}}, noise: map[string]bool{}}
		p.endpoints[name] = e
	}
	e.Requests++
	for i := range noise {
		e.noise[noise[i].Path] = true
	}
	switch {
	case missed:
		e.Miss++
	case err != nil || broken != nil || was.Status == 0:
		e.Failed++
	default:
		var paths []string
		now := time.Now()
		for _, d := range p.rules.Diff(p.rules.Parse(&was), p.rules.Parse(&fresh)) {
			if p.rules.Ignored(name, d.Path, now) == nil {
				paths = append(paths, d.Path)
			}
		}
		if len(paths) > 0 {
			e.found = append(e.found, paths)
		}
	}
}

// ask sends the request of a recording.
func (p *player) ask(ctx context.Context, to *url.URL, r *v1.Recording, run string) (compare.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	body, err := bytesOf(r.Request.Body, r.Request.Base64)
	if err != nil {
		return compare.Answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, r.Request.Method, to.Scheme+"://"+to.Host+"/"+strings.TrimPrefix(r.Request.Target, "/"), bytes.NewReader(body))
	if err != nil {
		return compare.Answer{}, fmt.Errorf("make request: %w", err)
	}
	for _, h := range slices.Concat(r.Request.Header, p.o.Header) {
		if !ends(h.Name) {
			req.Header.Add(h.Name, h.Value)
		}
	}
	req.Host = cmp.Or(r.Request.Host, to.Host)
	req.Header.Set(v1.MarkHeader, v1.Mark{Run: run, Shadow: true, Bucket: -1}.String())
	req.Header.Set("X-Jindu-Shadow", p.o.Migration)
	began := time.Now()
	resp, err := p.o.Client.Do(req)
	if err != nil {
		return compare.Answer{}, fmt.Errorf("ask %s: %w", to.Host, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return compare.Answer{}, fmt.Errorf("read the answer of %s: %w", to.Host, err)
	}
	if len(data) > maxAnswer {
		return compare.Answer{}, kind.New(kind.Exhausted, "JD-REPLAY-004", "the answer is over %d bytes", maxAnswer)
	}
	return compare.Answer{Status: resp.StatusCode, Header: fields(resp.Header), Body: data, Latency: time.Since(began)}, nil
}

func recordedAnswer(r *v1.Recording) (compare.Answer, error) {
	body, err := bytesOf(r.Answer.Body, r.Answer.Base64)
	return compare.Answer{Status: r.Answer.Status, Header: r.Answer.Header, Body: body}, err
}

// ends says whether a field ends at a proxy, or is said anew.
func ends(name string) bool {
	switch strings.ToLower(name) {
	case "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "host", "expect", "accept-encoding":
		return true
	}
	return len(name) >= 8 && strings.EqualFold(name[:8], "x-jindu-")
}

func (p *player) result() v1.ReplayResult {
	out := v1.ReplayResult{Endpoints: []v1.ReplayEndpoint{}, Misses: p.deps.Misses()}
	for _, e := range p.endpoints {
		for _, paths := range e.found {
			differs := false
			for _, path := range paths {
				if !e.noise[path] {
					e.Paths[path]++
					differs = true
				}
			}
			if differs {
				e.Differ++
			}
		}
		out.Requests += e.Requests
		out.Differ += e.Differ
		out.Miss += e.Miss
		out.Failed += e.Failed
		out.Endpoints = append(out.Endpoints, e.ReplayEndpoint)
	}
	out.Alike = out.Requests - out.Differ - out.Miss - out.Failed
	slices.SortFunc(out.Endpoints, func(a, b v1.ReplayEndpoint) int {
		return cmp.Or(cmp.Compare(b.Differ, a.Differ), cmp.Compare(b.Miss+b.Failed, a.Miss+a.Failed), strings.Compare(a.Endpoint, b.Endpoint))
	})
	return out
}

// freshRun is a run of its own.
func freshRun() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

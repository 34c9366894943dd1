// Package probe asks instances whether they are healthy: a connection over TCP, or GET over HTTP.
package probe

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"

	v1 "jindu.dev/jindu/api/v1"
)

// maxBody bounds what is read of an answer, so that its connection may end in peace.
const maxBody = 64 << 10

// Prober makes checks. Each has a connection of its own: a check is to find out whether new ones are
// accepted.
type Prober struct {
	dialer net.Dialer
	client http.Client
}

// New makes a Prober. Checks go to the instance itself: no proxy, no redirect.
func New() *Prober {
	p := &Prober{}
	p.client = http.Client{
		Transport: &http.Transport{
			DialContext:            p.dialer.DialContext,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxBody,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p
}

// Check returns why the instance at addr is not healthy, nil when it is. ctx carries the limit of time.
func (p *Prober) Check(ctx context.Context, check v1.HealthCheck, addr netip.AddrPort) error {
	if check.Type == "HTTP" {
		return p.http(ctx, check.Path, addr)
	}
	c, err := p.dialer.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	_ = c.Close() // that it opened is the answer
	return nil
}

func (p *Prober) http(ctx context.Context, path string, addr netip.AddrPort) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr.String()+path, nil)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	req.Header.Set("User-Agent", "jindu-health-check")
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, maxBody) // the status is the answer
	if resp.StatusCode < 200 || resp.StatusCode > 399 {
		return fmt.Errorf("GET %s answered %d", path, resp.StatusCode)
	}
	return nil
}

package order

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"
)

// register keeps the instance registered until ctx ends; leave takes it out.
func register(ctx context.Context, c Config, at *net.TCPAddr) (leave func(), err error) {
	call := func(ctx context.Context, verb string, body any) error {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Register+"/api/v1/"+verb, bytes.NewReader(raw))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if resp.StatusCode >= 300 {
			err = fmt.Errorf("%s: status %d", verb, resp.StatusCode)
		}
		_ = resp.Body.Close()
		return err
	}
	me := map[string]any{"service": "orders", "ip": at.IP.String(), "port": at.Port, "metadata": map[string]string{"runtime": c.Runtime, "version": c.Version, "shadow-safe": "true"}}
	if err := call(ctx, "register", me); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	go func() {
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = call(ctx, "register", me)
			}
		}
	}()
	return func() {
		stop, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = call(stop, "deregister", map[string]any{"service": "orders", "ip": at.IP.String(), "port": at.Port})
	}, nil
}

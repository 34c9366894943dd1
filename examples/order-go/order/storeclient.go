package order

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// storeClient speaks to examples/order-store.
type storeClient struct {
	base string
	http *http.Client
}

func newStoreClient(base string) *storeClient {
	return &storeClient{base, &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 128, IdleConnTimeout: time.Minute, DisableCompression: true},
	}}
}

// get reads path into out and returns the version that it was read at.
func (c *storeClient) get(ctx context.Context, path string, out any) (state string, err error) {
	return c.do(ctx, http.MethodGet, path, nil, out)
}

func (c *storeClient) do(ctx context.Context, method, path string, in, out any) (state string, err error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return "", err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return "", err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	state = resp.Header.Get("X-State")
	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated:
		return state, json.Unmarshal(raw, out)
	case http.StatusNotFound:
		return state, errNotFound
	case http.StatusBadRequest:
		return state, errInput
	case http.StatusConflict:
		var refusal struct{ SoldOut int64 }
		if err := json.Unmarshal(raw, &refusal); err != nil {
			return state, err
		}
		return state, soldOut{refusal.SoldOut}
	}
	return state, fmt.Errorf("store answered %d to %s %s", resp.StatusCode, method, path)
}

package scene

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// admin speaks to a node's admin API.
type admin struct {
	base string // http://127.0.0.1:port
	http *http.Client
}

func newAdmin(base string) *admin {
	return &admin{base, &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
}

// path is the collection of a kind.
var paths = map[v1.Kind]string{v1.KindService: "services", v1.KindInstance: "instances", v1.KindRoute: "routes", v1.KindMigration: "migrations"}

// Apply puts an object.
func (a *admin) Apply(ctx context.Context, k v1.Kind, name string, spec any) error {
	object := map[string]any{"apiVersion": v1.APIVersion, "kind": k, "metadata": map[string]any{"name": name}, "spec": spec}
	return a.do(ctx, http.MethodPut, "/api/v1/"+paths[k]+"/"+name, object, nil)
}

// Usable is how many instances of a service get traffic.
func (a *admin) Usable(ctx context.Context, service string) (int, error) {
	var s v1.Service
	err := a.do(ctx, http.MethodGet, "/api/v1/services/"+service, nil, &s)
	return s.Status.Usable, err
}

// Migration gets a migration.
func (a *admin) Migration(ctx context.Context, name string) (m v1.Migration, err error) {
	err = a.do(ctx, http.MethodGet, "/api/v1/migrations/"+name, nil, &m)
	return m, err
}

// Evidence gets what is known of a migration.
func (a *admin) Evidence(ctx context.Context, name string) (e v1.Evidence, err error) {
	err = a.do(ctx, http.MethodGet, "/api/v1/migrations/"+name+"/evidence", nil, &e)
	return e, err
}

// Overview gets the live traffic.
func (a *admin) Overview(ctx context.Context) (o v1.Overview, err error) {
	err = a.do(ctx, http.MethodGet, "/api/v1/overview", nil, &o)
	return o, err
}

// Command gives a migration a command.
func (a *admin) Command(ctx context.Context, name, verb, reason string) error {
	return a.do(ctx, http.MethodPost, "/api/v1/migrations/"+name+"/"+verb, v1.Command{Reason: reason}, nil)
}

// Effects gets what requests did where it differs.
func (a *admin) Effects(ctx context.Context, name string) (e v1.EffectsView, err error) {
	err = a.do(ctx, http.MethodGet, "/api/v1/migrations/"+name+"/effects", nil, &e)
	return e, err
}

// Data gets where the rows stand.
func (a *admin) Data(ctx context.Context, name string) (d v1.DataStatus, err error) {
	err = a.do(ctx, http.MethodGet, "/api/v1/migrations/"+name+"/data", nil, &d)
	return d, err
}

// Diff compares rows.
func (a *admin) Diff(ctx context.Context, name string, in v1.DiffRequest) (out v1.DiffResult, err error) {
	err = a.do(ctx, http.MethodPost, "/api/v1/migrations/"+name+"/diff", in, &out)
	return out, err
}

// Repair repairs rows.
func (a *admin) Repair(ctx context.Context, name string, in v1.RepairRequest) (out v1.RepairResult, err error) {
	err = a.do(ctx, http.MethodPost, "/api/v1/migrations/"+name+"/repair", in, &out)
	return out, err
}

// ready says whether the node takes traffic.
func (a *admin) ready(ctx context.Context) bool {
	return a.do(ctx, http.MethodGet, "/readyz", nil, nil) == nil
}

func (a *admin) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: status %d: %s", method, path, resp.StatusCode, bytes.TrimSpace(raw))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

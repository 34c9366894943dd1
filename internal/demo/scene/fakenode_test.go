package scene

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	v1 "jindu.dev/jindu/api/v1"
)

// fakeNode is the least of a node that the demo can play with: it registers, proxies to whoever came first,
// and finishes every migration at the third look.
func fakeNode(configFile string) error {
	if os.Getenv("FAKE_NODE") == "fails" {
		return errors.New("told to fail")
	}
	text, err := os.ReadFile(configFile)
	if err != nil {
		return err
	}
	var config struct {
		Admin, Gateway struct{ Listen string }
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return err
	}
	var (
		mu        sync.Mutex
		instances []string
		looks     int
	)
	admin := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) } // of a test
	admin.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	admin.HandleFunc("POST /api/v1/register", func(w http.ResponseWriter, r *http.Request) {
		var reg v1.Registration
		if err := json.NewDecoder(r.Body).Decode(&reg); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		instances = append(instances, fmt.Sprintf("http://%s:%d", reg.IP, reg.Port))
		answer(w, v1.Lease{Instance: "i", TTL: "15s", Heartbeat: "5s", State: v1.StateServing})
	})
	admin.HandleFunc("POST /api/v1/deregister", func(http.ResponseWriter, *http.Request) {})
	admin.HandleFunc("PUT /api/v1/{kind}/{name}", func(w http.ResponseWriter, r *http.Request) {
		var object struct{ Kind v1.Kind }
		if err := json.NewDecoder(r.Body).Decode(&object); err != nil || paths[object.Kind] != r.PathValue("kind") {
			http.Error(w, "kind", http.StatusUnprocessableEntity)
		}
	})
	admin.HandleFunc("GET /api/v1/services/{name}", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		answer(w, v1.Service{Status: v1.ServiceStatus{Usable: len(instances)}})
	})
	admin.HandleFunc("GET /api/v1/migrations/{name}", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		st := v1.MigrationStatus{Phase: v1.PhaseMirror}
		if looks++; looks > 2 {
			st = v1.MigrationStatus{Phase: v1.PhaseDone, Buckets: 10_000, Verdict: v1.VerdictPass, History: []v1.Transition{{At: time.Now(), Phase: v1.PhaseDone}}}
		}
		answer(w, v1.Migration{Status: st})
	})
	admin.HandleFunc("GET /api/v1/migrations/{name}/evidence", func(w http.ResponseWriter, _ *http.Request) { answer(w, v1.Evidence{}) })
	admin.HandleFunc("GET /api/v1/overview", func(w http.ResponseWriter, _ *http.Request) { answer(w, v1.Overview{Rate: 1}) })
	gateway := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		mu.Lock()
		defer mu.Unlock()
		first, _ := url.Parse(instances[0])
		p.SetURL(first)
	}}
	failed := make(chan error, 2)
	go func() { failed <- http.ListenAndServe(config.Admin.Listen, admin) }()
	go func() { failed <- http.ListenAndServe(config.Gateway.Listen, gateway) }()
	return <-failed
}

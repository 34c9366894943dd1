package app

import (
	"context"
	"iter"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/console"
	"jindu.dev/jindu/internal/kit/web"
	migrateapi "jindu.dev/jindu/internal/migrate/httpapi"
	objectapi "jindu.dev/jindu/internal/object/httpapi"
	registryapi "jindu.dev/jindu/internal/registry/httpapi"
)

// apiVersion is the version of the admin API, in its document.
const apiVersion = "1.0.0"

// api declares every operation of the admin API on mux.
func (n *node) api(mux *http.ServeMux) huma.API {
	api := web.NewAPI(mux, web.Info{
		Version:     apiVersion,
		Description: "The admin API of a Jindu node: objects, registrations, migrations and what goes on.",
		Log:         n.log,
	})
	objectapi.Register(api, n.objects, n.overlays())
	registryapi.Register(api, n.registry)
	migrateapi.Register(api, n.migrate)
	migrateapi.RegisterData(api, dataAPI{n.data, n.objects})
	migrateapi.RegisterEffects(api, n.migrate)
	n.registerNode(api)
	return api
}

// overlays work out the statuses that are not stored.
func (n *node) overlays() objectapi.Overlays {
	return objectapi.Overlays{
		Service: func(s v1.Service) v1.ServiceStatus {
			st, _ := n.registry.ServiceStatus(s.Metadata.Name)
			return st
		},
		Instance: func(i v1.Instance) v1.InstanceStatus {
			st, ok := n.registry.InstanceStatus(i.Metadata.Name)
			if !ok {
				st.State = v1.StateGone
			}
			st.Ejected = n.gateway.Ejected(addressOf(i.Spec))
			return st
		},
		Route: func(r v1.Route) v1.RouteStatus {
			st, _ := n.route.RouteStatus(r.Metadata.Name)
			return st
		},
		Migration: func(m v1.Migration) v1.MigrationStatus {
			if st, ok := n.migrate.Status(m.Metadata.Name); ok {
				return st
			}
			return m.Status
		},
	}
}

type body[T any] struct{ Body T }

// registerNode declares what is about the node itself.
func (n *node) registerNode(api huma.API) {
	web.Register(api, v1.RoleViewer, huma.Operation{
		OperationID: "get-node", Method: http.MethodGet, Path: "/api/v1/node", Tags: []string{"Node"}, Summary: "The running process",
	}, func(ctx context.Context, _ *struct{}) (*body[v1.Node], error) {
		revision, err := n.objects.Revision(ctx)
		if err != nil {
			return nil, err
		}
		return &body[v1.Node]{v1.Node{
			Version: n.opts.Version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Started: n.started.UTC(),
			Ready: n.ready.Load(), Gateway: n.gatewayAddress(), Revision: revision, Applied: n.feed.at(),
		}}, nil
	})
	web.Register(api, v1.RoleViewer, huma.Operation{
		OperationID: "get-overview", Method: http.MethodGet, Path: "/api/v1/overview", Tags: []string{"Node"}, Summary: "Live traffic of the last second",
	}, func(context.Context, *struct{}) (*body[v1.Overview], error) {
		o, _ := n.traffic.overview()
		return &body[v1.Overview]{o}, nil
	})
	web.Stream(api, v1.RoleViewer, huma.Operation{
		OperationID: "stream-overview", Path: "/api/v1/overview/stream", Tags: []string{"Node"}, Summary: "Live traffic, once a second",
	}, func(ctx context.Context, _ *struct{}, _ int64) (iter.Seq2[web.Event[v1.Overview], error], error) {
		return func(yield func(web.Event[v1.Overview], error) bool) {
			for o := range n.traffic.stream(ctx) {
				if !yield(web.Event[v1.Overview]{Data: o}, nil) {
					return
				}
			}
		}, nil
	})
	web.Register(api, v1.RoleViewer, huma.Operation{
		OperationID: "get-estate", Method: http.MethodGet, Path: "/api/v1/estate", Tags: []string{"Node"}, Summary: "Every service, its runtimes and how far its migration is",
	}, func(context.Context, *struct{}) (*body[[]v1.EstateRow], error) {
		o, _ := n.traffic.overview()
		return &body[[]v1.EstateRow]{estate(n.registry.Snapshot(), snapshotOf(n.feed, &n.feed.migrations), n.migrate.Status, o)}, nil
	})
	web.Register(api, v1.RoleAdmin, huma.Operation{
		OperationID: "reload-node", Method: http.MethodPost, Path: "/api/v1/reload", Tags: []string{"Node"}, Summary: "Read the configuration again and put its live keys in force",
	}, func(context.Context, *struct{}) (*body[v1.Reload], error) {
		done, err := n.reload()
		if err != nil {
			return nil, err
		}
		return &body[v1.Reload]{done}, nil
	})
}

// adminHandler is everything that the admin listener serves.
func (n *node) adminHandler() http.Handler {
	mux := http.NewServeMux()
	n.api(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if n.ready.Load() {
			plain(w, http.StatusOK, "ready\n")
		} else {
			plain(w, http.StatusServiceUnavailable, "not ready\n")
		}
	})
	metrics := promhttp.HandlerFor(n.metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if err := web.Require(r.Context(), v1.RoleViewer); err != nil {
			web.WriteProblem(w, r, err)
			return
		}
		metrics.ServeHTTP(w, r)
	})
	mux.Handle("GET /", console.Handler())
	return web.Handler(n.guard, mux)
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the client may have left
}

// public needs no identity: health, for balancers, and the console's files, which hold no data.
func public(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	p := r.URL.Path
	return !strings.HasPrefix(p, "/api/") && !strings.HasPrefix(p, "/openapi") && p != "/metrics"
}

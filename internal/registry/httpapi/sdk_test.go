package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/web"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/registry/httpapi"
	"jindu.dev/jindu/sdk"
)

type objects struct{}

func (objects) PutInstance(_ context.Context, in v1.Instance, _ v1.Identity) (v1.Instance, error) {
	in.Metadata.Revision = 1
	return in, nil
}
func (objects) DeleteInstance(context.Context, string, v1.Identity) error { return nil }
func (objects) CreateService(context.Context, string, v1.Identity) error  { return nil }

func TestAServiceWithTheSDKIsServedAndLeaves(t *testing.T) {
	reg, err := registry.New(registry.Default(), registry.Options{Objects: objects{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	httpapi.Register(web.NewAPI(mux, web.Info{Version: "1"}), reg)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(web.WithIdentity(r.Context(), v1.Identity{Name: "t", Role: v1.RoleRegister, Services: []string{"orders"}})))
	}))
	defer node.Close()

	instance, err := sdk.Register(t.Context(), sdk.Options{Node: node.URL, Service: "orders", Port: 8080})
	if err != nil {
		t.Fatal(err)
	}
	const name = "orders-127.0.0.1-8080"
	if st, ok := reg.InstanceStatus(name); !ok || st.State != v1.StateServing || instance.Lease().Instance != name {
		t.Errorf("status %+v, lease %+v", st, instance.Lease())
	}
	if err := instance.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if st, _ := reg.InstanceStatus(name); st.State != v1.StateDraining {
		t.Errorf("status %+v", st)
	}
	if _, err := sdk.Register(t.Context(), sdk.Options{Node: node.URL, Service: "stock", Port: 8080}); err == nil {
		t.Error("a token for orders registered stock")
	}
}

package sdk_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"jindu.dev/jindu/sdk"
)

// A handler that refuses before any effect while its stock is not loaded, and says which version of
// its data an answer comes from.
func Example() {
	loaded := false
	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loaded {
			sdk.Refuse(w)
			return
		}
		sdk.State(w, "rev-42")
		if migration, ok := sdk.ShadowOf(r); ok {
			fmt.Println("copy for", migration)
		}
		_, _ = fmt.Fprint(w, `{"id": 1}`)
	})

	r := httptest.NewRequest(http.MethodGet, "/orders/1", nil)
	r.Header.Set("X-Jindu-Shadow", "orders-to-go")
	for range 2 {
		w := httptest.NewRecorder()
		orders(w, r)
		fmt.Printf("%d refused=%q state=%q\n", w.Code, w.Header().Get("X-Jindu-Refused"), w.Header().Get("X-Jindu-State"))
		loaded = true
	}
	// Output:
	// 503 refused="1" state=""
	// copy for orders-to-go
	// 200 refused="" state="rev-42"
}

func ExampleRegister() {
	ctx := context.Background()
	reg, err := sdk.Register(ctx, sdk.Options{
		Service:  "orders",
		Port:     8080,
		Metadata: map[string]string{"version": "2.4.0"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// ... serve requests until it is time to stop, and then
	if err := reg.Close(ctx); err != nil {
		fmt.Println(err)
	}
}

func ExampleBucket() {
	share := 500 // 5 %
	fmt.Println(sdk.Bucket("orders-to-go", "user-1") < share)
	// Output: false
}

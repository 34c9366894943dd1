package evidence

import (
	"fmt"
	"strings"
	"testing"
)

func TestIdentifiersInPathsBecomePlaceholders(t *testing.T) {
	for path, want := range map[string]string{
		"/orders/123": "/orders/{id}", "/orders/123/items?x=1": "/orders/{id}/items", "/": "/", "": "/", "/v1/orders": "/v1/orders", "/oauth2/token": "/oauth2/token",
		"/o/6f1c2a34-9c1e-4d5b-8a7f-001122334455": "/o/{id}", "/o/deadbeef01": "/o/{id}", "/o/ORD-20260101": "/o/{id}", "/u/a@b.cn": "/u/{id}", "/o/facade": "/o/facade",
		"/t/" + strings.Repeat("x", 65): "/t/{id}", "/t/abcdefghijklmnopq123xyz": "/t/{id}", "/a/b/": "/a/b/",
		strings.Repeat("/a", 20): strings.Repeat("/a", 16) + "/{rest}",
	} {
		if got := Endpoint("GET", path, ""); got != "GET "+want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := Endpoint("PUT", "/x/1", "/x/{number}"); got != "PUT /x/{number}" {
		t.Errorf("a route's template comes first: %s", got)
	}
}

func TestAPlaceOfManyNamesBecomesATemplateAndForgetsThem(t *testing.T) {
	tm := NewTemplates()
	var stale []string
	last := ""
	for i := range 200 {
		name, gone := tm.Endpoint("GET", fmt.Sprintf("/users/%s", word(i)), "")
		stale = append(stale, gone...)
		last = name
	}
	if last != "GET /users/{id}" || len(stale) != maxChildren || !strings.HasPrefix(stale[0], "GET /users/") {
		t.Errorf("%s, %d stale", last, len(stale))
	}
	if name, _ := tm.Endpoint("GET", "/users/"+word(1), ""); name != "GET /users/{id}" {
		t.Errorf("a name seen before the template: %s", name)
	}
}

func TestStrangersInTheFirstPlaceDoNotReplaceEstablishedNames(t *testing.T) {
	tm := NewTemplates()
	for range established {
		tm.Endpoint("GET", "/orders/search", "")
	}
	for i := range 500 {
		tm.Endpoint("GET", "/"+word(i), "")
	}
	if name, _ := tm.Endpoint("GET", "/orders/search", ""); name != "GET /orders/search" {
		t.Error(name)
	}
	if name, _ := tm.Endpoint("GET", "/wp-admin", ""); name != "GET /{id}" {
		t.Error(name)
	}
}

func TestTemplatesAreBounded(t *testing.T) {
	tm := NewTemplates()
	for i := range 60 {
		for j := range 60 {
			for k := range 3 {
				tm.Endpoint("GET", "/"+word(i)+"/"+word(j)+"/"+word(k), "")
			}
		}
	}
	if tm.nodes > maxNodes+maxSegments {
		t.Errorf("%d places", tm.nodes)
	}
}

func TestABookForgetsEndpointsThatWereInstancesOfATemplate(t *testing.T) {
	b, err := NewBook(Config{Now: today})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		name := b.Endpoint("GET", "/users/"+word(i), "")
		b.Add(Observation{Endpoint: name, Cluster: uint64(i), At: today, Old: answer(body(1)), New: answer(body(1))})
	}
	if res := b.Look(today); len(res.Endpoints) != 1 || res.Endpoints[0].Endpoint != "GET /users/{id}" {
		t.Errorf("%d endpoints left", len(res.Endpoints))
	}
}

func word(i int) string { return fmt.Sprintf("n%c%c", 'a'+i/26, 'a'+i%26) }

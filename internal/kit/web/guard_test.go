package web

import (
	"crypto/subtle"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// whoami answers with the caller's name and role.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	id := IdentityOf(r.Context())
	_, _ = w.Write([]byte(id.By() + " " + string(id.Role)))
})

func token(t *testing.T, name string, role v1.Role, services ...string) (string, Token) {
	t.Helper()
	secret, hash := NewToken()
	return secret, Token{Name: name, Role: role, Services: services, Hash: hash}
}

func TestNoWebPageCanDriveTheLoopbackListener(t *testing.T) {
	secret, admin := token(t, "root", v1.RoleAdmin)
	guard, err := NewGuard(Access{Loopback: true, Public: func(r *http.Request) bool { return r.URL.Path == "/" }}, []Token{admin})
	if err != nil {
		t.Fatal(err)
	}
	h := guard.Wrap(whoami)
	const ok, api = 200, "/api/v1/services"
	for name, c := range map[string]struct {
		edit func(*http.Request)
		code string // empty: let in
	}{
		"the console itself":              {func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:8090") }, ""},
		"localhost":                       {func(r *http.Request) { r.Host = "localhost:8090"; r.Header.Set("Origin", "http://localhost:8090") }, ""},
		"IPv6 loopback":                   {func(r *http.Request) { r.Host = "[::1]:8090"; r.RemoteAddr = "[::1]:999" }, ""},
		"another address of this machine": {func(r *http.Request) { r.Host = "127.8.8.8:8090" }, ""},
		"JSON with a charset":             {func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-8") }, ""},
		"YAML":                            {func(r *http.Request) { r.Header.Set("Content-Type", "application/yaml") }, ""},
		"no body":                         {func(r *http.Request) { r.Header.Del("Content-Type"); r.ContentLength = 0; r.Body = http.NoBody }, ""},
		"rebound name":                    {func(r *http.Request) { r.Host = "evil.example:8090" }, "JD-API-002"},
		"rebound name that looks local":   {func(r *http.Request) { r.Host = "localhost.evil.example:8090" }, "JD-API-002"},
		"rebound name with an address":    {func(r *http.Request) { r.Host = "127.0.0.1.evil.example" }, "JD-API-002"},
		"address of the network":          {func(r *http.Request) { r.Host = "192.168.1.7:8090" }, "JD-API-002"},
		"any address":                     {func(r *http.Request) { r.Host = "0.0.0.0:8090" }, "JD-API-002"},
		"no host":                         {func(r *http.Request) { r.Host = "" }, "JD-API-002"},
		"rebound name with a token":       {func(r *http.Request) { r.Host = "evil.example"; r.Header.Set("Authorization", "Bearer "+secret) }, "JD-API-002"},
		"page of another origin":          {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, "JD-API-007"},
		"page of another port":            {func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:3000") }, "JD-API-007"},
		"page of another scheme":          {func(r *http.Request) { r.Header.Set("Origin", "https://127.0.0.1:8090") }, "JD-API-007"},
		"page of another name for this":   {func(r *http.Request) { r.Header.Set("Origin", "http://localhost:8090") }, "JD-API-007"},
		"sandboxed page":                  {func(r *http.Request) { r.Header.Set("Origin", "null") }, "JD-API-007"},
		"two origins":                     {func(r *http.Request) { r.Header["Origin"] = []string{"http://127.0.0.1:8090", "http://evil.example"} }, "JD-API-007"},
		"empty origin":                    {func(r *http.Request) { r.Header["Origin"] = []string{""} }, "JD-API-007"},
		"another site without an origin":  {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, "JD-API-007"},
		"another port without an origin":  {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, "JD-API-007"},
		"image of another site": {func(r *http.Request) {
			r.Method = "GET"
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "no-cors")
			r.Header.Set("Sec-Fetch-Dest", "image")
		}, "JD-API-007"},
		"link to the API":     {func(r *http.Request) { r.Method = "GET"; navigate(r) }, "JD-API-007"},
		"link to the console": {func(r *http.Request) { r.Method, r.URL.Path = "GET", "/"; navigate(r) }, ""},
		"frame of the console": {func(r *http.Request) {
			r.Method, r.URL.Path = "GET", "/"
			navigate(r)
			r.Header.Set("Sec-Fetch-Dest", "iframe")
		}, "JD-API-007"},
		"JSON as plain text":                  {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, "JD-API-008"},
		"form":                                {func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, "JD-API-008"},
		"multipart form":                      {func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }, "JD-API-008"},
		"body without a type":                 {func(r *http.Request) { r.Header.Del("Content-Type") }, "JD-API-008"},
		"chunked body without a type":         {func(r *http.Request) { r.Header.Del("Content-Type"); r.ContentLength = -1 }, "JD-API-008"},
		"two types":                           {func(r *http.Request) { r.Header["Content-Type"] = []string{"application/json", "text/plain"} }, "JD-API-008"},
		"type in a parameter":                 {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain; x=application/json") }, "JD-API-008"},
		"form by DELETE":                      {func(r *http.Request) { r.Method = "DELETE"; r.Header.Set("Content-Type", "text/plain") }, "JD-API-008"},
		"peer of the network":                 {func(r *http.Request) { r.RemoteAddr = "10.0.0.8:1234" }, "JD-API-003"},
		"peer without an address":             {func(r *http.Request) { r.RemoteAddr = "@" }, "JD-API-003"},
		"passed on by a proxy":                {func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.8") }, "JD-API-003"},
		"passed on by a proxy of RFC 7239":    {func(r *http.Request) { r.Header.Set("Forwarded", "for=10.0.0.8") }, "JD-API-003"},
		"passed on by a proxy with a token":   {func(r *http.Request) { r.Header.Set("Via", "1.1 x"); r.Header.Set("Authorization", "Bearer "+secret) }, ""},
		"wrong token where none was needed":   {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, "JD-API-004"},
		"empty token":                         {func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }, "JD-API-004"},
		"hash of the token":                   {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+HashToken(secret)) }, "JD-API-004"},
		"token by another scheme":             {func(r *http.Request) { r.Header.Set("Authorization", "Basic "+secret) }, "JD-API-004"},
		"two tokens":                          {func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer x", "Bearer " + secret} }, "JD-API-004"},
		"actor with a line break in its name": {func(r *http.Request) { r.Header.Set(ActorHeader, "alice\nadmin") }, "JD-API-010"},
	} {
		t.Run(name, func(t *testing.T) {
			r := local("POST", api, "application/json", "{}")
			c.edit(r)
			w := call(h, r)
			if c.code == "" {
				if w.Code != ok {
					t.Errorf("refused: %d %s", w.Code, w.Body)
				}
				return
			}
			status := 403
			switch c.code {
			case "JD-API-003", "JD-API-004":
				status = 401
			case "JD-API-008":
				status = 415
			case "JD-API-010":
				status = 422
			}
			problemIn(t, w, status, c.code)
		})
	}
	if guard.Denied() == 0 {
		t.Error("refusals are not counted")
	}
}

func navigate(r *http.Request) {
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
}

func TestElsewhereOnlyATokenLetsIn(t *testing.T) {
	secret, viewer := token(t, "board", v1.RoleViewer)
	guard, err := NewGuard(Access{Public: func(r *http.Request) bool { return r.URL.Path == "/healthz" }}, []Token{viewer})
	if err != nil {
		t.Fatal(err)
	}
	h := guard.Wrap(whoami)
	request := func(path string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "https://node.example:8443"+path, nil)
		r.TLS, r.RemoteAddr = &tls.ConnectionState{}, "127.0.0.1:5"
		return r
	}
	w := call(h, request("/api/v1/services"))
	problemIn(t, w, 401, "JD-API-003")
	if got := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	r := request("/api/v1/services")
	r.Header.Set("Authorization", "bearer "+secret)
	r.Header.Set("Origin", "https://node.example:8443")
	r.Header.Set(ActorHeader, "root")
	if got := call(h, r).Body.String(); got != "board viewer" {
		t.Errorf("caller is %q: an actor is for local callers only", got)
	}
	if w := call(h, request("/healthz")); w.Code != 200 || w.Body.String() != " " {
		t.Errorf("health needs no identity and gives none: %d %q", w.Code, w.Body)
	}
	if err := guard.SetTokens(nil); err != nil {
		t.Fatal(err)
	}
	problemIn(t, call(h, r), 401, "JD-API-004")
}

func TestAnActorIsShownAndIsNoOtherPerson(t *testing.T) {
	guard, err := NewGuard(Access{Loopback: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var seen v1.Identity
	h := guard.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = IdentityOf(r.Context()) }))
	names := map[string]bool{}
	for _, actor := range []string{"alice", "bob"} {
		r := local("GET", "/api/v1/services", "", "")
		r.Header.Set(ActorHeader, actor)
		call(h, r)
		if seen.By() != "local:"+actor {
			t.Errorf("shown as %q", seen.By())
		}
		names[seen.Name] = true
	}
	if len(names) != 1 {
		t.Errorf("two actors are two principals: %v", names)
	}
}

func TestEveryRoleMayDoItsPartAndNoMore(t *testing.T) {
	roles := []v1.Role{v1.RoleViewer, v1.RoleOperator, v1.RoleApprover, v1.RoleAdmin, v1.RoleRegister}
	allowed := map[v1.Role]string{ // by need, in the order of roles
		v1.RoleViewer:   "yyyyn",
		v1.RoleOperator: "nyyyn",
		v1.RoleApprover: "nnyyn",
		v1.RoleAdmin:    "nnnyn",
		v1.RoleRegister: "nyyyy",
		"":              "nnnnn",
		"root":          "nnnnn",
	}
	for need, row := range allowed {
		for i, have := range roles {
			if got := Allows(have, need); got != (row[i] == 'y') {
				t.Errorf("%s for %s: %t", have, need, got)
			}
		}
		if Allows("", need) || Allows("root", need) {
			t.Errorf("an unknown role may do what needs %q", need)
		}
	}
	// The same through a real API: each operation with a token of each role.
	_, api := parcels(t, Info{})
	mux, _ := api.Adapter().(http.Handler)
	for _, have := range roles {
		secret, tok := token(t, "x-"+string(have), have)
		if have == v1.RoleRegister {
			tok.Services = []string{"orders"}
		}
		guard, err := NewGuard(Access{}, []Token{tok})
		if err != nil {
			t.Fatal(err)
		}
		for _, need := range roles {
			r := local("POST", "/api/v1/need/"+string(need), "", "")
			r.Header.Set("Authorization", "Bearer "+secret)
			w := call(guard.Wrap(mux), r)
			if Allows(have, need) {
				if w.Code != 200 {
					t.Errorf("%s for %s: %d %s", have, need, w.Code, w.Body)
				}
				continue
			}
			problemIn(t, w, 403, "JD-API-005")
		}
	}
}

func TestARegisterTokenIsForItsServicesOnly(t *testing.T) {
	ctx := WithIdentity(t.Context(), v1.Identity{Name: "orders-bot", Role: v1.RoleRegister, Services: []string{"orders"}})
	if err := RequireService(ctx, "orders"); err != nil {
		t.Errorf("its own service: %v", err)
	}
	if err := RequireService(ctx, "users"); kind.Code(err) != "JD-API-006" {
		t.Errorf("another service: %v", err)
	}
	if err := RequireService(WithIdentity(t.Context(), v1.Identity{Name: "op", Role: v1.RoleOperator}), "users"); err != nil {
		t.Errorf("an operator: %v", err)
	}
	if err := RequireService(WithIdentity(t.Context(), v1.Identity{Name: "v", Role: v1.RoleViewer}), "users"); kind.Code(err) != "JD-API-005" {
		t.Errorf("a viewer: %v", err)
	}
	if err := RequireService(t.Context(), "users"); kind.Code(err) != "JD-API-003" {
		t.Errorf("nobody: %v", err)
	}
}

func TestTheSearchForATokenTakesTheSameTimeForAll(t *testing.T) {
	var tokens []Token
	var secrets []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		secret, tok := token(t, name, v1.RoleViewer)
		tokens, secrets = append(tokens, tok), append(secrets, secret)
	}
	set, err := newTokenSet(tokens)
	if err != nil {
		t.Fatal(err)
	}
	for i, secret := range append(secrets, "none", "") {
		compared := 0
		id, ok := set.find(secret, func(x, y []byte) int {
			compared++
			if len(x) != 32 || len(y) != 32 {
				t.Error("what is compared differs in length")
			}
			return subtle.ConstantTimeCompare(x, y)
		})
		if compared != len(tokens) {
			t.Errorf("secret %d: %d comparisons, want %d", i, compared, len(tokens))
		}
		if known := i < len(tokens); ok != known || known && id.Name != tokens[i].Name {
			t.Errorf("secret %d is %q, %t", i, id.Name, ok)
		}
	}
}

func TestATokenFileIsCheckedEntryByEntry(t *testing.T) {
	_, hash := NewToken()
	good := "- {name: ops, role: operator, hash: " + hash + "}\n"
	for name, c := range map[string]struct{ text, field, words string }{
		"no list":                      {"tokens: {}", "", "it is a list"},
		"unknown key":                  {"- {name: a, role: viewer, hash: x, secret: y}", "", "secret"},
		"no name":                      {"- {role: viewer, hash: " + hash + "}", "[0].name", "a name of its own"},
		"the name of the local caller": {"- {name: local, role: viewer, hash: " + hash + "}", "[0].name", "taken"},
		"a name twice":                 {good + strings.Replace(good, hash, HashToken("x"), 1), "[1].name", "share the name"},
		"a secret twice":               {good + strings.Replace(good, "ops", "dev", 1), "[1].hash", "share a secret"},
		"unknown role":                 {"- {name: a, role: root, hash: " + hash + "}", "[0].role", "viewer, operator"},
		"register without services":    {"- {name: a, role: register, hash: " + hash + "}", "[0].services", "names its services"},
		"services without register":    {"- {name: a, role: viewer, services: [x], hash: " + hash + "}", "[0].services", "the others none"},
		"secret instead of a hash":     {"- {name: a, role: viewer, hash: hunter2}", "[0].hash", "sha256"},
	} {
		_, err := ParseTokens([]byte(c.text))
		if kind.Code(err) != "JD-API-009" || !strings.Contains(err.Error(), c.field) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if tokens, err := LoadTokens(path); err != nil || len(tokens) != 1 || tokens[0].Name != "ops" {
		t.Errorf("good file: %v, %v", tokens, err)
	}
	if tokens, err := ParseTokens(nil); err != nil || len(tokens) != 0 {
		t.Errorf("empty file: %v, %v", tokens, err)
	}
	if _, err := LoadTokens(path + ".none"); kind.Code(err) != "JD-API-009" {
		t.Errorf("missing file: %v", err)
	}
	if _, err := NewGuard(Access{}, []Token{{Name: "a", Hash: "zz"}}); kind.Code(err) != "JD-API-009" {
		t.Errorf("guard with a broken hash: %v", err)
	}
}

func TestAnOpenAddressNeedsTLSAndAToken(t *testing.T) {
	for _, c := range []struct {
		addr   string
		tls    bool
		tokens int
		ok     bool
	}{
		{"127.0.0.1:8090", false, 0, true}, {"localhost:8090", false, 0, true}, {"[::1]:8090", false, 0, true},
		{":8090", false, 0, false}, {"0.0.0.0:8090", false, 3, false}, {"0.0.0.0:8090", true, 0, false},
		{"0.0.0.0:8090", true, 1, true}, {"10.1.2.3:8090", false, 1, false}, {"[::]:8090", true, 2, true},
		{"node.example:8090", false, 1, false}, {"localhost", false, 0, false}, {"", false, 0, false},
	} {
		err := CheckListen(c.addr, c.tls, c.tokens)
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
		if err != nil && (kind.Code(err) != "JD-API-011" || !strings.Contains(err.Error(), "configure TLS")) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestEveryAnswerHasSecurityHeadersAndARequestID(t *testing.T) {
	h, _ := parcels(t, Info{})
	ids := map[string]bool{}
	for _, path := range []string{"/api/v1/fail/Invalid", "/api/v1/nothing", "/openapi.yaml", "/nowhere"} {
		header := call(h, local("GET", path, "", "")).Header()
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Content-Security-Policy": ConsoleCSP} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if strings.HasPrefix(path, "/api/") && header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", path)
		}
		ids[header.Get("X-Request-Id")] = true
	}
	if len(ids) != 4 || ids[""] {
		t.Errorf("request ids are %v", ids)
	}
	for _, directive := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"} {
		if !strings.Contains(ConsoleCSP, directive) {
			t.Errorf("CSP lacks %s", directive)
		}
	}
	if strings.Contains(ConsoleCSP, "http") || strings.Contains(ConsoleCSP, "unsafe") || strings.Contains(ConsoleCSP, "*") {
		t.Errorf("CSP allows what is outside: %s", ConsoleCSP)
	}
}

func TestTheConsoleDoesNotSwallowThePathsOfTheAPI(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("GET /", whoami)
	NewAPI(mux, Info{})
	guard, err := NewGuard(Access{Loopback: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := Handler(guard, mux)
	if w := call(h, local("GET", "/migrations/orders", "", "")); w.Code != 200 {
		t.Errorf("a page of the console: %d", w.Code)
	}
	problemIn(t, call(h, local("GET", "/api/v1/nothing", "", "")), 404, "JD-API-015")
	problemIn(t, call(h, local("POST", "/migrations/orders", "application/json", "{}")), 405, "JD-API-016")
}

package web

import (
	"crypto/subtle"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

const localName = "local"

// ActorHeader lets a caller on this machine say which person it is, for audit. It is a claim, not an
// identity: the principal stays "local", so two actors never satisfy a rule that needs two persons;
// that takes two tokens.
const ActorHeader = "X-Jindu-Actor"

// Access says who may come in at a listener.
type Access struct {
	// Loopback says that the listener is bound to a loopback address, so that callers without a token
	// may be the local principal.
	Loopback bool
	// Public says which requests need no identity, such as health checks and the console's files.
	Public func(*http.Request) bool
}

// Guard lets requests in or refuses them, and says in the context who the caller is.
type Guard struct {
	access Access
	tokens atomic.Pointer[tokenSet]
	denied atomic.Int64
}

// NewGuard makes a Guard; the tokens can be changed later by SetTokens.
func NewGuard(access Access, tokens []Token) (*Guard, error) {
	g := &Guard{access: access}
	err := g.SetTokens(tokens)
	return g, err
}

// SetTokens replaces the tokens at once, for a reload.
func (g *Guard) SetTokens(tokens []Token) error {
	s, err := newTokenSet(tokens)
	if err != nil {
		return err
	}
	g.tokens.Store(s)
	return nil
}

// Denied counts requests refused here since the start.
func (g *Guard) Denied() int64 { return g.denied.Load() }

// Wrap guards next.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := g.admit(r)
		if err != nil {
			g.denied.Add(1)
			WriteProblem(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(WithIdentity(r.Context(), id)))
	})
}

// admit applies the rules in an order that tells a web page nothing: what a browser gives away about
// where a request came from is looked at before any credential.
func (g *Guard) admit(r *http.Request) (v1.Identity, error) {
	if g.access.Loopback && !loopbackHost(r.Host) {
		return v1.Identity{}, kind.New(kind.Denied, "JD-API-002", "Host is %q, but this listener serves this machine only; call it as 127.0.0.1 or localhost, or configure a TLS listener with tokens", r.Host)
	}
	if err := sameOrigin(r); err != nil {
		return v1.Identity{}, err
	}
	if err := contentType(r); err != nil {
		return v1.Identity{}, err
	}
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		return g.bearer(values)
	}
	if g.access.Public != nil && g.access.Public(r) {
		return v1.Identity{}, nil
	}
	if !g.access.Loopback || !loopbackPeer(r.RemoteAddr) || proxied(r.Header) {
		return v1.Identity{}, errNoIdentity()
	}
	actor, err := actorOf(r.Header)
	if err != nil {
		return v1.Identity{}, err
	}
	return v1.Identity{Name: localName, Role: v1.RoleAdmin, Actor: actor}, nil
}

// bearer never falls back to the local principal: who shows a token is its bearer or nobody.
func (g *Guard) bearer(values []string) (v1.Identity, error) {
	scheme, secret, _ := strings.Cut(values[0], " ")
	if len(values) == 1 && strings.EqualFold(scheme, "Bearer") {
		if id, ok := g.tokens.Load().find(secret, subtle.ConstantTimeCompare); ok {
			return id, nil
		}
	}
	return v1.Identity{}, withStatus(http.StatusUnauthorized, kind.New(kind.Denied, "JD-API-004", "the token is not known here; check the Authorization header and the token file"))
}

func errNoIdentity() error {
	return withStatus(http.StatusUnauthorized, kind.New(kind.Denied, "JD-API-003", "no identity; send Authorization: Bearer TOKEN, or call from this machine over the loopback listener without a proxy"))
}

// sameOrigin refuses what a page of another origin sent.
func sameOrigin(r *http.Request) error {
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		if err != nil || u.Scheme != scheme || !strings.EqualFold(u.Host, r.Host) {
			return kind.New(kind.Denied, "JD-API-007", "Origin %q is not this server; pages of other origins may not call it", origin)
		}
	}
	// A browser says this even where it sends no Origin. A link from another page may open the
	// console (navigate), nothing else.
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return nil
	}
	if r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" && !strings.HasPrefix(r.URL.Path, apiPrefix) {
		return nil
	}
	return kind.New(kind.Denied, "JD-API-007", "the request comes from another site; pages of other sites may not call this server")
}

// contentType refuses bodies of types that a page can send without being asked first.
func contentType(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	given := r.Header.Values("Content-Type")
	if len(given) == 0 && r.ContentLength == 0 {
		return nil
	}
	if len(given) == 1 {
		if media, _, err := mime.ParseMediaType(given[0]); err == nil && (media == "application/json" || media == "application/yaml") {
			return nil
		}
	}
	return withStatus(http.StatusUnsupportedMediaType, kind.New(kind.Unsupported, "JD-API-008", "Content-Type %q is not accepted; send application/json or application/yaml", strings.Join(given, ", ")))
}

// proxied says that somebody else's request is being passed on: a proxy on this machine must not lend
// its callers the local principal.
func proxied(h http.Header) bool {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
		if len(h.Values(name)) > 0 {
			return true
		}
	}
	return false
}

func actorOf(h http.Header) (string, error) {
	actor := h.Get(ActorHeader)
	ok := len(actor) <= 64 && strings.IndexFunc(actor, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-@", r)
	}) < 0
	if !ok {
		return "", kind.New(kind.Invalid, "JD-API-010", "%s is %.64q; use at most 64 letters, digits and . _ - @", ActorHeader, actor)
	}
	return actor, nil
}

func loopbackPeer(remote string) bool {
	ap, err := netip.ParseAddrPort(remote)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// loopbackHost says whether a Host header, or the host of a listen address, is this machine's.
func loopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && addr.Zone() == "" && addr.IsLoopback()
}

// LoopbackAddr says whether a listener at addr can be reached from this machine only.
func LoopbackAddr(addr string) bool {
	_, _, err := net.SplitHostPort(addr)
	return err == nil && loopbackHost(addr)
}

// CheckListen refuses an address that can be reached from other machines unless it is served over TLS
// and asks for tokens. The node does not start there otherwise.
func CheckListen(addr string, tls bool, tokens int) error {
	if LoopbackAddr(addr) || tls && tokens > 0 {
		return nil
	}
	return kind.New(kind.Invalid, "JD-API-011", "listen address %q can be reached from other machines and has tls=%t, tokens=%d; configure TLS and at least one token, or listen on 127.0.0.1", addr, tls, tokens)
}

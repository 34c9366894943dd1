package v1

// RouteSpec says which requests go where. Rules are tried by the precedence of the Gateway API: exact
// host before wildcard, exact path before template before longest prefix before regular expression,
// then method, more headers, more query parameters, more cookies, more source tags, then the older
// route, then the name, then the rule's place.
type RouteSpec struct {
	Hostnames  []string    `json:"hostnames,omitempty" maxItems:"64" doc:"Hosts this route serves; *.example.com covers subdomains; every host when absent."`
	SourceTags []SourceTag `json:"sourceTags,omitempty" maxItems:"16" doc:"How the tags that source matches name are read from a request."`
	Rules      []RouteRule `json:"rules" minItems:"1" maxItems:"1024" doc:"What to match and what to do."`
}

// SourceTag names a fact about who is asking, so that a rule can say source: {user: beta}.
type SourceTag struct {
	Name string      `json:"name" doc:"Name of the tag."`
	From ValueSource `json:"from" doc:"Where its value is read."`
}

// ValueSource is a place in a request; exactly one field is set.
type ValueSource struct {
	Header   string `json:"header,omitempty" doc:"Name of a request header."`
	Cookie   string `json:"cookie,omitempty" doc:"Name of a cookie."`
	Query    string `json:"query,omitempty" doc:"Name of a query parameter."`
	JWTClaim string `json:"jwtClaim,omitempty" doc:"Claim of the bearer token in Authorization. It is read, not verified: a cohort is no permission."`
	ClientIP bool   `json:"clientIP,omitempty" doc:"Address of the client, after trusted proxies."`
}

// RouteRule is one rule: any of its matches, then filters, then one of its backends.
type RouteRule struct {
	Name        string        `json:"name,omitempty" doc:"Name for people, metrics and logs; default its index."`
	Matches     []RouteMatch  `json:"matches,omitempty" maxItems:"64" doc:"The rule holds when any of them holds; every request when absent."`
	Filters     []RouteFilter `json:"filters,omitempty" maxItems:"16" doc:"What to change, in order."`
	BackendRefs []BackendRef  `json:"backendRefs,omitempty" maxItems:"16" doc:"Where to send; one is chosen by weight."`
	Timeouts    *Timeouts     `json:"timeouts,omitempty" doc:"Limits of time; defaults of the node when absent."`
	Retry       *Retry        `json:"retry,omitempty" doc:"Retries within the subset; defaults of the node when absent."`
	Stickiness  *Stickiness   `json:"stickiness,omitempty" doc:"Keeps a subject on one backend under weights; random per request when absent."`
}

// RouteMatch holds when all of its conditions hold.
type RouteMatch struct {
	Path        *PathMatch        `json:"path,omitempty" doc:"Default: prefix /."`
	Method      string            `json:"method,omitempty" doc:"Request method, in capitals."`
	Headers     []ValueMatch      `json:"headers,omitempty" maxItems:"16" doc:"Request headers; all must match."`
	QueryParams []ValueMatch      `json:"queryParams,omitempty" maxItems:"16" doc:"Query parameters; all must match."`
	Cookies     []ValueMatch      `json:"cookies,omitempty" maxItems:"16" doc:"Cookies; all must match."`
	Source      map[string]string `json:"source,omitempty" doc:"Source tags and the values they must have; a trailing * matches by prefix."`
}

// PathMatch is a condition on the path.
type PathMatch struct {
	Type  string `json:"type,omitempty" enum:"Exact,PathPrefix,Template,RegularExpression" doc:"Default PathPrefix, by whole segments. Template: /orders/{id}, a part in braces is one segment. RegularExpression: RE2, anchored at both ends."`
	Value string `json:"value" maxLength:"1024" doc:"Begins with / unless a regular expression."`
}

// ValueMatch is a condition on a named value.
type ValueMatch struct {
	Type  string `json:"type,omitempty" enum:"Exact,RegularExpression" doc:"Default Exact. RegularExpression: RE2, anchored at both ends."`
	Name  string `json:"name" doc:"Name of the header (any case), parameter or cookie."`
	Value string `json:"value" maxLength:"4096" doc:"What it must be."`
}

// RouteFilter changes a request or an answer; the field that its type names is set.
type RouteFilter struct {
	Type                   string          `json:"type" enum:"RequestHeaderModifier,ResponseHeaderModifier,RequestRedirect,URLRewrite,RequestMirror" doc:"Which filter this is."`
	RequestHeaderModifier  *HeaderModifier `json:"requestHeaderModifier,omitempty" doc:"Changes request headers."`
	ResponseHeaderModifier *HeaderModifier `json:"responseHeaderModifier,omitempty" doc:"Changes response headers."`
	RequestRedirect        *Redirect       `json:"requestRedirect,omitempty" doc:"Answers with a redirect."`
	URLRewrite             *Rewrite        `json:"urlRewrite,omitempty" doc:"Changes host or path before forwarding."`
	RequestMirror          *MirrorFilter   `json:"requestMirror,omitempty" doc:"Sends a copy elsewhere and throws the answer away."`
}

// HeaderModifier changes headers: set replaces, add appends, remove deletes.
type HeaderModifier struct {
	Set    []Header `json:"set,omitempty" maxItems:"16" doc:"Replace or create."`
	Add    []Header `json:"add,omitempty" maxItems:"16" doc:"Append."`
	Remove []string `json:"remove,omitempty" maxItems:"16" doc:"Delete by name."`
}

// Header is one header field.
type Header struct {
	Name  string `json:"name" doc:"Field name."`
	Value string `json:"value" doc:"Field value."`
}

// Redirect answers the request itself.
type Redirect struct {
	Scheme     string        `json:"scheme,omitempty" enum:"http,https" doc:"Default: the request's."`
	Hostname   string        `json:"hostname,omitempty" doc:"Default: the request's."`
	Path       *PathModifier `json:"path,omitempty" doc:"Default: the request's."`
	Port       int           `json:"port,omitempty" minimum:"0" maximum:"65535" doc:"Default: that of the scheme."`
	StatusCode int           `json:"statusCode,omitempty" enum:"301,302,303,307,308" doc:"Default 302."`
}

// Rewrite changes what is forwarded.
type Rewrite struct {
	Hostname string        `json:"hostname,omitempty" doc:"New Host."`
	Path     *PathModifier `json:"path,omitempty" doc:"New path."`
}

// PathModifier replaces the whole path or the prefix that the rule matched.
type PathModifier struct {
	Type  string `json:"type" enum:"ReplaceFullPath,ReplacePrefixMatch" doc:"ReplacePrefixMatch needs a rule whose matches are all PathPrefix."`
	Value string `json:"value" doc:"The new path or prefix."`
}

// MirrorFilter copies requests to another service or subset.
type MirrorFilter struct {
	BackendRef BackendTarget `json:"backendRef" doc:"Where the copy goes."`
	Percent    *float64      `json:"percent,omitempty" minimum:"0" maximum:"100" doc:"Share of requests that are copied; default 100."`
}

// BackendTarget names a service or a subset of it.
type BackendTarget struct {
	Service string   `json:"service" doc:"Name of the service."`
	Subset  Selector `json:"subset,omitempty" doc:"Subset of its instances. Without one the whole service is meant, and a Migration of it decides."`
}

// BackendRef is a target with a weight. "user=beta goes 80 % to runtime=java, 20 % to runtime=go":
//
//	matches: [{source: {user: beta}}]
//	backendRefs:
//	- {service: orders, subset: {runtime: java*}, weight: 80}
//	- {service: orders, subset: {runtime: go*}, weight: 20}
type BackendRef struct {
	BackendTarget
	Weight *int `json:"weight,omitempty" minimum:"0" maximum:"1000000" doc:"Share relative to the other backends; default 1."`
}

// Timeouts are limits of time.
type Timeouts struct {
	Request        Duration `json:"request,omitempty" doc:"Whole exchange, retries and fallback included; default 60s, 0s for none."`
	BackendRequest Duration `json:"backendRequest,omitempty" doc:"One try; default 30s, 0s for none."`
}

// Retry bounds repetition within one subset. A request is repeated only when nothing of it was sent or
// its method is idempotent, and while the retry budget lasts.
type Retry struct {
	Attempts *int     `json:"attempts,omitempty" minimum:"0" maximum:"10" doc:"Tries beyond the first; default 1, 0 for none."`
	Codes    []int    `json:"codes,omitempty" maxItems:"16" doc:"Statuses of idempotent requests worth a retry; none by default."`
	Backoff  Duration `json:"backoff,omitempty" doc:"Wait before a retry, with jitter; default 10ms."`
	Budget   *float64 `json:"budgetPercent,omitempty" minimum:"0" maximum:"100" doc:"Retries at most this share of requests, beside 10 a second; default 20."`
}

// Stickiness keeps a subject on one side: bucket = hash(salt, subject) mod 10,000.
type Stickiness struct {
	Subject []ValueSource `json:"subject" minItems:"1" maxItems:"4" doc:"Where the subject is read; the first that is present counts."`
	Salt    string        `json:"salt,omitempty" doc:"Changes which subjects fall into which bucket; default the route's name."`
}

// RouteStatus says whether a route is in force. It is computed when asked, not stored.
type RouteStatus struct {
	Accepted bool     `json:"accepted" doc:"The route is in the gateway's table."`
	Revision int64    `json:"revision,omitempty" doc:"Store revision of the table that holds it."`
	Warnings []string `json:"warnings,omitempty" doc:"What will not work as written, such as a service without usable instances."`
}

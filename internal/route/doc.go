// Package route decides where a request goes: which rule matches, which subset of which service, and,
// when a migration moves that service, which side the subject is on.
//
//	routes ──compile──► index (hosts ► exact map, segment trie, regexes ► conditions)
//	                      │
//	migrations, registry ─┴─bind──► Table ──Decide(request)──► Decision
//
// A Table is immutable. Compile depends on the routes alone and is kept while they stay; bind resolves
// services and shares and is cheap, so a health flip or a new share does not compile 10,000 routes.
//
// # Precedence
//
// Exact host, then the longest wildcard, then any host; a host whose rules all fail hands over to the
// next. Within a host: exact path, template (literal segments before {parts}, from the left), longest
// prefix, regular expression. Within a path: a method, more headers, more query parameters, more
// cookies, more source tags, the older route, its name, the rule's place.
//
// # Paths
//
// Rules are matched against the canonical path: percent-decoded once, repeated slashes taken as one,
// path parameters (";v=1") left out of their segment. What is forwarded is the path as sent. Where two
// servers could read a path differently in a way that crosses segments, no rule is tried and the
// request is refused with 400: dot segments in any spelling, encoded slashes and backslashes, bare
// backslashes, NUL and other control octets, broken escapes, and such octets encoded twice. So a rule
// for a prefix can not be walked around.
//
// # Subjects and sides
//
// bucket = Hash(salt, subject) mod 10,000; a subject is on the new side when its bucket is below the
// share. A share that rises only adds subjects, one that falls takes back the newest. Without a
// subject a request stays on the old side, until hold or done has the share at 10,000: then everyone
// is on the new side. A backend that pins a subset is outside of migrations.
//
// Under weights with stickiness the buckets are laid over the cumulative weights in the order of the
// backends: when weights change, only subjects whose bucket lies between the old and the new place of
// a boundary move. Without stickiness, or without a subject, each request draws by itself.
//
// # Owners
//
// While rows of both sides are carried across, an entity belongs to the side that created it until all
// are handed over. A request that a rule of spec.data.owners fits goes to that side, whatever its
// subject's share, and is said to be decided by owner: its mark has no bucket, it is charged to neither
// cohort, so that it does not bias their comparison, and only safe methods of it are mirrored.
package route

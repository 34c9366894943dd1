// Package evidence gathers what comparisons showed and says whether that is enough to move users, or to
// take them back: pass, fail, or not enough.
//
//	Observation{old, [second old], new} ─► Book.Add ─► per endpoint and path:
//	      noise: how does the path behave between two old answers?   (class)
//	      raw, judged, recent, pairs: four exact tests, each a sequence of coins
//	Book.Look ─► Holm over all paths ─► verdict, first difference
//
// The question to each path is: is the new side just another old one? If so, then in a triple, whose
// second old and new answer are asked at the same time in random order, those two are exchangeable:
//
//	b: old = old,  new differs   and   c: old ≠ old,  new = old
//
// are equally likely, and b of b+c is a fair coin (McNemar's test, exact, one-sided). A flaky field makes
// as many c as b; a defect makes b only. The pairing is kept, so a field that is noisy in 30 % of the
// requests does not hide a defect in another 1 %. Where the new side answered the user first, the control
// is a second new answer, asked at the same time as the old one, and the roles are exchanged.
//
// Invariants:
//   - What decides is predictable: class and predicate of a path come from earlier answers only.
//   - A cluster, all requests of one subject to one endpoint, is one coin per path, the first that falls.
//   - A fail needs three subjects.
//   - Counters only rise; a path that failed stays failed while the book lives.
//   - Nothing is ignored silently: noise, omitted paths and ignored differences are all shown.
//   - Everything is bounded: endpoints, paths, clusters, samples, traces.
//
// Words: a look is one evaluation of one test; the k-th may spend alpha/(k(k+1)). The family of Holm's
// correction is every path of the migration on which a test could reject at all, weighted in the order in
// which they became so (1/(i(i+1)) for the i-th): the family may grow without the sum passing alpha, and a
// path that never differed costs the others nothing.
//
// The package is pure: no I/O, no clock, no goroutines. A Book is safe for concurrent use.
package evidence

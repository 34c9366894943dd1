// Command compare measures the comparator against planted defects: go run ./test/compare [-quick|-full]
// [-only answers|effects]. It has two halves, with one harness and one way of scoring.
//
// # Answers
//
// A simulated service of six endpoints answers every request three times: old, old again, new. Its answers
// are noisy as real ones are: moments, generated ids, shuffled lists and jittering numbers always, and
// flaky fields at a rate from 0 to 50 %. Forty kinds of defect are planted into the new side, each at one
// endpoint; other migrations have none.
//
// The same triples go to two judges: evidence.Book, and the published rule of Diffy (raw > noise, more
// than 20 % relative and 0.03 % absolute difference), which is given our parsing and alignment, so that
// only the rules differ. The unit is (endpoint, path). Neither judge sees what was planted.
//
// Seeds below 1000 are for tuning (-tuning); the table comes from others. The program fails when, at any
// noise rate, our precision or recall is below the rule's, when F1 over all is not strictly above it, or
// when 5 % of the clean migrations or more are called defective.
//
// # Effects
//
// A simulated shop of six endpoints writes: rows, Redis keys, messages and calls, which go through
// writeset.Document as those of a real run do. Ids and moments differ always, each side counts its ids in
// sequences of its own, stock has moved on when a copy runs, rows are written by two threads, some columns
// and members are flaky at the rate of the noise, and what one row was before is another on each side. Of
// fifty kinds of defect thirteen show in the answer as well, or there only; the rule of Diffy is given the
// answers of the same runs, and nothing else. A kind is found where it shows in what was done or in the
// answer. The program fails when our recall over all rates is below 0.95, when the rule finds more than
// half, when 5 % of the clean migrations or more are called defective, or when our precision is below the
// rule's.
package main

// Command compare measures the comparator against planted defects: go run ./test/compare [-quick|-full].
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
package main

package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
	"jindu.dev/jindu/internal/migrate/evidence"
)

// deedJob is one migration of the shop.
type deedJob struct {
	rate    int
	seed    uint64
	planted []*misdeed
}

// deedJobs plants every kind once a rate and seed, one an endpoint in each migration, and adds the controls.
func deedJobs(p plan) []deedJob {
	var out []deedJob
	seed := p.base + 1_000_000
	for rate := range p.rates {
		for range p.seeds {
			for round := 0; ; round++ {
				planted := nthMisdeed(round)
				if len(planted) == 0 {
					break
				}
				out = append(out, deedJob{rate, seed, planted})
				seed++
			}
		}
		for range p.controls {
			out = append(out, deedJob{rate, seed, nil})
			seed++
		}
	}
	return out
}

func nthMisdeed(n int) []*misdeed {
	var out []*misdeed
	count := map[int]int{}
	for i := range misdeeds {
		if m := &misdeeds[i]; count[m.endpoint] == n {
			out = append(out, m)
		}
		count[misdeeds[i].endpoint]++
	}
	return out
}

// perpetrate runs one migration of the shop. Both judges see the same runs; the rule sees answers alone.
func perpetrate(seed uint64, flaky float64, planted []*misdeed, n int) (ours, diffy judgement, err error) {
	dice := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	users := rand.NewZipf(dice, 1.1, 50, subjects-1)
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	book, err := evidence.NewBook(evidence.Config{Now: start})
	if err != nil {
		return nil, nil, fmt.Errorf("make book: %w", err)
	}
	rules, err := compare.Compile(v1.CompareSpec{}, start)
	if err != nil {
		return nil, nil, fmt.Errorf("compile rules: %w", err)
	}
	rule := newDiffy(rules)
	oldStore, newStore := newStore(50_000), newStore(700)
	for i := range n {
		for e := range shop {
			req := &request{
				subject: users.Uint64() + 1, entity: dice.Uint64(), late: float64(i) / float64(n),
				at: start.Add(time.Duration(i)*100*time.Millisecond + time.Duration(dice.IntN(100_000))*time.Microsecond),
			}
			run := func(db *store) *deed {
				return shop[e].perform(req, rand.New(rand.NewPCG(req.entity, req.subject)), dice, flaky, db)
			}
			first := run(oldStore)
			oldStore.settle(first.effects)
			second, fresh := run(oldStore), run(newStore)
			for _, m := range planted {
				if m.endpoint == e && fresh.status == 200 && (m.when == nil || m.when(req)) && dice.Float64() < m.rate {
					m.plant(fresh, req, dice)
				}
			}
			control := second.answer()
			observed := evidence.Observation{
				Endpoint: shop[e].endpoint, Cluster: req.subject<<8 | uint64(e), Subject: req.subject, At: req.at,
				Old: first.answer(), Old2: &control, New: fresh.answer(), Safe: true,
			}
			if reason := book.Add(observed); reason != "" {
				return nil, nil, fmt.Errorf("triple was not comparable: %s", reason)
			}
			for _, a := range [...]*compare.Answer{&observed.Old, &control, &observed.New} {
				a.Effects = nil
			}
			rule.add(shop[e].endpoint, &observed)
		}
	}
	ours = judgement{}
	result := book.Look(start.Add(time.Hour))
	for _, e := range result.Endpoints {
		for _, p := range e.Paths {
			if p.Verdict == v1.VerdictFail {
				ours[unit{e.Endpoint, p.Path}] = true
			}
		}
	}
	return ours, rule.judge(), nil
}

// judge counts one migration: a kind is found where it shows in what was done or in the answer.
func (t *tally) judge(j deedJob, reported judgement) {
	if len(j.planted) == 0 && len(reported) > 0 {
		t.alarms++
	}
	excused := judgement{}
	for _, m := range j.planted {
		endpoint := shop[m.endpoint].endpoint
		deed, said := unit{endpoint, m.path}, unit{endpoint, m.answer}
		excused[deed], excused[said] = true, true
		for _, echo := range m.echoes {
			excused[unit{endpoint, echo}] = true
		}
		if reported[deed] || reported[said] {
			t.found++
		} else {
			t.missed++
			t.misses[m.name]++
		}
	}
	for u := range reported {
		if !excused[u] {
			t.wrong++
			t.wrongs[u.endpoint+" "+u.path]++
		}
	}
}

// Targets of the comparison of effects.
const (
	leastRecall = 0.95 // ours, over all rates
	mostBlind   = 0.5  // of the rule, which sees answers alone
)

func (b *board) missedDeeds() []string {
	var out []string
	miss := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	ours, diffy, clean := b.total()
	if ours.recall() < leastRecall {
		miss("recall %.3f of effect defects is below %.2f", ours.recall(), leastRecall)
	}
	if diffy.recall() > mostBlind {
		miss("answers alone show %.3f of the effect defects: the mix is not one of effects", diffy.recall())
	}
	if ours.precision() < diffy.precision() {
		miss("precision %.3f on effects is below the rule's %.3f", ours.precision(), diffy.precision())
	}
	if got := share(ours.alarms, clean); clean > 0 && got >= maxAlarms {
		miss("%.1f %% of the clean migrations with effects were called defective, the bound is %.0f %%", 100*got, 100*maxAlarms)
	}
	return out
}

// runDeeds measures the comparison of effects.
func runDeeds(p plan, verbose bool, out io.Writer) (bool, error) {
	began := time.Now()
	all := deedJobs(p)
	board := newBoard(p.rates)
	var mu sync.Mutex
	err := inParallel(all, func(j deedJob) error {
		ours, diffy, err := perpetrate(j.seed, p.rates[j.rate], j.planted, p.triples)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if len(j.planted) == 0 {
			board.clean[j.rate]++
		}
		board.ours[j.rate].judge(j, ours)
		board.diffy[j.rate].judge(j, diffy)
		return nil
	})
	if err != nil {
		return false, err
	}
	shown := 0
	for i := range misdeeds {
		if misdeeds[i].answer != "" {
			shown++
		}
	}
	report := fmt.Sprintf("%d kinds of effect defect (%d of them show in the answer), %d migrations (%d clean), %d triples to each of %d endpoints, seeds %d to %d, %.0f s\nthe rule sees answers alone\n\n",
		len(misdeeds), shown, len(all), p.controls*len(p.rates), p.triples, len(shop), all[0].seed, all[len(all)-1].seed, time.Since(began).Seconds())
	return conclude(out, report, board, board.missedDeeds(), verbose)
}

// conclude prints a report and says whether every target was met.
func conclude(out io.Writer, report string, b *board, missed []string, verbose bool) (bool, error) {
	table, err := aligned(b.table())
	if err != nil {
		return false, err
	}
	report += table
	if verbose {
		report += "\n" + b.list()
	}
	verdict := "every target met"
	if len(missed) > 0 {
		verdict = "MISSED: " + strings.Join(missed, "\nMISSED: ")
	}
	if _, err := io.WriteString(out, report+"\n"+verdict+"\n"); err != nil {
		return false, fmt.Errorf("print report: %w", err)
	}
	return len(missed) == 0, nil
}

// inParallel does jobs on all cores, up to eight, and returns the last error.
func inParallel[T any](jobs []T, do func(T) error) error {
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		fault error
	)
	queue := make(chan T)
	for range min(runtime.NumCPU(), 8) {
		wg.Go(func() {
			for j := range queue {
				if err := do(j); err != nil {
					mu.Lock()
					fault = err
					mu.Unlock()
				}
			}
		})
	}
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	wg.Wait()
	return fault
}

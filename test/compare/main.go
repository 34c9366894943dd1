package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// plan is how much is run.
type plan struct {
	rates    []float64 // of flaky fields
	seeds    int       // times that every defect is planted at every rate
	controls int       // clean migrations at every rate
	triples  int       // to every endpoint
	base     uint64    // first seed
}

const heldOut = 1000 // seeds below are for tuning

func main() {
	quick := flag.Bool("quick", false, "few noise rates, few controls: under a minute on two busy cores")
	full := flag.Bool("full", false, "seven noise rates, two seeds, 105 clean migrations (default)")
	tuning := flag.Bool("tuning", false, "use the tuning seeds instead of those held out")
	only := flag.String("only", "", "answers or effects; both when absent")
	verbose := flag.Bool("v", false, "list every unit missed or wrongly reported")
	flag.Parse()
	debug.SetGCPercent(400) // answers are short-lived
	p := plan{rates: []float64{0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5}, seeds: 2, controls: 15, triples: 2000, base: heldOut}
	deeds := p
	if *quick && !*full {
		deeds = plan{rates: []float64{0.2}, seeds: 1, controls: 2, triples: 700, base: heldOut}
		p = plan{rates: []float64{0, 0.05, 0.5}, seeds: 1, controls: 4, triples: 900, base: heldOut}
	}
	if *tuning {
		p.base, deeds.base = 1, 1
	}
	all := true
	for _, bench := range []struct {
		name string
		run  func(plan, bool, io.Writer) (bool, error)
		plan plan
	}{{"answers", run, p}, {"effects", runDeeds, deeds}} {
		if *only != "" && *only != bench.name {
			continue
		}
		ok, err := bench.run(bench.plan, *verbose, os.Stdout)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		all = all && ok
	}
	if !all {
		os.Exit(2)
	}
}

// job is one migration to run.
type job struct {
	rate    int
	seed    uint64
	planted []*defect
}

// jobs plants every defect once a rate and seed, one an endpoint in each migration, and adds the controls.
func jobs(p plan) []job {
	var out []job
	seed := p.base
	for rate := range p.rates {
		for range p.seeds {
			for round := 0; ; round++ {
				planted := nth(round)
				if len(planted) == 0 {
					break
				}
				out = append(out, job{rate, seed, planted})
				seed++
			}
		}
		for range p.controls {
			out = append(out, job{rate, seed, nil})
			seed++
		}
	}
	return out
}

// nth is the n-th defect of every endpoint.
func nth(n int) []*defect {
	var out []*defect
	count := map[int]int{}
	for i := range defects {
		if d := &defects[i]; count[d.endpoint] == n {
			out = append(out, d)
		}
		count[defects[i].endpoint]++
	}
	return out
}

func run(p plan, verbose bool, out io.Writer) (bool, error) {
	began := time.Now()
	all := jobs(p)
	board := newBoard(p.rates)
	var mu sync.Mutex
	err := inParallel(all, func(j job) error {
		ours, diffy, err := migrate(j.seed, p.rates[j.rate], j.planted, p.triples)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		board.score(j, ours, diffy)
		return nil
	})
	if err != nil {
		return false, err
	}
	report := fmt.Sprintf("%d kinds of defect, %d migrations (%d clean), %d triples to each of %d endpoints, seeds %d to %d, %.0f s\n\n",
		len(defects), len(all), p.controls*len(p.rates), p.triples, len(service), p.base, p.base+uint64(len(all))-1, time.Since(began).Seconds())
	return conclude(out, report, board, board.missed(), verbose)
}

// aligned lines up the columns of a table whose cells end in tabs.
func aligned(table string) (string, error) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := io.WriteString(w, table); err != nil {
		return "", fmt.Errorf("align table: %w", err)
	}
	if err := w.Flush(); err != nil {
		return "", fmt.Errorf("align table: %w", err)
	}
	return b.String(), nil
}

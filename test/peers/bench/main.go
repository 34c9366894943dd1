// Command bench measures what a proxied request costs: Jindu beside nginx, haproxy, Caddy, bare
// fasthttp, net/http's ReverseProxy and a relay that parses nothing. Each proxy runs alone on one
// core, the load and the upstream on the other; rounds are interleaved and the median counts.
//
//	go run ./bench [-rounds 5] [-seconds 3]
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jindu.dev/jindu/test/peers/proc"
)

const (
	proxyCore = 0
	loadCore  = 1
	tick      = 10 * time.Millisecond
)

func main() {
	rounds := flag.Int("rounds", 5, "rounds per proxy")
	seconds := flag.Int("seconds", 3, "length of a round")
	only := flag.String("only", "", "measure only these, separated by commas")
	flag.Parse()
	if err := bench(*rounds, time.Duration(*seconds)*time.Second, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(rounds int, length time.Duration, only string) error {
	dir, err := os.MkdirTemp("", "jindu-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := &scene{dir: dir}
	defer s.stop()
	if err := s.startUpstream(); err != nil {
		return err
	}
	bin, err := release(dir)
	if err != nil {
		return err
	}
	peers, err := startPeers(s, bin, only)
	if err != nil {
		return err
	}

	cost := map[string][]float64{}
	rate := map[string][]float64{}
	var allocs []float64
	for round := range rounds {
		for _, p := range peers {
			us, rps, perRequest, err := p.round(length)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			cost[p.name], rate[p.name] = append(cost[p.name], us), append(rate[p.name], rps)
			if p.metrics != "" {
				allocs = append(allocs, perRequest)
			}
			fmt.Fprintf(os.Stderr, "round %d %-10s %6.1f us  %7.0f requests/s\n", round+1, p.name, us, rps)
		}
	}
	report(peers, cost, rate, allocs)
	if err := s.addedLatency(bin, peers, rounds); err != nil {
		return err
	}
	return reportProcess(s, bin)
}

// release builds the binary as it is shipped.
func release(dir string) (string, error) {
	return proc.Jindu(dir, "-trimpath", "-ldflags=-s -w")
}

func startPeers(s *scene, bin, only string) ([]*peer, error) {
	admin, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	all := []struct {
		name  string
		start func(port int) (*proc.Process, error)
	}{
		{"nginx", s.startNginx},
		{"jindu", func(port int) (*proc.Process, error) { return s.startJindu(bin, port, admin) }},
		{"haproxy", s.startHaproxy},
		{"relay", s.startGo("relay")},
		{"fastproxy", s.startGo("fastproxy")},
		{"stdproxy", s.startGo("stdproxy")},
		{"caddy", s.startCaddy},
	}
	var peers []*peer
	for _, a := range all {
		if only != "" && !slices.Contains(strings.Split(only, ","), a.name) {
			continue
		}
		port, err := proc.FreePort()
		if err != nil {
			return nil, err
		}
		p := &peer{name: a.name, port: port}
		if p.proc, err = a.start(port); err != nil {
			fmt.Fprintf(os.Stderr, "%s is left out: %v\n", a.name, err)
			continue
		}
		if a.name == "jindu" {
			p.metrics = fmt.Sprintf("127.0.0.1:%d", admin)
		}
		if _, err := wrk(port, time.Second); err != nil {
			return nil, fmt.Errorf("warm up %s: %w", a.name, err)
		}
		peers = append(peers, p)
	}
	return peers, nil
}

// round loads one proxy and returns its CPU time per request in microseconds, the rate, and for Jindu
// the allocations per request.
func (p *peer) round(length time.Duration) (us, rps, allocs float64, err error) {
	var before, after float64
	if p.metrics != "" {
		if before, err = mallocs(p.metrics); err != nil {
			return 0, 0, 0, err
		}
	}
	t0, err := cpuTicks(p.proc.Cmd.Process.Pid)
	if err != nil {
		return 0, 0, 0, err
	}
	n, err := wrk(p.port, length)
	if err != nil {
		return 0, 0, 0, err
	}
	t1, err := cpuTicks(p.proc.Cmd.Process.Pid)
	if err != nil {
		return 0, 0, 0, err
	}
	if p.metrics != "" {
		if after, err = mallocs(p.metrics); err != nil {
			return 0, 0, 0, err
		}
	}
	used := time.Duration(t1-t0) * tick
	return float64(used.Microseconds()) / float64(n), float64(n) / length.Seconds(), (after - before) / float64(n), nil
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	return s[len(s)/2]
}

func report(peers []*peer, cost, rate map[string][]float64, allocs []float64) {
	base := median(cost["nginx"])
	fmt.Println("| proxy | CPU us a request | times nginx | requests/s | spread of us |")
	fmt.Println("|---|---|---|---|---|")
	for _, p := range peers {
		c := cost[p.name]
		fmt.Printf("| %s | %.1f | %.2f | %.0f | %.1f-%.1f |\n", p.name, median(c), median(c)/base, median(rate[p.name]), slices.Min(c), slices.Max(c))
	}
	if caddy := median(cost["caddy"]); caddy > 0 && len(cost["jindu"]) > 0 {
		fmt.Printf("\njindu / caddy: %.2f (bound 0.33)\n", median(cost["jindu"])/caddy)
	}
	if len(allocs) > 0 {
		fmt.Printf("jindu: %.2f allocations a request (bound 5)\n", median(allocs))
	}
}

func reportProcess(s *scene, bin string) error {
	var took []float64
	var memory []float64
	for range 5 {
		d, rss, err := s.ready(bin)
		if err != nil {
			return err
		}
		took, memory = append(took, d.Seconds()), append(memory, float64(rss)/1e6)
	}
	info, err := os.Stat(filepath.Clean(bin))
	if err != nil {
		return err
	}
	fmt.Printf("jindu: ready in %.3f s (bound 0.21), idle RSS %.1f MB (bound 40), stripped binary %.1f MB (bound 40)\n", median(took), median(memory), float64(info.Size())/1e6)
	return nil
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// loadResult is what jindu load writes, as far as it is needed here. Latency is in microseconds.
type loadResult struct {
	Throughput float64 `json:"throughput"`
	Errors     int64   `json:"errors"`
	Latency    struct {
		P50 int64 `json:"p50"`
		P99 int64 `json:"p99"`
	} `json:"latency_us"`
}

// jinduLoad runs the product's own generator on the load's core: open loop, no coordinated omission.
func (s *scene) jinduLoad(bin string, port int, args ...string) (loadResult, error) {
	file := filepath.Join(s.dir, "load.json")
	all := append([]string{"-c", fmt.Sprint(loadCore), bin, "load", fmt.Sprintf("http://127.0.0.1:%d/orders/4711", port),
		"--json", file, "-H", "X-User-Id: u-4711"}, args...)
	if out, err := exec.Command("taskset", all...).CombinedOutput(); err != nil {
		return loadResult{}, fmt.Errorf("jindu load: %w: %s", err, out)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return loadResult{}, err
	}
	var r loadResult
	if err := json.Unmarshal(raw, &r); err != nil {
		return loadResult{}, err
	}
	if r.Errors > 0 {
		return loadResult{}, fmt.Errorf("jindu load on port %d: %d errors", port, r.Errors)
	}
	return r, nil
}

// addedLatency measures the 99th percentile at half of the rate that the closed loop reaches through
// Jindu: straight to the upstream, through nginx, through Jindu, in turns; the median of each counts.
// Load and upstream share one core. Where they are too slow for that rate, so that the direct path is
// over 2 ms itself, the rate is lowered until they are not, and the rate is told.
func (s *scene) addedLatency(bin string, peers []*peer, rounds int) error {
	type target struct {
		name string
		port int
	}
	targets := []target{{"direct", s.upstream}}
	jindu := 0
	for _, p := range peers {
		if p.name == "nginx" || p.name == "jindu" {
			targets = append(targets, target{p.name, p.port})
		}
		if p.name == "jindu" {
			jindu = p.port
		}
	}
	if jindu == 0 {
		return nil
	}
	closed, err := s.jinduLoad(bin, jindu, "--closed", "--concurrency", "64", "--duration", "3s")
	if err != nil {
		return err
	}
	half := closed.Throughput / 2
	rate := ""
	for r := half; ; r *= 0.8 {
		rate = fmt.Sprintf("%.0f", r)
		direct, err := s.jinduLoad(bin, s.upstream, "--rate", rate, "--warm-up", "1s", "--duration", "3s")
		if err != nil {
			return err
		}
		if direct.Latency.P99 < 2000 || r < half/8 {
			break
		}
	}
	p99 := map[string][]float64{}
	for range rounds {
		for _, t := range targets {
			r, err := s.jinduLoad(bin, t.port, "--rate", rate, "--warm-up", "1s", "--duration", (4 * time.Second).String())
			if err != nil {
				return err
			}
			p99[t.name] = append(p99[t.name], float64(r.Latency.P99)/1000)
		}
	}
	fmt.Printf("\np99 at %s requests/s (half of what the closed loop reaches through jindu is %.0f):", rate, half)
	for _, t := range targets {
		fmt.Printf(" %s %.2f ms;", t.name, median(p99[t.name]))
	}
	fmt.Printf(" added by jindu %.2f ms (bound 1)\n", median(p99["jindu"])-median(p99["direct"]))
	return nil
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// cpuTicks is the CPU time, in clock ticks of 10 ms, of a process and all its descendants.
func cpuTicks(pid int) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The command's name may hold spaces; what follows its closing parenthesis is regular.
	_, rest, ok := strings.Cut(string(raw), ") ")
	if !ok {
		return 0, fmt.Errorf("/proc/%d/stat: not understood", pid)
	}
	f := strings.Fields(rest)
	user, err := strconv.ParseInt(f[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(f[12], 10, 64)
	if err != nil {
		return 0, err
	}
	total := user + system
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return 0, err
	}
	for _, file := range children {
		list, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		for _, c := range strings.Fields(string(list)) {
			child, err := strconv.Atoi(c)
			if err != nil {
				return 0, err
			}
			t, err := cpuTicks(child)
			if err != nil {
				return 0, err
			}
			total += t
		}
	}
	return total, nil
}

func residentBytes(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no VmRSS")
}

func waitReady(url string) error {
	client := http.Client{Timeout: time.Second}
	for range 5000 {
		if resp, err := client.Get(url); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return errors.New("not ready")
}

// mallocs reads how many objects a Go process with Prometheus metrics has allocated.
func mallocs(admin string) (float64, error) {
	resp, err := http.Get("http://" + admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`(?m)^go_memstats_mallocs_total (\S+)$`).FindSubmatch(raw)
	if m == nil {
		return 0, errors.New("no go_memstats_mallocs_total in /metrics")
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

var (
	wrkRequests = regexp.MustCompile(`(\d+) requests in`)
	wrkErrors   = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)`)
)

// wrk loads a port from the load's core and returns how many requests were answered.
func wrk(port int, d time.Duration) (int64, error) {
	out, err := exec.Command("taskset", "-c", fmt.Sprint(loadCore), "wrk", "-t1", "-c64", "-d", fmt.Sprintf("%ds", int(d.Seconds())),
		"-H", "X-User-Id: u-4711", "-H", "Accept: application/json", "-H", "User-Agent: bench", fmt.Sprintf("http://127.0.0.1:%d/orders/4711?view=full", port)).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk: %w: %s", err, out)
	}
	if e := wrkErrors.FindString(string(out)); e != "" {
		return 0, fmt.Errorf("wrk on port %d: %s", port, e)
	}
	m := wrkRequests.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("wrk printed no total: %s", out)
	}
	return strconv.ParseInt(string(m[1]), 10, 64)
}

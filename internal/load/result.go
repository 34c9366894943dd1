package load

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latency describes how long answers took, in microseconds.
type Latency struct {
	Mean int64 `json:"mean"`
	P50  int64 `json:"p50"`
	P90  int64 `json:"p90"`
	P99  int64 `json:"p99"`
	P999 int64 `json:"p999"`
	Max  int64 `json:"max"`
}

// NamedResult is what came of one kind of request.
type NamedResult struct {
	Name     string  `json:"name"`
	Requests int64   `json:"requests"`
	Errors   int64   `json:"errors"`
	Latency  Latency `json:"latency_us"`
}

// Result is what came of a run.
type Result struct {
	Mode       string           `json:"mode"` // open, open-poisson or closed
	Rate       float64          `json:"rate,omitempty"`
	Seconds    float64          `json:"seconds"`
	Requests   int64            `json:"requests"`   // sent, and answered or failed
	Throughput float64          `json:"throughput"` // of those, a second
	Errors     int64            `json:"errors"`
	ErrorKinds map[string]int64 `json:"error_kinds"`
	Statuses   map[string]int64 `json:"statuses"`
	Late       int64            `json:"late"`       // sent more than 10 ms after their intended start
	Dropped    int64            `json:"dropped"`    // never sent: the backlog was full, or time was up
	Latency    Latency          `json:"latency_us"` // from the intended start
	Service    Latency          `json:"service_us"` // from the actual start
	Endpoints  []NamedResult    `json:"endpoints"`
	Histogram  string           `json:"histogram"` // of latency: HdrHistogram V2, compressed, base64
}

// Progress is the state of a run at one moment.
type Progress struct {
	Elapsed  time.Duration
	Of       time.Duration // 0 when the end is a count or open
	Count    int64         // planned requests, 0 when the end is a time or open
	WarmUp   bool
	Requests int64
	Errors   int64
	Late     int64
	Dropped  int64
	InFlight int64
	Rate     float64 // over the last interval
	Latency  Latency // over the last interval
	Kinds    map[string]int64
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	return Latency{
		Mean: int64(h.Mean()), P50: h.ValueAtQuantile(50), P90: h.ValueAtQuantile(90),
		P99: h.ValueAtQuantile(99), P999: h.ValueAtQuantile(99.9), Max: h.Max(),
	}
}

func (c *recorder) result(o Options, took time.Duration) (Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := Result{
		Mode: "open", Rate: o.Rate, Seconds: took.Seconds(), Requests: c.total.requests, Errors: c.total.errors,
		ErrorKinds: maps.Clone(c.errors), Statuses: map[string]int64{}, Late: c.late, Dropped: c.dropped,
		Latency: latencyOf(c.total.latency), Service: latencyOf(c.service), Endpoints: []NamedResult{},
	}
	switch {
	case o.Closed:
		r.Mode, r.Rate = "closed", 0
	case o.Poisson:
		r.Mode = "open-poisson"
	}
	if took > 0 {
		r.Throughput = float64(r.Requests) / took.Seconds()
	}
	for s, n := range c.statuses {
		r.Statuses[strconv.Itoa(s)] = n
	}
	for _, name := range slices.Sorted(maps.Keys(c.byName)) {
		n := c.byName[name]
		r.Endpoints = append(r.Endpoints, NamedResult{name, n.requests, n.errors, latencyOf(n.latency)})
	}
	raw, err := c.total.latency.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	r.Histogram = base64.StdEncoding.EncodeToString(raw)
	return r, err
}

// progress tells the state and begins a new interval.
func (c *recorder) progress(p Progress, last *Progress) Progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.Requests, p.Errors, p.Late, p.Dropped, p.InFlight = c.total.requests, c.total.errors, c.late, c.dropped, c.inFlight
	if dt := p.Elapsed - last.Elapsed; dt > 0 {
		p.Rate = float64(p.Requests-last.Requests) / dt.Seconds()
	}
	p.Latency = latencyOf(c.interval)
	c.interval.Reset()
	p.Kinds = maps.Clone(c.errors)
	return p
}

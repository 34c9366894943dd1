package load

import (
	"fmt"
	"math"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

// Options say how much, how fast and for how long.
type Options struct {
	Rate        float64       // requests a second, open loop
	Poisson     bool          // random gaps with that mean instead of equal ones
	Closed      bool          // closed loop: Concurrency clients, no rate
	Concurrency int           // of the closed loop
	Duration    time.Duration // of the measured part; 0: until Count or ctx ends
	Count       int64         // requests of the measured part at most; 0: no bound
	WarmUp      time.Duration // before the measured part
	MaxInFlight int           // requests under way at most, open loop
	Backlog     int           // intended requests that may wait for one of those to end
	Seed        uint64        // of every random choice; the order of answers is the server's
}

// Default is 1,000 requests a second for ten seconds.
func Default() Options {
	return Options{Rate: 1000, Concurrency: 64, Duration: 10 * time.Second, MaxInFlight: 512, Backlog: 8192, Seed: 1}
}

// Validate names each wrong option.
func (o Options) Validate() error {
	var wrong []kind.Field
	bad := func(ok bool, path string, value any, detail string) {
		if !ok {
			wrong = append(wrong, kind.Field{Path: path, Value: fmt.Sprint(value), Detail: detail})
		}
	}
	if o.Closed {
		bad(o.Concurrency >= 1 && o.Concurrency <= 65536, "concurrency", o.Concurrency, "give 1 to 65536 clients")
	} else {
		bad(o.Rate > 0 && o.Rate <= 1e6 && !math.IsNaN(o.Rate), "rate", o.Rate, "give requests a second, above 0 and at most 1000000")
		bad(o.MaxInFlight >= 1 && o.MaxInFlight <= 65536, "maxInFlight", o.MaxInFlight, "give 1 to 65536")
		bad(o.Backlog >= 0 && o.Backlog <= 1<<24, "backlog", o.Backlog, "give 0 to 16777216")
	}
	bad(o.Duration >= 0, "duration", o.Duration, "must not be negative")
	bad(o.WarmUp >= 0, "warmUp", o.WarmUp, "must not be negative")
	bad(o.Count >= 0, "count", o.Count, "must not be negative")
	if len(wrong) > 0 {
		return kind.New(kind.Invalid, "JD-LOAD-001", "options of the load are not valid").WithFields(wrong...)
	}
	return nil
}

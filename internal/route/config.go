package route

import "time"

// Defaults are what a rule gets where it leaves something out.
type Defaults struct {
	Timeout, TryTimeout time.Duration
	Retry               RetryPolicy
}

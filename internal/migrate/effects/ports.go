package effects

import (
	v1 "jindu.dev/jindu/api/v1"
)

// Recorder takes what a proxy saw. No method blocks.
type Recorder interface {
	// Record tells one effect of a run. capture is proxy:NAME.
	Record(capture string, m v1.Mark, e v1.Effect)
	// Unattributed counts a write without a mark that was let through.
	Unattributed(capture string)
	// Refused counts a write that was not let out.
	Refused(capture string)
}

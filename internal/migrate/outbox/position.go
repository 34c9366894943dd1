package outbox

import (
	"fmt"
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
)

// here is the run of a place that Here gave.
const here = "here"

// position is a place of a run.
type position struct {
	high int64  // everything visible when this was the highest id is told
	told int64  // rows told by the run
	run  string // which run
}

func parsePosition(p data.Position) (position, error) {
	f := strings.Split(string(p), ".")
	if len(f) == 3 && len(f[2]) <= 32 {
		high, err1 := strconv.ParseInt(f[0], 10, 64)
		told, err2 := strconv.ParseInt(f[1], 10, 64)
		if err1 == nil && err2 == nil && high >= 0 && told >= 0 {
			return position{high, told, f[2]}, nil
		}
	}
	shown := string(p)
	if len(shown) > 64 {
		shown = shown[:64] + "..."
	}
	return position{}, kind.New(kind.Invalid, "JD-OUTBOX-001", "position %q is none of an outbox: give one that it told, or nothing", shown)
}

func (p position) text() data.Position {
	return data.Position(fmt.Sprintf("%d.%d.%s", p.high, p.told, p.run))
}

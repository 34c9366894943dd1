package pgoutput

import (
	"fmt"
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
)

// parsePosition reads an LSN.
func parsePosition(p data.Position) (lsn, error) {
	high, low, ok := strings.Cut(string(p), "/")
	h, err1 := strconv.ParseUint(high, 16, 32)
	l, err2 := strconv.ParseUint(low, 16, 32)
	if !ok || err1 != nil || err2 != nil {
		shown := string(p)
		if len(shown) > 64 {
			shown = shown[:64] + "..."
		}
		return 0, kind.New(kind.Invalid, "JD-PGOUTPUT-001", "position %q is no LSN of PostgreSQL: write it as 0/16B3748, or nothing for from now on", shown)
	}
	return lsn(h<<32 | l), nil
}

func (l lsn) text() data.Position {
	return data.Position(fmt.Sprintf("%X/%X", uint64(l)>>32, uint32(l)))
}

// partBits is the room in a Sequence for parts of one transaction.
const partBits = 12

// behind is the Sequence of an empty transaction: behind every part of the last one. A commit at l itself would
// be the next one, so that it is one part less than its first.
func (l lsn) behind() int64 { return max(l.sequence()-1, 0) }

func (l lsn) sequence() int64 { return int64(l << partBits) }

// whole takes the head of a page off an insert position: the server counts it in before anything is behind it,
// and a stream would never get there.
func (l lsn) whole(segment uint64) lsn {
	const page, head, first = 8192, 24, 40
	switch {
	case uint64(l)%segment == first:
		return l - first
	case uint64(l)%page == head:
		return l - head
	}
	return l
}

package data

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

// stamp is a position as it is stored in the target: which of several is the furthest can be told without
// knowing what positions of a source look like.
type stamp struct {
	sequence int64 // of the last transaction before it
	beats    int64 // positions since that transaction
	position Position
	commit   time.Time
}

// String is sequence.beats.commit position.
func (s stamp) String() string {
	return fmt.Sprintf("%d.%d.%d %s", s.sequence, s.beats, s.commit.UnixMicro(), s.position)
}

func parseStamp(text Position) (stamp, error) {
	head, position, ok := strings.Cut(string(text), " ")
	part := strings.Split(head, ".")
	var n [3]int64
	ok = ok && len(part) == 3
	for i := 0; ok && i < 3; i++ {
		var err error
		n[i], err = strconv.ParseInt(part[i], 10, 64)
		ok = err == nil
	}
	if !ok {
		return stamp{}, kind.New(kind.Internal, "JD-DATA-014", "table jindu_relay: position %q is none that Jindu wrote; restore it, or delete the row to begin with a full comparison", text)
	}
	return stamp{n[0], n[1], Position(position), time.UnixMicro(n[2]).UTC()}, nil
}

// behind says whether s is an earlier place than o.
func (s stamp) behind(o stamp) bool {
	if s.sequence != o.sequence {
		return s.sequence < o.sequence
	}
	return s.beats < o.beats
}

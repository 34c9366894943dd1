package binlog

import (
	"errors"
	"io"
)

func (st *stream) payload(h header, body []byte) error {
	p, err := payload(body)
	if err != nil {
		return st.broken(h, err)
	}
	defer func() { _ = p.Close() }() // it only reads
	for {
		b, err := nextEvent(p)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return st.broken(h, err)
		}
		if len(b) > 4 && b[4] == evPayload {
			return st.broken(h, errors.New("a packed transaction holds another"))
		}
		// Inside, an end is a place in the packed transaction: that of the whole counts.
		b[13], b[14], b[15], b[16] = byte(h.end), byte(h.end>>8), byte(h.end>>16), byte(h.end>>24)
		if err := st.event(b); err != nil {
			return err
		}
	}
}

// partial is an image of a row that does not hold all of it.
func (st *stream) partial(b *bound, why, setting, to string) error {
	return lost("JD-BINLOG-011", "rows of table %s.%s behind %s cannot be read whole: %s: set %s=%s for every session, then compare in full", st.src.db.Schema, b.table.Name, st.at.text(), why, setting, to)
}

package binlog

import (
	"time"

	"jindu.dev/jindu/internal/migrate/data"
)

// tell emits what was read of the transaction.
func (st *stream) tell(out data.Txn, last bool) error {
	t := st.t
	if st.at.file != "" {
		out.Sequence = st.at.sequence() + int64(min(t.parts, 1<<10))
	} else {
		after := st.at
		if !last {
			after = st.at.clone()
			after.add(t.g, t.server)
		}
		if t.parts >= 1<<partBits {
			return lost("JD-BINLOG-009", "a transaction behind %s has more than %d parts of %d bytes; compare in full", st.at.text(), 1<<partBits, st.src.opt.part)
		}
		out.Sequence = after.sequence() + int64(t.parts)
	}
	out.Commit, out.Mark, out.Origin, out.Changes = st.committed(), t.mark, t.origin, t.changes
	for i := range out.Changes {
		out.Changes[i].Version = out.Sequence
	}
	return st.send(out)
}

// committed is the time of commit as far as it can be known, never later than it was.
func (st *stream) committed() time.Time {
	at := time.Unix(int64(st.t.at), 0).UTC()
	if st.t.g.commit > 0 {
		at = time.UnixMicro(st.t.g.commit).UTC()
	}
	if at.After(st.mark) {
		return at
	}
	return st.mark // it was not there when the server was looked at
}

func (st *stream) send(out data.Txn) error {
	if out.Commit.Before(st.told) {
		out.Commit = st.told
	}
	st.told = out.Commit
	if err := st.emit(out); err != nil {
		return &emitError{err}
	}
	st.lastEmit = time.Now()
	return nil
}

// commit ends the transaction.
func (st *stream) commit(h header) error {
	t := st.t
	if t == nil { // before the first whole one
		return nil
	}
	if h.at > t.at {
		t.at = h.at
	}
	if mark, ok := st.probes.take(st.at, len(t.changes) > 0); ok {
		st.mark, st.fresh = mark, true
	}
	st.pass(h)
	if len(t.changes) > 0 || t.parts > 0 || t.origin {
		if err := st.tell(data.Txn{Position: st.at.text()}, true); err != nil {
			return err
		}
	}
	st.t, st.half.changes = nil, 0
	return nil
}

// pass moves the position behind the transaction.
func (st *stream) pass(h header) {
	st.at.add(st.t.g, st.t.server)
	if st.at.file != "" {
		st.at.file = st.files
		if h.end > 0 {
			st.at.at = h.end
		}
	}
}

// tick tells the watermark when nothing else was told. It does not go back, unless the server's clock did.
func (st *stream) tick() error {
	if st.t != nil {
		return nil
	}
	mark, ok := st.probes.take(st.at, false)
	if ok {
		st.mark, st.fresh = mark, true
	}
	if st.mark.Add(jump).Before(st.told) {
		st.told = st.mark
	}
	since := time.Since(st.lastEmit)
	if since < quiet || !st.mark.After(st.told) && (since < slow || !st.fresh) {
		return nil
	}
	st.fresh = false
	return st.send(data.Txn{Position: st.at.text(), Sequence: st.at.behind(), Commit: st.mark})
}

package pgoutput

import (
	"errors"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/data"
)

func (st *stream) relation(m relationMessage) error {
	delete(st.byOID, m.oid)
	given, ok := st.given[[2]string{m.schema, m.name}]
	if !ok {
		return nil
	}
	if m.name == relayTable && given == relayTable {
		st.byOID[m.oid] = &relation{relay: true}
		return nil
	}
	rel, err := st.src.load(st.ctx, st.ctl, m, given)
	if err != nil {
		return err
	}
	st.byOID[m.oid] = rel
	return nil
}

// logical takes the mark of a transaction. Where it carries different ones it has none.
func (st *stream) logical(m logicalMessage) {
	if m.prefix != markPrefix || !m.within || st.t == nil || st.t.mixed {
		return
	}
	mark, ok := v1.ParseMark(strings.TrimSpace(string(m.body)))
	if !ok {
		return
	}
	if s := mark.String(); st.t.mark == "" {
		st.t.mark = s
	} else if st.t.mark != s {
		st.t.mark, st.t.mixed = "", true
	}
}

func (st *stream) truncate(oids []uint32) error {
	for _, o := range oids {
		if rel := st.byOID[o]; rel != nil && !rel.relay {
			return lost("JD-PGOUTPUT-010", "table %s was truncated behind %s, which tells no rows: compare it in full", rel.table.Name, st.at.text())
		}
	}
	return nil
}

// row takes in one change.
func (st *stream) row(k byte, size int) error {
	rel := st.byOID[st.msg.oid]
	if rel == nil {
		return nil
	}
	if rel.relay {
		st.t.origin = true
		return nil
	}
	c := data.Change{Table: rel.table}
	var err error
	var missing []int
	if st.msg.before != 0 {
		if c.Before, missing, err = rel.row(st.msg.old, nil); err != nil {
			return st.unreadable(rel, err)
		}
		if len(missing) > 0 && st.msg.before == 'O' {
			return st.unreadable(rel, errors.New("the row before a change is not whole"))
		}
	}
	switch k {
	case msgInsert:
		c.Op = data.Insert
	case msgUpdate:
		c.Op = data.Update
	case msgDelete:
		c.Op = data.Delete
		return st.change(c, size)
	}
	whole := c.Before
	if st.msg.before != 'O' {
		whole = nil
	}
	if c.After, missing, err = rel.row(st.msg.new, whole); err != nil {
		return st.unreadable(rel, err)
	}
	if len(missing) > 0 {
		there, err := st.src.fill(st.ctx, st.ctl, rel, c.After, missing)
		if err != nil {
			return err
		}
		if !there {
			c.After = nil // its end is still to come
		}
	}
	return st.change(c, size)
}

func (st *stream) unreadable(rel *relation, err error) error {
	return lost("JD-PGOUTPUT-011", "rows of table %s behind %s cannot be read: %w: compare it in full", rel.table.Name, st.at.text(), err)
}

// change adds one to the transaction, which is told in parts when it has become too large.
func (st *stream) change(c data.Change, size int) error {
	t := st.t
	t.read++
	if t.read <= t.skip {
		return nil
	}
	if c.Op == data.Delete || c.After != nil {
		t.changes = append(t.changes, c)
	}
	if t.bytes += size + 64; t.bytes < st.src.opt.part {
		return nil
	}
	if err := st.tell(st.at); err != nil {
		return err
	}
	t.parts++
	t.bytes, t.changes = 0, nil
	st.half.commit, st.half.changes, st.half.parts = t.begin.commit, t.read, t.parts
	return nil
}

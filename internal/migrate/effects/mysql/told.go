package mysql

import (
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// effectsOf reads the rows after the write and says what became of them; nil when that cannot be told.
func (s *session) effectsOf(l *link, im *image, a *answer) ([]v1.Effect, error) {
	if im == nil || im.off {
		return nil, nil
	}
	preds := im.preds
	switch im.shape.Op {
	case sqltext.Update:
		for _, r := range im.before {
			pred, ok := im.byKey(r)
			if !ok {
				return nil, nil
			}
			preds = append(preds, pred)
		}
	case sqltext.Delete:
		preds = nil
	case sqltext.Insert, sqltext.Replace:
		for _, r := range im.before {
			pred, ok := im.byKey(r)
			if !ok {
				return nil, nil
			}
			preds = append(preds, pred)
		}
		made, ok, err := s.madeKeys(l, im, a)
		if err != nil || !ok {
			return nil, err
		}
		preds = append(preds, made...)
	}
	var after []row.Row
	if len(preds) > 0 {
		var err error
		if after, err = s.readRows(l, im, " WHERE "+strings.Join(preds, " OR ")); err != nil || im.off {
			return nil, err
		}
	}
	list, changed := im.compare(after)
	if !im.adds(l.session, a, changed, len(list), after) {
		return nil, nil
	}
	return list, nil
}

// compare says what became of the rows before and after, and how many changed.
func (im *image) compare(after []row.Row) (list []v1.Effect, changed int) {
	list = []v1.Effect{} // nothing changed is told, too
	left := map[string]row.Row{}
	for _, r := range after {
		left[im.id(r)] = r
	}
	for _, b := range im.before {
		id := im.id(b)
		a, stays := left[id]
		delete(left, id)
		e := v1.Effect{Kind: v1.EffectRow, Target: nameOf(im.shape.Table), Key: im.values(b, im.t.key)}
		if !stays {
			e.Op, e.Before = "delete", im.values(b, nil)
			list = append(list, e)
			continue
		}
		var at []int
		for i := range b {
			if a[i] != b[i] {
				at = append(at, i)
			}
		}
		if at == nil {
			continue
		}
		changed++
		e.Op, e.Before, e.After = "update", im.values(b, at), im.values(a, at)
		list = append(list, e)
	}
	for _, r := range after {
		if _, added := left[im.id(r)]; added {
			list = append(list, v1.Effect{Kind: v1.EffectRow, Op: "insert", Target: nameOf(im.shape.Table), Key: im.values(r, im.t.key), After: im.values(r, nil)})
		}
	}
	return list, changed
}

// adds says whether the rows told agree with the number that the server gave.
func (im *image) adds(s *session, a *answer, changed, told int, after []row.Row) bool {
	if a.rows {
		return false // RETURNING: the number is not given
	}
	switch im.shape.Op {
	case sqltext.Delete:
		return uint64(told) == a.affected
	case sqltext.Update:
		if s.caps&capFoundRows != 0 {
			return uint64(len(im.before)) == a.affected && len(after) == len(im.before)
		}
		return uint64(changed) == a.affected
	}
	if im.shape.Ignore || im.shape.Upsert || im.shape.Op == sqltext.Replace {
		return uint64(told) <= a.affected
	}
	return told == len(im.shape.Rows) && uint64(told) == a.affected
}

// values are the columns at those indices, all when there are none.
func (im *image) values(r row.Row, at []int) []v1.ColumnValue {
	var out []v1.ColumnValue
	add := func(i int) {
		v := v1.ColumnValue{Name: im.t.columns[i].Name}
		if !r[i].Null {
			text := r[i].Text
			v.Value = &text
		}
		out = append(out, v)
	}
	for _, i := range at {
		add(i)
	}
	if at == nil {
		for i := range r {
			add(i)
		}
	}
	return out
}

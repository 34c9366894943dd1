package mysql

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// image is how the rows of a simple write are read before and after it.
type image struct {
	t      *table
	shape  *sqltext.Shape
	target string
	find   string // condition, and order and limit, of the rows before; "" when there are none
	preds  []string
	before []row.Row
	off    bool // the rows cannot be told: the statement is recorded instead
}

// write runs a write of a shadow on l and keeps its effects with that fate. The last part of the answer is
// not sent yet: it is held.
func (s *session) write(l *link, st *statement, fate string) (a answer, held []byte, err error) {
	im, err := s.imageOf(l, st)
	if err != nil {
		return a, nil, err
	}
	if im != nil && im.find != "" {
		if im.before, err = s.readRows(l, im, im.find); err != nil {
			return s.failed(err)
		}
	}
	if _, err := l.conn.Write(st.p.raw); err != nil {
		return a, nil, err
	}
	if err := l.relay(expectResult, &a, true); err != nil {
		return a, nil, err
	}
	held = append([]byte(nil), l.take()...)
	if a.failed {
		return a, held, nil
	}
	list, err := s.effectsOf(l, im, &a)
	if err != nil {
		return s.failed(err)
	}
	if list == nil {
		e := s.effectOf(st, &a)
		list = []v1.Effect{e}
	}
	for _, e := range list {
		e.Fate = fate
		s.fx.add(s, st.mark, e)
	}
	return a, held, nil
}

// failed makes the answer to a write of what the server said to the reading of its rows: a deadlock, or a
// lock that was not to be had.
func (s *session) failed(err error) (answer, []byte, error) {
	e, ok := errors.AsType[*serverError](err)
	if !ok {
		return answer{}, nil, err
	}
	state := "HY000"
	if e.code == errDeadlock {
		state = "40001"
	}
	return answer{failed: true, code: e.code, message: e.text}, appendErr(nil, s.reply, refusal{e.code, state, e.text}), nil
}

// imageOf says how to read the rows of a write; nil when it is not simple.
func (s *session) imageOf(l *link, st *statement) (*image, error) {
	shape, ok := sqltext.ShapeOf(st.text, s.options())
	if !ok || shape.Table.Catalog != "" || st.exec != nil && s.decode(st) != nil {
		return nil, nil
	}
	t, err := s.table(l, shape.Table)
	if err != nil || t == nil || !t.readable {
		return nil, err
	}
	im := &image{t: t, shape: shape, target: shape.Named}
	charset := ""
	if st.exec != nil && len(st.params) > 0 {
		if charset, err = s.clientCharset(l); err != nil {
			return nil, err
		}
	}
	switch shape.Op {
	case sqltext.Update, sqltext.Delete:
		ok = im.findByCondition(st, charset, s.limits.imageRows)
	default:
		ok = im.findByKeys(st, charset)
	}
	if !ok {
		return nil, nil
	}
	return im, nil
}

// clientCharset is the introducer of texts that the client sends as parameters.
func (s *session) clientCharset(l *link) (string, error) {
	if s.charset == "" {
		rows, _, _, err := l.ask("SELECT @@character_set_client", 1)
		if err != nil || len(rows) != 1 {
			return "", err
		}
		s.charset = string(rows[0][0])
	}
	return "_" + s.charset + " ", nil
}

// findByCondition is for updates and deletes: the statement's own condition.
func (im *image) findByCondition(st *statement, charset string, limit int) bool {
	sh := im.shape
	for _, k := range im.t.key {
		if sh.SetsColumn(im.t.columns[k].Name, strings.EqualFold) {
			return false // the row would not be found again
		}
	}
	params := sh.Params
	where, params, ok1 := fillIn(sh.Where, params, st, charset)
	tail, _, ok2 := fillIn(sh.Tail, params, st, charset)
	if !ok1 || !ok2 || volatile(sh.Where) || volatile(sh.Tail) {
		return false
	}
	if where != "" {
		where = " WHERE " + where
	}
	if tail == "" || !strings.Contains(strings.ToUpper(tail), "LIMIT") {
		tail += " LIMIT " + strconv.Itoa(limit+1)
	}
	im.find = where + " " + tail
	return true
}

// fillIn puts parameters into a text and gives those that are left.
func fillIn(sql string, params []int, st *statement, charset string) (string, []int, bool) {
	if st.exec == nil || len(params) == 0 {
		return sql, params, len(params) == 0
	}
	var b strings.Builder
	sc := sqltext.NewScanner([]byte(sql), sqltext.Options{})
	at := 0
	for {
		t := sc.Next()
		if t.Kind == sqltext.End {
			b.WriteString(sql[at:])
			return b.String(), params, true
		}
		if t.Kind == sqltext.Bad {
			return "", nil, false
		}
		if t.Kind != sqltext.Placeholder {
			continue
		}
		if len(params) == 0 || params[0] >= len(st.params) {
			return "", nil, false
		}
		text, ok := st.params[params[0]].literal(introducer(charset, st.params[params[0]]))
		if !ok {
			return "", nil, false
		}
		params = params[1:]
		b.WriteString(sql[at:t.Start])
		b.WriteString(text)
		at = t.End
	}
}

// introducer is the character set in front of a parameter's bytes. Bytes that are no text of it stay bytes.
func introducer(charset string, p param) string {
	if !strings.Contains(charset, "utf8") || validUTF8(p.bytes) {
		return charset
	}
	return ""
}

func validUTF8(b []byte) bool { return strings.ToValidUTF8(string(b), "") == string(b) }

// volatile says whether a condition holds for other rows each time it is asked.
func volatile(sql string) bool {
	sc := sqltext.NewScanner([]byte(sql), sqltext.Options{})
	for {
		t := sc.Next()
		switch t.Kind {
		case sqltext.End:
			return false
		case sqltext.Bad, sqltext.Variable:
			return true
		case sqltext.Word:
			switch strings.ToUpper(sql[t.Start:t.End]) {
			case "RAND", "UUID", "UUID_SHORT", "SYSDATE", "SLEEP", "RANDOM_BYTES", "ROW_COUNT", "FOUND_ROWS", "LAST_INSERT_ID", "NEXTVAL", "NEXT":
				return true
			}
		}
	}
}

// findByKeys is for inserts: the rows that have the keys of the new ones.
func (im *image) findByKeys(st *statement, charset string) bool {
	sh, t := im.shape, im.t
	collides := sh.Ignore || sh.Upsert || sh.Op == sqltext.Replace
	columns := make([]int, 0, len(t.columns))
	for i := range t.columns {
		if sh.Columns == nil {
			columns = append(columns, i)
		}
	}
	for _, c := range sh.Columns {
		at := t.column(c)
		if at < 0 {
			return false
		}
		columns = append(columns, at)
	}
	if collides && t.partial {
		return false
	}
	for _, key := range t.unique {
		for _, k := range key {
			if sh.SetsColumn(t.columns[k].Name, strings.EqualFold) {
				return false
			}
		}
	}
	for _, values := range sh.Rows {
		if len(values) != len(columns) {
			return false
		}
		for n, key := range t.unique {
			if !collides && !im.primary(n) {
				continue
			}
			pred, known, ok := im.predicate(key, columns, values, st, charset)
			if !ok {
				return false
			}
			if known {
				im.preds = append(im.preds, pred)
			}
		}
	}
	if collides && len(im.preds) > 0 {
		im.find = " WHERE " + strings.Join(im.preds, " OR ")
	}
	return true
}

// primary says whether a unique key is the primary one.
func (im *image) primary(n int) bool {
	if len(im.t.unique[n]) != len(im.t.key) {
		return false
	}
	for i, k := range im.t.unique[n] {
		if im.t.key[i] != k {
			return false
		}
	}
	return true
}

// predicate says where a row with the key of the values is. It is not known when the database makes the key,
// or where a NULL in it collides with nothing.
func (im *image) predicate(key, columns []int, values []sqltext.Value, st *statement, charset string) (pred string, known, ok bool) {
	var parts []string
	for _, k := range key {
		var v *sqltext.Value
		for i, c := range columns {
			if c == k {
				v = &values[i]
			}
		}
		made := v == nil || v.Kind == sqltext.DefaultValue || v.Kind == sqltext.Null
		text := ""
		if v != nil {
			switch v.Kind {
			case sqltext.Literal:
				text = v.Text
			case sqltext.Parameter:
				if v.Param >= len(st.params) {
					return "", false, false
				}
				p := st.params[v.Param]
				if made = p.null; !made {
					if text, ok = p.literal(introducer(charset, p)); !ok {
						return "", false, false
					}
				}
			case sqltext.Expression:
				return "", false, false
			}
		}
		if k == im.t.auto && (made || text == "0" || text == "'0'") {
			return "", false, len(key) == 1 || len(im.t.key) == 1
		}
		if made {
			c := &im.t.columns[k]
			// Absent it is its default, which may collide; NULL does not.
			return "", false, c.Nullable && !c.Filled
		}
		parts = append(parts, quote(im.t.columns[k].Name)+" = "+text)
	}
	return "(" + strings.Join(parts, " AND ") + ")", true, true
}

// readRows reads the rows that a condition finds and locks them, as the write does.
func (s *session) readRows(l *link, im *image, find string) ([]row.Row, error) {
	raw, _, over, err := l.ask("SELECT "+im.t.list+" FROM "+im.target+find+" FOR UPDATE", s.limits.imageRows)
	if e, ok := errors.AsType[*serverError](err); ok && e.code != errDeadlock && e.code != errLockWait {
		im.off = true // the write itself will hear why
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if over {
		im.off = true
		return nil, nil
	}
	rows := make([]row.Row, 0, len(raw))
	for _, cells := range raw {
		r := make(row.Row, len(cells))
		for i, cell := range cells {
			if r[i], err = canonical(&im.t.columns[i], cell); err != nil {
				im.off = true
				return nil, nil //nolint:nilerr // a value without canonical text: the statement is recorded instead
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// canonical is the canonical text of what selectList reads of a column.
func canonical(c *row.Column, cell []byte) (row.Value, error) {
	if cell == nil {
		return row.Value{Null: true}, nil
	}
	switch c.Type {
	case row.Text, row.JSON, row.UUID, row.Bytes:
		raw := make([]byte, hex.DecodedLen(len(cell)))
		if _, err := hex.Decode(raw, cell); err != nil {
			return row.Value{}, err
		}
		return row.Canon(c, raw)
	case row.Bits:
		n, err := strconv.ParseUint(string(cell), 10, 64)
		if err != nil {
			return row.Value{}, err
		}
		return row.Canon(c, n)
	case row.Instant:
		seconds, fraction, _ := strings.Cut(string(cell), ".")
		n, err := strconv.ParseInt(seconds, 10, 64)
		if err != nil {
			return row.Value{}, err
		}
		nanos, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		if err != nil {
			return row.Value{}, err
		}
		return row.Canon(c, time.Unix(n, nanos).UTC())
	}
	return row.Canon(c, string(cell))
}

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

// madeKeys are the keys that the database counted for the new rows.
func (s *session) madeKeys(l *link, im *image, a *answer) ([]string, bool, error) {
	t := im.t
	plain := !im.shape.Ignore && !im.shape.Upsert && im.shape.Op == sqltext.Insert
	if len(t.key) != 1 || t.key[0] != t.auto {
		return nil, true, nil
	}
	counted := len(im.shape.Rows)
	for n := range t.unique {
		if im.primary(n) && plain {
			counted -= len(im.preds)
		}
	}
	if !plain {
		// Where another key finds the row the number is not needed, and it may be that of another row.
		counted = 0
		if len(im.shape.Rows) == 1 && a.insertID != 0 && len(im.preds) == 0 {
			counted = 1
		}
	}
	switch {
	case counted == 0:
		return nil, true, nil
	case a.insertID == 0 || counted != len(im.shape.Rows):
		return nil, false, nil // some given, some counted
	}
	step := uint64(1)
	if counted > 1 {
		rows, _, _, err := l.ask("SELECT @@auto_increment_increment", 1)
		if err != nil || len(rows) != 1 {
			return nil, false, err
		}
		if step, err = strconv.ParseUint(string(rows[0][0]), 10, 64); err != nil {
			return nil, false, nil //nolint:nilerr // the keys are not known
		}
	}
	var preds []string
	for i := range counted {
		preds = append(preds, quote(t.columns[t.auto].Name)+" = "+strconv.FormatUint(a.insertID+uint64(i)*step, 10))
	}
	return preds, true, nil
}

// byKey is the condition that finds a row by its primary key; false for types that do not compare exactly.
func (im *image) byKey(r row.Row) (string, bool) {
	parts := make([]string, 0, len(im.t.key))
	for _, k := range im.t.key {
		v := r[k]
		text := ""
		switch im.t.columns[k].Type {
		case row.Integer, row.Decimal:
			text = v.Text
		case row.Bool:
			text = map[string]string{"true": "1", "false": "0"}[v.Text]
			if text == "" {
				text = v.Text
			}
		case row.Text, row.UUID:
			text = name(v.Text)
		case row.Bytes:
			text = "X'" + v.Text + "'"
		case row.Bits:
			text = "b'" + v.Text + "'"
		case row.Date, row.Clock, row.Local:
			text = "'" + strings.Replace(v.Text, "T", " ", 1) + "'"
		default:
			return "", false
		}
		if v.Null || text == "" {
			return "", false
		}
		parts = append(parts, quote(im.t.columns[k].Name)+" = "+text)
	}
	return "(" + strings.Join(parts, " AND ") + ")", true
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

// id is a row's key as text, for telling rows apart.
func (im *image) id(r row.Row) string {
	var b strings.Builder
	for _, k := range im.t.key {
		b.WriteString(strconv.Itoa(len(r[k].Text)) + ":" + r[k].Text)
	}
	return b.String()
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

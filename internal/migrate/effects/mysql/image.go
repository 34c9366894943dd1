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
	if ok && st.exec != nil {
		ok = s.decode(st) == nil
	}
	if !ok || shape.Table.Catalog != "" {
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

package postgres

// ask runs one statement of the proxy's own, beside what the client has prepared, and gives its rows as
// text. What the link owes the client is passed on before.
func (l *link) ask(sql string, o asking) (reply, error) { return l.tell(o.messages(sql), o) }

// tell sends messages of the proxy's own that end in Sync.
func (l *link) tell(messages []byte, o asking) (r reply, failed error) {
	if len(l.pending) > 0 {
		if err := l.settleAll(); err != nil {
			return r, err
		}
	}
	l.sending = append(l.sending, messages...)
	if err := l.push(); err != nil {
		return r, err
	}
	for {
		m, err := l.next()
		if err != nil {
			return r, err
		}
		if m.kind != 'N' && l.session.async(m) {
			continue
		}
		switch m.kind {
		case 'E':
			if failed == nil {
				failed = newServerError(m)
			}
		case 't':
			c := cursor{b: m.body()}
			r.oids = append([]byte(nil), c.take(4*c.u16())...)
		case 'T':
			r.columns = append([]byte(nil), m.body()...)
			if o.described != nil {
				o.described(r.columns)
			}
		case 'C':
			r.tag = tagOf(m)
		case 'Z':
			if len(m.body()) != 1 {
				return r, errProtocol
			}
			l.status = m.body()[0]
			return r, failed
		case 'D':
			if err := o.row(l, m, &r); err != nil {
				return r, err
			}
		case '1', '2', '3', 'n', 's', 'I', 'N':
		default:
			return r, errProtocol
		}
	}
}

// reply is what a statement of the proxy's own answered.
type reply struct {
	rows    [][][]byte
	columns []byte
	oids    []byte // of parameters, where they were described
	tag     string
	over    bool // there were more rows than asked for
}

// asking says how a statement of the proxy's own is run.
type asking struct {
	oids   []byte // types of its parameters, four bytes each
	values []byte // as a Bind has them: formats, number, values
	format []byte // of the results; text without
	most   int    // rows kept
	noRun  bool   // it is described only
	// Told of the columns, and of each row.
	described func(columns []byte)
	each      func(cells [][]byte)
}

const own = "jindu_proxy"

// messages are Parse, Bind, Describe, Execute, Close and Sync: they leave alone what has no name, which is
// the client's. What an error before left behind is closed first.
func (o asking) messages(sql string) []byte {
	name := zero(own)
	oids := []byte{byte(len(o.oids) >> 10), byte(len(o.oids) >> 2)}
	b := appendMessage(nil, 'C', []byte("P"), name)
	b = appendMessage(b, 'C', []byte("S"), name)
	b = appendMessage(b, 'P', name, zero(sql), oids, o.oids)
	values := o.values
	if values == nil {
		values = []byte{0, 0, 0, 0}
	}
	format := o.format
	if format == nil {
		format = []byte{0, 0}
	}
	b = appendMessage(b, 'B', name, name, values, format)
	b = appendMessage(b, 'D', []byte("P"), name)
	if !o.noRun {
		b = appendMessage(b, 'E', name, []byte{0, 0, 0, 0})
	}
	b = appendMessage(b, 'C', []byte("P"), name)
	b = appendMessage(b, 'C', []byte("S"), name)
	return append(b, msgSync...)
}

func (o asking) row(l *link, m message, r *reply) error {
	raw := m.raw
	if m.rest > 0 {
		raw = append([]byte(nil), raw...)
		for m.rest > 0 {
			b, err := l.piece(m.rest)
			if err != nil {
				return err
			}
			m.rest -= len(b)
			if len(raw) > maxMessage {
				return errTooLarge
			}
			raw = append(raw, b...)
		}
	}
	cells, ok := readRow(raw[headBytes:])
	if !ok {
		return errProtocol
	}
	if o.each != nil {
		o.each(cells)
	}
	if len(r.rows) >= o.most {
		r.over = true
		return nil
	}
	kept := make([][]byte, len(cells))
	for i, c := range cells {
		if c != nil {
			kept[i] = append([]byte{}, c...)
		}
	}
	r.rows = append(r.rows, kept)
	return nil
}

// readRow takes a row apart; NULLs are nil.
func readRow(body []byte) ([][]byte, bool) {
	c := cursor{b: body}
	cells := make([][]byte, c.u16())
	for i := range cells {
		n := int32(c.u32())
		if n >= 0 {
			cells[i] = c.take(int(n))
			if cells[i] == nil && !c.bad {
				cells[i] = []byte{}
			}
		}
	}
	return cells, !c.bad && len(c.b) == 0
}

// do runs a statement of the proxy's own that answers with no rows.
func (l *link) do(sql string) error {
	_, err := l.ask(sql, asking{})
	return err
}

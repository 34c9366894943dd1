package mysql

import "encoding/binary"

// expect is how the answer to a command looks.
type expect uint8

const (
	expectResult expect = iota // OK, ERR or rows, perhaps several
	expectRows                 // rows without a head: COM_STMT_FETCH
	expectFields               // definitions of columns: COM_FIELD_LIST
	expectText                 // one packet of text or ERR: COM_STATISTICS
)

// relay reads the answer to a command and lets it pass to the link's sink. The last packets may still be in
// the buffer when it returns; flush sends them. show changes status flags on the way.
func (l *link) relay(e expect, a *answer, show bool) error {
	l.from = l.r
	switch e {
	case expectText:
		p, err := l.next()
		if err == nil && p.first() == isErr {
			parseErr(p.body(), a)
		}
		return err
	case expectRows, expectFields:
		return l.rows(a, show)
	}
	for {
		p, err := l.next()
		if err != nil {
			return err
		}
		if p.size == 0 {
			return errProtocol
		}
		switch p.first() {
		case isOK:
			if err := l.okPacket(p, a, show); err != nil {
				return err
			}
		case isErr:
			parseErr(p.body(), a)
			return nil
		case isLocal:
			return errProtocol // it was not offered
		default:
			if err := l.resultSet(p, a, show); err != nil {
				return err
			}
		}
		if a.failed || a.status&statusMore == 0 {
			return nil
		}
	}
}

func (l *link) okPacket(p packet, a *answer, show bool) error {
	if !parseOK(p.body(), a) {
		return errProtocol
	}
	l.status = a.status
	if show && p.whole() {
		at := p.body()[statusAt(p.body()):]
		binary.LittleEndian.PutUint16(at, l.session.shown(a.status))
	}
	return nil
}

// resultSet goes over a result whose head is p.
func (l *link) resultSet(p packet, a *answer, show bool) error {
	c := cursor{b: p.body()}
	columns, null := c.lenenc()
	if c.bad || null || columns == 0 || columns > 4096 {
		return errProtocol
	}
	a.rows = true
	for range columns {
		if _, err := l.next(); err != nil {
			return err
		}
	}
	if !l.session.shortEOF() {
		p, err := l.next()
		if err != nil {
			return err
		}
		if !l.eofPacket(p, a, show) {
			return errProtocol
		}
		if a.status&statusCursor != 0 {
			return nil // rows come by COM_STMT_FETCH
		}
	}
	return l.rows(a, show)
}

// shortEOF says that no EOF packet stands behind definitions, and an OK packet behind rows.
func (s *session) shortEOF() bool { return s.caps&capDeprecateEOF != 0 }

func (l *link) eofPacket(p packet, a *answer, show bool) bool {
	if p.size != 5 || p.first() != isEOF {
		return false
	}
	b := p.body()
	a.warnings, a.status = binary.LittleEndian.Uint16(b[1:]), binary.LittleEndian.Uint16(b[3:])
	l.status = a.status
	if show {
		binary.LittleEndian.PutUint16(b[3:], l.session.shown(a.status))
	}
	return true
}

// rows goes over packets up to the one that ends them.
func (l *link) rows(a *answer, show bool) error {
	for goesOn := false; ; {
		p, err := l.next()
		if err != nil {
			return err
		}
		wasOn := goesOn
		goesOn = p.size == maxPayload
		if wasOn {
			continue
		}
		switch {
		case p.size == 0:
		case p.first() == isErr:
			parseErr(p.body(), a)
			return nil
		case p.first() != isEOF:
		case l.session.shortEOF() && p.size < maxPayload:
			return l.okPacket(p, a, show)
		case p.size == 5:
			if l.eofPacket(p, a, show) {
				return nil
			}
		}
	}
}

// ask sends a statement of the proxy's own and reads its answer, at most limit rows of text. over says that
// there were more.
func (l *link) ask(sql string, limit int) (rows [][][]byte, a answer, over bool, err error) {
	if err := l.flush(); err != nil {
		return nil, a, false, err
	}
	sink := l.sink
	l.sink = nil
	defer func() { l.sink, l.from = sink, l.r }() // the answer is the proxy's own
	if len(sql)+1 >= maxPayload {
		return nil, a, true, nil
	}
	payload := append(make([]byte, 0, len(sql)+1+headBytes), byte(len(sql)+1), byte((len(sql)+1)>>8), byte((len(sql)+1)>>16), 0, comQuery)
	if _, err := l.conn.Write(append(payload, sql...)); err != nil {
		return nil, a, false, err
	}
	p, err := l.next()
	if err != nil {
		return nil, a, false, err
	}
	switch p.first() {
	case isOK:
		err = l.okPacket(p, &a, false)
		return nil, a, false, err
	case isErr:
		parseErr(p.body(), &a)
		return nil, a, false, &serverError{a.code, a.message}
	case isLocal:
		return nil, a, false, errProtocol
	}
	rows, over, err = l.readRows(p, &a, limit)
	return rows, a, over, err
}

// readRows reads a result of text for ask. What is over the limit is read and let go.
func (l *link) readRows(p packet, a *answer, limit int) (rows [][][]byte, over bool, err error) {
	c := cursor{b: p.body()}
	columns, _ := c.lenenc()
	for range columns {
		if _, err := l.next(); err != nil {
			return nil, false, err
		}
	}
	if !l.session.shortEOF() {
		if _, err := l.next(); err != nil {
			return nil, false, err
		}
	}
	for goesOn := false; ; {
		p, err := l.next()
		if err != nil {
			return nil, false, err
		}
		wasOn := goesOn
		goesOn = p.size == maxPayload
		switch {
		case wasOn:
		case p.first() == isErr && p.size > 0:
			parseErr(p.body(), a)
			return nil, false, &serverError{a.code, a.message}
		case p.first() == isEOF && (p.size == 5 || l.session.shortEOF() && p.size < maxPayload):
			if p.size == 5 && !l.session.shortEOF() {
				l.eofPacket(p, a, false)
				return rows, over, nil
			}
			return rows, over, l.okPacket(p, a, false)
		case len(rows) >= limit || !p.whole():
			over = true
		default:
			c := cursor{b: p.body()}
			row := make([][]byte, columns)
			for i := range row {
				if text := c.text(); text != nil {
					row[i] = append([]byte{}, text...)
				}
			}
			if c.bad {
				return nil, false, errProtocol
			}
			rows = append(rows, row)
		}
	}
}

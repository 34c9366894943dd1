package binlog

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
)

// The types of events that are read; others are passed over.
const (
	evQuery         = 2
	evRotate        = 4
	evFormat        = 15
	evXID           = 16
	evTableMap      = 19
	evWriteV1       = 23
	evUpdateV1      = 24
	evDeleteV1      = 25
	evIncident      = 26
	evHeartbeat     = 27
	evRowsQuery     = 29
	evWriteV2       = 30
	evUpdateV2      = 31
	evDeleteV2      = 32
	evGTID          = 33
	evAnonymousGTID = 34
	evXAPrepare     = 38
	evPartialUpdate = 39
	evPayload       = 40
	evHeartbeatV2   = 41
	evTaggedGTID    = 42
	evAnnotate      = 160
	evMariaGTID     = 162
	evQueryPacked   = 165
	evWritePacked   = 166
	evUpdatePacked  = 167
	evDeletePacked  = 168
)

const headerSize = 19

// maxUnpacked bounds what a compressed event may become: the server's own limit of a packet.
const maxUnpacked = 1 << 30

// header is what every event begins with.
type header struct {
	at     uint32 // seconds: when the statement began
	kind   byte
	server uint32
	end    uint32 // where the next event is, in the file
	flags  uint16
}

// flagArtificial: the server made the event for this reader; it is not in the file.
const flagArtificial = 0x20

func parseHeader(b []byte) (header, []byte, error) {
	r := reader{b: b}
	h := header{at: r.u32(), kind: r.u8(), server: r.u32()}
	r.u32()
	h.end, h.flags = r.u32(), r.u16()
	if r.bad {
		return h, nil, errShort
	}
	return h, r.b, nil
}

// sums cuts the checksums off events as a server sends them: the event that describes the format says whether
// there are any. The server may make an event of its own without one.
type sums struct{ on bool }

func (c *sums) cut(b []byte) ([]byte, error) {
	if len(b) < headerSize {
		return nil, errShort
	}
	size := reader{b: b[9:13]}
	if int(size.u32()) != len(b) {
		return nil, errShort
	}
	if b[4] == evFormat {
		c.on = len(b) > headerSize+5 && b[len(b)-5] == 1
	}
	if !c.on {
		return b, nil
	}
	n := len(b) - 4
	if n >= headerSize && crc32.ChecksumIEEE(b[:n]) == binary.LittleEndian.Uint32(b[n:]) {
		return b[:n], nil
	}
	if b[17]&flagArtificial != 0 || b[4] == evHeartbeat || b[4] == evHeartbeatV2 {
		return b, nil
	}
	return nil, errors.New("the checksum is wrong")
}

// gtidEvent begins a transaction.
type gtidEvent struct {
	domain     uint32
	seq        uint64
	sid        [16]byte
	standalone bool // MariaDB: one statement, no end follows
	xa         bool // prepared, the decision comes later
	none       bool // MySQL without GTIDs
	commit     int64
}

// MariaDB's flags of a GTID event.
const (
	flagStandalone = 1
	flagPreparedXA = 64
)

func parseMariaGTID(b []byte) (gtidEvent, error) {
	r := reader{b: b}
	g := gtidEvent{seq: r.u64(), domain: r.u32()}
	f := r.u8()
	g.standalone, g.xa = f&flagStandalone != 0, f&flagPreparedXA != 0
	return g, r.err()
}

func parseMySQLGTID(kind byte, b []byte) (gtidEvent, error) {
	r := reader{b: b}
	r.u8()
	g := gtidEvent{none: kind == evAnonymousGTID}
	copy(g.sid[:], r.bytes(16))
	g.seq = r.u64()
	if r.bad {
		return g, errShort
	}
	if r.u8() == 2 { // the logical clock follows, and since 8.0 the time of commit in microseconds
		r.u64()
		r.u64()
		if now := r.little(7); !r.bad {
			g.commit = int64(now &^ (1 << 55)) // with the top bit set the original time follows
		}
	}
	return g, nil
}

// queryEvent is a statement as text.
type queryEvent struct{ schema, text []byte }

func parseQuery(b []byte, packed bool) (queryEvent, error) {
	r := reader{b: b}
	r.bytes(8)
	n := int(r.u8())
	r.u16()
	vars := int(r.u16())
	r.bytes(vars)
	q := queryEvent{schema: r.bytes(n)}
	r.u8()
	if r.bad {
		return q, errShort
	}
	q.text = r.b
	if packed {
		var err error
		if q.text, err = unpack(q.text); err != nil {
			return q, err
		}
	}
	return q, nil
}

// unpack is MariaDB's compression of statements and rows: flags and length, then zlib.
func unpack(b []byte) ([]byte, error) {
	r := reader{b: b}
	f := r.u8()
	size := r.big(int(f & 7))
	if r.bad || f&0x80 == 0 || f&0x70 != 0 || size > maxUnpacked {
		return nil, errors.New("a compressed event has an unknown form")
	}
	z, err := zlib.NewReader(bytes.NewReader(r.b))
	if err != nil {
		return nil, fmt.Errorf("unpack an event: %w", err)
	}
	// The size is the sender's word: memory grows with what is there.
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(z, int64(size)+1))
	if err != nil || n != int64(size) {
		return nil, fmt.Errorf("unpack an event of %d bytes: got %d: %w", size, n, errors.Join(err, errShort))
	}
	return out.Bytes(), nil
}

// tableMap says what rows of a table look like in the events behind it.
type tableMap struct {
	id            uint64
	schema, table []byte
	types         []byte
	meta          []uint16
	names         [][]byte // only with binlog_row_metadata=FULL
}

// optionNames is the field of a table map that holds the columns' names.
const optionNames = 4

func parseTableMap(b []byte) (tableMap, error) {
	r := reader{b: b}
	m := tableMap{id: r.little(6)}
	r.u16()
	m.schema = r.bytes(int(r.u8()))
	r.u8()
	m.table = r.bytes(int(r.u8()))
	r.u8()
	n := r.lenenc()
	m.types = r.bytes(n)
	meta := reader{b: r.bytes(r.lenenc())}
	if r.bad {
		return m, errShort
	}
	m.meta = make([]uint16, n)
	for i, t := range m.types {
		switch t {
		case typeString, typeDecimal:
			m.meta[i] = uint16(meta.big(2))
		case typeVarString, typeVarchar, typeBit:
			m.meta[i] = meta.u16()
		case typeBlob, typeDouble, typeFloat, typeGeometry, typeJSON, typeVector, typeTime2, typeDatetime2, typeTimestamp2:
			m.meta[i] = uint16(meta.u8())
		case typeVarcharPacked:
			m.meta[i] = meta.u16()
		case typeBlobPacked:
			m.meta[i] = uint16(meta.u8())
		}
	}
	r.bytes((n + 7) / 8)
	for !r.bad && len(r.b) > 0 {
		kind := r.u8()
		v := reader{b: r.bytes(r.lenenc())}
		if kind == optionNames {
			for !v.bad && len(v.b) > 0 {
				m.names = append(m.names, v.bytes(v.lenenc()))
			}
			r.bad = r.bad || v.bad
		}
	}
	return m, errors.Join(r.err(), meta.err())
}

// rowsEvent holds images of rows of one table.
type rowsEvent struct {
	id            uint64
	flags         uint16
	width         int
	before, after []byte // which columns the images hold; after only of an update
	data          []byte
}

func parseRows(kind byte, b []byte) (rowsEvent, error) {
	r := reader{b: b}
	e := rowsEvent{id: r.little(6), flags: r.u16()}
	if kind >= evWriteV2 && kind <= evDeleteV2 {
		r.bytes(int(r.u16()) - 2)
	}
	e.width = r.lenenc()
	e.before = r.bytes((e.width + 7) / 8)
	if kind == evUpdateV1 || kind == evUpdateV2 || kind == evUpdatePacked {
		e.after = r.bytes((e.width + 7) / 8)
	}
	if r.bad {
		return e, errShort
	}
	e.data = r.b
	if kind >= evWritePacked && kind <= evDeletePacked {
		var err error
		if e.data, err = unpack(e.data); err != nil {
			return e, err
		}
	}
	return e, nil
}

// payload opens a compressed transaction of MySQL: events follow one another without checksums.
func payload(b []byte) (io.ReadCloser, error) {
	r := reader{b: b}
	compression, body := -1, []byte(nil)
	for !r.bad && len(r.b) > 0 {
		field := r.lenenc()
		if field == 0 { // the end of the fields: the rest is the transaction
			body = r.b
			break
		}
		v := reader{b: r.bytes(r.lenenc())}
		if field == 2 {
			compression = v.lenenc()
		}
	}
	switch {
	case r.bad || body == nil:
		return nil, errShort
	case compression == 255:
		return io.NopCloser(bytes.NewReader(body)), nil
	case compression != 0:
		return nil, fmt.Errorf("a transaction is compressed by method %d, which is not known", compression)
	}
	z, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("unpack a transaction: %w", err)
	}
	return z.IOReadCloser(), nil
}

// nextEvent reads one event of a payload.
func nextEvent(r io.Reader) ([]byte, error) {
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err // io.EOF: there is no more
	}
	h := reader{b: head[9:13]}
	size := int64(h.u32())
	if size < headerSize || size > maxUnpacked {
		return nil, errShort
	}
	buf := bytes.NewBuffer(head)
	if n, err := io.CopyN(buf, r, size-headerSize); err != nil {
		return nil, fmt.Errorf("an event of %d bytes ends after %d: %w", size, n, errShort)
	}
	return buf.Bytes(), nil
}

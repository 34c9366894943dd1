package pgoutput

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// wire is a stream under way.
type wire struct {
	conn  net.Conn
	front *pgproto3.Frontend
	once  sync.Once
	sent  sync.WaitGroup

	mu sync.Mutex
	at lsn
}

func (w *wire) close() { w.once.Do(func() { _ = w.conn.Close() }) }

func (w *wire) frame() (frame, error) {
	for {
		if err := w.conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return frame{}, fmt.Errorf("read the stream: %w", err)
		}
		m, err := w.front.Receive()
		if err != nil {
			return frame{}, fmt.Errorf("read the stream: %w", err)
		}
		switch m := m.(type) {
		case *pgproto3.CopyData:
			return parseFrame(m.Data)
		case *pgproto3.ErrorResponse:
			return frame{}, fmt.Errorf("read the stream: %w", pgconn.ErrorResponseToPgError(m))
		case *pgproto3.CopyDone, *pgproto3.CommandComplete:
			return frame{}, errors.New("read the stream: the server ended it")
		}
	}
}

func (w *wire) seen(at lsn) {
	w.mu.Lock()
	w.at = max(w.at, at)
	w.mu.Unlock()
}

// status tells the server 5 times a second what was acknowledged, and asks where it is.
func (w *wire) status(ctx context.Context, s *Source) {
	defer w.sent.Done()
	for {
		w.mu.Lock()
		at := w.at
		w.mu.Unlock()
		if !w.answer(s.acknowledged(), at) || !sleep(ctx, every) {
			return
		}
	}
}

// answer writes a status. Written is what was read, flushed and applied what was acknowledged: only that lets
// the slot move.
func (w *wire) answer(acked, read lsn) bool {
	b := make([]byte, 0, 39)
	b = append(b, 'd', 0, 0, 0, 38, 'r')
	b = binary.BigEndian.AppendUint64(b, uint64(max(read, acked)))
	b = binary.BigEndian.AppendUint64(b, uint64(acked))
	b = binary.BigEndian.AppendUint64(b, uint64(acked))
	b = binary.BigEndian.AppendUint64(b, uint64(time.Since(epoch).Microseconds()))
	b = append(b, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.conn.SetWriteDeadline(time.Now().Add(connectPatience)) // a write says the same
	_, err := w.conn.Write(b)
	return err == nil
}

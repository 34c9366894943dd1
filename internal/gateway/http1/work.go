package http1

import (
	"sync"

	"jindu.dev/jindu/internal/gateway"
)

// buffer holds bytes b[r:w] that were read and not used yet.
type buffer struct {
	b    []byte
	r, w int
}

func (f *buffer) unread() []byte { return f.b[f.r:f.w] }
func (f *buffer) free() []byte   { return f.b[f.w:] }
func (f *buffer) empty() bool    { return f.r == f.w }

// grow makes room for at least n more bytes. Views into the old bytes stay valid.
func (f *buffer) grow(n int) {
	if len(f.b)-f.w >= n {
		return
	}
	b := make([]byte, max(2*len(f.b), f.w-f.r+n))
	f.w = copy(b, f.b[f.r:f.w])
	f.r, f.b = 0, b
}

// compact moves what is unread to the front. Views do not stay valid.
func (f *buffer) compact() {
	if f.r > 0 {
		f.w = copy(f.b, f.b[f.r:f.w])
		f.r = 0
	}
}

// work is what one exchange needs. A connection has one from the first byte of a request to the end of
// its answer, and none while it is idle.
type work struct {
	in      buffer // from the client
	up      buffer // from the instance
	out     []byte // to the instance: head, and body when it is small
	back    []byte // to the client
	body    []byte // decoded body of a small chunked request
	scratch []byte // a Host that a filter sets
	req     requestHead
	resp    responseHead
	ex      gateway.Exchange
	ck      chunks // of the answer
	note    notes
	send    upload
}

const (
	inSize   = 4 << 10
	upSize   = 8 << 10
	bigSize  = 64 << 10  // buffer for long bodies
	keepSize = 192 << 10 // of all buffers together; larger ones are not kept
)

func newWork() *work {
	return &work{in: buffer{b: make([]byte, inSize)}, up: buffer{b: make([]byte, upSize)},
		out: make([]byte, 0, 2<<10), back: make([]byte, 0, 4<<10)}
}

// workPool lends work. What a large message made grow is let go.
type workPool struct{ pool sync.Pool }

func (p *workPool) get() *work {
	if w, ok := p.pool.Get().(*work); ok {
		return w
	}
	return newWork()
}

func (p *workPool) put(w *work) {
	w.in.r, w.in.w, w.up.r, w.up.w = 0, 0, 0, 0
	if len(w.in.b)+len(w.up.b)+cap(w.out)+cap(w.back)+cap(w.body) <= keepSize {
		p.pool.Put(w)
	}
}

package gateway

import (
	"encoding/hex"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"jindu.dev/jindu/internal/route"
)

const (
	accessQueue = 4096
	accessBatch = 512
	accessEvery = 200 * time.Millisecond
)

// accessLog takes entries from the request path without waiting; Gateway.Run writes them.
type accessLog struct {
	out     io.Writer
	queue   chan *accessEntry
	free    sync.Pool
	Written atomic.Int64
	Dropped atomic.Int64
}

func newAccessLog(out io.Writer) *accessLog {
	l := &accessLog{out: out}
	if out != nil {
		l.queue = make(chan *accessEntry, accessQueue)
		l.free.New = func() any { return new(accessEntry) }
	}
	return l
}

// accessEntry is a copy of what a line says.
type accessEntry struct {
	at                                 time.Time
	text                               []byte // method, host and path behind each other
	method, host                       int    // ends in text
	client                             [64]byte
	clientLen                          int
	route, rule, service, subset, addr string
	side, answered                     route.Side
	trace                              [16]byte
	span                               [8]byte
	status, tries                      int
	origin                             Origin
	failure                            Failure
	fellBack                           bool
	in, out                            int64
	latency                            time.Duration
}

// logAccess queues an entry when the exchange is in the sample.
func (g *Gateway) logAccess(s *Settings, ex *Exchange, failed bool) {
	l := g.access
	if l.out == nil {
		return
	}
	if (!failed || !s.AccessLog.Errors) && Share(Mix(ex.Request.Random, useLog)) >= s.AccessLog.Sample {
		return
	}
	e := l.free.Get().(*accessEntry)
	e.fill(ex)
	select {
	case l.queue <- e:
	default:
		l.Dropped.Add(1)
		l.free.Put(e)
	}
}

func (e *accessEntry) fill(ex *Exchange) {
	e.text = append(e.text[:0], ex.Request.Method...)
	e.method = len(e.text)
	e.text = append(e.text, ex.Request.Host...)
	e.host = len(e.text)
	e.text = append(e.text, ex.Request.Path...)
	e.clientLen = len(ex.Request.ClientIP.AppendTo(e.client[:0]))
	e.at, e.route, e.rule, e.service, e.subset = ex.Start, "", "", "", ""
	if r := ex.Decision.Rule; r != nil {
		e.route, e.rule = r.Route, r.Name
	}
	if ex.Subset != nil {
		e.service, e.subset = ex.Subset.Service, ex.Subset.Text
	}
	e.addr, e.side, e.answered, e.trace, e.span = ex.Instance, ex.Decision.Side, ex.Answered, ex.Trace.TraceID, ex.Trace.SpanID
	e.status, e.tries, e.origin, e.failure, e.fellBack = ex.Status, ex.Tries, ex.Origin, ex.Failure, ex.FellBack
	e.in, e.out, e.latency = ex.BytesIn, ex.BytesOut, ex.Latency
}

// appendLine appends the entry as one line of JSON.
func (e *accessEntry) appendLine(b []byte) []byte {
	str := func(key string, v []byte) {
		b = append(append(b, `,"`...), key...)
		b = appendQuoted(append(b, `":`...), v)
	}
	opt := func(key, v string) {
		if v != "" {
			str(key, []byte(v))
		}
	}
	num := func(key string, v int64) {
		b = append(append(b, `,"`...), key...)
		b = strconv.AppendInt(append(b, `":`...), v, 10)
	}
	b = append(b, `{"time":"`...)
	b = e.at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z07:00")
	b = append(b, '"')
	str("client", e.client[:e.clientLen])
	str("method", e.text[:e.method])
	str("host", e.text[e.method:e.host])
	str("path", e.text[e.host:])
	num("status", int64(e.status))
	num("micros", e.latency.Microseconds())
	num("in", e.in)
	num("out", e.out)
	opt("route", e.route)
	opt("rule", e.rule)
	opt("service", e.service)
	opt("subset", e.subset)
	opt("instance", e.addr)
	if e.side != route.SideNone {
		opt("side", e.side.String())
		opt("answered", e.answered.String())
	}
	if e.fellBack {
		b = append(b, `,"fallback":true`...)
	}
	if e.tries > 1 {
		num("tries", int64(e.tries))
	}
	if e.origin != OriginUpstream {
		opt("origin", e.origin.String())
		if e.failure != Answered {
			opt("failure", e.failure.Detail())
		}
	}
	b = append(b, `,"trace":"`...)
	b = hex.AppendEncode(b, e.trace[:])
	b = append(b, `","span":"`...)
	b = hex.AppendEncode(b, e.span[:])
	return append(b, "\"}\n"...)
}

// appendQuoted appends v as a JSON string; what is no UTF-8 becomes U+FFFD.
func appendQuoted(b, v []byte) []byte {
	b = append(b, '"')
	for len(v) > 0 {
		r, n := utf8.DecodeRune(v)
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, `\ufffd`...)
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, `\u00`...)
			b = hex.AppendEncode(b, v[:1])
		default:
			b = append(b, v[:n]...)
		}
		v = v[n:]
	}
	return append(b, '"')
}

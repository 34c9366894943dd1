package http1

import (
	"net"
	"net/http"
	"strconv"

	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/route"
)

// appendProblem appends a whole answer of the gateway's own: a problem in JSON (RFC 9457).
func appendProblem(dst []byte, status int, code, detail string, head, close, later bool) []byte {
	var body [512]byte
	b := append(body[:0], `{"status":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(append(b, `,"title":"`...), http.StatusText(status)...)
	b = append(append(b, `","code":"`...), code...)
	b = append(append(b, `","detail":"`...), detail...)
	b = append(b, "\"}\n"...)
	dst = appendStatus(dst, status, nil)
	dst = append(dst, "Content-Type: application/problem+json\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(b)), 10)
	dst = append(dst, "\r\n"...)
	if status == 405 {
		dst = append(dst, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"...)
	}
	if later {
		dst = append(dst, retryAfter...)
	}
	if close {
		dst = append(dst, "Connection: close\r\n"...)
	}
	dst = append(dst, "\r\n"...)
	if head {
		return dst
	}
	return append(dst, b...)
}

// retryAfter goes with a refusal of a fence: the share that follows is a moment away.
const retryAfter = "Retry-After: 1\r\n"

func appendStatus(dst []byte, status int, reason []byte) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	if reason == nil {
		dst = append(dst, http.StatusText(status)...)
	} else {
		dst = append(dst, reason...)
	}
	return append(dst, "\r\n"...)
}

// answer is the gateway's own answer to an exchange. The connection goes on when the request's body is
// known to be read.
func (c *conn) answer(status int, code, detail string) bool {
	w := c.w
	keep := c.mayKeep() && c.bodyRead()
	w.back = appendProblem(w.back[:0], status, code, detail, string(w.req.method) == "HEAD", !keep, w.ex.Fenced)
	w.ex.Status, w.ex.Origin = status, gateway.OriginGateway
	if c.write(w.back) != nil {
		w.ex.Status, w.ex.Origin, w.ex.Failure = 499, gateway.OriginNone, gateway.ClientLeft
		return false
	}
	c.unread = !keep
	return keep
}

// fail answers for a service that did not.
func (c *conn) fail(f gateway.Failure) bool {
	ex := &c.w.ex
	ex.Failure, ex.Fenced = f, f == gateway.Fenced
	if f == gateway.ClientLeft {
		ex.Status, ex.Origin = 499, gateway.OriginNone
		return false
	}
	return c.answer(f.Status(), f.Code(), f.Detail())
}

// abort ends an answer that cannot be completed. A client that reads until the end of the connection
// must not take it for the whole: it gets a reset.
func (c *conn) abort() {
	c.unread = false
	if tcp, ok := c.nc.(*net.TCPConn); ok && c.w.req.minor == 0 {
		_ = tcp.SetLinger(0)
	}
}

// redirect answers with the rule's redirect.
func (c *conn) redirect(r *route.Redirect) bool {
	w := c.w
	keep := c.mayKeep() && c.bodyRead()
	scheme := w.note.proto
	port := 0
	if _, p, ok := cutPort(w.req.host); ok {
		port = p
	}
	w.back = appendStatus(w.back[:0], r.Status, nil)
	w.back = append(w.back, "Location: "...)
	w.back = r.AppendLocation(w.back, scheme, port, &w.ex.Request, &w.ex.Decision)
	w.back = append(w.back, "\r\nContent-Length: 0\r\n"...)
	w.back = c.appendChanged(w.back, nil)
	if !keep {
		w.back = append(w.back, "Connection: close\r\n"...)
	}
	w.back = append(w.back, "\r\n"...)
	w.ex.Status, w.ex.Origin = r.Status, gateway.OriginGateway
	if c.write(w.back) != nil {
		return false
	}
	c.unread = !keep
	return keep
}

// cutPort splits a checked host.
func cutPort(host []byte) (name []byte, port int, ok bool) {
	for i := len(host) - 1; i >= 0 && host[i] != ']'; i-- {
		if host[i] == ':' {
			n, ok := parseUint(host[i+1:])
			return host[:i], int(n), ok
		}
	}
	return host, 0, false
}

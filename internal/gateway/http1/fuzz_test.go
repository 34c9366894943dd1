package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"
)

// FuzzRequestHead: what is taken is read the same way again when its kept fields are forwarded, and
// net/http reads the forwarded head with the same framing.
func FuzzRequestHead(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	f.Add([]byte("POST /a?b HTTP/1.1\r\nHost: a:80\r\nContent-Length: 3\r\nConnection: x, close\r\nX: y\r\n\r\n"))
	f.Add([]byte("PUT http://a/b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX_Y: z\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		end, _ := headEnd(in, 0)
		if end < 0 {
			return
		}
		var r requestHead
		if parseRequest(&r, in[:end], testLimits()) != nil {
			return
		}
		out := append([]byte(nil), r.method...)
		out = append(append(append(out, ' '), r.target...), " HTTP/1.1\r\nHost: "...)
		host := r.host
		if len(host) == 0 {
			host = []byte("none")
		}
		out = append(append(out, host...), "\r\n"...)
		out = r.fields.appendKept(out)
		switch {
		case r.body.chunked:
			out = append(out, "Transfer-Encoding: chunked\r\n"...)
		case r.body.length >= 0:
			out = appendLength(out, r.body.length)
		}
		out = append(out, "\r\n"...)

		var again requestHead
		if err := parseRequest(&again, out, testLimits()); err != nil {
			t.Fatalf("%q forwarded as %q: %v", in[:end], out, err)
		}
		if again.body != r.body || !bytes.Equal(again.target, r.target) || !bytes.Equal(again.method, r.method) {
			t.Fatalf("%q forwarded as %q reads differently", in[:end], out)
		}
		std, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(out)))
		if err != nil {
			return // net/http is stricter on targets and some fields
		}
		length := max(r.body.length, 0)
		if r.body.chunked {
			length = -1
		}
		if std.ContentLength != length || (len(std.TransferEncoding) > 0) != r.body.chunked {
			t.Fatalf("%q: net/http reads length %d, we %d", out, std.ContentLength, length)
		}
	})
}

// FuzzResponseHead: what is taken is framed for net/http as it is for us.
func FuzzResponseHead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"))
	f.Add([]byte("HTTP/1.0 404 \r\nConnection: keep-alive\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\nX-Jindu-State: a\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		end, _ := headEnd(in, 0)
		if end < 0 {
			return
		}
		var r responseHead
		if parseResponse(&r, in[:end], testLimits()) != nil || r.status < 200 {
			return
		}
		std, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(in[:end])), &http.Request{Method: "GET"})
		if err != nil {
			return
		}
		if std.StatusCode != r.status {
			t.Fatalf("%q: status %d, net/http %d", in[:end], r.status, std.StatusCode)
		}
		if r.bodyless(false) {
			return
		}
		if r.body.chunked != (len(std.TransferEncoding) > 0) || !r.body.chunked && std.ContentLength != r.body.length {
			t.Fatalf("%q: framing %+v, net/http %d %v", in[:end], r.body, std.ContentLength, std.TransferEncoding)
		}
	})
}

// FuzzChunked: the payload does not depend on how the bytes arrive, what we write is what we read, and
// net/http reads the same.
func FuzzChunked(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"), uint8(1))
	f.Add([]byte("1;a=\"b\"\r\nx\r\n0\r\nA: b\r\n\r\nrest"), uint8(3))
	f.Add([]byte("fffffff\r\n"), uint8(7))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		payload, rest, done, err := decode(in, 1<<30)
		slow, slowRest, slowDone, slowErr := decode(in, int(piece)+1)
		if done != slowDone || done && (!bytes.Equal(payload, slow) || !bytes.Equal(rest, slowRest)) {
			t.Fatalf("%q: at once %q %v, in pieces %q %v", in, payload, err, slow, slowErr)
		}
		if !done {
			return
		}
		std, err := io.ReadAll(http.MaxBytesReader(nil, body(t, in), 1<<30))
		if err == nil && !bytes.Equal(std, payload) {
			t.Fatalf("%q: %q, net/http %q", in, payload, std)
		}
		var wire []byte
		if len(payload) > 0 {
			wire = appendChunk(nil, payload)
		}
		back, left, whole, err := decode(appendLastChunk(wire, nil), 5)
		if err != nil || !whole || len(left) != 0 || !bytes.Equal(back, payload) {
			t.Fatalf("%q: written again as %q", payload, back)
		}
	})
}

func body(t *testing.T, chunked []byte) io.ReadCloser {
	head := "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	q, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader([]byte(head)), bytes.NewReader(chunked))))
	if err != nil {
		t.Fatal(err)
	}
	return q.Body
}

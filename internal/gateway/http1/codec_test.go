package http1

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func testLimits() *limits { return &limits{head: 32 << 10, target: 16 << 10, fields: 100} }

func parsed(t *testing.T, head string) *requestHead {
	t.Helper()
	var r requestHead
	if err := parseRequest(&r, []byte(head), testLimits()); err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	return &r
}

func TestRequestHeadsThatCouldBeReadTwoWaysAreRefused(t *testing.T) {
	const host = "Host: a\r\n"
	for head, want := range map[string]error{
		"GET / HTTP/1.1\r\n\r\n":                                                                          errNoHost,
		"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n":                                                    errTwoHosts,
		"GET / HTTP/1.1\r\nHost:\r\n\r\n":                                                                 errHost,
		"GET / HTTP/1.1\r\nHost: a b\r\n\r\n":                                                             errHost,
		"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n":                                                             errHost,
		"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n":                                                             errHost,
		"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n":                                                             errHost,
		"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n":                                                             errHost,
		"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n":                                                         errHost,
		"GET / HTTP/1.1\r\nHost: a:\r\n\r\n":                                                              errHost,
		"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n":                                                            errHost,
		"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n":                                                            errHost,
		"GET / HTTP/1.1\r\nHost: [g::]\r\n\r\n":                                                           errHost,
		"GET / HTTP/1.1\nHost: a\r\n\r\n":                                                                 errBareLF,
		"GET / HTTP/1.1\r\nHost: a\n\r\n":                                                                 errBareLF,
		"GET / HTTP/1.1\r\nHost: a\r\n\n":                                                                 errBareLF,
		"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n":                                                    errControl,
		"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n":                                                  errControl,
		"GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n":                                                  errControl,
		"GET / HTTP/1.1\r\nHost: a\r\nX: a\x0bb\r\n\r\n":                                                  errControl,
		"GET / HTTP/1.1\r\nHost: a\r\nX: long value with\x01control\r\n\r\n":                              errControl,
		"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n":                                            errFold,
		"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tf: g\r\n\r\n":                                             errFold,
		"GET / HTTP/1.1\r\n Host: a\r\n\r\n":                                                              errFold,
		"GET / HTTP/1.1\r\nHost : a\r\n\r\n":                                                              errColonSpace,
		"GET / HTTP/1.1\r\nHost\t: a\r\n\r\n":                                                             errColonSpace,
		"GET / HTTP/1.1\r\n" + host + "no colon\r\n\r\n":                                                  errFieldName,
		"GET / HTTP/1.1\r\n" + host + ": empty\r\n\r\n":                                                   errFieldName,
		"GET / HTTP/1.1\r\n" + host + "a b: c\r\n\r\n":                                                    errFieldName,
		"GET / HTTP/1.1\r\n" + host + "a(b): c\r\n\r\n":                                                   errFieldName,
		"GET / HTTP/1.1\r\n" + host + "\x00a: c\r\n\r\n":                                                  errFieldName,
		"GET / HTTP/1.1\r\n" + host + "\xe9: c\r\n\r\n":                                                   errFieldName,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n":          errLengthAndTE,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n":          errLengthAndTE,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n":                   errTwoLengths,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n":                   errTwoLengths,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 1, 1\r\n\r\n":                                     errLength,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: +1\r\n\r\n":                                       errLength,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n":                                       errLength,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 0x1\r\n\r\n":                                      errLength,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 1 1\r\n\r\n":                                      errLength,
		"POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n":                                          errLength,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 9999999999999999999\r\n\r\n":                      errLength,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n": errTwoTE,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, identity\r\n\r\n":                     errTE,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n":                         errTE,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n":                              errTE,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n":                              errTE,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: \"chunked\"\r\n\r\n":                           errTE,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\x0bchunked\r\n\r\n":                            errControl,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding\r\n: chunked\r\n\r\n":                           errFieldName,
		"POST / HTTP/1.1\r\n" + host + "Content-Length:\t1\r\n\r\n":                                       errTab,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\t\r\n\r\n":                             errTab,
		"GET / HTTP/1.1\r\nHost:\ta\r\n\r\n":                                                              errTab,
		"POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n":                               errTEOld,
		"POST / HTTP/1.1\r\n" + host + "Expect: 200-ok\r\n\r\n":                                           errExpect,
		"GET / HTTP/1.1\r\n" + host + "Connection: a b\r\n\r\n":                                           errConnection,
		"GET  / HTTP/1.1\r\n" + host + "\r\n":                                                             errRequestLine,
		"GET /  HTTP/1.1\r\n" + host + "\r\n":                                                             errRequestLine,
		"GET\t/ HTTP/1.1\r\n" + host + "\r\n":                                                             errMethod,
		"GET / HTTP/1.1 \r\n" + host + "\r\n":                                                             errRequestLine,
		" GET / HTTP/1.1\r\n" + host + "\r\n":                                                             errRequestLine,
		"GET /\r\n" + host + "\r\n":                                                                       errHTTP09,
		"GET\r\n" + host + "\r\n":                                                                         errRequestLine,
		"get / HTTP/1.1\r\n" + host + "\r\n":                                                              errMethod,
		"G@T / HTTP/1.1\r\n" + host + "\r\n":                                                              errMethod,
		"GET / HTTP/2.0\r\n" + host + "\r\n":                                                              errVersion,
		"GET / HTTP/1.2\r\n" + host + "\r\n":                                                              errVersion,
		"GET / HTTP/11\r\n" + host + "\r\n":                                                               errRequestLine,
		"GET / http/1.1\r\n" + host + "\r\n":                                                              errRequestLine,
		"GET / HTTP/1.1x\r\n" + host + "\r\n":                                                             errRequestLine,
		"PRI * HTTP/2.0\r\n\r\n":                                                                          errVersion,
		"CONNECT a:443 HTTP/1.1\r\n" + host + "\r\n":                                                      errConnectMethod,
		"TRACE / HTTP/1.1\r\n" + host + "\r\n":                                                            errConnectMethod,
		"GET * HTTP/1.1\r\n" + host + "\r\n":                                                              errTarget,
		"GET a HTTP/1.1\r\n" + host + "\r\n":                                                              errTarget,
		"GET /a#b HTTP/1.1\r\n" + host + "\r\n":                                                           errTarget,
		"GET /\xc3\xa9 HTTP/1.1\r\n" + host + "\r\n":                                                      errTarget,
		"GET /a\x00 HTTP/1.1\r\n" + host + "\r\n":                                                         errTarget,
		"GET ftp://a/ HTTP/1.1\r\n" + host + "\r\n":                                                       errTarget,
		"GET http:///x HTTP/1.1\r\n" + host + "\r\n":                                                      errTarget,
		"GET http://b/ HTTP/1.1\r\n" + host + "\r\n":                                                      errAuthority,
		"GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n":                                                   errHost,
		"GET /" + strings.Repeat("a", 16<<10) + " HTTP/1.1\r\n" + host + "\r\n":                           errTargetSize,
		"GET / HTTP/1.1\r\n" + host + strings.Repeat("a: b\r\n", 100) + "\r\n":                            errFieldCount,
	} {
		var r requestHead
		if err := parseRequest(&r, []byte(head), testLimits()); !errors.Is(err, want) {
			t.Errorf("%.120q: got %v, want %v", head, err, want)
		}
	}
}

func TestRequestHeadsMeanWhatTheySay(t *testing.T) {
	r := parsed(t, "POST /a/b?c=d HTTP/1.1\r\nHost: Shop.Test.:8080\r\nContent-Length: 12\r\nX: \t y \t\r\nConnection: keep-alive, X-Gone\r\nX-Gone: 1\r\n\r\n")
	if string(r.method) != "POST" || string(r.path) != "/a/b" || string(r.query) != "c=d" || string(r.target) != "/a/b?c=d" {
		t.Errorf("request line: %q %q %q %q", r.method, r.path, r.query, r.target)
	}
	if string(r.name) != "shop.test" || string(r.host) != "Shop.Test.:8080" {
		t.Errorf("host %q, name %q", r.host, r.name)
	}
	if r.body.length != 12 || r.body.chunked || !r.keepAlive() || !r.hasBody() {
		t.Errorf("framing %+v, keep-alive %v", r.body, r.keepAlive())
	}
	if got := r.fields.Get("x"); string(got) != "y" {
		t.Errorf("x = %q", got)
	}
	if got := string(r.fields.appendKept(nil)); got != "X: \t y \t\r\n" {
		t.Errorf("forwarded fields %q", got)
	}
}

func TestAbsoluteTargetsAreForwardedInOriginForm(t *testing.T) {
	for target, want := range map[string]string{"http://a": "/", "http://a?x=1": "/?x=1", "https://A/p?q": "/p?q"} {
		r := parsed(t, "GET "+target+" HTTP/1.1\r\nHost: a\r\n\r\n")
		if string(r.target) != want || !bytes.EqualFold(r.name, []byte("a")) {
			t.Errorf("%s: target %q host %q, want %q", target, r.target, r.name, want)
		}
	}
}

func TestFieldsWithUnusualNamesAreRemovedUnlessWanted(t *testing.T) {
	head := []byte("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nX_Forwarded_For: 1.2.3.4\r\nContent_Length: 5\r\nB: 2\r\n\r\n")
	var r requestHead
	if err := parseRequest(&r, head, testLimits()); err != nil {
		t.Fatal(err)
	}
	if got := string(r.fields.appendKept(nil)); got != "A: 1\r\nB: 2\r\n" || r.fields.Get("x_forwarded_for") != nil {
		t.Errorf("kept %q", got)
	}
	lim := testLimits()
	lim.unusual = true
	if err := parseRequest(&r, head, lim); err != nil {
		t.Fatal(err)
	}
	if got := string(r.fields.Get("content_length")); got != "5" || r.body.length >= 0 {
		t.Errorf("content_length %q, framing %+v", got, r.body)
	}
}

func TestKeepAliveFollowsVersionAndConnection(t *testing.T) {
	for head, want := range map[string]bool{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n":                                     true,
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n":                false,
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close\r\n\r\n":    false,
		"GET / HTTP/1.0\r\n\r\n":                                                false,
		"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n":                      true,
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n": false,
	} {
		if r := parsed(t, head); r.keepAlive() != want {
			t.Errorf("%q: keep-alive %v", head, r.keepAlive())
		}
	}
}

func TestAnswerHeadsThatCouldBeReadTwoWaysAreRefused(t *testing.T) {
	for head, want := range map[string]error{
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n": errLengthAndTE,
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n":          errTwoLengths,
		"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n":                            errLength,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n":                         errTE,
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n":                      errTEOld,
		"HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\n":                                 errBareLF,
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n":                                      errFold,
		"HTTP/1.1 200 O\x00K\r\n\r\n":                                                errStatusLine,
		"HTTP/1.1 099 OK\r\n\r\n":                                                    errStatusLine,
		"HTTP/1.1 600 OK\r\n\r\n":                                                    errStatusLine,
		"HTTP/1.1 2000 OK\r\n\r\n":                                                   errStatusLine,
		"HTTP/1.1 20 OK\r\n\r\n":                                                     errStatusLine,
		"HTTP/2.0 200 OK\r\n\r\n":                                                    errStatusLine,
		"ICY 200 OK\r\n\r\n":                                                         errStatusLine,
		"HTTP/1.1  200 OK\r\n\r\n":                                                   errStatusLine,
	} {
		var r responseHead
		if err := parseResponse(&r, []byte(head), testLimits()); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", head, err, want)
		}
	}
}

func TestAnswersWithoutBodyAreKnownByStatusAndMethod(t *testing.T) {
	for _, status := range []string{"204 No Content", "304 Not Modified", "103 Early Hints"} {
		var r responseHead
		if err := parseResponse(&r, []byte("HTTP/1.1 "+status+"\r\nContent-Length: 7\r\n\r\n"), testLimits()); err != nil || !r.bodyless(false) {
			t.Errorf("%s: %v, bodyless %v", status, err, r.bodyless(false))
		}
	}
	var r responseHead
	if err := parseResponse(&r, []byte("HTTP/1.1 200\r\nX-Jindu-State: v7\r\nX-Jindu-Refused: 1\r\n\r\n"), testLimits()); err != nil {
		t.Fatal(err)
	}
	if r.bodyless(false) || !r.bodyless(true) || !r.refused || len(r.fields.appendKept(nil)) != 0 {
		t.Errorf("got %+v", r)
	}
}

// decode feeds b in pieces of n bytes and returns the payload and what was left behind the body.
func decode(b []byte, n int) (payload, rest []byte, done bool, err error) {
	var c chunks
	var buf []byte
	for {
		data, used, end, err := c.next(buf, testLimits())
		if err != nil {
			return payload, nil, false, err
		}
		payload = append(payload, data...)
		buf = buf[used:]
		if end {
			return payload, append(buf, b...), true, nil
		}
		if used > 0 {
			continue
		}
		if len(b) == 0 {
			return payload, nil, false, nil
		}
		k := min(n, len(b))
		buf = append(append([]byte(nil), buf...), b[:k]...)
		b = b[k:]
	}
}

func TestChunkedBodiesAreReadToTheirExactEnd(t *testing.T) {
	in := "5\r\nhello\r\n00A;a=b;c=\"d\\\"e\"\r\n, my world\r\n0\r\nX-Sum: 1\r\n\r\nGET / HTTP/1.1"
	for n := 1; n < len(in); n++ {
		payload, rest, done, err := decode([]byte(in), n)
		if err != nil || !done || string(payload) != "hello, my world" || string(rest) != "GET / HTTP/1.1" {
			t.Fatalf("in pieces of %d: %q, rest %q, done %v, %v", n, payload, rest, done, err)
		}
	}
}

func TestBadChunksAreRefused(t *testing.T) {
	for in, want := range map[string]error{
		"\r\n":                             errChunkSize,
		"g\r\n":                            errChunkSize,
		"-1\r\n":                           errChunkSize,
		"+1\r\na\r\n":                      errChunkSize,
		" 1\r\na\r\n":                      errChunkSize,
		"0x1\r\na\r\n":                     errChunkExt,
		"1 \r\na\r\n":                      errChunkExt,
		"1\t;a\r\na\r\n":                   errChunkExt,
		"1;\r\na\r\n":                      errChunkExt,
		"1;a=\r\na\r\n":                    errChunkExt,
		"1;a=\"b\r\na\r\n":                 errChunkExt,
		"1;a=b\rc\r\na\r\n":                errChunkExt,
		"1;a=\"\x00\"\r\na\r\n":            errChunkExt,
		"1\na\r\n":                         errBareLF,
		"1\r\na\n":                         errChunkEnd,
		"1\r\nab\r\n":                      errChunkEnd,
		"1\r\na0\r\n\r\n":                  errChunkEnd,
		"ffffffffffffffff\r\n":             errChunkSize,
		strings.Repeat("0", 300) + "1\r\n": errChunkExt,
		"1;" + strings.Repeat("a", 300):    errChunkSize,
		"0\r\nContent-Length: 5\r\n\r\n":   errTrailer,
		"0\r\nTransfer-Encoding: chunked\r\n\r\n":  errTrailer,
		"0\r\nHost: a\r\n\r\n":                     errTrailer,
		"0\r\n\n":                                  errBareLF,
		"0\r\n\rX":                                 errTrailer,
		"0\r\nA: b\n\r\n":                          errBareLF,
		"0\r\nA : b\r\n\r\n":                       errColonSpace,
		"0\r\n" + strings.Repeat("A: b\r\n", 2000): errTrailer,
		strings.Repeat("1;"+strings.Repeat("a", 200)+"\r\na\r\n", 40): errChunkExt,
	} {
		if _, _, done, err := decode([]byte(in), 1<<20); !errors.Is(err, want) {
			t.Errorf("%.80q: got %v (done %v), want %v", in, err, done, want)
		}
	}
}

func TestTrailersThatWouldChangeTheHeadAreNotPassedOn(t *testing.T) {
	var c chunks
	_, _, done, err := c.next([]byte("0\r\nX-Sum: 1\r\nAuthorization: x\r\nX-Forwarded-For: 1\r\nCookie: a\r\nX-Jindu-State: 1\r\n\r\n"), testLimits())
	if err != nil || !done {
		t.Fatalf("done %v, %v", done, err)
	}
	if got := string(appendLastChunk(nil, c.trailers)); got != "0\r\nX-Sum: 1\r\n\r\n" {
		t.Errorf("passed on %q", got)
	}
}

func TestValuesAreCheckedInEveryPosition(t *testing.T) {
	for n := range 40 {
		for _, c := range []byte{0, 1, 8, 0x0a, 0x0d, 0x1f, 0x7f} {
			b := bytes.Repeat([]byte{'v'}, 40)
			b[n] = c
			if valueOK(b) {
				t.Fatalf("byte %#x at %d was taken", c, n)
			}
		}
		for _, c := range []byte{'\t', ' ', 0x80, 0xff, '~'} {
			b := bytes.Repeat([]byte{'v'}, 40)
			b[n] = c
			if !valueOK(b) {
				t.Fatalf("byte %#x at %d was refused", c, n)
			}
		}
	}
}

func TestParsingDoesNotAllocate(t *testing.T) {
	head := []byte("GET /orders/1?x=y HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: a\r\nAccept: */*\r\nCookie: uid=7\r\nConnection: keep-alive\r\n\r\n")
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n")
	var r requestHead
	var a responseHead
	lim := testLimits()
	out := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		if parseRequest(&r, head, lim) != nil || parseResponse(&a, answer, lim) != nil {
			t.Fatal("refused")
		}
		out = a.fields.appendKept(r.fields.appendKept(out[:0]))
	}); n != 0 {
		t.Fatalf("%v allocations for a request and an answer", n)
	}
}

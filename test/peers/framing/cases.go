package framing

import "strings"

// A testCase is bytes that a client sends on a new connection. Lines end in CRLF unless written otherwise.
type testCase struct {
	name   string
	clause string // where the rule stands
	raw    string
	// valid marks what a proxy must forward; then the origin sees this many requests.
	valid int
}

const host = "Host: example.test\r\n"

// post is a POST with the given extra fields and body.
func post(fields, body string) string {
	return "POST /p HTTP/1.1\r\n" + host + fields + "\r\n" + body
}

func get(fields string) string { return "GET /p HTTP/1.1\r\n" + host + fields + "\r\n" }

func chunked(body string) string { return post("Transfer-Encoding: chunked\r\n", body) }

const smuggled = "GET /smuggled HTTP/1.1\r\nHost: example.test\r\n\r\n"

// requests are the cases of what a client may send.
var requests = []testCase{
	// What must work.
	{"plain GET", "RFC 9112 3", get(""), 1},
	{"POST with Content-Length", "RFC 9112 6.2", post("Content-Length: 5\r\n", "hello"), 1},
	{"POST chunked", "RFC 9112 7.1", chunked("5\r\nhello\r\n0\r\n\r\n"), 1},
	{"POST chunked, two chunks, upper-case hex", "RFC 9112 7.1", chunked("5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n"), 1},
	{"two pipelined GETs", "RFC 9112 9.3.2", get("") + get(""), 2},
	{"TE name in capitals", "RFC 9112 7", post("TRANSFER-ENCODING: Chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), 1},
	{"optional white space around a value", "RFC 9112 5", post("Content-Length:  5  \r\n", "hello"), 1},
	{"HTTP/1.0 without Host", "RFC 9112 3.2", "GET /p HTTP/1.0\r\n\r\n", 1},
	{"obs-text in a value", "RFC 9110 5.5", get("X-A: \xe4\xbd\xa0\r\n"), 1},
	{"empty value", "RFC 9110 5.5", get("X-A:\r\n"), 1},
	{"absolute form, same host", "RFC 9112 3.2.2", "GET http://example.test/p HTTP/1.1\r\n" + host + "\r\n", 1},

	// Content-Length with Transfer-Encoding.
	{"CL and TE, chunked body", "RFC 9112 6.1", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), 0},
	{"TE and CL, smuggled request behind", "RFC 9112 6.1", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"+smuggled), 0},
	{"CL.TE, CL covers all", "RFC 9112 6.1", post("Content-Length: 60\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+smuggled), 0},
	{"CL 0 and TE", "RFC 9112 6.1", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 0},

	// Transfer-Encoding that is not exactly chunked.
	{"TE xchunked", "RFC 9112 6.1", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 0},
	{"TE chunked, identity", "RFC 9112 6.1", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 0},
	{"TE identity, chunked", "RFC 9112 6.1", post("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n"), 0},
	{"TE chunked twice in a list", "RFC 9112 6.1", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 0},
	{"TE field twice", "RFC 9112 6.1", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 0},
	{"TE chunked, then TE identity", "RFC 9112 6.1", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), 0},
	{"TE gzip, chunked", "RFC 9112 6.1", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 0},
	{"TE gzip alone", "RFC 9112 6.1", post("Transfer-Encoding: gzip\r\n", ""), 0},
	{"TE identity with CL", "RFC 9112 6.1", post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "hello"), 0},
	{"TE empty", "RFC 9112 6.1", post("Transfer-Encoding:\r\n", "0\r\n\r\n"), 0},
	{"TE in quotes", "RFC 9112 7", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 0},
	{"TE with vertical tab before", "RFC 9112 5", post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), 0},
	{"TE with vertical tab behind", "RFC 9112 5", post("Transfer-Encoding: chunked\x0b\r\n", "0\r\n\r\n"), 0},
	{"TE with a parameter", "RFC 9112 7", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 0},
	{"TE with a comma behind", "RFC 9112 7", post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), 0},
	{"TE, space before the colon", "RFC 9112 5.1", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 0},
	{"TE, tab before the colon", "RFC 9112 5.1", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"), 0},
	{"TE folded", "RFC 9112 5.2", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 0},
	{"TE hidden behind a bare CR", "RFC 9112 2.2", post("X-A: b\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 0},
	{"TE behind a bare LF", "RFC 9112 2.2", post("X-A: b\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 0},
	{"TE chunked in HTTP/1.0", "RFC 9112 6.1", "POST /p HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
	{"TE with an underscore", "RFC 9110 5.1", post("Transfer_Encoding: chunked\r\nContent-Length: 0\r\nTransfer-Encoding: x\r\n", ""), 0},

	// Content-Length.
	{"CL twice, different", "RFC 9112 6.3", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 0},
	{"CL twice, the same", "RFC 9112 6.3", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 0},
	{"CL list, the same", "RFC 9112 6.3", post("Content-Length: 5, 5\r\n", "hello"), 0},
	{"CL list, different", "RFC 9112 6.3", post("Content-Length: 5, 6\r\n", "hello"), 0},
	{"CL negative", "RFC 9110 8.6", post("Content-Length: -5\r\n", "hello"), 0},
	{"CL with plus", "RFC 9110 8.6", post("Content-Length: +5\r\n", "hello"), 0},
	{"CL hexadecimal", "RFC 9110 8.6", post("Content-Length: 0x5\r\n", "hello"), 0},
	{"CL with letters behind", "RFC 9110 8.6", post("Content-Length: 5a\r\n", "hello"), 0},
	{"CL with a space inside", "RFC 9110 8.6", post("Content-Length: 0 5\r\n", "hello"), 0},
	{"CL empty", "RFC 9110 8.6", post("Content-Length:\r\n", ""), 0},
	{"CL fraction", "RFC 9110 8.6", post("Content-Length: 5.0\r\n", "hello"), 0},
	{"CL over 64 bits", "RFC 9110 8.6", post("Content-Length: 18446744073709551621\r\n", "hello"), 0},
	{"CL of 2^63", "RFC 9110 8.6", post("Content-Length: 9223372036854775808\r\n", "hello"), 0},
	{"CL, space before the colon", "RFC 9112 5.1", post("Content-Length : 5\r\n", "hello"), 0},
	{"CL folded", "RFC 9112 5.2", post("Content-Length:\r\n 5\r\n", "hello"), 0},
	{"CL with vertical tab", "RFC 9110 5.5", post("Content-Length: 5\x0b\r\n", "hello"), 0},
	{"CL with tabs around", "RFC 9110 8.6", post("Content-Length:\t5\t\r\n", "hello"), 0},
	{"CL with NUL", "RFC 9110 5.5", post("Content-Length: 5\x00\r\n", "hello"), 0},

	// Host.
	{"no Host in HTTP/1.1", "RFC 9112 3.2", "GET /p HTTP/1.1\r\n\r\n", 0},
	{"two Hosts, different", "RFC 9112 3.2", "GET /p HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", 0},
	{"two Hosts, the same", "RFC 9112 3.2", "GET /p HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n", 0},
	{"Host with a space", "RFC 9110 7.2", "GET /p HTTP/1.1\r\nHost: a.test b.test\r\n\r\n", 0},
	{"Host with a comma", "RFC 9110 7.2", "GET /p HTTP/1.1\r\nHost: a.test,b.test\r\n\r\n", 0},
	{"Host with a slash", "RFC 9110 7.2", "GET /p HTTP/1.1\r\nHost: a.test/x\r\n\r\n", 0},
	{"Host with user information", "RFC 9110 7.2", "GET /p HTTP/1.1\r\nHost: u@a.test\r\n\r\n", 0},
	{"Host with a bad port", "RFC 9110 7.2", "GET /p HTTP/1.1\r\nHost: a.test:80x\r\n\r\n", 0},
	{"Host with NUL", "RFC 9110 5.5", "GET /p HTTP/1.1\r\nHost: a\x00.test\r\n\r\n", 0},
	{"Host, space before the colon", "RFC 9112 5.1", "GET /p HTTP/1.1\r\nHost : a.test\r\n\r\n", 0},
	{"Host folded", "RFC 9112 5.2", "GET /p HTTP/1.1\r\nHost:\r\n a.test\r\n\r\n", 0},
	{"absolute form, other host", "RFC 9112 3.2.2", "GET http://other.test/p HTTP/1.1\r\n" + host + "\r\n", 0},
	{"absolute form with user information", "RFC 9110 4.2.4", "GET http://u:p@example.test/p HTTP/1.1\r\n" + host + "\r\n", 0},

	// The request line.
	{"bare LF after the request line", "RFC 9112 2.2", "GET /p HTTP/1.1\n" + host + "\r\n", 0},
	{"bare LF everywhere", "RFC 9112 2.2", "GET /p HTTP/1.1\nHost: example.test\n\n", 0},
	{"bare CR in the request line", "RFC 9112 2.2", "GET /p\rx HTTP/1.1\r\n" + host + "\r\n", 0},
	{"two spaces before the target", "RFC 9112 3", "GET  /p HTTP/1.1\r\n" + host + "\r\n", 0},
	{"two spaces before the version", "RFC 9112 3", "GET /p  HTTP/1.1\r\n" + host + "\r\n", 0},
	{"tabs in the request line", "RFC 9112 3", "GET\t/p\tHTTP/1.1\r\n" + host + "\r\n", 0},
	{"space behind the version", "RFC 9112 3", "GET /p HTTP/1.1 \r\n" + host + "\r\n", 0},
	{"space before the method", "RFC 9112 3", " GET /p HTTP/1.1\r\n" + host + "\r\n", 0},
	{"space in the target", "RFC 9112 3.2", "GET /p q HTTP/1.1\r\n" + host + "\r\n", 0},
	{"NUL in the target", "RFC 9112 3.2", "GET /p\x00q HTTP/1.1\r\n" + host + "\r\n", 0},
	{"control character in the target", "RFC 9112 3.2", "GET /p\x01q HTTP/1.1\r\n" + host + "\r\n", 0},
	{"DEL in the target", "RFC 9112 3.2", "GET /p\x7fq HTTP/1.1\r\n" + host + "\r\n", 0},
	{"raw UTF-8 in the target", "RFC 9112 3.2", "GET /\xe4\xbd\xa0 HTTP/1.1\r\n" + host + "\r\n", 0},
	{"fragment in the target", "RFC 9112 3.2.1", "GET /p#f HTTP/1.1\r\n" + host + "\r\n", 0},
	{"target without a slash", "RFC 9112 3.2", "GET p HTTP/1.1\r\n" + host + "\r\n", 0},
	{"asterisk with GET", "RFC 9112 3.2.4", "GET * HTTP/1.1\r\n" + host + "\r\n", 0},
	{"HTTP/0.9", "RFC 9112 2.3", "GET /p\r\n", 0},
	{"version 2.0", "RFC 9112 2.3", "GET /p HTTP/2.0\r\n" + host + "\r\n", 0},
	{"version 1.2", "RFC 9112 2.3", "GET /p HTTP/1.2\r\n" + host + "\r\n", 0},
	{"version 1.10", "RFC 9112 2.3", "GET /p HTTP/1.10\r\n" + host + "\r\n", 0},
	{"version with zeros", "RFC 9112 2.3", "GET /p HTTP/01.1\r\n" + host + "\r\n", 0},
	{"version in lower case", "RFC 9112 2.3", "GET /p http/1.1\r\n" + host + "\r\n", 0},
	{"version of another protocol", "RFC 9112 2.3", "GET /p ICAP/1.0\r\n" + host + "\r\n", 0},
	{"method with a bad character", "RFC 9110 9.1", "G@T /p HTTP/1.1\r\n" + host + "\r\n", 0},
	{"method empty", "RFC 9110 9.1", " /p HTTP/1.1\r\n" + host + "\r\n", 0},
	{"method in lower case", "RFC 9110 9.1", "get /p HTTP/1.1\r\n" + host + "\r\n", 0},
	{"CONNECT", "RFC 9110 9.3.6", "CONNECT example.test:80 HTTP/1.1\r\n" + host + "\r\n", 0},
	{"TRACE", "RFC 9110 9.3.8", "TRACE /p HTTP/1.1\r\n" + host + "\r\n", 0},
	{"HTTP/2 preface", "RFC 9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0},
	{"target too long", "RFC 9112 3", "GET /" + strings.Repeat("a", 70000) + " HTTP/1.1\r\n" + host + "\r\n", 0},

	// Field lines.
	{"space before a colon", "RFC 9112 5.1", get("X-A : b\r\n"), 0},
	{"no colon", "RFC 9112 5", get("X-A b\r\n"), 0},
	{"empty name", "RFC 9112 5", get(": b\r\n"), 0},
	{"white space before the first field", "RFC 9112 2.2", "GET /p HTTP/1.1\r\n X-A: b\r\n" + host + "\r\n", 0},
	{"folded with a space", "RFC 9112 5.2", get("X-A: b\r\n c\r\n"), 0},
	{"folded with a tab", "RFC 9112 5.2", get("X-A: b\r\n\tc\r\n"), 0},
	{"NUL in a value", "RFC 9110 5.5", get("X-A: b\x00c\r\n"), 0},
	{"control character in a value", "RFC 9110 5.5", get("X-A: b\x01c\r\n"), 0},
	{"bare CR in a value", "RFC 9112 2.2", get("X-A: b\rc\r\n"), 0},
	{"NUL in a name", "RFC 9110 5.1", get("X\x00A: b\r\n"), 0},
	{"control character in a name", "RFC 9110 5.1", get("X\x01A: b\r\n"), 0},
	{"non-ASCII name", "RFC 9110 5.1", get("X-\xe4: b\r\n"), 0},
	{"parenthesis in a name", "RFC 9110 5.1", get("X(A): b\r\n"), 0},
	{"bare LF ends a field", "RFC 9112 2.2", get("X-A: b\n"), 0},
	{"CR CR LF ends a field", "RFC 9112 2.2", get("X-A: b\r\r\n"), 0},
	{"bare LF ends the head", "RFC 9112 2.2", "GET /p HTTP/1.1\r\nHost: example.test\r\n\n", 0},
	{"too many fields", "RFC 9110 5.4", get(strings.Repeat("X-A: b\r\n", 2000)), 0},
	{"field too big", "RFC 9110 5.4", get("X-A: " + strings.Repeat("b", 100000) + "\r\n"), 0},

	// Chunks.
	{"chunk size with 0x", "RFC 9112 7.1", chunked("0x5\r\nhello\r\n0\r\n\r\n"), 0},
	{"chunk size negative", "RFC 9112 7.1", chunked("-5\r\nhello\r\n0\r\n\r\n"), 0},
	{"chunk size with plus", "RFC 9112 7.1", chunked("+5\r\nhello\r\n0\r\n\r\n"), 0},
	{"chunk size empty", "RFC 9112 7.1", chunked("\r\nhello\r\n0\r\n\r\n"), 0},
	{"chunk size over 64 bits", "RFC 9112 7.1", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), 0},
	{"chunk size 2^64-1", "RFC 9112 7.1", chunked("ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 0},
	{"chunk size with a space before", "RFC 9112 7.1", chunked(" 5\r\nhello\r\n0\r\n\r\n"), 0},
	{"chunk size not hexadecimal", "RFC 9112 7.1", chunked("5g\r\nhello\r\n0\r\n\r\n"), 0},
	{"chunk size ended by a bare LF", "RFC 9112 7.1", chunked("5\nhello\r\n0\r\n\r\n"), 0},
	{"chunk size ended by a bare CR", "RFC 9112 7.1", chunked("5\rhello\r\n0\r\n\r\n"), 0},
	{"chunk extension with a bare LF", "RFC 9112 7.1.1", chunked("5;a\nhello\r\n0\r\n\r\n"), 0},
	{"chunk extension with NUL", "RFC 9112 7.1.1", chunked("5;a\x00b\r\nhello\r\n0\r\n\r\n"), 0},
	{"chunk extension too long", "RFC 9112 7.1.1", chunked("5;" + strings.Repeat("a", 100000) + "\r\nhello\r\n0\r\n\r\n"), 0},
	{"chunk data without CRLF behind", "RFC 9112 7.1", chunked("5\r\nhello0\r\n\r\n"), 0},
	{"chunk data ended by a bare LF", "RFC 9112 7.1", chunked("5\r\nhello\n0\r\n\r\n"), 0},
	{"chunk data longer than its size", "RFC 9112 7.1", chunked("3\r\nhello\r\n0\r\n\r\n"), 0},
	{"chunk size with many zeros", "RFC 9112 7.1", chunked(strings.Repeat("0", 40) + "5\r\nhello\r\n0\r\n\r\n"), 0},
	{"trailer without a colon", "RFC 9112 7.1.2", chunked("5\r\nhello\r\n0\r\nX-A b\r\n\r\n"), 0},
	{"trailer folded", "RFC 9112 5.2", chunked("5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n"), 0},
	{"trailer Content-Length", "RFC 9110 6.5.1", chunked("5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"), 0},
	{"trailer Transfer-Encoding", "RFC 9110 6.5.1", chunked("5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), 0},
	{"trailer Host", "RFC 9110 6.5.1", chunked("5\r\nhello\r\n0\r\nHost: other.test\r\n\r\n"), 0},
	{"last chunk ended by a bare LF", "RFC 9112 7.1", chunked("5\r\nhello\r\n0\n\n"), 0},
	{"trailers too big", "RFC 9112 7.1.2", chunked("0\r\nX-A: " + strings.Repeat("b", 100000) + "\r\n\r\n"), 0},
}

// answer is a case of what an origin may answer; a proxy that refuses it sends 502 or cuts.
type answerCase struct {
	name   string
	clause string
	raw    string
	valid  bool
}

func answered(fields, body string) string { return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body }

// answers are the cases of what an origin may answer.
var answers = []answerCase{
	{"plain", "RFC 9112 4", answered("Content-Length: 2\r\n", "ok"), true},
	{"chunked", "RFC 9112 7.1", answered("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n"), true},
	{"until close", "RFC 9112 6.3", answered("Connection: close\r\n", "ok"), true},
	{"no reason phrase", "RFC 9112 4", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", true},
	{"not HTTP", "RFC 9112 4", "SSH-2.0-OpenSSH_9.0\r\n\r\n", false},
	{"status of two digits", "RFC 9112 4", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok", false},
	{"status of four digits", "RFC 9112 4", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok", false},
	{"status 099", "RFC 9110 15", "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok", false},
	{"status not a number", "RFC 9112 4", "HTTP/1.1 OK 200\r\nContent-Length: 2\r\n\r\nok", false},
	{"version 2.0", "RFC 9112 2.3", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
	{"CL negative", "RFC 9110 8.6", answered("Content-Length: -2\r\n", "ok"), false},
	{"CL not a number", "RFC 9110 8.6", answered("Content-Length: 2x\r\n", "ok"), false},
	{"CL twice, different", "RFC 9112 6.3", answered("Content-Length: 2\r\nContent-Length: 3\r\n", "ok!"), false},
	{"CL and TE", "RFC 9112 6.3", answered("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n"), false},
	{"TE gzip", "RFC 9112 6.1", answered("Transfer-Encoding: gzip\r\n", "ok"), false},
	{"TE chunked twice", "RFC 9112 6.1", answered("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n"), false},
	{"space before a colon", "RFC 9112 5.1", answered("X-A : b\r\nContent-Length: 2\r\n", "ok"), false},
	{"folded", "RFC 9112 5.2", answered("X-A: b\r\n c\r\nContent-Length: 2\r\n", "ok"), false},
	{"NUL in a value", "RFC 9110 5.5", answered("X-A: b\x00c\r\nContent-Length: 2\r\n", "ok"), false},
	{"bare CR in a value", "RFC 9112 2.2", answered("X-A: b\rc\r\nContent-Length: 2\r\n", "ok"), false},
	{"no colon", "RFC 9112 5", answered("X-A b\r\nContent-Length: 2\r\n", "ok"), false},
	{"chunk size bad", "RFC 9112 7.1", answered("Transfer-Encoding: chunked\r\n", "zz\r\nok\r\n0\r\n\r\n"), false},
	{"chunk without CRLF behind", "RFC 9112 7.1", answered("Transfer-Encoding: chunked\r\n", "2\r\nokXX0\r\n\r\n"), false},
	{"cut in a chunk", "RFC 9112 8", answered("Transfer-Encoding: chunked\r\n", "5\r\nok"), false},
	{"cut before the last chunk", "RFC 9112 8", answered("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n"), false},
	{"shorter than CL", "RFC 9112 8", answered("Content-Length: 5\r\n", "ok"), false},
	{"cut in the head", "RFC 9112 8", "HTTP/1.1 200 OK\r\nContent-Le", false},
	{"head too big", "RFC 9110 5.4", answered("X-A: "+strings.Repeat("b", 200000)+"\r\nContent-Length: 2\r\n", "ok"), false},
}

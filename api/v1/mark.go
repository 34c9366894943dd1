package v1

import (
	"strconv"
	"strings"
)

// Mark is what a request of a service under migration carries with it, so that what it does can be told from
// what others do: in a header, a SQL comment, a Redis client name, a message header.
//
//	jindu:5f0c9a1b22334455:p:12:4711
//	      run              |  |  bucket of the subject, - without one
//	                       |  epoch of the share when the request was routed
//	                       p: a user's request, s: a shadow
type Mark struct {
	Run    string // 16 hex digits: one for each time a request is run, the user's time and each copy's
	Shadow bool
	Epoch  int64
	Bucket int // -1 without a subject
}

// The places of a mark.
const (
	MarkHeader        = "X-Jindu-Mark" // of HTTP requests
	MarkMessageHeader = "jindu-mark"   // of messages; it ends the name of a Redis connection too
)

const markPrefix = "jindu:"

// String is the mark as it is written everywhere: letters, digits, colons and hyphens only.
func (m Mark) String() string {
	b := append(make([]byte, 0, 48), markPrefix...)
	b = append(b, m.Run...)
	if m.Shadow {
		b = append(b, ":s:"...)
	} else {
		b = append(b, ":p:"...)
	}
	b = append(strconv.AppendInt(b, m.Epoch, 10), ':')
	if m.Bucket < 0 {
		b = append(b, '-')
	} else {
		b = strconv.AppendInt(b, int64(m.Bucket), 10)
	}
	return string(b)
}

// ParseMark reads a mark. Anything but exactly one is none: a mark is never guessed.
func ParseMark(s string) (Mark, bool) {
	rest, ok := strings.CutPrefix(s, markPrefix)
	if !ok || len(rest) > 48 {
		return Mark{}, false
	}
	part := strings.Split(rest, ":")
	if len(part) != 4 || len(part[0]) != 16 || strings.Trim(part[0], "0123456789abcdef") != "" || part[1] != "p" && part[1] != "s" {
		return Mark{}, false
	}
	m := Mark{Run: part[0], Shadow: part[1] == "s", Bucket: -1}
	var err error
	if m.Epoch, err = strconv.ParseInt(part[2], 10, 64); err != nil || m.Epoch < 0 || strconv.FormatInt(m.Epoch, 10) != part[2] {
		return Mark{}, false
	}
	if part[3] != "-" {
		if m.Bucket, err = strconv.Atoi(part[3]); err != nil || m.Bucket < 0 || m.Bucket >= 10_000 || strconv.Itoa(m.Bucket) != part[3] {
			return Mark{}, false
		}
	}
	return m, true
}

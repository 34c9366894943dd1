package framing

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// How long a proxy may be silent before the probe takes it that nothing comes: for the first answer
// above every proxy's own limit for an incomplete request (1 s), for a further one less.
const (
	firstAnswer   = 2 * time.Second
	furtherAnswer = 300 * time.Millisecond
)

// A proxy stands in front of an origin of its own, so that the proxies can be probed side by side.
type proxy struct {
	name   string
	port   int
	origin *origin
}

// A verdict is what became of the bytes that were sent.
type verdict struct {
	status    int // of the first answer, 0 when there was none
	forwarded int // requests that reached the origin complete
	whole     bool
}

// refused says that nothing reached the origin.
func (v verdict) refused() bool { return v.forwarded == 0 }

func (v verdict) String() string {
	switch {
	case v.forwarded > 1:
		return fmt.Sprintf("forwarded as %d", v.forwarded)
	case v.forwarded == 1 && v.status >= 400:
		return fmt.Sprintf("forwarded, then %d", v.status)
	case v.forwarded == 1:
		return "forwarded"
	case v.status != 0:
		return fmt.Sprint(v.status)
	default:
		return "closed"
	}
}

// passed says that the origin's answer reached the client whole.
func (v verdict) passed() bool { return v.status == 200 && v.whole }

// answer is what the client saw of an origin's answer.
func (v verdict) answer() string {
	switch {
	case v.passed():
		return "passed"
	case v.status == 200:
		return "cut"
	case v.status == 0:
		return "closed"
	default:
		return fmt.Sprint(v.status)
	}
}

// probe sends raw to a proxy and waits until every expected answer came, the proxy closes, or all is
// quiet.
func probe(p proxy, raw string, expect int, answer string) (verdict, error) {
	p.origin.reset(answer)
	c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", p.port), time.Second)
	if err != nil {
		return verdict{}, err
	}
	defer func() { _ = c.Close() }()
	go func() { _, _ = io.WriteString(c, raw) }() // a proxy may refuse before it read everything

	var v verdict
	r := bufio.NewReader(c)
	method := strings.SplitN(strings.TrimSpace(raw), " ", 2)[0]
	for n := 0; expect == 0 || n < expect; n++ {
		wait := firstAnswer
		if n > 0 && expect == 0 {
			wait = furtherAnswer
		}
		if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return v, err
		}
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) && expect > 0 {
				return v, fmt.Errorf("no answer within %v", wait)
			}
			break
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if v.status == 0 {
			v.status, v.whole = resp.StatusCode, err == nil
		}
		if err != nil || resp.Close || resp.StatusCode >= 400 {
			break
		}
	}
	v.forwarded = len(p.origin.requests())
	return v, nil
}

package load

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"

	"go.yaml.in/yaml/v3"
)

// Mix is a weighted mix of requests. {name} in a target, header or body stands for a variable, drawn once
// for each request, so that a user in the path is the same as in the header.
//
//	vars: {user: "zipf:10000", product: "uniform:1-500", id: uuid}
//	requests:
//	- {weight: 3, method: GET, target: "/users/{user}/orders", headers: {X-User-Id: "{user}"}}
type Mix struct {
	// Vars: zipf:N or zipf:N:S (popularity 1/k^S of 1..N), uniform:LO-HI, seq or seq:FROM, uuid, pick:A|B|C.
	Vars     map[string]string `yaml:"vars"`
	Requests []MixRequest      `yaml:"requests"`
}

// MixRequest is one kind of request of a mix.
type MixRequest struct {
	Name    string            `yaml:"name"`   // default: method and target
	Weight  float64           `yaml:"weight"` // default 1
	Method  string            `yaml:"method"` // default GET
	Target  string            `yaml:"target"` // path and query
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"`
}

// ParseMix reads a mix from YAML or JSON. Unknown keys are errors.
func ParseMix(text []byte) (Mix, error) {
	var m Mix
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&m); err != nil {
		return Mix{}, kind.New(kind.Invalid, "JD-LOAD-002", "read the mix: %w", err)
	}
	return m, nil
}

// Compile checks a mix and makes a source of it.
func (m Mix) Compile() (Source, error) {
	var wrong []kind.Field
	bad := func(path, value, detail string) {
		wrong = append(wrong, kind.Field{Path: path, Value: value, Detail: detail})
	}
	s := &mixSource{}
	index := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(m.Vars)) {
		draw, err := parseVar(m.Vars[name])
		if err != nil {
			bad("vars."+name, m.Vars[name], err.Error())
			continue
		}
		index[name] = len(s.draws)
		s.draws = append(s.draws, draw)
	}
	if len(m.Requests) == 0 {
		bad("requests", "", "give at least one")
	}
	for i, r := range m.Requests {
		at := fmt.Sprintf("requests[%d].", i)
		c := mixRequest{name: r.Name, method: strings.ToUpper(r.Method)}
		if c.method == "" {
			c.method = "GET"
		}
		if c.name == "" {
			c.name = c.method + " " + r.Target
		}
		template := func(field, text string, line bool) []piece {
			pieces, err := parseTemplate(text, index)
			if err != nil {
				bad(at+field, text, err.Error())
			}
			if line && strings.ContainsAny(text, "\r\n") {
				bad(at+field, text, "a line break does not belong here")
			}
			return pieces
		}
		if !strings.HasPrefix(r.Target, "/") || strings.Contains(r.Target, " ") {
			bad(at+"target", r.Target, "give a path that begins with / and has no space")
		}
		if !token.MatchString(c.method) {
			bad(at+"method", r.Method, "give a method such as GET")
		}
		c.target = template("target", r.Target, true)
		c.body = template("body", r.Body, false)
		for _, h := range slices.Sorted(maps.Keys(r.Headers)) {
			if !token.MatchString(h) {
				bad(at+"headers", h, "not the name of a header")
			}
			c.headers = append(c.headers, mixHeader{h, template("headers."+h, r.Headers[h], true)})
		}
		weight := r.Weight
		if weight == 0 {
			weight = 1
		}
		if !(weight > 0 && weight < 1e9) {
			bad(at+"weight", fmt.Sprint(r.Weight), "give a number above 0")
		}
		s.sum += weight
		c.upTo = s.sum
		s.requests = append(s.requests, c)
	}
	if len(wrong) > 0 {
		return nil, kind.New(kind.Invalid, "JD-LOAD-003", "the mix is not valid").WithFields(wrong...)
	}
	return s, nil
}

var (
	placeholder = regexp.MustCompile(`\{[A-Za-z_][A-Za-z0-9_]*\}`)
	token       = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")
)

// piece is literal text, or a variable when v is not negative.
type piece struct {
	text string
	v    int
}

func parseTemplate(text string, index map[string]int) ([]piece, error) {
	var pieces []piece
	from := 0
	for _, at := range placeholder.FindAllStringIndex(text, -1) {
		name := text[at[0]+1 : at[1]-1]
		v, ok := index[name]
		if !ok {
			return nil, fmt.Errorf("{%s} is no variable: declare it, known are %v", name, slices.Sorted(maps.Keys(index)))
		}
		pieces = append(pieces, piece{text[from:at[0]], -1}, piece{v: v})
		from = at[1]
	}
	return append(pieces, piece{text[from:], -1}), nil
}

type mixHeader struct {
	name  string
	value []piece
}

type mixRequest struct {
	name, method string
	target, body []piece
	headers      []mixHeader
	upTo         float64
}

type mixSource struct {
	draws    []func(*rand.Rand) string
	requests []mixRequest
	sum      float64
}

// Next draws every variable and one of the requests.
func (s *mixSource) Next(r *rand.Rand, req *Request) {
	x := r.Float64() * s.sum
	i, _ := slices.BinarySearchFunc(s.requests, x, func(m mixRequest, x float64) int {
		if m.upTo <= x {
			return -1
		}
		return 1
	})
	m := &s.requests[min(i, len(s.requests)-1)]
	values := make([]string, len(s.draws))
	for i, draw := range s.draws {
		values[i] = draw(r)
	}
	req.Name, req.Method = m.name, m.method
	req.Target = string(fill(nil, m.target, values))
	for _, h := range m.headers {
		req.Header = append(req.Header, v1.Header{Name: h.name, Value: string(fill(nil, h.value, values))})
	}
	req.Body = fill(req.Body, m.body, values)
}

func fill(b []byte, pieces []piece, values []string) []byte {
	for _, p := range pieces {
		if p.v >= 0 {
			b = append(b, values[p.v]...)
		} else {
			b = append(b, p.text...)
		}
	}
	return b
}

const maxDraws = 10_000_000 // a table of eight bytes each

func parseVar(text string) (func(*rand.Rand) string, error) {
	word, rest, _ := strings.Cut(text, ":")
	switch word {
	case "zipf":
		count, exponent, given := strings.Cut(rest, ":")
		n, err := strconv.Atoi(count)
		s := 1.0
		if err == nil && given {
			s, err = strconv.ParseFloat(exponent, 64)
		}
		if err != nil || n < 1 || n > maxDraws || !(s >= 0 && s <= 10) {
			return nil, fmt.Errorf("write zipf:N or zipf:N:S with N from 1 to %d and S from 0 to 10", maxDraws)
		}
		z := NewZipf(n, s)
		return func(r *rand.Rand) string { return strconv.FormatInt(z.Draw(r), 10) }, nil
	case "uniform":
		from, to, _ := strings.Cut(rest, "-")
		lo, err1 := strconv.ParseInt(from, 10, 62)
		hi, err2 := strconv.ParseInt(to, 10, 62)
		if err1 != nil || err2 != nil || lo > hi {
			return nil, fmt.Errorf("write uniform:LO-HI with LO not above HI")
		}
		return func(r *rand.Rand) string { return strconv.FormatInt(lo+r.Int64N(hi-lo+1), 10) }, nil
	case "seq":
		var n atomic.Int64
		if rest != "" {
			from, err := strconv.ParseInt(rest, 10, 62)
			if err != nil {
				return nil, fmt.Errorf("write seq or seq:FROM")
			}
			n.Store(from - 1)
		}
		return func(*rand.Rand) string { return strconv.FormatInt(n.Add(1), 10) }, nil
	case "uuid":
		return uuid, nil
	case "pick":
		if strings.ContainsFunc(rest, func(r rune) bool { return r < ' ' }) {
			return nil, fmt.Errorf("control characters do not belong into pick:A|B")
		}
		choices := strings.Split(rest, "|")
		return func(r *rand.Rand) string { return choices[r.IntN(len(choices))] }, nil
	}
	return nil, fmt.Errorf("write zipf:N, uniform:LO-HI, seq, uuid or pick:A|B")
}

// uuid is a version 4 UUID; unique as far as the seed goes, not secret.
func uuid(r *rand.Rand) string {
	hi := r.Uint64()&^0xf000 | 0x4000
	lo := r.Uint64()&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&0xffffffffffff)
}

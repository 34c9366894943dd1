package redis

import (
	"encoding/hex"
	"unicode/utf8"

	v1 "jindu.dev/jindu/api/v1"
)

const (
	maxTarget  = 1024
	maxText    = 64 << 10 // bytes of all arguments in an effect
	maxArg     = 4 << 10
	maxArgsOut = 4096
)

// effectOf is a command as an effect: its target is its first key, the rest its arguments.
func (s *session) effectOf(name string, sp *spec, args [][]byte) v1.Effect {
	e := v1.Effect{Kind: v1.EffectRedis, Op: commandName(name)}
	first, rest := 1, args[1:]
	if keys, ok := sp.keysOf(args); ok && len(keys) > 0 {
		first = keys[0].at
	}
	if len(e.Op) > len(args[0]) && len(rest) > 0 { // with its second word
		rest = rest[1:]
		first = max(first, 2)
	}
	if len(e.Op) > 64 {
		e.Op = e.Op[:64]
	}
	skipped := len(args) - len(rest)
	total := 0
	for i, a := range rest {
		at := i + skipped
		if at == first {
			e.Target, e.Truncated = shown(a, maxTarget)
			continue
		}
		t, cut := shown(a, maxArg)
		if total += len(t); total > maxText || len(e.Args) >= maxArgsOut {
			e.Truncated = true
			return e
		}
		e.Args = append(e.Args, t)
		e.Truncated = e.Truncated || cut
	}
	return e
}

// shown is an argument as text of at most n bytes, hexadecimal where it is no UTF-8.
func shown(b []byte, n int) (string, bool) {
	if utf8.Valid(b) {
		if len(b) <= n {
			return string(b), false
		}
		for n > 0 && !utf8.RuneStart(b[n]) {
			n--
		}
		return string(b[:n]), true
	}
	cut := len(b) >= n/2
	if cut {
		b = b[:n/2-1]
	}
	return "0x" + hex.EncodeToString(b), cut
}

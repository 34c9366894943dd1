package compare

import (
	"hash/maphash"
	"strings"
)

// Type is the type of a JSON value.
type Type uint8

// The types.
const (
	Null Type = iota
	Bool
	Number
	String
	Array
	Object
)

var typeNames = [...]string{"null", "boolean", "number", "string", "array", "object"}

// String is the type's name in JSON.
func (t Type) String() string { return typeNames[t] }

// Value is one value of a document: a JSON value, a status, a header or a digest.
type Value struct {
	Type    Type
	escaped bool   // a string that was sent with < > & or U+2028 as \u escapes
	form    form   // of effects: how the value is compared
	path    int32  // of the path table
	Key     string // name within an object
	Text    string // true, false; a number as sent; a string decoded
	Kids    []Value
	hash    uint64
}

// Scalar says that v has no parts.
func (v *Value) Scalar() bool { return v.Type < Array }

// member finds a member of an object, nil when there is none.
func (v *Value) member(key string) *Value {
	lo, hi := 0, len(v.Kids)
	for lo < hi {
		mid := (lo + hi) / 2
		if v.Kids[mid].Key < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(v.Kids) && v.Kids[lo].Key == key {
		return &v.Kids[lo]
	}
	return nil
}

// sum computes the hash of v and of all below it. Equal hashes mean equal under the rules that only
// look at one value; rules that look at two values are applied by Diff.
func (r *Rules) sum(v *Value) uint64 {
	h := uint64(v.Type) + 0x9e3779b97f4a7c15
	switch v.Type {
	case Null:
	case Bool:
		h = mix(h, maphash.String(r.seed, v.Text))
	case Number:
		text := v.Text
		if r.on[ruleNumberScale] {
			text = canonicalNumber(text)
		}
		h = mix(h, maphash.String(r.seed, text))
	case String:
		text := v.Text
		if r.on[ruleStringTrim] {
			text = strings.TrimSpace(text)
		}
		h = mix(h, maphash.String(r.seed, text))
		if v.escaped && !r.on[ruleHTMLEscaping] {
			h = mix(h, 1)
		}
	case Array:
		for i := range v.Kids {
			h = mix(h, r.sum(&v.Kids[i]))
		}
	case Object:
		counts := v.decides()
		for i := range v.Kids {
			k := r.sum(&v.Kids[i])
			if counts != nil && counts != &v.Kids[i] {
				continue
			}
			if v.Kids[i].Type == Null && r.on[ruleNullAbsent] {
				continue
			}
			h = mix(h, maphash.String(r.seed, v.Kids[i].Key))
			h = mix(h, k)
		}
	}
	v.hash = h
	return h
}

func mix(h, x uint64) uint64 {
	h ^= x
	h *= 0xff51afd7ed558ccd
	h ^= h >> 32
	return h * 0xc4ceb9fe1a85ec53
}

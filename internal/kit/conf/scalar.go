package conf

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

func isScalar(k reflect.Kind) bool {
	switch k {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64:
		return true
	default:
		return isInt(k) || isUint(k)
	}
}

func isInt(k reflect.Kind) bool  { return k >= reflect.Int && k <= reflect.Int64 }
func isUint(k reflect.Kind) bool { return k >= reflect.Uint && k <= reflect.Uint64 }
func isFloat(k reflect.Kind) bool {
	return k == reflect.Float32 || k == reflect.Float64
}

// textTag marks a scalar that has no type of its own: it came from a variable or a flag.
const textTag = "text"

func plainScalar(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: textTag, Value: text}
}

// fits says whether a scalar of the file has the type that t is written as, so that what the loader
// takes and what the schema allows are the same.
func fits(n *yaml.Node, t reflect.Type) bool {
	switch {
	case n.Tag == textTag:
		return true
	case t == bytesType:
		return n.Tag == "!!str" || n.Tag == "!!int"
	case isText(t), t == durationType, t.Kind() == reflect.String:
		return n.Tag == "!!str" || n.Tag == "!!timestamp" // YAML takes 2026-01-31 for a time, JSON for a text
	case t.Kind() == reflect.Bool:
		return n.Tag == "!!bool"
	case isFloat(t.Kind()):
		return n.Tag == "!!float" || n.Tag == "!!int"
	default:
		return n.Tag == "!!int"
	}
}

// setText reads text into v and says whether it could.
func setText(v reflect.Value, text string) bool {
	if t, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		return t.UnmarshalText([]byte(text)) == nil
	}
	switch k := v.Kind(); {
	case v.Type() == durationType:
		d, err := time.ParseDuration(text)
		v.SetInt(int64(d))
		return err == nil && d >= 0
	case k == reflect.String:
		v.SetString(text)
		return true
	case k == reflect.Bool:
		b, err := strconv.ParseBool(text)
		v.SetBool(b)
		return err == nil
	case isInt(k):
		n, err := strconv.ParseInt(text, 0, v.Type().Bits())
		v.SetInt(n)
		return err == nil
	case isUint(k):
		n, err := strconv.ParseUint(text, 0, v.Type().Bits())
		v.SetUint(n)
		return err == nil
	default:
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(f)
		return err == nil && f-f == 0 // neither infinite nor NaN
	}
}

// allowed checks enum, minimum and maximum.
func allowed(v reflect.Value, k *key) bool {
	if len(k.enum) > 0 && v.Kind() == reflect.String {
		return slices.Contains(k.enum, v.String())
	}
	n, ok := number(v)
	if !ok {
		return true
	}
	low, err := strconv.ParseFloat(k.min, 64)
	if err == nil && n < low {
		return false
	}
	high, err := strconv.ParseFloat(k.max, 64)
	return err != nil || n <= high
}

// number is the value that minimum and maximum are about.
func number(v reflect.Value) (float64, bool) {
	switch k := v.Kind(); {
	case v.Type() == durationType:
		return 0, false
	case isInt(k):
		return float64(v.Int()), true
	case isUint(k):
		return float64(v.Uint()), true
	case isFloat(k):
		return v.Float(), true
	default:
		return 0, false
	}
}

// expectation says in words what a scalar of type t must be.
func expectation(t reflect.Type, k *key) string {
	switch {
	case len(k.enum) > 0:
		return "one of " + strings.Join(k.enum, ", ")
	case t == bytesType:
		return "a size such as 64MiB" + bounds(k)
	case t == durationType:
		return "a duration such as 250ms, 5s or 1h30m"
	case isText(t):
		return "a text of the form of " + t.String()
	case t.Kind() == reflect.String:
		return "a text; put it in quotes"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case isFloat(t.Kind()):
		return "a number" + bounds(k)
	case isUint(t.Kind()) && k.min == "":
		return "a whole number, 0 or more" + bounds(k)
	default:
		return "a whole number" + bounds(k)
	}
}

func bounds(k *key) string {
	switch {
	case k.min != "" && k.max != "":
		return fmt.Sprintf(" from %s to %s", k.min, k.max)
	case k.min != "":
		return fmt.Sprintf(", at least %s", k.min)
	case k.max != "":
		return fmt.Sprintf(", at most %s", k.max)
	default:
		return ""
	}
}

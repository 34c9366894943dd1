package conf

import (
	"encoding"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// encode writes v as the YAML that reads back as v; a nil pointer is null.
func encode(v reflect.Value) *yaml.Node {
	t := v.Type()
	if t == secretType && v.IsZero() {
		return scalar("!!null", "null")
	}
	if v.CanInterface() {
		if m, ok := reflect.TypeAssert[encoding.TextMarshaler](v); ok {
			text, err := m.MarshalText()
			if err != nil {
				text = nil
			}
			return textNode(string(text))
		}
	}
	switch k := t.Kind(); {
	case t == durationType:
		return textNode(durationText(time.Duration(v.Int())))
	case k == reflect.Pointer:
		if v.IsNil() {
			return scalar("!!null", "null")
		}
		return encode(v.Elem())
	case k == reflect.String:
		return textNode(v.String())
	case k == reflect.Bool:
		return scalar("!!bool", strconv.FormatBool(v.Bool()))
	case isInt(k):
		return scalar("!!int", strconv.FormatInt(v.Int(), 10))
	case isUint(k):
		return scalar("!!int", strconv.FormatUint(v.Uint(), 10))
	case isFloat(k):
		return scalar(floatTag(v.Float()), strconv.FormatFloat(v.Float(), 'g', -1, t.Bits()))
	case k == reflect.Slice || k == reflect.Array:
		return sequence(v)
	case k == reflect.Map:
		return mapping(v)
	default:
		return fields(v)
	}
}

func floatTag(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e6 {
		return "!!int"
	}
	return "!!float"
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// textNode quotes a text when YAML would take it for something else.
func textNode(s string) *yaml.Node {
	n := scalar("!!str", s)
	if s == "" || strings.ContainsAny(s, ":#*&{}[],") || strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func sequence(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for i := range v.Len() {
		n.Content = append(n.Content, encode(v.Index(i)))
	}
	return n
}

func mapping(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		n.Content = append(n.Content, textNode(k.String()), encode(v.MapIndex(k)))
	}
	return n
}

func fields(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	for _, k := range rootOf(v.Type()).keys {
		if f := v.FieldByIndex(k.index); !f.IsZero() {
			n.Content = append(n.Content, textNode(k.name), encode(f))
		}
	}
	return n
}

// line is v as one line of YAML.
func line(v reflect.Value) string {
	out, err := yaml.Marshal(encode(v))
	if err != nil {
		return "?" // unreachable: encode makes nodes that can be written
	}
	return strings.TrimSpace(string(out))
}

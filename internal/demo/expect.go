package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An expectation is what a JSON value must be: an object, array, string, integer, decimalText or nil that must
// be equal, or a func(any) string that says what is wrong, "" when nothing is.
type (
	object      map[string]any
	array       []any
	decimalText string
	check       func(got any) string
)

// decode reads JSON with numbers as text.
func decode(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if rest := bytes.TrimSpace(body[dec.InputOffset():]); len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow the value", len(rest))
	}
	return v, nil
}

// differs says where got is not what was expected, "" when it is.
func differs(path string, want, got any) string {
	switch w := want.(type) {
	case check:
		if wrong := w(got); wrong != "" {
			return path + ": " + wrong
		}
		return ""
	case object:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s: want an object, got %v", path, got)
		}
		for k, v := range w {
			child, ok := g[k]
			if !ok {
				return fmt.Sprintf("%s.%s: missing", path, k)
			}
			if wrong := differs(path+"."+k, v, child); wrong != "" {
				return wrong
			}
		}
		for k := range g {
			if _, ok := w[k]; !ok {
				return fmt.Sprintf("%s.%s: unexpected", path, k)
			}
		}
		return ""
	case array:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s: want %d elements, got %v", path, len(w), got)
		}
		for i := range w {
			if wrong := differs(path+"["+strconv.Itoa(i)+"]", w[i], g[i]); wrong != "" {
				return wrong
			}
		}
		return ""
	case int64:
		return unlike(path, json.Number(strconv.FormatInt(w, 10)), got)
	case decimalText:
		return unlike(path, json.Number(w), got)
	}
	return unlike(path, want, got)
}

func unlike(path string, want, got any) string {
	if want != got {
		return fmt.Sprintf("%s: want %v, got %v", path, want, got)
	}
	return ""
}

// stampForm is how the old service writes moments: milliseconds, offset of Shanghai.
const stampForm = "2006-01-02T15:04:05.000-07:00"

var shanghai = time.FixedZone("", 8*60*60)

func stamp(millis int64) string { return time.UnixMilli(millis).In(shanghai).Format(stampForm) }

// momentWithin is a moment in the old service's form, between two others but for slack of clocks.
func momentWithin(from, to time.Time) check {
	return func(got any) string {
		s, _ := got.(string)
		t, err := time.Parse(stampForm, s)
		if err != nil || !strings.HasSuffix(s, "+08:00") {
			return fmt.Sprintf("want a moment such as %s, got %v", stamp(0), got)
		}
		if t.Before(from.Add(-2*time.Second)) || t.After(to.Add(2*time.Second)) {
			return fmt.Sprintf("%s is not between request and answer", s)
		}
		return ""
	}
}

// traceID is a fresh id: thirty-two hexadecimal digits.
func traceID(got any) string {
	s, _ := got.(string)
	if len(s) != 32 || strings.Trim(s, "0123456789abcdef") != "" {
		return fmt.Sprintf("want 32 hexadecimal digits, got %v", got)
	}
	return ""
}

// within is an integer between two others.
func within(least, most int64) check {
	return func(got any) string {
		n, ok := integer(got)
		if !ok || n < least || n > most {
			return fmt.Sprintf("want %d to %d, got %v", least, most, got)
		}
		return ""
	}
}

func integer(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	return i, err == nil
}

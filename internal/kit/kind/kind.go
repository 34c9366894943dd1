// Package kind gives every error of the product one of nine kinds and a stable public code.
//
// Core packages return *Error values; only edges (HTTP, CLI, data plane) map a Kind to a protocol's
// code, by table. Codes are listed in api/errors.md.
package kind

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what an error means to a caller.
type Kind uint8

// The kinds. Internal is the zero value: an error without a kind is a defect of ours.
const (
	Internal    Kind = iota // a defect or an unforeseen fault
	Invalid                 // the input is wrong; repeating it will not help
	NotFound                // what was named does not exist
	Exists                  // what was to be created is there already
	Conflict                // somebody else changed it first, or its state forbids this
	Denied                  // the caller may not
	Exhausted               // a bound was reached
	Unavailable             // try again later
	Unsupported             // not in this build or configuration
)

var names = [...]string{"Internal", "Invalid", "NotFound", "Exists", "Conflict", "Denied", "Exhausted", "Unavailable", "Unsupported"}

// String is the kind's name.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return "Internal"
}

// Field is one wrong field of an Invalid error.
type Field struct {
	Path   string // such as spec.rules[0].backendRefs
	Value  string // what was given, shortened
	Detail string // what is wrong and what to do
}

// Error is an error with a kind, a stable code and words for people.
type Error struct {
	Kind   Kind
	Code   string // such as JD-ROUTE-004
	Detail string // what is wrong and what to do
	Fields []Field
	Err    error // cause, may be nil
}

// New makes an error. The format may wrap causes with %w.
func New(k Kind, code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: k, Code: code, Detail: err.Error(), Err: errors.Unwrap(err)}
}

// WithFields adds wrong fields and returns e.
func (e *Error) WithFields(fields ...Field) *Error {
	e.Fields = append(e.Fields, fields...)
	return e
}

// Error is "detail (code)", with each wrong field on a line of its own.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Detail)
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	for _, f := range e.Fields {
		b.WriteString("\n  " + f.Path)
		if f.Value != "" {
			b.WriteString(" = " + f.Value)
		}
		b.WriteString(": " + f.Detail)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Of is the kind of err, Internal when it has none.
func Of(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Code is the stable code of err, JD-INTERNAL-001 when it has none.
func Code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Code != "" {
		return e.Code
	}
	return "JD-INTERNAL-001"
}

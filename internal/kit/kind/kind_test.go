package kind

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestAnErrorKeepsItsKindAndCodeThroughWrapping(t *testing.T) {
	base := New(NotFound, "JD-TEST-001", "route %q: %w", "orders", io.EOF)
	wrapped := fmt.Errorf("get: %w", base)
	if Of(wrapped) != NotFound || Code(wrapped) != "JD-TEST-001" {
		t.Errorf("kind %v, code %s", Of(wrapped), Code(wrapped))
	}
	if !errors.Is(wrapped, io.EOF) {
		t.Error("the cause is lost")
	}
	if Of(io.EOF) != Internal || Code(io.EOF) != "JD-INTERNAL-001" {
		t.Error("an error without a kind must be Internal")
	}
}

func TestTheTextNamesFieldValueAndRemedy(t *testing.T) {
	err := New(Invalid, "JD-TEST-002", "route is not valid").
		WithFields(Field{Path: "spec.rules[0]", Value: "0", Detail: "weights sum to zero: give one a weight"}, Field{Path: "spec", Detail: "empty"})
	want := "route is not valid (JD-TEST-002)\n  spec.rules[0] = 0: weights sum to zero: give one a weight\n  spec: empty"
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
	if got := New(Internal, "", "plain").Error(); got != "plain" {
		t.Errorf("got %q", got)
	}
}

func TestEveryKindHasAName(t *testing.T) {
	seen := map[string]bool{}
	for k := Internal; k <= Unsupported; k++ {
		if seen[k.String()] {
			t.Errorf("kind %d shares its name %s", k, k)
		}
		seen[k.String()] = true
	}
	if Kind(200).String() != "Internal" {
		t.Error("an unknown kind must read as Internal")
	}
}

package gateway

import (
	"strings"
	"testing"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

func TestMalformedParentsDoNotCount(t *testing.T) {
	for _, v := range []string{"", "00", "00-" + traceID + "-" + spanID, "ff-" + traceID + "-" + spanID + "-01", "00-" + traceID + "-" + spanID + "-01-x",
		"00-" + strings.ToUpper(traceID) + "-" + spanID + "-01", "00-" + strings.Repeat("0", 32) + "-" + spanID + "-01",
		"00-" + traceID + "-" + strings.Repeat("0", 16) + "-01", "00_" + traceID + "-" + spanID + "-01", "01-" + traceID + "-" + spanID + "-01x"} {
		var c TraceContext
		if c.ReadParent([]byte(v)) || c != (TraceContext{}) {
			t.Errorf("%q was taken", v)
		}
	}
}

func TestAParentIsContinued(t *testing.T) {
	for v, sampled := range map[string]string{"00-" + traceID + "-" + spanID + "-01": "01", "00-" + traceID + "-" + spanID + "-00": "00",
		"01-" + traceID + "-" + spanID + "-03-later": "01"} {
		var c TraceContext
		if !c.ReadParent([]byte(v)) {
			t.Fatalf("%q was refused", v)
		}
		c.Begin(func() uint64 { return 0x10 }, false)
		if got := string(c.AppendParent(nil)); got != "00-"+traceID+"-0000000000000011-"+sampled {
			t.Errorf("%q: next hop %q", v, got)
		}
	}
}

func TestATraceBeginsWithRandomIDs(t *testing.T) {
	n := uint64(0)
	var c TraceContext
	c.Begin(func() uint64 { n++; return n }, true)
	if got := string(c.AppendParent(nil)); got != "00-00000000000000010000000000000003-0000000000000003-01" {
		t.Errorf("got %q", got)
	}
}

func TestB3IsRead(t *testing.T) {
	for v, want := range map[string]string{
		traceID + "-" + spanID + "-1":           "01",
		traceID + "-" + spanID + "-0":           "00",
		traceID + "-" + spanID + "-d-" + spanID: "01",
		traceID + "-" + spanID:                  "01",
		"a3ce929d0e0e4736-" + spanID + "-1":     "01",
		"0":                                     "",
		"1":                                     "",
		traceID + "-" + spanID + "-x":           "",
		traceID + "-short-1":                    "",
		"xyz-" + spanID + "-1":                  "",
		strings.Repeat("0", 32) + "-" + spanID:  "",
		strings.Repeat("g", 32) + "-" + spanID:  "",
		strings.Repeat("g", 16) + "-" + spanID:  "",
	} {
		var c TraceContext
		ok := c.ReadB3([]byte(v))
		if ok != (want != "") || ok && !strings.HasSuffix(string(c.AppendParent(nil)), "-"+want) {
			t.Errorf("%q: taken %v, %q", v, ok, c.AppendParent(nil))
		}
	}
	var c TraceContext
	if !c.ReadB3Multi([]byte(traceID), []byte(spanID), []byte("0"), []byte("1")) || !c.Sampled {
		t.Error("the debug flag does not sample")
	}
}

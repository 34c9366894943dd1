package v1

import "testing"

func TestMarkIsReadAsItIsWritten(t *testing.T) {
	for _, m := range []Mark{
		{Run: "5f0c9a1b22334455", Epoch: 12, Bucket: 4711},
		{Run: "0000000000000000", Shadow: true, Bucket: -1},
		{Run: "ffffffffffffffff", Shadow: true, Epoch: 1<<63 - 1, Bucket: 9999},
	} {
		got, ok := ParseMark(m.String())
		if !ok || got != m {
			t.Errorf("%s: %+v %v", m, got, ok)
		}
	}
	if got := (Mark{Run: "5f0c9a1b22334455", Epoch: 12, Bucket: 4711}).String(); got != "jindu:5f0c9a1b22334455:p:12:4711" {
		t.Error(got)
	}
}

func TestAnythingElseIsNoMark(t *testing.T) {
	for _, s := range []string{
		"", "jindu:", "jindu:5f0c9a1b22334455:p:12", "jindu:5f0c9a1b22334455:x:12:1", "jindu:5F0c9a1b22334455:p:12:1",
		"jindu:5f0c9a1b2233445:p:12:1", "jindu:5f0c9a1b22334455:p:-1:1", "jindu:5f0c9a1b22334455:p:012:1", "jindu:5f0c9a1b22334455:p:1:10000",
		"jindu:5f0c9a1b22334455:p:1:+1", "jindu:5f0c9a1b22334455:p:1:1:1", " jindu:5f0c9a1b22334455:p:1:1", "jindu:5f0c9a1b22334455:p:1:1 ",
		"jindu:5f0c9a1b22334455:p:99999999999999999999:1", "jindu:5f0c9a1b22334455:p:1:-1",
	} {
		if m, ok := ParseMark(s); ok {
			t.Errorf("%q read as %+v", s, m)
		}
	}
}

func FuzzParseMark(f *testing.F) {
	f.Add("jindu:5f0c9a1b22334455:p:12:4711")
	f.Add("jindu:5f0c9a1b22334455:s:0:-")
	f.Fuzz(func(t *testing.T, s string) {
		if m, ok := ParseMark(s); ok && m.String() != s {
			t.Errorf("%q is written %q", s, m)
		}
	})
}

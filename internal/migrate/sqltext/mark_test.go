package sqltext

import (
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

func TestMarkIsTheLeadingComment(t *testing.T) {
	const mark = "/*jindu:5f0c9a1b22334455:s:12:4711*/"
	want := v1.Mark{Run: "5f0c9a1b22334455", Shadow: true, Epoch: 12, Bucket: 4711}
	for sql, rest := range map[string]string{
		mark + " SELECT 1":            "SELECT 1",
		mark + "SELECT 1":             "SELECT 1",
		"\n\t " + mark + "  SELECT 1": " SELECT 1",
		mark:                          "",
		mark + " SELECT '/*jindu: in a literal*/'": "SELECT '/*jindu: in a literal*/'",
		mark + " SELECT $$x$$ 'jindu:'":            "SELECT $$x$$ 'jindu:'",
	} {
		m, got, ok := Mark(sql)
		if !ok || m != want || got != rest {
			t.Errorf("%q: %v %+v %q", sql, ok, m, got)
		}
		if _, b, ok := Mark([]byte(sql)); !ok || string(b) != rest {
			t.Errorf("%q as bytes: %q", sql, b)
		}
	}
	for _, sql := range []string{
		"", "SELECT 1", "/*jindu:", "/*jindu:5f0c9a1b22334455:s:12:4711", "SELECT 1 " + mark, "/* x */" + mark + " SELECT 1",
		"/*jindu:5f0c9a1b22334455:x:12:4711*/ SELECT 1", "/* jindu:5f0c9a1b22334455:s:12:4711*/ SELECT 1",
		"/*jindu:5f0c9a1b22334455:s:12:4711 */ SELECT 1", mark + mark + " SELECT 1",
		mark + " SELECT 1 /*jindu:5f0c9a1b22334455:p:12:4711*/", mark + " SELECT 1 -- jindu:x", "/*!jindu:5f0c9a1b22334455:s:12:4711*/",
		"--jindu:5f0c9a1b22334455:s:12:4711\nSELECT 1",
	} {
		if m, rest, ok := Mark(sql); ok || rest != sql || m.Run != "" {
			t.Errorf("%q has the mark %+v", sql, m)
		}
	}
}

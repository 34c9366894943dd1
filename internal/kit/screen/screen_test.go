package screen

import (
	"strings"
	"testing"
)

func TestAPlainWriterGetsPlainLinesOnly(t *testing.T) {
	var out strings.Builder
	s := Open(&out, func(string) string { return "" })
	s.Draw([]string{"block"})
	s.Print(s.Paint(Red, "line"))
	if s.Live() || out.String() != "line\n" {
		t.Errorf("live %v, wrote %q", s.Live(), out.String())
	}
}

func TestABlockIsRedrawnInPlaceAndLinesStayAboveIt(t *testing.T) {
	var out strings.Builder
	s := New(&out, true, true, 20)
	s.Draw([]string{"one", "two"})
	s.Draw([]string{"three", "four"})
	s.Print("stays")
	s.Print("stays too")
	want := "one\x1b[K\ntwo\x1b[K\n\x1b[J" + "\x1b[2A\rthree\x1b[K\nfour\x1b[K\n\x1b[J" + "\x1b[2A\r\x1b[Jstays\n" + "stays too\n"
	if out.String() != want {
		t.Errorf("wrote\n%q, want\n%q", out.String(), want)
	}
	if s.Width() != 20 || s.Paint(Green, "x") != "\x1b[32mx\x1b[0m" {
		t.Errorf("width %d, paint %q", s.Width(), s.Paint(Green, "x"))
	}
}

func TestCuttingCountsColumnsNotBytes(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"abcdef", 4, "abcd"},
		{"津渡 Jindu", 5, "津渡 "},
		{"津渡", 3, "津"},
		{"\x1b[31mred\x1b[0m", 3, "\x1b[31mred\x1b[0m"},
		{"\x1b[31mred\x1b[0m", 2, "\x1b[31mre\x1b[0m"},
	} {
		if got := Cut(c.text, c.n); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.n, got, c.want)
		}
	}
	if got := Pad("津渡", 6); got != "津渡  " || Columns("\x1b[31m津\x1b[0m") != 2 {
		t.Errorf("Pad gives %q", got)
	}
}

func TestABarIsAlwaysAsWideAsAsked(t *testing.T) {
	for i := -1; i <= 101; i++ {
		bar := Bar(float64(i)/100, 10)
		if n := len([]rune(bar)); n != 10 {
			t.Errorf("bar of %d %% is %d wide: %q", i, n, bar)
		}
	}
	if Bar(1, 4) != "████" || Bar(0, 4) != "····" || Bar(0.5, 4) != "██··" {
		t.Error("bars are filled wrongly")
	}
}

package suggest

import "testing"

func TestTheNearestWordIsFound(t *testing.T) {
	known := []string{"weight", "metadata", "port", "ip"}
	for word, want := range map[string]string{
		"wieght": "weight", "Weight": "weight", "metdata": "metadata", "prt": "port", "I": "ip",
		"backend": "", "": "", "weightings": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

package row

import (
	"strconv"
	"strings"
	"time"
)

const (
	dateForm  = "2006-01-02"
	clockForm = "15:04:05.999999999"
	localForm = dateForm + "T" + clockForm
)

// plausible says whether s has only what a date or a time of any database is written with.
func plausible(s string) bool {
	if timeRank(s) != 0 {
		return true
	}
	if d := strings.TrimPrefix(s, "-"); d == "" || d[0]-'0' > 9 || len(s) > 40 || strings.Count(s, ".") > 1 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' <= 9, c == '-', c == ':', c == '.', c == ' ', c == 'T', c == '+', c == 'Z':
		case c == 'B', c == 'C':
		default:
			return false
		}
	}
	return true
}

// trimFraction cuts zeros off the end of a fraction of a second.
func trimFraction(s string) string {
	if at := strings.IndexByte(s, '.'); at >= 0 {
		end := at + 1
		for end < len(s) && s[end]-'0' <= 9 {
			end++
		}
		return strings.TrimSuffix(s[:at]+strings.TrimRight(s[at:end], "0"), ".") + s[end:]
	}
	return s
}

func localText(s string) (string, bool) {
	return trimFraction(strings.ReplaceAll(s, " ", "T")), plausible(s)
}

// instantText reads a time with or without its distance from UTC; without one it is in UTC.
func instantText(s string) (string, bool) {
	if !plausible(s) {
		return "", false
	}
	if strings.HasSuffix(s, "infinity") {
		return s, true
	}
	era, s := "", strings.ReplaceAll(s, " ", "T")
	if rest, ok := strings.CutSuffix(s, "TBC"); ok {
		era, s = "TBC", rest
	}
	if rest, ok := strings.CutSuffix(s, "Z"); ok {
		return trimFraction(rest) + era + "Z", true
	}
	clock := strings.IndexByte(s, 'T')
	if clock < 0 {
		return "", false
	}
	at := strings.LastIndexAny(s, "+-")
	if at < clock {
		return trimFraction(s) + era + "Z", true
	}
	off, ok := offset(s[at:])
	if !ok {
		return "", false
	}
	if off == 0 {
		return trimFraction(s[:at]) + era + "Z", true
	}
	t, ok := parseLocal(s[:at])
	if !ok || era != "" {
		return "", false
	}
	return formatLocal(t.Add(-time.Duration(off)*time.Second)) + "Z", true
}

// offset reads +08, -0330, +05:30 or +05:30:15 as seconds.
func offset(s string) (int, bool) {
	sign := 1
	if s[0] == '-' {
		sign = -1
	}
	d := strings.ReplaceAll(s[1:], ":", "")
	if len(d) != 2 && len(d) != 4 && len(d) != 6 || !digits(d) {
		return 0, false
	}
	n, err := strconv.Atoi(d + strings.Repeat("0", 6-len(d)))
	return sign * (n/10000*3600 + n/100%100*60 + n%100), err == nil
}

// parseLocal reads the canonical text of a time without zone, as if it were in UTC.
func parseLocal(s string) (time.Time, bool) {
	t, err := time.Parse("2006-01-02T15:04:05", s)
	return t, err == nil
}

func formatLocal(t time.Time) string { return t.Format(localForm) }

func canonTime(c *Column, t time.Time) (string, bool) {
	switch c.Type {
	case Date:
		return t.Format(dateForm), true
	case Clock:
		return t.Format(clockForm), true
	case Local:
		return formatLocal(t), true
	case Instant:
		return formatLocal(t.UTC()) + "Z", true
	}
	return "", false
}

// cutFraction leaves at most scale digits of a fraction of a second.
func cutFraction(s string, scale int) string {
	at := strings.IndexByte(s, '.')
	if at < 0 {
		return s
	}
	end := at + 1
	for end < len(s) && s[end]-'0' <= 9 {
		end++
	}
	if end-at-1 <= scale {
		return s
	}
	return trimFraction(s[:at+1+scale] + s[end:])
}

// compareTimes compares canonical dates and times of one type.
func compareTimes(a, b string) int {
	if ra, rb := timeRank(a), timeRank(b); ra != rb || ra != 0 {
		return ra - rb
	}
	// The last character of an instant would sort behind a fraction's point.
	a, b = strings.TrimSuffix(a, "Z"), strings.TrimSuffix(b, "Z")
	ea, eb := strings.HasSuffix(a, "BC"), strings.HasSuffix(b, "BC")
	switch {
	case ea && eb:
		a, b = strings.TrimRight(a, "TBC "), strings.TrimRight(b, "TBC ")
		ya, yb := a[:strings.IndexByte(a, '-')+1], b[:strings.IndexByte(b, '-')+1]
		if c := byLength(yb, ya); c != 0 { // years go backwards, what is within a year does not
			return c
		}
		return strings.Compare(a, b)
	case ea:
		return -1
	case eb:
		return 1
	}
	na, nb := strings.HasPrefix(a, "-"), strings.HasPrefix(b, "-")
	switch {
	case na && nb:
		return compareTimes(b[1:], a[1:])
	case na:
		return -1
	case nb:
		return 1
	}
	// A year of five digits, an hour of three.
	la, lb := strings.IndexAny(a, "-:"), strings.IndexAny(b, "-:")
	if la != lb {
		return la - lb
	}
	return strings.Compare(a, b)
}

func byLength(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func timeRank(s string) int {
	switch s {
	case "-infinity":
		return -1
	case "infinity":
		return 1
	}
	return 0
}

package compare

import (
	"strconv"
	"strings"
	"time"
)

// shanghai has had no summer time since 1991, so a fixed zone needs no zone files.
const shanghaiOffset = 8 * 60 * 60

// Moment is a value read as a point in time.
type Moment struct {
	At    time.Time
	Form  string // how it is written: layout and number of decimals, such as rfc3339.3
	Zoned bool   // the text says its zone; else it was read as Asia/Shanghai
}

// layouts of dates as text; decimals after the seconds are cut off before and named in the form.
var layouts = [...]struct {
	form, layout string
	zoned        bool
}{
	{"rfc3339", "2006-01-02T15:04:05Z07:00", true},
	{"iso-offset", "2006-01-02T15:04:05-0700", true},
	{"iso-local", "2006-01-02T15:04:05", false},
	{"sql", "2006-01-02 15:04:05", false},
	{"slash", "2006/01/02 15:04:05", false},
	{"minute", "2006-01-02 15:04", false},
	{"compact", "20060102150405", false},
	{"date", "2006-01-02", false},
	{"http", "Mon, 02 Jan 2006 15:04:05 GMT", true},
	{"java", "Mon Jan 02 15:04:05 CST 2006", false},
	{"java-utc", "Mon Jan 02 15:04:05 UTC 2006", true},
}

// MomentOf reads a value as a point in time between 2000 and 2100; false when it does not look like one.
func MomentOf(v *Value) (Moment, bool) {
	if v == nil {
		return Moment{}, false
	}
	switch v.Type {
	case Number:
		return epoch(v.Text)
	case String:
		if len(v.Text) < 8 || len(v.Text) > 40 {
			return Moment{}, false
		}
		if m, ok := dateText(v.Text); ok {
			return m, true
		}
		return epoch(v.Text)
	case Array:
		return dateArray(v)
	}
	return Moment{}, false
}

func dateText(s string) (Moment, bool) {
	if !dateShaped(s) {
		return Moment{}, false
	}
	text, decimals := s, ""
	if len(s) > 20 && s[19] == '.' {
		end := 20
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		decimals, text = s[20:end], s[:19]+s[end:]
	}
	for _, l := range &layouts {
		zone := time.UTC // of a layout that names it as a word
		if !l.zoned {
			zone = time.FixedZone("CST", shanghaiOffset)
		}
		at, err := time.ParseInLocation(l.layout, text, zone)
		if err != nil {
			continue
		}
		nanos, err := strconv.ParseInt((decimals + "000000000")[:9], 10, 64)
		if err != nil || !plausible(at) {
			return Moment{}, false
		}
		return Moment{At: at.Add(time.Duration(nanos)), Form: l.form + "." + itoa(len(decimals)), Zoned: l.zoned}, true
	}
	return Moment{}, false
}

// dateShaped is a cheap look before the layouts are tried.
func dateShaped(s string) bool {
	switch {
	case s[0] == '2':
		return s[4] == '-' || s[4] == '/' || len(s) == 14
	case s[0] >= 'A' && s[0] <= 'Z':
		return len(s) >= 28 && len(s) <= 29
	}
	return false
}

// epoch reads seconds, milli-, micro- or nanoseconds since 1970, by the number of digits.
func epoch(s string) (Moment, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || len(frac) > 9 || frac != "" && len(whole) != 10 {
		return Moment{}, false
	}
	var unit time.Duration
	switch len(whole) {
	case 10:
		unit = time.Second
	case 13:
		unit = time.Millisecond
	case 16:
		unit = time.Microsecond
	case 19:
		unit = time.Nanosecond
	default:
		return Moment{}, false
	}
	per := int64(time.Second / unit)
	at := time.Unix(n/per, n%per*int64(unit))
	if frac != "" {
		nanos, err := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
		if err != nil {
			return Moment{}, false
		}
		at = at.Add(time.Duration(nanos))
	}
	return Moment{At: at, Form: "epoch" + itoa(len(whole)) + "." + itoa(len(frac)), Zoned: true}, plausible(at)
}

// dateArray reads Jackson's [year, month, day, hour, minute, second, nanos] with at least three parts.
func dateArray(v *Value) (Moment, bool) {
	if len(v.Kids) < 3 || len(v.Kids) > 7 {
		return Moment{}, false
	}
	var part [7]int
	for i := range v.Kids {
		n, err := strconv.Atoi(v.Kids[i].Text)
		if err != nil || v.Kids[i].Type != Number {
			return Moment{}, false
		}
		part[i] = n
	}
	at := time.Date(part[0], time.Month(part[1]), part[2], part[3], part[4], part[5], part[6], time.FixedZone("CST", shanghaiOffset))
	ok := at.Year() == part[0] && int(at.Month()) == part[1] && at.Day() == part[2] && at.Hour() == part[3]
	return Moment{At: at, Form: "array"}, ok && plausible(at)
}

func plausible(t time.Time) bool { return t.Year() >= 2000 && t.Year() < 2100 }

// sameMoment says whether two values are one moment in two forms. A form without zone needs the rule
// that names the zone, unless both are without one.
func (r *Rules) sameMoment(a, b *Value) bool {
	x, ok1 := MomentOf(a)
	y, ok2 := MomentOf(b)
	if !ok1 || !ok2 || !r.on[ruleDateDefaultZone] && x.Zoned != y.Zoned {
		return false
	}
	return x.At.Equal(y.At)
}

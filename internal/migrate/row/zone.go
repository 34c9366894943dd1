package row

import "time"

// Zone carries times without zone to instants and back.
//
// Where clocks went back a time is there twice: the first one counts. Where they went forward a time is not
// there at all: it counts as one hour (or what was skipped) later. Both the same in Go and in SQL.
type Zone struct {
	Name string
	loc  *time.Location
}

// NewZone finds a zone by name, such as Asia/Shanghai.
func NewZone(name string) (*Zone, error) {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	return &Zone{name, loc}, nil
}

func offsetAt(loc *time.Location, unix int64) int64 {
	_, off := time.Unix(unix, 0).In(loc).Zone()
	return int64(off)
}

// Instant is the canonical text of the instant that a time without zone means.
func (z *Zone) Instant(local string) (string, bool) {
	t, ok := parseLocal(local)
	if !ok {
		return "", false
	}
	const day = 24 * 3600
	wall := t.Unix()
	before, after := offsetAt(z.loc, wall-day), offsetAt(z.loc, wall+day)
	off := before
	if before != after {
		_, end := time.Unix(wall-day, 0).In(z.loc).ZoneBounds()
		if !end.IsZero() && wall >= end.Unix()+max(before, after) {
			off = after
		}
	}
	return formatLocal(t.Add(-time.Duration(off)*time.Second)) + "Z", true
}

// Local is the canonical text of what a clock in the zone showed at an instant.
func (z *Zone) Local(instant string) (string, bool) {
	t, err := time.Parse("2006-01-02T15:04:05Z", instant)
	if err != nil {
		return "", false
	}
	return formatLocal(t.In(z.loc)), true
}

// Span is from when on, by the clock of the zone, it was so many seconds ahead of UTC.
type Span struct {
	From   string // canonical text of a time without zone; "" of the first span
	Offset int
}

// Spans are all changes of a zone's distance from UTC, or false when there are more than most.
func (z *Zone) Spans(most int) ([]Span, bool) {
	t := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).In(z.loc)
	_, off := t.Zone()
	spans := []Span{{"", off}}
	for {
		_, end := t.ZoneBounds()
		if end.IsZero() || end.Year() > 9999 {
			return spans, true
		}
		t = end
		before := off
		if _, off = t.Zone(); off == before {
			continue
		}
		if len(spans) == most {
			return nil, false
		}
		wall := end.UTC().Add(time.Duration(max(before, off)) * time.Second)
		spans = append(spans, Span{formatLocal(wall), off})
	}
}

package main

import (
	"fmt"
	"strings"
	"unicode"

	"jindu.dev/jindu/internal/kit/screen"
)

// table is rows of cells; the first row is the head. Columns line up in a terminal, also under Chinese.
type table [][]string

// gap is the space between columns.
const gap = 3

// String lays the table out.
func (t table) String() string {
	var widths []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], screen.Columns(clean(cell)))
		}
	}
	var b strings.Builder
	for _, row := range t {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(screen.Pad(clean(cell), widths[i]+gap))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// clean makes what came over the network harmless to a terminal.
func clean(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			return '·'
		default:
			return r
		}
	}, s)
}

// percent is such as 12.5 %; a share that is small but not 0 never shows as 0.
func percent(p float64) string {
	switch {
	case p > 0 && p < 0.01:
		return "< 0.01 %"
	case p < 100 && p > 99.99:
		return "> 99.99 %"
	default:
		return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", p), "0"), ".") + " %"
	}
}

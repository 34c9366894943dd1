package main

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// table is rows of cells; the first row is the head. Columns line up in a terminal, also under Chinese.
type table [][]string

// gap is the space between columns.
const gap = 3

// String lays the table out. The last column is not padded.
func (t table) String() string {
	var widths []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(clean(cell)))
		}
	}
	var b strings.Builder
	for _, row := range t {
		line := ""
		for i, cell := range row {
			cell = clean(cell)
			line += cell
			if i < len(row)-1 {
				line += strings.Repeat(" ", widths[i]-columns(cell)+gap)
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// columns counts the terminal columns of s: East Asian wide characters take two, marks that combine none.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch k := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case k == width.EastAsianWide || k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
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

// Package screen redraws a block of lines in place on a terminal, and prints plain lines anywhere else.
package screen

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"
)

// Color is the number of an ANSI colour.
type Color int

// The colours used.
const (
	Red    Color = 31
	Green  Color = 32
	Yellow Color = 33
	Blue   Color = 34
	Cyan   Color = 36
	Dim    Color = 2
	Bold   Color = 1
)

// Screen is a terminal, or a plain writer. Not safe for concurrent use.
type Screen struct {
	w     io.Writer
	live  bool
	color bool
	width func() int
	drawn int // lines of the block that is on the screen
}

// Open looks at what out is. env tells NO_COLOR and TERM.
func Open(out io.Writer, env func(string) string) *Screen {
	s := &Screen{w: out, width: func() int { return 80 }}
	f, ok := out.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) || env("TERM") == "dumb" || !enable(f.Fd()) {
		return s
	}
	s.live, s.color = true, env("NO_COLOR") == ""
	s.width = func() int {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
		return 80
	}
	return s
}

// New is a screen of known properties, for tests.
func New(w io.Writer, live, color bool, width int) *Screen {
	return &Screen{w: w, live: live, color: color, width: func() int { return width }}
}

// Live says that Draw redraws in place; otherwise Draw does nothing and the caller prints lines.
func (s *Screen) Live() bool { return s.live }

// Width is how many columns there are.
func (s *Screen) Width() int { return s.width() }

// Paint colours text where colours are wanted.
func (s *Screen) Paint(c Color, text string) string {
	if !s.color {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, text)
}

// Draw puts the block in place of the one before.
func (s *Screen) Draw(lines []string) {
	if !s.live {
		return
	}
	var b strings.Builder
	s.rewind(&b)
	width := s.width()
	for _, l := range lines {
		b.WriteString(Cut(l, width-1))
		b.WriteString("\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	s.drawn = len(lines)
	_, _ = io.WriteString(s.w, b.String()) // a terminal that went away is nobody's loss
}

// Print writes a line that stays; the block, if any, is drawn anew below it by the next Draw.
func (s *Screen) Print(line string) {
	var b strings.Builder
	s.rewind(&b)
	if s.drawn > 0 {
		b.WriteString("\x1b[J")
	}
	s.drawn = 0
	b.WriteString(line + "\n")
	_, _ = io.WriteString(s.w, b.String())
}

func (s *Screen) rewind(b *strings.Builder) {
	if s.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r", s.drawn)
	}
}

// Bar is a bar of width columns, filled to a share of 0 to 1.
func Bar(share float64, width int) string {
	eighths := int(min(max(share, 0), 1)*float64(width*8) + 0.5)
	bar := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		bar += string([]rune(" ▏▎▍▌▋▊▉")[rest])
		eighths += 8
	}
	return bar + strings.Repeat("·", max(width-eighths/8, 0))
}

// Cut shortens text to a number of columns. Colour codes take none, wide characters two.
func Cut(text string, columns int) string {
	used, escape := 0, false
	for i, r := range text {
		switch {
		case escape:
			escape = r != 'm'
		case r == '\x1b':
			escape = true
		default:
			w := runeWidth(r)
			if used+w > columns {
				return text[:i] + reset(text[:i])
			}
			used += w
		}
	}
	return text
}

// Columns is how many columns text takes.
func Columns(text string) int {
	used, escape := 0, false
	for _, r := range text {
		switch {
		case escape:
			escape = r != 'm'
		case r == '\x1b':
			escape = true
		default:
			used += runeWidth(r)
		}
	}
	return used
}

// Pad fills text with spaces up to a number of columns.
func Pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(columns-Columns(text), 0))
}

func reset(text string) string {
	if strings.Contains(text, "\x1b[") {
		return "\x1b[0m"
	}
	return ""
}

func runeWidth(r rune) int {
	if r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
		r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0xffe0 && r <= 0xffe6 || r >= 0x1f300 && r <= 0x1faff) {
		return 2
	}
	return 1
}

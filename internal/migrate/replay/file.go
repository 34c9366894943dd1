package replay

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"unicode/utf8"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// maxLine bounds one recording in a file, in bytes.
const maxLine = 32 << 20

// Format is the first line of a file of recordings.
type Format struct {
	Jindu     string `json:"jindu"`   // "recording"
	Version   int    `json:"version"` // 1
	Migration string `json:"migration"`
}

const (
	formatName    = "recording"
	formatVersion = 1
)

// Writer writes recordings, one a line.
type Writer struct {
	out *json.Encoder
	buf *bufio.Writer
	N   int // recordings written
}

// NewWriter begins a file.
func NewWriter(w io.Writer, migration string) (*Writer, error) {
	buf := bufio.NewWriter(w)
	out := json.NewEncoder(buf)
	out.SetEscapeHTML(false)
	if err := out.Encode(Format{Jindu: formatName, Version: formatVersion, Migration: migration}); err != nil {
		return nil, fmt.Errorf("write the head of the recordings: %w", err)
	}
	return &Writer{out: out, buf: buf}, nil
}

// Write adds a recording.
func (w *Writer) Write(r *v1.Recording) error {
	if err := w.out.Encode(r); err != nil {
		return fmt.Errorf("write recording %s: %w", r.Run, err)
	}
	w.N++
	return nil
}

// Flush writes out what is buffered.
func (w *Writer) Flush() error {
	if err := w.buf.Flush(); err != nil {
		return fmt.Errorf("write recordings: %w", err)
	}
	return nil
}

// Read tells the recordings of a file: Jindu's own, or GoReplay's, by how it begins.
func Read(r io.Reader) iter.Seq2[v1.Recording, error] {
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return failed(kind.New(kind.Invalid, "JD-REPLAY-001", "the file is empty"))
	case err != nil:
		return failed(kind.New(kind.Unavailable, "JD-REPLAY-002", "read the recordings: %w", err))
	case head[0] == '{':
		return readOwn(in)
	case head[0] >= '1' && head[0] <= '3':
		return readGoReplay(in)
	}
	return failed(kind.New(kind.Invalid, "JD-REPLAY-001", "the file begins with %q: neither a recording of jindu migration record nor a file of GoReplay; unpack it first if it is packed", head))
}

func failed(err error) iter.Seq2[v1.Recording, error] {
	return func(yield func(v1.Recording, error) bool) { yield(v1.Recording{}, err) }
}

func readOwn(in *bufio.Reader) iter.Seq2[v1.Recording, error] {
	return func(yield func(v1.Recording, error) bool) {
		lines := bufio.NewScanner(in)
		lines.Buffer(make([]byte, 0, 64<<10), maxLine)
		for n := 1; lines.Scan(); n++ {
			if n == 1 {
				var f Format
				if err := json.Unmarshal(lines.Bytes(), &f); err != nil || f.Jindu != formatName || f.Version != formatVersion {
					yield(v1.Recording{}, kind.New(kind.Invalid, "JD-REPLAY-001", "line 1 is %.80q: not the head of a recording of version %d", lines.Text(), formatVersion))
					return
				}
				continue
			}
			var r v1.Recording
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				yield(v1.Recording{}, kind.New(kind.Invalid, "JD-REPLAY-001", "line %d is no recording: %w; a file that was cut off ends so, remove the line", n, err))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(v1.Recording{}, kind.New(kind.Invalid, "JD-REPLAY-001", "read recordings of at most %d bytes: %w", maxLine, err))
		}
	}
}

// text is bytes as a recording keeps them.
func text(b []byte) (s string, base64ed bool) {
	if utf8.Valid(b) {
		return string(b), false
	}
	return base64.StdEncoding.EncodeToString(b), true
}

// bytesOf undoes text.
func bytesOf(s string, base64ed bool) ([]byte, error) {
	if !base64ed {
		return []byte(s), nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-REPLAY-001", "a body said to be base64 is not: %w", err)
	}
	return b, nil
}

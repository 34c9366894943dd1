package conf

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Bytes is a size: "64MiB", "1GiB", "512B", or a plain number of bytes.
type Bytes int64

// Sizes, for defaults: 64 * conf.MiB.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
)

type unit struct {
	name string
	size Bytes
}

// units, longest name first, the first of a size being the one that is written.
func units() []unit {
	return []unit{
		{"TiB", 1 << 40}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB},
		{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"kB", 1e3}, {"B", 1},
	}
}

// String is the size in the largest unit that keeps it whole.
func (b Bytes) String() string {
	for _, u := range units()[:4] {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// MarshalText writes String.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	s, size := string(text), Bytes(1)
	for _, u := range units() {
		if n, ok := strings.CutSuffix(s, u.name); ok {
			s, size = strings.TrimSuffix(n, " "), u.size
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/int64(size) {
		return fmt.Errorf("%q is no size", text)
	}
	*b = Bytes(n) * size
	return nil
}

// maxSecret bounds the file of a secret.
const maxSecret = 64 << 10

// Secret is a value that is kept in a file of its own and named as "file:/run/secrets/token". Only
// Reveal shows it; printed, logged or marshalled it is its reference.
type Secret struct {
	ref   string
	value *string // a pointer, so that not even %v of a struct around it shows the value
}

// NewSecret makes a secret of a reference and its value, for code that has no file.
func NewSecret(ref, value string) Secret { return Secret{ref, &value} }

// Reveal is the value.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero says that no secret is set.
func (s Secret) IsZero() bool { return s.ref == "" }

// String is the reference.
func (s Secret) String() string { return s.ref }

// GoString is the reference.
func (s Secret) GoString() string { return strconv.Quote(s.ref) }

// MarshalText writes the reference.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.ref), nil }

// UnmarshalText takes a reference without reading it; Load reads it.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret{ref: string(text)}
	return nil
}

// LogValue is the reference.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.ref) }

// readSecret reads the value of a reference; a relative path is meant from dir.
func readSecret(ref, dir string) (Secret, error) {
	path, ok := strings.CutPrefix(ref, "file:")
	if !ok || path == "" {
		return Secret{}, fmt.Errorf("a secret is given as file:/path/to/it, never by value")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	f, err := os.Open(path) //nolint:gosec // the operator names this file
	if err != nil {
		return Secret{}, fmt.Errorf("the secret's file cannot be read: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return Secret{}, fmt.Errorf("the secret's file cannot be read: %w", err)
	}
	value := strings.TrimRight(string(data), "\r\n")
	switch {
	case len(data) > maxSecret:
		return Secret{}, fmt.Errorf("the secret's file is larger than %v", Bytes(maxSecret))
	case value == "":
		return Secret{}, fmt.Errorf("the secret's file %s is empty", path)
	}
	return Secret{ref, &value}, nil
}

// durationText is d as people write it: 1m rather than 1m0s.
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

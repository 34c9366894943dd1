package conf

import (
	"fmt"
	"strings"

	"jindu.dev/jindu/internal/kit/suggest"
)

// meant names the key that the user of an unknown one probably meant: a sibling with a like name, or
// the same word in another section.
func (d *decoder) meant(name string, in *key) string {
	siblings := make([]string, len(in.keys))
	for i := range in.keys {
		siblings[i] = in.keys[i].name
	}
	if s := nearest(name, siblings); s != "" {
		return s
	}
	elsewhere := ""
	d.root.leaves(func(k *key) {
		if elsewhere == "" && strings.EqualFold(k.name, name) {
			elsewhere = k.path
		}
	})
	if elsewhere != "" {
		return fmt.Sprintf("; did you mean %q?", elsewhere)
	}
	if len(siblings) > 0 {
		return "; the keys here are " + strings.Join(siblings, ", ")
	}
	return ""
}

// maxWord bounds the words that are compared.
const maxWord = 128

// nearest is "; did you mean x?", or "" when nothing is near.
func nearest(name string, known []string) string {
	if len(name) > maxWord {
		return ""
	}
	if s := suggest.Nearest(name, known); s != "" {
		return fmt.Sprintf("; did you mean %q?", s)
	}
	return ""
}

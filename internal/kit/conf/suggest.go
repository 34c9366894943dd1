package conf

import (
	"fmt"
	"strings"
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

// nearest is "; did you mean x?" for the candidate within a third of the name's length, "" for none.
func nearest(name string, candidates []string) string {
	best, least := "", max(1, len(name)/3)+1
	for _, c := range candidates {
		if n := distance(strings.ToLower(name), strings.ToLower(c)); n < least {
			best, least = c, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// maxWord bounds the words that are compared.
const maxWord = 128

// distance counts the letters to insert, delete, replace or swap with their neighbour that make a into b.
func distance(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return maxWord
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var code = regexp.MustCompile(`^JD-[A-Z0-9]+-[0-9]{3}$`)

// codesInGo finds every code that the product can answer with, and where.
func codesInGo(t *testing.T) map[string]string {
	t.Helper()
	used := map[string]string{}
	for _, list := range files(t) {
		for _, f := range list {
			if strings.HasPrefix(f.pkg, "test/") {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && code.MatchString(strings.Trim(lit.Value, "\"`")) {
					used[strings.Trim(lit.Value, "\"`")] = f.at(lit)
				}
				return true
			})
		}
	}
	return used
}

const tableHead = "| code | kind | meaning | remedy |\n|---|---|---|---|\n"

// TestErrorsAreListed: each code is in exactly one file of api/errors, with kind, meaning and remedy, and
// api/errors.md is all of them.
func TestErrorsAreListed(t *testing.T) {
	used := codesInGo(t)
	names, err := filepath.Glob(filepath.Join(root, "api", "errors", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	all.WriteString("# Errors\n\nEvery error that a user can meet has a code that stays the same. Written by make gen from `api/errors`.\n")
	listed := map[string]string{}
	for _, name := range names {
		part := strings.TrimSuffix(filepath.Base(name), ".md")
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "\n## %s\n\n%s", part, tableHead)
		for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
			cells := strings.Split(strings.Trim(line, "| "), " | ")
			if strings.Contains(tableHead, line+"\n") {
				continue
			}
			where := fmt.Sprintf("api/errors/%s.md:%d", part, i+1)
			switch {
			case len(cells) != 4 || !code.MatchString(cells[0]):
				t.Errorf("%s is no line of the form | code | kind | meaning | remedy |", where)
			case listed[cells[0]] != "":
				t.Errorf("%s: %s is in %s too", where, cells[0], listed[cells[0]])
			case used[cells[0]] == "":
				t.Errorf("%s: no code uses %s; delete the line", where, cells[0])
			}
			listed[cells[0]] = where
			all.WriteString(line + "\n")
		}
	}
	for _, c := range slices.Sorted(maps.Keys(used)) {
		if listed[c] == "" {
			t.Errorf("%s uses %s, which no file of api/errors lists", used[c], c)
		}
	}
	golden(t, "api/errors.md", all.Bytes())
}

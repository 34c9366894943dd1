package arch

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// modules are the third-party modules that a package needs on linux/amd64.
func modules(t *testing.T, of string) []string {
	t.Helper()
	set := map[string]bool{}
	for _, p := range goList(t, "-deps", of) {
		if !p.Standard && p.Module != nil && !p.Module.Main {
			set[p.Module.Path] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// TestDepsAreListed: deps.txt shows each third-party module, so that a new one is seen in review.
func TestDepsAreListed(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("# Third-party modules of what is shipped, for linux/amd64. Written by make gen.\n")
	for _, of := range []string{"cmd/jindu", "sdk"} {
		fmt.Fprintf(&b, "\n%s\n", of)
		for _, m := range modules(t, "./"+of) {
			fmt.Fprintf(&b, "  %s\n", m)
		}
	}
	golden(t, "deps.txt", b.Bytes())
}

// TestTheSDKIsSmall: who imports the SDK gets the standard library, the SDK and at most the objects.
func TestTheSDKIsSmall(t *testing.T) {
	for _, p := range goList(t, "-deps", "./sdk") {
		if !p.Standard && p.ImportPath != modulePath+"/sdk" && p.ImportPath != modulePath+"/api/v1" && !strings.HasPrefix(p.ImportPath, "vendor/") {
			t.Errorf("the SDK needs %s", p.ImportPath)
		}
	}
}

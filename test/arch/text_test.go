package arch

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// unwanted is what no file says, each with the reason. Words are cut in two so that this file passes.
func unwanted() map[string]string {
	return map[string]string{
		`(^|[\s"'=(])/(wo` + `rk|ro` + `ot)/`: "a path of one machine",
		`registry\.np` + `mjs|npm` + `mirror|proxy\.gol` + `ang\.org|sum\.gol` + `ang\.org|gopr` + `oxy\.|deb\.deb` + `ian\.org|py` + `pi\.org|repo1?\.mav` + `en`: "a host of a package registry: ordinary clients know theirs",
		`(?i)\b(chat` + `gpt|open` + `ai|anthr` + `opic|cop` + `ilot|clau` + `de)\b`:                                                                               "the product is what is spoken of",
		`(?i)\bissue #?[0-9]`: "say what was decided, not where",
		`(?m)^(<{7}|>{7}) `:   "a merge that was not finished",
		`BEGIN (RSA |EC |OPENSSH )?PRIV` + `ATE KEY-----\n[A-Za-z0-9+/=\n]{64,}`: "a private key",
	}
}

func TestNoFileSaysWhatNoneShould(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("this is no git work tree: %v", err)
	}
	rules := map[*regexp.Regexp]string{}
	for pattern, why := range unwanted() {
		rules[regexp.MustCompile(pattern)] = why
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || bytes.IndexByte(data, 0) >= 0 { // deleted in the work tree, or no text
			continue
		}
		for rule, why := range rules {
			if at := rule.FindIndex(data); at != nil {
				t.Errorf("%s:%d: %q is %s", name, 1+bytes.Count(data[:at[0]], []byte("\n")), data[at[0]:at[1]], why)
			}
		}
	}
}

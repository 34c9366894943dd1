package framing

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"jindu.dev/jindu/test/peers/proc"
)

var update = flag.Bool("update", false, "write docs/framing.md anew")

const table = "../../../docs/framing.md"

// proxies starts nginx, haproxy and Jindu.
func proxies(t *testing.T) []proxy {
	t.Helper()
	bin, err := proc.Jindu(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	starts := []struct {
		name, bin string
		start     func(bin, dir string, origin int) (*proc.Process, int, error)
	}{
		{"nginx", proc.Need(t, "nginx"), nginx},
		{"haproxy", proc.Need(t, "haproxy"), haproxy},
		{"jindu", bin, jindu},
	}
	var all []proxy
	for _, s := range starts {
		o, err := newOrigin()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(o.close)
		p, port, err := s.start(s.bin, t.TempDir(), o.port())
		if p != nil {
			t.Cleanup(p.Stop)
		}
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		all = append(all, proxy{s.name, port, o})
	}
	return all
}

// row is one case with what each proxy did, in the order nginx, haproxy, jindu.
type row struct {
	name, clause string
	seen         [3]string
	refused      [3]bool
}

func TestJinduIsNeverLaxerThanNginxOrHaproxy(t *testing.T) {
	all := proxies(t)
	sent, got := make([]row, len(requests)), make([]row, len(answers))
	for n, c := range requests {
		sent[n].name, sent[n].clause = c.name, c.clause
	}
	for n, c := range answers {
		got[n].name, got[n].clause = c.name, c.clause
	}
	var wg sync.WaitGroup
	for i, p := range all {
		wg.Go(func() {
			for n, c := range requests {
				v, err := probe(p, c.raw, c.valid, "")
				if err != nil {
					t.Errorf("%s: %s: %v", c.name, p.name, err)
				}
				sent[n].seen[i], sent[n].refused[i] = v.String(), v.refused()
				if p.name == "jindu" {
					checkRequest(t, c, v)
				}
			}
			for n, c := range answers {
				v, err := probe(p, get("Connection: close\r\n"), 1, c.raw)
				if err != nil {
					t.Errorf("answer %s: %s: %v", c.name, p.name, err)
				}
				got[n].seen[i], got[n].refused[i] = v.answer(), !v.passed()
				if p.name == "jindu" && c.valid && !v.passed() {
					t.Errorf("answer %s is valid: jindu %s", c.name, v.answer())
				}
			}
		})
	}
	wg.Wait()
	for _, r := range slices.Concat(sent, got) {
		hold(t, r)
	}

	text := render(sent, got)
	if *update {
		if err := os.WriteFile(table, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(table); err != nil || string(want) != text {
		t.Errorf("docs/framing.md is not what was seen (%v); run this test with -update and look at the difference", err)
	}
}

func checkRequest(t *testing.T, c testCase, v verdict) {
	t.Helper()
	if c.valid > 0 && (v.forwarded != c.valid || v.status != 200) {
		t.Errorf("%s is valid: jindu %v, want %d forwarded", c.name, v, c.valid)
	}
	if c.valid == 0 && v.forwarded > 1 {
		t.Errorf("%s: jindu made %d requests of it", c.name, v.forwarded)
	}
}

// hold fails when Jindu let pass what nginx or haproxy refused.
func hold(t *testing.T, r row) {
	t.Helper()
	if !r.refused[2] && (r.refused[0] || r.refused[1]) {
		t.Errorf("%s (%s): jindu is laxer: nginx %s, haproxy %s, jindu %s", r.name, r.clause, r.seen[0], r.seen[1], r.seen[2])
	}
}

func render(sent, got []row) string {
	var b strings.Builder
	b.WriteString("# Strict framing\n\nWhat nginx 1.22, haproxy 2.6 (each with its defaults) and Jindu do with the same bytes in front of the same origin. " +
		"Made by `go test ./framing -update` in `test/peers`; the test fails when Jindu lets pass what one of the others refuses.\n" +
		"A number is the status of the refusal; **bold** marks where Jindu is stricter than at least one of them.\n\n")
	section := func(title string, rows []row) {
		strict := 0
		for _, r := range rows {
			if stricter(r) {
				strict++
			}
		}
		fmt.Fprintf(&b, "## %s\n\n%d cases; Jindu is stricter than one of the others in %d, laxer in none.\n\n| case | clause | nginx | haproxy | jindu |\n|---|---|---|---|---|\n", title, len(rows), strict)
		for _, r := range rows {
			ours := r.seen[2]
			if stricter(r) {
				ours = "**" + ours + "**"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.name, r.clause, r.seen[0], r.seen[1], ours)
		}
		b.WriteString("\n")
	}
	section("What a client sends", sent)
	section("What an origin answers", got)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func stricter(r row) bool { return r.refused[2] && (!r.refused[0] || !r.refused[1]) }

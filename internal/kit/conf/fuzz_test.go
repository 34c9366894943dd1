package conf

import (
	"testing"
)

// FuzzLoad: no text makes the loader panic, and what it takes it prints so that it loads again as the
// same.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "gateway: {listen: ':1', trusted: [a]}", "log:\n  level: debug\n", "admin: {names: {a: b}, tokens: [{name: x}]}", "a: &a [*a]", "--- \n--- ", "? {}\n: x",
		"gateway: {idle: 1h, maxBody: 3KiB, sample: 0.25, limit: 0}", "dataDir: \"a\\nb\"", "dataDir: 'null'", "admin: {from: ::/0}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg := defaults()
		result := Result{Origins: map[string]Origin{}}
		if load(&cfg, data, Source{File: "f.yaml"}, result) != nil {
			return
		}
		again := defaults()
		out := Print(cfg, result)
		if err := load(&again, out, Source{File: "g.yaml"}, Result{Origins: map[string]Origin{}}); err != nil {
			t.Fatalf("printed configuration does not load: %v\n%s", err, out)
		}
		if changes := Diff(cfg, again); len(changes) > 0 {
			t.Fatalf("printed configuration differs: %v\n%s", changes, out)
		}
	})
}

package logs

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
)

func TestJSONIsAProperHandler(t *testing.T) {
	var buf bytes.Buffer
	log, _, err := New(&buf, Config{Level: "info", Format: "json"})
	if err != nil {
		t.Fatal(err)
	}
	err = slogtest.TestHandler(log.Handler(), func() []map[string]any {
		var out []map[string]any
		for line := range bytes.Lines(buf.Bytes()) {
			var m map[string]any
			if err := json.Unmarshal(line, &m); err != nil {
				t.Fatal(err)
			}
			out = append(out, m)
		}
		return out
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLevelChangesWhileInUse(t *testing.T) {
	var buf bytes.Buffer
	log, level, err := New(&buf, Default())
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("one")
	if err := level.Set("debug"); err != nil {
		t.Fatal(err)
	}
	log.Debug("two")
	if err := level.Set("error"); err != nil || level.String() != "error" {
		t.Fatal(err, level)
	}
	log.Warn("three")
	if out := buf.String(); strings.Contains(out, "one") || !strings.Contains(out, "msg=two") || strings.Contains(out, "three") {
		t.Error(out)
	}
	if err := level.Set("loud"); err == nil || level.String() != "error" {
		t.Error("an unknown level passed")
	}
	if _, _, err := New(&buf, Config{Level: "loud"}); err == nil {
		t.Error("an unknown level passed")
	}
}

type account struct{ token string }

func (a account) LogValue() slog.Value { return slog.GroupValue(slog.String("token", a.token)) }

func TestSecretsAreRedactedAtAnyDepth(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var buf bytes.Buffer
		log, _, err := New(&buf, Config{Level: "info", Format: format})
		if err != nil {
			t.Fatal(err)
		}
		log.With("Client-Secret", "hunter2").WithGroup("http").Info("call", "authorization", "Bearer hunter2",
			slog.Group("cookies", "sid", "hunter2"), "set_cookie", []string{"hunter2"}, "account", account{"hunter2"}, "apiKey", "hunter2")
		if out := buf.String(); strings.Contains(out, "hunter2") || strings.Count(out, redacted) != 6 {
			t.Errorf("%s: %s", format, out)
		}
	}
}

func TestWhatIsNoSecretIsShown(t *testing.T) {
	var buf bytes.Buffer
	log, _, err := New(&buf, Default())
	if err != nil {
		t.Fatal(err)
	}
	log.Info("loaded", "tokens", 3, "tokenFile", "file:/run/token", "password", "", "user", "beta")
	if out := buf.String(); strings.Contains(out, redacted) || !strings.Contains(out, "tokens=3") || !strings.Contains(out, "file:/run/token") || !strings.Contains(out, "user=beta") {
		t.Error(out)
	}
}

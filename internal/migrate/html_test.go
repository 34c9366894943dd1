package migrate

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

func dossier() v1.Dossier {
	at := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	evil := `<script>alert("x")</script>`
	gates := []v1.Gate{{Name: gateErrors, Verdict: v1.VerdictFail, Baseline: frozen, Detail: "9 of 10 failed " + evil, Value: 90, Bound: 0.5, Samples: 10}}
	return v1.Dossier{
		Made: at, Version: "1.2.3", Name: "move",
		Spec: v1.MigrationSpec{Service: "orders", From: v1.Selector{"runtime": "java17"}, To: v1.Selector{"runtime": "go1.26"}, Steps: []float64{1, 100}},
		Status: v1.MigrationStatus{
			Phase: v1.PhaseRolledBack, Reason: "gate errors failed " + evil, FirstDifference: &v1.DifferenceRef{Endpoint: "GET /orders/{id}", Path: "$.total"},
			Blocked: "rolled back", Versions: "1.0 → 2.0",
			History: []v1.Transition{{At: at, By: "first-mover", Phase: v1.PhaseRamp, Buckets: 100, Reason: "every gate passed"}, {At: at.Add(time.Hour), By: "controller", Phase: v1.PhaseRolledBack, Reason: "failed", Gates: gates}},
		},
		Evidence: v1.Evidence{
			Migration: "move", Since: at, Verdict: v1.VerdictFail, Gates: gates, New: v1.CohortTraffic{Requests: 10, Failures: 9, P99Micros: 12500},
			Mirror: v1.MirrorCounts{Compared: 77, NotComparable: map[string]int64{"unsafe_method": 5}, Dropped: map[string]int64{"timeout": 2}},
			Endpoints: []v1.EndpointEvidence{{
				Endpoint: "GET /orders/{id}", Verdict: v1.VerdictFail, Pairs: 100, Rate: 0.25, OmittedPaths: 3,
				Paths: []v1.PathEvidence{{Path: "$.total", Class: v1.NoiseTimeLike, Verdict: v1.VerdictFail, Evidence: 12, PValue: 0.0001, Ignored: "ann until 2027",
					Samples: []v1.Sample{{At: at, Old: "1.1•", New: evil, Trace: "abc123"}}}},
			}},
		},
		Ignored: []v1.IgnoreRule{{Path: "$.at", Owner: "ann", Expires: at, Reason: "clock"}},
		Expired: []v1.IgnoreRule{{Endpoint: "GET /x", Path: "status", Owner: "bob", Expires: at, Reason: "was known"}},
		Audit:   []v1.AuditRecord{{Revision: 12, At: at, By: "ann", Action: "update"}},
	}
}

func TestTheDossierSaysAllInBothLanguages(t *testing.T) {
	for lang, want := range map[string][]string{
		"en":    {`lang="en"`, "Migration dossier", "Decisions", "not enough", "rolled back", "In force", "Signatures", "time-like", "frozen", "every endpoint", "update"},
		"zh":    {`lang="zh-CN"`, "迁移档案", "决策", "已回滚", "生效中", "签署", "时间类", "冻结", "所有端点", "更新"},
		"zh-TW": {`lang="zh-CN"`},
		"fr":    {`lang="en"`},
	} {
		d := dossier()
		d.Evidence.Gates = append(d.Evidence.Gates, v1.Gate{Name: gateMismatch, Verdict: v1.VerdictNotEnough})
		var b bytes.Buffer
		if err := RenderHTML(&b, d, lang); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		common := []string{"orders", "java17", "go1.26", "$.total", "9 of 10 failed", "unsafe_method", "timeout", "1.1•", "abc123", "ann until 2027", "2026-03-01 09:30:00 UTC", "12.5ms", "25 %", "clock", "was known", "first-mover"}
		for _, text := range append(common, want...) {
			if !strings.Contains(page, text) {
				t.Errorf("%s: lacks %q", lang, text)
			}
		}
		if strings.Contains(page, "<script") {
			t.Errorf("%s: a value came through unescaped", lang)
		}
		for _, outside := range []string{"http://", "https://", "src=", "@import", "url("} {
			if strings.Contains(page, outside) {
				t.Errorf("%s: refers to something outside by %q", lang, outside)
			}
		}
		if strings.Index(page, "first-mover") < strings.Index(page, "10:30:00") {
			t.Errorf("%s: decisions are not newest first", lang)
		}
	}
}

func TestTheDossierIsWellFormed(t *testing.T) {
	var b bytes.Buffer
	if err := RenderHTML(&b, dossier(), "en"); err != nil {
		t.Fatal(err)
	}
	dec := xml.NewDecoder(&b)
	dec.Entity = xml.HTMLEntity
	open := 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := tok.(xml.StartElement); ok {
			open++
		}
	}
	if open < 100 {
		t.Errorf("only %d elements", open)
	}
}

func TestAnEmptyDossierIsAPageToo(t *testing.T) {
	var b bytes.Buffer
	if err := RenderHTML(&b, v1.Dossier{Name: "move"}, "en"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Nothing was compared.", "Nothing differed.", "None."} {
		if !strings.Contains(b.String(), text) {
			t.Errorf("lacks %q", text)
		}
	}
	if err := RenderHTML(brokenWriter{}, dossier(), "en"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a writer that fails gives %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestEveryWordOfThePageHasChinese(t *testing.T) {
	rest := dossierHTML
	for {
		_, after, ok := strings.Cut(rest, `{{t "`)
		if !ok {
			break
		}
		word, tail, _ := strings.Cut(after, `"`)
		if _, ok := chinese[word]; !ok {
			t.Errorf("%q has no Chinese", word)
		}
		rest = tail
	}
}

package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/web"
	"jindu.dev/jindu/internal/migrate"
)

// part answers with what it was asked.
type part struct {
	name, reason string
	verb         migrate.Verb
	who          v1.Identity
}

func (p *part) Command(_ context.Context, name string, verb migrate.Verb, who v1.Identity, reason string) (v1.Migration, error) {
	p.name, p.verb, p.who, p.reason = name, verb, who, reason
	if name == "none" {
		return v1.Migration{}, kind.New(kind.NotFound, "JD-MIGRATE-003", "migration %q does not exist", name)
	}
	return v1.Migration{Metadata: v1.Meta{Name: name}, Status: v1.MigrationStatus{Phase: v1.PhaseRolledBack}}, nil
}

func (p *part) Evidence(name string) (v1.Evidence, error) {
	return v1.Evidence{Migration: name, Verdict: v1.VerdictPass}, nil
}

func (p *part) Report(_ context.Context, name string) (v1.Dossier, error) {
	if name == "none" {
		return v1.Dossier{}, kind.New(kind.NotFound, "JD-MIGRATE-003", "migration %q does not exist", name)
	}
	return v1.Dossier{Name: name, Version: "1.2.3", Evidence: v1.Evidence{Migration: name, Verdict: v1.VerdictPass}}, nil
}

func serve(t *testing.T, p *part, role v1.Role) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	Register(web.NewAPI(mux, web.Info{Version: "v1"}), p)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(web.WithIdentity(r.Context(), v1.Identity{Name: "ann", Role: role})))
	}))
	t.Cleanup(s.Close)
	return s
}

func call(t *testing.T, method, url, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data), res.Header
}

func TestEachCommandReachesThePartWithWhoAndWhy(t *testing.T) {
	p := &part{}
	s := serve(t, p, v1.RoleOperator)
	for _, verb := range []migrate.Verb{migrate.VerbPause, migrate.VerbResume, migrate.VerbPromote, migrate.VerbRollback} {
		status, body, _ := call(t, http.MethodPost, s.URL+"/api/v1/migrations/move/"+string(verb), `{"reason":"because"}`)
		if status != http.StatusOK || p.verb != verb || p.name != "move" || p.who.Name != "ann" || p.reason != "because" {
			t.Errorf("%s: %d %s, the part got %+v", verb, status, body, p)
		}
		var m v1.Migration
		if err := json.Unmarshal([]byte(body), &m); err != nil || m.Status.Phase != v1.PhaseRolledBack {
			t.Errorf("%s answers %s (%v)", verb, body, err)
		}
	}
	if status, body, _ := call(t, http.MethodPost, s.URL+"/api/v1/migrations/move/rollback", ""); status != http.StatusOK || p.reason != "" {
		t.Errorf("without a body: %d %s", status, body)
	}
}

func TestErrorsKeepTheirCode(t *testing.T) {
	s := serve(t, &part{}, v1.RoleOperator)
	for _, url := range []string{"/promote", "/report"} {
		method := http.MethodPost
		if url == "/report" {
			method = http.MethodGet
		}
		if status, body, _ := call(t, method, s.URL+"/api/v1/migrations/none"+url, ""); status != http.StatusNotFound || !strings.Contains(body, "JD-MIGRATE-003") {
			t.Errorf("%s: %d %s", url, status, body)
		}
	}
}

func TestAViewerMayLookAndNotCommand(t *testing.T) {
	p := &part{}
	s := serve(t, p, v1.RoleViewer)
	if status, _, _ := call(t, http.MethodPost, s.URL+"/api/v1/migrations/move/rollback", ""); status != http.StatusForbidden || p.verb != "" {
		t.Errorf("a viewer's rollback answers %d, the part got %q", status, p.verb)
	}
	if status, body, _ := call(t, http.MethodGet, s.URL+"/api/v1/migrations/move/evidence", ""); status != http.StatusOK || !strings.Contains(body, `"endpoints":[]`) {
		t.Errorf("evidence: %d %s", status, body)
	}
}

func TestTheReportComesAsJSONAndAsAPage(t *testing.T) {
	s := serve(t, &part{}, v1.RoleViewer)
	status, body, header := call(t, http.MethodGet, s.URL+"/api/v1/migrations/move/report", "")
	var d v1.Dossier
	if err := json.Unmarshal([]byte(body), &d); err != nil || status != http.StatusOK || d.Name != "move" || header.Get("Content-Type") != "application/json" {
		t.Errorf("json: %d %q %s (%v)", status, header.Get("Content-Type"), body, err)
	}
	if strings.Contains(body, `"audit":null`) || strings.Contains(body, `"gates":null`) {
		t.Errorf("a list is null in %s", body)
	}
	status, body, header = call(t, http.MethodGet, s.URL+"/api/v1/migrations/move/report?format=html&lang=zh", "")
	if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/html") || !strings.Contains(body, "迁移档案") {
		t.Errorf("html: %d %q %.200s", status, header.Get("Content-Type"), body)
	}
	if status, _, _ := call(t, http.MethodGet, s.URL+"/api/v1/migrations/move/report?format=pdf", ""); status != http.StatusUnprocessableEntity {
		t.Errorf("an unknown format answers %d", status)
	}
}

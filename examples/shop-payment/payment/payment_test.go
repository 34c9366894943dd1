package payment

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func ask(t *testing.T, p *Provider, key, body string, shadow bool) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/charges", strings.NewReader(body))
	r.Header.Set("Idempotency-Key", key)
	if shadow {
		r.Header.Set("X-Jindu-Shadow", "m")
	}
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestAChargeIsBookedOnce(t *testing.T) {
	p := New()
	p.SetDelay(time.Microsecond)
	const body = `{"order":"G1","amount":39.80}`
	status, said := ask(t, p, "G1", body, false)
	if status != 200 || !strings.Contains(said, `"amount":39.80,"transaction":"T`) {
		t.Errorf("%d %s", status, said)
	}
	for _, shadow := range []bool{false, true} {
		if status, again := ask(t, p, "G1", body, shadow); status != 200 || again != said {
			t.Errorf("%d %s", status, again)
		}
	}
	if status, _ := ask(t, p, "G1", `{"order":"G1","amount":39.81}`, false); status != 409 {
		t.Errorf("another amount: %d", status)
	}
	if status, _ := ask(t, p, "G2", `{"order":"G2","amount":1.00}`, true); status != 200 {
		t.Errorf("a shadow: %d", status)
	}
	if b := p.Book(); b.Asked != 3 || b.Shadows != 2 || b.Booked != 1 || b.Charges[0].Asked != 3 {
		t.Errorf("%+v", b)
	}
	for _, c := range [][2]string{{"", body}, {"k", "{"}, {"k", `{"order":"G1","amount":1}`}, {"k", `{"order":"","amount":1.00}`}, {"k", `{"order":"G1","amount":-1.00}`}} {
		if status, _ := ask(t, p, c[0], c[1], false); status != 400 {
			t.Errorf("%v: %d", c, status)
		}
	}
}

package scene

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"jindu.dev/jindu/internal/demo"
)

// defective plants a defect in a service: it lets the service answer, and spoils what it said.
func defective(d *demo.Defect, service http.Handler) http.Handler {
	if d == nil {
		return service
	}
	var live atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			service.ServeHTTP(w, r)
			return
		}
		c := demo.Call{Endpoint: endpoint(r), Query: r.URL.Query().Get, Shadow: r.Header.Get("X-Jindu-Shadow") != ""}
		if !c.Shadow {
			c.Nth = live.Add(1)
		}
		before := d.Before(c)
		if before.Delay > 0 && !pause(r, before.Delay) {
			return
		}
		if before.Refuse || before.Fail {
			fail(w, before.Refuse)
			return
		}
		rec := &recorder{header: w.Header()}
		service.ServeHTTP(rec, r)
		spoil(d, c, rec)
		w.Header().Set("Content-Length", strconv.Itoa(rec.body.Len()))
		w.WriteHeader(rec.status)
		_, _ = w.Write(rec.body.Bytes()) // the client left: nothing to do about it
	})
}

func spoil(d *demo.Defect, c demo.Call, rec *recorder) {
	a := demo.Answer{Status: rec.status, Type: rec.header.Get("Content-Type")}
	dec := json.NewDecoder(bytes.NewReader(rec.body.Bytes()))
	dec.UseNumber()
	if dec.Decode(&a.Body) != nil {
		return
	}
	d.Spoil(c, &a)
	rec.body.Reset()
	enc := json.NewEncoder(&rec.body)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(a.Body) // what was decoded can be encoded
	rec.status = a.Status
	rec.header.Set("Content-Type", a.Type)
}

// endpoint names a request as Jindu does.
func endpoint(r *http.Request) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) > 1 {
		parts[1] = "{id}"
	}
	return r.Method + " /" + strings.Join(parts, "/")
}

func pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func fail(w http.ResponseWriter, refuse bool) {
	status := http.StatusInternalServerError
	if refuse {
		w.Header().Set("X-Jindu-Refused", "1")
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Server", demo.NewServer)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"error":"planted"}`)) // the client left: nothing to do about it
}

// recorder holds an answer back.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.body.Write(b)
}

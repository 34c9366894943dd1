package migrate

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

func TestRequestsAreToldAsTheyAreComparedWithoutCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := run(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		told, err := s.Recordings(ctx, "move")
		if err != nil {
			t.Fatal(err)
		}
		var got []v1.Recording
		done := make(chan struct{})
		go func() {
			defer close(done)
			for r := range told {
				got = append(got, r)
			}
		}()
		rec := recorded(7)
		rec.Header = append(rec.Header, v1.Header{Name: "Authorization", Value: "secret"}, v1.Header{Name: "X-Kept", Value: "1"})
		rec.Body, rec.Run = []byte{0xff}, "0123456789abcdef"
		s.Done(rec)
		time.Sleep(time.Second)
		synctest.Wait()
		cancel()
		<-done
		if len(got) != 1 || got[0].Run != "0123456789abcdef" || !got[0].Request.Base64 || got[0].Answer.Status != 200 || got[0].Endpoint != "GET /orders/{id}" || got[0].Subject == "" {
			t.Fatalf("%+v", got)
		}
		for _, h := range got[0].Request.Header {
			if h.Name == "Authorization" {
				t.Error("a credential is told")
			}
		}
		if _, err := s.Recordings(t.Context(), "none"); kind.Of(err) != kind.NotFound {
			t.Error(err)
		}
		for range maxRecorders {
			if _, err := s.Recordings(t.Context(), "move"); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Recordings(t.Context(), "move"); kind.Of(err) != kind.Exhausted {
			t.Error(err)
		}
		s.Done(recorded(8)) // nobody reads, nobody waits
		time.Sleep(time.Second)
	})
}

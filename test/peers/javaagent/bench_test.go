package javaagent

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// BenchmarkWrite times one write of the service through HTTP, pool and MariaDB: without the agent, with it and
// no mark, and with a mark of its own for each request. The variants take turns, so that noise hits all.
//
//	go test ./javaagent -run '^$' -bench Write -benchtime 3000x
func BenchmarkWrite(b *testing.B) {
	db := database(b)
	jdk := jdks(b)[0]
	n := newNode(b)
	plain := startApp(b, jdk, "none", "--jdbc", db.jdbc(b, "bench0", ""))
	agent := startApp(b, jdk, "node="+n.URL+",service=shop,sql=proxy", "--jdbc", db.jdbc(b, "bench1", ""))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	one := func(a *app, m string) time.Duration {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, a.base+"/sql?how=pool&text=x", nil)
		if err != nil {
			b.Fatal(err)
		}
		if m != "" {
			req.Header.Set(v1.MarkHeader, m)
		}
		from := time.Now()
		resp, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // the answer does not matter
		_ = resp.Body.Close()
		return time.Since(from)
	}
	for i := range 3000 { // until the compilers of both are done
		one(plain, "")
		one(agent, fmt.Sprintf("jindu:%016x:p:1:1", i))
	}
	var times [3][]time.Duration
	for i := range b.N {
		for k := range times {
			switch which := (i + k) % 3; which {
			case 0:
				times[which] = append(times[which], one(plain, ""))
			case 1:
				times[which] = append(times[which], one(agent, ""))
			default:
				times[which] = append(times[which], one(agent, fmt.Sprintf("jindu:%016x:p:1:1", i)))
			}
		}
	}
	for i, name := range []string{"plain", "unmarked", "marked"} {
		b.ReportMetric(float64(median(times[i]).Microseconds()), name+"-us")
	}
	b.ReportMetric(float64(median(times[1]))/float64(median(times[0])), "unmarked-ratio")
	b.ReportMetric(float64(median(times[2]))/float64(median(times[0])), "marked-ratio")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

package http1

import (
	"encoding/hex"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/gateway"
)

// record keeps a part of the answer's body when the tap wants it.
func (c *conn) record(data []byte) {
	n := &c.w.note
	if !n.plan.Record || n.record.truncated {
		return
	}
	if len(n.record.answer)+len(data) > n.plan.MaxResponse {
		n.record.truncated = true
		return
	}
	n.record.answer = append(n.record.answer, data...)
}

// recordHead begins the recording of an answer anew: an earlier try may have left something.
func (c *conn) recordHead() {
	r := &c.w.note.record
	r.answer, r.truncated = r.answer[:0], false
	r.fields = appendHeaders(r.fields[:0], c.w.resp.fields, true)
}

// appendHeaders copies fields. all includes those that are not passed on, but for hop-by-hop ones.
func appendHeaders(dst []v1.Header, fs fields, all bool) []v1.Header {
	for i := range fs {
		if f := &fs[i]; f.name != nil && (!f.drop || all && !hopByHop(f.header)) {
			dst = append(dst, v1.Header{Name: string(f.name), Value: string(f.value)})
		}
	}
	return dst
}

// after hands the recording to the tap and sends copies that the rule asks for.
func (c *conn) after(v *gateway.View) {
	w := c.w
	if w.note.plan.Record && w.ex.Origin == gateway.OriginUpstream {
		rec := c.recorded()
		if rec.Truncated || rec.ResponseTruncated {
			c.s.gw.Events.RecordingsTruncated.Add(1)
		}
		c.s.gw.Tap().Done(rec)
	}
	if r := w.ex.Decision.Rule; r != nil && len(r.Mirrors) > 0 && !w.ex.Shadow && w.ex.Origin != gateway.OriginNone {
		c.mirror(v)
	}
}

// recorded copies the exchange.
func (c *conn) recorded() *gateway.Recorded {
	w := c.w
	ex, d, s := &w.ex, &w.ex.Decision, &w.send
	rec := &gateway.Recorded{
		Route: d.Rule.Route, Rule: d.Rule.Name, Template: d.Template,
		Assigned: d.Side, Answered: ex.Answered, Subject: d.Subject, HasSubject: d.HasSubject,
		Trace: hex.EncodeToString(ex.Trace.TraceID[:]), Run: ex.RunID(), ByOwner: d.ByOwner, ClientIP: ex.Request.ClientIP,
		Method: string(w.req.method), Host: string(w.req.host), Target: string(w.req.target),
		Header: appendHeaders(nil, w.req.fields, false),
		Status: ex.Status, ResponseHeader: w.note.record.fields,
		Instance: ex.Instance, Start: ex.Start, Latency: ex.Latency,
	}
	if rw := d.Rule.Filters.Rewrite; rw != nil {
		rec.Target = string(c.appendTarget(nil, rw))
		if rw.Hostname != "" {
			rec.Host = rw.Hostname
		}
	}
	for _, list := range [...][]v1.Header{d.Rule.Filters.RequestHeaders.Set, d.Rule.Filters.RequestHeaders.Add} {
		for _, h := range list {
			if !hopByHop(classify([]byte(h.Name))) {
				rec.Header = append(rec.Header, h)
			}
		}
	}
	if d.Cohort != nil {
		rec.Migration, rec.Service, rec.Epoch = d.Cohort.Migration, d.Cohort.Service, d.Cohort.Epoch
	}
	if w.req.hasBody() {
		if rec.Truncated = !s.gathered || len(s.body) > w.note.plan.MaxRequest; !rec.Truncated {
			rec.Body = append([]byte(nil), s.body...)
		}
	}
	if rec.ResponseTruncated = w.note.record.truncated; !rec.ResponseTruncated {
		rec.ResponseBody = append([]byte(nil), w.note.record.answer...)
	}
	w.note.record.fields = nil // the recording owns them now
	return rec
}

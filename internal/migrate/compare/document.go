package compare

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// maxInflated bounds a body after its content coding is undone, in bytes.
const maxInflated = 16 << 20

// Doc is an answer, parsed once.
type Doc struct {
	Status  Value   // a number, or a word for a failure
	Failed  bool    // there was no answer
	Headers []Value // those that matter, by name; Key is header's name
	Root    *Value  // the body as JSON; nil when it is not
	Opaque  *Value  // digest of a body that is not JSON or beyond the bounds; nil when empty or JSON
	Effects *Value  // what was done; nil when it was not captured
	Paths   []int32 // the different field paths in it

	code int
	hash uint64
}

// Parse reads an answer.
func (r *Rules) Parse(a *Answer) *Doc {
	d := &Doc{code: a.Status}
	if a.Failure != "" {
		d.Failed = true
		d.Status = Value{Type: String, Text: a.Failure}
	} else {
		d.Status = Value{Type: Number, Text: strconv.Itoa(a.Status)}
		d.Headers = r.readHeaders(a)
		d.readBody(r, a)
		d.Effects = readEffects(a.Effects)
	}
	d.Paths = r.paths.mark(d)
	d.hash = r.sum(&d.Status)
	for i := range d.Headers {
		d.hash = mix(d.hash, r.sum(&d.Headers[i]))
		d.hash = mix(d.hash, uint64(d.Headers[i].path))
	}
	if d.Opaque != nil {
		d.hash = mix(d.hash, r.sum(d.Opaque))
	}
	if d.Root != nil {
		d.hash = mix(d.hash, r.sum(d.Root))
	}
	if d.Effects != nil {
		d.hash = mix(d.hash, r.sum(d.Effects))
	}
	return d
}

// PathName is the template that a number of Doc.Paths stands for.
func (r *Rules) PathName(id int32) string { return r.paths.name(id) }

func (d *Doc) readBody(r *Rules, a *Answer) {
	body := a.Body
	if r.on[ruleContentEncoding] && strings.EqualFold(a.get("Content-Encoding"), "gzip") {
		if plain, ok := inflate(body); ok {
			body = plain
		}
	}
	if len(body) == 0 {
		return
	}
	media, charset := mediaType(a.get("Content-Type"))
	if r.on[ruleGBK] {
		if plain, ok := fromGBK(body, charset); ok {
			body = plain
		}
	}
	if isJSONType(media) || maybeJSON(body) {
		if root, err := parseJSON(string(body)); err == nil {
			if r.on[ruleFastjsonRef] {
				resolveRefs(&root)
			}
			d.Root = &root
			return
		}
	}
	sum := sha256.Sum256(body)
	d.Opaque = &Value{Type: String, Text: strconv.Itoa(len(body)) + " bytes sha256:" + hex.EncodeToString(sum[:])}
}

// maybeJSON: services forget the content type of objects and lists, never of a bare word.
func maybeJSON(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

func isJSONType(media string) bool {
	return media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}

func inflate(body []byte) ([]byte, bool) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, false
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxInflated+1))
	return plain, err == nil && len(plain) <= maxInflated
}

// fromGBK decodes a body whose declared charset is of the GBK family.
func fromGBK(body []byte, charset string) ([]byte, bool) {
	switch charset {
	case "gbk", "gb2312", "gb18030", "cp936", "ms936":
		plain, err := simplifiedchinese.GB18030.NewDecoder().Bytes(body)
		return plain, err == nil
	}
	return nil, false
}

// Package webtest holds real answers of an API against its OpenAPI document, field for field.
package webtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Contract is the document of an API, ready to check answers. It is not for concurrent use.
type Contract struct {
	doc     map[string]any
	schemas *jsonschema.Compiler
	seen    map[string]bool // operation ids that an answer was checked of
}

const docURL = "http://jindu/openapi.json"

// New reads the document of api, after all operations were added. OpenAPI 3.1 schemas are JSON Schema
// 2020-12.
func New(t testing.TB, api huma.API) *Contract {
	t.Helper()
	data, err := json.Marshal(api.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	c := &Contract{seen: map[string]bool{}, schemas: jsonschema.NewCompiler()}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c.doc = doc.(map[string]any)
	c.schemas.DefaultDraft(jsonschema.Draft2020)
	c.schemas.AssertFormat()
	if err := c.schemas.AddResource(docURL, doc); err != nil {
		t.Fatal(err)
	}
	return c
}

// Do serves r with h, checks the answer, and returns it.
func (c *Contract) Do(t testing.TB, h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := c.Check(r.Method, r.URL.Path, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()); err != nil {
		t.Errorf("%s %s: %v\n%s", r.Method, r.URL, err, w.Body)
	}
	return w
}

// Check says where an answer differs from the document: an operation, status or content type that is
// not there, a field that is not declared, missing, or of another shape.
func (c *Contract) Check(method, path string, status int, contentType string, body []byte) error {
	template, op, err := c.operation(method, path)
	if err != nil {
		return err
	}
	responses, _ := op["responses"].(map[string]any)
	key := strconv.Itoa(status)
	response, ok := responses[key].(map[string]any)
	if !ok {
		key = "default"
		if response, ok = responses[key].(map[string]any); !ok {
			return fmt.Errorf("status %d is not in the document", status)
		}
	}
	id, _ := op["operationId"].(string)
	c.seen[id] = true
	content, _ := response["content"].(map[string]any)
	if len(content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("status %d has a body of %d bytes, the document says none", status, len(body))
		}
		return nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("content type %q: %w", contentType, err)
	}
	if _, ok := content[media]; !ok {
		return fmt.Errorf("status %d with content type %q is not in the document", status, media)
	}
	if media == "text/event-stream" || media == "text/html" {
		return nil
	}
	return c.validate([]string{"paths", template, strings.ToLower(method), "responses", key, "content", media, "schema"}, body)
}

// CheckEvent holds the data of a server-sent event of an operation against the document.
func (c *Contract) CheckEvent(path string, data []byte) error {
	template, op, err := c.operation(http.MethodGet, path)
	if err != nil {
		return err
	}
	id, _ := op["operationId"].(string)
	c.seen[id] = true
	return c.validate([]string{"paths", template, "get", "responses", "200", "content", "text/event-stream", "x-data"}, data)
}

// Unseen lists the operations of which no answer was checked.
func (c *Contract) Unseen() []string {
	var ids []string
	paths, _ := c.doc["paths"].(map[string]any)
	for _, item := range paths {
		for _, op := range item.(map[string]any) {
			if op, ok := op.(map[string]any); ok {
				if id, _ := op["operationId"].(string); id != "" && !c.seen[id] {
					ids = append(ids, id)
				}
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// validate checks data against the schema at a place of the document.
func (c *Contract) validate(place []string, data []byte) error {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	for i := range place {
		place[i] = escape.Replace(place[i])
	}
	schema, err := c.schemas.Compile(docURL + "#/" + strings.Join(place, "/"))
	if err != nil {
		return fmt.Errorf("the document is not valid there: %w", err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("body is no JSON: %w", err)
	}
	return schema.Validate(value)
}

// operation finds the path template and the operation of a request; a template without parameters goes
// before one with.
func (c *Contract) operation(method, path string) (string, map[string]any, error) {
	paths, _ := c.doc["paths"].(map[string]any)
	best := ""
	for template := range paths {
		if matches(template, path) && (best == "" || strings.Count(template, "{") < strings.Count(best, "{")) {
			best = template
		}
	}
	item, _ := paths[best].(map[string]any)
	op, ok := item[strings.ToLower(method)].(map[string]any)
	if !ok {
		return "", nil, fmt.Errorf("%s %s is not in the document", method, path)
	}
	return best, op, nil
}

func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") && g != "" })
}

package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/suggest"
)

const maxFieldErrors = 20

// validationProblem is what huma found wrong with a request, in the shape and with the code of ours.
func validationProblem(registry huma.Registry, ctx huma.Context, e *huma.ErrorModel) v1.Problem {
	p := v1.Problem{Status: e.Status, Title: kind.Invalid.String(), Code: "JD-API-001", Detail: e.Detail}
	switch e.Status {
	case http.StatusRequestEntityTooLarge:
		p.Title, p.Code = kind.Exhausted.String(), "JD-API-013"
		p.Detail += "; send less at once"
	case http.StatusRequestTimeout:
		p.Title, p.Code = kind.Unavailable.String(), "JD-API-014"
		p.Detail += "; send the body faster"
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		p.Title, p.Code = kind.Unsupported.String(), "JD-API-008"
	case http.StatusInternalServerError:
		return ProblemOf(ctx.Context(), e)
	default:
		p.Detail = "the request does not fit the API; correct each field named in errors"
	}
	for _, d := range e.Errors {
		p.Errors = append(p.Errors, fieldError(registry, ctx.Operation(), d))
	}
	slices.SortStableFunc(p.Errors, func(a, b v1.FieldError) int { return cmp.Compare(a.Field, b.Field) })
	if more := len(p.Errors) - maxFieldErrors; more > 0 {
		p.Errors = p.Errors[:maxFieldErrors]
		p.Detail += fmt.Sprintf(" (%d more left out)", more)
	}
	if len(p.Errors) == 0 && e.Detail != "" {
		p.Detail = e.Detail
	}
	return p
}

func fieldError(registry huma.Registry, op *huma.Operation, d *huma.ErrorDetail) v1.FieldError {
	f := v1.FieldError{Field: strings.TrimPrefix(d.Location, "body."), Detail: d.Message}
	switch value := d.Value.(type) {
	case map[string]any:
		if d.Message == validation.MsgUnexpectedProperty {
			parent, name := cutLast(d.Location)
			f.Value = short(value[name])
			f.Detail = "unknown field; remove it"
			if known := suggest.Nearest(name, propertiesAt(registry, op, parent)); known != "" {
				f.Detail = fmt.Sprintf("unknown field; did you mean %s?", known)
			}
		}
	case []any, nil:
	default:
		f.Value = short(value)
	}
	if d.Location == "body" {
		f.Value = ""
	}
	return f
}

func short(v any) string {
	switch v.(type) {
	case map[string]any, []any, nil:
		return ""
	}
	text := fmt.Sprint(v)
	if len(text) > 64 {
		text = strings.ToValidUTF8(text[:64], "") + "…"
	}
	return text
}

func cutLast(location string) (parent, name string) {
	i := strings.LastIndexByte(location, '.')
	return location[:max(i, 0)], location[i+1:]
}

// propertiesAt lists the fields of the object at location, such as body.spec.rules[0].
func propertiesAt(registry huma.Registry, op *huma.Operation, location string) []string {
	if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil {
		return nil
	}
	s := resolve(registry, op.RequestBody.Content["application/json"].Schema)
	steps := strings.Split(location, ".")
	for _, step := range steps[1:] {
		name, _, indexed := strings.Cut(step, "[")
		if s == nil || s.Properties[name] == nil {
			return nil
		}
		s = resolve(registry, s.Properties[name])
		for indexed && s != nil && s.Type == huma.TypeArray {
			s = resolve(registry, s.Items)
		}
	}
	if s == nil {
		return nil
	}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func resolve(registry huma.Registry, s *huma.Schema) *huma.Schema {
	for s != nil && s.Ref != "" {
		s = registry.SchemaFromRef(s.Ref)
	}
	return s
}

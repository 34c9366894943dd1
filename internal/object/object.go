package object

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// MaxBytes is how large an object may be as JSON, status included.
const MaxBytes = 256 << 10

// Object is an object of any kind.
type Object struct {
	v1.TypeMeta
	Metadata v1.Meta         `json:"metadata"`
	Spec     json.RawMessage `json:"spec"`
	Status   json.RawMessage `json:"status,omitempty"`
}

// As decodes an object into its type, such as v1.Service.
func As[T any](o Object) (T, error) {
	var out T
	data, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		return out, kind.New(kind.Internal, "JD-OBJECT-012", "decode %s %q into %T: %w", o.Kind, o.Metadata.Name, out, err)
	}
	return out, nil
}

// From makes an Object of a typed one, such as v1.Service.
func From[T any](typed T) (Object, error) {
	var o Object
	data, err := json.Marshal(typed)
	if err == nil {
		err = json.Unmarshal(data, &o)
	}
	if err != nil {
		return o, kind.New(kind.Internal, "JD-OBJECT-012", "encode %T: %w", typed, err)
	}
	return o, nil
}

// Type is a kind of object.
type Type struct {
	Kind v1.Kind
	// Computed says that the status is not stored: it is worked out when the object is read.
	Computed     bool
	spec, status reflect.Type
}

// TypeOf makes a Type of the Go types of spec and status.
func TypeOf[Spec, Status any](k v1.Kind, computed bool) Type {
	return Type{Kind: k, Computed: computed, spec: reflect.TypeFor[Spec](), status: reflect.TypeFor[Status]()}
}

// Types are the kinds of api/v1.
func Types() []Type {
	return []Type{
		TypeOf[v1.ServiceSpec, v1.ServiceStatus](v1.KindService, true),
		TypeOf[v1.InstanceSpec, v1.InstanceStatus](v1.KindInstance, true),
		TypeOf[v1.RouteSpec, v1.RouteStatus](v1.KindRoute, true),
		TypeOf[v1.MigrationSpec, v1.MigrationStatus](v1.KindMigration, false),
	}
}

// canonical checks data against t and returns it as the store keeps it: one JSON form for one meaning.
func canonical(t reflect.Type, data json.RawMessage, path string) (json.RawMessage, error) {
	if len(bytes.TrimSpace(data)) == 0 || bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		data = json.RawMessage("{}")
	}
	v := reflect.New(t)
	if err := decodeStrict(data, v.Interface(), path); err != nil {
		return nil, err
	}
	out, err := json.Marshal(v.Interface())
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-OBJECT-001", "%s has no JSON form: %w", path, err)
	}
	return out, nil
}

// checkMeta checks what a user says beside the spec.
func checkMeta(o Object) error {
	var fields []kind.Field
	if o.APIVersion != v1.APIVersion {
		fields = append(fields, kind.Field{Path: "apiVersion", Value: o.APIVersion, Detail: "use " + v1.APIVersion})
	}
	if !validName(o.Metadata.Name) {
		fields = append(fields, kind.Field{Path: "metadata.name", Value: fmt.Sprintf("%.64s", o.Metadata.Name),
			Detail: "use 1 to 253 of a-z 0-9 - . : _, the first and the last a letter or a digit"})
	}
	if o.Metadata.Revision < 0 {
		fields = append(fields, kind.Field{Path: "metadata.revision", Value: fmt.Sprint(o.Metadata.Revision), Detail: "give the revision that was read, or none"})
	}
	if len(o.Metadata.Labels) > 64 {
		fields = append(fields, kind.Field{Path: "metadata.labels", Value: fmt.Sprint(len(o.Metadata.Labels)), Detail: "use at most 64"})
	}
	if fields == nil {
		return nil
	}
	return kind.New(kind.Invalid, "JD-OBJECT-003", "%s %.64q is not valid", o.Kind, o.Metadata.Name).WithFields(fields...)
}

func validName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	alnum := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
	for i := range len(name) {
		if !alnum(name[i]) && strings.IndexByte("-.:_", name[i]) < 0 {
			return false
		}
	}
	return alnum(name[0]) && alnum(name[len(name)-1])
}

// Keys: o/<kind>/<name> holds an object, audit/<number> a record, head the state of the log.
const (
	objectPrefix = "o/"
	auditPrefix  = "audit/"
	headKey      = "head"
)

func objectKey(k v1.Kind, name string) string { return objectPrefix + string(k) + "/" + name }

func auditKey(seq int64) string { return fmt.Sprintf("%s%016x", auditPrefix, seq) }

// parseKey is the kind and the name of an object's key.
func parseKey(key string) (v1.Kind, string) {
	k, name, _ := strings.Cut(strings.TrimPrefix(key, objectPrefix), "/")
	return v1.Kind(k), name
}

// decodeKV is the object that kv holds; its revision is the store's.
func decodeKV(kv KV) (Object, error) {
	var o Object
	if err := json.Unmarshal(kv.Value, &o); err != nil {
		return o, kind.New(kind.Internal, "JD-OBJECT-013", "stored object %s cannot be read: %w; restore from a backup or an export", kv.Key, err)
	}
	o.Metadata.Revision = kv.Modified
	return o, nil
}

package conf

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"jindu.dev/jindu/internal/kit/kind"
)

// maxFile bounds the configuration file.
const maxFile = 1 * MiB

// Source says where a configuration comes from, beside the defaults that the struct holds already.
type Source struct {
	File      string   // path of the YAML file; none when empty
	Env       []string // NAME=value, as os.Environ gives it
	EnvPrefix string   // such as JINDU; no variables are read when empty
	EnvOther  []string // variables with the prefix that belong to somebody else
	Flags     []Flag   // in order
}

// Flag is a flag of the command line that sets a key.
type Flag struct {
	Name  string // as the user typed it, such as --data-dir
	Path  string // of the key, such as dataDir
	Value string
}

// From says which kind of source set a key.
type From string

// The sources, in the order in which one overrules the other.
const (
	FromDefault From = "default"
	FromFile    From = "file"
	FromEnv     From = "env"
	FromFlag    From = "flag"
)

// Origin says what set a key.
type Origin struct {
	From  From
	Where string // file:line:column, name of the variable, or of the flag
}

// String is such as "file jindu.yaml:3:5".
func (o Origin) String() string {
	if o.Where == "" {
		return string(cmp.Or(o.From, FromDefault))
	}
	return string(o.From) + " " + o.Where
}

// Result says where the values came from.
type Result struct {
	File    string
	Origins map[string]Origin // by path of leaf; absent: default
}

// Load reads src over the defaults in cfg, a pointer to a struct, and validates the whole. All that is
// wrong is in the error; cfg is then not to be used.
func Load(cfg any, src Source) (Result, error) {
	result := Result{File: src.File, Origins: map[string]Origin{}}
	var data []byte
	if src.File != "" {
		var err error
		if data, err = readFile(src.File); err != nil {
			return result, err
		}
	}
	return result, load(cfg, data, src, result)
}

func load(cfg any, data []byte, src Source, result Result) error {
	v := reflect.ValueOf(cfg).Elem()
	d := &decoder{file: filepath.Base(src.File), dir: filepath.Dir(src.File), root: rootOf(v.Type()), origins: result.Origins}
	d.document(data, v)
	d.environment(src, v)
	d.flags(src.Flags, v)
	if len(d.problems) == 0 {
		d.problems = validate(&d.root, v, result.Origins)
	}
	if len(d.problems) > 0 {
		return wrong(src.File, d.problems)
	}
	return nil
}

func wrong(file string, problems []kind.Field) error {
	what := "the configuration"
	if file != "" {
		what += " " + file
	}
	noun := "problems"
	if len(problems) == 1 {
		noun = "problem"
	}
	return kind.New(kind.Invalid, "JD-CONF-003", "%s has %d %s", what, len(problems), noun).WithFields(problems...)
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, kind.New(kind.NotFound, "JD-CONF-001", "the configuration file %s does not exist; name another with --config, or none for the defaults: %w", path, err)
	case err != nil:
		return nil, kind.New(kind.Unavailable, "JD-CONF-002", "read the configuration file: %w", err)
	case info.IsDir():
		return nil, kind.New(kind.Invalid, "JD-CONF-002", "the configuration file %s is a directory; name the file in it", path)
	case info.Size() > int64(maxFile):
		return nil, kind.New(kind.Exhausted, "JD-CONF-002", "the configuration file %s is larger than %v", path, maxFile)
	}
	data, err := os.ReadFile(path) //nolint:gosec // the operator names this file
	if err != nil {
		return nil, kind.New(kind.Unavailable, "JD-CONF-002", "read the configuration file: %w", err)
	}
	return data, nil
}

// text shortens what a user gave, for a message.
func short(s string) string {
	const most = 80
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", string(r[:most]), len(s))
}

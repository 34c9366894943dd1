package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/web"
	"jindu.dev/jindu/internal/object"
)

// document is one object and where it was read.
type document struct {
	where  string // file, or file#2 for the second in it
	object object.Object
}

func (d document) String() string {
	return strings.ToLower(string(d.object.Kind)) + "/" + d.object.Metadata.Name
}

func (c *cli) applyCmd() *cobra.Command {
	var files []string
	var dry bool
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Create or change objects from files", Args: exactly(),
		Long: `Create or change the objects in YAML or JSON files: services first, then migrations, routes, instances.
Every object is checked, by the node too, before the first is written: files with a mistake change
nothing. An object that says metadata.revision is written only if that is still its revision.`,
		Example: `  jindu apply -f orders.yaml
  jindu apply -f config/ --dry-run      every .yaml, .yml and .json file of a directory
  jindu export | jindu apply -f -       from standard input`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(files) == 0 {
				return usagef("-f FILE is missing")
			}
			docs, err := c.readDocuments(files)
			if err != nil {
				return err
			}
			cl, err := c.client()
			if err != nil {
				return err
			}
			return c.apply(cmd.Context(), cl, docs, dry)
		},
	}
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "file, directory, or - for standard input; can be repeated")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would happen, change nothing")
	return c.remoteFlags(cmd)
}

// apply has the node check every document, then writes them one by one.
func (c *cli) apply(ctx context.Context, cl *client, docs []document, dry bool) error {
	outcomes := make([]string, len(docs))
	var wrong []kind.Field
	for i, d := range docs {
		var err error
		outcomes[i], err = cl.put(ctx, d.object, true)
		if e, ok := errors.AsType[*kind.Error](err); ok && e.Kind != kind.Unavailable && e.Kind != kind.Denied {
			wrong = append(wrong, fieldsOf(d, e)...)
		} else if err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		return invalid(wrong)
	}
	for i, d := range docs {
		if !dry {
			var err error
			if outcomes[i], err = cl.put(ctx, d.object, false); err != nil {
				return fmt.Errorf("%s: apply %s (the %d before it are applied): %w", d.where, d, i, err)
			}
		}
		text := outcomes[i]
		if dry {
			text += " (dry run)"
		}
		if err := c.printf("%s %s\n", d, text); err != nil {
			return err
		}
	}
	return nil
}

func invalid(wrong []kind.Field) error {
	noun := "mistakes"
	if len(wrong) == 1 {
		noun = "mistake"
	}
	return kind.New(kind.Invalid, "JD-CLI-005", "nothing was applied: %d %s", len(wrong), noun).WithFields(wrong...)
}

// fieldsOf says of each mistake which document has it.
func fieldsOf(d document, e *kind.Error) []kind.Field {
	if len(e.Fields) == 0 {
		return []kind.Field{{Path: d.where + " " + d.String(), Detail: fmt.Sprintf("%s (%s)", e.Detail, e.Code)}}
	}
	fields := slices.Clone(e.Fields)
	for i := range fields {
		fields[i].Path = d.where + " " + d.String() + ": " + fields[i].Path
	}
	return fields
}

// put applies one object and says whether it was created, updated or unchanged.
func (cl *client) put(ctx context.Context, o object.Object, dry bool) (string, error) {
	path := resourceOf(o.Kind).path(o.Metadata.Name)
	query := url.Values{}
	if dry {
		query.Set("dryRun", "true")
	}
	header, err := cl.call(ctx, http.MethodPut, path, query, o, nil)
	if err != nil {
		return "", err
	}
	return header.Get("X-Jindu-Outcome"), nil
}

// readDocuments reads all objects of the files, checks what can be checked without the node, and sorts
// them by the order in which they depend on each other.
func (c *cli) readDocuments(files []string) ([]document, error) {
	var docs []document
	var wrong []kind.Field
	for _, name := range files {
		paths, err := expand(name)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			data, err := c.readInput(path)
			if err != nil {
				return nil, err
			}
			more, bad := parse(path, data)
			docs, wrong = append(docs, more...), append(wrong, bad...)
		}
	}
	wrong = append(wrong, twice(docs)...)
	if len(wrong) > 0 {
		return nil, invalid(wrong)
	}
	if len(docs) == 0 {
		return nil, kind.New(kind.Invalid, "JD-CLI-005", "there is no object in %s", strings.Join(files, ", "))
	}
	slices.SortStableFunc(docs, func(a, b document) int {
		return slices.Index(v1.Kinds, a.object.Kind) - slices.Index(v1.Kinds, b.object.Kind)
	})
	return docs, nil
}

// expand is the files that a name stands for.
func expand(name string) ([]string, error) {
	if name == "-" {
		return []string{name}, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, kind.New(kind.NotFound, "JD-CLI-005", "read objects: %w", err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name) // sorted by name
	if err != nil {
		return nil, kind.New(kind.Unavailable, "JD-CLI-005", "read objects: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml" || ext == ".json") {
			paths = append(paths, filepath.Join(name, e.Name()))
		}
	}
	return paths, nil
}

// maxInput bounds one file of objects.
const maxInput = 64 << 20

func (c *cli) readInput(path string) ([]byte, error) {
	in := c.in
	if path != "-" {
		f, err := os.Open(path) //nolint:gosec // the user names this file
		if err != nil {
			return nil, kind.New(kind.NotFound, "JD-CLI-005", "read objects: %w", err)
		}
		defer func() { _ = f.Close() }() // it is only read
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return nil, kind.New(kind.Unavailable, "JD-CLI-005", "read objects from %s: %w", path, err)
	}
	if len(data) > maxInput {
		return nil, kind.New(kind.Exhausted, "JD-CLI-005", "%s is larger than 64 MiB; split it", path)
	}
	return data, nil
}

// parse reads the objects of one file.
func parse(path string, data []byte) (docs []document, wrong []kind.Field) {
	if path == "-" {
		path = "standard input"
	}
	texts, err := web.YAMLToJSON(data)
	if err != nil {
		return nil, []kind.Field{{Path: path, Detail: "this is neither YAML nor JSON: " + strings.TrimPrefix(err.Error(), "yaml: ")}}
	}
	for i, text := range texts {
		d := document{where: path}
		if len(texts) > 1 {
			d.where = fmt.Sprintf("%s#%d", path, i+1)
		}
		d.object, err = object.Decode(text)
		if e, ok := errors.AsType[*kind.Error](err); ok {
			for _, f := range fieldsOf(d, e) {
				f.Path = strings.Replace(f.Path, " "+d.String(), "", 1) // what could not be read has no name yet
				wrong = append(wrong, f)
			}
			continue
		}
		if !slices.Contains(v1.Kinds, d.object.Kind) {
			wrong = append(wrong, kind.Field{Path: d.where + ": kind", Value: string(d.object.Kind), Detail: fmt.Sprintf("must be one of %v", v1.Kinds)})
			continue
		}
		if d.object.Metadata.Name == "" {
			wrong = append(wrong, kind.Field{Path: d.where + ": metadata.name", Detail: "every object has a name"})
			continue
		}
		d.object.Status = nil // it is the node's
		if len(d.object.Spec) == 0 {
			d.object.Spec = json.RawMessage("{}")
		}
		docs = append(docs, d)
	}
	return docs, wrong
}

// twice finds objects that are there more than once: which one counts would be left to chance.
func twice(docs []document) []kind.Field {
	var wrong []kind.Field
	first := map[string]string{}
	for _, d := range docs {
		if where, ok := first[d.String()]; ok {
			wrong = append(wrong, kind.Field{Path: d.where + " " + d.String(), Detail: "the object is in " + where + " already"})
		}
		first[d.String()] = d.where
	}
	return wrong
}

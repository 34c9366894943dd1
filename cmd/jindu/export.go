package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/web"
	"jindu.dev/jindu/internal/object"
)

// exported is an object as export writes it: what a user would have written.
type exported struct {
	v1.TypeMeta
	Metadata struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels,omitempty"`
	} `json:"metadata"`
	Spec json.RawMessage `json:"spec"`
}

func (c *cli) exportCmd() *cobra.Command {
	var file string
	var leased bool
	cmd := &cobra.Command{
		Use: "export", Short: "Write every object as YAML that apply reads", Args: exactly(),
		Long: `Write every object as YAML: what users said, without status and without what the node adds, so that it
can be kept in git and applied anywhere. Instances that registered themselves hold a lease and are left
out; they register again by themselves.`,
		Example: "  jindu export > objects.yaml\n  jindu export -f objects.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			data, count, err := cl.export(cmd.Context(), leased)
			if err != nil {
				return err
			}
			if file == "-" {
				return c.printf("%s", data)
			}
			if err := replaceFile(file, data); err != nil {
				return err
			}
			return c.printf("%d objects written to %s\n", count, file)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "-", "file to write, - for standard output")
	cmd.Flags().BoolVar(&leased, "leased", false, "instances with a lease too")
	return c.remoteFlags(cmd)
}

func (cl *client) export(ctx context.Context, leased bool) ([]byte, int, error) {
	var b bytes.Buffer
	count := 0
	for _, r := range resources() {
		var list v1.List[object.Object]
		if err := cl.do(ctx, http.MethodGet, r.path(""), nil, nil, &list); err != nil {
			return nil, 0, err
		}
		for _, o := range list.Items {
			if i, err := object.As[v1.Instance](o); r.kind == v1.KindInstance && err == nil && i.Spec.TTL != "" && !leased {
				continue
			}
			e := exported{TypeMeta: o.TypeMeta, Spec: o.Spec}
			e.Metadata.Name, e.Metadata.Labels = o.Metadata.Name, o.Metadata.Labels
			data, err := json.Marshal(e)
			if err != nil {
				return nil, 0, fmt.Errorf("write %s %s: %w", o.Kind, o.Metadata.Name, err)
			}
			if count++; count > 1 {
				b.WriteString("---\n")
			}
			if err := web.JSONToYAML(&b, data); err != nil {
				return nil, 0, fmt.Errorf("write %s %s: %w", o.Kind, o.Metadata.Name, err)
			}
		}
	}
	return b.Bytes(), count, nil
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return kind.New(kind.Unavailable, "JD-CLI-006", "write %s: %w", path, err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return kind.New(kind.Unavailable, "JD-CLI-006", "write %s: %w", path, err)
	}
	return nil
}

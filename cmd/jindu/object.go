package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// resourceCmd is `jindu service` and its like.
func (c *cli) resourceCmd(r resource) *cobra.Command {
	cmd := group(r.name, fmt.Sprintf("List, get and delete %ss: %s", r.name, r.short), "")
	cmd.Aliases = []string{r.name + "s"}
	cmd.AddCommand(c.listCmd(r), c.getCmd(r), c.deleteCmd(r))
	return c.remoteFlags(cmd)
}

func (c *cli) listCmd(r resource) *cobra.Command {
	var o output
	var follow bool
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: fmt.Sprintf("List every %s", r.name), Args: exactly(),
		Example: fmt.Sprintf("  jindu %[1]s list\n  jindu %[1]s list -o yaml\n  jindu %[1]s list --watch", r.name),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			list, err := c.list(cmd.Context(), cl, r, o)
			if err != nil || !follow {
				return err
			}
			return c.follow(cmd.Context(), cl, r, o, list.Revision)
		},
	}
	o.flag(cmd)
	cmd.Flags().BoolVarP(&follow, "watch", "w", false, "go on with each change, until interrupted")
	return cmd
}

func (c *cli) list(ctx context.Context, cl *client, r resource, o output) (v1.List[json.RawMessage], error) {
	var list v1.List[json.RawMessage]
	if err := cl.do(ctx, http.MethodGet, r.path(""), nil, nil, &list); err != nil {
		return list, err
	}
	return list, c.show(o, list, func() error {
		if len(list.Items) == 0 {
			return c.printf("There is no %s.\n", r.name)
		}
		return c.rows(r, list.Items...)
	})
}

// rows prints objects as a table.
func (c *cli) rows(r resource, objects ...json.RawMessage) error {
	t := table{r.head}
	for _, data := range objects {
		rows, err := r.rows(data)
		if err != nil {
			return err
		}
		t = append(t, rows...)
	}
	return c.printf("%v", t)
}

// follow prints each change from revision on. When the node no longer has the revision, it lists again.
func (c *cli) follow(ctx context.Context, cl *client, r resource, o output, revision int64) error {
	for {
		query := url.Values{"kind": {string(r.kind)}, "revision": {strconv.FormatInt(revision+1, 10)}}
		for event, err := range follow[v1.WatchEvent](ctx, cl, "watch", query) {
			switch {
			case ctx.Err() != nil:
				return nil // interrupted: that is how a watch ends
			case kind.Code(err) == "JD-OBJECT-008":
				list, err := c.list(ctx, cl, r, o)
				if err != nil {
					return err
				}
				revision = list.Revision
			case err != nil:
				return err
			default:
				revision = event.Revision
				if err := c.event(r, o, event); err != nil {
					return err
				}
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

func (c *cli) event(r resource, o output, e v1.WatchEvent) error {
	if o == "yaml" {
		if err := c.printf("---\n"); err != nil {
			return err
		}
	}
	return c.show(o, e, func() error {
		if e.Type == "delete" {
			return c.printf("%s %s deleted\n", r.name, clean(e.Name))
		}
		rows, err := r.rows(e.Object)
		if err != nil {
			return err
		}
		return c.printf("%v", table(rows))
	})
}

func (c *cli) getCmd(r resource) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "get NAME", Short: fmt.Sprintf("Show one %s", r.name), Args: exactly("NAME"),
		Example:           fmt.Sprintf("  jindu %[1]s get orders\n  jindu %[1]s get orders -o yaml", r.name),
		ValidArgsFunction: c.completeNames(r),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			var data json.RawMessage
			if err := cl.do(cmd.Context(), http.MethodGet, r.path(args[0]), nil, nil, &data); err != nil {
				return err
			}
			return c.show(o, data, func() error {
				if r.kind == v1.KindMigration {
					return c.describeMigration(data)
				}
				return c.rows(r, data)
			})
		},
	}
	o.flag(cmd)
	return cmd
}

func (c *cli) deleteCmd(r resource) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: fmt.Sprintf("Delete one %s", r.name), Args: exactly("NAME"),
		Example:           fmt.Sprintf("  jindu %s delete orders", r.name),
		ValidArgsFunction: c.completeNames(r),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			if err := cl.do(cmd.Context(), http.MethodDelete, r.path(args[0]), nil, nil, nil); err != nil {
				return err
			}
			return c.printf("%s %s deleted\n", r.name, args[0])
		},
	}
}

// completeNames offers the names of the objects that exist.
func (c *cli) completeNames(r resource) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		cl, err := c.client()
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var list v1.List[struct{ Metadata v1.Meta }]
		if err := cl.do(cmd.Context(), http.MethodGet, r.path(""), nil, nil, &list); err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, item := range list.Items {
			names = append(names, item.Metadata.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

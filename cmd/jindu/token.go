package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/web"
)

func (c *cli) tokenCmd() *cobra.Command {
	var role, file string
	var services []string
	cmd := &cobra.Command{
		Use: "token NAME", Short: "Make a token for somebody who is not on this machine", Args: exactly("NAME"),
		Long: `Make a token. The secret is written to standard output and kept nowhere; the token file of a node gets
its hash. A token of the role register names the services it is for, and only registers these.`,
		Example: `  jindu token ann --role operator --file /etc/jindu/tokens.yaml > ann.token
  jindu token orders --role register --service orders --file /etc/jindu/tokens.yaml > orders.token`,
		RunE: func(_ *cobra.Command, args []string) error {
			secret, hash := web.NewToken()
			entry := web.Token{Name: args[0], Role: v1.Role(role), Services: services, Hash: hash}
			if err := c.keep(file, entry); err != nil {
				return err
			}
			return c.printf("%s\n", secret)
		},
	}
	cmd.Flags().StringVar(&role, "role", string(v1.RoleViewer), "viewer, operator, approver, admin or register")
	cmd.Flags().StringArrayVar(&services, "service", nil, "service of a register token; can be repeated")
	cmd.Flags().StringVar(&file, "file", "", "token file of the node, which gets the entry; standard error when absent")
	complete(cmd, "role", "viewer", "operator", "approver", "admin", "register")
	return cmd
}

// keep adds the entry to the token file, which stays as it is if the result would not be valid.
func (c *cli) keep(file string, entry web.Token) error {
	shown := struct {
		Name     string   `yaml:"name"`
		Role     v1.Role  `yaml:"role"`
		Services []string `yaml:"services,omitempty,flow"`
		Hash     string   `yaml:"hash"`
	}{entry.Name, entry.Role, entry.Services, entry.Hash}
	text, err := yaml.Marshal([]any{shown})
	if err != nil {
		return fmt.Errorf("write the entry: %w", err)
	}
	var data []byte
	if file != "" {
		if data, err = os.ReadFile(file); err != nil && !errors.Is(err, fs.ErrNotExist) { //nolint:gosec // the user names this file
			return kind.New(kind.Unavailable, "JD-CLI-002", "read the token file: %w", err)
		}
		if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
			data = append(data, '\n')
		}
	}
	data = append(data, text...)
	if _, err := web.ParseTokens(data); err != nil {
		return err
	}
	if file != "" {
		return replaceFile(file, data)
	}
	_, err = c.errOut.Write(text)
	return err
}

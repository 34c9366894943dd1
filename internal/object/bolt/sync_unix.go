//go:build !windows

package bolt

import (
	"errors"
	"os"
)

// syncDir makes the name of a new file durable.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the data directory that the operator names
	if err != nil {
		return notWritable(dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return notWritable(dir, err)
	}
	return nil
}

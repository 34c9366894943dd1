package data

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"jindu.dev/jindu/test/peers/proc"
)

// silent keeps the driver from writing to the standard error: what a connection says is in the errors.
type silent struct{}

func (silent) Print(...any) {}

var binDir string

func TestMain(m *testing.M) {
	var err error
	if binDir, err = os.MkdirTemp("", "jindu-peers-data-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := mysql.SetLogger(silent{}); err != nil { // connections break here all the time
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(binDir)
	os.Exit(code)
}

// jindu is the binary of this tree, built once.
var jindu = sync.OnceValues(func() (string, error) { return proc.Jindu(binDir) })

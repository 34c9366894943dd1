package data

import (
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"jindu.dev/jindu/test/peers/proc"
)

var binDir string

func TestMain(m *testing.M) {
	var err error
	if binDir, err = os.MkdirTemp("", "jindu-peers-data-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := mysql.SetLogger(log.New(io.Discard, "", 0)); err != nil { // connections break here all the time
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(binDir)
	os.Exit(code)
}

// jindu is the binary of this tree, built once.
var jindu = sync.OnceValues(func() (string, error) { return proc.Jindu(binDir) })

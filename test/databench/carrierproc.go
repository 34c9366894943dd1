package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/dbserver"
)

// carrierProc is a carrier as this process sees it.
type carrierProc struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func (b *bench) carrier(ctx context.Context, o order, name string) (*carrierProc, error) {
	if b.profile != "" {
		o.Profile = filepath.Join(b.profile, name+".pprof")
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, "carrier")
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &carrierProc{cmd: cmd, in: in, out: bufio.NewScanner(out)}
	c.out.Buffer(nil, 16<<20)
	b.atEnd(c.end)
	raw, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	_, err = in.Write(append(raw, '\n'))
	return c, err
}

// end lets it end by itself; again is nothing.
func (c *carrierProc) end() {
	if c.in == nil {
		return
	}
	_ = c.in.Close() // what it waits for
	c.in = nil
	stop := time.AfterFunc(20*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer stop.Stop()
	_ = c.cmd.Wait() // it has told what there was to tell
}

func (c *carrierProc) ask(question string) (answer, error) {
	var a answer
	if _, err := io.WriteString(c.in, question+"\n"); err != nil {
		return a, err
	}
	if !c.out.Scan() {
		return a, fmt.Errorf("the carrier ended: %w", errors.Join(c.out.Err(), io.ErrUnexpectedEOF))
	}
	if err := json.Unmarshal(c.out.Bytes(), &a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

// await asks for the status until ok says so, and gives the last answer.
func (c *carrierProc) await(ctx context.Context, every, limit time.Duration, what string, ok func(a *answer) bool) (answer, error) {
	var last answer
	err := poll(ctx, every, limit, what, func() (bool, error) {
		var err error
		last, err = c.ask("status")
		return err == nil && ok(&last), err
	})
	if err != nil && last.Status.Migration != "" {
		raw, _ := json.Marshal(last.Status) // plain values
		err = fmt.Errorf("%w\n%s", err, raw)
	}
	return last, err
}

// caughtUp says that what was there is copied and compared once.
func caughtUp(a *answer) bool {
	for _, t := range a.Status.Tables {
		if t.Backfill != "done" || t.Compared == nil {
			return false
		}
	}
	return len(a.Status.Tables) > 0
}

func side(s *dbserver.Server, schema string) database {
	return database{Kind: string(s.Kind), Address: s.Addr, Schema: schema, User: s.User, Password: s.Password}
}

// carries is the spec of tables with a column version, from MariaDB's binary log.
func carries(tables ...v1.TableRule) v1.DataSpec {
	return v1.DataSpec{
		Old: v1.DataSide{Database: "old", Capture: "binlog"}, New: v1.DataSide{Database: "new", Capture: "outbox"},
		Tables: tables, Winner: v1.SideOld, MaxRate: 1_000_000_000,
	}
}

package data

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// relay is one direction of what the node says.
func (b *bank) relay(from string) v1.RelayStatus {
	d, err := b.data()
	if err != nil {
		return v1.RelayStatus{Problem: err.Error()}
	}
	for _, r := range d.Relays {
		if r.From == from {
			return r
		}
	}
	return v1.RelayStatus{}
}

// more waits until n more writes were acknowledged.
func (w *writers) more(n int64) {
	w.bank.t.Helper()
	from := w.done.Load()
	w.bank.until(30*time.Second, "users write", func() (bool, string) { return w.done.Load() >= from+n, fmt.Sprint(w.done.Load()) })
}

// end stops the writers and holds everything against the ledger.
func (w *writers) end() (told map[string]string) {
	w.bank.t.Helper()
	w.Stop()
	pictures, told := w.bank.converge(40 * time.Second)
	w.tell(told)
	w.audit(pictures, told)
	return told
}

// A column is added on both sides in the midst of writes; then one side's type becomes too small, rows are parked,
// and applied when the table is mended.
func TestSchemasChangeInTheMidst(t *testing.T) {
	b := newBank(t, shape{shared: true})
	b.settledIn()
	w := b.write(seedOf(t, 3), 6)
	b.moveTo(5000, 30*time.Second, nil)
	w.more(50)
	// What writes has no column list, so nobody writes while its table is altered on one side only.
	w.frozen.Lock()
	for _, s := range b.stores {
		s.exec(t, "ALTER TABLE accounts ADD COLUMN mood VARCHAR(10) NOT NULL DEFAULT 'calm'")
	}
	w.frozen.Unlock()
	// A value of the new column from before the node knew it is found by comparing, later ones cross.
	b.stores[0].exec(t, "UPDATE accounts SET mood = 'early', version = version + 1, changed = UTC_TIMESTAMP(6) WHERE id = 798") // of a subject on the old side
	w.more(50)
	mood := func(id int) (is string) {
		if err := b.stores[1].db.QueryRow(fmt.Sprintf("SELECT mood FROM accounts WHERE id = %d", id)).Scan(&is); err != nil {
			return err.Error()
		}
		return is
	}
	b.until(40*time.Second, "the new column crosses", func() (bool, string) {
		b.stores[0].exec(t, "UPDATE accounts SET mood = 'glad', version = version + 1, changed = UTC_TIMESTAMP(6) WHERE id = 799")
		time.Sleep(200 * time.Millisecond)
		return mood(799) == "glad", mood(799)
	})
	b.until(40*time.Second, "what came before is found and repaired", func() (bool, string) {
		var done v1.RepairResult
		if mood(798) == "calm" {
			if err := b.call(http.MethodPost, "/repair", v1.RepairRequest{}, &done); err != nil {
				return false, err.Error()
			}
		}
		return mood(798) == "early", fmt.Sprintf("%s, %+v", mood(798), done)
	})
	b.stores[1].exec(t, "ALTER TABLE accounts MODIFY note VARCHAR(3)")
	b.stores[0].exec(t, "UPDATE accounts SET note = 'too long', version = version + 1, changed = UTC_TIMESTAMP(6) WHERE id >= 780")
	b.until(30*time.Second, "rows are parked", func() (bool, string) {
		d, err := b.data()
		return err == nil && d.Parked >= 20, fmt.Sprintf("%d parked, %v", d.Parked, err)
	})
	w.more(50) // behind what is parked too
	b.stores[1].exec(t, "ALTER TABLE accounts MODIFY note VARCHAR(20)")
	if out, err := b.cli("migration", "parked", "orders"); err != nil || !strings.Contains(out, "accounts") {
		t.Errorf("%v: %s", err, out)
	}
	w.Stop()
	b.until(60*time.Second, "what was parked is applied", func() (bool, string) {
		var list []v1.ParkedChange
		if err := b.call(http.MethodGet, "/parked", nil, &list); err != nil {
			return false, err.Error()
		}
		last := ""
		for _, p := range list {
			if err := b.call(http.MethodPost, "/parked/"+p.ID+"/retry", v1.Command{Reason: "mended"}, nil); err != nil {
				last = err.Error()
			}
		}
		return len(list) == 0, fmt.Sprintf("%d rows: %s", len(list), last)
	})
	if told := w.end(); len(told) > 0 {
		t.Errorf("people are still told of %v", told)
	}
}

// The log is purged while the node is down: it says so, finds by comparing what the log no longer tells, repairs it
// by the declared winner, and goes on.
func TestTheLogIsPurgedWhileTheNodeIsDown(t *testing.T) {
	b := newBank(t, shape{postgres: true})
	b.settledIn()
	w := b.write(seedOf(t, 4), 6)
	w.more(100)
	b.node.Kill()
	w.more(50)
	w.frozen.Lock() // so that it can be told from what comes later
	b.stores[0].exec(t, "FLUSH BINARY LOGS")
	b.until(20*time.Second, "one log is left", func() (bool, string) { // one that is still being read stays
		var name string
		if err := b.stores[0].db.QueryRow("SHOW MASTER STATUS").Scan(&name, new(any), new(any), new(any)); err != nil {
			return false, err.Error()
		}
		b.stores[0].exec(t, "PURGE BINARY LOGS TO '"+name+"'")
		rows, err := b.stores[0].db.Query("SHOW BINARY LOGS")
		if err != nil {
			return false, err.Error()
		}
		defer rows.Close() //nolint:errcheck // it was counted
		n := 0
		for rows.Next() {
			n++
		}
		return n == 1, fmt.Sprintf("%d logs", n)
	})
	w.frozen.Unlock()
	if err := b.restart(); err != nil {
		t.Fatal(err)
	}
	lost := false
	b.until(40*time.Second, "it says that the log is lost, and then that everything was compared", func() (bool, string) {
		d, err := b.data()
		if err != nil {
			return false, err.Error()
		}
		for _, r := range d.Relays {
			lost = lost || r.State == "lost"
		}
		for _, one := range d.Tables {
			if one.Compared == nil {
				return false, fmt.Sprintf("lost %v, %s is not compared: %s", lost, one.Table, d.Problem)
			}
		}
		return lost, "nobody said that the log is lost"
	})
	w.more(50)
	w.Stop()
	cases, parked := b.settleAll(60 * time.Second)
	t.Logf("%d cases decided, %d parked rows settled", cases, parked)
	b.forgiven = nil // the old side alone was written: its rows were right, and now they are everywhere
	if told := w.end(); len(told) > 0 {
		t.Errorf("people are still told of %v", told)
	}
	if s := b.relay("old").State; s != "running" {
		t.Errorf("the relay is %s", s)
	}
}

// The disk of the node's own data is full for a while: no share moves that could not be stored, and nothing is lost.
func TestTheNodesDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("skipped: this test needs to mount a tmpfs, which needs root: %v: %s", err, bytes.TrimSpace(out))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	b := newBank(t, shape{shared: true, capture: "outbox", dataDir: dir})
	b.settledIn()
	w := b.write(seedOf(t, 5), 6)
	b.moveTo(1000, 30*time.Second, nil)
	w.more(50)
	fill := filepath.Join(dir, "fill")
	f, err := os.Create(fill)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	_ = f.Close()
	w.more(50)
	var last error
	for range 5 {
		if last = b.call(http.MethodPost, "/promote", v1.Command{Reason: "test"}, nil); last != nil {
			break
		}
	}
	t.Logf("a promotion on a full disk: %v", last)
	w.more(50)
	b.node.Kill()
	w.more(50)
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	if err := b.restart(); err != nil {
		t.Fatal(err)
	}
	b.moveTo(10000, 40*time.Second, nil)
	w.more(50)
	b.current()
	b.moveTo(0, 30*time.Second, nil)
	w.more(50)
	if told := w.end(); len(told) > 0 {
		t.Errorf("people are told of %v", told)
	}
}

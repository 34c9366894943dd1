//go:build unix

package bolt

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/object"
)

func ignoreLimitSignal() { signal.Ignore(syscall.SIGXFSZ) }

func objectsOn(s *Store) *object.Objects {
	return object.New(s, object.Types(), nil, object.Options{Now: time.Now, MaxAudit: 1 << 40})
}

// child writes objects one after the other and says "name generation revision" when each is
// acknowledged, until it is killed. Three writers at once, so that a kill meets every moment of a commit.
func child(dir string, start int) error {
	s := New(Config{Dir: dir, Retain: 200})
	if err := s.Open(); err != nil {
		return err
	}
	objects := objectsOn(s)
	lines := make(chan string)
	failed := make(chan error)
	for w := range 3 {
		go func() {
			for i := start; ; i++ {
				o := object.Object{TypeMeta: v1.TypeMeta{APIVersion: v1.APIVersion, Kind: v1.KindService}}
				o.Metadata.Name = fmt.Sprintf("s%d-%d", w, i%7)
				o.Spec, _ = json.Marshal(v1.ServiceSpec{Owner: strconv.Itoa(i), Description: strings.Repeat("x", i%3000)})
				applied, err := objects.Apply(context.Background(), o, "child", false)
				if err != nil {
					failed <- err
					return
				}
				lines <- fmt.Sprintf("%s %d %d\n", o.Metadata.Name, i, applied.Object.Metadata.Revision)
			}
		}()
	}
	for {
		select {
		case l := <-lines:
			if _, err := os.Stdout.WriteString(l); err != nil {
				return err
			}
		case err := <-failed:
			return err
		}
	}
}

func TestMain(m *testing.M) {
	if dir := os.Getenv("JINDU_TEST_CHILD"); dir != "" {
		start, _ := strconv.Atoi(os.Getenv("JINDU_TEST_START"))
		fmt.Fprintln(os.Stderr, child(dir, start))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestWhatWasAcknowledgedSurvivesKill9(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string][2]int{} // by name: the last i, its revision
	total := 0
	r := rand.New(rand.NewPCG(7, 8))
	for round := range 12 {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), "JINDU_TEST_CHILD="+dir, fmt.Sprintf("JINDU_TEST_START=%d", 1+round*1_000_000))
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// Kill after some acknowledgements and a moment more: in the middle of whatever it does then.
		killAt := 1 + r.IntN(120)
		lines := bufio.NewScanner(out)
		for n := 1; lines.Scan(); n++ {
			var name string
			var i, revision int
			if _, err := fmt.Sscanf(lines.Text(), "%s %d %d", &name, &i, &revision); err != nil {
				break // cut by the kill
			}
			acknowledged[name] = [2]int{i, revision}
			total++
			if n == killAt {
				time.AfterFunc(time.Duration(r.IntN(2000))*time.Microsecond, func() { _ = c.Process.Kill() })
			}
		}
		if err := c.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		survived(t, dir, acknowledged)
	}
	if total < 12 {
		t.Errorf("only %d writes were acknowledged; the test shows nothing", total)
	}
}

// survived opens the store and holds objects and audit against what was acknowledged.
func survived(t *testing.T, dir string, acknowledged map[string][2]int) {
	t.Helper()
	s := opened(t, Config{Dir: dir, Retain: 200})
	objects := objectsOn(s)
	list, revision, err := objects.List(t.Context(), v1.KindService, 0)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]object.Object{}
	generations := int64(0)
	for _, o := range list {
		there[o.Metadata.Name] = o
		generations += o.Metadata.Generation
	}
	for name, want := range acknowledged {
		o, ok := there[name]
		if !ok {
			t.Fatalf("%s was acknowledged and is not there", name)
		}
		var spec v1.ServiceSpec
		if err := json.Unmarshal(o.Spec, &spec); err != nil {
			t.Fatal(err)
		}
		// At most one write of each writer was stored and not acknowledged.
		i, err := strconv.Atoi(spec.Owner)
		if err != nil || i < want[0] || i == want[0] && o.Metadata.Revision != int64(want[1]) {
			t.Errorf("%s is %s at revision %d, acknowledged was %d at %d", name, spec.Owner, o.Metadata.Revision, want[0], want[1])
		}
	}
	// Every change has its record in the same revision: as many records as generations, one a revision.
	records := int64(0)
	next := int64(0)
	last := map[string]json.RawMessage{}
	for {
		page, err := objects.Audit(t.Context(), object.AuditQuery{Before: next, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range page.Items {
			if record.Revision != revision-records {
				t.Fatalf("record %d from the end is of revision %d, want %d", records, record.Revision, revision-records)
			}
			records++
			if last[record.Name] == nil {
				last[record.Name] = record.After
			}
		}
		if next = page.Next; next == 0 {
			break
		}
	}
	if records != generations || records != revision {
		t.Errorf("%d records, %d changes, revision %d", records, generations, revision)
	}
	for name, o := range there {
		if string(last[name]) != string(o.Spec) {
			t.Errorf("the last record of %s is not what is stored", name)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

package data

import (
	"testing"
	"time"
)

// What must hold before anything breaks: there and back under writes.
func TestRowsCrossThereAndBackUnderWrites(t *testing.T) {
	for name, s := range map[string]shape{
		"mariadb binlog to postgres pgoutput": {postgres: true},
		"mariadb binlog to mariadb outbox":    {capture: "outbox", shared: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, s)
			b.settledIn()
			w := b.write(1, 8)
			for _, share := range []int{1000, 5000, 10000, 0, 1000, 5000, 10000} {
				from := w.done.Load()
				b.until(20*time.Second, "users write", func() (bool, string) { return w.done.Load() > from+100, "" })
				b.moveTo(share, 30*time.Second, func(err error) { t.Logf("to %d: %v", share, err) })
			}
			from := w.done.Load()
			b.until(20*time.Second, "users write", func() (bool, string) { return w.done.Load() > from+100, "" })
			w.Stop()
			pictures, told := b.converge(20 * time.Second)
			w.tell(told)
			w.audit(pictures, told)
			if len(told) > 0 {
				t.Errorf("nothing broke, and yet people are told of %v", told)
			}
		})
	}
}

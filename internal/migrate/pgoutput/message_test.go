package pgoutput

import (
	"testing"

	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

func FuzzMessage(f *testing.F) {
	f.Add([]byte("B\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01"), []byte("I\x00\x00\x00\x01N\x00\x02t\x00\x00\x00\x011n"))
	f.Add([]byte("U\x00\x00\x00\x01K\x00\x02t\x00\x00\x00\x011nN\x00\x02t\x00\x00\x00\x011u"), []byte("D\x00\x00\x00\x01O\x00\x02t\x00\x00\x00\x011n"))
	f.Add([]byte("T\x00\x00\x00\x01\x00\x00\x00\x00\x09"), []byte("M\x01\x00\x00\x00\x00\x00\x00\x00\x01jindu.mark\x00\x00\x00\x00\x01x"))
	f.Add([]byte("C\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01"), []byte("R\x00\x00\x00\x09public\x00a\x00d\x00\x01\x01id\x00\x00\x00\x00\x17\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		s := &Source{opt: Options{part: 1 << 10}}
		table := &row.Table{Name: "a", Columns: []row.Column{{Name: "id", Type: row.Integer}, {Name: "v", Type: row.Text}}, Key: []int{0}}
		st := &stream{src: s, emit: func(data.Txn) error { return nil }, t: &txn{}, probes: &probes{}, byOID: map[uint32]*relation{1: {table: table, arity: 2}, 2: {relay: true}}}
		for _, m := range [][]byte{a, b} {
			if len(m) > 0 && m[0] == msgUpdate {
				r := reader{b: m[1:]}
				var msg rowMessage
				if msg.parse(msgUpdate, &r) == nil {
					for _, v := range msg.new {
						if v.kind == valueUnchanged {
							return // it asks the server
						}
					}
				}
			}
			if st.message(m) != nil {
				return
			}
		}
		_, _ = parseFrame(a) // it must not panic
	})
}

func FuzzPosition(f *testing.F) {
	f.Add("0/16B3748")
	f.Add("FFFFFFFF/FFFFFFFF")
	f.Add("1/")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePosition(data.Position(s))
		if err != nil {
			return
		}
		if again, err := parsePosition(p.text()); err != nil || again != p {
			t.Errorf("%q becomes %q: %v", s, p.text(), err)
		}
	})
}

func TestHeadsOfPagesDoNotCount(t *testing.T) {
	for in, want := range map[lsn]lsn{8192 + 24: 8192, 16<<20 + 40: 16 << 20, 8192 + 40: 8192 + 40, 100: 100} {
		if got := in.whole(16 << 20); got != want {
			t.Errorf("%d: %d", in, got)
		}
	}
	if n := slotName("Shop.Orders-very-long-name-that-goes-on-and-on-and-on/old", "db"); len(n) > 63 || n[:18] != "jindu_shop_orders_" {
		t.Error(n)
	}
	if h, p, err := target("/run/postgresql/.s.PGSQL.5433"); h != "/run/postgresql" || p != 5433 || err != nil {
		t.Error(h, p, err)
	}
}

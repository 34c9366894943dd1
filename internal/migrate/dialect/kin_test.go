package dialect

import (
	"strings"
	"testing"
)

func TestKinAreDatabasesOfOneKindWithTheSameColumns(t *testing.T) {
	for kind := range natives {
		d, _ := For(string(kind))
		table := tableOf(t, d)
		q, ok := d.KinSum(table, nil, nil)
		if ok != (kind == MariaDB) || ok != (d.Kin(table) != "") {
			t.Errorf("%s: %v, %q", kind, ok, d.Kin(table))
		}
		if ok && (!strings.Contains(q.SQL, "SUM(CRC32(CONCAT_WS(',', `id`") || strings.Contains(q.SQL, "TRIM(TRAILING '0' FROM `wall`")) {
			t.Errorf("%s: %s", kind, q.SQL)
		}
	}
	maria, _ := For(string(MariaDB))
	table := tableOf(t, maria)
	other := *table
	other.Key = append(append([]int(nil), table.Key...), 1)
	if maria.Kin(&other) == maria.Kin(table) {
		t.Error("tables with different keys are kin")
	}
}

package data

import (
	"encoding/json"
	"testing"

	"jindu.dev/jindu/internal/migrate/row"
)

func TestATransactionTellsTheEffectsOfItsRun(t *testing.T) {
	table := &row.Table{Name: "orders", Columns: []row.Column{{Name: "id"}, {Name: "total"}, {Name: "note"}}, Key: []int{0}}
	text := func(id, total string) row.Row { return row.Row{{Text: id}, {Text: total}, {Null: true}} }
	txn := Txn{Changes: []Change{
		{Table: table, Op: Insert, After: text("1", "5")},
		{Table: table, Op: Update, Before: text("1", "5"), After: text("1", "6")},
		{Table: table, Op: Update, After: text("1", "7")},
		{Table: table, Op: Delete, Before: text("1", "7")},
	}}
	got, err := json.Marshal(txn.Effects())
	const want = `[{"kind":"row","op":"insert","target":"orders","key":[{"name":"id","value":"1"}],"after":[{"name":"id","value":"1"},{"name":"total","value":"5"},{"name":"note","value":null}]},` +
		`{"kind":"row","op":"update","target":"orders","key":[{"name":"id","value":"1"}],"before":[{"name":"total","value":"5"}],"after":[{"name":"total","value":"6"}]},` +
		`{"kind":"row","op":"update","target":"orders","key":[{"name":"id","value":"1"}],"after":[{"name":"id","value":"1"},{"name":"total","value":"7"},{"name":"note","value":null}]},` +
		`{"kind":"row","op":"delete","target":"orders","key":[{"name":"id","value":"1"}],"before":[{"name":"id","value":"1"},{"name":"total","value":"7"},{"name":"note","value":null}]}]`
	if err != nil || string(got) != want {
		t.Errorf("%s %v", got, err)
	}
}

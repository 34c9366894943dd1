package row

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// pairOf are tables of one column beside the key.
func pairOf(from, to Column) (old, new *Table) {
	from.Name, to.Name = "a", "b"
	return &Table{Name: "t", Columns: []Column{{Name: "id", Type: Integer}, from}, Key: []int{0}},
		&Table{Name: "u", Columns: []Column{{Name: "id", Type: Integer}, to}, Key: []int{0}}
}

func nullable(c Column) Column { c.Nullable = true; return c }

// TestOneColumn carries one value by one rule, and back.
func TestOneColumn(t *testing.T) {
	integer, boolean, txt := Column{Type: Integer}, Column{Type: Bool}, Column{Type: Text}
	local, instant := Column{Type: Local, Scale: 6}, Column{Type: Instant, Scale: 6}
	decimal := func(scale int) Column { return Column{Type: Decimal, Scale: scale} }
	for _, c := range []struct {
		name     string
		rule     v1.ColumnRule
		from, to Column
		in, want string // NULL; "!" is an error
		lost     bool
	}{
		{"same", v1.ColumnRule{}, txt, txt, "x", "x", false},
		{"cents", v1.ColumnRule{Scale: 2}, decimal(2), integer, "-12.5", "-1250", false},
		{"too fine for cents", v1.ColumnRule{Scale: 1}, decimal(2), integer, "0.01", "!", true},
		{"thousandths", v1.ColumnRule{Scale: -3}, integer, decimal(3), "1", "0.001", false},
		{"scaled text", v1.ColumnRule{Scale: 2, Type: "decimal"}, txt, integer, "1.5", "150", false},
		{"scaled text with zeros", v1.ColumnRule{Scale: 2, Type: "decimal"}, txt, integer, "1.50", "150", true},
		{"scaled into text", v1.ColumnRule{Scale: 2}, decimal(2), txt, "1.5", "150", false},
		{"fewer digits", v1.ColumnRule{}, decimal(4), decimal(2), "1.25", "1.25", false},
		{"too many digits", v1.ColumnRule{}, decimal(4), decimal(2), "1.255", "!", true},
		{"integer to decimal", v1.ColumnRule{}, integer, decimal(2), "7", "7", false},
		{"decimal to integer", v1.ColumnRule{}, decimal(2), integer, "7", "7", false},
		{"decimal to integer with a rest", v1.ColumnRule{}, decimal(2), integer, "7.5", "!", true},
		{"not a number", v1.ColumnRule{}, Column{Type: Decimal, Scale: -1}, integer, "NaN", "!", true},
		{"negative", v1.ColumnRule{}, integer, Column{Type: Integer, Unsigned: true}, "-1", "!", true},
		{"decimal to float", v1.ColumnRule{}, decimal(2), Column{Type: Float, Length: 64}, "0.1", "0.1", false},
		{"decimal to single", v1.ColumnRule{}, decimal(2), Column{Type: Float, Length: 32}, "0.1", "!", true},
		{"half to single", v1.ColumnRule{}, decimal(2), Column{Type: Float, Length: 32}, "0.5", "0.5", false},
		{"flag", v1.ColumnRule{}, integer, boolean, "1", "true", false},
		{"flag of two", v1.ColumnRule{}, integer, boolean, "2", "!", true},
		{"flag to digit", v1.ColumnRule{}, boolean, integer, "false", "0", false},
		{"odd flag to digit", v1.ColumnRule{}, boolean, integer, "2", "2", true},
		{"odd flag to a real one", v1.ColumnRule{}, boolean, Column{Type: Bool, Native: "boolean"}, "2", "!", true},
		{"flag to bit", v1.ColumnRule{}, boolean, Column{Type: Bits, Length: 1}, "true", "1", false},
		{"bit to flag", v1.ColumnRule{}, Column{Type: Bits, Length: 1}, boolean, "0", "false", false},
		{"bits to number", v1.ColumnRule{}, Column{Type: Bits, Length: 4}, integer, "0101", "5", false},
		{"number to bits", v1.ColumnRule{}, integer, Column{Type: Bits, Length: 2}, "5", "!", true},
		{"as flag", v1.ColumnRule{Type: "boolean"}, integer, boolean, "0", "false", false},
		{"text as flag", v1.ColumnRule{Type: "boolean"}, txt, boolean, "t", "true", true},
		{"text as integer", v1.ColumnRule{Type: "integer"}, txt, integer, "42", "42", false},
		{"text as integer with zeros", v1.ColumnRule{Type: "integer"}, txt, integer, "042", "42", true},
		{"no integer", v1.ColumnRule{Type: "integer"}, txt, integer, "x", "!", true},
		{"text as time", v1.ColumnRule{Type: "time", Zone: "Asia/Shanghai"}, txt, instant, "2026-01-02T08:00:00", "2026-01-02T00:00:00Z", false},
		{"text as day", v1.ColumnRule{Type: "time"}, txt, Column{Type: Date}, "2026-01-02", "2026-01-02", false},
		{"number to text", v1.ColumnRule{}, decimal(2), txt, "7.5", "7.5", false},
		{"text to json", v1.ColumnRule{}, txt, Column{Type: JSON}, `{"a":1}`, `{"a":1}`, false},
		{"text to json with spaces", v1.ColumnRule{}, txt, Column{Type: JSON}, `{ "a": 1 }`, `{"a":1}`, true},
		{"text to uuid", v1.ColumnRule{}, txt, Column{Type: UUID}, "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", false},
		{"bytes to uuid", v1.ColumnRule{}, Column{Type: Bytes, Length: 16}, Column{Type: UUID}, "6ba7b8109dad11d180b400c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", false},
		{"day to time", v1.ColumnRule{}, Column{Type: Date}, local, "2026-01-02", "2026-01-02T00:00:00", false},
		{"time to day", v1.ColumnRule{}, local, Column{Type: Date}, "2026-01-02T00:00:01", "!", true},
		{"shanghai", v1.ColumnRule{Zone: "Asia/Shanghai"}, local, instant, "2026-01-02T08:00:00.5", "2026-01-02T00:00:00.5Z", false},
		{"instant to wall clock", v1.ColumnRule{Zone: "Asia/Shanghai"}, instant, local, "2026-01-02T00:00:00Z", "2026-01-02T08:00:00", false},
		{"an hour twice", v1.ColumnRule{Zone: "Europe/Berlin"}, local, instant, "2026-10-25T02:30:00", "2026-10-25T00:30:00Z", false},
		{"an hour that is not", v1.ColumnRule{Zone: "Europe/Berlin"}, local, instant, "2026-03-29T02:30:00", "2026-03-29T01:30:00Z", true},
		{"no day of a calendar", v1.ColumnRule{Zone: "Asia/Shanghai"}, local, instant, "0000-00-00T00:00:00", "!", true},
		{"seconds only", v1.ColumnRule{}, local, Column{Type: Local}, "2026-01-02T03:04:05.9", "2026-01-02T03:04:05", true},
		{"milliseconds", v1.ColumnRule{}, instant, Column{Type: Instant, Scale: 3}, "2026-01-02T03:04:05.1239Z", "2026-01-02T03:04:05.123Z", true},
		{"values", v1.ColumnRule{Values: map[string]string{"0": "new", "1": "paid"}}, integer, txt, "1", "paid", false},
		{"without a translation", v1.ColumnRule{Values: map[string]string{"0": "new", "1": "paid"}}, integer, txt, "5", "5", false},
		{"what another becomes", v1.ColumnRule{Values: map[string]string{"a": "b"}}, txt, txt, "b", "!", true},
		{"swapped", v1.ColumnRule{Values: map[string]string{"a": "b", "b": "a"}}, txt, txt, "b", "a", false},
		{"null to empty", v1.ColumnRule{Null: "empty"}, nullable(txt), txt, "NULL", "", false},
		{"empty was empty", v1.ColumnRule{Null: "empty"}, nullable(txt), txt, "", "", true},
		{"empty to null", v1.ColumnRule{Null: "empty"}, txt, nullable(txt), "", "NULL", false},
		{"null stays", v1.ColumnRule{}, nullable(txt), nullable(txt), "NULL", "NULL", false},
		{"null where none may be", v1.ColumnRule{}, nullable(txt), txt, "NULL", "!", true},
		{"a database without empty texts", v1.ColumnRule{}, txt, nullable(Column{Type: Text, EmptyNull: true}), "", "NULL", true},
		{"the same with the rule", v1.ColumnRule{Null: "empty"}, txt, nullable(Column{Type: Text, EmptyNull: true}), "", "NULL", false},
		{"padding", v1.ColumnRule{}, txt, Column{Type: Text, Padded: true, Length: 3}, "a ", "a", true},
		{"too long", v1.ColumnRule{}, txt, Column{Type: Text, Length: 2}, "津渡口", "!", true},
		{"just long enough", v1.ColumnRule{}, txt, Column{Type: Text, Length: 2}, "津渡", "津渡", false},
		{"zeros at the end", v1.ColumnRule{}, Column{Type: Bytes}, Column{Type: Bytes, Padded: true, Length: 2}, "01", "0100", true},
		{"too many bytes", v1.ColumnRule{}, Column{Type: Bytes}, Column{Type: Bytes, Length: 1}, "0102", "!", true},
	} {
		c.rule.From, c.rule.To = []string{"a"}, []string{"b"}
		old, new := pairOf(c.from, c.to)
		m, err := NewMapping(v1.TableRule{Name: "t", To: "u", Columns: []v1.ColumnRule{c.rule}}, old, new)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		in := Row(texts("1", c.in))
		out, err := m.Forward(in)
		switch {
		case c.want == "!":
			if kind.Code(err) != "JD-ROW-003" {
				t.Errorf("%s: became %v: %v", c.name, out, err)
			}
		case err != nil || out[1] != texts(c.want)[0]:
			t.Errorf("%s: became %v: %v", c.name, out, err)
		}
		if lost := m.Lost(in); slices.Contains(lost, "a") != c.lost {
			back, err := m.Backward(out)
			t.Errorf("%s: lost %v; came back as %v: %v", c.name, lost, back, err)
		}
	}
}

func people() (old, new *Table) {
	c := func(name string) Column { return Column{Name: name, Type: Text, Nullable: true} }
	old = &Table{Name: "people", Columns: []Column{{Name: "id", Type: Integer}, c("name"), c("street"), c("city"), {Name: "ver", Type: Integer}, {Name: "up", Type: Local}, c("junk"), {Name: "sum", Type: Integer, Generated: true}}, Key: []int{0}}
	new = &Table{Name: "persons", Columns: []Column{c("first"), c("last"), {Name: "pid", Type: Integer}, c("address"), {Name: "ver", Type: Integer}, {Name: "up", Type: Local}, {Name: "kind", Type: Text}, c("note")}, Key: []int{2}}
	return old, new
}

func peopleRule() v1.TableRule {
	return v1.TableRule{Name: "people", To: "persons", Version: "ver", Settled: "up", Money: []string{"name"}, Skip: []string{"junk"}, Columns: []v1.ColumnRule{
		{From: []string{"name"}, To: []string{"first", "last"}, Split: " "},
		{From: []string{"street", "city"}, To: []string{"address"}, Split: ", "},
		{From: []string{"id"}, To: []string{"pid"}},
		{To: []string{"kind"}, Default: new("person")},
	}}
}

func TestSplitAndJoin(t *testing.T) {
	old, new := people()
	m, err := NewMapping(peopleRule(), old, new)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Ordered() || !slices.Equal(m.Once(), []int{6}) || len(m.Old().Columns) != 6 || len(m.New().Columns) != 7 || len(m.Steps()) != 5 {
		t.Errorf("%v %v %v", m.Once(), names(m.Old()), names(m.New()))
	}
	for _, c := range []struct{ in, out Row }{
		{Row(texts("1", "Ada Lovelace", "Main", "London", "1", "x")), Row(texts("Ada", "Lovelace", "1", "Main, London", "1", "x", "person"))},
		{Row(texts("1", "Ada Countess Lovelace", "Main", "NULL", "1", "x")), Row(texts("Ada", "Countess Lovelace", "1", "Main", "1", "x", "person"))},
		{Row(texts("1", "Ada", "NULL", "NULL", "1", "x")), Row(texts("Ada", "NULL", "1", "NULL", "1", "x", "person"))},
		{Row(texts("1", "NULL", "", "", "1", "x")), Row(texts("NULL", "NULL", "1", ", ", "1", "x", "person"))},
	} {
		out, err := m.Forward(c.in)
		if err != nil || !slices.Equal(out, c.out) {
			t.Errorf("%v became %v: %v", c.in, out, err)
			continue
		}
		if back, err := m.Backward(out); err != nil || !slices.Equal(back, c.in) || m.Lost(c.in) != nil {
			t.Errorf("%v came back as %v: %v", c.in, back, err)
		}
	}
	if lost := m.Lost(Row(texts("1", "A B", "Main, 1", "London", "1", "x"))); !slices.Equal(lost, []string{"city", "street"}) {
		t.Error(lost)
	}
	for _, bad := range []Row{Row(texts("A B", "C", "1", "x", "1", "x", "p")), Row(texts("NULL", "C", "1", "x", "1", "x", "p"))} {
		if back, err := m.Backward(bad); kind.Code(err) != "JD-ROW-003" {
			t.Errorf("%v came back as %v: %v", bad, back, err)
		}
	}
	k, err := m.ForwardKey(texts("7"))
	if back, err2 := m.BackwardKey(k); err != nil || err2 != nil || !slices.Equal(back, texts("7")) {
		t.Error(k, back, err, err2)
	}
	for _, err := range []error{second(m.Forward(nil)), second(m.Backward(nil)), second(m.ForwardKey(nil)), second(m.BackwardKey(nil))} {
		if kind.Code(err) != "JD-ROW-004" {
			t.Error(err)
		}
	}
	if m.Lost(nil) != nil {
		t.Error("a row of no columns")
	}
}

func second[T any](_ T, err error) error { return err }

func TestEveryWrongFieldIsNamed(t *testing.T) {
	x := "x"
	old, new := people()
	rule := v1.TableRule{Name: "people", To: "persons", Version: "name", Settled: "ver", Owner: "ver", Money: []string{"none"}, Skip: []string{"up", "nowhere"}, Columns: []v1.ColumnRule{
		{From: []string{"name"}, To: []string{"first", "last"}},
		{From: []string{"ver", "city"}, To: []string{"address", "note"}, Split: ","},
		{},
		{To: []string{"kind"}},
		{From: []string{"sum"}, To: []string{"pid"}},
		{From: []string{"street"}, To: []string{"ver"}, Zone: "Nowhere/City", Type: "number", Null: "none", Split: "x", Default: nil},
		{From: []string{"junk"}, To: []string{"up"}, Default: &x},
	}}
	_, err := NewMapping(rule, old, new)
	e, ok := errors.AsType[*kind.Error](err)
	if !ok || e.Code != "JD-ROW-002" {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range e.Fields {
		paths = append(paths, f.Path)
	}
	for _, want := range []string{
		"skip[1]", "columns[0].split", "columns[1]", "columns[2]", "columns[3].default", "columns[4].from[0]", "columns[5].split", "columns[5].type", "columns[5].zone",
		"columns[5].null", "columns[6].default", "skip[0]", "columns",
	} {
		if !slices.Contains(paths, want) {
			t.Errorf("%s is not named in\n%v", want, err)
		}
	}
}

func TestRulesThatCannotWork(t *testing.T) {
	for name, c := range map[string]struct {
		rule     v1.ColumnRule
		from, to Column
		says     string
	}{
		"zone missing":        {v1.ColumnRule{}, Column{Type: Local}, Column{Type: Instant}, "give zone"},
		"zone of text":        {v1.ColumnRule{Zone: "UTC"}, Column{}, Column{Type: Instant}, "only a time has a zone"},
		"zone to the same":    {v1.ColumnRule{Zone: "UTC"}, Column{Type: Local}, Column{Type: Local}, "one must be a time without zone"},
		"scale of text":       {v1.ColumnRule{Scale: 2}, Column{}, Column{Type: Integer}, "say type: decimal"},
		"scale too large":     {v1.ColumnRule{Scale: 30}, Column{Type: Integer}, Column{Type: Integer}, "-18 to 18"},
		"text to number":      {v1.ColumnRule{}, Column{}, Column{Type: Integer}, "say type: integer"},
		"text to flag":        {v1.ColumnRule{}, Column{}, Column{Type: Bool}, "say type: boolean"},
		"text to decimal":     {v1.ColumnRule{}, Column{}, Column{Type: Decimal}, "say type: decimal"},
		"text to time":        {v1.ColumnRule{}, Column{}, Column{Type: Date}, "say type: time"},
		"bytes to text":       {v1.ColumnRule{}, Column{Type: Bytes}, Column{}, "there is no way"},
		"read bytes":          {v1.ColumnRule{Type: "integer"}, Column{Type: Bytes}, Column{Type: Integer}, "cannot be read so"},
		"empty number":        {v1.ColumnRule{Null: "empty"}, Column{Type: Integer}, Column{Type: Integer}, "only text"},
		"no way back":         {v1.ColumnRule{Values: map[string]string{"1": "x", "2": "x"}}, Column{Type: Integer}, Column{}, "the way back"},
		"no such value":       {v1.ColumnRule{Values: map[string]string{"x": "y"}}, Column{Type: Integer}, Column{}, "is no integer"},
		"no such translation": {v1.ColumnRule{Values: map[string]string{"1": "long"}}, Column{Type: Integer}, Column{Type: Text, Length: 2}, "is no text"},
		"the same twice":      {v1.ColumnRule{Values: map[string]string{"1": "x", "01": "y"}}, Column{Type: Integer}, Column{}, "is there twice"},
	} {
		c.rule.From, c.rule.To = []string{"a"}, []string{"b"}
		old, new := pairOf(c.from, c.to)
		if _, err := NewMapping(v1.TableRule{Name: "t", Columns: []v1.ColumnRule{c.rule}}, old, new); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	old, new := people()
	for name, c := range map[string]struct {
		change func(*v1.TableRule, *Table, *Table)
		says   string
	}{
		"version": {func(r *v1.TableRule, _, _ *Table) { r.Version = "street" }, "must be an integer"},
		"scaled version": {func(r *v1.TableRule, _, _ *Table) {
			r.Columns = append(r.Columns, v1.ColumnRule{From: []string{"ver"}, To: []string{"ver"}, Scale: 1})
		}, "must be the same number"},
		"owner":      {func(r *v1.TableRule, _, _ *Table) { r.Owner = "ver" }, "must be text"},
		"settled":    {func(r *v1.TableRule, _, _ *Table) { r.Settled = "ver" }, "must be a time"},
		"money":      {func(r *v1.TableRule, _, _ *Table) { r.Money = []string{"junk"} }, "no column of the old side that is carried"},
		"no key":     {func(_ *v1.TableRule, _, n *Table) { n.Key = nil }, "no primary key"},
		"two keys":   {func(_ *v1.TableRule, _, n *Table) { n.Key = []int{2, 4} }, "is not that of the new side"},
		"other key":  {func(_ *v1.TableRule, _, n *Table) { n.Key = []int{4} }, "carry a column of the old side's key"},
		"bad insert": {func(r *v1.TableRule, o, _ *Table) { o.Columns[6].Nullable = false }, "could not be brought back"},
		"unfilled":   {func(r *v1.TableRule, _, n *Table) { n.Columns[7].Nullable = false }, "give a rule with default"},
		"no default": {func(r *v1.TableRule, _, n *Table) { n.Columns[6].Length = 2 }, "is no text that column kind can hold"},
	} {
		rule := peopleRule()
		o, n := *old, *new
		o.Columns, n.Columns = slices.Clone(old.Columns), slices.Clone(new.Columns)
		c.change(&rule, &o, &n)
		if _, err := NewMapping(rule, &o, &n); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeysThatDoNotSortAlike(t *testing.T) {
	old, new := pairOf(Column{Type: Text}, Column{Type: Text})
	old.Key, new.Key = []int{1}, []int{1}
	rule := v1.TableRule{Name: "t", Columns: []v1.ColumnRule{{From: []string{"a"}, To: []string{"b"}, Values: map[string]string{"a": "z"}}}}
	m, err := NewMapping(rule, old, new)
	if err != nil || m.Ordered() {
		t.Error(err)
	}
	old.Columns[1].Type, new.Columns[1].Type = Text, UUID
	if m, err = NewMapping(v1.TableRule{Name: "t", Columns: []v1.ColumnRule{{From: []string{"a"}, To: []string{"b"}}}}, old, new); err != nil || !m.Ordered() {
		t.Fatal(err)
	}
	if _, err := m.ForwardKey(texts("6BA7B810-9DAD-11D1-80B4-00C04FD430C8")); kind.Code(err) != "JD-ROW-003" {
		t.Error("a key that does not come back the same:", err)
	}
	both := []int{0, 1}
	old.Key, new.Key = both, []int{1, 0}
	if m, err = NewMapping(v1.TableRule{Name: "t", Columns: []v1.ColumnRule{{From: []string{"a"}, To: []string{"b"}}}}, old, new); err != nil || m.Ordered() {
		t.Error(err)
	}
	k, err := m.ForwardKey(texts("1", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"))
	if err != nil || k[1].Text != "1" {
		t.Error(k, err)
	}
}

func TestSpansOfAZone(t *testing.T) {
	z, err := NewZone("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	spans, ok := z.Spans(40)
	if !ok || spans[0].From != "" || spans[len(spans)-1].Offset != 8*3600 {
		t.Error(spans, ok)
	}
	// By the spans a time is what Instant says.
	for _, local := range []string{"1900-06-01T00:00:00", "1940-06-01T00:00:00", "1986-05-04T01:59:59", "1986-05-04T02:30:00", "1986-05-04T03:00:00", "1991-09-15T00:59:59", "1991-09-15T01:30:00", "1991-09-15T02:00:00", "2026-01-01T00:00:00"} {
		off := 0
		for _, s := range spans {
			if local >= s.From {
				off = s.Offset
			}
		}
		instant, _ := z.Instant(local)
		wall, _ := parseLocal(local)
		if got := formatLocal(wall.Add(-time.Duration(off)*time.Second)) + "Z"; got != instant {
			t.Errorf("%s is %s by the spans, %s by the zone", local, got, instant)
		}
	}
	berlin, err := NewZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := berlin.Spans(40); ok {
		t.Error("a zone whose clocks change each year has few changes")
	}
	if _, err := NewZone("Nowhere"); err == nil {
		t.Error("Nowhere is no zone")
	}
}

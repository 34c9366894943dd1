package route

import (
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

// owned is a migration whose entities tell their creator: ids of the new side begin with N.
func owned(phase v1.Phase, buckets int, owner string) v1.Migration {
	m := orders(phase, buckets)
	m.Status.Owner = owner
	m.Spec.Data = &v1.DataSpec{
		Old: v1.DataSide{Database: "a", Capture: "binlog"}, New: v1.DataSide{Database: "b", Capture: "outbox"},
		Tables: []v1.TableRule{{Name: "orders"}},
		Owners: []v1.OwnerRule{
			{Path: "/orders/{id}/cancel", Method: "POST", New: "N[0-9]+"},
			{Path: "/shops/{shop}/orders/{id}/*", New: "N[0-9]+"},
			{Path: "/callbacks", ID: &v1.ValueSource{Query: "order"}, New: "N[0-9]+"},
			{Path: "/*", ID: &v1.ValueSource{Header: "X-Order"}, New: "N[0-9]+"},
		},
	}
	return m
}

func ownedTable(t *testing.T, m v1.Migration) *Table {
	t.Helper()
	r := newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{rule("orders")}})
	table, problems := Build([]v1.Route{r}, []v1.Migration{m}, javaAndGo(), Defaults{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return table
}

func TestARequestAboutAnEntityGoesToItsCreator(t *testing.T) {
	for _, c := range []struct {
		method, target, header string
		want                   Side // by owner; SideNone: by share
	}{
		{"POST", "/orders/17/cancel", "", SideOld},
		{"POST", "/orders/N17/cancel", "", SideNew},
		{"POST", "/orders/N17/cancel/", "", SideNew},
		{"POST", "//shop//orders/N17;v=1/cancel", "", SideNew},
		{"POST", "/orders/%4E17/cancel", "", SideNew},
		{"POST", "/orders/xN17/cancel", "", SideOld}, // anchored
		{"GET", "/orders/N17/cancel", "", SideNone},
		{"POST", "/orders/N17/cancel/now", "", SideNone},
		{"POST", "/orders//cancel", "", SideNone},
		{"POST", "/orders", "", SideNone},
		{"GET", "/shops/s1/orders/N1", "", SideNew},
		{"GET", "/shops/s1/orders/N1/lines/2", "", SideNew},
		{"GET", "/shops/s1/orders/2", "", SideOld},
		{"GET", "/shops/s1/orders/", "", SideNone},
		{"POST", "/callbacks?order=N5", "", SideNew},
		{"POST", "/callbacks?order=5", "", SideOld},
		{"POST", "/callbacks?order=", "", SideNone},
		{"POST", "/callbacks", "N5", SideNew}, // the first rule that finds an id
		{"GET", "/", "N5", SideNew},
		{"GET", "/", "7", SideOld},
	} {
		for _, share := range []int{0, 5000, 10_000} {
			table := ownedTable(t, owned(v1.PhaseRamp, share, v1.OwnerCreator))
			h := header{"x-user-id": "u1"}
			if c.header != "" {
				h["x-order"] = c.header
			}
			var d Decision
			table.Decide(request(t, c.method, c.target, h), &d)
			want, byOwner := c.want, c.want != SideNone
			if !byOwner {
				want = SideOld
				if Bucket("m", "u1") < share {
					want = SideNew
				}
			}
			if d.Side != want || d.ByOwner != byOwner || d.Subset != map[Side]*Subset{SideOld: d.Cohort.Old, SideNew: d.Cohort.New}[want] {
				t.Errorf("%s %s %s at share %d: side %v, by owner %v; want %v", c.method, c.target, c.header, share, d.Side, d.ByOwner, want)
			}
			if bucket := d.Bucket(); byOwner && bucket != -1 || !byOwner && bucket != Bucket("m", "u1") {
				t.Errorf("%s %s at share %d: bucket %d", c.method, c.target, share, bucket)
			}
		}
	}
}

func TestAfterAHandoverAllEntitiesGoToOneSide(t *testing.T) {
	for _, c := range []struct {
		phase   v1.Phase
		owner   string
		of17, n Side // who gets order 17 and order N17
	}{
		{v1.PhaseRamp, "", SideOld, SideNew},
		{v1.PhaseHold, v1.OwnerCreator, SideOld, SideNew},
		{v1.PhaseRamp, v1.SideOld, SideOld, SideOld},
		{v1.PhaseDone, v1.SideNew, SideNew, SideNew},
		{v1.PhaseRolledBack, v1.SideOld, SideOld, SideOld},
		{v1.PhaseRolledBack, v1.OwnerCreator, SideOld, SideOld}, // nobody may be on the new side
		{v1.PhaseObserve, "", SideOld, SideOld},
	} {
		table := ownedTable(t, owned(c.phase, 5000, c.owner))
		for target, want := range map[string]Side{"/orders/17/cancel": c.of17, "/orders/N17/cancel": c.n} {
			var d Decision
			table.Decide(request(t, "POST", target, nil), &d)
			if d.Side != want || !d.ByOwner {
				t.Errorf("%s, owner %q, %s: side %v, by owner %v; want %v", c.phase, c.owner, target, d.Side, d.ByOwner, want)
			}
		}
	}
}

func TestRequestsAreMarkedWhereEffectsOrDataAre(t *testing.T) {
	plain, effects, data := orders(v1.PhaseRamp, 10), orders(v1.PhaseRamp, 10), owned(v1.PhaseRamp, 10, "")
	effects.Spec.Effects.New = []string{"report"}
	for name, c := range map[string]struct {
		m    v1.Migration
		want bool
	}{"plain": {plain, false}, "effects": {effects, true}, "data": {data, true}} {
		if got := ownedTable(t, c.m).Cohort("m").Marked; got != c.want {
			t.Errorf("%s: marked %v", name, got)
		}
	}
}

func TestAnOverrideSaysWhoOwns(t *testing.T) {
	s := shares{override: map[string]share{"m": {0, v1.SideOld, 7}}, latched: map[string]bool{}}
	m := owned(v1.PhaseRamp, 5000, v1.OwnerCreator)
	m.Status.Epoch = 6
	if st := s.effective([]v1.Migration{m})[0].Status; st.Owner != v1.SideOld || st.Buckets != 0 || st.Epoch != 7 {
		t.Errorf("%+v", st)
	}
	m.Status.Epoch = 7
	if st := s.effective([]v1.Migration{m})[0].Status; st.Owner != v1.OwnerCreator || st.Buckets != 5000 {
		t.Errorf("what is stored: %+v", st)
	}
}

func TestDecidingByOwnerDoesNotAllocate(t *testing.T) {
	table := ownedTable(t, owned(v1.PhaseRamp, 5000, ""))
	user := []byte("u1")
	get := func(name string) []byte {
		if name == "x-user-id" {
			return user
		}
		return nil
	}
	for _, target := range []string{"/orders/N17/cancel", "/shops//s%31/orders/N1/lines", "/callbacks?order=N%35", "/elsewhere"} {
		req := request(t, "POST", target, nil)
		req.Fields = fixed(get)
		var d Decision
		table.Decide(req, &d)
		if n := testing.AllocsPerRun(200, func() { table.Decide(req, &d) }); n != 0 {
			t.Errorf("%s: %v allocations", target, n)
		}
	}
}

func TestEachWrongFieldOfEffectsAndDataIsNamed(t *testing.T) {
	good := owned("", 0, "").Spec
	good.Effects = v1.EffectsSpec{Old: []string{"report", "proxy:shop"}, New: []string{"database:shop"}, Settle: "1s", Names: map[string]string{"t_order": "orders"}}
	good.Data.Tables = append(good.Data.Tables, v1.TableRule{Name: "t_line", To: "lines", Columns: []v1.ColumnRule{
		{From: []string{"a"}, To: []string{"b", "c"}, Split: " "}, {To: []string{"d"}, Default: new("x")}, {From: []string{"e"}},
	}})
	if wrong := ValidateMigration(good); len(wrong) > 0 {
		t.Fatalf("%+v", wrong)
	}
	columns := func(c ...v1.ColumnRule) func(*v1.MigrationSpec) {
		return func(s *v1.MigrationSpec) { s.Data.Tables[0].Columns = c }
	}
	owners := func(o ...v1.OwnerRule) func(*v1.MigrationSpec) {
		return func(s *v1.MigrationSpec) { s.Data.Owners = o }
	}
	effects := func(e v1.EffectsSpec) func(*v1.MigrationSpec) {
		return func(s *v1.MigrationSpec) { s.Effects = e }
	}
	for name, c := range map[string]struct {
		spoil      func(*v1.MigrationSpec)
		path, text string
	}{
		"capture":         {effects(v1.EffectsSpec{Old: []string{"reports"}}), "spec.effects.old[0]", "proxy:NAME"},
		"capture name":    {effects(v1.EffectsSpec{New: []string{"proxy:"}}), "spec.effects.new[0]", "proxy:NAME"},
		"capture twice":   {effects(v1.EffectsSpec{New: []string{"report", "report"}}), "spec.effects.new[1]", "already"},
		"captures":        {effects(v1.EffectsSpec{New: strings.Split(strings.Repeat("report,", 17), ",")}), "spec.effects.new", "16"},
		"settle":          {effects(v1.EffectsSpec{Old: []string{"report"}, Settle: "x"}), "spec.effects.settle", "250ms"},
		"no capture":      {effects(v1.EffectsSpec{Settle: "1s"}), "spec.effects.old", "empty"},
		"name":            {effects(v1.EffectsSpec{Old: []string{"report"}, Names: map[string]string{"a": ""}}), "spec.effects.names.a", "empty name"},
		"names":           {effects(v1.EffectsSpec{Old: []string{"report"}, Names: map[string]string{"a": "x", "b": "x"}}), "spec.effects.names.", "x"},
		"no database":     {func(s *v1.MigrationSpec) { s.Data.Old.Database = "" }, "spec.data.old.database", "missing"},
		"same database":   {func(s *v1.MigrationSpec) { s.Data.New.Database = "a" }, "spec.data.new.database", "old side"},
		"data capture":    {func(s *v1.MigrationSpec) { s.Data.New.Capture = "cdc" }, "spec.data.new.capture", "pgoutput"},
		"winner":          {func(s *v1.MigrationSpec) { s.Data.Winner = "me" }, "spec.data.winner", "owner"},
		"drain":           {func(s *v1.MigrationSpec) { s.Data.Drain = "-1s" }, "spec.data.drain", "negative"},
		"rate":            {func(s *v1.MigrationSpec) { s.Data.MaxRate = -1 }, "spec.data.maxRowsPerSecond", "negative"},
		"chunk":           {func(s *v1.MigrationSpec) { s.Data.Chunk = 100_001 }, "spec.data.chunkRows", "100000"},
		"no table":        {func(s *v1.MigrationSpec) { s.Data.Tables = nil }, "spec.data.tables", "1 to"},
		"nameless":        {func(s *v1.MigrationSpec) { s.Data.Tables = []v1.TableRule{{}} }, "spec.data.tables[0].name", "missing"},
		"table twice":     {func(s *v1.MigrationSpec) { s.Data.Tables = []v1.TableRule{{Name: "x"}, {Name: "x", To: "y"}} }, "spec.data.tables[1].name", "already"},
		"target twice":    {func(s *v1.MigrationSpec) { s.Data.Tables = []v1.TableRule{{Name: "x"}, {Name: "y", To: "x"}} }, "spec.data.tables[1].to", "already"},
		"own table":       {func(s *v1.MigrationSpec) { s.Data.Tables[0].Name = "jindu_fence" }, "spec.data.tables[0].name", "own"},
		"skipped version": {func(s *v1.MigrationSpec) { s.Data.Tables[0].Version, s.Data.Tables[0].Skip = "v", []string{"v"} }, "spec.data.tables[0].skip[0]", "carry"},
		"skipped twice":   {func(s *v1.MigrationSpec) { s.Data.Tables[0].Skip = []string{"v", "v"} }, "spec.data.tables[0].skip[1]", "already"},
		"no column":       {columns(v1.ColumnRule{}), "spec.data.tables[0].columns[0]", "no column"},
		"empty column":    {columns(v1.ColumnRule{From: []string{""}}), "spec.data.tables[0].columns[0]", "empty"},
		"no default":      {columns(v1.ColumnRule{To: []string{"x"}}), "spec.data.tables[0].columns[0].default", "only the new side"},
		"many to many":    {columns(v1.ColumnRule{From: []string{"a", "b"}, To: []string{"c", "d"}}), "spec.data.tables[0].columns[0].to", "more than one"},
		"no split":        {columns(v1.ColumnRule{From: []string{"a"}, To: []string{"c", "d"}}), "spec.data.tables[0].columns[0].split", "between"},
		"column twice":    {columns(v1.ColumnRule{From: []string{"a"}}, v1.ColumnRule{From: []string{"a"}}), "spec.data.tables[0].columns[1].from", "already"},
		"scale":           {columns(v1.ColumnRule{From: []string{"a"}, Scale: 19}), "spec.data.tables[0].columns[0].scale", "18"},
		"null":            {columns(v1.ColumnRule{From: []string{"a"}, Null: "x"}), "spec.data.tables[0].columns[0].null", "empty"},
		"type":            {columns(v1.ColumnRule{From: []string{"a"}, Type: "x"}), "spec.data.tables[0].columns[0].type", "decimal"},
		"values":          {columns(v1.ColumnRule{From: []string{"a"}, Values: map[string]string{"1": "x", "2": "x"}}), "spec.data.tables[0].columns[0].values.", "way back"},
		"owners":          {func(s *v1.MigrationSpec) { s.Data.Owners = make([]v1.OwnerRule, 65) }, "spec.data.owners", "64"},
		"owner method":    {owners(v1.OwnerRule{Path: "/o/{id}", Method: "post", New: "N.*"}), "spec.data.owners[0].method", "capitals"},
		"owner path":      {owners(v1.OwnerRule{Path: "o/{id}", New: "N.*"}), "spec.data.owners[0].path", "begin with /"},
		"owner part":      {owners(v1.OwnerRule{Path: "/o/x{id}", New: "N.*"}), "spec.data.owners[0].path", "whole segment"},
		"owner ids":       {owners(v1.OwnerRule{Path: "/o/{id}/{id}", New: "N.*"}), "spec.data.owners[0].path", "twice"},
		"owner star":      {owners(v1.OwnerRule{Path: "/o/*/{id}", New: "N.*"}), "spec.data.owners[0].path", "trailing"},
		"owner no id":     {owners(v1.OwnerRule{Path: "/o", New: "N.*"}), "spec.data.owners[0].id", "missing"},
		"owner two ids":   {owners(v1.OwnerRule{Path: "/o/{id}", ID: &v1.ValueSource{Query: "o"}, New: "N.*"}), "spec.data.owners[0].id", "not needed"},
		"owner source":    {owners(v1.OwnerRule{Path: "/o", ID: &v1.ValueSource{}, New: "N.*"}), "spec.data.owners[0].id", "exactly one"},
		"owner nothing":   {owners(v1.OwnerRule{Path: "/o/{id}"}), "spec.data.owners[0].new", "missing"},
		"owner regexp":    {owners(v1.OwnerRule{Path: "/o/{id}", New: "N("}), "spec.data.owners[0].new", "RE2"},
	} {
		s := owned("", 0, "").Spec
		c.spoil(&s)
		found := false
		for _, f := range ValidateMigration(s) {
			found = found || strings.HasPrefix(f.Path, c.path) && strings.Contains(f.Detail+f.Value, c.text)
		}
		if !found {
			t.Errorf("%s: %+v", name, ValidateMigration(s))
		}
	}
}

func TestDataIsFrozenOnceTheRampBegan(t *testing.T) {
	for path, change := range map[string]func(*v1.DataSpec){
		"spec.data.old":    func(d *v1.DataSpec) { d.Old.Database = "c" },
		"spec.data.new":    func(d *v1.DataSpec) { d.New.Capture = "binlog" },
		"spec.data.owners": func(d *v1.DataSpec) { d.Owners[2].ID = &v1.ValueSource{Query: "o"} },
	} {
		after := owned("", 0, "").Spec
		change(after.Data)
		expect(t, path, ValidateMigrationChange(owned(v1.PhaseHold, 10_000, ""), after), path, "roll back first")
		if wrong := ValidateMigrationChange(owned(v1.PhaseMirror, 0, ""), after); wrong != nil {
			t.Errorf("%s in mirror: %v", path, wrong)
		}
	}
	expect(t, "removed", ValidateMigrationChange(owned(v1.PhaseRamp, 1, ""), orders("", 0).Spec), "spec.data", "removed")
	expect(t, "added", ValidateMigrationChange(orders(v1.PhaseRamp, 1), owned("", 0, "").Spec), "spec.data", "added")
	same := owned("", 0, "").Spec
	same.Data.Drain = "1s"
	if wrong := ValidateMigrationChange(owned(v1.PhaseRamp, 1, ""), same); wrong != nil {
		t.Errorf("another drain: %v", wrong)
	}
}

func FuzzOwnerRules(f *testing.F) {
	for _, s := range []string{"/orders/{id}/cancel", "/*", "/{id}", "/a/{b}/{id}/*", "/{id}/*", "{id}", "/a//b", "/a/{id", "/%41/{id}"} {
		f.Add(s, "/orders/N1/cancel")
	}
	f.Fuzz(func(t *testing.T, rule, target string) {
		m := owned(v1.PhaseRamp, 5000, "")
		m.Spec.Data.Owners = []v1.OwnerRule{{Path: rule, New: "N.*"}}
		if len(ValidateMigration(m.Spec)) > 0 {
			return
		}
		compiled := ownerRules(m.Spec.Data.Owners)
		path, _, ok := canonical([]byte(target), nil)
		if !ok || len(compiled) != 1 {
			return
		}
		var s scratch
		if id, ok := compiled[0].find(&Request{Method: []byte("GET"), Path: []byte(target), Fields: header{}}, path, &s); ok && (len(id) == 0 || strings.Contains(string(id), "/")) {
			t.Errorf("%q fits %q with id %q", target, rule, id)
		}
	})
}

package writeset

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

// cols are columns written name=value; a value that is NULL is written NULL.
func cols(list ...string) []v1.ColumnValue {
	var out []v1.ColumnValue
	for _, s := range list {
		name, value, _ := strings.Cut(s, "=")
		c := v1.ColumnValue{Name: name}
		if value != "NULL" {
			c.Value = &value
		}
		out = append(out, c)
	}
	return out
}

func insert(table string, after ...string) v1.Effect {
	all := cols(after...)
	return v1.Effect{Kind: v1.EffectRow, Op: "insert", Target: table, Key: all[:1], After: all}
}

func update(table, key string, before, after []v1.ColumnValue) v1.Effect {
	return v1.Effect{Kind: v1.EffectRow, Op: "update", Target: table, Key: cols(key), Before: before, After: after}
}

func remove(table string, before ...string) v1.Effect {
	all := cols(before...)
	return v1.Effect{Kind: v1.EffectRow, Op: "delete", Target: table, Key: all[:1], Before: all}
}

func written(effects ...v1.Effect) string {
	ws := WriteSet{}
	for _, e := range effects {
		ws.Told = append(ws.Told, Told{"database:a", e})
	}
	return string(Document(ws, nil))
}

func TestDocument(t *testing.T) {
	set := func(key string, args ...string) v1.Effect {
		return v1.Effect{Kind: v1.EffectRedis, Op: "set", Target: key, Args: args}
	}
	refused := insert("orders", "id=1")
	refused.Fate = fateRefused
	shadowed := insert("orders", "id=1")
	shadowed.Fate = "shadowed"
	for name, c := range map[string]struct {
		effects []v1.Effect
		want    string
	}{
		"nothing": {nil, `{}`},
		"a row": {[]v1.Effect{insert("orders", "id=57", "total=12.5", "who=李", "note=NULL", "zip=01234")},
			`{"row":{"orders":[{"after":{"id":57,"note":null,"total":12.5,"who":"李","zip":"01234"},"op":"insert"}]}}`},
		"a number is raised, a text replaced": {[]v1.Effect{update("stock", "sku=A1", cols("left=10", "state=full", "at=NULL"), cols("left=9.5", "state=open", "at=7"))},
			`{"row":{"stock":[{"change":{"at":{"from":null,"to":7},"left":{"by":-0.5,"from":10,"to":9.5},"state":{"from":"full","to":"open"}},"key":{"sku":"A1"},"op":"update"}]}}`},
		"before is not known": {[]v1.Effect{update("stock", "sku=A1", nil, cols("left=9"))},
			`{"row":{"stock":[{"change":{"left":{"to":9}},"key":{"sku":"A1"},"op":"update"}]}}`},
		"a deleted row is its key": {[]v1.Effect{remove("lines", "id=3", "sku=A")}, `{"row":{"lines":[{"key":{"id":3},"op":"delete"}]}}`},
		"what was not let out is shown, what went elsewhere is as if it happened": {[]v1.Effect{refused, shadowed},
			`{"row":{"orders":[{"after":{"id":1},"op":"insert"},{"after":{"id":1},"fate":"refused","op":"insert"}]}}`},
		"updates fold": {[]v1.Effect{update("t", "k=a", cols("n=1"), cols("n=2")), update("t", "k=a", cols("n=2", "s=x"), cols("n=5", "s=y"))},
			`{"row":{"t":[{"change":{"n":{"by":4,"from":1,"to":5},"s":{"from":"x","to":"y"}},"key":{"k":"a"},"op":"update"}]}}`},
		"there and back is nothing":       {[]v1.Effect{update("t", "k=a", cols("n=1"), cols("n=2")), update("t", "k=a", cols("n=2"), cols("n=1"))}, `{"row":{}}`},
		"an insert takes its updates":     {[]v1.Effect{insert("t", "k=a", "n=1"), update("t", "k=a", cols("n=1"), cols("n=2"))}, `{"row":{"t":[{"after":{"k":"a","n":2},"op":"insert"}]}}`},
		"inserted and deleted never was":  {[]v1.Effect{insert("t", "k=a", "n=1"), remove("t", "k=a", "n=1")}, `{"row":{}}`},
		"deleted and inserted is changed": {[]v1.Effect{remove("t", "k=a", "n=1"), insert("t", "k=a", "n=3")}, `{"row":{"t":[{"change":{"n":{"by":2,"from":1,"to":3}},"key":{"k":"a"},"op":"update"}]}}`},
		"updated and deleted is deleted":  {[]v1.Effect{update("t", "k=a", cols("n=1"), cols("n=2")), remove("t", "k=a", "n=2")}, `{"row":{"t":[{"key":{"k":"a"},"op":"delete"}]}}`},
		"two inserts stay two":            {[]v1.Effect{insert("t", "k=a", "n=1"), insert("t", "k=a", "n=1")}, `{"row":{"t":[{"after":{"k":"a","n":1},"op":"insert"},{"after":{"k":"a","n":1},"op":"insert"}]}}`},
		"two deletes stay two":            {[]v1.Effect{remove("t", "k=a"), remove("t", "k=a")}, `{"row":{"t":[{"key":{"k":"a"},"op":"delete"},{"key":{"k":"a"},"op":"delete"}]}}`},
		"a key that changes is followed": {[]v1.Effect{update("t", "k=a", cols("k=a"), cols("k=b")), update("t", "k=b", cols("n=1"), cols("n=2"))},
			`{"row":{"t":[{"change":{"k":{"from":"a","to":"b"},"n":{"by":1,"from":1,"to":2}},"key":{"k":"a"},"op":"update"}]}}`},
		"a row without a key does not fold": {[]v1.Effect{{Kind: v1.EffectRow, Op: "insert", Target: "log", After: cols("a=x")}, {Kind: v1.EffectRow, Op: "insert", Target: "log", After: cols("a=x")}},
			`{"row":{"log":[{"after":{"a":"x"},"op":"insert"},{"after":{"a":"x"},"op":"insert"}]}}`},
		"rows by content, then by number": {[]v1.Effect{insert("t", "id=10", "sku=b"), insert("t", "id=9", "sku=b"), insert("t", "id=11", "sku=a")},
			`{"row":{"t":[{"after":{"id":11,"sku":"a"},"op":"insert"},{"after":{"id":9,"sku":"b"},"op":"insert"},{"after":{"id":10,"sku":"b"},"op":"insert"}]}}`},
		"keys of Redis": {[]v1.Effect{set("cart:42", `{"n":1}`, "EX", "60"), set("cart:41", "x"), {Kind: v1.EffectRedis, Op: "EXPIRE", Target: "cart:42", Args: []string{"5"}}, set("plain")},
			`{"redis":{"cart:{}":[{"id":41,"ops":[{"SET":{"arg1":"x"}}]},{"id":42,"ops":[{"SET":{"arg1":{"n":1},"arg2":"EX","arg3":60}},{"EXPIRE":{"arg1":5}}]}],"plain":[{"ops":[{"SET":{}}]}]}}`},
		"messages and calls": {[]v1.Effect{
			{Kind: v1.EffectMessage, Op: "send", Target: "orders", Key: cols("key=7"), Body: `{"id": 1}`}, {Kind: v1.EffectMessage, Op: "send", Target: "orders", Body: "plain"},
			{Kind: v1.EffectMessage, Op: "send", Target: "orders", Body: "AAE=", Base64: true},
			{Kind: v1.EffectCall, Op: "POST", Target: "pay.example/orders/4711/items/12?dry=1", Body: "[1]", Status: 201}},
			`{"call":{"POST pay.example/orders/{}/items/{}":[{"id":4711,"id2":12,"query":"dry=1","body":[1]}]},"message":{"orders":[{"key":{"key":7},"body":{"id": 1}},{"body":"plain"},{"body":"base64:AAE="}]}}`},
		"a statement": {[]v1.Effect{{Kind: v1.EffectSQL, Op: "INSERT", Target: "audit", Text: "INSERT  INTO `audit` ( who,n ) VALUES ('it''s', 12, $1);", Args: []string{"x"}, Rows: 1}},
			`{"sql":{"audit":[{"op":"insert","rows":1,"text":"insert into audit(who,n)values(?,?,?)","arg1":"it's","arg2":12,"arg3":"x"}]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := written(c.effects...)
			if !json.Valid([]byte(got)) {
				t.Errorf("no JSON: %s", got)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestArgumentsBeyondTheNamedOnesAreAList(t *testing.T) {
	e := v1.Effect{Kind: v1.EffectRedis, Op: "MSET", Target: "a", Args: strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18")}
	if got := written(e); !strings.HasSuffix(got, `"arg16":16,"args":[17,18]}}]}]}}`) {
		t.Error(got)
	}
}

func TestNamesOfTheOldSideAreThoseOfTheNew(t *testing.T) {
	names := map[string]string{"t_order": "orders", "c:": "cart:", "order": "orders", "c:x:": "other:", "ORDERS": "orders", "old.example": "new.example"}
	ws := WriteSet{Told: []Told{
		{"", insert("t_order", "id=1")}, {"", v1.Effect{Kind: v1.EffectRedis, Op: "DEL", Target: "c:7"}}, {"", v1.Effect{Kind: v1.EffectRedis, Op: "DEL", Target: "c:x:7"}},
		{"", v1.Effect{Kind: v1.EffectMessage, Target: "ORDERS"}}, {"", v1.Effect{Kind: v1.EffectCall, Op: "GET", Target: "old.example/a"}},
		{"", v1.Effect{Kind: v1.EffectRedis, Op: "DEL", Target: "order:7"}}, {"", v1.Effect{Kind: v1.EffectCall, Op: "GET", Target: "10.0.0.1:8080/b/7"}}, {"", insert("public.users", "id=1")},
	}}
	got := string(Document(ws, names))
	for _, want := range []string{`"orders":[{"after"`, `"cart:{}"`, `"other:{}"`, `"message":{"orders"`, `"GET new.example/a"`, `"order:{}"`, `"GET 10.0.0.1:8080/b/{}":[{"id":7}]`, `"users":[`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

func TestTheOrderOfIndependentStatementsDoesNotShow(t *testing.T) {
	effects := []v1.Effect{
		insert("orders", "id=1", "a=x"), insert("items", "id=1", "sku=b"), update("stock", "sku=b", cols("n=4"), cols("n=3")), update("stock", "sku=a", cols("n=4"), cols("n=3")),
		{Kind: v1.EffectMessage, Target: "m", Body: "1"}, {Kind: v1.EffectCall, Op: "GET", Target: "h/x"}, {Kind: v1.EffectRedis, Op: "DEL", Target: "k:1"}, {Kind: v1.EffectRedis, Op: "DEL", Target: "k:2"},
	}
	want := written(effects...)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		rng.Shuffle(len(effects), func(i, j int) { effects[i], effects[j] = effects[j], effects[i] })
		if got := written(effects...); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

func TestNumbersAreExact(t *testing.T) {
	for _, c := range [][3]string{
		{"9", "10", "-1"}, {"0.3", "0.1", "0.2"}, {"1", "1.00", "0"}, {"-0.5", "0.75", "-1.25"}, {"9007199254740993", "9007199254740992", "1"}, {"10", "9.5", "0.5"}, {"0", "0.001", "-0.001"},
	} {
		if got := minus(c[0], c[1]); got != c[2] {
			t.Errorf("%s - %s = %s, want %s", c[0], c[1], got, c[2])
		}
	}
	for s, want := range map[string]bool{
		"0": true, "-1": true, "1.5": true, "-0.5": true, "12345678901234567890": true, "": false, "-": false, "01": false, "1.": false, ".5": false, "1e3": false, "-0": false, "-0.0": false, "NaN": false,
		"1.2.3": false, "--1": false, strings.Repeat("9", 81): false,
	} {
		if isNumber(s) != want {
			t.Errorf("isNumber(%q) = %v", s, !want)
		}
		if want && !json.Valid([]byte(s)) {
			t.Errorf("%q is no JSON number", s)
		}
	}
}

func TestTemplatesPartNamesFromData(t *testing.T) {
	for in, want := range map[string]string{
		"cart:42": "cart:{} 42", "v1/orders/550e8400-e29b-41d4-a716-446655440000": "v1/orders/{} 550e8400-e29b-41d4-a716-446655440000",
		"stock": "stock", "user:ann:seen": "user:ann:seen", "a:": "a:", "": "", "7": "{} 7",
	} {
		name, ids := template(in, ":/")
		if got := strings.TrimSpace(name + " " + strings.Join(ids, " ")); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestStatementsThatMeanTheSameReadTheSame(t *testing.T) {
	want, _ := statement("update orders set total=?,note=? where id=?")
	for _, s := range []string{
		"UPDATE `orders` SET total = 12.5, note='x''y' WHERE id=7;", "Update \"orders\"\n set total=$1,note = $2\twhere id = $13", "update orders set total=?, note=? where id=?",
	} {
		if got, _ := statement(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	if got, args := statement("select 'open"); got != "select ?" || args[0] != "open" {
		t.Errorf("%q %q", got, args)
	}
	if got, _ := statement("a @ b"); got != "a @ b" {
		t.Errorf("%q", got)
	}
}

func TestViewMasksValuesAndShowsNames(t *testing.T) {
	var asked []string
	show := func(text string, path ...string) string {
		asked = append(asked, strings.Join(path, "/"))
		return "#"
	}
	effects := []v1.Effect{
		insert("t_order", "id=57", "note=NULL"), update("stock", "sku=A1", cols("left=10"), cols("left=9")), remove("lines", "id=3"),
		{Kind: v1.EffectRedis, Op: "SET", Target: "cart:secret1:77", Args: []string{"secret"}}, {Kind: v1.EffectCall, Op: "POST", Target: "pay.example/charges/4711?token=secret", Body: "secret"},
		{Kind: v1.EffectSQL, Op: "insert", Target: "audit", Text: "insert into audit values('secret')", Args: []string{"secret"}},
	}
	views := View(effects, map[string]string{"t_order": "orders"}, show)
	text, err := json.Marshal(views)
	if err != nil || strings.Contains(string(text), "secret") || strings.Contains(string(text), "57") {
		t.Errorf("%s (%v)", text, err)
	}
	if views[0].Target != "t_order" || views[0].After[1].Value != nil || *views[0].After[0].Value != "#" || views[3].Target != "cart:{}:{}" || len(views[3].Key) != 2 || views[5].Text != "insert into audit values(?)" {
		t.Errorf("%s", text)
	}
	for _, want := range []string{
		"row/orders/[]/key/id", "row/orders/[]/after/id", "row/stock/[]/change/left/from", "row/stock/[]/change/left/to", "row/lines/[]/before/id",
		"redis/cart:{}:{}/[]/ops/[]/SET/arg1", "redis/cart:{}:{}/[]/id2", "call/POST pay.example/charges/{}/[]/body", "sql/audit/[]/arg1",
	} {
		if !strings.Contains(strings.Join(asked, "\n"), want) {
			t.Errorf("%s was not asked for in\n%s", want, strings.Join(asked, "\n"))
		}
	}
	if n := len(View(make([]v1.Effect, 500), nil, show)); n != maxViewed {
		t.Errorf("%d effects are shown", n)
	}
}

// FuzzDocument: whatever was told, the document is JSON, and the same when it is written again.
func FuzzDocument(f *testing.F) {
	f.Add(`[{"kind":"row","op":"insert","target":"orders","key":[{"name":"id","value":"1"}],"after":[{"name":"id","value":"1"},{"name":"note","value":null}]}]`)
	f.Add(`[{"kind":"row","op":"update","target":"s","key":[{"name":"k","value":"a"}],"before":[{"name":"n","value":"10"}],"after":[{"name":"n","value":"-0.5"}]},{"kind":"row","op":"delete","target":"s","key":[{"name":"k","value":"a"}]}]`)
	f.Add(`[{"kind":"redis","op":"SET","target":"cart:42","args":["{\"a\":1}","EX","60"]},{"kind":"call","op":"POST","target":"h/p/1?q","body":"{"}]`)
	f.Add(`[{"kind":"sql","op":"insert","target":"t","text":"insert into t values('a''b',1.5,$1)","args":["\u0000\u0001\""],"rows":1},{"kind":"message","target":"\ud800","body":"[","base64":true,"fate":"refused"}]`)
	f.Fuzz(func(t *testing.T, text string) {
		var effects []v1.Effect
		if json.Unmarshal([]byte(text), &effects) != nil {
			t.Skip()
		}
		ws := WriteSet{Shadow: true}
		for i := range effects {
			ws.Told = append(ws.Told, Told{"proxy:a", effects[i]})
		}
		names := map[string]string{"orders": "o", "cart:": "c:"}
		got := Document(ws, names)
		if !json.Valid(got) {
			t.Fatalf("no JSON: %q of %s", got, text)
		}
		if again := Document(ws, names); !bytes.Equal(again, got) {
			t.Fatalf("written twice: %s and %s", got, again)
		}
		View(ws.Effects(), names, func(s string, _ ...string) string { return s })
	})
}

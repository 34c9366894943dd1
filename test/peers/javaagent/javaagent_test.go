package javaagent

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/test/peers/proc"
)

// each runs a test on each JDK.
func each(t *testing.T, test func(t *testing.T, jdk, schema string)) {
	t.Helper()
	for _, jdk := range jdks(t) {
		t.Run(filepath.Base(jdk), func(t *testing.T) {
			t.Parallel()
			runs.Lock()
			runs.n++
			schema := "s" + strconv.Itoa(runs.n)
			runs.Unlock()
			test(t, jdk, schema)
		})
	}
}

// marked asserts that each statement with a word carries exactly one comment, the mark's, before all else.
func marked(t *testing.T, statements []string, m v1.Mark, n int) {
	t.Helper()
	if len(statements) != n {
		t.Errorf("%d statements, want %d: %q", len(statements), n, statements)
	}
	for _, s := range statements {
		if want := "/*" + m.String() + "*/ "; !strings.HasPrefix(s, want) || strings.Count(s, "jindu:") != 1 {
			t.Errorf("%q does not begin with %q alone", s, want)
		}
	}
}

// The unit tests of the agent run on the JDK that Maven uses.
func TestTheAgentsOwnTests(t *testing.T) {
	proc.Need(t, "mvn")
	jdks(t)
	if err := maven("-f", agentSource, "-DbuildDir="+t.TempDir(), "test"); err != nil {
		t.Fatal(err)
	}
}

func TestStatementsCarryTheMarkOnceInEveryWayThatJDBCHas(t *testing.T) {
	db := database(t)
	ways := map[string]struct {
		statements, counted int
		query               []string
	}{
		"pool":           {1, 1, nil},
		"statement":      {1, 1, nil},
		"execute":        {1, 1, []string{"pooled", ""}},
		"batch":          {2, 2, []string{"pooled", ""}},
		"prepared-batch": {3, 3, []string{"pooled", ""}},
		"call":           {1, 1, nil},
		"keys":           {1, 1, nil},
		"tx":             {2, 2, []string{"pooled", ""}},
	}
	each(t, func(t *testing.T, jdk, schema string) {
		for kind, url := range map[string]string{"text": "&useBulkStmts=false", "binary": "&useServerPrepStmts=true&useBulkStmts=false"} {
			n := newNode(t)
			a := startApp(t, jdk, "node="+n.URL+",service=shop", "--jdbc", db.jdbc(t, schema+kind, url))
			for how, want := range ways {
				m := newMark(false)
				text := how + m.Run
				got := a.get(t, "/sql", m, append([]string{"how", how, "text", text}, want.query...)...)
				if got.status != 200 {
					t.Fatalf("%s: %s", how, got.body)
				}
				marked(t, db.statements(t, text), m, want.statements)
				if r := n.closed(t, m); r.Statements != want.counted || len(r.Effects) != 0 {
					t.Errorf("%s %s: %+v, want %d statements", kind, how, r, want.counted)
				}
			}
			if out := a.Output(); strings.Contains(out, "jindu: ") {
				t.Errorf("the agent complains: %s", out)
			}
		}
	})
}

func TestWithoutMarksNothingIsTouched(t *testing.T) {
	db := database(t)
	upstream := redisServer(t)
	each(t, func(t *testing.T, jdk, schema string) {
		seen := map[string][]string{}
		for _, options := range []string{"none", "node=%s,service=shop,sql=proxy,redis=proxy,fence=true"} {
			n, w, other := newNode(t), newWire(t, upstream), echo(t)
			with := "without"
			if options != "none" {
				options, with = fmt.Sprintf(options, n.URL), "with"
			}
			a := startApp(t, jdk, options, "--jdbc", db.jdbc(t, schema+with, ""), "--redis", w.addr)
			var out []string
			say := func(r answer) { out = append(out, fmt.Sprint(r.status, " ", r.body)) }
			for _, how := range []string{"pool", "statement", "execute", "batch", "prepared-batch", "call", "keys", "tx", "read", "kept"} {
				say(a.get(t, "/sql", v1.Mark{}, "how", how, "text", schema+with+how))
				out = append(out, strings.ReplaceAll(strings.Join(db.statements(t, schema+with+how), ";"), schema+with, ""))
			}
			for _, how := range []string{"submit", "execute", "ordered", "parallel", "then", "thread", "removed"} {
				say(a.get(t, "/threads", v1.Mark{}, "how", how, "text", "t"))
			}
			for _, how := range []string{"url", "client", "async"} {
				r := a.get(t, "/call", v1.Mark{}, "how", how, "to", other.URL+"/x?y=1", "body", "b")
				say(r)
			}
			for _, how := range []string{"jedis", "pipeline", "multi", "lettuce", "lettuce-many"} {
				say(a.get(t, "/redis", v1.Mark{}, "how", how, "key", schema+with+how))
			}
			say(a.get(t, "/kafka", v1.Mark{}, "topic", "orders"))
			say(ask(t, a.servlet+"/plain", v1.Mark{}))
			w.mu.Lock()
			for id := range len(w.conns) {
				for _, c := range w.conns[id] {
					if strings.HasPrefix(c, "CLIENT SETNAME") {
						out = append(out, c)
					}
				}
			}
			w.mu.Unlock()
			n.mu.Lock()
			out = append(out, fmt.Sprint(len(n.bodies)))
			n.mu.Unlock()
			seen[with] = out
			if said := a.Output(); strings.Contains(said, "jindu: ") {
				t.Errorf("the agent complains: %s", said)
			}
		}
		if !slices.Equal(seen["with"], seen["without"]) {
			t.Errorf("with the agent\n%q\nwithout\n%q", seen["with"], seen["without"])
		}
	})
}

func TestThreadsCarryTheMark(t *testing.T) {
	db := database(t)
	each(t, func(t *testing.T, jdk, schema string) {
		n := newNode(t)
		a := startApp(t, jdk, "node="+n.URL+",service=shop", "--jdbc", db.jdbc(t, schema, ""))
		ways := map[string]int{
			"submit": 1, "execute": 1, "invokeAll": 1, "ordered": 1, "schedule": 1, "forkjoin": 1, "recursive": 1, "parallel": 8,
			"supply": 1, "then": 2, "thread": 1, "future": 1, "removed": 0,
		}
		if !strings.Contains(jdk, "17") {
			ways["virtual"], ways["virtual-executor"] = 1, 1
		}
		for range 3 { // pools' threads are new at first and old later
			for how, count := range ways {
				m := newMark(false)
				text := how + m.Run
				if got := a.get(t, "/threads", m, "how", how, "text", text); got.status != 200 || how == "removed" && got.body != "true" || how == "ordered" && got.body != "1true" {
					t.Fatalf("%s: %+v", how, got)
				}
				marked(t, db.statements(t, text), m, count)
				if r := n.closed(t, m); r.Statements != count {
					t.Errorf("%s: %d statements counted, want %d", how, r.Statements, count)
				}
				// The same threads then work for nobody.
				text = "nobody" + text
				a.get(t, "/threads", v1.Mark{}, "how", how, "text", text)
				for _, s := range db.statements(t, text) {
					if strings.Contains(s, "jindu:") {
						t.Errorf("%s: a statement of nobody's is %q", how, s)
					}
				}
			}
		}
	})
}

func TestCallsCarryTheMarkAndAreReported(t *testing.T) {
	db := database(t)
	other := echo(t)
	host := strings.TrimPrefix(other.URL, "http://")
	each(t, func(t *testing.T, jdk, schema string) {
		n := newNode(t)
		a := startApp(t, jdk, "node="+n.URL+",service=shop,forward="+host, "--jdbc", db.jdbc(t, schema, ""))
		for _, how := range []string{"url", "client", "async"} {
			for _, shadow := range []bool{false, true} {
				m := newMark(shadow)
				name := ""
				if shadow {
					name = "shop"
				}
				own := "kept"
				if how == "url" {
					own = ""
				}
				got := a.get(t, "/call", m, "how", how, "to", other.URL+"/pay?x=1", "body", `{"n":1}`)
				if want := fmt.Sprintf(`201 POST /pay?x=1 [%s] [%s] [%s] {"n":1}`, m, name, own); got.body != want {
					t.Errorf("%s: %q, want %q", how, got.body, want)
				}
				r := n.closed(t, m)
				if len(r.Effects) != 1 {
					t.Fatalf("%s: %+v", how, r)
				}
				if e := r.Effects[0]; e.Kind != v1.EffectCall || e.Op != "POST" || e.Target != host+"/pay" || e.Body != `{"n":1}` || e.Fate != "" || e.Truncated || !slices.Equal(e.Args, []string{"x=1"}) {
					t.Errorf("%s: %+v", how, e)
				}
				m = newMark(shadow)
				if got := a.get(t, "/call", m, "how", how, "to", other.URL+"/ask"); !strings.HasPrefix(got.body, "201 GET /ask ["+m.String()) {
					t.Errorf("%s: %q", how, got.body)
				}
			}
			m := newMark(false)
			a.get(t, "/call", m, "how", how, "to", other.URL+"/big", "body", strings.Repeat("x", 70_000))
			if r := n.closed(t, m); len(r.Effects) != 1 || len(r.Effects[0].Body) != 64<<10 || !r.Effects[0].Truncated {
				t.Errorf("%s: a body over the bound is not cut", how)
			}
			m = newMark(false)
			a.get(t, "/call", m, "how", how, "to", "http://127.0.0.1:1/nobody")
			if r := n.closed(t, m); len(r.Effects) != 1 || r.Effects[0].Fate != "unknown" {
				t.Errorf("%s: a call that nobody answered: %+v", how, r)
			}
		}
	})
}

func TestShadowsAreRefusedWithoutARule(t *testing.T) {
	db := database(t)
	upstream := redisServer(t)
	other := echo(t)
	each(t, func(t *testing.T, jdk, schema string) {
		n, w := newNode(t), newWire(t, upstream)
		a := startApp(t, jdk, "node="+n.URL+",service=shop", "--jdbc", db.jdbc(t, schema, ""), "--redis", w.addr)
		try := func(path string, effects int, query ...string) {
			t.Helper()
			m := newMark(true)
			query = append(query, "text", "t"+m.Run, "key", "k"+m.Run)
			got := a.get(t, path, m, query...)
			if got.status != 500 || !strings.Contains(got.body, "was not let out") {
				t.Errorf("%s %q: %d %s", path, query, got.status, got.body)
			}
			if s := db.statements(t, "t"+m.Run); len(s) != 0 {
				t.Errorf("%s %q: the database got %q", path, query, s)
			}
			if s := w.marksOf("k" + m.Run); len(s) != 0 {
				t.Errorf("%s %q: Redis got commands", path, query)
			}
			r := n.closed(t, m)
			if len(r.Effects) != effects || effects > 0 && r.Effects[0].Fate != "refused" {
				t.Errorf("%s %q: %+v", path, query, r)
			}
		}
		for _, how := range []string{"pool", "statement", "execute", "batch", "prepared-batch", "call", "keys", "tx", "kept"} {
			try("/sql", 0, "how", how)
		}
		for _, how := range []string{"submit", "parallel", "recursive", "supply", "then"} {
			try("/threads", 0, "how", how)
		}
		for _, how := range []string{"url", "client", "async"} {
			try("/call", 1, "how", how, "to", other.URL+"/x", "body", "b")
		}
		for _, how := range []string{"jedis", "pipeline", "multi", "lettuce", "lettuce-many"} {
			try("/redis", 1, "how", how)
		}
		try("/kafka", 1, "topic", "orders")
		// What only asks is let out.
		m := newMark(true)
		if got := a.get(t, "/sql", m, "how", "read", "text", "r"+m.Run); got.body != "0" {
			t.Errorf("read: %+v", got)
		}
		for _, how := range []string{"jedis-get", "lettuce-get"} {
			if got := a.get(t, "/redis", newMark(true), "how", how, "key", "none"); got.body != "null" {
				t.Errorf("%s: %+v", how, got)
			}
		}
		// A user's request goes on as ever, on the same pools and threads.
		m = newMark(false)
		if got := a.get(t, "/sql", m, "how", "pool", "text", "t"+m.Run); got.status != 200 {
			t.Errorf("a user after shadows: %+v", got)
		}
	})
}

// A shadow whose mark is dropped, cut or a user's on its way never writes.
func TestALostMarkOfAShadowFailsClosed(t *testing.T) {
	db := database(t)
	other := echo(t)
	each(t, func(t *testing.T, jdk, schema string) {
		a := startApp(t, jdk, "sql=proxy,redis=proxy,topics=shadow-,forward="+strings.TrimPrefix(other.URL, "http://"), "--jdbc", db.jdbc(t, schema, ""))
		random := rand.New(rand.NewPCG(1, 2))
		for i := range 60 {
			m := newMark(true)
			h := http.Header{"X-Jindu-Shadow": {"shop"}, "X-Jindu-Mark": {m.String()}}
			lost := true
			switch random.IntN(5) {
			case 0:
				h.Del("X-Jindu-Mark")
			case 1:
				h.Set("X-Jindu-Mark", m.String()[:random.IntN(len(m.String())-4)])
			case 2:
				user := m
				user.Shadow = false
				h.Set("X-Jindu-Mark", user.String())
			case 3:
				h.Del("X-Jindu-Shadow") // the mark itself says it
				lost = false
			default:
				lost = false
			}
			text := "lost" + m.Run
			path, query := "/sql", []string{"how", []string{"pool", "statement", "batch", "call", "kept"}[i%5], "text", text}
			if i%4 == 3 {
				path, query = "/threads", []string{"how", []string{"submit", "parallel", "then", "thread"}[i/4%4], "text", text}
			}
			got := askWith(t, a.base+path, h, query...)
			said := db.statements(t, text)
			if lost && len(said) != 0 {
				t.Errorf("%v %q: the database got %q", h, query, said)
			}
			for _, s := range said {
				if !strings.HasPrefix(s, "/*"+m.String()+"*/ ") {
					t.Errorf("%v %q: the database got %q, answered %+v", h, query, s, got)
				}
			}
			if lost {
				if got := askWith(t, a.base+"/call", h, "how", "client", "to", other.URL+"/x"); got.status != 500 {
					t.Errorf("%v: called out: %+v", h, got)
				}
				if got := askWith(t, a.base+"/kafka", h, "topic", "orders"); got.status != 500 {
					t.Errorf("%v: sent: %+v", h, got)
				}
			} else if query[1] == "pool" && len(said) != 1 {
				t.Errorf("a shadow with its mark was not let out: %+v", got)
			}
		}
	})
}

func TestRedisConnectionsAreNamedBeforeTheirCommands(t *testing.T) {
	db := database(t)
	upstream := redisServer(t)
	each(t, func(t *testing.T, jdk, schema string) {
		w := newWire(t, upstream)
		a := startApp(t, jdk, "redis=proxy", "--jdbc", db.jdbc(t, schema, ""), "--redis", w.addr)
		want := map[string]string{"jedis": "OK12", "pipeline": "12345", "multi": "[1, 2]", "lettuce": "OK12", "lettuce-many": "12345"}
		for range 3 {
			for how, body := range want {
				for _, m := range []v1.Mark{newMark(false), newMark(true), {}, newMark(false)} {
					runs.Lock()
					runs.n++
					key := "k" + strconv.Itoa(runs.n)
					runs.Unlock()
					got := a.get(t, "/redis", m, "how", how, "key", schema+key+"x")
					if m.Shadow && strings.Contains(got.body, "has commands of others under way") {
						continue
					}
					if got.body != body {
						t.Fatalf("%s: %+v, want %s", how, got, body)
					}
					name := ""
					if m.Run != "" {
						name = m.String()
					}
					for _, mark := range w.marksOf(schema + key + "x") {
						if mark != name {
							t.Errorf("%s: a command of %q went under %q", how, name, mark)
						}
					}
				}
			}
		}
		// Many requests at once share Lettuce's one connection.
		type result struct {
			m   v1.Mark
			got answer
		}
		results := make(chan result)
		for range 40 {
			m := newMark(false)
			go func() { results <- result{m, a.get(t, "/redis", m, "how", "lettuce-many", "key", schema+m.Run)} }()
		}
		for range 40 {
			r := <-results
			marks := w.marksOf(schema + r.m.Run)
			if r.got.body != "12345" || len(marks) != 5 || slices.ContainsFunc(marks, func(s string) bool { return s != r.m.String() }) {
				t.Errorf("%+v: under %q", r, marks)
			}
		}
	})
}

func TestRedisWritesAreReportedWhereNoProxyIs(t *testing.T) {
	db := database(t)
	upstream := redisServer(t)
	each(t, func(t *testing.T, jdk, schema string) {
		n := newNode(t)
		a := startApp(t, jdk, "node="+n.URL+",service=shop", "--jdbc", db.jdbc(t, schema, ""), "--redis", upstream)
		for _, how := range []string{"jedis", "lettuce"} {
			m := newMark(false)
			if got := a.get(t, "/redis", m, "how", how, "key", schema+how); got.body != "OK12" {
				t.Fatalf("%+v", got)
			}
			r := n.closed(t, m)
			if len(r.Effects) != 2 {
				t.Fatalf("%s: %+v", how, r)
			}
			set, incr := r.Effects[0], r.Effects[1]
			if set.Op != "SET" || set.Target != schema+how || !slices.Equal(set.Args, []string{"1"}) || incr.Op != "INCR" || len(incr.Args) != 0 {
				t.Errorf("%s: %+v", how, r)
			}
		}
	})
}

func TestMessagesCarryTheMark(t *testing.T) {
	db := database(t)
	each(t, func(t *testing.T, jdk, schema string) {
		n := newNode(t)
		a := startApp(t, jdk, "node="+n.URL+",service=shop,topics=shadow-", "--jdbc", db.jdbc(t, schema, ""))
		for shadow, topic := range map[bool]string{false: "orders", true: "shadow-orders"} {
			m := newMark(shadow)
			if got := a.get(t, "/kafka", m, "topic", "orders"); got.body != topic+" jindu-mark="+m.String() {
				t.Errorf("%+v", got)
			}
			e := n.closed(t, m).Effects
			if len(e) != 1 || e[0].Kind != v1.EffectMessage || e[0].Target != "orders" || e[0].Body != "value" || e[0].Args[0] != "key" || (e[0].Fate == "shadowed") != shadow {
				t.Errorf("%+v", e)
			}
		}
	})
}

func TestServletsCarryTheMark(t *testing.T) {
	db := database(t)
	each(t, func(t *testing.T, jdk, schema string) {
		n := newNode(t)
		a := startApp(t, jdk, "node="+n.URL+",service=shop", "--jdbc", db.jdbc(t, schema, ""))
		for _, query := range [][]string{nil, {"async", ""}} {
			m := newMark(false)
			text := "servlet" + m.Run
			if got := ask(t, a.servlet+"/sql", m, append(query, "how", "pool", "text", text)...); got.body != "1" {
				t.Fatalf("%+v", got)
			}
			marked(t, db.statements(t, text), m, 1)
			if r := n.closed(t, m); r.Statements != 1 {
				t.Errorf("%+v", r)
			}
		}
		if got := ask(t, a.servlet+"/sql", newMark(true), "how", "pool", "text", "s"); got.status != 500 || len(db.statements(t, "'s'")) != 0 {
			t.Errorf("a shadow's write: %+v", got)
		}
	})
}

func TestTheFenceRefusesWritesOfAnOlderEpoch(t *testing.T) {
	db := database(t)
	each(t, func(t *testing.T, jdk, schema string) {
		jdbc := db.jdbc(t, schema, "")
		db.exec(t, "USE "+schema+"; CREATE TABLE jindu_fence (migration VARCHAR(128), epoch BIGINT, low INT, high INT, PRIMARY KEY (migration, epoch)); INSERT INTO jindu_fence VALUES ('',0,0,0)")
		a := startApp(t, jdk, "fence=true", "--jdbc", jdbc)
		rows := func(text string) string {
			return db.exec(t, "SELECT COUNT(*) FROM "+schema+".notes WHERE text = '"+text+"'")
		}
		i := 0
		try := func(to string, m v1.Mark, query ...string) (answer, string) {
			t.Helper()
			i++
			text := "f" + strconv.Itoa(i)
			return ask(t, to+"/fence", m, append(query, "text", text)...), rows(text)
		}
		for _, to := range []string{a.base, a.servlet} {
			for _, query := range [][]string{{}, {"tx", ""}, {"escape", ""}, {"tx", "", "escape", ""}} {
				db.exec(t, "DELETE FROM "+schema+".jindu_fence WHERE epoch > 0")
				if got, n := try(to, newMark(false), query...); got.status != 200 || n == "0" {
					t.Errorf("%q: open: %+v, %s rows", query, got, n)
				}
				db.exec(t, "INSERT INTO "+schema+".jindu_fence VALUES ('m', 4, 4000, 5000)")
				got, n := try(to, newMark(false), query...)
				if got.status != 503 || got.header.Get("X-Jindu-Refused") != "fenced" || n != "0" {
					t.Errorf("%s %q: fenced: %+v, %s rows", to, query, got, n)
				}
				for name, m := range map[string]v1.Mark{
					"the newer epoch": {Run: "00000000000000aa", Epoch: 4, Bucket: 4711}, "another bucket": {Run: "00000000000000ab", Epoch: 3, Bucket: 5000}, "nobody": {},
				} {
					if got, n := try(to, m, query...); got.status != 200 || n == "0" {
						t.Errorf("%q: %s: %+v, %s rows", query, name, got, n)
					}
				}
				// Fenced in the middle, with a first write committed: not a refusal, but an error as it is.
				db.exec(t, "DELETE FROM "+schema+".jindu_fence WHERE epoch > 0")
				got, n = try(to, newMark(false), append(query, "before", "b", "raise", jdbc)...)
				want := 500
				if slices.Contains(query, "escape") && to == a.base {
					want = 0 // the JDK's server closes the connection when a handler throws
				}
				if got.status != want || got.header.Get("X-Jindu-Refused") != "" || n != "0" {
					t.Errorf("%q: fenced after a commit: %+v, %s rows", query, got, n)
				}
			}
		}
	})
}

func TestTheHelperLibrary(t *testing.T) {
	db := database(t)
	each(t, func(t *testing.T, jdk, schema string) {
		for _, agent := range []bool{true, false} {
			s := schema + strconv.FormatBool(agent)
			jdbc := db.jdbc(t, s, "")
			db.exec(t, "USE "+s+"; CREATE TABLE jindu_fence (migration VARCHAR(128), epoch BIGINT, low INT, high INT, PRIMARY KEY (migration, epoch));"+
				"CREATE TABLE jindu_outbox (id BIGINT AUTO_INCREMENT PRIMARY KEY, tbl VARCHAR(128), op CHAR(1), row_key TEXT, row_after TEXT, version BIGINT, mark VARCHAR(64), at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6))")
			args := []string{"-Xmx256m", "-XX:+UseSerialGC"}
			if agent {
				args = append(args, "-javaagent:"+agentJar.need(t))
			}
			dir := appDir.need(t)
			a := start(t, jdk, append(args, "-cp", filepath.Join(dir, "classes")+":"+filepath.Join(dir, "lib", "*")+":"+agentJar.need(t), "app.App"), "--jdbc", jdbc, "--helper", "yes")
			m := newMark(true)
			want := "null false"
			if agent {
				want = m.String() + " true"
			}
			if got := a.get(t, "/api", m, "how", "mark"); got.body != want {
				t.Errorf("mark: %+v, want %s", got, want)
			}
			m = newMark(false)
			if got := a.get(t, "/api", v1.Mark{}, "how", "run", "mark", m.String(), "text", "run"+m.Run); got.body != m.String()+" false null" {
				t.Errorf("run: %+v", got)
			}
			if agent {
				marked(t, db.statements(t, "run"+m.Run), m, 1)
			}
			if got := a.get(t, "/api", newMark(false), "how", "fence"); got.body != "open" {
				t.Errorf("fence: %+v", got)
			}
			db.exec(t, "INSERT INTO "+s+".jindu_fence VALUES ('m', 4, 0, 10001)")
			if got := a.get(t, "/api", newMark(false), "how", "fence"); agent && (got.status != 503 || !strings.Contains(got.body, "dev.jindu.Fenced")) {
				t.Errorf("fence: %+v", got)
			}
			if got := a.get(t, "/api", m, "how", "outbox"); got.body != "2" {
				t.Errorf("outbox: %+v", got)
			}
			mark := "NULL"
			if agent {
				mark = m.String()
			}
			rows := db.exec(t, "SELECT tbl, op, row_key, row_after, version, mark FROM "+s+".jindu_outbox ORDER BY id")
			want = "orders\ti\t{\"id\":\"7\"}\t{\"id\":\"7\",\"total\":\"12.5\",\"name\":\"a\\\\\"b\",\"at\":\"2023-11-14T22:13:20.12Z\",\"gone\":null}\t3\t" + mark +
				"\norders\td\t{\"id\":\"7\"}\tNULL\t4\t" + mark
			if rows != want {
				t.Errorf("outbox:\n%s\nwant\n%s", rows, want)
			}
			if agent {
				if got := a.get(t, "/api", newMark(true), "how", "outbox"); got.body != "2" || db.exec(t, "SELECT COUNT(*) FROM "+s+".jindu_outbox") != "2" {
					t.Errorf("a shadow wrote to the outbox: %+v", got)
				}
			}
		}
	})
}

func TestAgentThatCannotWorkLeavesTheServiceAlone(t *testing.T) {
	db := database(t)
	each(t, func(t *testing.T, jdk, schema string) {
		a := startApp(t, jdk, "nodes=http://x", "--jdbc", db.jdbc(t, schema+"a", ""))
		m := newMark(false)
		if got := a.get(t, "/sql", m, "how", "pool", "text", "off"+m.Run); got.body != "1" {
			t.Errorf("%+v", got)
		}
		if s := db.statements(t, "off"+m.Run); len(s) != 1 || strings.Contains(s[0], "jindu:") {
			t.Errorf("%q", s)
		}
		if out := a.Output(); !strings.Contains(out, "the agent is off: option nodes is not known; there are node,") {
			t.Error(out)
		}
		// A node that is not there costs a user nothing but one line.
		a = startApp(t, jdk, "node=http://127.0.0.1:1,service=shop", "--jdbc", db.jdbc(t, schema+"b", ""))
		for range 20 {
			m := newMark(false)
			if got := a.get(t, "/sql", m, "how", "pool", "text", "gone"+m.Run); got.body != "1" {
				t.Errorf("%+v", got)
			}
		}
		deadline := time.Now().Add(20 * time.Second)
		for !strings.Contains(a.Output(), "they are dropped and counted") && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond) // polls the condition of the loop
		}
		if n := strings.Count(a.Output(), "they are dropped and counted"); n != 1 {
			t.Errorf("said %d times: %s", n, a.Output())
		}
	})
}

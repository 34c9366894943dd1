package redis

import (
	"strings"
	"testing"

	"jindu.dev/jindu/internal/migrate/effects"
)

func TestAUsersWritesPassAndAreRecorded(t *testing.T) {
	s := newStage(t, nil, nil)
	c := s.conn()
	m := markOf(1, false)
	c.mark(m)
	c.want(m.String(), "CLIENT GETNAME")
	c.want("OK", "SET a 1")
	c.want("2", "INCR a")
	c.want("2", "GET a")
	c.want("2", "HSET h x 1 y 2")
	if got := c.do("LPUSH a 1"); !strings.HasPrefix(got, "-WRONGTYPE") {
		t.Error(got)
	}
	c.want("[1 3]", "EVAL return{redis.call('INCR',KEYS[1]),3} 1 n")
	c.want("OK", "XGROUP CREATE st g $ MKSTREAM")
	c.want("nil", "BLPOP empty 0.01")
	c.want("nil", "SET a 9 NX")
	c.unmark()
	want := `SET a ["1"]
INCR a []
HSET h ["x" "1" "y" "2"]
EVAL n ["return{redis.call('INCR',KEYS[1]),3}" "1"]
XGROUP CREATE st ["g" "$" "MKSTREAM"]
SET a ["9" "NX"]`
	if got := s.book.say(m); got != want {
		t.Errorf("recorded\n%s\nwant\n%s", got, want)
	}
	if got := c.do("SET a 3"); !strings.Contains(got, "JD-EFFECTS-110") {
		t.Errorf("without a mark: %s", got)
	}
	c.want("2", "GET a")
	c.want("nil", "CLIENT GETNAME")
	c.want("OK", "CLIENT SETNAME mine")
	c.want("mine", "CLIENT GETNAME")
	c.mark(m)
	c.unmark()
	c.want("mine", "CLIENT GETNAME")
	c.mark(m)
	c.want("OK", "CLIENT SETNAME other")
	c.want("other", "CLIENT GETNAME")
	if s.book.refused != 1 {
		t.Errorf("refused %d", s.book.refused)
	}
}

func TestTransactionsOfUsers(t *testing.T) {
	s := newStage(t, nil, nil)
	c := s.conn()
	m := markOf(1, false)
	c.mark(m)
	c.lines("WATCH a", "MULTI", "SET a 1", "LPUSH a 2", "GET a", "INCR b", "EXEC", "CLIENT SETNAME x")
	var got []string
	for range 8 {
		got = append(got, c.read())
	}
	if g := strings.Join(got, " "); g != "OK OK QUEUED QUEUED QUEUED QUEUED [OK -WRONGTYPE Operation against a key holding the wrong kind of value 1 1] OK" {
		t.Errorf("answers %s", g)
	}
	if g := s.book.say(m); g != "SET a [\"1\"]\nINCR b []" {
		t.Errorf("recorded %s", g)
	}
	// One that another came before is not recorded.
	m = markOf(2, false)
	c.mark(m)
	c.want("OK", "WATCH a")
	s.direct.must("SET a 7")
	c.want("OK", "MULTI")
	c.want("QUEUED", "SET a 8")
	c.want("nil", "EXEC")
	c.want("OK", "MULTI")
	c.want("QUEUED", "SET a 8")
	if g := c.do("CLIENT SETNAME " + markOf(3, false).String()); !strings.Contains(g, "within MULTI") {
		t.Errorf("a mark within MULTI: %s", g)
	}
	if g := c.do("EXEC"); !strings.HasPrefix(g, "-EXECABORT") {
		t.Errorf("EXEC says %s", g)
	}
	c.want("OK", "MULTI")
	c.want("QUEUED", "SET a 9")
	c.want("OK", "DISCARD")
	if g := s.book.say(m); g != "" || s.dump() != "a=7 b=1" {
		t.Errorf("recorded %s, keys %s", g, s.dump())
	}
	c.want("OK", "CLIENT SETNAME x")
	c.want("OK", "MULTI")
	if g := c.do("SET a 9"); !strings.Contains(g, "JD-EFFECTS-110") {
		t.Error(g)
	}
	c.want("QUEUED", "GET a")
	if g := c.do("EXEC"); !strings.HasPrefix(g, "-EXECABORT") {
		t.Errorf("EXEC says %s", g)
	}
	c.want("7", "GET a")
}

func TestShadowsAreRefused(t *testing.T) {
	s := newStage(t, func(p *effects.Proxy) { p.Shadow, p.Unmarked = effects.Shadow{}, "pass" }, nil)
	c := s.conn()
	c.want("OK", "SET a 1")
	if s.book.unattributed != 1 {
		t.Errorf("unattributed %d", s.book.unattributed)
	}
	m := markOf(1, true)
	c.mark(m)
	c.want("1", "GET a")
	if g := c.do("SET a 2"); !strings.Contains(g, "JD-EFFECTS-111") {
		t.Error(g)
	}
	if g := c.do("FLUSHALL"); !strings.Contains(g, "JD-EFFECTS-111") {
		t.Error(g)
	}
	c.want("OK", "MULTI")
	if g := c.do("INCR a"); !strings.Contains(g, "JD-EFFECTS-111") {
		t.Error(g)
	}
	if g := c.do("EXEC"); !strings.HasPrefix(g, "-EXECABORT") {
		t.Error(g)
	}
	if g := s.book.say(m); g != "SET a [\"2\"] refused\nFLUSHALL  [] refused\nINCR a [] refused" || s.dump() != "a=1" {
		t.Errorf("recorded %s; %s", g, s.dump())
	}
}

func TestShadowsGoToTheirOwnKeys(t *testing.T) {
	s := newStage(t, nil, nil)
	for _, q := range []string{"SET n 5", "HSET h x 1 y 2", "RPUSH l a b c", "SADD s1 a b", "SADD s2 b c", "ZADD z 1 a 2 b", "XADD st 1-1 f v", "SET gone 1"} {
		s.direct.must(q)
	}
	before := s.dump()
	for _, hello := range []string{"", "HELLO 3"} {
		c := s.conn()
		if hello != "" {
			c.must(hello)
		}
		m := markOf(len(hello)+1, true)
		c.mark(m)
		c.want("5", "GET n")
		c.want("6", "INCR n")
		c.want("6", "GET n")
		c.want("0", "HSET h x 9")
		c.want("[9 2]", "HMGET h x y")
		c.want("1", "DEL gone")
		c.want("0", "EXISTS gone")
		c.want("nil", "GET gone")
		c.want("[6 nil]", "MGET n gone")
		c.want("1", "SINTERSTORE s3 s1 s2")
		c.want("[b]", "SMEMBERS s3")
		c.want("3", "EXISTS n s1 s3 gone")
		c.want("[l a]", "BLPOP nothing l 1")
		c.want("[l [c]]", "LMPOP 2 nothing l RIGHT")
		c.want("1", "LLEN l")
		c.want("OK", "RENAME l l2")
		c.want("[b]", "LRANGE l2 0 -1")
		c.want("0", "EXISTS l")
		c.want("2-1", "XADD st 2-1 f w")
		c.want("OK", "XGROUP CREATE st streams 0")
		if hello == "" {
			c.want("[[st [[1-1 [f v]]]]]", "XREADGROUP GROUP streams streams COUNT 1 STREAMS st >")
		} else {
			c.want("[st [[1-1 [f v]]]]", "XREADGROUP GROUP streams streams COUNT 1 STREAMS st >")
		}
		c.want("0", "PUBLISH news hello")
		c.want("OK", "MSET p 1 q 2")
		c.want("[1 2]", "MGET p q")
		keys := strings.Fields(strings.Trim(c.do("KEYS [a-o]*"), "[]"))
		if g := strings.Join(sorted(keys), " "); g != "h l2 n" {
			t.Errorf("KEYS %s", g)
		}
		if g := c.do("SCAN 0 MATCH s? COUNT 1000"); g != "[0 [s3 s1 st s2]]" && len(strings.Fields(g)) != 5 {
			t.Errorf("SCAN %s", g)
		}
		for _, q := range []string{"FLUSHALL", "FLUSHDB", "CONFIG SET maxmemory 1", "DEBUG SLEEP 0", "SCRIPT FLUSH", "MIGRATE h 1 n 0 1", "SWAPDB 0 1", "MOVE n 1",
			"EVAL return{1} 1 n", "EVAL return{1} 0", "SORT l2 BY w_*", "COPY n nn DB 1", "RANDOMKEY", "DBSIZE", "FUNCTION FLUSH", "NOSUCH n", "SET jindu:own 1", "SHUTDOWN", "SORT", "XREADGROUP GROUP a STREAMS st 0"} {
			if g := c.do(q); !strings.Contains(g, "JD-EFFECTS-111") {
				t.Errorf("%s: %s", q, g)
			}
		}
		if got := s.dump(); got != before {
			t.Fatalf("a shadow changed %s\nto %s", before, got)
		}
		first := "INCR n [] shadowed\nHSET h [\"x\" \"9\"] shadowed\nDEL gone [] shadowed\nSINTERSTORE s3 [\"s1\" \"s2\"] shadowed\n"
		if g := s.book.say(m); !strings.HasPrefix(g, first) || !strings.Contains(g, "BLPOP nothing [\"l\" \"1\"] shadowed") {
			t.Errorf("recorded %s", g)
		}
		// Users see nothing of it.
		c.mark(markOf(99, false))
		c.want("5", "GET n")
		c.want("1", "EXISTS gone")
		for k := range strings.FieldsSeq(strings.Trim(s.direct.do("KEYS shadow:*"), "[]")) {
			s.direct.must("DEL", k)
		}
	}
}

func TestTransactionsOfShadows(t *testing.T) {
	s := newStage(t, nil, nil)
	s.direct.must("SET n 5")
	s.direct.must("SET r 1")
	before := s.dump()
	c := s.conn()
	m := markOf(1, true)
	c.mark(m)
	c.want("OK", "WATCH n")
	c.lines("MULTI", "INCR n", "GET n", "GET r", "SET x 1", "LPUSH x 1", "EXEC")
	var got []string
	for range 7 {
		got = append(got, c.read())
	}
	if g := strings.Join(got, " "); g != "OK QUEUED QUEUED QUEUED QUEUED QUEUED [6 6 1 OK -WRONGTYPE Operation against a key holding the wrong kind of value]" {
		t.Errorf("answers %s", g)
	}
	if g := s.book.say(m); g != "INCR n [] shadowed\nSET x [\"1\"] shadowed" {
		t.Errorf("recorded %s", g)
	}
	c.want("OK", "WATCH n")
	s.direct.must("SET n 5")
	c.want("OK", "MULTI")
	c.want("QUEUED", "INCR n")
	c.want("nil", "EXEC")
	c.want("OK", "MULTI")
	if g := c.do("FLUSHALL"); !strings.Contains(g, "JD-EFFECTS-111") {
		t.Error(g)
	}
	if g := c.do("EXEC"); !strings.HasPrefix(g, "-EXECABORT") {
		t.Error(g)
	}
	c.want("OK", "MULTI")
	c.want("QUEUED", "INCR n")
	c.want("OK", "DISCARD")
	for _, q := range []string{"EXEC", "DISCARD"} {
		if g := c.do(q); !strings.Contains(g, "without MULTI") {
			t.Error(g)
		}
	}
	c.want("OK", "UNWATCH")
	c.want("6", "GET n")
	if got := s.dump(); got != before {
		t.Fatalf("a shadow changed %s\nto %s", before, got)
	}
}

func sorted(list []string) []string {
	for i := range list {
		for j := i; j > 0 && list[j] < list[j-1]; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	return list
}

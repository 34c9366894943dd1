package redisx

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
	"jindu.dev/jindu/sdk/effects"
)

// server understands as much of Redis as these tests say, and remembers it by connection. A real Redis is
// in test/data.
type server struct {
	addr string
	mu   sync.Mutex
	said [][]string // by connection
	deny string     // a command that it answers with an error
}

func serve(t *testing.T) *server {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: l.Addr().String()}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.said = append(s.said, nil)
			at := len(s.said) - 1
			s.mu.Unlock()
			go s.talk(c, at)
		}
	}()
	return s
}

func (s *server) talk(c net.Conn, at int) {
	defer c.Close() //nolint:errcheck // the test is over
	r := bufio.NewReader(c)
	queued := -1
	for {
		args, err := command(r)
		if err != nil {
			return
		}
		line := strings.Join(args, " ")
		answer := "+OK\r\n"
		s.mu.Lock()
		deny := s.deny
		if !strings.HasPrefix(line, "hello") && !strings.HasPrefix(line, "client setinfo") && !strings.HasPrefix(line, "client maint") {
			s.said[at] = append(s.said[at], line)
		} else {
			answer = "-ERR unknown command\r\n"
		}
		s.mu.Unlock()
		switch {
		case deny != "" && strings.HasPrefix(line, deny):
			answer = "-ERR no\r\n"
		case args[0] == "multi":
			queued = 0
		case args[0] == "exec":
			answer = fmt.Sprintf("*%d\r\n", queued) + strings.Repeat("+OK\r\n", queued)
			queued = -1
		case queued >= 0:
			queued++
			answer = "+QUEUED\r\n"
		case args[0] == "blpop":
			answer = "*2\r\n$1\r\nk\r\n$1\r\nv\r\n"
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

func command(r *bufio.Reader) ([]string, error) {
	head, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(head[1:]))
	if err != nil {
		return nil, err
	}
	args := make([]string, n)
	for i := range args {
		if head, err = r.ReadString('\n'); err != nil {
			return nil, err
		}
		size, err := strconv.Atoi(strings.TrimSpace(head[1:]))
		if err != nil {
			return nil, err
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		args[i] = string(b[:size])
	}
	return args, nil
}

// heard is what came since the last time; each connection with something to say is one element.
func (s *server) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for i, c := range s.said {
		if len(c) > 0 {
			all = append(all, strings.Join(c, "; "))
		}
		s.said[i] = nil
	}
	return all
}

func (s *server) client(t *testing.T, o Options) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.addr, Protocol: 2, DisableIdentity: true, MaxRetries: -1})
	Attach(c, o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

const mark1 = "jindu:00000000000000a1:p:1:7"

func in(ctx context.Context, mark string) context.Context {
	m, _ := v1.ParseMark(mark)
	return sdk.WithRun(ctx, sdk.Run{Mark: m, Marked: true, Shadow: m.Shadow})
}

func TestTheMarkIsOnTheConnectionOfItsCommand(t *testing.T) {
	s := serve(t)
	c := s.client(t, Options{Record: true})
	ctx := in(t.Context(), mark1)
	const on, off = "client setname " + mark1 + "; ", "; client setname "
	for _, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { return c.Set(ctx, "k", "v", 0).Err() }, on + "set k v" + off},
		{func() error { return c.Set(t.Context(), "k", "v", 0).Err() }, "set k v"},
		{func() error {
			_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error { p.Set(ctx, "a", []byte("x"), 0); p.Get(ctx, "b"); return nil })
			return err
		}, on + "set a x; get b" + off},
		{func() error {
			_, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error { p.Set(t.Context(), "a", 1, 0); return nil })
			return err
		}, "set a 1"},
		{func() error {
			_, err := TxPipelined(ctx, c, func(p redis.Pipeliner) error { p.Set(ctx, "a", 1, 0); p.Set(ctx, "b", 2, 0); return nil })
			return err
		}, on + "multi; set a 1; set b 2; exec" + off},
		{func() error {
			return Watch(ctx, c, func(ctx context.Context, tx *redis.Tx) error {
				_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Set(ctx, "a", 1, 0); return nil })
				return err
			}, "a")
		}, "watch a; " + on + "multi; set a 1; exec" + off + "; unwatch"},
		{func() error { return c.BLPop(ctx, 0, "k").Err() }, on + "blpop k 0" + off},
		{func() error { return c.Ping(ctx).Err() }, "ping"},
		{func() error {
			return Conn(t.Context(), c, func(ctx context.Context, c *redis.Conn) error { return c.Set(ctx, "k", "v", 0).Err() })
		}, "set k v"},
		{func() error { _, err := c.Pipeline().Exec(ctx); return err }, ""},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.want, err)
		}
		if got := strings.Join(s.heard(), " || "); got != step.want {
			t.Errorf("heard %q\ninstead of %q", got, step.want)
		}
	}
	if _, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Set(ctx, "a", 1, 0); return nil }); !errors.Is(err, ErrTransaction) || len(s.heard()) > 0 {
		t.Errorf("error: %v", err)
	}
}

func TestErrorsAreThoseOfTheCommands(t *testing.T) {
	s := serve(t)
	c := s.client(t, Options{})
	ctx := in(t.Context(), mark1)
	s.mu.Lock()
	s.deny = "set"
	s.mu.Unlock()
	if err := c.Set(ctx, "k", "v", 0).Err(); err == nil || err.Error() != "ERR no" {
		t.Errorf("error: %v", err)
	}
	s.mu.Lock()
	s.deny = "client setname jindu"
	s.mu.Unlock()
	if err := c.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Errorf("a user's command fails because of its mark: %v", err)
	}
	s.heard()
	if err := Conn(ctx, c, func(context.Context, *redis.Conn) error { return nil }); err == nil {
		t.Error("no error though the mark was refused")
	}
	copied := in(t.Context(), "jindu:00000000000000c3:s:1:-")
	c = s.client(t, Options{Shadows: effects.Pass})
	s.heard()
	if err := c.Set(copied, "k", "v", 0).Err(); err == nil {
		t.Error("a shadow wrote though its mark was refused")
	}
	if _, err := c.Pipelined(copied, func(p redis.Pipeliner) error { p.Set(copied, "k", "v", 0); return nil }); err == nil {
		t.Error("a shadow wrote though its mark was refused")
	}
	if heard := strings.Join(s.heard(), "; "); strings.Contains(heard, "set k v") {
		t.Errorf("heard %s", heard)
	}
}

func TestShadowsAndNobodyAreHeldBack(t *testing.T) {
	s := serve(t)
	shadow := in(t.Context(), "jindu:00000000000000c3:s:1:-")
	lost := sdk.WithRun(t.Context(), sdk.Run{Shadow: true})
	c := s.client(t, Options{RequireMark: true, Record: true})
	for name, try := range map[string]struct {
		err  func() error
		want error
	}{
		"shadow":   {func() error { return c.Set(shadow, "k", "v", 0).Err() }, effects.ErrShadow},
		"lost":     {func() error { return c.Set(lost, "k", "v", 0).Err() }, effects.ErrShadow},
		"nobody":   {func() error { return c.Set(t.Context(), "k", "v", 0).Err() }, effects.ErrUnmarked},
		"unknown":  {func() error { return c.Do(t.Context(), "MY.COMMAND", "k").Err() }, effects.ErrUnmarked},
		"blocking": {func() error { return c.BLPop(shadow, 0, "k").Err() }, effects.ErrShadow},
		"pipeline": {func() error {
			_, err := c.Pipelined(shadow, func(p redis.Pipeliner) error { p.Get(shadow, "k"); p.Incr(shadow, "k"); return nil })
			return err
		}, effects.ErrShadow},
		"transaction": {func() error {
			_, err := TxPipelined(shadow, c, func(p redis.Pipeliner) error { p.Incr(shadow, "k"); return nil })
			return err
		}, effects.ErrShadow},
	} {
		if err := try.err(); !errors.Is(err, try.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if heard := strings.Join(s.heard(), "; "); strings.Contains(heard, " k") {
		t.Errorf("heard %s", heard)
	}
	if err := errors.Join(c.Get(shadow, "k").Err(), c.Get(t.Context(), "k").Err(), c.Set(effects.Background(t.Context(), "warm up"), "k", "v", 0).Err()); err != nil {
		t.Error(err)
	}
	c = s.client(t, Options{Shadows: effects.Pass})
	s.heard()
	if err := c.Set(shadow, "k", "v", 0).Err(); err != nil {
		t.Error(err)
	}
	if _, err := c.Pipelined(shadow, func(p redis.Pipeliner) error { p.Set(shadow, "a", 1, 0); return nil }); err != nil {
		t.Error(err)
	}
	const on, off = "client setname jindu:00000000000000c3:s:1:-; ", "; client setname "
	if got := strings.Join(s.heard(), "; "); got != on+"set k v"+off+"; "+on+"set a 1"+off {
		t.Errorf("heard %s", got)
	}
	if err := c.Set(lost, "k", "v", 0).Err(); !errors.Is(err, effects.ErrShadow) {
		t.Errorf("error: %v", err)
	}
}

func TestEffectsOfCommands(t *testing.T) {
	e := effect(redis.NewStatusCmd(t.Context(), "set", "k", []byte("v"), "ex", 10), "refused")
	if e.Kind != v1.EffectRedis || e.Op != "SET" || e.Target != "k" || !slices.Equal(e.Args, []string{"v", "ex", "10"}) || e.Fate != "refused" {
		t.Errorf("%+v", e)
	}
}

package data

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"jindu.dev/jindu/internal/migrate/dbtest"
	"jindu.dev/jindu/sdk/effects/redisx"
)

func TestRedisTakesMarks(t *testing.T) {
	server := dbtest.Redis(t)
	c := redis.NewClient(&redis.Options{Addr: server.Addr, Password: server.Password, PoolSize: 1})
	defer c.Close() //nolint:errcheck // the test is over
	redisx.Attach(c, redisx.Options{RequireMark: true})
	ctx := marked(t.Context(), 3, 7)
	var name *redis.StringCmd
	if _, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, t.Name(), "v", 0)
		name = p.ClientGetName(ctx)
		return nil
	}); err != nil || name.Val() != "jindu:"+runID+":p:3:7" {
		t.Errorf("the name is %q: %v", name.Val(), err)
	}
	if got := c.ClientGetName(t.Context()); got.Val() != "" || got.Err() != nil && !errors.Is(got.Err(), redis.Nil) {
		t.Errorf("the name stays: %q, %v", got.Val(), got.Err())
	}
	err := redisx.Watch(ctx, c, func(inner context.Context, tx *redis.Tx) error {
		_, err := tx.TxPipelined(inner, func(p redis.Pipeliner) error {
			p.Incr(inner, t.Name()+"n")
			name = p.ClientGetName(inner)
			return nil
		})
		return err
	}, t.Name()+"n")
	if err != nil || name.Val() != "jindu:"+runID+":p:3:7" {
		t.Errorf("the name is %q: %v", name.Val(), err)
	}
	if v, err := c.Get(t.Context(), t.Name()+"n").Result(); v != "1" || err != nil {
		t.Errorf("%s, %v", v, err)
	}
}

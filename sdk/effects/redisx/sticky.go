package redisx

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// clearing bounds how long the mark of a connection that was given back may take to go.
const clearing = time.Second

// processor is a connection that stays the same: *redis.Conn or *redis.Tx.
type processor interface {
	Process(ctx context.Context, cmd redis.Cmder) error
}

// hold marks a connection for what f does with the context it gets, and clears it afterwards.
func hold(ctx context.Context, c processor, f func(context.Context) error) (err error) {
	mark := markOf(ctx)
	if mark == "" || held(ctx) {
		return f(ctx)
	}
	ctx = context.WithValue(ctx, heldKey{}, true)
	if err := c.Process(ctx, setName(ctx, mark)); err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearing)
		defer cancel()
		err = errors.Join(err, c.Process(ctx, setName(ctx, "")))
	}()
	return f(ctx)
}

// Conn lends f a connection of its own, with the mark of ctx on it. f must use the context that it gets.
func Conn(ctx context.Context, client *redis.Client, f func(context.Context, *redis.Conn) error) error {
	c := client.Conn()
	err := hold(ctx, c, func(ctx context.Context) error { return f(ctx, c) })
	return errors.Join(err, c.Close())
}

// TxPipelined is client.TxPipelined for a run.
func TxPipelined(ctx context.Context, client *redis.Client, f func(redis.Pipeliner) error) (cmds []redis.Cmder, err error) {
	err = Conn(ctx, client, func(ctx context.Context, c *redis.Conn) error {
		cmds, err = c.TxPipelined(ctx, f)
		return err
	})
	return cmds, err
}

// Watch is client.Watch for a run. f must use the context that it gets.
func Watch(ctx context.Context, client *redis.Client, f func(context.Context, *redis.Tx) error, keys ...string) error {
	return client.Watch(ctx, func(tx *redis.Tx) error {
		return hold(ctx, tx, func(ctx context.Context) error { return f(ctx, tx) })
	}, keys...)
}

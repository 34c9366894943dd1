package redisx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
	"jindu.dev/jindu/sdk/effects"
)

// ErrTransaction says that a MULTI of a run must go through TxPipelined or Watch of this package.
var ErrTransaction = errors.New("a transaction of a run needs redisx.TxPipelined or redisx.Watch")

// Options say what becomes of commands. The zero value refuses writes of shadows.
type Options struct {
	// RequireMark refuses writes whose context belongs to no run, except with effects.Background.
	RequireMark bool
	Shadows     effects.ShadowRule
	// Record tells commands that write, for when no proxy stands before Redis.
	Record bool
}

// Attach marks every command of a client from now on.
func Attach(c *redis.Client, o Options) { c.AddHook(&hook{c, o}) }

type hook struct {
	client  *redis.Client
	options Options
}

// heldKey marks contexts of work on a connection that has its mark already.
type heldKey struct{}

func held(ctx context.Context) bool { return ctx.Value(heldKey{}) != nil }

// DialHook leaves dialling as it is.
func (h *hook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook sends a command of a run as a pipeline, so that its mark is on the same connection.
func (h *hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := h.admit(ctx, cmd); err != nil {
			cmd.SetErr(err)
			return err
		}
		switch kind := kinds[cmd.Name()]; {
		case markOf(ctx) == "", held(ctx), kind == connection:
			err := next(ctx, cmd)
			h.record(ctx, cmd)
			return err
		case kind == blocking || shadow(ctx): // a pipeline has no patience for the one, and may not trust the mark of the other
			err := Conn(ctx, h.client, func(ctx context.Context, c *redis.Conn) error { return c.Process(ctx, cmd) })
			if err != nil && cmd.Err() == nil { // it was not sent
				cmd.SetErr(err)
			}
			return cmd.Err()
		}
		p := h.client.Pipeline()
		_ = p.Process(ctx, cmd) // it only queues
		_, _ = p.Exec(ctx)      // the command has its own error
		return cmd.Err()
	}
}

// ProcessPipelineHook puts the mark in front of a pipeline and takes it off behind it.
func (h *hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) == 0 {
			return next(ctx, cmds)
		}
		for _, cmd := range cmds {
			if err := h.admit(ctx, cmd); err != nil {
				return failAll(cmds, err)
			}
		}
		mark := markOf(ctx)
		multi := cmds[0].Name() == "multi"
		switch {
		case mark == "" || held(ctx) || !multi && !slices.ContainsFunc(cmds, func(c redis.Cmder) bool { return kinds[c.Name()] != connection }):
			err := next(ctx, cmds) // go-redis greets a new connection so too
			h.record(ctx, cmds...)
			return err
		case multi:
			return failAll(cmds, &effects.Refused{What: "MULTI", Why: ErrTransaction})
		case shadow(ctx):
			return h.afterMark(ctx, cmds)
		}
		all := append(append([]redis.Cmder{setName(ctx, mark)}, cmds...), setName(ctx, ""))
		_ = next(ctx, all) // each command has its own error; a name that Redis does not take is no reason to fail
		h.record(ctx, cmds...)
		return firstError(cmds)
	}
}

// afterMark sends a pipeline of a shadow once Redis, or the proxy, has taken its mark, and not before.
func (h *hook) afterMark(ctx context.Context, cmds []redis.Cmder) error {
	err := Conn(ctx, h.client, func(ctx context.Context, c *redis.Conn) error {
		p := c.Pipeline()
		for _, cmd := range cmds {
			_ = p.Process(ctx, cmd) // it only queues
		}
		_, err := p.Exec(ctx)
		return err
	})
	if err != nil && firstError(cmds) == nil {
		return failAll(cmds, err)
	}
	return firstError(cmds)
}

func firstError(cmds []redis.Cmder) error {
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil {
			return err
		}
	}
	return nil
}

func shadow(ctx context.Context) bool {
	run, _ := sdk.RunIn(ctx)
	return run.Shadow
}

func setName(ctx context.Context, name string) redis.Cmder {
	return redis.NewStatusCmd(ctx, "client", "setname", name)
}

func failAll(cmds []redis.Cmder, err error) error {
	for _, cmd := range cmds {
		if cmd.Err() == nil {
			cmd.SetErr(err)
		}
	}
	return err
}

func markOf(ctx context.Context) string {
	_, mark := effects.SendMark(ctx)
	return mark
}

// admit says why a command must not go out.
func (h *hook) admit(ctx context.Context, cmd redis.Cmder) error {
	if kinds[cmd.Name()] != 0 && kinds[cmd.Name()] != blocking {
		return nil
	}
	run, of := sdk.RunIn(ctx)
	switch {
	case !of && h.options.RequireMark && effects.BackgroundOf(ctx) == "":
		return &effects.Refused{What: strings.ToUpper(cmd.Name()), Why: effects.ErrUnmarked}
	case run.Shadow && (!run.Marked || h.options.Shadows != effects.Pass):
		if h.options.Record {
			effects.Record(ctx, effect(cmd, "refused"))
		}
		return &effects.Refused{What: strings.ToUpper(cmd.Name()), Why: effects.ErrShadow}
	}
	return nil
}

// record tells the commands that write and went well.
func (h *hook) record(ctx context.Context, cmds ...redis.Cmder) {
	if !h.options.Record || markOf(ctx) == "" {
		return
	}
	for _, cmd := range cmds {
		if kind := kinds[cmd.Name()]; (kind == 0 || kind == blocking) && (cmd.Err() == nil || errors.Is(cmd.Err(), redis.Nil)) {
			effects.Record(ctx, effect(cmd, ""))
		}
	}
}

func effect(cmd redis.Cmder, fate string) v1.Effect {
	e := v1.Effect{Kind: v1.EffectRedis, Op: strings.ToUpper(cmd.Name()), Fate: fate}
	for i, a := range cmd.Args() {
		text := fmt.Sprint(a)
		if b, ok := a.([]byte); ok {
			text = string(b)
		}
		switch i {
		case 0:
		case 1:
			e.Target = text[:min(len(text), 1024)]
		default:
			e.Args = append(e.Args, text)
		}
	}
	return e
}

package effects

import (
	"context"
	"database/sql/driver"
	"errors"
)

// conn marks the statements of one connection. Like every driver.Conn it is used by one goroutine at a time.
type conn struct {
	driver.Conn
	options *SQL
	tx      *transaction // while one is open
}

// The optional interfaces of a connection that package sql looks for.
var (
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
	_ driver.SessionResetter    = (*conn)(nil)
	_ driver.Validator          = (*conn)(nil)
	_ driver.NamedValueChecker  = (*conn)(nil)
)

// Unwrap is the driver's connection, for what only it can do; nothing is marked there.
func (c *conn) Unwrap() driver.Conn { return c.Conn }

// ExecContext executes a statement, or leaves it to PrepareContext when the driver does.
func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.admit(ctx, text)
	if err != nil {
		return nil, err
	}
	return c.run(ctx, &s, args, func() (driver.Result, error) { return c.exec(ctx, s.text, args) })
}

func (c *conn) exec(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := c.Conn.(driver.ExecerContext); ok {
		return e.ExecContext(ctx, text, args)
	}
	return nil, driver.ErrSkip
}

// run executes a statement that was admitted, in a transaction of its own where the mark in the log needs one.
func (c *conn) run(ctx context.Context, s *statement, args []driver.NamedValue, do func() (driver.Result, error)) (driver.Result, error) {
	if !c.emits(s) || c.tx != nil {
		if err := c.emit(ctx, s); err != nil {
			return nil, err
		}
		result, err := do()
		if err == nil {
			c.wrote(s, args, rowsOf(result))
		}
		return result, err
	}
	tx, err := c.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return nil, err
	}
	result, err := c.run(ctx, s, args, do)
	if err == nil {
		if err = tx.Commit(); err == nil {
			return result, nil
		}
		return nil, err
	}
	if undo := tx.Rollback(); undo != nil {
		err = errors.Join(err, undo)
	}
	return nil, err
}

func rowsOf(r driver.Result) int64 {
	if n, err := r.RowsAffected(); err == nil {
		return n
	}
	return -1
}

// QueryContext runs a query.
func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	q, ok := c.Conn.(driver.QueryerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	s, err := c.admit(ctx, text)
	if err != nil {
		return nil, err
	}
	if err := c.emit(ctx, &s); err != nil {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, s.text, args)
	if err == nil {
		c.wrote(&s, args, -1)
	}
	return rows, err
}

// PrepareContext prepares a statement with the mark of ctx. Executed for another run it is prepared again.
func (c *conn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	mark := markOf(ctx)
	if c.tx != nil && c.tx.owner.of {
		mark = c.tx.owner.mark
	}
	under, err := c.prepare(ctx, marked(mark, text))
	if err != nil {
		return nil, err
	}
	return &stmt{Stmt: under, conn: c, plain: text, mark: mark}, nil
}

// Prepare is PrepareContext for nobody.
func (c *conn) Prepare(text string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), text)
}

func (c *conn) prepare(ctx context.Context, text string) (driver.Stmt, error) {
	if p, ok := c.Conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, text)
	}
	return c.Conn.Prepare(text)
}

// BeginTx begins a transaction of the run of ctx.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	under, err := c.begin(ctx, o)
	if err != nil {
		return nil, err
	}
	c.tx = &transaction{owner: ownerIn(ctx)}
	return &tx{under, c}, nil
}

// Begin is BeginTx for nobody.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *conn) begin(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.Conn.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, o)
	}
	if o != (driver.TxOptions{}) {
		return nil, errors.New("effects: the driver has no isolation levels and no read-only transactions")
	}
	return c.Conn.Begin() //nolint:staticcheck // the driver has nothing newer
}

// Ping, ResetSession, IsValid and CheckNamedValue are the driver's, where it has them.

// Ping asks whether the database answers.
func (c *conn) Ping(ctx context.Context) error {
	if p, ok := c.Conn.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// ResetSession is called before the connection is used again.
func (c *conn) ResetSession(ctx context.Context) error {
	c.tx = nil
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

// IsValid is asked before the connection goes back to the pool.
func (c *conn) IsValid() bool {
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

// CheckNamedValue turns an argument into one that the driver takes.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// tx is a transaction that tells how it ended.
type tx struct {
	driver.Tx
	conn *conn
}

// Commit commits.
func (t *tx) Commit() error {
	err := t.Tx.Commit()
	t.end(err, "")
	return err
}

// Rollback rolls back.
func (t *tx) Rollback() error {
	err := t.Tx.Rollback()
	t.end(nil, "rolled_back")
	return err
}

func (t *tx) end(err error, fate string) {
	if t.conn.tx == nil {
		return
	}
	if err != nil {
		fate = "unknown"
	}
	t.conn.tx.settle(fate)
	t.conn.tx = nil
}

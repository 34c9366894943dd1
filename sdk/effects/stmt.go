package effects

import (
	"context"
	"database/sql/driver"
)

// stmt is a prepared statement that is prepared again when it is executed for another run than before: the
// mark stands in its text.
type stmt struct {
	driver.Stmt
	conn  *conn
	plain string
	mark  string // that it is prepared with
}

var (
	_ driver.StmtExecContext   = (*stmt)(nil)
	_ driver.StmtQueryContext  = (*stmt)(nil)
	_ driver.NamedValueChecker = (*stmt)(nil)
	_ driver.ColumnConverter   = (*stmt)(nil) //nolint:staticcheck // drivers still have it
)

// ready makes the statement that of whoever executes it.
func (s *stmt) ready(ctx context.Context) (statement, error) {
	a, err := s.conn.admit(ctx, s.plain)
	if err != nil {
		return a, err
	}
	if a.owner.mark == s.mark {
		return a, nil
	}
	under, err := s.conn.prepare(ctx, a.text)
	if err != nil {
		return a, err
	}
	old := s.Stmt
	s.Stmt, s.mark = under, a.owner.mark
	return a, old.Close()
}

// ExecContext executes the statement.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	a, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	return s.conn.run(ctx, &a, args, func() (driver.Result, error) {
		if e, ok := s.Stmt.(driver.StmtExecContext); ok {
			return e.ExecContext(ctx, args)
		}
		return s.Stmt.Exec(values(args)) //nolint:staticcheck // the driver has nothing newer
	})
}

// QueryContext runs the query.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	a, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.conn.emit(ctx, &a); err != nil {
		return nil, err
	}
	var rows driver.Rows
	if q, ok := s.Stmt.(driver.StmtQueryContext); ok {
		rows, err = q.QueryContext(ctx, args)
	} else {
		rows, err = s.Stmt.Query(values(args)) //nolint:staticcheck // the driver has nothing newer
	}
	if err == nil {
		s.conn.wrote(&a, args, -1)
	}
	return rows, err
}

// CheckNamedValue turns an argument into one that the driver takes.
func (s *stmt) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	err := s.conn.CheckNamedValue(v)
	if _, converts := s.Stmt.(driver.ColumnConverter); err == driver.ErrSkip && !converts { //nolint:staticcheck,errorlint // the contract of package sql
		v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value)
	}
	return err
}

// ColumnConverter is the driver's.
func (s *stmt) ColumnConverter(at int) driver.ValueConverter {
	if c, ok := s.Stmt.(driver.ColumnConverter); ok { //nolint:staticcheck // drivers still have it
		return c.ColumnConverter(at)
	}
	return driver.DefaultParameterConverter
}

func values(named []driver.NamedValue) []driver.Value {
	v := make([]driver.Value, len(named))
	for i, n := range named {
		v[i] = n.Value
	}
	return v
}

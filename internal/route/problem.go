package route

import (
	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// Problem is something wrong with an object that a table was built from.
type Problem struct {
	Object v1.Kind // Route or Migration
	Name   string
	// Warning: the object is in force, but not all of it will work as written. Otherwise it, or the
	// part that the error names, is left out of the table.
	Warning bool
	Err     *kind.Error
}

// String is "Route orders: detail (code)".
func (p Problem) String() string { return string(p.Object) + " " + p.Name + ": " + p.Err.Error() }

func routeProblem(name string, err *kind.Error) Problem {
	return Problem{Object: v1.KindRoute, Name: name, Err: err}
}

func routeWarning(name string, err *kind.Error) Problem {
	return Problem{Object: v1.KindRoute, Name: name, Warning: true, Err: err}
}

func migrationProblem(name string, err *kind.Error) Problem {
	return Problem{Object: v1.KindMigration, Name: name, Err: err}
}

func migrationWarning(name string, err *kind.Error) Problem {
	return Problem{Object: v1.KindMigration, Name: name, Warning: true, Err: err}
}

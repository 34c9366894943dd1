package sqldb

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"jindu.dev/jindu/internal/kit/kind"
)

// class is what to do about a database's error.
type class uint8

const (
	classOther  class = iota // the database, or the way to it
	classAgain               // a deadlock, a lost race
	classRow                 // a row that it refuses
	classParent              // a row whose parent is not there, or is still referred to
	classDenied
	classMissing // no such table or column
)

// classOf sorts an error by its number.
func classOf(err error) class {
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return mysqlClass(my.Number)
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return postgresClass(pg.Code)
	}
	return classOther
}

func mysqlClass(n uint16) class {
	switch n {
	case 1205, 1213, 1020, 4092: // lock wait, deadlock, record changed
		return classAgain
	case 1216, 1217, 1451, 1452, 1557, 1761, 1762:
		return classParent
	case 1044, 1045, 1142, 1143, 1227, 1370, 1698:
		return classDenied
	case 1146, 1054, 1049:
		return classMissing
	}
	row := []uint16{
		1022, 1048, 1062, 1075, 1118, 1136, 1169, 1210, 1230, 1262, 1264, 1265, 1267, 1292, 1299, 1300, 1364, 1365, 1366, 1367, 1369, 1406, 1411, 1416, 1425,
		1441, 1524, 1586, 1588, 1644, 1690, 1859, 1903, 1906, 1971, 3140, 3141, 3156, 3819, 4025, 4078,
	}
	if slices.Contains(row, n) {
		return classRow
	}
	return classOther
}

func postgresClass(code string) class {
	switch code {
	case "40001", "40P01", "55P03":
		return classAgain
	case "23503", "23001":
		return classParent
	case "42501", "28000", "28P01":
		return classDenied
	case "42P01", "42703", "3D000":
		return classMissing
	case "42804", "428C9", "P0001":
		return classRow
	}
	if strings.HasPrefix(code, "22") || strings.HasPrefix(code, "23") || strings.HasPrefix(code, "44") {
		return classRow
	}
	return classOther
}

// fail wraps an error of the database once, with what was being done.
func (s *Store) fail(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case kind.Code(err) != "JD-INTERNAL-001": // ours already
		return err
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return kind.New(kind.Unavailable, "JD-SQLDB-003", "database %s: %s took longer than %s; look at its load and locks, or raise data.timeout: %w", s.name, what, s.timeout, err)
	}
	switch classOf(err) {
	case classDenied:
		return kind.New(kind.Denied, "JD-SQLDB-004", "database %s: %s: user %s may not: grant it the privilege: %w", s.name, what, s.config.User, err)
	case classMissing:
		return kind.New(kind.NotFound, "JD-SQLDB-005", "database %s: %s: what is asked for is not there; correct the name, or restore it: %w", s.name, what, err)
	case classRow, classParent:
		return kind.New(kind.Invalid, "JD-SQLDB-006", "database %s: %s: refused: %w", s.name, what, err)
	case classAgain:
		return kind.New(kind.Unavailable, "JD-SQLDB-007", "database %s: %s: others hold the rows; it is tried again: %w", s.name, what, err)
	}
	return kind.New(kind.Unavailable, "JD-SQLDB-008", "database %s: %s: %w", s.name, what, err)
}

// refused is the reason of a data.RowError.
func (s *Store) refused(table string, err error) error {
	if classOf(err) == classParent {
		return kind.New(kind.Conflict, "JD-SQLDB-010", "database %s: table %s: a row that it refers to is missing, or is still referred to; it is applied once that one is: %w", s.name, table, err)
	}
	return kind.New(kind.Invalid, "JD-SQLDB-006", "database %s: table %s: the row is refused; correct the row, the rule, or the table: %w", s.name, table, err)
}

package sqldb

import (
	"context"
	"math/big"
	"slices"
	"strconv"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dialect"
	"jindu.dev/jindu/internal/migrate/row"
)

// most is how many keys one statement names.
const most = 500

func truth(b []byte) bool { return len(b) > 0 && (b[0] == 't' || b[0] == '1') }

func number(b []byte) int64 {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return 1 << 40 // MariaDB's length of a LONGTEXT and the like: no bound
	}
	return n
}

// Table reads the columns and key of a table.
func (s *Store) Table(ctx context.Context, name string) (*row.Table, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	t := &row.Table{Name: name}
	arg := []any{s.dialect.CatalogueName(name)}
	err := s.pool.query(ctx, dialect.Query{SQL: s.dialect.Columns(), Args: arg}, func(f [][]byte) error {
		c, err := s.dialect.Column(dialect.Native{
			Name: string(f[0]), Type: string(f[1]), Full: string(f[2]), Charset: string(f[3]), Collation: string(f[4]),
			Length: number(f[5]), Precision: number(f[6]), Scale: number(f[7]),
			Nullable: truth(f[8]), Filled: truth(f[9]), Generated: truth(f[10]), JSON: truth(f[11]), Fold: truth(f[12]),
		})
		t.Columns = append(t.Columns, c)
		return err
	})
	if err != nil {
		return nil, s.fail("read table "+name, err)
	}
	if len(t.Columns) == 0 {
		return nil, kind.New(kind.NotFound, "JD-SQLDB-005", "database %s has no table %s, or user %s may not see it; correct the name, or grant it SELECT", s.name, name, s.config.User)
	}
	err = s.pool.query(ctx, dialect.Query{SQL: s.dialect.KeyColumns(), Args: arg}, func(f [][]byte) error {
		t.Key = append(t.Key, t.Index(string(f[0])))
		return nil
	})
	if err != nil {
		return nil, s.fail("read the key of table "+name, err)
	}
	if len(t.Key) == 0 || slices.Contains(t.Key, -1) {
		return nil, kind.New(kind.Unsupported, "JD-SQLDB-011", "database %s: table %s has no primary key, by which rows are told apart; add one", s.name, name)
	}
	return t, nil
}

// scan makes rows of fields; columns are indices in t.
func (s *Store) scan(t *row.Table, columns []int, into func(row.Row)) func([][]byte) error {
	text := s.pool.text()
	return func(fields [][]byte) error {
		r := make(row.Row, len(columns))
		for i, at := range columns {
			var v any
			switch {
			case fields[i] == nil:
			case text:
				v = string(fields[i])
			default:
				v = fields[i]
			}
			var err error
			if r[i], err = row.Canon(&t.Columns[at], v); err != nil {
				return err
			}
		}
		into(r)
		return nil
	}
}

func all(t *row.Table) []int {
	at := make([]int, len(t.Columns))
	for i := range at {
		at[i] = i
	}
	return at
}

// Read reads up to limit rows of a range by key.
func (s *Store) Read(ctx context.Context, t *row.Table, r data.Range, limit int) ([]row.Row, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var rows []row.Row
	err := s.pool.query(ctx, s.dialect.Page(t, r.After, r.Until, limit), s.scan(t, all(t), func(r row.Row) { rows = append(rows, r) }))
	return rows, s.fail("read table "+t.Name, err)
}

// Rows reads the rows with these keys; those that do not exist are left out.
func (s *Store) Rows(ctx context.Context, t *row.Table, keys []row.Key) ([]row.Row, error) {
	var rows []row.Row
	for part := range slices.Chunk(keys, most) {
		err := func() error {
			ctx, cancel := s.limit(ctx)
			defer cancel()
			return s.pool.query(ctx, s.dialect.Find(t, all(t), part, false), s.scan(t, all(t), func(r row.Row) { rows = append(rows, r) }))
		}()
		if err != nil {
			return nil, s.fail("read rows of table "+t.Name, err)
		}
	}
	return rows, nil
}

// Middle is the key of the row in the middle of a range of about rows rows.
func (s *Store) Middle(ctx context.Context, t *row.Table, r data.Range, rows int64) (row.Key, error) {
	return s.boundary(ctx, t, r, max(1, rows/2))
}

// boundary is the key of a range's row number n, nil when it has fewer.
func (s *Store) boundary(ctx context.Context, t *row.Table, r data.Range, n int64) (row.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*s.timeout)
	defer cancel()
	var k row.Key
	err := s.pool.query(ctx, s.dialect.Boundary(t, r.After, r.Until, n), s.scan(t, t.Key, func(r row.Row) { k = row.Key(r) }))
	return k, s.fail("read a key of table "+t.Name, err)
}

// Changed reads the keys of rows whose column settled is in [from, until).
func (s *Store) Changed(ctx context.Context, t *row.Table, settled string, from, until time.Time, after row.Key, limit int) ([]row.Key, error) {
	at := t.Index(settled)
	if at < 0 {
		return nil, kind.New(kind.Invalid, "JD-SQLDB-005", "database %s: table %s has no column %s", s.name, t.Name, settled)
	}
	c := &t.Columns[at]
	low, err := row.Canon(c, from)
	if err != nil {
		return nil, err
	}
	high, err := row.Canon(c, until.In(from.Location()))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*s.timeout)
	defer cancel()
	var keys []row.Key
	err = s.pool.query(ctx, s.dialect.Changed(t, at, low, high, after, limit), s.scan(t, t.Key, func(r row.Row) { keys = append(keys, row.Key(r)) }))
	return keys, s.fail("read changed rows of table "+t.Name, err)
}

// A sum is read in chunks, so that no statement runs long and none holds a snapshot for hours.
const (
	firstChunk = 20_000
	leastChunk = 1_000
	mostChunk  = 2_000_000
	pace       = time.Second
)

// Sum sums a range in the database.
func (s *Store) Sum(ctx context.Context, t *row.Table, r data.Range, mapped *row.Mapping) (data.Sum, error) {
	if _, ok := s.dialect.Sum(t, nil, nil, mapped); !ok {
		return data.Sum{}, data.ErrNoSQL
	}
	if !s.dialect.Sortable(t) {
		return s.sum(ctx, t, r, mapped) // looking for the next chunk would sort the table each time
	}
	var total data.Sum
	for chunk := int64(firstChunk); ; {
		began := time.Now()
		end, err := s.boundary(ctx, t, r, chunk)
		if err != nil {
			return total, err
		}
		part := r
		if end != nil {
			part.Until = end
		}
		sum, err := s.sum(ctx, t, part, mapped)
		if err != nil {
			return total, err
		}
		total.Rows, total.Hash = total.Rows+sum.Rows, total.Hash+sum.Hash
		if end == nil || slices.Equal(end, r.Until) {
			return total, nil
		}
		r.After = end
		switch took := time.Since(began); {
		case took < pace/2:
			chunk = min(2*chunk, mostChunk)
		case took > 2*pace:
			chunk = max(chunk/2, leastChunk)
		}
	}
}

func (s *Store) sum(ctx context.Context, t *row.Table, r data.Range, mapped *row.Mapping) (data.Sum, error) {
	q, _ := s.dialect.Sum(t, r.After, r.Until, mapped)
	return s.ask(ctx, t, q)
}

// ask asks for a sum.
func (s *Store) ask(ctx context.Context, t *row.Table, q dialect.Query) (data.Sum, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*s.timeout)
	defer cancel()
	var sum data.Sum
	err := s.pool.query(ctx, q, func(f [][]byte) error {
		n, ok := new(big.Int).SetString(string(f[1]), 10)
		if !ok {
			return kind.New(kind.Internal, "JD-SQLDB-009", "database %s: table %s: the sum is no number", s.name, t.Name)
		}
		sum.Rows = number(f[0])
		sum.Hash = n.And(n, new(big.Int).SetUint64(1<<64-1)).Uint64() // of a negative one as in two's complement
		return nil
	})
	return sum, s.fail("sum table "+t.Name, err)
}

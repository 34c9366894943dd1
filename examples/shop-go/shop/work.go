package shop

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"strings"

	"jindu.dev/jindu/sdk/outbox"
)

// work is one transaction under the fence.
type work struct {
	*outbox.Tx
	service *Service
}

// inTransaction does something whole or not at all. An error of outbox.ErrFenced means that nothing was done.
func (s *Service) inTransaction(ctx context.Context, do func(*work) error) error {
	tx, err := outbox.Begin(ctx, s.db, s.options)
	if err != nil {
		return err
	}
	if err := do(&work{tx, s}); err != nil {
		_ = tx.Rollback() // err says more
		return err
	}
	return tx.Commit()
}

// exec executes a statement and says how many rows it changed.
func (w *work) exec(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := w.ExecContext(ctx, w.service.bind(query), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (w *work) row(ctx context.Context, query string, args ...any) *sql.Row {
	return w.QueryRowContext(ctx, w.service.bind(query), args...)
}

// record writes a change into the outbox, where the outbox is how changes are captured.
func (w *work) record(ctx context.Context, table string, op outbox.Op, key outbox.Row) error {
	if !w.service.outbox {
		return nil
	}
	version := "version"
	if table == "order_items" || table == "messages" { // they never change
		version = ""
	}
	return w.RecordRow(ctx, table, op, key, version)
}

// message is what a message says; each topic has some of it.
type message struct {
	Order  string `json:"order"`
	User   int64  `json:"user,omitempty"`
	Items  int    `json:"items,omitempty"`
	Total  *Cents `json:"total,omitempty"`
	Refund *Cents `json:"refund,omitempty"`
	Amount *Cents `json:"amount,omitempty"`
}

// send writes a message with what it tells of.
func (w *work) send(ctx context.Context, topic string, m message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	id := w.service.newID()
	_, err = w.exec(ctx, "INSERT INTO messages (id, topic, order_id, body, changed_at) VALUES (?, ?, ?, ?, ?)",
		id, topic, m.Order, string(body), w.service.moment())
	if err != nil {
		return err
	}
	return w.record(ctx, "messages", outbox.Insert, outbox.Row{"id": id})
}

// bind writes PostgreSQL's placeholders for ?.
func (s *Service) bind(query string) string {
	if s.options.Dialect != outbox.Postgres {
		return query
	}
	var b strings.Builder
	for i, part := range strings.Split(query, "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

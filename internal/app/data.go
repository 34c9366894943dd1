package app

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/web"
	"jindu.dev/jindu/internal/migrate"
	"jindu.dev/jindu/internal/migrate/binlog"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/outbox"
	"jindu.dev/jindu/internal/migrate/pgoutput"
	"jindu.dev/jindu/internal/migrate/sqldb"
	"jindu.dev/jindu/internal/migrate/writeset"
	"jindu.dev/jindu/internal/object"
	"jindu.dev/jindu/internal/object/bolt"
)

// newData makes the part that carries rows. What databases told of runs goes to the collector as the capture
// database:NAME.
func newData(cfg data.Config, notes object.Store, collector *writeset.Collector, log *slog.Logger) (*data.Server, error) {
	var outboxes sync.Map // databases whose outbox is read: it tells neither marks of rows nor what was before
	return data.New(cfg, data.Options{
		Open: func(name string) (data.Store, error) {
			d, err := databaseNamed(cfg, name)
			if err != nil {
				return nil, err
			}
			return sqldb.Open(name, d, cfg.Timeout)
		},
		Source: func(r data.SourceRequest) (data.Source, error) {
			if r.From.Capture == "outbox" {
				outboxes.Store(r.From.Database, true)
			} else {
				outboxes.Delete(r.From.Database)
			}
			return newSource(cfg, r, log)
		},
		Notes: noteStore{notes},
		Now:   time.Now,
		Log:   log,
		Captured: func(database string, t *data.Txn) {
			if _, ok := outboxes.Load(database); !ok {
				recordRows(collector, database, t)
			}
		},
		Progress: func(database string, until time.Time) { collector.Progress(captureOf(database), until) },
	})
}

func captureOf(database string) string { return "database:" + database }

func databaseNamed(cfg data.Config, name string) (data.Database, error) {
	d, ok := cfg.Databases[name]
	if !ok {
		return d, kind.New(kind.Invalid, "JD-DATA-002", "database %q is not in the node's configuration: add it below data.databases", name)
	}
	return d, nil
}

// newSource chooses the capture of a side.
func newSource(cfg data.Config, r data.SourceRequest, log *slog.Logger) (data.Source, error) {
	d, err := databaseNamed(cfg, r.From.Database)
	if err != nil {
		return nil, err
	}
	log = log.With("migration", r.Migration, "side", r.Side)
	switch name := r.Migration + "-" + r.Side; r.From.Capture {
	case "binlog":
		return binlog.New(name, d, binlog.Options{Logger: log})
	case "pgoutput":
		return pgoutput.New(name, d, pgoutput.Options{Tables: r.Tables, Logger: log})
	case "outbox":
		return outbox.New(name, d, outbox.Options{Logger: log})
	}
	return nil, kind.New(kind.Invalid, "JD-DATA-003", "capture %q of the %s side is none: use binlog, pgoutput or outbox", r.From.Capture, r.Side)
}

// recordRows tells the collector which rows a run changed.
func recordRows(c *writeset.Collector, database string, t *data.Txn) {
	capture := captureOf(database)
	mark, ok := v1.ParseMark(t.Mark)
	switch {
	case t.Origin || len(t.Changes) == 0:
		return
	case !ok:
		c.Unattributed(capture)
		return
	}
	for _, e := range t.Effects() {
		c.Record(capture, mark, e)
	}
}

// noteStore keeps what the part must not forget in a store of its own: the revisions of objects are for objects.
type noteStore struct{ store object.Store }

func (n noteStore) Put(ctx context.Context, name string, body []byte) error {
	_, err := n.store.Txn(ctx, object.Txn{Then: []object.Write{{Key: name, Value: body, Delete: body == nil}}})
	return err
}

func (n noteStore) List(ctx context.Context, prefix string) (map[string][]byte, error) {
	kvs, _, err := n.store.Range(ctx, object.Query{Prefix: prefix})
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte, len(kvs))
	for _, kv := range kvs {
		out[kv.Key] = kv.Value
	}
	return out, nil
}

func newNotes(dir string) *bolt.Store {
	return bolt.New(bolt.Config{Dir: filepath.Join(dir, "data"), Retain: 64})
}

// crossing is the data part as migrate's controller sees it.
type crossing struct{ *data.Server }

// Move says in migrate's words that time was up.
func (c crossing) Move(ctx context.Context, migration string, epoch int64, from, to int) error {
	err := c.Server.Move(ctx, migration, epoch, from, to)
	switch {
	case errors.Is(err, data.ErrNotDrained):
		return errors.Join(migrate.ErrNotDrained, err)
	case errors.Is(err, data.ErrNoWayBack):
		return errors.Join(migrate.ErrNoWayBack, err)
	}
	return err
}

// dataAPI is the data part as the admin API serves it: what people do is audited, and who may only look sees
// no values.
type dataAPI struct {
	*data.Server
	objects *object.Objects
}

// done audits what somebody did.
func (d dataAPI) done(ctx context.Context, name string, who v1.Identity, what any) error {
	return d.objects.Command(ctx, v1.KindMigration, name, who.By(), what)
}

// deed is what the audit says of a command about data.
type deed struct {
	Command string `json:"command"`
	ID      string `json:"id,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Result  any    `json:"result,omitempty"`
}

// Repair repairs, and audits what was written.
func (d dataAPI) Repair(ctx context.Context, name string, in v1.RepairRequest, who v1.Identity) (v1.RepairResult, error) {
	out, err := d.Server.Repair(ctx, name, in)
	if err != nil || out.DryRun {
		return out, err
	}
	counts := map[string]any{"winner": out.Winner, "written": out.Written, "skipped": out.Skipped, "cases": out.Cases, "undo": in.Undo}
	return out, d.done(ctx, name, who, deed{Command: "repair", ID: out.ID, Result: counts})
}

// Cases are shown with values to those who may settle or mend them.
func (d dataAPI) Cases(ctx context.Context, name string, closed bool) ([]v1.Case, error) {
	list, err := d.Server.Cases(name, closed)
	if web.Require(ctx, v1.RoleOperator) != nil {
		for i := range list {
			maskCase(&list[i])
		}
	}
	return list, err
}

// masked stands for a value that the caller may not see.
const masked = "•••"

func maskCase(c *v1.Case) {
	c.Difference.Old, c.Difference.New = maskColumns(c.Difference.Old), maskColumns(c.Difference.New)
	for i := range c.History {
		c.History[i].After = maskColumns(c.History[i].After)
	}
}

func maskColumns(list []v1.ColumnValue) []v1.ColumnValue {
	out := make([]v1.ColumnValue, len(list))
	for i, c := range list {
		out[i] = c
		if c.Value != nil {
			out[i].Value = new(masked)
		}
	}
	return out
}

// Decide settles a case, and audits it.
func (d dataAPI) Decide(ctx context.Context, name, id string, in v1.CaseDecision, who v1.Identity) (v1.Case, error) {
	out, err := d.Server.Decide(ctx, name, id, in, who.By())
	if err != nil {
		return out, err
	}
	return out, d.done(ctx, name, who, deed{Command: "decide", ID: id, Reason: in.Reason, Result: in.Decision})
}

// Unpark applies a parked change again, or gives it up.
func (d dataAPI) Unpark(ctx context.Context, name, id string, skip bool, reason string, who v1.Identity) error {
	what, do := "retry", d.Retry
	if skip {
		what, do = "skip", d.Skip
	}
	if err := do(ctx, name, id); err != nil {
		return err
	}
	return d.done(ctx, name, who, deed{Command: what, ID: id, Reason: reason})
}

// CloseWindow ends the way back, and audits it.
func (d dataAPI) CloseWindow(ctx context.Context, name string, who v1.Identity, reason string) (v1.DataStatus, error) {
	if err := d.Server.CloseWindow(ctx, name); err != nil {
		return v1.DataStatus{}, err
	}
	if err := d.done(ctx, name, who, deed{Command: "close window", Reason: reason}); err != nil {
		return v1.DataStatus{}, err
	}
	return d.Status(name)
}

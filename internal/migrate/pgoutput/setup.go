package pgoutput

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"jindu.dev/jindu/internal/kit/kind"
)

// server is what is known of the database's server.
type server struct {
	version int // 150018
	segment uint64
}

func (s *Source) look(ctx context.Context, c *pgconn.PgConn) (server, error) {
	r, err := query(ctx, c, "SELECT current_setting('server_version_num'), current_setting('wal_level'), (SELECT setting FROM pg_settings WHERE name='wal_segment_size')")
	if err != nil {
		return server{}, err
	}
	v := server{}
	if v.version, err = strconv.Atoi(r[0][0]); err != nil {
		return v, fmt.Errorf("the server's version: %w", err)
	}
	if v.segment, err = strconv.ParseUint(r[0][2], 10, 64); err != nil || v.segment == 0 {
		v.segment = 16 << 20
	}
	if v.version < 120000 {
		return v, kind.New(kind.Unsupported, "JD-PGOUTPUT-004", "%s has version %s: PostgreSQL 12 or later is read; use the outbox", s.db.Address, r[0][0])
	}
	if r[0][1] != "logical" {
		return v, kind.New(kind.Conflict, "JD-PGOUTPUT-004", "%s has wal_level=%s: set wal_level=logical in the server's configuration and restart it", s.db.Address, r[0][1])
	}
	return v, nil
}

// resolved is a table of the database.
type resolved struct {
	given        string // as the rule names it
	oid          string
	schema, name string
}

// resolve finds tables as the rules name them.
func (s *Source) resolve(ctx context.Context, c *pgconn.PgConn, tables []string) ([]resolved, error) {
	out := make([]resolved, 0, len(tables)+1)
	for _, t := range append(append([]string(nil), tables...), relayTable) {
		schema, name, ok := strings.Cut(t, ".")
		ref := quote(schema)
		if ok {
			ref += "." + quote(name)
		}
		r, err := query(ctx, c, `SELECT c.oid, n.nspname, c.relname, c.relreplident, c.relkind, EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid=c.oid AND i.indisprimary)
FROM pg_class c JOIN pg_namespace n ON n.oid=c.relnamespace WHERE c.oid=to_regclass($1)`, ref)
		if err != nil {
			return nil, err
		}
		if len(r) == 0 {
			remedy := "create it, or take it out of the tables"
			if t == relayTable {
				remedy = "it is made when the migration's data is prepared, and must be there first"
			}
			return nil, kind.New(kind.NotFound, "JD-PGOUTPUT-005", "database %s has no table %s: %s", s.db.Schema, t, remedy)
		}
		switch f := r[0]; {
		case f[4] != "r" && f[4] != "p":
			return nil, kind.New(kind.Invalid, "JD-PGOUTPUT-005", "%s is no table", t)
		case f[5] != "t":
			return nil, kind.New(kind.Invalid, "JD-PGOUTPUT-005", "table %s has no primary key: without one its rows cannot be carried; add one", t)
		case f[3] != "d" && f[3] != "f":
			return nil, kind.New(kind.Conflict, "JD-PGOUTPUT-005", "table %s has a replica identity that does not tell the primary key: ALTER TABLE %s REPLICA IDENTITY DEFAULT, or FULL", t, ref)
		}
		out = append(out, resolved{t, r[0][0], r[0][1], r[0][2]})
	}
	return out, nil
}

// missing are the tables that the publication does not hold; ok is false when there is no publication.
func (s *Source) missing(ctx context.Context, c *pgconn.PgConn, tables []resolved) (out []resolved, ok bool, err error) {
	r, err := query(ctx, c, "SELECT 1 FROM pg_publication WHERE pubname=$1", s.slot)
	if err != nil || len(r) == 0 {
		return tables, false, err
	}
	r, err = query(ctx, c, "SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname=$1", s.slot)
	if err != nil {
		return nil, true, err
	}
	held := map[[2]string]bool{}
	for _, f := range r {
		held[[2]string{f[0], f[1]}] = true
	}
	for _, t := range tables {
		if !held[[2]string{t.schema, t.name}] {
			out = append(out, t)
		}
	}
	return out, true, nil
}

// publish makes the publication hold the tables.
func (s *Source) publish(ctx context.Context, c *pgconn.PgConn, v server, tables []string) error {
	all, err := s.resolve(ctx, c, tables)
	if err != nil {
		return err
	}
	lack, there, err := s.missing(ctx, c, all)
	if err != nil || len(lack) == 0 {
		return err
	}
	names := make([]string, len(lack))
	for i, t := range lack {
		names[i] = quote(t.schema) + "." + quote(t.name)
	}
	list := strings.Join(names, ", ")
	text := "ALTER PUBLICATION " + s.slot + " ADD TABLE " + list
	if !there {
		text = "CREATE PUBLICATION " + s.slot + " FOR TABLE " + list
		if v.version >= 130000 {
			text += " WITH (publish_via_partition_root = true)"
		}
	}
	if _, err = query(ctx, c, text); err != nil && state(err) != stateExists {
		return err
	}
	return nil
}

// slotState is a slot as the server tells it.
type slotState struct {
	there     bool
	why       string // it is of no use: why
	confirmed lsn
	pid       string
}

func (s *Source) slotState(ctx context.Context, c *pgconn.PgConn, v server) (slotState, error) {
	status := "''"
	if v.version >= 130000 {
		status = "COALESCE(wal_status, '')"
	}
	r, err := query(ctx, c, "SELECT plugin, COALESCE(database, ''), COALESCE(confirmed_flush_lsn::text, ''), COALESCE(active_pid, 0), "+status+" FROM pg_replication_slots WHERE slot_name=$1", s.slot)
	if err != nil || len(r) == 0 {
		return slotState{}, err
	}
	f := r[0]
	out := slotState{there: true}
	if f[3] != "0" {
		out.pid = f[3]
	}
	switch {
	case f[0] != "pgoutput" || f[1] != s.db.Schema:
		return out, kind.New(kind.Conflict, "JD-PGOUTPUT-006", "slot %s of %s is of plugin %s and database %s, not ours: drop it", s.slot, s.db.Address, f[0], f[1])
	case f[4] == "lost" || f[2] == "":
		out.why = "the server dropped the log that the slot kept (wal_status lost); see max_slot_wal_keep_size"
		return out, nil
	}
	out.confirmed, err = parsePosition(dataPosition(f[2]))
	return out, err
}

// here makes what is missing and tells the log's end.
func (s *Source) here(ctx context.Context, c *pgconn.PgConn, tables []string) (lsn, error) {
	v, err := s.look(ctx, c)
	if err != nil {
		return 0, err
	}
	if err := s.publish(ctx, c, v, tables); err != nil {
		return 0, err
	}
	slot, err := s.slotState(ctx, c, v)
	if err != nil {
		return 0, err
	}
	if slot.there && slot.why != "" {
		if _, err := query(ctx, c, "SELECT pg_drop_replication_slot($1)", s.slot); err != nil {
			return 0, err
		}
		slot.there = false
	}
	if !slot.there {
		_, err := query(ctx, c, "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", s.slot)
		if err != nil && state(err) != stateExists {
			return 0, err
		}
	}
	// A message of its own is written to disk before its place is told, and everything committed before it too.
	if _, err := query(ctx, c, "SET synchronous_commit=on"); err != nil {
		return 0, err
	}
	r, err := query(ctx, c, "SELECT pg_logical_emit_message(true, 'jindu.here', '')")
	if err != nil {
		return 0, err
	}
	return parsePosition(dataPosition(r[0][0]))
}

// Drop removes slot and publication, when a migration ends: a slot that nobody reads fills the server's disk.
func (s *Source) Drop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*statementTimeout)
	defer cancel()
	c, err := s.dial(ctx, false)
	if err != nil {
		return s.final(err)
	}
	defer closeConn(c)
	for {
		if err := s.evict(ctx, c); err != nil {
			return s.final(err)
		}
		_, err := query(ctx, c, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name=$1", s.slot)
		if err == nil {
			break
		}
		if state(err) != stateInUse || !sleep(ctx, 20*time.Millisecond) { // its walsender is ending
			return s.final(err)
		}
	}
	_, err = query(ctx, c, "DROP PUBLICATION IF EXISTS "+s.slot)
	return s.final(err)
}

// evict ends the walsender of a connection that we lost and the server does not know to be lost yet.
func (s *Source) evict(ctx context.Context, c *pgconn.PgConn) error {
	_, err := query(ctx, c, `SELECT pg_terminate_backend(a.pid) FROM pg_replication_slots l JOIN pg_stat_activity a ON a.pid=l.active_pid
WHERE l.slot_name=$1 AND a.application_name=$1 AND a.usename=current_user`, s.slot)
	return err
}

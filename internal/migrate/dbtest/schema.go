package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"testing"
	"time"
)

// Schema makes an empty schema (PostgreSQL: a database) and drops it when the test ends, whoever still uses it.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	b := make([]byte, 6)
	_, _ = rand.Read(b) // it never fails
	name := "t_" + hex.EncodeToString(b)
	s.exec(t, "CREATE DATABASE "+name)
	t.Cleanup(func() {
		if !s.Running() {
			return // killed: its directory goes with the test
		}
		if s.Kind == KindPostgres {
			s.dropSlots(t, name)
			s.exec(t, "DROP DATABASE "+name+" WITH (FORCE)")
			return
		}
		s.exec(t, "DROP DATABASE "+name)
	})
	return name
}

// DB opens a pool on a schema ("": none, PostgreSQL: postgres) and closes it when the test ends.
func (s *Server) DB(t testing.TB, schema string) *sql.DB {
	t.Helper()
	db, err := s.Open(schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// exec runs one statement on a connection of its own.
func (s *Server) exec(t testing.TB, query string) {
	t.Helper()
	db, err := s.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing more comes of it
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if _, err := db.ExecContext(ctx, query); err != nil {
		t.Errorf("%s: %v", query, err)
	}
}

// dropSlots drops the replication slots of a database, which would hold it from being dropped.
func (s *Server) dropSlots(t testing.TB, name string) {
	t.Helper()
	s.exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND database = '"+name+"'")
	// A slot is active until its backend is gone.
	s.exec(t, `DO $$
DECLARE slot text;
BEGIN
	FOR i IN 1..500 LOOP
		EXIT WHEN NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE active AND database = '`+name+`');
		PERFORM pg_sleep(0.01);
	END LOOP;
	FOR slot IN SELECT slot_name FROM pg_replication_slots WHERE database = '`+name+`' LOOP
		PERFORM pg_drop_replication_slot(slot);
	END LOOP;
END $$`)
}

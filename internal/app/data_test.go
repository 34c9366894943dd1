package app

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// banks are two schemas on one real MariaDB, and a node that carries rows between them.
type banks struct {
	t          *testing.T
	old, fresh *sql.DB
	api        *apiClient
}

func openBanks(t *testing.T, c *apiClient) *banks {
	t.Helper()
	server := dbtest.MariaDB(t)
	b := &banks{t: t}
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(server.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	databases := map[string]data.Database{}
	for name, db := range map[string]**sql.DB{"old": &b.old, "new": &b.fresh} {
		schema := server.Schema(t)
		*db = server.DB(t, schema)
		databases[name] = data.Database{Kind: "mariadb", Address: server.Addr, Schema: schema, User: server.User, Password: conf.NewSecret("file:"+secret, server.Password), TLS: "off"}
	}
	b.exec(b.old, "CREATE TABLE accounts (id INT PRIMARY KEY, balance DECIMAL(12,2) NOT NULL, note VARCHAR(20), version BIGINT NOT NULL)")
	b.exec(b.fresh, "CREATE TABLE accounts (id INT PRIMARY KEY, cents BIGINT NOT NULL, note VARCHAR(10), version BIGINT NOT NULL)")
	for id := range 50 {
		b.exec(b.old, fmt.Sprintf("INSERT INTO accounts VALUES (%d, %d.50, 'n%d', 1)", id, id, id))
	}
	b.api = c.with(running(t, func(cfg *Config) { cfg.Data.Databases = databases }))
	return b
}

func (b *banks) exec(db *sql.DB, query string) {
	b.t.Helper()
	if _, err := db.ExecContext(b.t.Context(), query); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
}

func (b *banks) text(db *sql.DB, query string) string {
	b.t.Helper()
	var s sql.NullString
	if err := db.QueryRowContext(b.t.Context(), query).Scan(&s); err != nil {
		return err.Error()
	}
	return s.String
}

const bankMigration = `{"apiVersion":"jindu.dev/v1","kind":"Migration","metadata":{"name":"bank"},"spec":{
	"service":"bank","from":{"runtime":"java17"},"to":{"runtime":"go1.26"},"effects":{"old":["database:old"],"new":["report"]},
	"data":{"old":{"database":"old","capture":"binlog"},"new":{"database":"new","capture":"binlog"},"winner":"old","grace":"100ms","every":"200ms",
		"tables":[{"name":"accounts","version":"version","money":["balance"],"columns":[{"from":["balance"],"to":["cents"],"scale":2}]}]}}}`

// operateData calls every operation about data and effects on a node that really carries rows.
func operateData(t *testing.T, c *apiClient) {
	t.Helper()
	b := openBanks(t, c)
	api := b.api
	get := func(path string, out any) { api.do(http.MethodGet, "/api/v1/migrations/bank/"+path, "", 200, out) }
	post := func(path, body string, want int, out any) {
		api.do(http.MethodPost, "/api/v1/migrations/bank/"+path, body, want, out)
	}
	api.do(http.MethodPut, "/api/v1/services/bank", strings.ReplaceAll(serviceJSON, `"orders"`, `"bank"`), 200, nil)
	for _, in := range []string{oldJSON, newJSON} {
		name := "old"
		if strings.Contains(in, "9002") {
			name = "new"
		}
		api.do(http.MethodPut, "/api/v1/instances/"+name, strings.ReplaceAll(in, `"orders"`, `"bank"`), 200, nil)
	}
	api.do(http.MethodPut, "/api/v1/migrations/bank", bankMigration, 200, nil)
	var status v1.DataStatus
	eventually(t, "the rows are across and compared", func() bool {
		r := api.send(http.MethodGet, "/api/v1/migrations/bank/data", "")
		return r.Code == 200 && json.Unmarshal(r.Body.Bytes(), &status) == nil && len(status.Tables) == 1 && status.Tables[0].NewRows == 50
	})
	if status.Tables[0].Backfill != "done" || status.Window != "open" || len(status.Relays) != 2 {
		t.Errorf("status %+v", status)
	}
	if got := b.text(b.fresh, "SELECT cents FROM accounts WHERE id = 7"); got != "750" {
		t.Errorf("cents %s", got)
	}
	b.exec(b.old, "UPDATE accounts SET balance = 8.25, version = version + 1 WHERE id = 7")
	eventually(t, "a change of the old side arrives", func() bool { return b.text(b.fresh, "SELECT cents FROM accounts WHERE id = 7") == "825" })

	var samples []v1.SampleMapping
	get("samples?table=accounts&limit=2", &samples)
	if len(samples) != 2 || samples[0].Error != "" {
		t.Errorf("samples %+v", samples)
	}
	// What somebody changes by hand below the relays is found: they are told that the change is one of ours.
	b.byHand(b.fresh, "UPDATE accounts SET note = 'x' WHERE id = 3")
	b.byHand(b.fresh, "UPDATE accounts SET cents = 1 WHERE id = 4")
	var found v1.DiffResult
	post("diff", `{"full":true}`, 200, &found)
	if len(found.Differences) != 2 || found.Rows["accounts"] != 50 {
		t.Errorf("diff %+v", found)
	}
	var repair v1.RepairResult
	post("repair", `{"dryRun":true}`, 200, &repair)
	if repair.Written != 1 || repair.Cases != 1 || b.text(b.fresh, "SELECT note FROM accounts WHERE id = 3") != "x" {
		t.Errorf("dry run %+v", repair)
	}
	post("repair", `{}`, 200, &repair)
	if repair.Written != 1 || b.text(b.fresh, "SELECT note FROM accounts WHERE id = 3") != "n3" {
		t.Errorf("repair %+v", repair)
	}
	// A comparison may close a case and open it anew at any moment: a person then sees the new one.
	eventually(t, "the case can be decided", func() bool {
		var cases []v1.Case
		get("cases", &cases)
		if len(cases) != 1 || b.text(b.fresh, "SELECT cents FROM accounts WHERE id = 4") != "1" {
			return false
		}
		return api.send(http.MethodPost, "/api/v1/migrations/bank/cases/"+cases[0].ID+"/decide", `{"decision":"old","reason":"test"}`).Code == 200
	})
	eventually(t, "the case is settled", func() bool { return b.text(b.fresh, "SELECT cents FROM accounts WHERE id = 4") == "450" })

	// A row that the new side has no room for is parked, and what comes behind it waits.
	b.exec(b.old, "UPDATE accounts SET note = 'far too long', version = version + 1 WHERE id IN (9, 10)")
	b.exec(b.old, "UPDATE accounts SET balance = 1, version = version + 1 WHERE id = 9")
	var parked []v1.ParkedChange
	eventually(t, "the changes are parked", func() bool { get("parked", &parked); return len(parked) == 2 })
	b.exec(b.fresh, "ALTER TABLE accounts MODIFY note VARCHAR(20)")
	for _, p := range parked {
		verb := "retry"
		if columnOf(p.Key, "id") == "10" {
			verb = "skip"
		}
		post("parked/"+p.ID+"/"+verb, `{"reason":"test"}`, 204, nil)
	}
	eventually(t, "what was parked is applied in order", func() bool { return b.text(b.fresh, "SELECT cents FROM accounts WHERE id = 9") == "100" })

	api.do(http.MethodPost, "/api/v1/services/bank/effects", `{"runs":[{"run":"0123456789abcdef","effects":[{"kind":"message","op":"send","target":"t"}],"closed":true}]}`, 204, nil)
	get("effects", new(v1.EffectsView))
	post("window/close", `{"reason":"test"}`, 409, nil) // users are on the old side still
	var page v1.AuditPage
	api.do(http.MethodGet, "/api/v1/audit?kind=Migration&name=bank&limit=20", "", 200, &page)
	var commands []string
	for _, r := range page.Items {
		var d deed
		if r.Action == "command" && json.Unmarshal(r.After, &d) == nil {
			commands = append(commands, d.Command)
		}
	}
	if len(commands) != 4 {
		t.Errorf("audited %v", commands)
	}
}

// byHand changes the new side as nobody is told: marked as a relay's own write.
func (b *banks) byHand(db *sql.DB, query string) {
	b.t.Helper()
	conn, err := db.Conn(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, q := range []string{"SET SESSION sql_log_bin = 0", query, "SET SESSION sql_log_bin = 1"} {
		if _, err := conn.ExecContext(b.t.Context(), q); err != nil {
			b.t.Fatalf("%s: %v", q, err)
		}
	}
}

func columnOf(list []v1.ColumnValue, name string) string {
	for _, c := range list {
		if c.Name == name && c.Value != nil {
			return *c.Value
		}
	}
	return ""
}

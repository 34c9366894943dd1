package binlog

import (
	"fmt"
	"strings"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
)

// server is what is known of the database's server.
type server struct {
	flavor string
	gtid   bool
	status string // statement that tells file and offset of the log's end
}

// look asks the server what it is, and refuses one whose log would not tell everything.
func (s *Source) look(c *conn) (server, error) {
	v, err := c.row(4, "SELECT VERSION(), @@global.log_bin, @@global.binlog_format, @@global.binlog_row_image")
	if err != nil {
		return server{}, err
	}
	srv := server{flavor: flavorMySQL, gtid: true, status: "SHOW MASTER STATUS"}
	if strings.Contains(v[0], "MariaDB") {
		srv.flavor = flavorMaria
	}
	if srv.flavor != s.flavor {
		return srv, kind.New(kind.Invalid, "JD-BINLOG-002", "%s is %s %s: set kind to %s", s.db.Address, srv.flavor, v[0], srv.flavor)
	}
	want := []struct{ name, is, want string }{{"log_bin", v[1], "1"}, {"binlog_format", v[2], "ROW"}, {"binlog_row_image", v[3], "FULL"}}
	if srv.flavor == flavorMySQL {
		m, err := c.row(2, "SELECT @@global.gtid_mode, @@global.binlog_row_value_options")
		if err != nil {
			return srv, err
		}
		srv.gtid = strings.EqualFold(m[0], "ON")
		want = append(want, struct{ name, is, want string }{"binlog_row_value_options", m[1], ""})
		if !older(v[0], 8, 2) { // 8.2 has the new name, 8.4 only that
			srv.status = "SHOW BINARY LOG STATUS"
		}
	}
	for _, w := range want {
		if !strings.EqualFold(w.is, w.want) {
			return srv, kind.New(kind.Conflict, "JD-BINLOG-004", "%s has %s=%s, which does not log every change whole: set it to %q in the server's configuration", s.db.Address, w.name, w.is, w.want)
		}
	}
	return srv, nil
}

// older says whether a version such as 8.0.36-log is below one.
func older(version string, major, minor int) bool {
	var a, b int
	if n, _ := fmt.Sscanf(version, "%d.%d", &a, &b); n != 2 {
		return true
	}
	return a < major || a == major && b < minor
}

const clockForm = "2006-01-02 15:04:05.999999"

// end is the log's end and a time before which everything committed is before that end.
func (srv server) end(c *conn) (position, time.Time, error) {
	text := "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR), @@global.gtid_binlog_pos"
	switch {
	case srv.flavor == flavorMySQL && srv.gtid:
		text = "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR), @@global.gtid_executed"
	case srv.flavor == flavorMySQL:
		text = "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR), ''"
	}
	r, err := c.row(2, text)
	if err != nil {
		return position{}, time.Time{}, err
	}
	at, err := time.Parse(clockForm, r[0])
	if err != nil {
		return position{}, time.Time{}, fmt.Errorf("the server's clock: %w", err)
	}
	if !srv.gtid {
		f, err := c.row(2, srv.status)
		if err != nil {
			return position{}, time.Time{}, err
		}
		p, err := parsePosition(data.Position(f[0]+":"+f[1]), srv.flavor)
		return p, at, err
	}
	if r[1] == "" {
		r[1] = begin
	}
	p, err := parsePosition(data.Position(r[1]), srv.flavor)
	return p, at, err
}

// holds is nil when the log goes on from a position, an error that wraps data.ErrLogGone when it does not.
func (s *Source) holds(c *conn, srv server, p position) error {
	end, _, err := srv.end(c)
	if err != nil {
		return err
	}
	gone := func(why string) error {
		return lost("JD-BINLOG-005", "the binary log of %s does not go on from position %s: %s; compare in full", s.db.Address, p.text(), why)
	}
	if !end.reached(p) {
		return gone("the server's log ends before it, at " + string(end.text()))
	}
	switch {
	case p.maria != nil:
		logs, err := c.query("SHOW BINARY LOGS")
		if err != nil {
			return err
		}
		if len(logs) == 0 {
			return gone("there is no log")
		}
		// The state at the start of the first file is what was purged.
		first, err := c.row(1, "SELECT BINLOG_GTID_POS('"+strings.ReplaceAll(logs[0][0], "'", "")+"', 4)")
		if err != nil || first[0] == "" {
			return err
		}
		purged, err := parsePosition(data.Position(first[0]), srv.flavor)
		if err != nil {
			return err
		}
		if !p.reached(purged) {
			return gone("files up to " + first[0] + " were purged")
		}
	case p.mysql != nil:
		r, err := c.row(1, "SELECT @@global.gtid_purged")
		if err != nil || r[0] == "" {
			return err
		}
		purged, err := parsePosition(data.Position(r[0]), srv.flavor)
		if err != nil {
			return err
		}
		if !p.reached(purged) {
			return gone("transactions " + r[0] + " were purged")
		}
	default:
		logs, err := c.query("SHOW BINARY LOGS")
		if err != nil {
			return err
		}
		for _, l := range logs {
			if l[0] == p.file {
				return nil
			}
		}
		return gone("file " + p.file + " was purged")
	}
	return nil
}

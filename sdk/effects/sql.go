package effects

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// ShadowRule says what becomes of writes of shadows.
type ShadowRule uint8

// The rules.
const (
	Refuse ShadowRule = iota // they are refused: the only safe way with nothing between service and database
	Pass                     // they go out with their mark; a proxy of Jindu, or the database itself, knows what to do
)

// SQL says how statements are sent. The zero value is for MariaDB or MySQL and refuses writes of shadows.
type SQL struct {
	Dialect Dialect
	// RequireMark refuses writes whose context belongs to no run, except with Background.
	RequireMark bool
	Shadows     ShadowRule
	// EmitMark puts the mark into PostgreSQL's log too, before the first write of a transaction, so that
	// logical decoding can attribute its rows. A proxy of Jindu does it itself.
	EmitMark bool
	// Record tells statements that write, for when neither a proxy nor the database's log tells their rows.
	Record bool
}

// Open is sql.Open with statements marked. Of pgx it asks for unnamed statements unless dsn says otherwise.
func Open(driverName, dsn string, o SQL) (*sql.DB, error) {
	if driverName == "pgx" {
		o.Dialect, dsn = Postgres, unnamed(dsn)
	}
	db, err := sql.Open(driverName, dsn)
	if err != nil {
		return nil, fmt.Errorf("effects: open %s: %w", driverName, err)
	}
	d := db.Driver()
	if err := db.Close(); err != nil { // it has no connection yet; it was needed to find its driver
		return nil, fmt.Errorf("effects: open %s: %w", driverName, err)
	}
	c := driver.Connector(byName{dsn, d})
	if dc, ok := d.(driver.DriverContext); ok {
		if c, err = dc.OpenConnector(dsn); err != nil {
			return nil, fmt.Errorf("effects: open %s: %w", driverName, err)
		}
	}
	return sql.OpenDB(Wrap(c, o)), nil
}

// unnamed adds to a pgx DSN, of either form, that statements are not to be kept by their text.
func unnamed(dsn string) string {
	const key, value = "default_query_exec_mode", "exec"
	if strings.Contains(dsn, key) {
		return dsn
	}
	if u, err := url.Parse(dsn); err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") {
		q := u.Query()
		q.Set(key, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	return strings.TrimSpace(dsn + " " + key + "=" + value)
}

// byName connects with a driver that has no connectors.
type byName struct {
	dsn    string
	driver driver.Driver
}

func (n byName) Connect(context.Context) (driver.Conn, error) { return n.driver.Open(n.dsn) }
func (n byName) Driver() driver.Driver                        { return n.driver }

// Wrap is a connector whose connections mark every statement.
func Wrap(c driver.Connector, o SQL) driver.Connector { return &connector{c, o} }

type connector struct {
	driver.Connector
	options SQL
}

// Connect connects.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	under, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: under, options: &c.options}, nil
}

// Close closes the connector where it can be.
func (c *connector) Close() error {
	if closer, ok := c.Connector.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

package dialect

import "jindu.dev/jindu/internal/migrate/row"

// Parked asks for parked changes of a stream by id behind after.
func (d *Dialect) Parked(stream, after string, limit int) Query {
	t := d.Parkings()
	b := d.builder()
	b.add("SELECT ", d.selection(t, all(t), ""), " FROM ", d.Table(t.Name), " WHERE ", d.Quote("stream"), " = ")
	b.param(&t.Columns[0], row.Value{Text: stream})
	b.add(" AND ", d.order(&t.Columns[1]), " > ")
	b.bound(&t.Columns[1], row.Value{Text: after})
	b.add(" ORDER BY ", d.order(&t.Columns[1]))
	b.limit(int64(limit), 0)
	return b.query()
}

// Owned asks for rows that an owner has, locked.
func (d *Dialect) Owned(t *row.Table, owner int, who row.Value, limit int) Query {
	b := d.builder()
	c := &t.Columns[owner]
	b.add("SELECT ", d.selection(t, all(t), ""), " FROM ", d.Table(t.Name), " WHERE ", d.Quote(c.Name), " = ")
	b.param(c, who)
	b.limit(int64(limit), 0)
	b.add(" FOR UPDATE")
	return b.query()
}

// SetOwner gives rows to another owner; their version, the index of a column or -1, rises by one.
func (d *Dialect) SetOwner(t *row.Table, owner int, who row.Value, version int, keys []row.Key) Query {
	b := d.builder()
	from, prefix := "", ""
	if d.postgres() {
		prefix = "t."
		from = b.arrays(t, t.Key, func(i, c int) row.Value { return keys[i][c] }, len(keys))
	}
	b.add("UPDATE ", d.Table(t.Name))
	if d.postgres() {
		b.add(" t")
	}
	b.add(" SET ", d.Quote(t.Columns[owner].Name), " = ")
	b.param(&t.Columns[owner], who)
	if version >= 0 {
		v := d.Quote(t.Columns[version].Name)
		b.add(", ", v, " = ", prefix, v, " + 1")
	}
	if d.postgres() {
		b.add(" FROM ", from, " WHERE ", d.sameKey(t))
		return b.query()
	}
	b.add(" WHERE ")
	b.keys(t, keys)
	return b.query()
}

// Outbox writes a row of table jindu_outbox: table, op, key, row, version.
func (d *Dialect) Outbox() string {
	q := d.Quote
	return "INSERT INTO " + q(OutboxTable) + " (" + q("tbl") + ", " + q("op") + ", " + q("row_key") + ", " + q("row_after") + ", " + q("version") + ") VALUES (" +
		d.mark(1) + ", " + d.mark(2) + ", " + d.mark(3) + ", " + d.mark(4) + ", " + d.mark(5) + ")"
}

// Lag asks a replica how many seconds it is behind; see LagColumn.
func (d *Dialect) Lag() string {
	switch d.Kind {
	case MariaDB:
		return "SHOW SLAVE STATUS"
	case MySQL:
		return "SHOW REPLICA STATUS"
	case DM8:
		return "SELECT 0 FROM DUAL"
	case OpenGauss:
		return "SELECT CASE WHEN pg_is_in_recovery() THEN COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) END"
	default:
		// One that has replayed all it received is behind nothing, however long ago that was.
		return "SELECT CASE WHEN NOT pg_is_in_recovery() THEN NULL WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 ELSE COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) END"
	}
}

// LagColumn is the field of Lag's answer with the seconds. MariaDB and MySQL call it Seconds_Behind_Master and
// Seconds_Behind_Source; in both it is the 33rd.
func (d *Dialect) LagColumn() int {
	if d.mysql() {
		return 32
	}
	return 0
}

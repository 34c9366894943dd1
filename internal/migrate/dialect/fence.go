package dialect

// Fencing are the statements of a change of share, in their order.
type Fencing struct {
	Lock   string // alone against every writer, until the transaction ends
	Exists string // migration, epoch ─► low, high
	Insert string // migration, epoch, low, high
	Delete string // migration, above
	Here   string // the log's end, after the commit; "" where there is no asking
	Shared string // of a writer: shares the lock; "" where Check does it too
	Check  string // of a writer: epoch, bucket, bucket ─► the epoch that refuses it, or 0
}

// Fence is how the database fences.
func (d *Dialect) Fence() Fencing {
	q, m, e, l, h := d.Quote(FenceTable), d.Quote("migration"), d.Quote("epoch"), d.Quote("low"), d.Quote("high")
	f := Fencing{
		Exists: "SELECT " + l + ", " + h + " FROM " + q + " WHERE " + m + " = " + d.mark(1) + " AND " + e + " = " + d.mark(2),
		Insert: "INSERT INTO " + q + " (" + m + ", " + e + ", " + l + ", " + h + ") VALUES (" + d.mark(1) + ", " + d.mark(2) + ", " + d.mark(3) + ", " + d.mark(4) + ")",
		Delete: "DELETE FROM " + q + " WHERE " + m + " = " + d.mark(1) + " AND " + e + " > " + d.mark(2),
	}
	switch {
	case d.mysql():
		f.Lock = "SELECT " + e + " FROM " + q + " WHERE " + m + " = '' AND " + e + " = 0 FOR UPDATE"
		f.Check = "SELECT COALESCE(MAX(" + e + "), 0) FROM " + q + " WHERE " + e + " = 0 OR (" + e + " > ? AND " + l + " <= ? AND " + h + " > ?) LOCK IN SHARE MODE"
		f.Here = "SELECT @@GLOBAL.gtid_binlog_pos"
		if d.Kind == MySQL {
			f.Here = "SELECT @@GLOBAL.gtid_executed"
		}
	case d.postgres():
		f.Lock = "SELECT pg_advisory_xact_lock(" + advisoryLock + ")"
		f.Shared = "SELECT pg_advisory_xact_lock_shared(" + advisoryLock + ")"
		f.Check = "SELECT COALESCE(MAX(" + e + "), 0) FROM " + q + " WHERE " + e + " > $1 AND " + l + " <= $2 AND " + h + " > $2"
		f.Here = "SELECT pg_current_wal_insert_lsn()::text"
		if d.Kind == OpenGauss {
			f.Here = "SELECT pg_current_xlog_insert_location()::text"
		}
	default:
		f.Check = "SELECT COALESCE(MAX(" + e + "), 0) FROM " + q + " WHERE " + e + " > ? AND " + l + " <= ? AND " + h + " > ?"
		f.Shared = "LOCK TABLE " + q + " IN SHARE MODE"
		f.Lock = "LOCK TABLE " + q + " IN EXCLUSIVE MODE"
	}
	return f
}

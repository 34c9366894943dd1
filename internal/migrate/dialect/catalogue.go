package dialect

// Columns asks for the columns of a table, in their order: the fields of Native in theirs. Its argument is
// the table's name; see CatalogueName.
func (d *Dialect) Columns() string {
	switch d.Kind {
	case MariaDB:
		return mysqlColumns(`EXISTS (SELECT 1 FROM information_schema.check_constraints k WHERE k.constraint_schema = c.table_schema AND k.table_name = c.table_name AND k.check_clause = CONCAT('json_valid(`+"`', c.column_name, '`"+`)'))`,
			`c.column_default IS NOT NULL OR c.extra LIKE '%auto_increment%'`)
	case MySQL:
		return mysqlColumns("FALSE", "c.column_default IS NOT NULL OR c.extra LIKE '%auto_increment%' OR c.extra LIKE '%DEFAULT_GENERATED%'")
	case Postgres:
		return postgresColumns(`CASE WHEN l.collname = 'default' THEN CASE WHEN COALESCE(to_jsonb(b)->>'datlocprovider', 'c') = 'c' THEN b.datcollate ELSE 'icu' END WHEN l.collprovider = 'i' THEN 'icu' ELSE l.collcollate END`,
			"a.atthasdef OR a.attidentity <> ''", "a.attgenerated <> ''", "COALESCE(NOT l.collisdeterministic, FALSE)")
	case OpenGauss:
		return postgresColumns(`CASE WHEN l.collname = 'default' THEN b.datcollate ELSE l.collcollate END`,
			"a.atthasdef", "FALSE", "FALSE")
	default:
		return `SELECT c.column_name, c.data_type, c.data_type, '', '', COALESCE(c.data_length, 0), COALESCE(c.data_precision, 0), COALESCE(c.data_scale, 0),
 CASE c.nullable WHEN 'Y' THEN 1 ELSE 0 END, CASE WHEN c.data_default IS NULL THEN 0 ELSE 1 END, 0, 0, 0
FROM user_tab_columns c WHERE c.table_name = ? ORDER BY c.column_id`
	}
}

func mysqlColumns(json, filled string) string {
	return `SELECT c.column_name, c.data_type, c.column_type, COALESCE(c.character_set_name, ''), COALESCE(c.collation_name, ''),
 COALESCE(c.character_maximum_length, 0), COALESCE(c.numeric_precision, 0), COALESCE(c.numeric_scale, c.datetime_precision, 0),
 c.is_nullable = 'YES', ` + filled + `, COALESCE(c.generation_expression, '') <> '', ` + json + `, FALSE
FROM information_schema.columns c WHERE c.table_schema = DATABASE() AND c.table_name = ? ORDER BY c.ordinal_position`
}

func postgresColumns(collation, filled, generated, fold string) string {
	// A domain counts as the type that it is of. The length of a type with one is its modifier less four, but
	// not of bits; scale and precision of numeric are packed into it; -1 is without a bound.
	return `SELECT a.attname, COALESCE(u.typname, t.typname), pg_catalog.format_type(COALESCE(u.oid, t.oid), (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END)), '', COALESCE(` + collation + `, ''),
 CASE WHEN (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) < 0 THEN 0 WHEN COALESCE(u.typname, t.typname) IN ('bit', 'varbit') THEN (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) WHEN COALESCE(u.typname, t.typname) IN ('bpchar', 'varchar', 'nvarchar2') THEN (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) - 4 ELSE 0 END,
 0,
 CASE WHEN COALESCE(u.typname, t.typname) = 'numeric' THEN CASE WHEN (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) < 0 THEN -1 ELSE ((CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) - 4) & 65535 END
  WHEN COALESCE(u.typname, t.typname) IN ('time', 'timestamp', 'timestamptz') THEN CASE WHEN (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) < 0 THEN 6 ELSE (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) END ELSE 0 END,
 NOT (a.attnotnull OR t.typnotnull), ` + filled + `, ` + generated + `, FALSE, ` + fold + `
FROM pg_catalog.pg_attribute a
 JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
 LEFT JOIN pg_catalog.pg_type u ON u.oid = t.typbasetype AND t.typtype = 'd'
 LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
 JOIN pg_catalog.pg_database b ON b.datname = current_database()
WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`
}

// KeyColumns asks for the names of the primary key's columns in the key's order.
func (d *Dialect) KeyColumns() string {
	switch d.Kind {
	case MariaDB, MySQL:
		return `SELECT k.column_name FROM information_schema.key_column_usage k
WHERE k.table_schema = DATABASE() AND k.table_name = ? AND k.constraint_name = 'PRIMARY' ORDER BY k.ordinal_position`
	case Postgres, OpenGauss:
		return `SELECT a.attname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid
WHERE i.indrelid = $1::regclass AND i.indisprimary AND position(' ' || a.attnum || ' ' in ' ' || i.indkey::text || ' ') > 0
ORDER BY position(' ' || a.attnum || ' ' in ' ' || i.indkey::text || ' ')`
	default:
		return `SELECT k.column_name FROM user_constraints u JOIN user_cons_columns k ON k.constraint_name = u.constraint_name
WHERE u.table_name = ? AND u.constraint_type = 'P' ORDER BY k.position`
	}
}

// CatalogueName is the argument of Columns and KeyColumns for a table.
func (d *Dialect) CatalogueName(table string) string {
	if d.postgres() {
		return d.Table(table)
	}
	return table
}

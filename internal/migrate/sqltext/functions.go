package sqltext

import "strings"

// call looks at a parenthesis: of a function that only computes, of grammar, or of what is not known.
func (c *classifier) call() {
	name := c.prev
	if name.Kind != Word && name.Kind != Quoted || c.parts == 0 {
		return
	}
	var buf [longestKeyword]byte
	word := upper(c.text(name), &buf)
	if name.Kind == Word && c.parts == 1 && grammar(string(word)) {
		return
	}
	if c.columns() {
		return
	}
	if name.Kind == Word && (c.parts == 1 || c.s.opt.Dialect == Postgres && c.parts == 2 && fold(c.text(c.head), "PG_CATALOG")) {
		is := effectOf(string(word), c.s.opt.Dialect)
		if string(word) == "PG_LOGICAL_EMIT_MESSAGE" && c.followedBy("TRUE") {
			is = writes // one of the transaction, gone with it
		}
		switch is {
		case computes:
			return
		case writes:
			c.raise(Write)
			return
		case outlives:
			c.raise(Admin)
			return
		}
	}
	c.unsure = true
	if len(c.info.Calls) < 64 {
		c.info.Calls = append(c.info.Calls, strings.ToLower(string(c.s.b[c.head.Start:name.End])))
	}
}

// columns says that the parenthesis behind a name holds names of columns, or the size of a type.
func (c *classifier) columns() bool {
	if c.symbol(c.before, ',') {
		return c.naming && c.depth == 1
	}
	if c.before.Kind != Word {
		return false
	}
	var buf [longestKeyword]byte
	switch string(upper(c.text(c.before), &buf)) {
	case "INTO", "AS", "TABLE", "COPY":
		return true
	case "WITH", "RECURSIVE":
		return c.naming
	case "INSERT", "REPLACE", "IGNORE", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED":
		return c.info.Verb == "insert" || c.info.Verb == "replace"
	}
	return false
}

// effect is what a function does.
type effect uint8

const (
	unknown  effect = iota
	computes        // nothing but its result
	writes          // something that a rollback takes back, or that does no harm
	outlives        // something that a rollback does not take back
)

// grammar says whether a word before a parenthesis is one of the language, or a type with its size.
func grammar(word string) bool {
	switch word {
	case "ALL", "AND", "ANY", "ARRAY", "AS", "ASC", "BETWEEN", "BY", "CASE", "CONFLICT", "COPY", "CROSS", "CUBE", "DESC", "DISTINCT", "DIV", "ELSE",
		"EXCEPT", "EXISTS", "EXPLAIN", "FETCH", "FILTER", "FIRST", "FOR", "FROM", "GROUP", "HAVING", "ILIKE", "IN", "INDEX", "INNER",
		"INTERSECT", "INTERVAL", "IS", "JOIN", "KEY", "LATERAL", "LIKE", "LIMIT", "MATCHED", "MATERIALIZED", "MINUS", "NATURAL", "NOT",
		"NULL", "OF", "OFFSET", "ON", "ONLY", "OR", "ORDER", "OUTER", "OVER", "PARTITION", "RECURSIVE", "REGEXP", "RETURNING", "RLIKE",
		"ROLLUP", "ROW", "SELECT", "SET", "SETS", "SOME", "TABLE", "TABLESAMPLE", "THEN", "TO", "UNION", "USING", "VALUE", "VALUES", "WHEN",
		"WHERE", "WINDOW", "WITH", "WITHIN", "XOR", "AGAINST", "MATCH", "BERNOULLI", "SYSTEM", "DUPLICATE", "UPDATE",
		"BINARY", "BIT", "BLOB", "CHAR", "CHARACTER", "DATETIME", "DEC", "DECIMAL", "DOUBLE", "FLOAT", "INT", "INTEGER", "BIGINT",
		"SMALLINT", "NCHAR", "NUMERIC", "NVARCHAR", "REAL", "SIGNED", "TEXT", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "TINYINT", "UNSIGNED",
		"VARBINARY", "VARCHAR", "VARYING", "YEAR", "DATE":
		return true
	}
	return false
}

// effectOf says what a function of the database's own does; word is in capitals.
func effectOf(word string, d Dialect) effect {
	switch word {
	case "ABS", "ACOS", "ASCII", "ASIN", "ATAN", "ATAN2", "AVG", "BIT_AND", "BIT_LENGTH", "BIT_OR", "BIT_XOR", "CAST", "CEIL", "CEILING",
		"CHARACTER_LENGTH", "CHAR_LENGTH", "CHR", "COALESCE", "CONCAT", "CONCAT_WS", "COS", "COT", "COUNT", "CUME_DIST", "CURRENT_DATE",
		"CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_USER", "DEGREES", "DENSE_RANK", "EXP", "EXTRACT", "FIRST_VALUE", "FLOOR", "FORMAT",
		"GREATEST", "GROUPING", "LAG", "LAST_VALUE", "LEAD", "LEAST", "LEFT", "LENGTH", "LN", "LOCALTIME", "LOCALTIMESTAMP", "LOG", "LOG10",
		"LOWER", "LPAD", "LTRIM", "MAX", "MD5", "MIN", "MOD", "NOW", "NTH_VALUE", "NTILE", "NULLIF", "OCTET_LENGTH", "OVERLAY",
		"PERCENT_RANK", "PERCENTILE_CONT", "PERCENTILE_DISC", "PI", "POSITION", "POW", "POWER", "RADIANS", "RANK", "REGEXP_INSTR",
		"REGEXP_LIKE", "REGEXP_REPLACE", "REGEXP_SUBSTR", "REPEAT", "REPLACE", "REVERSE", "RIGHT", "ROUND", "ROW_NUMBER", "RPAD", "RTRIM",
		"SESSION_USER", "SIGN", "SIN", "SPACE", "SQRT", "STDDEV", "STDDEV_POP", "STDDEV_SAMP", "SUBSTR", "SUBSTRING", "SUM", "TAN",
		"TRANSLATE", "TRIM", "UPPER", "USER", "VAR_POP", "VAR_SAMP", "VARIANCE", "VERSION":
		return computes
	case "NEXTVAL":
		return writes
	case "SETVAL":
		return outlives
	case "LASTVAL":
		return computes
	}
	if d == Postgres {
		return effectInPostgres(word)
	}
	return effectInMySQL(word)
}

func effectInMySQL(word string) effect {
	switch word {
	case "ADDDATE", "ADDTIME", "AES_DECRYPT", "AES_ENCRYPT", "ANY_VALUE", "BENCHMARK", "BIN", "BIN_TO_UUID", "BIT_COUNT", "CHARSET",
		"COERCIBILITY", "COLLATION", "COMPRESS", "CONNECTION_ID", "CONV", "CONVERT", "CONVERT_TZ", "CRC32", "CRC32C", "CURDATE", "CURTIME",
		"DATABASE", "DATEDIFF", "DATE_ADD", "DATE_FORMAT", "DATE_SUB", "DAY", "DAYNAME", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR",
		"DEFAULT", "ELT", "EXPORT_SET", "EXTRACTVALUE", "FIELD", "FIND_IN_SET", "FOUND_ROWS", "FROM_BASE64", "FROM_DAYS",
		"FROM_UNIXTIME", "GET_FORMAT", "GROUP_CONCAT", "HEX", "HOUR", "IF", "IFNULL", "INET6_ATON", "INET6_NTOA", "INET_ATON",
		"INET_NTOA", "INSERT", "INSTR", "ISNULL", "IS_FREE_LOCK", "IS_IPV4", "IS_IPV6", "IS_USED_LOCK", "IS_UUID", "JSON_ARRAY",
		"JSON_ARRAYAGG", "JSON_ARRAY_APPEND", "JSON_ARRAY_INSERT", "JSON_COMPACT", "JSON_CONTAINS", "JSON_CONTAINS_PATH", "JSON_DEPTH",
		"JSON_DETAILED", "JSON_EQUALS", "JSON_EXISTS", "JSON_EXTRACT", "JSON_INSERT", "JSON_KEYS", "JSON_LENGTH", "JSON_LOOSE",
		"JSON_MERGE", "JSON_MERGE_PATCH", "JSON_MERGE_PRESERVE", "JSON_NORMALIZE", "JSON_OBJECT", "JSON_OBJECTAGG", "JSON_OVERLAPS",
		"JSON_PRETTY", "JSON_QUERY", "JSON_QUOTE", "JSON_REMOVE", "JSON_REPLACE", "JSON_SEARCH", "JSON_SET", "JSON_TABLE", "JSON_TYPE",
		"JSON_UNQUOTE", "JSON_VALID", "JSON_VALUE", "LAST_DAY", "LAST_INSERT_ID", "LCASE", "LOCATE", "LOG2", "MAKEDATE",
		"MAKETIME", "MAKE_SET", "MEDIAN", "MICROSECOND", "MID", "MINUTE", "MONTH", "MONTHNAME", "NULLIFZERO", "NVL", "NVL2", "OCT", "ORD",
		"PERIOD_ADD", "PERIOD_DIFF", "POINT", "QUARTER", "QUOTE", "RAND", "RANDOM_BYTES", "ROW_COUNT", "SCHEMA", "SECOND", "SEC_TO_TIME",
		"SHA", "SHA1", "SHA2", "SLEEP", "SOUNDEX", "STD", "STRCMP", "STR_TO_DATE", "ST_ASTEXT", "ST_ASWKB", "ST_CONTAINS", "ST_DISTANCE",
		"ST_DISTANCE_SPHERE", "ST_GEOMFROMTEXT", "ST_WITHIN", "ST_X", "ST_Y", "SUBDATE", "SUBSTRING_INDEX", "SUBTIME", "SYSDATE",
		"SYSTEM_USER", "TIMEDIFF", "TIMESTAMPADD", "TIMESTAMPDIFF", "TIME_FORMAT", "TIME_TO_SEC", "TO_BASE64", "TO_CHAR", "TO_DAYS",
		"TO_SECONDS", "TRUNCATE", "UCASE", "UNCOMPRESS", "UNHEX", "UNIX_TIMESTAMP", "UPDATEXML", "UTC_DATE", "UTC_TIME", "UTC_TIMESTAMP",
		"UUID", "UUID_SHORT", "UUID_TO_BIN", "WEEK", "WEEKDAY", "WEEKOFYEAR", "WEIGHT_STRING", "YEARWEEK":
		return computes
	case "GET_LOCK", "RELEASE_LOCK", "RELEASE_ALL_LOCKS", "MASTER_POS_WAIT", "SOURCE_POS_WAIT", "MASTER_GTID_WAIT", "SYS_EXEC", "SYS_EVAL", "LOAD_FILE":
		return outlives
	}
	return unknown
}

func effectInPostgres(word string) effect {
	switch word {
	case "AGE", "ARRAY_AGG", "ARRAY_APPEND", "ARRAY_CAT", "ARRAY_DIMS", "ARRAY_LENGTH", "ARRAY_LOWER", "ARRAY_POSITION", "ARRAY_POSITIONS",
		"ARRAY_PREPEND", "ARRAY_REMOVE", "ARRAY_REPLACE", "ARRAY_TO_JSON", "ARRAY_TO_STRING", "ARRAY_UPPER", "BOOL_AND", "BOOL_OR", "BTRIM",
		"CARDINALITY", "CBRT", "CLOCK_TIMESTAMP", "COL_DESCRIPTION", "CONVERT_FROM", "CONVERT_TO", "CORR", "COVAR_POP", "COVAR_SAMP",
		"CURRENT_CATALOG", "CURRENT_DATABASE", "CURRENT_SCHEMA", "CURRENT_SCHEMAS", "CURRENT_SETTING", "CURRVAL", "DATE_BIN", "DATE_PART",
		"DATE_TRUNC", "DECODE", "DIV", "ENCODE", "EVERY", "FACTORIAL", "FORMAT_TYPE", "GCD", "GENERATE_SERIES", "GENERATE_SUBSCRIPTS",
		"GEN_RANDOM_UUID", "GET_BIT", "GET_BYTE", "HASHTEXT", "HOST", "INET_CLIENT_ADDR", "INET_SERVER_ADDR", "INITCAP", "ISFINITE",
		"JSONB_AGG", "JSONB_ARRAY_ELEMENTS", "JSONB_ARRAY_ELEMENTS_TEXT", "JSONB_ARRAY_LENGTH", "JSONB_BUILD_ARRAY", "JSONB_BUILD_OBJECT",
		"JSONB_EACH", "JSONB_EACH_TEXT", "JSONB_EXTRACT_PATH", "JSONB_EXTRACT_PATH_TEXT", "JSONB_INSERT", "JSONB_OBJECT_AGG",
		"JSONB_OBJECT_KEYS", "JSONB_PATH_EXISTS", "JSONB_PATH_QUERY", "JSONB_PRETTY", "JSONB_SET", "JSONB_STRIP_NULLS", "JSONB_TYPEOF",
		"JSON_AGG", "JSON_ARRAY_ELEMENTS", "JSON_ARRAY_ELEMENTS_TEXT", "JSON_ARRAY_LENGTH", "JSON_BUILD_ARRAY", "JSON_BUILD_OBJECT",
		"JSON_EACH", "JSON_EXTRACT_PATH_TEXT", "JSON_OBJECT_AGG", "JSON_TYPEOF", "JUSTIFY_DAYS", "JUSTIFY_HOURS", "JUSTIFY_INTERVAL", "LCM",
		"MAKE_DATE", "MAKE_INTERVAL", "MAKE_TIME", "MAKE_TIMESTAMP", "MAKE_TIMESTAMPTZ", "MASKLEN", "MODE", "NETMASK", "NETWORK",
		"NUM_NONNULLS", "NUM_NULLS", "OBJ_DESCRIPTION", "PG_BACKEND_PID", "PG_CLIENT_ENCODING", "PG_COLUMN_SIZE", "PG_CURRENT_WAL_LSN",
		"PG_DATABASE_SIZE", "PG_GET_CONSTRAINTDEF", "PG_GET_EXPR", "PG_GET_INDEXDEF", "PG_GET_USERBYID", "PG_GET_VIEWDEF",
		"PG_IS_IN_RECOVERY", "PG_LAST_WAL_REPLAY_LSN", "PG_RELATION_SIZE", "PG_SIZE_PRETTY", "PG_SLEEP", "PG_TABLE_IS_VISIBLE",
		"PG_TABLE_SIZE", "PG_TOTAL_RELATION_SIZE", "PG_TYPEOF", "PLAINTO_TSQUERY", "QUOTE_IDENT", "QUOTE_LITERAL", "QUOTE_NULLABLE",
		"RANDOM", "REGEXP_COUNT", "REGEXP_MATCH", "REGEXP_MATCHES", "REGEXP_SPLIT_TO_ARRAY", "REGEXP_SPLIT_TO_TABLE", "ROW_TO_JSON",
		"SCALE", "SHA224", "SHA256", "SHA384", "SHA512", "SHOBJ_DESCRIPTION", "SPLIT_PART", "STARTS_WITH", "STATEMENT_TIMESTAMP",
		"STRING_AGG", "STRING_TO_ARRAY", "STRPOS", "TIMEOFDAY", "TO_ASCII", "TO_CHAR", "TO_DATE", "TO_HEX", "TO_JSON", "TO_JSONB",
		"TO_NUMBER", "TO_REGCLASS", "TO_TIMESTAMP", "TO_TSQUERY", "TO_TSVECTOR", "TRANSACTION_TIMESTAMP", "TRIM_ARRAY", "TRIM_SCALE", "TRUNC",
		"TS_HEADLINE", "TS_RANK", "TXID_CURRENT", "TXID_CURRENT_IF_ASSIGNED", "UNNEST", "UUID_GENERATE_V4", "WEBSEARCH_TO_TSQUERY", "WIDTH_BUCKET", "XMLAGG",
		"PG_ADVISORY_XACT_LOCK", "PG_ADVISORY_XACT_LOCK_SHARED", "PG_TRY_ADVISORY_XACT_LOCK", "PG_TRY_ADVISORY_XACT_LOCK_SHARED",
		"HAS_TABLE_PRIVILEGE", "HAS_SCHEMA_PRIVILEGE":
		return computes
	case "PG_NOTIFY", "LO_CREATE", "LO_CREAT", "LO_UNLINK", "LO_FROM_BYTEA", "LO_PUT", "LOWRITE":
		return writes
	case "PG_LOGICAL_EMIT_MESSAGE", "PG_ADVISORY_LOCK", "PG_ADVISORY_LOCK_SHARED", "PG_TRY_ADVISORY_LOCK",
		"PG_TRY_ADVISORY_LOCK_SHARED", "PG_ADVISORY_UNLOCK", "PG_ADVISORY_UNLOCK_ALL", "PG_ADVISORY_UNLOCK_SHARED", "LO_EXPORT", "LO_IMPORT",
		"PG_TERMINATE_BACKEND", "PG_CANCEL_BACKEND", "PG_RELOAD_CONF", "PG_SWITCH_WAL", "PG_READ_FILE", "PG_FILE_WRITE", "DBLINK",
		"DBLINK_EXEC", "DBLINK_CONNECT", "QUERY_TO_XML", "PG_STAT_RESET", "PG_CREATE_LOGICAL_REPLICATION_SLOT", "PG_DROP_REPLICATION_SLOT":
		return outlives
	}
	return unknown
}

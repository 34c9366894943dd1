package sqltext

// firstWord says what statements that begin with word, in capitals, are.
func firstWord(word []byte, mysql bool) (first, bool) {
	switch string(word) {
	case "SELECT":
		return first{"select", Read, plain}, true
	case "WITH":
		return first{"with", Read, with}, true
	case "VALUES":
		return first{"values", Read, plain}, true
	case "TABLE":
		return first{"table", Read, plain}, true
	case "SHOW":
		return first{"show", Read, plain}, true
	case "EXPLAIN", "DESCRIBE", "DESC":
		return first{"explain", Read, explain}, true
	case "HELP", "CHECKSUM":
		return first{"show", Read, plain}, mysql
	case "INSERT":
		return first{"insert", Write, plain}, true
	case "UPDATE":
		return first{"update", Write, plain}, true
	case "DELETE":
		return first{"delete", Write, plain}, true
	case "REPLACE":
		return first{"replace", Write, plain}, mysql
	case "MERGE":
		return first{"merge", Write, plain}, !mysql
	case "NOTIFY":
		return first{"notify", Write, plain}, !mysql
	case "LOAD":
		return first{"load", Write, load}, true
	case "COPY":
		return first{"copy", Read, copies}, !mysql
	case "BEGIN":
		return first{"begin", Begin, begin}, true
	case "START":
		return first{"start", Admin, start}, true
	case "COMMIT":
		return first{"commit", Commit, ending}, true
	case "END":
		return first{"commit", Commit, ending}, !mysql
	case "ROLLBACK":
		return first{"rollback", Rollback, ending}, true
	case "ABORT":
		return first{"rollback", Rollback, ending}, !mysql
	case "SAVEPOINT":
		return first{"savepoint", Savepoint, plain}, true
	case "RELEASE":
		return first{"release", Savepoint, plain}, true
	case "SET":
		return first{"set", Set, set}, true
	case "RESET":
		return first{"reset", pick(mysql, Admin, Set), plain}, true
	case "DISCARD", "LISTEN", "UNLISTEN":
		return first{"set", Set, plain}, !mysql
	case "USE":
		return first{"use", Use, plain}, mysql
	case "DECLARE", "FETCH", "MOVE", "CLOSE":
		return first{"declare", Read, plain}, !mysql
	}
	if verb, ok := ddl[string(word)]; ok {
		return first{verb, DDL, analyze}, true
	}
	if verb, ok := admin[string(word)]; ok {
		return first{verb, Admin, plain}, true
	}
	return first{}, false
}

// how says what else than its first word a statement is known by.
type how uint8

const (
	plain how = iota // nothing, but for words and functions that write
	with
	explain
	load
	copies
	begin
	start
	ending
	set
	analyze
)

// closer looks at what follows the first word. Methods are called by name, since a function value would
// make the classifier escape.
func (c *classifier) closer(h how, is Class) Class {
	switch h {
	case with:
		c.naming = true
	case explain:
		return c.explain(is)
	case load:
		return c.load(is)
	case copies:
		return c.copies(is)
	case begin:
		return c.begin(is)
	case start:
		if c.advance(); c.is("TRANSACTION") {
			return Begin
		}
	case ending:
		return c.ending(is)
	case set:
		return c.set(is)
	case analyze:
		return c.analyze(is)
	case plain:
	}
	return is
}

func pick(yes bool, a, b Class) Class {
	if yes {
		return a
	}
	return b
}

// ddl are first words of statements that change the schema, or commit by themselves in MySQL.
var ddl = map[string]string{
	"CREATE": "create", "ALTER": "alter", "DROP": "drop", "TRUNCATE": "truncate", "RENAME": "rename", "GRANT": "grant",
	"REVOKE": "revoke", "COMMENT": "comment", "SECURITY": "security", "IMPORT": "import", "ANALYZE": "analyze",
	"OPTIMIZE": "optimize", "REPAIR": "repair", "CHECK": "check", "CACHE": "cache", "REFRESH": "refresh",
	"INSTALL": "install", "UNINSTALL": "uninstall", "REASSIGN": "reassign",
}

// admin are first words of statements whose effect no rollback takes back.
var admin = map[string]string{
	"KILL": "kill", "FLUSH": "flush", "SHUTDOWN": "shutdown", "PURGE": "purge", "CHANGE": "change", "STOP": "stop",
	"LOCK": "lock", "UNLOCK": "unlock", "RESTART": "restart", "BACKUP": "backup", "BINLOG": "binlog", "CLONE": "clone",
	"XA": "xa", "VACUUM": "vacuum", "CLUSTER": "cluster", "REINDEX": "reindex", "CHECKPOINT": "checkpoint",
}

// advance goes one token on and looks at it.
func (c *classifier) advance() bool {
	if !c.next() {
		return false
	}
	c.look()
	return true
}

// explain plans a statement and, with ANALYZE, runs it.
func (c *classifier) explain(is Class) Class {
	for c.advance() {
		switch {
		case c.is("ANALYZE"), c.is("ANALYSE"):
			// What it runs counts; a read stays one.
			inner := is
			for c.advance() {
				switch {
				case c.is("INSERT"), c.is("UPDATE"), c.is("DELETE"), c.is("REPLACE"), c.is("MERGE"),
					c.is("CREATE"), c.is("EXECUTE"), c.is("DECLARE"), c.is("REFRESH"), c.is("CALL"):
					inner = Unknown
				}
			}
			return inner
		case c.is("SELECT"), c.is("WITH"), c.is("VALUES"), c.is("TABLE"):
			return is
		case c.is("INSERT"), c.is("UPDATE"), c.is("DELETE"), c.is("REPLACE"), c.is("MERGE"):
			// Planned only; ANALYZE cannot follow.
			for c.next() {
				if c.tok.Kind == Symbol && c.s.b[c.tok.Start] == '(' {
					c.call()
				}
			}
			c.worst = Read
			return is
		}
	}
	return is
}

// analyze tells MariaDB's ANALYZE of a statement, which runs it, from that of a table.
func (c *classifier) analyze(is Class) Class {
	if c.info.Verb != "analyze" || c.s.opt.Dialect == Postgres {
		return is
	}
	for c.advance() {
		if c.is("TABLE") {
			return is
		}
		if !c.is("LOCAL") && !c.is("NO_WRITE_TO_BINLOG") {
			break
		}
	}
	return Unknown
}

func (c *classifier) load(is Class) Class {
	switch c.advance(); {
	case c.s.opt.Dialect == Postgres:
		return Admin // loads a library
	case c.is("INDEX"):
		return DDL
	case c.is("DATA"), c.is("XML"):
		return is
	}
	return Unknown
}

// copies is PostgreSQL's COPY: from the client a write, to it a read, with files and programs of the server
// neither.
func (c *classifier) copies(is Class) Class {
	for c.advance() {
		if c.depth > 0 || !c.is("FROM") && !c.is("TO") {
			continue
		}
		from := c.is("FROM")
		if !c.advance() || !c.is("STDIN") && !c.is("STDOUT") {
			return Admin
		}
		if from {
			return Write
		}
		return is
	}
	return Unknown
}

// begin is BEGIN alone or with words of a transaction; MariaDB has blocks of code that begin so, too.
func (c *classifier) begin(is Class) Class {
	for c.advance() {
		switch {
		case c.is("WORK"), c.is("TRANSACTION"):
		case c.s.opt.Dialect == Postgres:
		default:
			return Unknown
		}
	}
	return is
}

// ending tells COMMIT and ROLLBACK of this transaction from those of prepared ones and of savepoints.
func (c *classifier) ending(is Class) Class {
	for c.advance() {
		switch {
		case c.is("PREPARED"):
			return Admin
		case c.is("TO"):
			if c.info.Verb == "rollback" {
				return Savepoint
			}
			return Unknown
		}
	}
	return is
}

// set tells what concerns the session from what concerns the server.
func (c *classifier) set(is Class) Class {
	start := true // of an assignment
	for c.advance() {
		if start && c.tok.Kind == Word {
			var buf [longestKeyword]byte
			switch string(upper(c.text(c.tok), &buf)) {
			case "GLOBAL", "PERSIST", "PERSIST_ONLY", "PASSWORD", "RESOURCE":
				if c.s.opt.Dialect == MySQL {
					is = Admin
				}
			case "STATEMENT":
				if c.s.opt.Dialect == MySQL {
					return Unknown // one statement under other settings
				}
			case "DEFAULT":
				is = Admin // SET DEFAULT ROLE
			}
		}
		if c.tok.Kind == Variable && global(c.text(c.tok)) && start {
			is = Admin
		}
		start = c.tok.Kind == Symbol && c.s.b[c.tok.Start] == ',' && c.depth == 0
	}
	return is
}

// global says whether a variable is the server's, or might be: @@global.x, @@persist.x, @@persist_only.x.
func global(b []byte) bool {
	if len(b) > 2 && b[1] == '@' && b[2] == '`' {
		return true
	}
	for _, scope := range []string{"@@GLOBAL", "@@PERSIST", "@@PERSIST_ONLY"} {
		if n := len(scope); len(b) >= n && fold(b[:n], scope) && (len(b) == n || b[n] == '.') {
			return true
		}
	}
	return false
}

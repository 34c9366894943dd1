package dev.jindu.boot;

/**
 * Hooks of java.sql: puts the mark before statements, counts those that write, refuses those of a shadow that
 * cannot be marked, and asks for the fence.
 */
public final class Jdbc {
    private static final WeakIds<Tx> TXS = new WeakIds<>();
    private static volatile JdbcPort port;

    private Jdbc() {}

    public static void use(JdbcPort p) {
        port = p;
    }

    static boolean fenced(Throwable t) {
        JdbcPort p = port;
        return p != null && t != null && p.isFenced(t);
    }

    /** Hook of methods that take SQL: the statement with the mark before it, once however many wrappers see it. */
    public static String mark(Object on, String sql) {
        Context c = Local.get().context;
        if (sql == null || c == null || c.comment == null || sql.startsWith(c.comment) || !jdbc(on)) {
            return sql;
        }
        int i = 0;
        while (i < sql.length() && sql.charAt(i) <= ' ') {
            i++;
        }
        if (i < sql.length() && sql.charAt(i) == '{') {
            // An escape. MariaDB's driver takes a comment behind the brace and sends it first; others choke on it.
            if (!on.getClass().getName().startsWith("org.mariadb.") || sql.startsWith(c.comment, i + 1)) {
                return sql;
            }
            return "{" + c.comment + sql.substring(i + 1);
        }
        return c.comment.concat(sql);
    }

    private static boolean jdbc(Object o) {
        JdbcPort p = port;
        return p != null && p.isJdbc(o);
    }

    /** Hook of prepareStatement and prepareCall, at their end. */
    public static void prepared(Object statement, String sql) {
        if (!(statement instanceof Stamp.Bearer) || sql == null) {
            return;
        }
        Context c = Local.get().context;
        boolean writes = SqlText.writes(sql);
        Stamp s = c == null ? (writes ? Stamp.WRITES : Stamp.READS) : new Stamp(c, writes, marked(c, sql));
        ((Stamp.Bearer) statement).jindu$stamp(s);
    }

    private static boolean marked(Context c, String sql) {
        return c.comment != null && (sql.startsWith(c.comment) || sql.startsWith(c.comment, 1));
    }

    /** Hook of Statement.execute*(sql), before; the token goes to leave or fail. */
    public static Object enter(Object statement, String sql) throws Throwable {
        Local l = Local.get();
        Context c = l.context;
        if (c == null || l.own > 0 || !jdbc(statement)) {
            return null;
        }
        if (l.jdbc > 0) {
            l.jdbc++;
            return l;
        }
        if (sql == null || !SqlText.writes(sql)) {
            l.jdbc++;
            return l;
        }
        return writing(l, c, statement, marked(c, sql), 1);
    }

    /** Hook of PreparedStatement.execute*(). */
    public static Object enter(Object statement) throws Throwable {
        Local l = Local.get();
        Context c = l.context;
        Stamp s = statement instanceof Stamp.Bearer ? ((Stamp.Bearer) statement).jindu$stamp() : null;
        if (s != null && s.context != null && s.context != c && s.context.shadow && s.writes && l.own == 0 && l.jdbc == 0) {
            throw refused("the statement was prepared in a shadow and carries its mark; prepare statements in the request that runs them");
        }
        if (c == null || l.own > 0 || !jdbc(statement)) {
            return null;
        }
        if (l.jdbc > 0 || s != null && !s.writes) {
            l.jdbc++;
            return l;
        }
        return writing(l, c, statement, s != null && s.marked && s.context == c, 1);
    }

    /** Hook of executeBatch. */
    public static Object enterBatch(Object statement) throws Throwable {
        Local l = Local.get();
        Context c = l.context;
        if (c == null || l.own > 0 || !jdbc(statement)) {
            return null;
        }
        if (l.jdbc > 0) {
            l.jdbc++;
            return l;
        }
        Stamp s = statement instanceof Stamp.Bearer ? ((Stamp.Bearer) statement).jindu$stamp() : null;
        int n = s != null && s.context == c ? s.batch : 0;
        return writing(l, c, statement, s != null && s.marked && s.context == c, Math.max(n, 1));
    }

    /** Hook of addBatch(sql), where a statement's batch of a shadow gets its mark or nothing. */
    public static void added(Object statement, String sql) throws Throwable {
        Local l = Local.get();
        Context c = l.context;
        if (c == null || l.jdbc > 0 || l.own > 0 || !(statement instanceof Stamp.Bearer) || sql == null) {
            return;
        }
        Stamp.Bearer b = (Stamp.Bearer) statement;
        Stamp s = b.jindu$stamp();
        boolean marked = marked(c, sql);
        if (c.shadow && !marked) {
            throw refused("it cannot be marked");
        }
        if (s == null || s.context != c) {
            s = new Stamp(c, true, marked);
            b.jindu$stamp(s);
        }
        s.batch++;
    }

    /** Hook of PreparedStatement.addBatch(). */
    public static void added(Object statement) {
        Local l = Local.get();
        if (l.context != null && l.jdbc == 0 && statement instanceof Stamp.Bearer) {
            Stamp s = ((Stamp.Bearer) statement).jindu$stamp();
            if (s != null && s.context == l.context) {
                s.batch++;
            }
        }
    }

    /** Hook of clearBatch, and of executeBatch at its end. */
    public static void cleared(Object statement) {
        if (statement instanceof Stamp.Bearer) {
            Stamp s = ((Stamp.Bearer) statement).jindu$stamp();
            if (s != null && s.context != null && Local.get().jdbc <= 1) {
                s.batch = 0;
            }
        }
    }

    private static Object writing(Local l, Context c, Object statement, boolean marked, int n) throws Throwable {
        Settings settings = Settings.get();
        if (c.shadow) {
            if (!settings.sqlProxy) {
                throw refused("the agent was not told that the database is behind Jindu's proxy (option sql=proxy)");
            }
            if (!marked) {
                throw refused("it carries no mark of this shadow");
            }
        }
        JdbcPort p = port;
        Began began = null;
        if (p != null && c.mark != null && !c.shadow && !settings.fence.equals("off")) {
            began = fence(l, p, c, statement);
        }
        c.statements(n);
        l.jdbc++;
        return began == null ? l : began;
    }

    private static Began fence(Local l, JdbcPort p, Context c, Object statement) throws Throwable {
        l.own++;
        try {
            Object connection = p.connection(statement);
            Tx tx = tx(connection);
            if (tx.checked == c) {
                return null;
            }
            boolean own = p.fence(connection, tx, c);
            if (own) {
                return new Began(l, c, connection);
            }
            tx.checked = c;
            return null;
        } finally {
            l.own--;
        }
    }

    private static Tx tx(Object connection) {
        if (connection instanceof Tx.Bearer) {
            Tx.Bearer b = (Tx.Bearer) connection;
            Tx t = b.jindu$tx();
            if (t == null) {
                b.jindu$tx(t = new Tx());
            }
            return t;
        }
        Tx t = TXS.get(connection);
        if (t == null) {
            TXS.add(connection, t = new Tx());
        }
        return t;
    }

    /** Hook of execute*, after it went well. */
    public static void leave(Object token) throws Throwable {
        if (token == null) {
            return;
        }
        if (token instanceof Local) {
            ((Local) token).jdbc--;
            return;
        }
        Began b = (Began) token;
        if (b.done) {
            return;
        }
        b.done = true;
        b.local.jdbc--;
        b.local.own++;
        try {
            port.end(b.connection, true);
            b.context.happened();
        } finally {
            b.local.own--;
        }
    }

    /** Hook of execute*, after it failed. */
    public static void fail(Object token, Throwable why) {
        if (token == null) {
            return;
        }
        if (token instanceof Local) {
            ((Local) token).jdbc--;
            return;
        }
        Began b = (Began) token;
        if (b.done) {
            return;
        }
        b.done = true;
        b.local.jdbc--;
        b.local.own++;
        try {
            port.end(b.connection, false);
        } catch (Throwable t) {
            why.addSuppressed(t);
        } finally {
            b.local.own--;
        }
    }

    /** Hook of commit, rollback, setAutoCommit and close of a connection, after. */
    public static void ended(Object connection, boolean committed) {
        Local l = Local.get();
        if (l.own > 0) {
            return;
        }
        Tx t = connection instanceof Tx.Bearer ? ((Tx.Bearer) connection).jindu$tx() : TXS.get(connection);
        if (t == null || t.checked == null) {
            return;
        }
        if (committed) {
            t.checked.happened();
        }
        t.checked = null;
    }

    private static Throwable refused(String why) {
        JdbcPort p = port;
        String text = "jindu: a shadow's statement was not let out: " + why;
        return p == null ? new dev.jindu.Refused(text) : p.refused(text);
    }

    /** An autocommit write that runs in a transaction of the agent's, for the fence's sake. */
    private static final class Began {
        final Local local;
        final Context context;
        final Object connection;
        boolean done;

        Began(Local local, Context context, Object connection) {
            this.local = local;
            this.context = context;
            this.connection = connection;
        }
    }
}

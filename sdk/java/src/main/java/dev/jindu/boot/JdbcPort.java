package dev.jindu.boot;

/** What the hooks of JDBC need of java.sql, which the bootstrap loader does not see. */
public interface JdbcPort {
    /** A java.sql.SQLException that says that a shadow's statement was not let out. */
    Throwable refused(String why);

    /** Says whether an object is what its methods make it look like: a java.sql.Connection or Statement. */
    boolean isJdbc(Object o);

    /** The connection of a statement. */
    Object connection(Object statement) throws Throwable;

    /**
     * Checks the fence in the transaction of a connection, which it begins where there is none. Returns whether it
     * began one; throws dev.jindu.Fenced when a newer epoch has taken the bucket.
     */
    boolean fence(Object connection, Tx tx, Context c) throws Throwable;

    /** Ends a transaction that fence began. */
    void end(Object connection, boolean commit) throws Throwable;

    /** Says whether a throwable is, or was caused by, dev.jindu.Fenced. */
    boolean isFenced(Throwable t);
}

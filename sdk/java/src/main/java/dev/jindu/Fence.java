package dev.jindu;

import dev.jindu.boot.Context;
import dev.jindu.boot.Local;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;

/** The store's own condition on writes of a service under migration. */
public final class Fence {
    /** The bucket that requests without a subject count as. */
    private static final int NOBODY = 10_000;

    private static final long LOCK = 7461626;
    private static final String CONDITION = "SELECT COALESCE(MAX(epoch),0) FROM jindu_fence WHERE ";

    private Fence() {}

    /**
     * Checks that the request of this thread may still write; to be called inside its transaction, before the first
     * write. Without a marked request it does nothing. Until the transaction ends no newer epoch can come.
     *
     * @throws Fenced when a newer epoch has taken the bucket; the transaction is to be rolled back
     */
    public static void check(Connection c) throws SQLException {
        Context context = Local.current();
        if (context == null || context.mark == null || context.shadow) {
            return;
        }
        if (c.getAutoCommit()) {
            throw new SQLException("jindu: the fence is checked outside of a transaction; call setAutoCommit(false) first", "25000");
        }
        check(c, dialect(c), context, false);
    }

    /** The kind of a database: mysql or postgres. */
    public static String dialect(Connection c) throws SQLException {
        String name = c.getMetaData().getDatabaseProductName().toLowerCase(Locale.ROOT);
        if (name.contains("mysql") || name.contains("mariadb")) {
            return "mysql";
        }
        if (name.contains("postgres") || name.contains("gauss")) {
            return "postgres";
        }
        throw new SQLException("jindu: there is no fence for " + name + "; take the option fence away for this service", "0A000");
    }

    /** For the agent: with optional a database without the table jindu_fence has no condition. */
    public static void check(Connection c, String dialect, Context context, boolean optional) throws SQLException {
        int bucket = context.bucket < 0 ? NOBODY : context.bucket;
        long newer;
        if (dialect.equals("mysql")) {
            newer = newest(c, CONDITION + "epoch=0 OR (epoch > ? AND low <= ? AND high > ?) LOCK IN SHARE MODE", context.epoch, bucket, optional);
        } else {
            try (Statement s = c.createStatement()) {
                if (optional) {
                    // Asking for a table that is not there would spoil the transaction.
                    try (ResultSet r = s.executeQuery("SELECT to_regclass('jindu_fence') IS NULL")) {
                        r.next();
                        if (r.getBoolean(1)) {
                            return;
                        }
                    }
                }
                s.execute("SELECT pg_advisory_xact_lock_shared(" + LOCK + ")");
            }
            newer = newest(c, CONDITION + "epoch > ? AND low <= ? AND high > ?", context.epoch, bucket, false);
        }
        if (newer > 0) {
            context.fenced();
            throw new Fenced("jindu: epoch " + newer + " has taken the bucket of this request, which was routed in epoch " + context.epoch
                    + "; nothing was written, the request may be sent again");
        }
    }

    private static long newest(Connection c, String sql, long epoch, int bucket, boolean optional) throws SQLException {
        try (PreparedStatement p = c.prepareStatement(sql)) {
            p.setLong(1, epoch);
            p.setInt(2, bucket);
            p.setInt(3, bucket);
            try (ResultSet r = p.executeQuery()) {
                return r.next() ? r.getLong(1) : 0;
            }
        } catch (SQLException e) {
            if (optional && "42S02".equals(e.getSQLState())) {
                return 0;
            }
            throw e;
        }
    }
}

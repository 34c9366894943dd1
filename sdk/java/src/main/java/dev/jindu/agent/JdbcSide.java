package dev.jindu.agent;

import dev.jindu.Fence;
import dev.jindu.Fenced;
import dev.jindu.boot.Context;
import dev.jindu.boot.JdbcPort;
import dev.jindu.boot.Settings;
import dev.jindu.boot.Tx;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** The part of the JDBC hooks that needs java.sql. */
final class JdbcSide implements JdbcPort {
    @Override
    public Throwable refused(String why) {
        return new SQLException(why, "45000");
    }

    @Override
    public boolean isJdbc(Object o) {
        return o instanceof Statement || o instanceof Connection;
    }

    @Override
    public Object connection(Object statement) throws SQLException {
        return ((Statement) statement).getConnection();
    }

    @Override
    public boolean fence(Object connection, Tx tx, Context c) throws SQLException {
        Connection on = (Connection) connection;
        if (tx.dialect == null) {
            tx.dialect = Fence.dialect(on);
        }
        boolean own = on.getAutoCommit();
        if (own) {
            on.setAutoCommit(false);
        }
        try {
            Fence.check(on, tx.dialect, c, Settings.get().fence.equals("optional"));
        } catch (SQLException | RuntimeException e) {
            try {
                on.rollback();
                if (own) {
                    on.setAutoCommit(true);
                }
            } catch (SQLException r) {
                e.addSuppressed(r);
            }
            throw e;
        }
        return own;
    }

    @Override
    public void end(Object connection, boolean commit) throws SQLException {
        Connection on = (Connection) connection;
        try {
            if (commit) {
                on.commit();
            } else {
                on.rollback();
            }
        } finally {
            on.setAutoCommit(true);
        }
    }

    @Override
    public boolean isFenced(Throwable t) {
        for (int i = 0; t != null && i < 16; i++, t = t.getCause()) {
            if (t instanceof Fenced || t.getClass().getName().equals("dev.jindu.Fenced")) {
                return true;
            }
        }
        return false;
    }
}

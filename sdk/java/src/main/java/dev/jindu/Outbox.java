package dev.jindu;

import dev.jindu.boot.Context;
import dev.jindu.boot.Json;
import dev.jindu.boot.Local;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;

/**
 * The transactional outbox of a service whose rows another side takes over: a row of jindu_outbox beside each
 * change, in the same transaction.
 */
public final class Outbox {
    private static final String INSERT = "INSERT INTO jindu_outbox (tbl, op, row_key, row_after, version, mark) VALUES (?,?,?,?,?,?)";

    private Outbox() {}

    /**
     * Writes what became of a row, after the statement that did it and before commit, so that rows of one key are in
     * the order of their commits. In a shadow it writes nothing.
     *
     * @param op 'i' inserted, 'u' updated, 'd' deleted
     * @param key columns of the primary key
     * @param after the whole row after the change; null of 'd'. Values are String, integers, BigDecimal, Double,
     *     Boolean, byte[], UUID, LocalDate, LocalTime, LocalDateTime (columns without zone), Instant (with), or null
     * @param version higher than at the row's last change on either side
     */
    public static void write(Connection c, String table, char op, Map<String, ?> key, Map<String, ?> after, long version) throws SQLException {
        Context context = Local.current();
        if (context != null && context.shadow) {
            return;
        }
        if (op != 'i' && op != 'u' && op != 'd') {
            throw new IllegalArgumentException("op is " + op + "; it may be i, u, d");
        }
        if (key.isEmpty() || (after == null) != (op == 'd')) {
            throw new IllegalArgumentException("a row of " + table + " needs its key, and its columns after the change unless it was deleted");
        }
        if (c.getAutoCommit()) {
            throw new SQLException("jindu: the outbox is written outside of a transaction; call setAutoCommit(false) before the change", "25000");
        }
        try (PreparedStatement p = c.prepareStatement(INSERT)) {
            p.setString(1, table);
            p.setString(2, String.valueOf(op));
            p.setString(3, Json.columns(key));
            p.setString(4, after == null ? null : Json.columns(after));
            p.setLong(5, version);
            p.setString(6, context == null ? null : context.mark);
            p.executeUpdate();
        }
    }
}

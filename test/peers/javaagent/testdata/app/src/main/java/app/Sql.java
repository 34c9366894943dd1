package app;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;

/** Statements in every way that JDBC has. */
final class Sql {
    final String url;
    final HikariDataSource pool;
    /** Prepared once, outside of any request. */
    final PreparedStatement kept;

    Sql(String url) throws SQLException {
        this.url = url;
        try (Connection c = DriverManager.getConnection(url); Statement s = c.createStatement()) {
            s.execute("CREATE TABLE IF NOT EXISTS notes (id BIGINT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200))");
            s.execute("CREATE OR REPLACE PROCEDURE note(IN t VARCHAR(200)) INSERT INTO notes (text) VALUES (t)");
        }
        HikariConfig h = new HikariConfig();
        h.setJdbcUrl(url);
        h.setMaximumPoolSize(4);
        pool = new HikariDataSource(h);
        kept = DriverManager.getConnection(url).prepareStatement("INSERT INTO notes (text) VALUES (?)");
    }

    /** One write through the pool. */
    void note(String text) throws SQLException {
        try (Connection c = pool.getConnection(); PreparedStatement p = c.prepareStatement("INSERT INTO notes (text) VALUES (?)")) {
            p.setString(1, text);
            p.executeUpdate();
        }
    }

    String run(Map<String, String> q) throws Exception {
        String text = q.get("text");
        switch (q.get("how")) {
            case "pool":
                note(text);
                return "1";
            case "kept":
                synchronized (kept) {
                    kept.setString(1, text);
                    return "" + kept.executeUpdate();
                }
            case "read":
                try (Connection c = pool.getConnection(); Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT COUNT(*) FROM notes WHERE text = '" + text + "'")) {
                    r.next();
                    return r.getString(1);
                }
            default:
        }
        try (Connection c = q.containsKey("pooled") ? pool.getConnection() : DriverManager.getConnection(url)) {
            switch (q.get("how")) {
                case "statement":
                    try (Statement s = c.createStatement()) {
                        return "" + s.executeUpdate("INSERT INTO notes (text) VALUES ('" + text + "')");
                    }
                case "execute":
                    try (Statement s = c.createStatement()) {
                        return "" + s.execute("INSERT INTO notes (text) VALUES ('" + text + "')", Statement.RETURN_GENERATED_KEYS);
                    }
                case "batch":
                    try (Statement s = c.createStatement()) {
                        s.addBatch("INSERT INTO notes (text) VALUES ('" + text + "')");
                        s.addBatch("UPDATE notes SET text = text WHERE text = '" + text + "'");
                        return "" + s.executeBatch().length;
                    }
                case "prepared-batch":
                    try (PreparedStatement p = c.prepareStatement("INSERT INTO notes (text) VALUES (?)")) {
                        for (int i = 0; i < 3; i++) {
                            p.setString(1, text);
                            p.addBatch();
                        }
                        return "" + p.executeBatch().length;
                    }
                case "call":
                    try (CallableStatement p = c.prepareCall("{call note(?)}")) {
                        p.setString(1, text);
                        return "" + p.execute();
                    }
                case "keys":
                    try (PreparedStatement p = c.prepareStatement("INSERT INTO notes (text) VALUES (?)", new String[] {"id"})) {
                        p.setString(1, text);
                        p.executeUpdate();
                        try (ResultSet r = p.getGeneratedKeys()) {
                            return "" + r.next();
                        }
                    }
                case "tx":
                    c.setAutoCommit(false);
                    try (PreparedStatement p = c.prepareStatement("INSERT INTO notes (text) VALUES (?)")) {
                        p.setString(1, text);
                        p.executeUpdate();
                        p.executeUpdate();
                    }
                    c.commit();
                    return "2";
                default:
                    throw new IllegalArgumentException(q.get("how"));
            }
        }
    }

    /** A transaction of two writes, or writes by themselves; before says that a first one commits before. */
    String fence(Map<String, String> q) throws Exception {
        if (q.containsKey("before")) {
            note(q.get("before"));
        }
        if (q.containsKey("raise")) { // somebody else raises the fence in the middle of the request
            try (Connection c = DriverManager.getConnection(q.get("raise")); Statement s = c.createStatement()) {
                s.execute("INSERT INTO jindu_fence VALUES ('m', 99, 0, 10001)");
            }
        }
        if (q.containsKey("tx")) {
            return run(Map.of("how", "tx", "text", q.get("text"), "pooled", ""));
        }
        note(q.get("text"));
        return "1";
    }
}

package app;

import dev.jindu.Fence;
import dev.jindu.Jindu;
import dev.jindu.Outbox;
import java.math.BigDecimal;
import java.sql.Connection;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** A service that can be changed uses the library of the agent. */
final class Helper {
    final Sql sql;

    Helper(Sql sql) {
        this.sql = sql;
    }

    String run(Map<String, String> q) throws Exception {
        switch (q.get("how")) {
            case "mark":
                return Jindu.mark() + " " + Jindu.isShadow();
            case "run":
                return Jindu.run(q.get("mark"), () -> {
                    sql.note(q.get("text"));
                    return Jindu.mark() + " " + Jindu.isShadow();
                }) + " " + Jindu.mark();
            case "fence":
                try (Connection c = sql.pool.getConnection()) {
                    c.setAutoCommit(false);
                    Fence.check(c);
                    c.rollback();
                    return "open";
                }
            case "outbox":
                try (Connection c = sql.pool.getConnection()) {
                    c.setAutoCommit(false);
                    Map<String, Object> after = new LinkedHashMap<>();
                    after.put("id", 7L);
                    after.put("total", new BigDecimal("12.50"));
                    after.put("name", "a\"b");
                    after.put("at", Instant.ofEpochMilli(1_700_000_000_120L));
                    after.put("gone", null);
                    Outbox.write(c, "orders", 'i', Collections.singletonMap("id", 7L), after, 3);
                    Outbox.write(c, "orders", 'd', Collections.singletonMap("id", 7L), null, 4);
                    c.commit();
                    return "2";
                }
            default:
                throw new IllegalArgumentException(q.get("how"));
        }
    }
}

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The old shop: JDK 17, MariaDB's JDBC driver and nothing else.
 *
 *   java -cp mariadb-java-client.jar Shop.java --db 'jdbc:mariadb://127.0.0.1:3306/shop?user=shop&password=secret' \
 *        --payment http://127.0.0.1:7020 --register http://127.0.0.1:8090
 */
public final class Shop {
    static final BigDecimal GOLD_DISCOUNT = new BigDecimal("0.035");
    static final ZoneId SHANGHAI = ZoneId.of("Asia/Shanghai");
    static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSxxx");
    static final Map<String, String> ORDER_STATUS = Map.of("C", "created", "P", "paid", "X", "cancelled");
    static final Map<String, String> PAYMENT_STATUS = Map.of("W", "pending", "P", "paid", "R", "refunded", "V", "void");

    final Pool pool;
    final String payment;
    final String side; // whose rows it may change: old or new
    final String other;
    final String letter; // that ids begin with
    final Shop copies; // the same, acting for the other side: see handle

    Shop(Pool pool, String payment, String side) {
        this(pool, payment, side, side.equals("old") ? "J" : "G", new Shop(pool, payment, side.equals("old") ? "new" : "old",
                side.equals("old") ? "J" : "G", null));
    }

    private Shop(Pool pool, String payment, String side, String letter, Shop copies) {
        this.pool = pool;
        this.payment = payment;
        this.side = side;
        this.other = side.equals("old") ? "new" : "old";
        this.letter = letter;
        this.copies = copies;
    }

    public static void main(String[] args) throws IOException {
        // Without these the JDK's server waits 40 ms between head and body, and its client keeps 5 connections.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        System.setProperty("sun.net.httpserver.maxIdleConnections", "1000");
        System.setProperty("http.maxConnections", "64");
        Map<String, String> flags = new LinkedHashMap<>(Map.of("listen", "127.0.0.1:7012", "payment", "http://127.0.0.1:7020",
                "side", "old", "service", "shop", "meta", "version=1.0"));
        if (System.getenv("SHOP_DB") != null) {
            flags.put("db", System.getenv("SHOP_DB"));
        }
        for (int i = 0; i + 1 < args.length; i += 2) {
            flags.put(args[i].substring(2), args[i + 1]);
        }
        Shop shop = new Shop(new Pool(flags.get("db"), 32), flags.get("payment"), flags.get("side"));
        String[] listen = flags.get("listen").split(":(?=\\d+$)");
        HttpServer server = HttpServer.create(new InetSocketAddress(listen[0], Integer.parseInt(listen[1])), 1024);
        server.setExecutor(Executors.newFixedThreadPool(32));
        server.createContext("/", shop::handle);
        server.start();
        int port = server.getAddress().getPort();
        System.out.println("listening " + listen[0] + ":" + port);
        if (flags.containsKey("register")) {
            Thread heart = new Thread(() -> heartbeat(flags, listen[0], port), "heartbeat");
            heart.setDaemon(true);
            heart.start();
        }
    }

    // ---- requests

    /**
     * A copy of a request is served as its own side would: it takes the other side's stock and changes the other side's
     * orders, so that what it does compares. That it stays without effect is the agent's business.
     */
    void handle(HttpExchange x) throws IOException {
        Reply reply;
        boolean copy = x.getRequestHeaders().getFirst("X-Jindu-Shadow") != null;
        try (InputStream in = x.getRequestBody()) {
            reply = (copy ? copies : this).answer(x, in.readAllBytes());
        } catch (Refused e) {
            reply = new Reply(e.status, e.state, map("error", e.getMessage()));
        } catch (NumberFormatException | ClassCastException | NullPointerException e) {
            reply = new Reply(400, null, map("error", "bad_request"));
        } catch (SQLException | RuntimeException e) {
            e.printStackTrace();
            reply = new Reply(500, null, map("error", "internal"));
        }
        byte[] body = reply.body instanceof byte[] b ? b : (Json.write(reply.body) + "\n").getBytes(StandardCharsets.UTF_8);
        x.getResponseHeaders().set("Content-Type", "application/json; charset=utf-8");
        x.getResponseHeaders().set("Server", "shop-java");
        if (reply.state != null) {
            x.getResponseHeaders().set("X-Jindu-State", reply.state);
        }
        x.sendResponseHeaders(reply.status, body.length);
        try (OutputStream out = x.getResponseBody()) {
            out.write(body);
        }
    }

    Reply answer(HttpExchange x, byte[] body) throws SQLException {
        String[] path = x.getRequestURI().getPath().split("/");
        String route = x.getRequestMethod() + " " + (path.length > 1 ? path[1] : "") + " " + path.length + (path.length > 3 ? path[3] : "");
        switch (route) {
            case "GET healthz 2": return new Reply(200, null, "ok\n".getBytes(StandardCharsets.UTF_8));
            case "POST orders 2": return place(x.getRequestHeaders().getFirst("X-Request-Id"), parse(body));
            case "POST orders 4cancel": return new Reply(200, cancel(path[2]), order(path[2]).body);
            case "POST callbacks 3": return new Reply(200, confirm(path[2], parse(body)), order(path[2]).body);
            case "GET orders 3": return order(path[2]);
            case "GET users 4orders": return ordersOf(Long.parseLong(path[2]));
            case "GET stock 3": return stock(Long.parseLong(path[2]));
            default: throw new Refused(404, null, "not_found");
        }
    }

    // ---- placing an order

    /** Makes an order once per request id, and charges for it. The state says whether there was one already. */
    Reply place(String request, Map<String, Object> in) throws SQLException {
        long user = whole(in.get("user"));
        Map<String, Object> buyer = object(in.get("buyer"));
        String first = (String) buyer.get("first"), last = (String) buyer.get("last");
        String channel = in.get("channel") == null ? "" : (String) in.get("channel");
        List<Map<String, Object>> items = new ArrayList<>();
        Set<Long> seen = new HashSet<>();
        for (Object o : list(in.get("items"))) {
            long sku = whole(object(o).get("sku")), qty = whole(object(o).get("qty"));
            if (qty < 1 || qty > 100 || !seen.add(sku)) {
                throw new NumberFormatException();
            }
            items.add(map("sku", sku, "name", null, "qty", qty));
        }
        if (request == null || request.isEmpty() || request.length() > 64 || user < 1 || items.isEmpty() || items.size() > 20
                || !name(first) || !name(last) || channel.length() > 16) {
            throw new NumberFormatException();
        }
        Map<String, Object> order = orderOf(request);
        String state = "r" + request + ":" + (order != null);
        if (order == null) {
            LocalDateTime now = now();
            order = map("id", newId(), "user", user, "buyer", map("first", first, "last", last), "status", "created", "items", items,
                    "discount", null, "total", null, "payment", null, "createdAt", stamp(now));
            price(order, state);
            try {
                write(request, order, channel, now, state);
            } catch (SQLException e) {
                Map<String, Object> same = orderOf(request); // it may have been quicker on another connection
                if (same == null) {
                    throw e;
                }
                order = same;
            }
        }
        if (order.get("payment") == null && order.get("status").equals("created")) {
            charge(order);
        }
        return new Reply(201, state, order);
    }

    /** Gives the items their names and prices. */
    void price(Map<String, Object> order, String state) throws SQLException {
        try (Work w = pool.work()) {
            for (Object o : list(order.get("items"))) {
                Map<String, Object> item = object(o);
                ResultSet p = w.query("SELECT name, price FROM products WHERE id = ?", item.get("sku"));
                if (!p.next()) {
                    throw new Refused(404, state, "not_found");
                }
                item.put("name", p.getString(1));
                item.put("price", p.getBigDecimal(2));
            }
        }
        cost(order);
    }

    /** Takes the goods out of stock, writes the order, and says so in a message: whole or not at all. */
    void write(String request, Map<String, Object> order, String channel, LocalDateTime now, String state) throws SQLException {
        List<Object> items = list(order.get("items"));
        Map<Object, String> from = new LinkedHashMap<>();
        try (Work w = pool.transaction()) {
            List<Object> bySku = new ArrayList<>(items); // always in one order, so that two orders do not wait for each other
            bySku.sort(Comparator.comparing(o -> (Long) object(o).get("sku")));
            for (Object o : bySku) {
                long sku = (Long) object(o).get("sku"), qty = (Long) object(o).get("qty");
                from.put(sku, take(w, sku, qty, state));
            }
            Map<String, Object> buyer = object(order.get("buyer"));
            w.update("INSERT INTO orders (id, request, uid, buyer_name, channel, status, total, created, changed, owner, version)"
                    + " VALUES (?, ?, ?, ?, ?, 'C', ?, ?, ?, ?, 1)", order.get("id"), request, order.get("user"),
                    buyer.get("first") + "|" + buyer.get("last"), channel, order.get("total"), now, now, side);
            int line = 0;
            for (Object o : items) {
                Map<String, Object> item = object(o);
                w.update("INSERT INTO order_items (order_id, line, sku, qty, price, stock_side) VALUES (?, ?, ?, ?, ?, ?)",
                        order.get("id"), ++line, item.get("sku"), item.get("qty"), item.get("price"), from.get(item.get("sku")));
            }
            send(w, "order.created", order.get("id"), map("order", order.get("id"), "user", order.get("user"), "items", items.size(),
                    "total", order.get("total")));
            w.commit();
        }
    }

    /** Takes goods out of stock that this side owns, its own allotment first. */
    String take(Work w, long sku, long qty, String state) throws SQLException {
        for (String of : List.of(side, other)) {
            if (w.update("UPDATE stock SET available = available - ?, changed = ?, version = version + 1"
                    + " WHERE sku = ? AND side = ? AND owner = ? AND available >= ?", qty, now(), sku, of, side, qty) == 1) {
                return of;
            }
        }
        throw new Refused(409, state, "sold_out");
    }

    /** Asks for the money. What fails is made good by the callback, or by the client who asks again. */
    void charge(Map<String, Object> order) {
        String id = (String) order.get("id");
        try {
            Object said = post(payment + "/charges", Json.write(map("order", id, "amount", order.get("total"))), "Idempotency-Key", id);
            String transaction = (String) object(said).get("transaction");
            order.put("payment", map("status", "pending", "transaction", transaction));
            try (Work w = pool.transaction()) {
                keepPayment(w, id, transaction, (BigDecimal) order.get("total"));
                w.commit();
            }
        } catch (IOException | SQLException e) {
            System.err.println("charge of " + id + ": " + e);
        }
    }

    // ---- changing an order

    /** Gives the goods back to the stock that they came from. */
    String cancel(String id) throws SQLException {
        try (Work w = pool.transaction()) {
            ResultSet o = hold(w, id);
            String state = id + ":" + o.getLong("version");
            String status = o.getString("status");
            BigDecimal refund = status.equals("P") ? o.getBigDecimal("total") : new BigDecimal("0.00");
            if (status.equals("X")) {
                return state;
            }
            setStatus(w, id, "X", status.equals("P") ? "R" : "V");
            ResultSet items = w.query("SELECT sku, qty, stock_side FROM order_items WHERE order_id = ? ORDER BY sku", id);
            while (items.next()) {
                if (w.update("UPDATE stock SET available = available + ?, changed = ?, version = version + 1 WHERE sku = ? AND side = ? AND owner = ?",
                        items.getLong(2), now(), items.getLong(1), items.getString(3), side) == 0) {
                    throw new Refused(409, state, "other_owner");
                }
            }
            send(w, "order.cancelled", id, map("order", id, "refund", refund));
            w.commit();
            return state;
        }
    }

    /** The payment provider says that the money is there. It may say so more than once. */
    String confirm(String id, Map<String, Object> in) throws SQLException {
        String transaction = (String) in.get("transaction");
        BigDecimal amount = (BigDecimal) in.get("amount");
        if (transaction.isEmpty() || transaction.length() > 64 || amount.scale() != 2) {
            throw new NumberFormatException();
        }
        try (Work w = pool.transaction()) {
            ResultSet o = hold(w, id);
            String status = o.getString("status"), state = id + ":" + o.getLong("version");
            if (status.equals("X")) {
                throw new Refused(409, state, "cancelled");
            }
            if (status.equals("P")) {
                return state;
            }
            keepPayment(w, id, transaction, amount);
            setStatus(w, id, "P", "P");
            send(w, "order.paid", id, map("order", id, "amount", amount));
            w.commit();
            return state;
        }
    }

    /** Locks an order that this side owns. */
    ResultSet hold(Work w, String id) throws SQLException {
        ResultSet o = w.query("SELECT status, total, owner, version FROM orders WHERE id = ? FOR UPDATE", id);
        if (!o.next()) {
            throw new Refused(404, id + ":0", "not_found");
        }
        if (!o.getString("owner").equals(side)) {
            throw new Refused(409, id + ":" + o.getLong("version"), "other_owner");
        }
        return o;
    }

    void setStatus(Work w, String id, String status, String paymentStatus) throws SQLException {
        w.update("UPDATE orders SET status = ?, changed = ?, version = version + 1 WHERE id = ?", status, now(), id);
        w.update("UPDATE payments SET status = ?, changed = ?, version = version + 1 WHERE order_id = ?", paymentStatus, now(), id);
    }

    /** Writes a payment unless it is there already. */
    void keepPayment(Work w, String order, String transaction, BigDecimal amount) throws SQLException {
        if (!w.query("SELECT id FROM payments WHERE order_id = ?", order).next()) {
            w.update("INSERT INTO payments (id, order_id, amount, provider_txn, status, changed, version) VALUES (?, ?, ?, ?, 'W', ?, 1)",
                    newId(), order, amount, transaction, now());
        }
    }

    /** Writes a message with what it tells of. */
    void send(Work w, String topic, Object order, Map<String, Object> body) throws SQLException {
        w.update("INSERT INTO messages (id, topic, order_id, body, changed) VALUES (?, ?, ?, ?, ?)", newId(), topic, order, Json.write(body), now());
    }

    // ---- reading

    Map<String, Object> orderOf(String request) throws SQLException {
        try (Work w = pool.work()) {
            ResultSet o = w.query("SELECT id FROM orders WHERE request = ?", request);
            return o.next() ? object(order(o.getString(1)).body) : null;
        }
    }

    Reply order(String id) throws SQLException {
        try (Work w = pool.work()) {
            ResultSet o = w.query("SELECT uid, buyer_name, status, created, version FROM orders WHERE id = ?", id);
            if (!o.next()) {
                throw new Refused(404, id + ":0", "not_found");
            }
            String[] buyer = o.getString("buyer_name").split("\\|", 2);
            List<Object> items = new ArrayList<>();
            Map<String, Object> order = map("id", id, "user", o.getLong("uid"), "buyer", map("first", buyer[0], "last", buyer[1]),
                    "status", ORDER_STATUS.get(o.getString("status")), "items", items, "discount", null, "total", null, "payment", null,
                    "createdAt", stamp(o.getObject("created", LocalDateTime.class)));
            String version = o.getString("version");
            ResultSet i = w.query("SELECT i.sku, p.name, i.qty, i.price FROM order_items i JOIN products p ON p.id = i.sku"
                    + " WHERE i.order_id = ? ORDER BY i.line", id);
            while (i.next()) {
                items.add(map("sku", i.getLong(1), "name", i.getString(2), "qty", i.getLong(3), "price", i.getBigDecimal(4)));
            }
            ResultSet p = w.query("SELECT status, provider_txn FROM payments WHERE order_id = ?", id);
            if (p.next()) {
                order.put("payment", map("status", PAYMENT_STATUS.get(p.getString(1)), "transaction", p.getString(2)));
            }
            cost(order);
            return new Reply(200, id + ":" + version + ":" + (order.get("payment") != null), order);
        }
    }

    Reply ordersOf(long user) throws SQLException {
        try (Work w = pool.work()) {
            ResultSet n = w.query("SELECT COUNT(*), COALESCE(SUM(version), 0) FROM orders WHERE uid = ?", user);
            n.next();
            List<Object> orders = new ArrayList<>();
            ResultSet o = w.query("SELECT id, status, created FROM orders WHERE uid = ? ORDER BY created DESC, id DESC LIMIT 20", user);
            while (o.next()) {
                orders.add(map("id", o.getString(1), "status", ORDER_STATUS.get(o.getString(2)),
                        "createdAt", stamp(o.getObject(3, LocalDateTime.class))));
            }
            return new Reply(200, "u" + user + ":" + n.getLong(1) + ":" + n.getLong(2), map("user", user, "count", n.getLong(1), "orders", orders));
        }
    }

    Reply stock(long sku) throws SQLException {
        try (Work w = pool.work()) {
            ResultSet p = w.query("SELECT name, price FROM products WHERE id = ?", sku);
            if (!p.next()) {
                throw new Refused(404, "s" + sku + ":0", "not_found");
            }
            ResultSet s = w.query("SELECT COALESCE(SUM(available), 0), COALESCE(SUM(version), 0) FROM stock WHERE sku = ?", sku);
            s.next();
            return new Reply(200, "s" + sku + ":" + s.getLong(2),
                    map("sku", sku, "name", p.getString(1), "price", p.getBigDecimal(2), "available", s.getLong(1)));
        }
    }

    /** Works out what an order costs: users of the gold tier, every fifth, get 3.5 % off. */
    static void cost(Map<String, Object> order) {
        BigDecimal total = new BigDecimal("0.00");
        for (Object o : list(order.get("items"))) {
            Map<String, Object> item = object(o);
            BigDecimal amount = ((BigDecimal) item.get("price")).multiply(new BigDecimal((Long) item.get("qty")));
            item.put("amount", amount);
            total = total.add(amount);
        }
        BigDecimal discount = new BigDecimal("0.00");
        if ((Long) order.get("user") % 5 == 0) {
            discount = total.multiply(GOLD_DISCOUNT).setScale(2, RoundingMode.HALF_UP);
        }
        order.put("discount", discount);
        order.put("total", total.subtract(discount));
    }

    // ---- database

    /** Connections for the threads of the server. */
    static final class Pool {
        final String url;
        final Semaphore free;
        final ConcurrentLinkedDeque<Connection> idle = new ConcurrentLinkedDeque<>();

        Pool(String url, int most) {
            this.url = url;
            this.free = new Semaphore(most);
        }

        /** A connection on which every statement commits by itself. */
        Work work() throws SQLException {
            free.acquireUninterruptibly();
            try {
                Connection c = idle.pollFirst();
                return new Work(this, c != null ? c : DriverManager.getConnection(url));
            } catch (SQLException | RuntimeException e) {
                free.release();
                throw e;
            }
        }

        Work transaction() throws SQLException {
            Work w = work();
            try {
                w.connection.setAutoCommit(false);
                return w;
            } catch (SQLException e) {
                w.broken = true;
                w.close();
                throw e;
            }
        }
    }

    /** One piece of work on a connection. What is not committed when it is closed is rolled back. */
    static final class Work implements AutoCloseable {
        final Pool pool;
        final Connection connection;
        final List<PreparedStatement> open = new ArrayList<>();
        boolean broken;

        Work(Pool pool, Connection connection) {
            this.pool = pool;
            this.connection = connection;
        }

        ResultSet query(String sql, Object... args) throws SQLException {
            broken = true; // until it went well
            ResultSet rows = prepare(sql, args).executeQuery();
            broken = false;
            return rows;
        }

        int update(String sql, Object... args) throws SQLException {
            broken = true;
            int rows = prepare(sql, args).executeUpdate();
            broken = false;
            return rows;
        }

        private PreparedStatement prepare(String sql, Object... args) throws SQLException {
            PreparedStatement s = connection.prepareStatement(sql);
            open.add(s);
            for (int i = 0; i < args.length; i++) {
                s.setObject(i + 1, args[i]);
            }
            return s;
        }

        void commit() throws SQLException {
            broken = true;
            connection.commit();
            broken = false;
        }

        @Override
        public void close() {
            try {
                for (PreparedStatement s : open) {
                    s.close();
                }
                if (!connection.getAutoCommit()) {
                    connection.rollback(); // of nothing after a commit
                    connection.setAutoCommit(true);
                }
            } catch (SQLException e) {
                broken = true;
            }
            try {
                if (broken && !connection.isValid(1)) { // then the others are no better
                    connection.close();
                    for (Connection c = pool.idle.poll(); c != null; c = pool.idle.poll()) {
                        c.close();
                    }
                } else {
                    pool.idle.addFirst(connection);
                }
            } catch (SQLException e) {
                System.err.println("database: " + e);
            } finally {
                pool.free.release();
            }
        }
    }

    // ---- plumbing

    record Reply(int status, String state, Object body) {}

    @SuppressWarnings("serial")
    static final class Refused extends RuntimeException {
        final int status;
        final String state;

        Refused(int status, String state, String word) {
            super(word, null, false, false);
            this.status = status;
            this.state = state;
        }
    }

    String newId() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        return letter + String.format("%016x%04x", random.nextLong(), random.nextInt(1 << 16));
    }

    static LocalDateTime now() {
        return LocalDateTime.now(SHANGHAI).truncatedTo(ChronoUnit.MILLIS);
    }

    static String stamp(LocalDateTime t) {
        return STAMP.format(t.atZone(SHANGHAI));
    }

    /** Says whether the schema can keep a name: it joins first and last with |. */
    static boolean name(String s) {
        return !s.isEmpty() && s.codePointCount(0, s.length()) <= 40 && s.indexOf('|') < 0;
    }

    static long whole(Object o) {
        try {
            return ((BigDecimal) o).longValueExact();
        } catch (ArithmeticException e) {
            throw new NumberFormatException();
        }
    }

    static Map<String, Object> parse(byte[] body) {
        return object(Json.read(new String(body, StandardCharsets.UTF_8)));
    }

    /** Registers with Jindu: one plain HTTP call, again at each heartbeat. */
    static void heartbeat(Map<String, String> flags, String ip, int port) {
        String jindu = flags.get("register");
        Map<String, Object> metadata = map("runtime", "java" + Runtime.version().feature());
        for (String pair : flags.get("meta").split(",")) {
            String[] kv = pair.split("=", 2);
            metadata.put(kv[0], kv[1]);
        }
        String body = Json.write(map("service", flags.get("service"), "ip", ip, "port", port, "metadata", metadata));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> tell(jindu + "/api/v1/deregister",
                Json.write(map("service", flags.get("service"), "ip", ip, "port", port)))));
        while (true) {
            Object lease = tell(jindu + "/api/v1/register", body);
            long pause = 1_000; // Jindu is not there: try again soon
            if (lease instanceof Map) {
                pause = Duration.parse("PT" + object(lease).get("heartbeat")).toMillis();
            }
            try {
                Thread.sleep(pause);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    static Object tell(String url, String body) {
        try {
            return post(url, body);
        } catch (IOException e) {
            System.err.println("jindu: " + e);
            return null;
        }
    }

    static Object post(String url, String body, String... header) throws IOException {
        HttpURLConnection c = (HttpURLConnection) URI.create(url).toURL().openConnection();
        c.setRequestProperty("Content-Type", "application/json");
        for (int i = 0; i < header.length; i += 2) {
            c.setRequestProperty(header[i], header[i + 1]);
        }
        c.setConnectTimeout(2_000);
        c.setReadTimeout(5_000);
        c.setDoOutput(true);
        c.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
        try (InputStream in = c.getInputStream()) {
            byte[] answer = in.readAllBytes();
            return answer.length == 0 ? null : Json.read(new String(answer, StandardCharsets.UTF_8));
        }
    }

    static Map<String, Object> map(Object... keysAndValues) {
        Map<String, Object> m = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            m.put((String) keysAndValues[i], keysAndValues[i + 1]);
        }
        return m;
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Object o) {
        return (Map<String, Object>) o;
    }

    @SuppressWarnings("unchecked")
    static List<Object> list(Object o) {
        return (List<Object>) o;
    }

    /** JSON in sixty lines: objects are maps, numbers BigDecimals. */
    static final class Json {
        private final String s;
        private int i;

        private Json(String s) {
            this.s = s;
        }

        static Object read(String s) {
            try {
                return new Json(s).value();
            } catch (StringIndexOutOfBoundsException e) {
                throw new NumberFormatException("JSON ends too early");
            }
        }

        private char next() {
            while (s.charAt(i) <= ' ') {
                i++;
            }
            return s.charAt(i);
        }

        private Object value() {
            switch (next()) {
                case '{': {
                    Map<String, Object> m = new LinkedHashMap<>();
                    for (i++; next() != '}'; i += next() == ',' ? 1 : 0) {
                        String key = string();
                        next();
                        i++; // the colon
                        m.put(key, value());
                    }
                    i++;
                    return m;
                }
                case '[': {
                    List<Object> l = new ArrayList<>();
                    for (i++; next() != ']'; i += next() == ',' ? 1 : 0) {
                        l.add(value());
                    }
                    i++;
                    return l;
                }
                case '"': return string();
                case 't': i += 4; return true;
                case 'f': i += 5; return false;
                case 'n': i += 4; return null;
                default: {
                    int from = i;
                    while (i < s.length() && "+-.eE0123456789".indexOf(s.charAt(i)) >= 0) {
                        i++;
                    }
                    return new BigDecimal(s.substring(from, i)); // of nothing: NumberFormatException
                }
            }
        }

        private String string() {
            StringBuilder b = new StringBuilder();
            for (i++; s.charAt(i) != '"'; i++) {
                char c = s.charAt(i);
                if (c == '\\') {
                    c = s.charAt(++i);
                    switch (c) {
                        case 'n': c = '\n'; break;
                        case 't': c = '\t'; break;
                        case 'r': c = '\r'; break;
                        case 'b': c = '\b'; break;
                        case 'f': c = '\f'; break;
                        case 'u': c = (char) Integer.parseInt(s.substring(i + 1, i + 5), 16); i += 4; break;
                        default: break;
                    }
                }
                b.append(c);
            }
            i++;
            return b.toString();
        }

        static String write(Object o) {
            StringBuilder b = new StringBuilder(512);
            write(b, o);
            return b.toString();
        }

        private static void write(StringBuilder b, Object o) {
            if (o instanceof Map<?, ?> m) {
                char sep = '{';
                for (Map.Entry<?, ?> e : m.entrySet()) {
                    b.append(sep);
                    quote(b, (String) e.getKey());
                    write(b.append(':'), e.getValue());
                    sep = ',';
                }
                b.append(sep == '{' ? "{}" : "}");
            } else if (o instanceof List<?> l) {
                b.append('[');
                for (int i = 0; i < l.size(); i++) {
                    write(i == 0 ? b : b.append(','), l.get(i));
                }
                b.append(']');
            } else if (o instanceof BigDecimal d) {
                b.append(d.toPlainString());
            } else if (o instanceof String s) {
                quote(b, s);
            } else {
                b.append(o);
            }
        }

        private static void quote(StringBuilder b, String s) {
            b.append('"');
            for (int i = 0; i < s.length(); i++) {
                char c = s.charAt(i);
                if (c == '"' || c == '\\') {
                    b.append('\\').append(c);
                } else if (c < ' ') {
                    b.append(String.format("\\u%04x", (int) c));
                } else {
                    b.append(c);
                }
            }
            b.append('"');
        }
    }
}

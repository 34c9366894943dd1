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
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The old order service: JDK 17 and nothing else. Its state is in examples/order-store.
 *
 *   java Order.java --listen 127.0.0.1:7002 --store http://127.0.0.1:7001 --register http://127.0.0.1:8090
 */
public final class Order {
    static final BigDecimal REVIEW_FROM = new BigDecimal("1000.00");
    static final BigDecimal FREE_SHIPPING_FROM = new BigDecimal("200.00");
    static final BigDecimal TAX = new BigDecimal("0.065");
    static final int PAGE_SIZE = 20;
    static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSxxx").withZone(ZoneId.of("Asia/Shanghai"));

    final String store;

    Order(String store) {
        this.store = store;
    }

    public static void main(String[] args) throws IOException {
        // Without these the JDK's server waits 40 ms between head and body, and its client keeps 5 connections.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        System.setProperty("sun.net.httpserver.maxIdleConnections", "1000");
        System.setProperty("http.maxConnections", "64");
        Map<String, String> flags = new LinkedHashMap<>(Map.of("listen", "127.0.0.1:7002", "store", "http://127.0.0.1:7001"));
        for (int i = 0; i + 1 < args.length; i += 2) {
            flags.put(args[i].substring(2), args[i + 1]);
        }
        Order service = new Order(flags.get("store"));
        String[] listen = flags.get("listen").split(":(?=\\d+$)");
        HttpServer server = HttpServer.create(new InetSocketAddress(listen[0], Integer.parseInt(listen[1])), 1024);
        server.setExecutor(Executors.newFixedThreadPool(32));
        server.createContext("/", service::handle);
        server.start();
        int port = server.getAddress().getPort();
        System.out.println("listening " + listen[0] + ":" + port);
        if (flags.containsKey("register")) {
            Thread heart = new Thread(() -> heartbeat(flags.get("register"), listen[0], port), "heartbeat");
            heart.setDaemon(true);
            heart.start();
        }
    }

    // ---- endpoints

    void handle(HttpExchange x) throws IOException {
        Reply reply;
        try (InputStream in = x.getRequestBody()) {
            reply = answer(x, in.readAllBytes());
        } catch (Refused e) {
            reply = new Reply(e.status, e.state, e.body);
        } catch (NumberFormatException e) {
            reply = new Reply(400, null, map("error", "bad_request"));
        } catch (IOException e) {
            reply = new Reply(502, null, map("error", "store_unavailable"));
        } catch (RuntimeException e) {
            e.printStackTrace();
            reply = new Reply(500, null, map("error", "internal"));
        }
        byte[] body = (Json.write(reply.body) + "\n").getBytes(StandardCharsets.UTF_8);
        x.getResponseHeaders().set("Content-Type", "application/json; charset=utf-8");
        x.getResponseHeaders().set("Server", "order-java");
        if (reply.state != null) {
            x.getResponseHeaders().set("X-Jindu-State", reply.state);
        }
        x.sendResponseHeaders(reply.status, body.length);
        try (OutputStream out = x.getResponseBody()) {
            out.write(body);
        }
    }

    Reply answer(HttpExchange x, byte[] body) throws IOException {
        String[] path = x.getRequestURI().getPath().split("/");
        String method = x.getRequestMethod();
        String at = x.getRequestHeaders().getFirst("X-Jindu-State");
        Map<String, String> query = query(x.getRequestURI().getRawQuery());
        String first = path.length > 1 ? path[1] : "";
        if (method.equals("POST") && path.length == 2 && first.equals("orders")) {
            return postOrder(x, body);
        }
        if (method.equals("GET") && path.length == 2) {
            switch (first) {
                case "healthz": return new Reply(200, null, "ok");
                case "products": return listProducts(Long.parseLong(query.getOrDefault("page", "")));
                case "quote": return getQuote(Long.parseLong(query.getOrDefault("user", "")), query.getOrDefault("items", ""));
            }
        }
        if (method.equals("GET") && path.length == 3) {
            switch (first) {
                case "products": return getProduct(Long.parseLong(path[2]), at);
                case "orders": return getOrder(Long.parseLong(path[2]));
            }
        }
        if (method.equals("GET") && path.length == 4 && first.equals("users") && path[3].equals("orders")) {
            return listUserOrders(Long.parseLong(path[2]), at);
        }
        throw new Refused(404, null, map("error", "not_found"));
    }

    Reply getProduct(long id, String at) throws IOException {
        Stored got = fromStore("GET", "/products/" + id + at(at, "p" + id), null);
        Map<String, Object> product = object(got.body);
        served(product);
        return new Reply(200, got.state, product);
    }

    Reply listProducts(long page) throws IOException {
        if (page < 1 || page > 10_000) {
            throw new NumberFormatException();
        }
        Stored got = fromStore("GET", "/products?from=" + (page - 1) * PAGE_SIZE + "&n=" + PAGE_SIZE, null);
        for (Object p : list(got.body)) {
            object(p).remove("stock");
        }
        return new Reply(200, got.state, map("page", page, "items", got.body));
    }

    Reply listUserOrders(long user, String at) throws IOException {
        Stored got = fromStore("GET", "/users/" + user + "/orders" + at(at, "u" + user), null);
        Map<String, Object> found = object(got.body);
        List<Object> orders = new ArrayList<>();
        for (Object o : list(found.get("orders"))) {
            orders.add(complete(object(o)));
        }
        Map<String, Object> answer = map("user", user, "count", found.get("count"), "orders", orders);
        served(answer);
        return new Reply(200, got.state, answer);
    }

    Reply getOrder(long id) throws IOException {
        Stored got = fromStore("GET", "/orders/" + id, null);
        return new Reply(200, got.state, complete(object(got.body)));
    }

    Reply getQuote(long user, String items) throws IOException {
        StringBuilder ids = new StringBuilder();
        List<Long> quantities = new ArrayList<>();
        for (String part : items.split(",", -1)) {
            String[] idQty = part.split("x", 2);
            long qty = Long.parseLong(idQty.length == 2 ? idQty[1] : "");
            if (qty < 1 || qty > 1000) {
                throw new NumberFormatException();
            }
            ids.append(ids.isEmpty() ? "" : ",").append(Long.parseLong(idQty[0]));
            quantities.add(qty);
        }
        if (quantities.size() > 50) {
            throw new NumberFormatException();
        }
        List<Object> products = list(fromStore("GET", "/products?ids=" + ids, null).body);
        if (products.size() != quantities.size()) {
            throw new Refused(404, "c1", map("error", "not_found"));
        }
        List<Object> lines = new ArrayList<>();
        for (int i = 0; i < products.size(); i++) {
            Map<String, Object> p = object(products.get(i));
            lines.add(line(p.get("id"), p.get("name"), p.get("price"), new BigDecimal(quantities.get(i))));
        }
        Map<String, Object> quote = map("user", user, "tier", tier(user), "items", lines);
        totals(quote, lines, tier(user));
        quote.put("currency", "CNY");
        quote.put("notices", List.of());
        served(quote);
        return new Reply(200, "c1", quote);
    }

    /** Places an order once per X-Request-Id. The copy of a request is a dry run that changes nothing. */
    Reply postOrder(HttpExchange x, byte[] body) throws IOException {
        String id = x.getRequestHeaders().getFirst("X-Request-Id");
        Object in = Json.read(new String(body, StandardCharsets.UTF_8));
        if (id == null || !(in instanceof Map) || !(object(in).get("items") instanceof List)) {
            throw new NumberFormatException();
        }
        boolean shadow = x.getRequestHeaders().getFirst("X-Jindu-Shadow") != null;
        Map<String, Object> request = map("requestId", id, "user", object(in).get("user"), "items", object(in).get("items"));
        Stored got = fromStore("POST", shadow ? "/orders?dry=1" : "/orders", Json.write(request));
        return new Reply(201, got.state, complete(object(got.body)));
    }

    // ---- what an order costs

    /** Adds what a stored order costs. */
    static Map<String, Object> complete(Map<String, Object> stored) {
        long user = ((BigDecimal) stored.get("user")).longValue();
        List<Object> lines = new ArrayList<>();
        for (Object o : list(stored.get("items"))) {
            Map<String, Object> item = object(o);
            lines.add(line(item.get("product"), item.get("name"), item.get("price"), (BigDecimal) item.get("qty")));
        }
        Map<String, Object> order = map("id", stored.get("id"), "user", user, "tier", tier(user), "status", "CREATED", "items", lines);
        BigDecimal total = totals(order, lines, tier(user));
        if (total.compareTo(REVIEW_FROM) >= 0) {
            order.put("status", "REVIEW");
        }
        order.put("createdAt", STAMP.format(Instant.ofEpochMilli(((BigDecimal) stored.get("createdMillis")).longValue())));
        order.put("note", null);
        return order;
    }

    static Map<String, Object> line(Object product, Object name, Object price, BigDecimal qty) {
        return map("product", product, "name", name, "price", price, "qty", qty, "amount", ((BigDecimal) price).multiply(qty));
    }

    static BigDecimal totals(Map<String, Object> into, List<Object> lines, String tier) {
        BigDecimal subtotal = new BigDecimal("0.00");
        for (Object l : lines) {
            subtotal = subtotal.add((BigDecimal) object(l).get("amount"));
        }
        BigDecimal discount = subtotal.multiply(discount(tier)).setScale(2, RoundingMode.HALF_UP);
        BigDecimal taxable = subtotal.subtract(discount);
        BigDecimal tax = taxable.multiply(TAX).setScale(2, RoundingMode.HALF_UP);
        BigDecimal shipping = new BigDecimal(taxable.compareTo(FREE_SHIPPING_FROM) < 0 ? "12.00" : "0.00");
        BigDecimal total = taxable.add(tax).add(shipping);
        into.put("subtotal", subtotal);
        into.put("discount", discount);
        into.put("tax", tax);
        into.put("shipping", shipping);
        into.put("total", total);
        return total;
    }

    static String tier(long user) {
        return user % 5 == 0 ? "GOLD" : user % 5 == 1 ? "SILVER" : "BASIC";
    }

    static BigDecimal discount(String tier) {
        return new BigDecimal(tier.equals("GOLD") ? "0.08" : tier.equals("SILVER") ? "0.03" : "0");
    }

    // ---- plumbing

    record Reply(int status, String state, Object body) {}

    record Stored(String state, Object body) {}

    static final class Refused extends RuntimeException {
        final int status;
        final String state;
        final Object body;

        Refused(int status, String state, Object body) {
            super(null, null, false, false);
            this.status = status;
            this.state = state;
            this.body = body;
        }
    }

    Stored fromStore(String method, String path, String body) throws IOException {
        HttpURLConnection c = (HttpURLConnection) URI.create(store + path).toURL().openConnection();
        c.setRequestMethod(method);
        c.setConnectTimeout(2_000);
        c.setReadTimeout(10_000);
        if (body != null) {
            c.setDoOutput(true);
            c.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
        }
        int status = c.getResponseCode();
        String state = c.getHeaderField("X-State");
        Object answer;
        try (InputStream in = status < 400 ? c.getInputStream() : c.getErrorStream()) {
            answer = Json.read(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
        switch (status) {
            case 200: case 201: return new Stored(state, answer);
            case 404: throw new Refused(404, state, map("error", "not_found"));
            case 400: throw new Refused(400, state, map("error", "bad_request"));
            case 409: throw new Refused(409, state, map("error", "sold_out", "product", object(answer).get("soldOut")));
            default: throw new IOException("store answered " + status);
        }
    }

    /** Asks the store for the version that the primary answer of a shadow request was read at. */
    static String at(String state, String key) {
        return state != null && state.startsWith(key + ":") ? "?at=" + Long.parseLong(state.substring(key.length() + 1)) : "";
    }

    /** Adds what differs with every answer. */
    static void served(Map<String, Object> answer) {
        answer.put("servedAt", STAMP.format(Instant.now()));
        ThreadLocalRandom random = ThreadLocalRandom.current();
        answer.put("trace", Long.toHexString(random.nextLong() | Long.MIN_VALUE) + Long.toHexString(random.nextLong() | Long.MIN_VALUE));
    }

    /** Registers with Jindu: one plain HTTP call, again at each heartbeat. */
    static void heartbeat(String jindu, String ip, int port) {
        String body = Json.write(map("service", "orders", "ip", ip, "port", port,
                "metadata", map("runtime", "java" + Runtime.version().feature(), "version", "1.0", "shadow-safe", "true")));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> post(jindu + "/api/v1/deregister",
                Json.write(map("service", "orders", "ip", ip, "port", port)))));
        while (true) {
            Object lease = post(jindu + "/api/v1/register", body);
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

    static Object post(String url, String body) {
        try {
            HttpURLConnection c = (HttpURLConnection) URI.create(url).toURL().openConnection();
            c.setRequestProperty("Content-Type", "application/json");
            c.setConnectTimeout(2_000);
            c.setReadTimeout(5_000);
            c.setDoOutput(true);
            c.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
            try (InputStream in = c.getInputStream()) {
                byte[] answer = in.readAllBytes();
                return answer.length == 0 ? null : Json.read(new String(answer, StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            System.err.println("jindu: " + e);
            return null;
        }
    }

    static Map<String, String> query(String raw) {
        Map<String, String> q = new LinkedHashMap<>();
        for (String pair : raw == null ? new String[0] : raw.split("&")) {
            String[] kv = pair.split("=", 2);
            q.put(kv[0], kv.length == 2 ? kv[1] : "");
        }
        return q;
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

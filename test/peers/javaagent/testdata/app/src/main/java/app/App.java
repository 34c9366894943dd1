package app;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;

/** A service that knows nothing of Jindu, but for /api. Each path does one thing and answers what came of it. */
public final class App {
    interface Action {
        String run(Map<String, String> q) throws Exception;
    }

    static final Map<String, Action> ACTIONS = new TreeMap<>();

    public static void main(String[] args) throws Exception {
        System.setProperty("sun.net.httpserver.nodelay", "true");
        Map<String, String> flags = new LinkedHashMap<>();
        for (int i = 0; i + 1 < args.length; i += 2) {
            flags.put(args[i].substring(2), args[i + 1]);
        }
        Sql sql = new Sql(flags.get("jdbc"));
        ACTIONS.put("/sql", sql::run);
        ACTIONS.put("/fence", sql::fence);
        ACTIONS.put("/threads", new Threads(sql)::run);
        ACTIONS.put("/call", Calls::run);
        ACTIONS.put("/kafka", Kafka::run);
        if (flags.containsKey("redis")) {
            Redis redis = new Redis(flags.get("redis"));
            ACTIONS.put("/redis", redis::run);
        }
        if (flags.containsKey("helper")) {
            ACTIONS.put("/api", new Helper(sql)::run);
        }
        ACTIONS.put("/plain", q -> "plain");
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(flags.get("port"))), 1024);
        server.setExecutor(Executors.newFixedThreadPool(16));
        server.createContext("/", App::handle);
        if (flags.containsKey("servlets")) {
            Servlets.start(Integer.parseInt(flags.get("servlets")), sql);
        }
        server.start();
        System.out.println("listening");
    }

    static Map<String, String> query(String raw) {
        Map<String, String> q = new LinkedHashMap<>();
        for (String p : raw == null ? new String[0] : raw.split("&")) {
            String[] kv = p.split("=", 2);
            q.put(kv[0], kv.length > 1 ? URLDecoder.decode(kv[1], StandardCharsets.UTF_8) : "");
        }
        return q;
    }

    static void handle(HttpExchange e) throws IOException {
        Map<String, String> q = query(e.getRequestURI().getRawQuery());
        Action a = ACTIONS.get(e.getRequestURI().getPath());
        int status = 200;
        String out;
        try {
            out = a == null ? "no such action" : a.run(q);
        } catch (Exception ex) {
            if (q.containsKey("escape")) {
                throw new RuntimeException(ex); // as an application without a catch does
            }
            status = 500;
            StringWriter w = new StringWriter();
            ex.printStackTrace(new PrintWriter(w));
            out = w.toString();
        }
        byte[] b = out.getBytes(StandardCharsets.UTF_8);
        e.sendResponseHeaders(status, b.length);
        e.getResponseBody().write(b);
        e.close();
    }
}

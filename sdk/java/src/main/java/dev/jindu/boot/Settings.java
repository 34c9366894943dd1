package dev.jindu.boot;

import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The agent's options: {@code name=value,name=value}; an element without = goes on with the list before it. */
public final class Settings {
    static final List<String> NAMES = Arrays.asList("node", "service", "tokenFile", "sql", "redis", "fence", "forward", "topics");

    public final String node;
    public final String service;
    public final String tokenFile;
    /** Behind Jindu's proxy; where not, a shadow's writes are refused here. */
    public final boolean sqlProxy;
    public final boolean redisProxy;
    /** off, on, or optional: a database without the table jindu_fence is written without the condition. */
    public final String fence;
    /** host:port that shadows may call. */
    final Set<String> forward;
    /** Prefix of shadows' topics, or null: they send none. */
    final String topics;

    private static volatile Settings current = parse("");

    private Settings(String node, String service, String tokenFile, boolean sqlProxy, boolean redisProxy, String fence, Set<String> forward, String topics) {
        this.node = node;
        this.service = service;
        this.tokenFile = tokenFile;
        this.sqlProxy = sqlProxy;
        this.redisProxy = redisProxy;
        this.fence = fence;
        this.forward = forward;
        this.topics = topics;
    }

    public static Settings get() {
        return current;
    }

    public static void use(Settings s) {
        current = s;
    }

    /** Reads options; what is wrong is told with name, value and remedy. */
    public static Settings parse(String options) {
        String node = null;
        String service = null;
        String tokenFile = null;
        String sql = "direct";
        String redis = "direct";
        String fence = "false";
        String topics = null;
        Set<String> forward = new HashSet<>();
        Set<String> seen = new HashSet<>();
        for (String[] o : split(options)) {
            String name = o[0];
            String value = o[1];
            if (!NAMES.contains(name)) {
                throw new IllegalArgumentException("option " + name + " is not known; there are " + String.join(", ", NAMES));
            }
            if (value.isEmpty()) {
                throw new IllegalArgumentException("option " + name + " is empty; give it a value or leave it out");
            }
            if (!seen.add(name)) {
                throw new IllegalArgumentException("option " + name + " is given twice; give it once");
            }
            switch (name) {
                case "node":
                    node = url(value);
                    break;
                case "service":
                    service = value;
                    break;
                case "tokenFile":
                    tokenFile = value;
                    break;
                case "sql":
                    sql = oneOf(name, value, "direct", "proxy");
                    break;
                case "redis":
                    redis = oneOf(name, value, "direct", "proxy");
                    break;
                case "fence":
                    fence = oneOf(name, value, "false", "true", "optional");
                    break;
                case "topics":
                    topics = value;
                    break;
                default:
                    for (String host : value.split(",")) {
                        forward.add(host(host.trim()));
                    }
            }
        }
        if ((node == null) != (service == null)) {
            throw new IllegalArgumentException("options node and service belong together: reports go to the node in the name of the service");
        }
        return new Settings(node, service, tokenFile, sql.equals("proxy"), redis.equals("proxy"), fence.equals("true") ? "on" : fence.equals("false") ? "off" : fence, forward, topics);
    }

    private static List<String[]> split(String options) {
        List<String[]> out = new ArrayList<>();
        if (options == null || options.trim().isEmpty()) {
            return out;
        }
        for (String part : options.split(",")) {
            int eq = part.indexOf('=');
            if (eq > 0) {
                out.add(new String[] {part.substring(0, eq).trim(), part.substring(eq + 1).trim()});
            } else if (!out.isEmpty() && !part.trim().isEmpty()) {
                out.get(out.size() - 1)[1] += "," + part.trim();
            } else {
                throw new IllegalArgumentException("option \"" + part + "\" has no value; write name=value,name=value");
            }
        }
        return out;
    }

    private static String oneOf(String name, String value, String... words) {
        if (!Arrays.asList(words).contains(value)) {
            throw new IllegalArgumentException("option " + name + " is " + value + "; it may be " + String.join(", ", words));
        }
        return value;
    }

    private static String url(String value) {
        try {
            URI u = new URI(value);
            if (("http".equals(u.getScheme()) || "https".equals(u.getScheme())) && u.getHost() != null && u.getUserInfo() == null && u.getQuery() == null) {
                return value.endsWith("/") ? value.substring(0, value.length() - 1) : value;
            }
        } catch (java.net.URISyntaxException e) {
            // Said below.
        }
        throw new IllegalArgumentException("option node is " + value + "; it is the node's address, such as http://127.0.0.1:8090");
    }

    private static String host(String value) {
        int colon = value.lastIndexOf(':');
        int port = -1;
        try {
            port = Integer.parseInt(value.substring(colon + 1));
        } catch (NumberFormatException e) {
            // Said below.
        }
        if (colon < 1 || port < 1 || port > 65535) {
            throw new IllegalArgumentException("option forward names " + value + "; write host:port,host:port");
        }
        return value.toLowerCase(Locale.ROOT);
    }
}

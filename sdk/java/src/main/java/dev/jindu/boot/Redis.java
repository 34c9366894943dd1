package dev.jindu.boot;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/**
 * Hooks of Jedis and Lettuce. Behind Jindu's proxy a connection says with CLIENT SETNAME for whom it works, just
 * before the first command of another run; its reply is taken out of the stream where it comes, so that it costs
 * no round trip. Without the proxy writes are recorded here, and those of shadows refused.
 */
public final class Redis {
    private static final byte[] SETNAME = ascii("SETNAME");
    private static final Set<String> READS = new HashSet<>(Arrays.asList((
            "GET MGET STRLEN GETRANGE SUBSTR EXISTS TTL PTTL EXPIRETIME PEXPIRETIME TYPE KEYS SCAN RANDOMKEY DUMP OBJECT TOUCH DBSIZE "
            + "HGET HMGET HGETALL HKEYS HVALS HLEN HEXISTS HSTRLEN HSCAN HRANDFIELD HTTL HPTTL LRANGE LINDEX LLEN LPOS SMEMBERS SISMEMBER SMISMEMBER SCARD "
            + "SRANDMEMBER SSCAN SINTER SUNION SDIFF SINTERCARD ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZRANGEBYLEX ZREVRANGEBYLEX ZCARD ZCOUNT "
            + "ZLEXCOUNT ZSCORE ZMSCORE ZRANK ZREVRANK ZSCAN ZRANDMEMBER ZINTER ZUNION ZDIFF ZINTERCARD GETBIT BITCOUNT BITPOS BITFIELD_RO PFCOUNT GEOPOS GEODIST "
            + "GEOHASH GEOSEARCH GEORADIUS_RO GEORADIUSBYMEMBER_RO XRANGE XREVRANGE XLEN XREAD XINFO XPENDING SORT_RO LCS EVAL_RO EVALSHA_RO FCALL_RO "
            + "PING ECHO AUTH HELLO SELECT QUIT RESET CLIENT COMMAND INFO TIME ROLE WAIT WAITAOF LASTSAVE MEMORY LATENCY SLOWLOG CONFIG CLUSTER READONLY READWRITE ASKING "
            + "MULTI EXEC DISCARD WATCH UNWATCH SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE PUBSUB MONITOR SENTINEL").split(" ")));

    /** What a client says before it is known who it is; a name would come too early. */
    private static final Set<String> OPENING = new HashSet<>(Arrays.asList("AUTH", "HELLO", "SELECT", "CLIENT"));

    private Redis() {}

    /** What is known of a connection; used by one thread at a time, as the connection is. */
    public static final class State {
        /** Name that the connection has by us; empty: none. */
        private String name = "";
        /** Name that the application gave it. */
        private String own = "";
        private long sent;
        private long read;
        private final ArrayDeque<Long> ours = new ArrayDeque<>(2);
        private boolean busy;
        /** Sending has seen that there is no connection; connect is about to make one. */
        private boolean fresh;
        private boolean multi;
        /** Replies no longer follow commands one by one. */
        private boolean opaque;

        void reset() {
            name = "";
            own = "";
            sent = 0;
            read = 0;
            ours.clear();
            multi = false;
            opaque = false;
        }
    }

    /** Woven into Jedis connections. */
    public interface Wire {
        State jindu$state();

        void jindu$state(State s);

        boolean jindu$connected();

        void jindu$client(byte[][] args);

        Object jindu$read();

        void jindu$flush();
    }

    private static State state(Wire w) {
        State s = w.jindu$state();
        if (s == null) {
            w.jindu$state(s = new State());
        }
        return s;
    }

    /** Hook of Jedis' Connection.connect, before; what sending has just found out of a new connection stays. */
    public static void connecting(Wire w) {
        State s = state(w);
        if (!w.jindu$connected() && !s.fresh) {
            s.reset();
        }
        s.fresh = false;
    }

    /** Hook of Jedis' Connection.sendCommand, before; args are the arguments, as they are held. */
    public static void sending(Wire w, byte[] command, Object args) {
        State s = state(w);
        if (s.busy) {
            return;
        }
        if (!w.jindu$connected()) {
            s.reset();
            s.fresh = true;
        }
        Context c = Local.get().context;
        String op = new String(command, StandardCharsets.US_ASCII).toUpperCase(Locale.ROOT);
        if (c != null) {
            permit(c, op, args);
        }
        if (Settings.get().redisProxy && !OPENING.contains(op)) {
            if (!s.multi && !s.opaque) {
                name(w, s, c);
            } else if (c != null && c.shadow && !s.name.equals(c.mark) && !READS.contains(op)) {
                throw new dev.jindu.Refused("jindu: a shadow's Redis " + op + " was not let out: the connection is in a transaction or subscription of others");
            }
        }
        switch (op) {
            case "MULTI":
                s.multi = true;
                break;
            case "EXEC":
            case "DISCARD":
                s.multi = false;
                break;
            case "SUBSCRIBE":
            case "PSUBSCRIBE":
            case "SSUBSCRIBE":
            case "MONITOR":
            case "SYNC":
            case "PSYNC":
                s.opaque = true;
                break;
            case "CLIENT":
                String[] a = Args.first(args, 2);
                if (a.length == 2 && a[0].equalsIgnoreCase("SETNAME")) {
                    s.own = a[1];
                    s.name = "";
                } else if (a.length > 0 && a[0].equalsIgnoreCase("REPLY")) {
                    s.opaque = true;
                }
                break;
            default:
        }
    }

    private static void name(Wire w, State s, Context c) {
        String want = c == null || c.mark == null ? "" : c.mark;
        if (want.equals(s.name)) {
            return;
        }
        s.busy = true;
        try {
            w.jindu$client(new byte[][] {SETNAME, ascii(want.isEmpty() ? s.own : want)});
            s.ours.add(s.sent++);
            if (c != null && c.shadow) {
                verify(w, s);
            }
            s.name = want;
        } finally {
            s.busy = false;
        }
    }

    /** A shadow's command waits until the connection surely has its name. */
    private static void verify(Wire w, State s) {
        if (s.sent - s.read != 1) {
            throw new dev.jindu.Refused("jindu: a shadow's Redis command was not let out: the connection has commands of others under way");
        }
        w.jindu$flush();
        s.ours.clear();
        s.read++;
        Object ok = w.jindu$read();
        if (!(ok instanceof byte[]) || !"OK".equals(new String((byte[]) ok, StandardCharsets.US_ASCII))) {
            throw new dev.jindu.Refused("jindu: a shadow's Redis command was not let out: CLIENT SETNAME was not answered by OK");
        }
    }

    /** Hook of Jedis' Connection.sendCommand, after it went well. */
    public static void sent(Wire w) {
        State s = state(w);
        if (!s.busy) {
            s.sent++;
        }
    }

    /** Hook of Jedis' reading of one reply, before: takes out the replies that are ours. */
    public static void reading(Wire w) {
        State s = state(w);
        if (s.busy) {
            return;
        }
        while (!s.ours.isEmpty() && s.ours.peek() == s.read) {
            s.ours.poll();
            s.read++;
            s.busy = true;
            try {
                w.jindu$read();
            } catch (RuntimeException e) {
                s.name = "";
                if (e.getClass().getName().endsWith("ConnectionException")) {
                    throw e;
                }
                Log.once("the Redis server does not take CLIENT SETNAME", e);
            } finally {
                s.busy = false;
            }
        }
        s.read++;
    }

    /** Refuses what a shadow may not do, and records writes where no proxy does. */
    static void permit(Context c, String op, Object args) {
        if (READS.contains(op)) {
            return;
        }
        boolean proxy = Settings.get().redisProxy;
        boolean refused = c.shadow && (!proxy || c.mark == null);
        if (!proxy || refused) {
            Effect e = Args.effect(op, args);
            c.add(refused ? e.fate("refused") : e);
        } else {
            c.happened();
        }
        if (refused) {
            throw new dev.jindu.Refused("jindu: a shadow's Redis " + op + " was not let out: " + (proxy ? "its mark is lost"
                    : "the agent was not told that Redis is behind Jindu's proxy (option redis=proxy)"));
        }
    }

    private static byte[] ascii(String s) {
        return s.getBytes(StandardCharsets.US_ASCII);
    }

    // Lettuce.

    /** Woven into Lettuce's commands: for whom they were made. */
    public interface Command {
        Context jindu$context();

        void jindu$context(Context c);
    }

    /** Woven into Lettuce's channel handlers. */
    public interface Channel {
        State jindu$state();

        void jindu$state(State s);

        void jindu$client(Object context, String name);

        void jindu$write(Object context, Object command);
    }

    /** Hook of the making of a command, on the thread that wants it. */
    public static Context current() {
        return Local.get().context;
    }

    /** Hook of Lettuce's dispatch, on the thread that wants the command. */
    public static void dispatch(byte[] command, Object args) {
        Context c = Local.get().context;
        if (c != null) {
            permit(c, new String(command, StandardCharsets.US_ASCII).toUpperCase(Locale.ROOT), args);
        }
    }

    public static void dispatchAll(Collection<?> commands) {
        if (Local.get().context != null) {
            for (Object c : commands) {
                Args.dispatched(c);
            }
        }
    }

    /** Hook of a channel's write of several commands: they go one by one, each with its name. */
    public static boolean batch(Channel ch, Object context, Object message) {
        if (!(message instanceof Collection) || ((Collection<?>) message).size() < 2 || !Settings.get().redisProxy) {
            return false;
        }
        for (Object command : (Collection<?>) message) {
            ch.jindu$write(context, command);
        }
        return true;
    }

    /** Hook of a channel's write of one command: names the connection first where it has another name. */
    public static void writing(Channel ch, Object context, Object command, byte[] type) {
        if (!Settings.get().redisProxy) {
            return;
        }
        State s = ch.jindu$state();
        if (s == null) {
            ch.jindu$state(s = new State());
        }
        if (s.busy) {
            return;
        }
        String op = new String(type, StandardCharsets.US_ASCII).toUpperCase(Locale.ROOT);
        boolean inside = s.multi;
        if (op.equals("MULTI")) {
            s.multi = true;
        } else if (op.equals("EXEC") || op.equals("DISCARD")) {
            s.multi = false;
        }
        if (inside || OPENING.contains(op)) {
            return;
        }
        Context c = command instanceof Command ? ((Command) command).jindu$context() : null;
        String want = c == null || c.mark == null ? "" : c.mark;
        if (want.equals(s.name)) {
            return;
        }
        s.busy = true;
        try {
            ch.jindu$client(context, want);
            s.name = want;
        } finally {
            s.busy = false;
        }
    }
}

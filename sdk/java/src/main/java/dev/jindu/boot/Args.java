package dev.jindu.boot;

import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Arguments of Redis commands as the clients hold them: Jedis' CommandArguments or byte[][], Lettuce's CommandArgs. */
final class Args {
    private static final Reach RAW = new Reach("redis.clients.jedis.args.Rawable", "getRaw");
    private static final int MOST = 1024;

    private static final Reach TYPE = new Reach("io.lettuce.core.protocol.RedisCommand", "getType");
    private static final Reach NAME = new Reach("io.lettuce.core.protocol.ProtocolKeyword", "getBytes");
    private static final Reach ARGS = new Reach("io.lettuce.core.protocol.RedisCommand", "getArgs");

    private Args() {}

    /** Looks at one of several commands that Lettuce sends together. */
    static void dispatched(Object command) {
        byte[] name;
        Object args;
        try {
            name = (byte[]) NAME.call(TYPE.call(command));
            args = ARGS.call(command);
        } catch (Throwable t) {
            throw new dev.jindu.Refused("jindu: cannot read commands of Lettuce: " + t);
        }
        Redis.dispatch(name, args);
    }

    /** The first arguments as text. */
    static String[] first(Object args, int n) {
        List<byte[]> all = list(args, n);
        String[] out = new String[Math.min(n, all.size())];
        for (int i = 0; i < out.length; i++) {
            out[i] = new String(all.get(i), StandardCharsets.UTF_8);
        }
        return out;
    }

    /** A redis effect with its key and arguments. */
    static Effect effect(String op, Object args) {
        List<byte[]> all = list(args, MOST);
        // EVAL script n key...; the others name their key first.
        boolean script = op.startsWith("EVAL") || op.startsWith("FCALL");
        int at = script ? 2 : 0;
        String key = all.size() > at ? new String(all.get(at), StandardCharsets.UTF_8) : "";
        Effect e = new Effect(Effect.REDIS, op, key);
        for (int i = 0; i < all.size(); i++) {
            if (i != at) {
                e.arg(all.get(i));
            }
        }
        if (all.size() == MOST) {
            e.truncated = true;
        }
        return e;
    }

    private static List<byte[]> list(Object args, int most) {
        List<byte[]> out = new ArrayList<>();
        try {
            if (args instanceof byte[][]) {
                Collections.addAll(out, (byte[][]) args);
            } else if (args instanceof Iterable) {
                boolean command = true;
                for (Object a : (Iterable<?>) args) {
                    if (!command && out.size() < most) {
                        out.add((byte[]) RAW.call(a));
                    }
                    command = false;
                }
            } else if (args != null) {
                encoded(args, out, most);
            }
        } catch (Throwable t) {
            Log.once("cannot read the arguments of Redis commands", t);
        }
        return out;
    }

    /** Lettuce writes its arguments as $length CRLF bytes CRLF. */
    private static void encoded(Object args, List<byte[]> out, int most) throws ReflectiveOperationException {
        ClassLoader loader = args.getClass().getClassLoader();
        Class<?> type = Class.forName("io.netty.buffer.ByteBuf", false, loader);
        Object buffer = Class.forName("io.netty.buffer.Unpooled", true, loader).getMethod("buffer").invoke(null);
        Method encode = Class.forName("io.lettuce.core.protocol.CommandArgs", false, loader).getMethod("encode", type);
        encode.invoke(args, buffer);
        byte[] b = new byte[(Integer) type.getMethod("readableBytes").invoke(buffer)];
        type.getMethod("readBytes", byte[].class).invoke(buffer, b);
        for (int i = 0; i < b.length && b[i] == '$' && out.size() < most; ) {
            int n = 0;
            for (i++; b[i] != '\r'; i++) {
                n = n * 10 + b[i] - '0';
            }
            byte[] one = new byte[n];
            System.arraycopy(b, i + 2, one, 0, n);
            out.add(one);
            i += n + 4;
        }
    }
}

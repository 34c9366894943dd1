package dev.jindu.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.jindu.Refused;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A connection whose server answers each command by its text shows that no reply goes to another command. */
class RedisTest {
    private static final class Wire implements Redis.Wire {
        private Redis.State state;
        private final ArrayDeque<String> replies = new ArrayDeque<>();
        final List<String> seen = new ArrayList<>();
        boolean connected;
        boolean refusing;

        @Override
        public Redis.State jindu$state() {
            return state;
        }

        @Override
        public void jindu$state(Redis.State s) {
            state = s;
        }

        @Override
        public boolean jindu$connected() {
            return connected;
        }

        @Override
        public void jindu$client(byte[][] args) {
            send("CLIENT", args);
        }

        @Override
        public Object jindu$read() {
            Redis.reading(this);
            String r = replies.remove();
            if (r.startsWith("-")) {
                throw new IllegalStateException(r);
            }
            return r.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public void jindu$flush() {}

        /** As the woven sendCommand does. */
        void send(String command, byte[]... args) {
            Redis.sending(this, command.getBytes(StandardCharsets.US_ASCII), args);
            Redis.connecting(this);
            connected = true;
            StringBuilder text = new StringBuilder(command);
            for (byte[] a : args) {
                text.append(' ').append(new String(a, StandardCharsets.UTF_8));
            }
            seen.add(text.toString());
            replies.add(command.equals("CLIENT") ? refusing ? "-NOPERM" : "OK" : text.toString());
            Redis.sent(this);
        }

        String read() {
            return new String((byte[]) jindu$read(), StandardCharsets.UTF_8);
        }

        void lost() {
            connected = false;
            replies.clear();
        }
    }

    private static final byte[] KEY = {'k'};

    @BeforeEach
    void behindAProxy() {
        Settings.use(Settings.parse("redis=proxy"));
    }

    @AfterEach
    void nobody() {
        Settings.use(Settings.parse(""));
        Local.set(null);
    }

    private static Context context(int run, char side) {
        return Context.of("jindu:" + String.format("%016x", run) + ":" + side + ":1:1", side == 's' ? "m" : null);
    }

    @Test
    void everyReplyGoesToItsCommand() {
        Random random = new Random(1);
        Wire w = new Wire();
        ArrayDeque<String> waiting = new ArrayDeque<>();
        String name = "";
        for (int i = 0; i < 20_000; i++) {
            int what = random.nextInt(10);
            if (what < 5) {
                Context c = random.nextInt(3) == 0 ? null : context(random.nextInt(4), 'p');
                Local.set(c);
                String arg = "k" + i;
                w.send("SET", arg.getBytes(StandardCharsets.UTF_8));
                waiting.add("SET " + arg);
                String want = c == null ? "" : c.mark;
                if (!want.equals(name)) {
                    assertEquals("CLIENT SETNAME " + want, w.seen.get(w.seen.size() - 2));
                    name = want;
                }
                assertEquals("SET " + arg, w.seen.get(w.seen.size() - 1));
            } else if (what < 9 && !waiting.isEmpty()) {
                assertEquals(waiting.remove(), w.read());
            } else if (random.nextInt(50) == 0) {
                w.lost();
                waiting.clear();
                name = "";
            }
        }
    }

    @Test
    void aNameTheApplicationGaveComesBack() {
        Wire w = new Wire();
        w.send("CLIENT", "SETNAME".getBytes(StandardCharsets.US_ASCII), "own".getBytes(StandardCharsets.US_ASCII));
        Local.set(context(1, 'p'));
        w.send("GET", KEY);
        Local.set(null);
        w.send("GET", KEY);
        assertEquals("CLIENT SETNAME own", w.seen.get(3));
        assertEquals("OK", w.read());
        assertEquals("GET k", w.read());
        assertEquals("GET k", w.read());
    }

    @Test
    void nothingIsSaidInsideATransaction() {
        Wire w = new Wire();
        Local.set(context(1, 'p'));
        w.send("MULTI");
        Local.set(context(2, 's'));
        assertThrows(Refused.class, () -> w.send("SET", KEY));
        Local.set(context(3, 'p'));
        w.send("SET", KEY);
        w.send("EXEC");
        w.send("GET", KEY);
        assertEquals(6, w.seen.size());
        assertEquals("CLIENT SETNAME " + context(3, 'p').mark, w.seen.get(4));
    }

    @Test
    void aShadowIsSureOfItsNameOrRefused() {
        Wire w = new Wire();
        Local.set(context(1, 's'));
        w.send("SET", KEY);
        assertEquals("SET k", w.read());
        w.send("SET", KEY); // not read yet
        Local.set(context(2, 's'));
        assertThrows(Refused.class, () -> w.send("SET", KEY));
        Wire refusing = new Wire();
        refusing.refusing = true;
        assertThrows(IllegalStateException.class, () -> refusing.send("SET", KEY));
        Settings.use(Settings.parse(""));
        assertThrows(Refused.class, () -> new Wire().send("SET", KEY));
        new Wire().send("GET", KEY);
    }
}

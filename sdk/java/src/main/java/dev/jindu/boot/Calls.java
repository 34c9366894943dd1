package dev.jindu.boot;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.util.Locale;

/** What the hooks of all HTTP clients have in common: who may be called, and the record of a call. */
final class Calls {
    private Calls() {}

    /** Begins the record of a call, or refuses it. */
    static Effect begin(Context c, String method, String scheme, String host, int port, String path, String query) throws IOException {
        String h = host == null ? "" : host.toLowerCase(Locale.ROOT);
        int p = port > 0 ? port : "https".equalsIgnoreCase(scheme) ? 443 : 80;
        // The same form as sdk/effects gives it, so that a Go side compares with a Java side.
        Effect e = new Effect(Effect.CALL, method == null ? "GET" : method, host + (port > 0 ? ":" + port : "") + (path == null ? "" : path));
        if (query != null && !query.isEmpty()) {
            e.arg(query);
        }
        if (c.shadow && (c.mark == null || !Settings.get().forward.contains(h + ":" + p))) {
            c.add(e.fate("refused"));
            throw new IOException("jindu: a shadow's call to " + h + ":" + p + " was not let out: "
                    + (c.mark == null ? "its mark is lost" : "the agent's option forward does not name it"));
        }
        return e.fate("unknown");
    }

    static Effect begin(Context c, String method, URL u) throws IOException {
        return begin(c, method, u.getProtocol(), u.getHost(), u.getPort(), u.getPath(), u.getQuery());
    }

    static Effect begin(Context c, String method, URI u) throws IOException {
        return begin(c, method, u.getScheme(), u.getHost(), u.getPort(), u.getRawPath(), u.getRawQuery());
    }

    /** The call is about to leave: from here on a request with an unsafe method cannot be taken back. */
    static void going(Context c, Effect e) {
        if (!e.op.equals("GET") && !e.op.equals("HEAD") && !e.op.equals("OPTIONS")) {
            c.happened();
        }
    }

    /** The call was answered. */
    static void done(Effect e) {
        e.fate = null;
    }

    /** Keeps a body as far as the bound goes. */
    static final class Body extends ByteArrayOutputStream {
        private final Effect effect;

        Body(Effect effect) {
            super(256);
            this.effect = effect;
        }

        @Override
        public synchronized void write(int b) {
            if (count < Effect.BODY_MOST) {
                super.write(b);
            } else {
                effect.truncated = true;
            }
        }

        @Override
        public synchronized void write(byte[] b, int off, int len) {
            int n = Math.min(len, Effect.BODY_MOST - count);
            super.write(b, off, n);
            if (n < len) {
                effect.truncated = true;
            }
        }

        void keep() {
            effect.body = toByteArray();
        }
    }
}

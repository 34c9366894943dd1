package dev.jindu.boot;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.HttpURLConnection;

/** Hooks of HttpURLConnection. */
public final class UrlOut {
    private static final WeakIds<Call> CALLS = new WeakIds<>();

    private UrlOut() {}

    private static final class Call {
        final Context context;
        final Effect effect;
        Calls.Body body;
        boolean over;

        Call(Context context, Effect effect) {
            this.context = context;
            this.effect = effect;
        }
    }

    /** Before a connection does anything on the network: marks it once. */
    public static Object before(HttpURLConnection c) throws IOException {
        Local l = Local.get();
        Context ctx = l.context;
        if (ctx == null || l.own > 0) {
            return null;
        }
        Call call = CALLS.get(c);
        if (call != null) {
            return call;
        }
        Effect e = Calls.begin(ctx, c.getRequestMethod(), c.getURL());
        try {
            if (ctx.mark != null) {
                c.setRequestProperty(Mark.HEADER, ctx.mark);
                if (ctx.shadowHeader != null) {
                    c.setRequestProperty(Mark.SHADOW_HEADER, ctx.shadowHeader);
                }
            }
        } catch (IllegalStateException ex) {
            // Connected before the request came.
            if (ctx.shadow) {
                throw new IOException("jindu: a shadow's call was not let out: its connection was open before and cannot be marked", ex);
            }
        }
        Calls.going(ctx, e);
        call = new Call(ctx, e);
        CALLS.add(c, call);
        ctx.add(e);
        return call;
    }

    /** After getOutputStream: what is written is recorded too. */
    public static OutputStream output(Object token, OutputStream out) {
        if (token == null || out == null) {
            return out;
        }
        Call call = (Call) token;
        call.context.happened();
        if (call.body == null) {
            call.body = new Calls.Body(call.effect);
        }
        Calls.Body body = call.body;
        return new FilterOutputStream(out) {
            @Override
            public void write(int b) throws IOException {
                out.write(b);
                body.write(b);
            }

            @Override
            public void write(byte[] b, int off, int len) throws IOException {
                out.write(b, off, len);
                body.write(b, off, len);
            }

            @Override
            public void close() throws IOException {
                out.close();
            }
        };
    }

    /** After getInputStream, whether it gave a stream or threw. */
    public static void answered(Object token, HttpURLConnection c) {
        if (token == null) {
            return;
        }
        Call call = (Call) token;
        if (call.over) {
            return;
        }
        call.over = true;
        if (call.body != null) {
            call.body.keep();
        }
        try {
            call.effect.op = c.getRequestMethod(); // GET became POST when there was a body
            if (c.getResponseCode() > 0) {
                Calls.done(call.effect);
            }
        } catch (IOException e) {
            // No answer: the outcome is unknown.
        }
    }
}

package dev.jindu.boot;

/** Hooks of the JDK's HTTP server: a request's headers become a context, and its handler's end the run's. */
public final class HttpIn {
    static final String REFUSED_HEADER = "X-Jindu-Refused";
    private static final String EXCHANGE = "com.sun.net.httpserver.HttpExchange";
    private static final String HEADERS = "com.sun.net.httpserver.Headers";
    private static final Reach REQUEST_HEADERS = new Reach(EXCHANGE, "getRequestHeaders");
    private static final Reach RESPONSE_HEADERS = new Reach(EXCHANGE, "getResponseHeaders");
    private static final Reach SENT = new Reach(EXCHANGE, "getResponseCode");
    private static final Reach SEND = new Reach(EXCHANGE, "sendResponseHeaders", "int", "long");
    private static final Reach CLOSE = new Reach(EXCHANGE, "close");
    private static final Reach FIRST = new Reach(HEADERS, "getFirst", "java.lang.String");
    private static final Reach SET = new Reach(HEADERS, "set", "java.lang.String", "java.lang.String");

    private HttpIn() {}

    private static final class Entered {
        final Local local;
        final Context before;
        final Context context;
        final Object exchange;

        Entered(Local local, Context before, Context context, Object exchange) {
            this.local = local;
            this.before = before;
            this.context = context;
            this.exchange = exchange;
        }
    }

    /** Before a chain of filters; filters call it again for what is behind them, and then it does nothing. */
    public static Object enter(Object exchange) throws Throwable {
        Local l = Local.get();
        if (l.context != null) {
            return null;
        }
        Context c;
        try {
            Object headers = REQUEST_HEADERS.call(exchange);
            String mark = (String) FIRST.call(headers, Mark.HEADER);
            String shadow = (String) FIRST.call(headers, Mark.SHADOW_HEADER);
            c = Context.of(mark, shadow);
        } catch (RuntimeException e) {
            Log.once("cannot read the marks of requests", e);
            return null;
        }
        if (c == null) {
            return null;
        }
        l.context = c;
        return new Entered(l, null, c, exchange);
    }

    public static void leave(Object token) {
        if (token != null) {
            Entered e = (Entered) token;
            e.local.context = e.before;
            e.context.close();
        }
    }

    /** After a failure: null when it was answered here, else what the server is to be told. */
    public static Throwable fail(Object token, Throwable why) {
        if (token == null) {
            return why;
        }
        Entered e = (Entered) token;
        try {
            if (e.context.refusable() && Jdbc.fenced(why) && (Integer) SENT.call(e.exchange) == -1) {
                SET.call(RESPONSE_HEADERS.call(e.exchange), REFUSED_HEADER, "fenced");
                SEND.call(e.exchange, (Object) 503, (Object) (-1L));
                CLOSE.call(e.exchange);
                return null;
            }
        } catch (Throwable t) {
            why.addSuppressed(t);
        } finally {
            leave(token);
        }
        return why;
    }

    /** Hook of HttpExchange.sendResponseHeaders: the status to send. */
    public static int status(Object exchange, int status) {
        if (status < 500) {
            return status;
        }
        Context c = Local.get().context;
        if (c == null || !c.refusable()) {
            return status;
        }
        try {
            SET.call(RESPONSE_HEADERS.call(exchange), REFUSED_HEADER, "fenced");
            return 503;
        } catch (Throwable t) {
            Log.once("cannot answer that a request was fenced", t);
            return status;
        }
    }
}

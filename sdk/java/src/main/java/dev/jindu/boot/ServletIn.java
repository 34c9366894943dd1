package dev.jindu.boot;

import java.lang.reflect.Proxy;

/** Hooks of javax and jakarta servlets and filters; the outermost of a request makes the context. */
public final class ServletIn {
    private static final String ATTRIBUTE = "dev.jindu.context";
    private static final String REQUEST = "$.servlet.http.HttpServletRequest";
    private static final String PLAIN = "$.servlet.ServletRequest";
    private static final String RESPONSE = "$.servlet.http.HttpServletResponse";
    private static final Reach.Either HEADER = new Reach.Either(REQUEST, "getHeader", "java.lang.String");
    private static final Reach.Either GET = new Reach.Either(PLAIN, "getAttribute", "java.lang.String");
    private static final Reach.Either PUT = new Reach.Either(PLAIN, "setAttribute", "java.lang.String", "java.lang.Object");
    private static final Reach.Either ASYNC = new Reach.Either(PLAIN, "isAsyncStarted");
    private static final Reach.Either ASYNC_CONTEXT = new Reach.Either(PLAIN, "getAsyncContext");
    private static final Reach.Either LISTEN = new Reach.Either("$.servlet.AsyncContext", "addListener", "$.servlet.AsyncListener");
    private static final Reach.Either COMMITTED = new Reach.Either("$.servlet.ServletResponse", "isCommitted");
    private static final Reach.Either RESET = new Reach.Either("$.servlet.ServletResponse", "reset");
    private static final Reach.Either STATUS = new Reach.Either(RESPONSE, "setStatus", "int");
    private static final Reach.Either SET = new Reach.Either(RESPONSE, "setHeader", "java.lang.String", "java.lang.String");

    private ServletIn() {}

    private static final class Entered {
        final String family;
        final Local local;
        final Context before;
        final Context context;
        final Object request;
        final Object response;

        Entered(String family, Local local, Context before, Context context, Object request, Object response) {
            this.family = family;
            this.local = local;
            this.before = before;
            this.context = context;
            this.request = request;
            this.response = response;
        }
    }

    public static Object enterJavax(Object request, Object response) {
        return enter("javax", request, response);
    }

    public static Object enterJakarta(Object request, Object response) {
        return enter("jakarta", request, response);
    }

    private static Object enter(String family, Object request, Object response) {
        Local l = Local.get();
        try {
            if (l.context != null) {
                return null;
            }
            Class<?> http = Class.forName(REQUEST.replace("$", family), false, request.getClass().getClassLoader());
            if (!http.isInstance(request)) {
                return null;
            }
            String mark = (String) HEADER.in(family).call(request, Mark.HEADER);
            String shadow = (String) HEADER.in(family).call(request, Mark.SHADOW_HEADER);
            if (mark == null && shadow == null) {
                return null;
            }
            // An asynchronous request comes again, on another thread.
            Object kept = GET.in(family).call(request, ATTRIBUTE);
            Context c = kept instanceof Context ? (Context) kept : Context.of(mark, shadow);
            if (c == null) {
                return null;
            }
            if (kept == null) {
                PUT.in(family).call(request, ATTRIBUTE, c);
            }
            l.context = c;
            return new Entered(family, l, null, c, request, response);
        } catch (Throwable t) {
            Log.once("cannot read the marks of requests", t);
            return null;
        }
    }

    public static void leave(Object token) {
        if (token == null) {
            return;
        }
        Entered e = (Entered) token;
        e.local.context = e.before;
        try {
            if ((Boolean) ASYNC.in(e.family).call(e.request)) {
                listen(e);
                return;
            }
        } catch (Throwable t) {
            Log.once("cannot follow an asynchronous request; its run ends with its handler", t);
        }
        e.context.close();
    }

    private static void listen(Entered e) throws Throwable {
        Object async = ASYNC_CONTEXT.in(e.family).call(e.request);
        Class<?> type = Class.forName(e.family + ".servlet.AsyncListener", false, async.getClass().getClassLoader());
        Context c = e.context;
        LISTEN.in(e.family).call(async, Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> {
            switch (method.getName()) {
                case "onComplete":
                    c.close();
                    return null;
                case "equals":
                    return proxy == args[0];
                case "hashCode":
                    return System.identityHashCode(proxy);
                case "toString":
                    return "jindu";
                default:
                    return null;
            }
        }));
    }

    /** After a failure: null when it was answered here, else what the container is to be told. */
    public static Throwable fail(Object token, Throwable why) {
        if (token == null) {
            return why;
        }
        Entered e = (Entered) token;
        try {
            if (e.context.refusable() && Jdbc.fenced(why) && !(Boolean) COMMITTED.in(e.family).call(e.response)) {
                RESET.in(e.family).call(e.response);
                SET.in(e.family).call(e.response, HttpIn.REFUSED_HEADER, "fenced");
                STATUS.in(e.family).call(e.response, (Object) 503);
                return null;
            }
        } catch (Throwable t) {
            why.addSuppressed(t);
        } finally {
            leave(token);
        }
        return why;
    }

    public static int statusJavax(Object response, int status) {
        return status("javax", response, status);
    }

    public static int statusJakarta(Object response, int status) {
        return status("jakarta", response, status);
    }

    /** Hook of setStatus and sendError of responses: the status to send. */
    private static int status(String family, Object response, int status) {
        if (status < 500) {
            return status;
        }
        Context c = Local.get().context;
        if (c == null || !c.refusable()) {
            return status;
        }
        try {
            SET.in(family).call(response, HttpIn.REFUSED_HEADER, "fenced");
            return 503;
        } catch (Throwable t) {
            Log.once("cannot answer that a request was fenced", t);
            return status;
        }
    }
}

package dev.jindu.boot;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Hooks of java.net.http.HttpClient. Its requests do not change: a marked one is a copy. */
public final class ClientOut {
    private static final String REQUEST = "java.net.http.HttpRequest";
    private static final String BUILDER = "java.net.http.HttpRequest$Builder";
    private static final String PUBLISHER = "java.net.http.HttpRequest$BodyPublisher";
    private static final Reach URI_OF = new Reach(REQUEST, "uri");
    private static final Reach METHOD = new Reach(REQUEST, "method");
    private static final Reach HEADERS = new Reach(REQUEST, "headers");
    private static final Reach MAP = new Reach("java.net.http.HttpHeaders", "map");
    private static final Reach BODY = new Reach(REQUEST, "bodyPublisher");
    private static final Reach TIMEOUT = new Reach(REQUEST, "timeout");
    private static final Reach VERSION = new Reach(REQUEST, "version");
    private static final Reach EXPECT = new Reach(REQUEST, "expectContinue");
    private static final Reach SET_URI = new Reach(BUILDER, "uri", "java.net.URI");
    private static final Reach SET_METHOD = new Reach(BUILDER, "method", "java.lang.String", PUBLISHER);
    private static final Reach ADD_HEADER = new Reach(BUILDER, "header", "java.lang.String", "java.lang.String");
    private static final Reach SET_TIMEOUT = new Reach(BUILDER, "timeout", "java.time.Duration");
    private static final Reach SET_VERSION = new Reach(BUILDER, "version", "java.net.http.HttpClient$Version");
    private static final Reach SET_EXPECT = new Reach(BUILDER, "expectContinue", "boolean");
    private static final Reach BUILD = new Reach(BUILDER, "build");

    private ClientOut() {}

    private static final class Sent {
        Effect effect;
        Object request;
        IOException refused;
    }

    /** Before a request is sent; the token goes to request, failed and sent. */
    public static Object enter(Object request) {
        Local l = Local.get();
        Context c = l.context;
        if (c == null || l.own > 0 || request == null) {
            return null;
        }
        Sent s = new Sent();
        try {
            s.effect = Calls.begin(c, (String) METHOD.call(request), (URI) URI_OF.call(request));
            s.request = c.mark == null ? request : copy(c, request, s.effect);
            Calls.going(c, s.effect);
            c.add(s.effect);
        } catch (IOException e) {
            s.refused = e;
        } catch (Throwable t) {
            Log.once("cannot mark requests of java.net.http", t);
            if (!c.shadow) {
                return null;
            }
            s.refused = new IOException("jindu: a shadow's call was not let out: it cannot be marked", t);
        }
        return s;
    }

    /** The request to send. */
    public static Object request(Object token, Object request) {
        return token == null || ((Sent) token).request == null ? request : ((Sent) token).request;
    }

    /** A failed answer when the call was refused, else null. */
    public static CompletableFuture<?> failed(Object token) {
        if (token == null || ((Sent) token).refused == null) {
            return null;
        }
        CompletableFuture<?> f = new CompletableFuture<>();
        f.completeExceptionally(((Sent) token).refused);
        return f;
    }

    /** After a request was sent: its answer ends the record. */
    public static void sent(Object token, CompletableFuture<?> answer) {
        if (token == null || answer == null) {
            return;
        }
        Effect e = ((Sent) token).effect;
        answer.whenComplete((response, why) -> {
            if (response != null) {
                Calls.done(e);
            }
        });
    }

    @SuppressWarnings("unchecked")
    private static Object copy(Context c, Object request, Effect effect) throws Throwable {
        Class<?> type = Reach.named(REQUEST, request.getClass());
        Object b = MethodHandles.publicLookup().unreflect(type.getMethod("newBuilder")).invoke();
        SET_URI.call(b, URI_OF.call(request));
        for (Map.Entry<String, List<String>> h : ((Map<String, List<String>>) MAP.call(HEADERS.call(request))).entrySet()) {
            if (!h.getKey().equalsIgnoreCase(Mark.HEADER) && !h.getKey().equalsIgnoreCase(Mark.SHADOW_HEADER)) {
                for (String v : h.getValue()) {
                    ADD_HEADER.call(b, h.getKey(), v);
                }
            }
        }
        ADD_HEADER.call(b, Mark.HEADER, c.mark);
        if (c.shadowHeader != null) {
            ADD_HEADER.call(b, Mark.SHADOW_HEADER, c.shadowHeader);
        }
        Optional<?> body = (Optional<?>) BODY.call(request);
        if (body.isPresent()) {
            SET_METHOD.call(b, METHOD.call(request), Reporter.on() ? tee(type, body.get(), effect) : body.get());
        } else {
            Object none = Class.forName(REQUEST + "$BodyPublishers", false, type.getClassLoader()).getMethod("noBody").invoke(null);
            SET_METHOD.call(b, METHOD.call(request), none);
        }
        Optional<?> timeout = (Optional<?>) TIMEOUT.call(request);
        if (timeout.isPresent()) {
            SET_TIMEOUT.call(b, timeout.get());
        }
        Optional<?> version = (Optional<?>) VERSION.call(request);
        if (version.isPresent()) {
            SET_VERSION.call(b, version.get());
        }
        SET_EXPECT.call(b, EXPECT.call(request));
        return BUILD.call(b);
    }

    /** A publisher that keeps what it publishes. */
    private static Object tee(Class<?> type, Object publisher, Effect effect) throws ClassNotFoundException {
        Class<?> t = Reach.named(PUBLISHER, type);
        return Proxy.newProxyInstance(t.getClassLoader(), new Class<?>[] {t}, (proxy, method, args) -> {
            if (method.getName().equals("subscribe") && args != null && args.length == 1 && args[0] != null) {
                args[0] = tee(method.getParameterTypes()[0], args[0], new Calls.Body(effect));
            }
            return invoke(publisher, method, args);
        });
    }

    private static Object tee(Class<?> type, Object subscriber, Calls.Body body) {
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> {
            if (method.getName().equals("onNext") && args[0] instanceof ByteBuffer) {
                ByteBuffer b = ((ByteBuffer) args[0]).duplicate();
                byte[] bytes = new byte[Math.min(b.remaining(), Effect.BODY_MOST + 1)];
                b.get(bytes);
                body.write(bytes, 0, bytes.length);
            } else if (method.getName().equals("onComplete")) {
                body.keep();
            }
            return invoke(subscriber, method, args);
        });
    }

    private static Object invoke(Object on, Method method, Object[] args) throws Throwable {
        try {
            return method.invoke(on, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}

package dev.jindu.boot;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Methods of libraries that this package cannot name. They are looked up once for each loader, on public types,
 * and called through handles.
 */
final class Reach {
    private final String type;
    private final String method;
    private final String[] parameters;
    private final ClassValue<MethodHandle> handles = new ClassValue<MethodHandle>() {
        @Override
        protected MethodHandle computeValue(Class<?> c) {
            return find(c);
        }
    };

    /** A method of a public type. A parameter is a primitive's or class's name, by the type's loader. */
    Reach(String type, String method, String... parameters) {
        this.type = type;
        this.method = method;
        this.parameters = parameters;
    }

    Object call(Object on) throws Throwable {
        return handles.get(on.getClass()).invokeExact(on);
    }

    Object call(Object on, Object a) throws Throwable {
        return handles.get(on.getClass()).invokeExact(on, a);
    }

    Object call(Object on, Object a, Object b) throws Throwable {
        return handles.get(on.getClass()).invokeExact(on, a, b);
    }

    private MethodHandle find(Class<?> c) {
        try {
            Class<?> t = named(type, c);
            Class<?>[] p = new Class<?>[parameters.length];
            for (int i = 0; i < p.length; i++) {
                p[i] = named(parameters[i], c);
            }
            Method m = t.getMethod(method, p);
            return MethodHandles.publicLookup().unreflect(m).asType(java.lang.invoke.MethodType.genericMethodType(1 + p.length));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("jindu: " + type + "." + method + " is not as known", e);
        }
    }

    static Class<?> named(String name, Class<?> from) throws ClassNotFoundException {
        switch (name) {
            case "int":
                return int.class;
            case "long":
                return long.class;
            case "boolean":
                return boolean.class;
            case "byte[]":
                return byte[].class;
            default:
                return Class.forName(name, false, from.getClassLoader());
        }
    }

    /** A Reach for each of some types that say the same, such as javax and jakarta. */
    static final class Either {
        private final ConcurrentHashMap<String, Reach> byType = new ConcurrentHashMap<>();
        private final String name;
        private final String method;
        private final String[] parameters;

        /** {@code $} in a name stands for javax or jakarta. */
        Either(String name, String method, String... parameters) {
            this.name = name;
            this.method = method;
            this.parameters = parameters;
        }

        Reach in(String family) {
            Reach r = byType.get(family);
            if (r == null) {
                String[] p = parameters.clone();
                for (int i = 0; i < p.length; i++) {
                    p[i] = p[i].replace("$", family);
                }
                r = new Reach(name.replace("$", family), method, p);
                byType.put(family, r);
            }
            return r;
        }
    }
}

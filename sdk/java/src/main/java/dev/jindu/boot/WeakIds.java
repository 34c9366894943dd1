package dev.jindu.boot;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.concurrent.ConcurrentHashMap;

/** Values beside objects, by identity, for as long as the objects live. Bounded; what is over is not kept. */
final class WeakIds<V> {
    private static final int MOST = 100_000;

    private final ConcurrentHashMap<Object, V> map = new ConcurrentHashMap<>();
    private final ReferenceQueue<Object> gone = new ReferenceQueue<>();

    boolean isEmpty() {
        return map.isEmpty();
    }

    V get(Object o) {
        return map.isEmpty() ? null : map.get(new Probe(o));
    }

    V remove(Object o) {
        return map.isEmpty() ? null : map.remove(new Probe(o));
    }

    /** Keeps a value where there is none; false where there is one, or no room. */
    boolean add(Object o, V v) {
        for (Reference<?> r; (r = gone.poll()) != null; ) {
            map.remove(r);
        }
        return map.size() < MOST && map.putIfAbsent(new Key(o, gone), v) == null;
    }

    private static final class Key extends WeakReference<Object> {
        final int hash;

        Key(Object o, ReferenceQueue<Object> q) {
            super(o, q);
            hash = System.identityHashCode(o);
        }

        @Override
        public int hashCode() {
            return hash;
        }

        @Override
        public boolean equals(Object other) {
            if (this == other) {
                return true;
            }
            Object o = get();
            return o != null && (other instanceof Key ? ((Key) other).get() == o : other instanceof Probe && ((Probe) other).o == o);
        }
    }

    private static final class Probe {
        final Object o;

        Probe(Object o) {
            this.o = o;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(o);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Key && ((Key) other).get() == o;
        }
    }
}

package dev.jindu.boot;

import java.util.ArrayList;
import java.util.Collection;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.FutureTask;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Carries contexts to other threads. What a pool cannot look into (the callable of a FutureTask, a lambda, a
 * function of a CompletableFuture) is wrapped; a task of a class of its own stays itself, because pools and
 * queues may cast or compare it, and its context is kept beside it.
 */
public final class Tasks {
    private static final WeakIds<Context> ATTACHED = new WeakIds<>();
    private static final WeakIds<Context> THREADS = new WeakIds<>();
    private static final ClassLoader PLATFORM = ClassLoader.getSystemClassLoader().getParent();

    private Tasks() {}

    private static Context carried() {
        Local l = Local.get();
        return l.quiet > 0 ? null : l.context;
    }

    // Executors.

    /** Hook of ThreadPoolExecutor.execute. */
    public static Runnable execute(Runnable r) {
        Context c = carried();
        if (c == null || r == null || r instanceof FutureTask || r instanceof Carried || r instanceof CompletableFuture.AsynchronousCompletionTask) {
            return r;
        }
        if (!lambda(r) && ATTACHED.add(r, c)) {
            return r;
        }
        return new CarriedRunnable(c, r);
    }

    /** Hook of ThreadPoolExecutor.runWorker, before each task: a worker never keeps the context of the last. */
    public static void begin(Runnable r) {
        Local.get().context = ATTACHED.remove(r);
    }

    /** Hook of ThreadPoolExecutor.runWorker, after each task. */
    public static void end() {
        Local.get().context = null;
    }

    /** Hook of ThreadPoolExecutor.remove: finds a wrapped task by the one that it wraps. */
    public static Runnable find(Runnable r) {
        return r == null || r instanceof FutureTask || r instanceof Carried || !lambda(r) ? r : new Finder(r);
    }

    private static boolean lambda(Object o) {
        return o.getClass().getName().indexOf("$$Lambda") >= 0;
    }

    // Fork and join.

    public static Runnable fork(Runnable r) {
        Context c = carried();
        if (c == null || r == null || r instanceof Carried) {
            return r;
        }
        if (r instanceof ForkJoinTask) {
            attach((ForkJoinTask<?>) r);
            return r;
        }
        return new CarriedRunnable(c, r);
    }

    /** Hook of whatever gives a ForkJoinTask to a pool. */
    public static ForkJoinTask<?> attach(ForkJoinTask<?> t) {
        Context c = carried();
        if (c != null && t != null && !(t instanceof CompletableFuture.AsynchronousCompletionTask)) {
            ATTACHED.add(t, c);
        }
        return t;
    }

    /** Hook of ForkJoinTask.doExec; a joining thread may run another request's task in the middle of its own. */
    public static Object enter(ForkJoinTask<?> t) {
        if (ATTACHED.isEmpty()) {
            return null;
        }
        Context c = ATTACHED.remove(t);
        if (c == null) {
            return null;
        }
        Local l = Local.get();
        Object before = l.context == null ? Tasks.class : l.context;
        l.context = c;
        return before;
    }

    public static void leave(Object before) {
        if (before != null) {
            Local.get().context = before == Tasks.class ? null : (Context) before;
        }
    }

    // Threads.

    /** Hook of Thread.start. The context is taken up when the new thread first asks for one. */
    public static void start(Thread t) {
        Context c = carried();
        if (c != null && !infrastructure(t.getClass())) {
            THREADS.add(t, c);
        }
    }

    static Context started(Thread t) {
        return THREADS.remove(t);
    }

    /** Says whether threads of a class outlive the request that happens to start them. */
    private static boolean infrastructure(Class<?> c) {
        if (c == Thread.class) {
            return false;
        }
        String n = c.getName();
        ClassLoader l = c.getClassLoader();
        if (l == null || l == PLATFORM) {
            return !n.startsWith("java.lang.");
        }
        return n.startsWith("io.netty.") || n.startsWith("reactor.") || n.startsWith("org.apache.kafka.")
                || n.startsWith("org.apache.rocketmq.") || n.endsWith("FastThreadLocalThread");
    }

    // Wrapping of what is opaque to its holder.

    public static <V> Callable<V> wrap(Callable<V> f) {
        Context c = carried();
        return c == null || f == null || f instanceof Carried ? f : new CarriedCallable<>(c, f);
    }

    public static Runnable wrap(Runnable f) {
        Context c = carried();
        return c == null || f == null || f instanceof Carried ? f : new CarriedRunnable(c, f);
    }

    public static <V> Collection<? extends Callable<V>> wrapAll(Collection<? extends Callable<V>> all) {
        if (all == null || carried() == null) {
            return all;
        }
        Collection<Callable<V>> out = new ArrayList<>(all.size());
        for (Callable<V> f : all) {
            out.add(wrap(f));
        }
        return out;
    }

    public static <T> Supplier<T> wrap(Supplier<T> f) {
        Context c = carried();
        return c == null || f == null ? f : () -> {
            Context before = Local.set(c);
            try {
                return f.get();
            } finally {
                Local.set(before);
            }
        };
    }

    public static <A, R> Function<A, R> wrap(Function<A, R> f) {
        Context c = carried();
        return c == null || f == null ? f : a -> {
            Context before = Local.set(c);
            try {
                return f.apply(a);
            } finally {
                Local.set(before);
            }
        };
    }

    public static <A, B, R> BiFunction<A, B, R> wrap(BiFunction<A, B, R> f) {
        Context c = carried();
        return c == null || f == null ? f : (a, b) -> {
            Context before = Local.set(c);
            try {
                return f.apply(a, b);
            } finally {
                Local.set(before);
            }
        };
    }

    public static <A> Consumer<A> wrap(Consumer<A> f) {
        Context c = carried();
        return c == null || f == null ? f : a -> {
            Context before = Local.set(c);
            try {
                f.accept(a);
            } finally {
                Local.set(before);
            }
        };
    }

    public static <A, B> BiConsumer<A, B> wrap(BiConsumer<A, B> f) {
        Context c = carried();
        return c == null || f == null ? f : (a, b) -> {
            Context before = Local.set(c);
            try {
                f.accept(a, b);
            } finally {
                Local.set(before);
            }
        };
    }

    private interface Carried {}

    private static final class CarriedRunnable implements Runnable, Carried {
        final Context context;
        final Runnable task;

        CarriedRunnable(Context context, Runnable task) {
            this.context = context;
            this.task = task;
        }

        @Override
        public void run() {
            Context before = Local.set(context);
            try {
                task.run();
            } finally {
                Local.set(before);
            }
        }

        @Override
        public String toString() {
            return task.toString();
        }
    }

    private static final class CarriedCallable<V> implements Callable<V>, Carried {
        final Context context;
        final Callable<V> task;

        CarriedCallable(Context context, Callable<V> task) {
            this.context = context;
            this.task = task;
        }

        @Override
        public V call() throws Exception {
            Context before = Local.set(context);
            try {
                return task.call();
            } finally {
                Local.set(before);
            }
        }

        @Override
        public String toString() {
            return task.toString();
        }
    }

    /** Equals a task, wrapped or not: queues ask the argument of remove. */
    private static final class Finder implements Runnable {
        final Runnable task;

        Finder(Runnable task) {
            this.task = task;
        }

        @Override
        public void run() {
            task.run();
        }

        @Override
        public int hashCode() {
            return task.hashCode();
        }

        @Override
        public boolean equals(Object other) {
            return task.equals(other instanceof CarriedRunnable ? ((CarriedRunnable) other).task : other);
        }
    }
}

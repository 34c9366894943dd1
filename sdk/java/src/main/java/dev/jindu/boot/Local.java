package dev.jindu.boot;

/** What a thread knows: the context that it works for, and how deep it is in hooks. One look-up gives all. */
public final class Local {
    private static final ThreadLocal<Local> LOCAL = new ThreadLocal<Local>() {
        @Override
        protected Local initialValue() {
            return new Local(Tasks.started(Thread.currentThread()));
        }
    };

    Context context;
    /** Depth of JDBC calls: a pool's statement calls the driver's, and only the outer counts. */
    int jdbc;
    /** Over 0 while infrastructure starts its threads and timers, which outlive the request. */
    int quiet;
    /** Over 0 while a hook itself talks to a database, Redis or a node. */
    int own;

    private Local(Context context) {
        this.context = context;
    }

    static Local get() {
        return LOCAL.get();
    }

    /** The context that this thread works for, or null. */
    public static Context current() {
        return LOCAL.get().context;
    }

    /** Sets the context and returns the former; for use with a finally that sets the former again. */
    public static Context set(Context c) {
        Local l = LOCAL.get();
        Context before = l.context;
        l.context = c;
        return before;
    }

    /** Hook: from here to {@link #loud} nothing is carried to other threads. */
    public static Object hush() {
        Local l = LOCAL.get();
        l.quiet++;
        return l;
    }

    public static void loud(Object token) {
        ((Local) token).quiet--;
    }
}

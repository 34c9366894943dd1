package dev.jindu;

import dev.jindu.boot.Context;
import dev.jindu.boot.Local;
import dev.jindu.boot.Mark;
import dev.jindu.boot.Tasks;
import java.util.concurrent.Callable;

/** What a service that can be changed asks and says of the request that it works for. */
public final class Jindu {
    private Jindu() {}

    /** The mark of the request that this thread works for, or null. */
    public static String mark() {
        Context c = Local.current();
        return c == null ? null : c.mark;
    }

    /** Says whether this thread works for a copy of a request, whose effects must not reach what users own. */
    public static boolean isShadow() {
        Context c = Local.current();
        return c != null && c.shadow;
    }

    /**
     * Runs something for a mark that came by a way that the agent does not know, such as a message's header
     * jindu-mark, or for nobody when it is null. The run ends with it.
     */
    public static <T> T run(String mark, Callable<T> what) throws Exception {
        Context c = Context.of(mark, null);
        if (mark != null && c == null) {
            throw new IllegalArgumentException("mark " + mark + " is none; give the text of a " + Mark.MESSAGE_HEADER + " or " + Mark.HEADER + " header");
        }
        Context before = Local.set(c);
        try {
            return what.call();
        } finally {
            Local.set(before);
            if (c != null) {
                c.close();
            }
        }
    }

    /** Binds a task to the request of this thread, for an executor that the agent does not know. */
    public static Runnable carry(Runnable task) {
        return Tasks.wrap(task);
    }

    /** Binds a task to the request of this thread, for an executor that the agent does not know. */
    public static <T> Callable<T> carry(Callable<T> task) {
        return Tasks.wrap(task);
    }
}

package dev.jindu.boot;

import java.util.ArrayList;
import java.util.List;

/**
 * What a request carries with it through the service: its mark, and what it did so far. One for each run; it is
 * shared by all threads that work for the request.
 */
public final class Context {
    /** Effects of one report element; more go in further elements. */
    static final int CHUNK = 256;

    public final String mark;
    public final boolean shadow;
    /** The value of X-Jindu-Shadow as received, or null. */
    public final String shadowHeader;
    public final long epoch;
    public final int bucket;
    final String run;
    /** What is put before SQL. */
    final String comment;

    private List<Effect> effects = new ArrayList<>();
    private int statements;
    private boolean closed;
    private boolean fenced;
    /** Something of this run happened that cannot be taken back. */
    private boolean happened;

    private Context(Mark mark, boolean shadow, String shadowHeader) {
        this.mark = mark == null ? null : mark.text;
        this.shadow = shadow;
        this.shadowHeader = shadowHeader;
        this.epoch = mark == null ? 0 : mark.epoch;
        this.bucket = mark == null ? -1 : mark.bucket;
        this.run = mark == null ? null : mark.run;
        this.comment = mark == null ? null : "/*" + mark.text + "*/ ";
    }

    /**
     * The context of the two headers, or null when the request is not marked. A shadow whose mark is missing,
     * broken or a user's has a context without a mark: nothing of it gets out.
     */
    public static Context of(String markHeader, String shadowHeader) {
        if (markHeader == null && shadowHeader == null) {
            return null;
        }
        Mark m = Mark.parse(markHeader);
        if (shadowHeader != null) {
            return new Context(m != null && m.shadow ? m : null, true, shadowHeader);
        }
        return m == null ? null : new Context(m, m.shadow, null);
    }

    synchronized void add(Effect e) {
        if (e.fate == null) {
            happened = true;
        }
        if (run == null || !Reporter.on()) {
            return;
        }
        effects.add(e);
        if (closed || effects.size() >= CHUNK) {
            hand(closed);
        }
    }

    synchronized void statements(int n) {
        statements += n;
    }

    synchronized void happened() {
        happened = true;
    }

    /** A write of this run was refused by the fence. */
    public synchronized void fenced() {
        fenced = true;
    }

    /** Says that the request may be answered as if it had never come: it was fenced before it did anything. */
    synchronized boolean refusable() {
        return fenced && !happened;
    }

    synchronized int statements() {
        return statements;
    }

    /** Ends the run; what comes late is told as such. */
    public void close() {
        synchronized (this) {
            if (closed || run == null) {
                return;
            }
            closed = true;
            if (Reporter.on()) {
                hand(true);
            }
        }
    }

    private void hand(boolean end) {
        List<Effect> e = effects;
        effects = end ? new ArrayList<>(0) : new ArrayList<>();
        Reporter.offer(new Reporter.Item(run, e, end, end ? statements : 0));
    }
}

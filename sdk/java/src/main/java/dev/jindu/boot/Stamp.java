package dev.jindu.boot;

/** What is known of a prepared statement. */
public final class Stamp {
    static final Stamp READS = new Stamp(null, false, true);
    static final Stamp WRITES = new Stamp(null, true, false);

    /** The context in which it was prepared, whose mark it carries; null without. */
    final Context context;
    final boolean writes;
    final boolean marked;
    /** Entries of its batch. */
    int batch;

    Stamp(Context context, boolean writes, boolean marked) {
        this.context = context;
        this.writes = writes;
        this.marked = marked;
    }

    /** Woven into statements, so that a stamp is found without a look-up. */
    public interface Bearer {
        Stamp jindu$stamp();

        void jindu$stamp(Stamp s);
    }
}

package dev.jindu.boot;

/** What is known of a connection's transaction; kept only where the fence is asked for. */
public final class Tx {
    /** The context whose fence was checked in the transaction that is open, or null. */
    public Context checked;
    /** The database's kind, when known. */
    public String dialect;

    /** Woven into connections, so that it is found without a look-up. */
    public interface Bearer {
        Tx jindu$tx();

        void jindu$tx(Tx t);
    }
}

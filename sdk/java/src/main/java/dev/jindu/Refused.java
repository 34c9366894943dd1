package dev.jindu;

/** Something that a shadow run was about to do was not let out. */
public final class Refused extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    public Refused(String message) {
        super(message);
    }
}

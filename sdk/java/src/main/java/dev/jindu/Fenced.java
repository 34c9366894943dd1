package dev.jindu;

import java.sql.SQLTransientException;

/**
 * A newer epoch has taken the bucket of the request: the other side writes for this subject now. The transaction
 * was rolled back. Answer 503 with {@code X-Jindu-Refused: fenced}; the agent does so itself where the request
 * ends by this exception, or in a status of 500 or more, and did nothing before.
 */
public final class Fenced extends SQLTransientException {
    private static final long serialVersionUID = 1L;

    public Fenced(String message) {
        super(message, "45000");
    }
}

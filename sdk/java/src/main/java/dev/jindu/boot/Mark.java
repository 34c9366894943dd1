package dev.jindu.boot;

/** The mark of a request: {@code jindu:<run>:<p|s>:<epoch>:<bucket|->}. */
public final class Mark {
    public static final String HEADER = "X-Jindu-Mark";
    public static final String SHADOW_HEADER = "X-Jindu-Shadow";
    public static final String MESSAGE_HEADER = "jindu-mark";
    static final String PREFIX = "jindu:";
    static final int BUCKETS = 10_000;

    final String text;
    final String run;
    final boolean shadow;
    final long epoch;
    /** -1 without a subject. */
    final int bucket;

    private Mark(String text, String run, boolean shadow, long epoch, int bucket) {
        this.text = text;
        this.run = run;
        this.shadow = shadow;
        this.epoch = epoch;
        this.bucket = bucket;
    }

    /** Reads a mark; anything but exactly one is null: a mark is never guessed. */
    public static Mark parse(String s) {
        if (s == null || s.length() > 54 || !s.startsWith(PREFIX)) {
            return null;
        }
        int a = PREFIX.length();
        int b = a + 16;
        if (s.length() < b + 6 || s.charAt(b) != ':' || s.charAt(b + 2) != ':') {
            return null;
        }
        for (int i = a; i < b; i++) {
            char c = s.charAt(i);
            if (!(c >= '0' && c <= '9' || c >= 'a' && c <= 'f')) {
                return null;
            }
        }
        char side = s.charAt(b + 1);
        int colon = s.indexOf(':', b + 3);
        if (side != 'p' && side != 's' || colon < 0) {
            return null;
        }
        long epoch = number(s, b + 3, colon);
        boolean subject = !(s.length() == colon + 2 && s.charAt(colon + 1) == '-');
        long bucket = subject ? number(s, colon + 1, s.length()) : -1;
        if (epoch < 0 || subject && (bucket < 0 || bucket >= BUCKETS)) {
            return null;
        }
        return new Mark(s, s.substring(a, b), side == 's', epoch, (int) bucket);
    }

    /** A decimal number without sign or leading zeros, or -1. */
    private static long number(String s, int from, int to) {
        int n = to - from;
        if (n < 1 || n > 19 || n > 1 && s.charAt(from) == '0') {
            return -1;
        }
        long v = 0;
        for (int i = from; i < to; i++) {
            int d = s.charAt(i) - '0';
            if (d < 0 || d > 9 || v > (Long.MAX_VALUE - d) / 10) {
                return -1;
            }
            v = v * 10 + d;
        }
        return v;
    }
}

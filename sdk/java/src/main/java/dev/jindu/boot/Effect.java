package dev.jindu.boot;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** One thing that a run did; the Java form of v1.Effect. */
final class Effect {
    static final String REDIS = "redis";
    static final String MESSAGE = "message";
    static final String CALL = "call";
    static final int BODY_MOST = 64 << 10;
    private static final int TARGET_MOST = 1024;
    private static final int ARGS_MOST = 4096;

    final String kind;
    final String target;
    final List<String> args = new ArrayList<>(2);
    // The outcome of a call may come while the reporter writes: the last one written wins.
    volatile String op;
    volatile byte[] body;
    volatile boolean truncated;
    volatile String fate;
    private int argBytes;

    Effect(String kind, String op, String target) {
        this.kind = kind;
        this.op = op;
        this.target = target.length() > TARGET_MOST ? target.substring(0, TARGET_MOST) : target;
        this.truncated = target.length() > TARGET_MOST;
    }

    void arg(String s) {
        if (args.size() >= ARGS_MOST || argBytes + s.length() > BODY_MOST) {
            truncated = true;
            return;
        }
        argBytes += s.length();
        args.add(s);
    }

    void arg(byte[] b) {
        String s = text(b);
        arg(s != null ? s : Base64.getEncoder().encodeToString(b));
    }

    Effect fate(String f) {
        fate = f;
        return this;
    }

    int size() {
        byte[] b = body;
        return 128 + target.length() + argBytes + (b == null ? 0 : b.length);
    }

    void write(StringBuilder out) {
        out.append("{\"kind\":\"").append(kind).append("\",\"op\":");
        Json.string(out, op);
        out.append(",\"target\":");
        Json.string(out, target);
        if (!args.isEmpty()) {
            out.append(",\"args\":[");
            String comma = "";
            for (String a : args) {
                out.append(comma);
                Json.string(out, a);
                comma = ",";
            }
            out.append(']');
        }
        byte[] b = body;
        if (b != null && b.length > 0) {
            String t = text(b);
            out.append(",\"body\":");
            Json.string(out, t != null ? t : Base64.getEncoder().encodeToString(b));
            if (t == null) {
                out.append(",\"base64\":true");
            }
        }
        String f = fate;
        if (f != null) {
            out.append(",\"fate\":\"").append(f).append('"');
        }
        if (truncated) {
            out.append(",\"truncated\":true");
        }
        out.append('}');
    }

    /** The bytes as text, or null when they are no UTF-8. */
    private static String text(byte[] b) {
        try {
            return StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT).decode(ByteBuffer.wrap(b)).toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }
}

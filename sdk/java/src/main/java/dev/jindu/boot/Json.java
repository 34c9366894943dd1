package dev.jindu.boot;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Map;

/** Writes JSON; the reports and the outbox need no more than this. */
public final class Json {
    private static final char[] HEX = "0123456789abcdef".toCharArray();

    private Json() {}

    public static void string(StringBuilder out, String s) {
        out.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20) {
                out.append("\\u00").append(HEX[c >> 4]).append(HEX[c & 15]);
            } else if (Character.isSurrogate(c) && !paired(s, i)) {
                out.append("\\ufffd");
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    private static boolean paired(String s, int i) {
        return Character.isHighSurrogate(s.charAt(i)) ? i + 1 < s.length() && Character.isLowSurrogate(s.charAt(i + 1))
                : i > 0 && Character.isHighSurrogate(s.charAt(i - 1));
    }

    /** An object of column and canonical text, in the map's order; null is SQL's NULL. */
    public static String columns(Map<String, ?> columns) {
        StringBuilder out = new StringBuilder(64).append('{');
        for (Map.Entry<String, ?> e : columns.entrySet()) {
            if (out.length() > 1) {
                out.append(',');
            }
            string(out, e.getKey());
            out.append(':');
            Object v = e.getValue();
            if (v == null) {
                out.append("null");
            } else {
                string(out, canonical(e.getKey(), v));
            }
        }
        return out.append('}').toString();
    }

    private static String canonical(String column, Object v) {
        if (v instanceof String || v instanceof Long || v instanceof Integer || v instanceof Short || v instanceof Byte || v instanceof BigInteger) {
            return v.toString();
        }
        return Canonical.text(column, v);
    }
}

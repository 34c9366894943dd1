package dev.jindu.boot;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.UUID;

/** The canonical text of values, the same as the node's: see internal/migrate/row. */
final class Canonical {
    private static final char[] HEX = "0123456789abcdef".toCharArray();

    private Canonical() {}

    static String text(String column, Object v) {
        if (v instanceof Boolean || v instanceof UUID) {
            return v.toString();
        }
        if (v instanceof BigDecimal) {
            return decimal((BigDecimal) v);
        }
        if (v instanceof Double || v instanceof Float) {
            double d = ((Number) v).doubleValue();
            return Double.isNaN(d) || Double.isInfinite(d) ? Double.toString(d) : floating(new BigDecimal(v.toString()));
        }
        if (v instanceof byte[]) {
            byte[] b = (byte[]) v;
            StringBuilder out = new StringBuilder(2 * b.length);
            for (byte x : b) {
                out.append(HEX[x >> 4 & 15]).append(HEX[x & 15]);
            }
            return out.toString();
        }
        if (v instanceof LocalDate) {
            return v.toString();
        }
        if (v instanceof LocalTime) {
            return clock((LocalTime) v);
        }
        if (v instanceof LocalDateTime) {
            return local((LocalDateTime) v);
        }
        if (v instanceof Instant) {
            return local(LocalDateTime.ofInstant((Instant) v, ZoneOffset.UTC)) + "Z";
        }
        if (v instanceof OffsetDateTime) {
            return text(column, ((OffsetDateTime) v).toInstant());
        }
        if (v instanceof ZonedDateTime) {
            return text(column, ((ZonedDateTime) v).toInstant());
        }
        throw new IllegalArgumentException("column " + column + " has a " + v.getClass().getName()
                + ", of which the text is not certain; give a String, number, Boolean, byte[], LocalDate, LocalTime, LocalDateTime, Instant or UUID");
    }

    private static String decimal(BigDecimal d) {
        return d.signum() == 0 ? "0" : d.stripTrailingZeros().toPlainString();
    }

    /** As Go's strconv writes it with 'g' and the shortest digits. */
    private static String floating(BigDecimal d) {
        BigDecimal s = d.signum() == 0 ? BigDecimal.ZERO : d.stripTrailingZeros();
        int exp = s.precision() - s.scale() - 1;
        if (d.signum() == 0 || exp >= -4 && exp < 6) {
            return decimal(d);
        }
        String digits = s.unscaledValue().abs().toString();
        return (s.signum() < 0 ? "-" : "") + digits.charAt(0) + (digits.length() > 1 ? "." + digits.substring(1) : "")
                + (exp < 0 ? "e-" : "e+") + (Math.abs(exp) < 10 ? "0" : "") + Math.abs(exp);
    }

    private static String local(LocalDateTime t) {
        return t.toLocalDate() + "T" + clock(t.toLocalTime());
    }

    private static String clock(LocalTime t) {
        StringBuilder out = new StringBuilder(15);
        two(out, t.getHour()).append(':');
        two(out, t.getMinute()).append(':');
        two(out, t.getSecond());
        int micros = t.getNano() / 1000;
        if (micros > 0) {
            String digits = Integer.toString(1_000_000 + micros).substring(1);
            int n = 6;
            while (digits.charAt(n - 1) == '0') {
                n--;
            }
            out.append('.').append(digits, 0, n);
        }
        return out.toString();
    }

    private static StringBuilder two(StringBuilder out, int n) {
        return (n < 10 ? out.append('0') : out).append(n);
    }
}

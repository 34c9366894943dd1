package dev.jindu.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class JsonTest {
    private static String canonical(Object v) {
        String s = Json.columns(Collections.singletonMap("c", v));
        return s.substring(5, s.length() - 1);
    }

    @Test
    void valuesHaveOneText() {
        Map<Object, String> want = new LinkedHashMap<>();
        want.put("a\"b\\\n\u0001\ud800é😀", "\"a\\\"b\\\\\\u000a\\u0001\\ufffdé😀\"");
        want.put(-7, "\"-7\"");
        want.put(new BigDecimal("12.500"), "\"12.5\"");
        want.put(new BigDecimal("1E+3"), "\"1000\"");
        want.put(new BigDecimal("-0.00"), "\"0\"");
        want.put(0.5, "\"0.5\"");
        want.put(1e21, "\"1e+21\"");
        want.put(-1.5e-7, "\"-1.5e-07\"");
        want.put(Double.NEGATIVE_INFINITY, "\"-Infinity\"");
        want.put(true, "\"true\"");
        want.put(new byte[] {0, (byte) 0xab}, "\"00ab\"");
        want.put(LocalDate.of(2024, 2, 9), "\"2024-02-09\"");
        want.put(LocalTime.of(7, 5, 0, 120_000_999), "\"07:05:00.12\"");
        want.put(LocalDateTime.of(2024, 2, 9, 0, 0), "\"2024-02-09T00:00:00\"");
        want.put(Instant.ofEpochSecond(0, 1000), "\"1970-01-01T00:00:00.000001Z\"");
        want.put(OffsetDateTime.parse("2024-02-09T08:00:00+08:00"), "\"2024-02-09T00:00:00Z\"");
        want.put(UUID.fromString("0000000A-0000-0000-0000-000000000001"), "\"0000000a-0000-0000-0000-000000000001\"");
        want.forEach((v, text) -> assertEquals(text, canonical(v)));
        assertEquals("null", canonical(null));
        assertThrows(IllegalArgumentException.class, () -> canonical(new java.util.Date()));
    }

    @Test
    void aReportIsWrittenAsTheNodeReadsIt() {
        Effect call = new Effect(Effect.CALL, "POST", "pay:80/x");
        call.arg("q=1");
        call.body = "{\"a\":1}".getBytes(StandardCharsets.UTF_8);
        Effect redis = new Effect(Effect.REDIS, "SET", "k").fate("refused");
        redis.arg(new byte[] {(byte) 0xff});
        Effect message = new Effect(Effect.MESSAGE, "send", String.join("", Collections.nCopies(2000, "x")));
        message.body = new byte[] {(byte) 0xff};
        List<Reporter.Item> batch = new ArrayList<>();
        batch.add(new Reporter.Item("00000000000000aa", Arrays.asList(call, redis), false, 0));
        batch.add(new Reporter.Item("00000000000000ab", Collections.singletonList(message), true, 2));
        assertEquals("{\"runs\":[{\"run\":\"00000000000000aa\",\"effects\":[{\"kind\":\"call\",\"op\":\"POST\",\"target\":\"pay:80/x\",\"args\":[\"q=1\"],\"body\":\"{\\\"a\\\":1}\"},"
                + "{\"kind\":\"redis\",\"op\":\"SET\",\"target\":\"k\",\"args\":[\"/w==\"],\"fate\":\"refused\"}]},"
                + "{\"run\":\"00000000000000ab\",\"effects\":[{\"kind\":\"message\",\"op\":\"send\",\"target\":\"" + String.join("", Collections.nCopies(1024, "x"))
                + "\",\"body\":\"/w==\",\"base64\":true,\"truncated\":true}],\"closed\":true,\"statements\":2}],\"lost\":3}", Reporter.json(batch, 3));
    }

    @Test
    void argumentsAreBounded() {
        Effect e = new Effect(Effect.REDIS, "MSET", "k");
        for (int i = 0; i < 5000; i++) {
            e.arg("v");
        }
        assertEquals(4096, e.args.size());
        assertTrue(e.truncated);
        Effect big = new Effect(Effect.REDIS, "SET", "k");
        big.arg(new byte[70_000]);
        assertEquals(0, big.args.size());
        assertTrue(big.truncated);
    }
}

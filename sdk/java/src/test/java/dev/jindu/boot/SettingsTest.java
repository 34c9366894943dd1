package dev.jindu.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsTest {
    @Test
    void optionsAreRead() {
        Settings s = Settings.parse("node=http://127.0.0.1:8090/,service=shop,forward=Pay.example:443, b:80,sql=proxy,redis=proxy,fence=optional,topics=shadow-,tokenFile=/t");
        assertEquals("http://127.0.0.1:8090", s.node);
        assertEquals("shop", s.service);
        assertEquals(new HashSet<>(Arrays.asList("pay.example:443", "b:80")), s.forward);
        assertTrue(s.sqlProxy);
        assertTrue(s.redisProxy);
        assertEquals("optional", s.fence);
        assertEquals("shadow-", s.topics);
        assertEquals("/t", s.tokenFile);
    }

    @Test
    void withoutOptionsShadowsGetNowhere() {
        for (String none : new String[] {null, "", " "}) {
            Settings s = Settings.parse(none);
            assertNull(s.node);
            assertFalse(s.sqlProxy);
            assertFalse(s.redisProxy);
            assertTrue(s.forward.isEmpty());
            assertNull(s.topics);
            assertEquals("off", s.fence);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "nodes=x|option nodes is not known", "node=http://x|belong together", "service=x|belong together", "sql=yes|it may be direct, proxy", "fence=maybe|it may be false, true, optional",
        "forward=host|write host:port", "forward=a:1,b|write host:port", "forward=a:0|write host:port", "sql=proxy,sql=proxy|given twice", "topics=|is empty", "node=ftp://x,service=y|node's address",
        "node=http://u:p@x,service=y|node's address", "word|has no value"
    })
    void whatIsWrongIsTold(String options, String why) {
        String said = assertThrows(IllegalArgumentException.class, () -> Settings.parse(options)).getMessage();
        assertTrue(said.contains(why), said);
    }
}

package dev.jindu.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MarkTest {
    private static final String RUN = "5f0c9a1b22334455";

    @Test
    void aMarkIsRead() {
        Mark m = Mark.parse("jindu:" + RUN + ":p:12:4711");
        assertEquals(RUN, m.run);
        assertFalse(m.shadow);
        assertEquals(12, m.epoch);
        assertEquals(4711, m.bucket);
        m = Mark.parse("jindu:" + RUN + ":s:9223372036854775807:-");
        assertTrue(m.shadow);
        assertEquals(Long.MAX_VALUE, m.epoch);
        assertEquals(-1, m.bucket);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "jindu", "jindu:" + RUN, "jindu:" + RUN + ":p:1:", "jindu:" + RUN + ":p:1", "jindu:" + RUN + ":x:1:1", "jindu:" + RUN + ":p::1",
        "jindu:" + RUN + ":p:01:1", "jindu:" + RUN + ":p:1:01", "jindu:" + RUN + ":p:-1:1", "jindu:" + RUN + ":p:+1:1", "jindu:" + RUN + ":p:1:10000",
        "jindu:" + RUN + ":p:9223372036854775808:1", "jindu:" + RUN + ":p:1:1 ", " jindu:" + RUN + ":p:1:1", "jindu:" + RUN + ":p:1:1:1", "jindu:" + RUN + ":p:1:--",
        "jindu:5f0c9a1b2233445:p:1:1", "jindu:5F0C9A1B22334455:p:1:1", "jindu:5f0c9a1b2233445g:p:1:1", "jindu:" + RUN + ":p:1:1*/ DROP", "jindu:" + RUN + ":p:\u0661:1"
    })
    void anythingElseIsNone(String s) {
        assertNull(Mark.parse(s));
    }

    @Test
    void aShadowWithoutAMarkOfAShadowHasNone() {
        String user = "jindu:" + RUN + ":p:1:1";
        String shadow = "jindu:" + RUN + ":s:1:1";
        assertNull(Context.of(null, null));
        assertNull(Context.of("broken", null));
        assertEquals(user, Context.of(user, null).mark);
        assertTrue(Context.of(shadow, null).shadow);
        assertEquals(shadow, Context.of(shadow, "m").mark);
        for (String lost : new String[] {null, "", "broken", user}) {
            Context c = Context.of(lost, "m");
            assertNotNull(c);
            assertTrue(c.shadow);
            assertNull(c.mark);
            assertNull(c.comment);
        }
    }
}

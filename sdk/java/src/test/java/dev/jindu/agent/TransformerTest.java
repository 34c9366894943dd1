package dev.jindu.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.jindu.boot.Settings;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.sql.ResultSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.util.CheckClassAdapter;

class TransformerTest {
    private final Transformer transformer = new Transformer(Settings.parse("fence=true"));

    /** Not a driver's, but it has the shape: branches, loops and handlers around its returns. */
    abstract static class Shape {
        public ResultSet executeQuery(String sql) throws java.sql.SQLException {
            for (int i = 0; i < sql.length(); i++) {
                try {
                    if (sql.charAt(i) == 'x') {
                        return null;
                    }
                } catch (IndexOutOfBoundsException e) {
                    throw new java.sql.SQLException(e);
                } finally {
                    sql = sql.trim();
                }
            }
            synchronized (this) {
                return sql.isEmpty() ? other() : null;
            }
        }

        public java.sql.PreparedStatement prepareStatement(String sql) {
            long wide = sql.length();
            double d = wide;
            return d > 3 ? null : (java.sql.PreparedStatement) other();
        }

        public void setAutoCommit(boolean on) {
            if (on) {
                throw new IllegalStateException();
            }
        }

        abstract ResultSet other();
    }

    private static byte[] bytes(String name) throws Exception {
        try (InputStream in = ClassLoader.getSystemResourceAsStream(name + ".class")) {
            assertNotNull(in, name);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] b = new byte[8192];
            for (int n; (n = in.read(b)) >= 0; ) {
                out.write(b, 0, n);
            }
            return out.toByteArray();
        }
    }

    private byte[] woven(ClassLoader loader, String name) throws Exception {
        byte[] out = transformer.transform(loader, name, null, null, bytes(name));
        assertNotNull(out, name + " is not woven");
        StringWriter said = new StringWriter();
        CheckClassAdapter.verify(new ClassReader(out), ClassLoader.getSystemClassLoader(), false, new PrintWriter(said));
        assertEquals("", said.toString(), name);
        return out;
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "java/util/concurrent/ThreadPoolExecutor", "java/util/concurrent/ScheduledThreadPoolExecutor", "java/util/concurrent/FutureTask", "java/util/concurrent/ForkJoinPool",
        "java/util/concurrent/ForkJoinTask", "java/util/concurrent/CompletableFuture", "java/lang/Thread", "com/sun/net/httpserver/Filter$Chain",
        "sun/net/httpserver/HttpExchangeImpl", "sun/net/www/protocol/http/HttpURLConnection", "jdk/internal/net/http/HttpClientImpl"
    })
    void theJdksClassesAreWovenAndHold(String name) throws Exception {
        assert transformer.knows(name);
        woven(null, name);
    }

    @Test
    void whatLooksLikeADriverIsWovenAndHolds() throws Exception {
        String name = Shape.class.getName().replace('.', '/');
        // This package is never woven; under another name the same class is.
        assertNull(transformer.transform(getClass().getClassLoader(), name, null, null, bytes(name)));
        byte[] out = transformer.transform(getClass().getClassLoader(), "some/Driver", null, null, bytes(name));
        assertNotNull(out);
        StringWriter said = new StringWriter();
        CheckClassAdapter.verify(new ClassReader(out), getClass().getClassLoader(), false, new PrintWriter(said));
        assertEquals("", said.toString());
    }

    @Test
    void otherClassesAreLeftAlone() throws Exception {
        byte[] b = bytes("dev/jindu/agent/TransformerTest");
        assertNull(transformer.transform(getClass().getClassLoader(), "some/Test", null, null, b));
        assertNull(transformer.transform(null, "java/lang/String", null, null, bytes("java/lang/String")));
        assertNull(transformer.transform(getClass().getClassLoader(), null, null, null, b));
        assertNull(transformer.transform(getClass().getClassLoader(), "redis/clients/jedis/Connection", null, null, b));
    }
}

package dev.jindu.agent;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.instrument.Instrumentation;
import java.net.URI;
import java.nio.file.Files;
import java.util.Enumeration;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;

/**
 * Where the JVM begins. It names nothing of the hooks: they must be first seen by the bootstrap loader, to which a
 * copy of their classes is given here.
 */
public final class Premain {
    private static final String HOOKS = "dev/jindu/boot/";
    private static final String REFUSED = "dev/jindu/Refused.class";

    private Premain() {}

    /** Begins the agent, or says on standard error why it stays off; the application runs either way. */
    public static void premain(String options, Instrumentation on) {
        try {
            on.appendToBootstrapClassLoaderSearch(new JarFile(hooks()));
            Agent.begin(options, on);
        } catch (Throwable t) {
            System.err.println("jindu: the agent is off: " + (t instanceof IllegalArgumentException ? t.getMessage() : t.toString()));
        }
    }

    private static File hooks() throws Exception {
        URI self = Premain.class.getProtectionDomain().getCodeSource().getLocation().toURI();
        File boot = File.createTempFile("jindu-hooks", ".jar");
        boot.deleteOnExit();
        try (JarFile in = new JarFile(new File(self)); OutputStream file = Files.newOutputStream(boot.toPath()); JarOutputStream out = new JarOutputStream(file)) {
            for (Enumeration<JarEntry> all = in.entries(); all.hasMoreElements(); ) {
                JarEntry e = all.nextElement();
                if (!e.isDirectory() && (e.getName().startsWith(HOOKS) || e.getName().equals(REFUSED))) {
                    out.putNextEntry(new JarEntry(e.getName()));
                    copy(in.getInputStream(e), out);
                    out.closeEntry();
                }
            }
        }
        return boot;
    }

    private static void copy(InputStream in, OutputStream out) throws IOException {
        byte[] b = new byte[8192];
        for (int n; (n = in.read(b)) >= 0; ) {
            out.write(b, 0, n);
        }
    }
}

package dev.jindu.agent;

import dev.jindu.agent.Around.Rule;
import dev.jindu.agent.Around.Woven;
import dev.jindu.boot.Local;
import dev.jindu.boot.Log;
import dev.jindu.boot.Settings;
import java.lang.instrument.ClassFileTransformer;
import java.nio.charset.StandardCharsets;
import java.security.ProtectionDomain;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.WeakHashMap;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/** Finds the classes to weave as the JVM loads them; all others cost a look at their name or constants. */
final class Transformer implements ClassFileTransformer {
    private static final byte[] SQL = ascii("java/sql/");
    private static final byte[] JAVAX = ascii("javax/servlet/");
    private static final byte[] JAKARTA = ascii("jakarta/servlet/");
    private static final String[] NEVER = {"java/", "jdk/", "sun/", "com/sun/", "javax/", "dev/jindu/", "kotlin/", "scala/", "org/objectweb/asm/", "net/bytebuddy/"};

    private final Map<String, Rule> byName = new HashMap<>();
    private final Map<ClassLoader, Boolean> sees = Collections.synchronizedMap(new WeakHashMap<>());
    private final boolean fence;

    Transformer(Settings s) {
        fence = !s.fence.equals("off");
        Jdk.add(byName);
        Libraries.add(byName);
    }

    boolean knows(String name) {
        return byName.containsKey(name);
    }

    /** Loads what weaving needs, so that it does not happen in the middle of loading another class. */
    void warm() {
        try (java.io.InputStream in = ClassLoader.getSystemResourceAsStream("java/util/concurrent/FutureTask.class")) {
            java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
            byte[] b = new byte[8192];
            for (int n; in != null && (n = in.read(b)) >= 0; ) {
                out.write(b, 0, n);
            }
            if (out.size() > 0) {
                weave(null, "java/util/concurrent/FutureTask", out.toByteArray());
            }
        } catch (java.io.IOException e) {
            Log.once("cannot read the JDK's classes", e);
        }
    }

    @Override
    public byte[] transform(ClassLoader loader, String name, Class<?> redefined, ProtectionDomain domain, byte[] bytes) {
        if (name == null) {
            return null;
        }
        try {
            return weave(loader, name, bytes);
        } catch (Throwable t) {
            Log.once("cannot weave " + name + ", it is left as it is", t);
            return null;
        }
    }

    private byte[] weave(ClassLoader loader, String name, byte[] bytes) {
        Rule rule = byName.get(name);
        if (rule != null) {
            return sees(loader) ? woven(bytes, (in, out) -> new ByRule(out, name, rule)) : null;
        }
        switch (name) {
            case Jedis.CONNECTION:
                return sees(loader) ? woven(bytes, Jedis::of) : null;
            case Lettuce.COMMAND:
            case Lettuce.HANDLER:
            case Lettuce.CHANNEL:
                return sees(loader) ? woven(bytes, (in, out) -> new Lettuce(out, name)) : null;
            case "javax/servlet/http/HttpServlet":
                return sees(loader) ? woven(bytes, (in, out) -> Servlets.of(in, out, "javax")) : null;
            default:
        }
        if (loader == null || name.contains("$Proxy") || never(name)) {
            return null;
        }
        boolean sql = has(bytes, SQL);
        boolean javax = has(bytes, JAVAX);
        boolean jakarta = has(bytes, JAKARTA);
        if (!sql && !javax && !jakarta || !sees(loader)) {
            return null;
        }
        return woven(bytes, (in, out) -> {
            ClassVisitor v = sql ? Drivers.of(in, out, fence) : null;
            if (v == null && javax) {
                v = Servlets.of(in, out, "javax");
            }
            return v == null && jakarta ? Servlets.of(in, out, "jakarta") : v;
        });
    }

    private interface Visitors {
        ClassVisitor of(ClassReader in, ClassVisitor out);
    }

    private static byte[] woven(byte[] bytes, Visitors visitors) {
        ClassReader in = new ClassReader(bytes);
        ClassWriter out = new ClassWriter(in, ClassWriter.COMPUTE_MAXS);
        ClassVisitor v = visitors.of(in, out);
        if (v == null) {
            return null;
        }
        in.accept(v, ClassReader.EXPAND_FRAMES);
        return out.toByteArray();
    }

    private static boolean never(String name) {
        for (String n : NEVER) {
            if (name.startsWith(n)) {
                return true;
            }
        }
        return false;
    }

    /** Says whether classes of a loader find the hooks; in a module system that hides them they must stay as they are. */
    private boolean sees(ClassLoader loader) {
        if (loader == null) {
            return true;
        }
        Boolean known = sees.get(loader);
        if (known == null) {
            try {
                known = Class.forName(Local.class.getName(), false, loader) == Local.class;
            } catch (ClassNotFoundException | LinkageError e) {
                known = false;
            }
            if (!known) {
                Log.once("classes of " + loader.getClass().getName() + " cannot see the agent and are left as they are; let it delegate the package dev.jindu.boot", null);
            }
            sees.put(loader, known);
        }
        return known;
    }

    private static boolean has(byte[] bytes, byte[] word) {
        byte first = word[0];
        int last = bytes.length - word.length;
        outer:
        for (int i = 0; i <= last; i++) {
            if (bytes[i] != first) {
                continue;
            }
            for (int k = 1; k < word.length; k++) {
                if (bytes[i + k] != word[k]) {
                    continue outer;
                }
            }
            return true;
        }
        return false;
    }

    private static byte[] ascii(String s) {
        return s.getBytes(StandardCharsets.US_ASCII);
    }

    /** Weaves the methods that a rule wants. */
    private static final class ByRule extends ClassVisitor {
        private final String name;
        private final Rule rule;

        ByRule(ClassVisitor out, String name, Rule rule) {
            super(Opcodes.ASM9, out);
            this.name = name;
            this.rule = rule;
        }

        @Override
        public MethodVisitor visitMethod(int access, String method, String desc, String signature, String[] exceptions) {
            MethodVisitor mv = super.visitMethod(access, method, desc, signature, exceptions);
            if (mv == null || (access & (Opcodes.ACC_ABSTRACT | Opcodes.ACC_NATIVE)) != 0) {
                return mv;
            }
            MethodVisitor out = rule.weave(new Woven(name, mv, access, method, desc));
            return out == null ? mv : out;
        }
    }
}

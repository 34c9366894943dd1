package dev.jindu.agent;

import dev.jindu.agent.Around.Woven;
import java.util.HashSet;
import java.util.Set;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.FieldVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * The rules for JDBC. Drivers and pools are known by the methods that they declare, whatever they are called; hooks
 * look at run time whether they have a statement before them, and whether another one is above it.
 */
final class Drivers extends ClassVisitor {
    private static final String STRING = "(Ljava/lang/String;)";
    private static final String STAMP = "Ldev/jindu/boot/Stamp;";
    private static final String TX = "Ldev/jindu/boot/Tx;";

    private final Kinds kinds;
    private final boolean fence;
    private String owner;

    private Drivers(ClassVisitor out, Kinds kinds, boolean fence) {
        super(Opcodes.ASM9, out);
        this.kinds = kinds;
        this.fence = fence;
    }

    /** What a class declares of JDBC. */
    private static final class Kinds extends ClassVisitor {
        boolean connection;
        boolean statement;
        boolean prepared;

        Kinds() {
            super(Opcodes.ASM9);
        }

        @Override
        public MethodVisitor visitMethod(int access, String name, String desc, String signature, String[] exceptions) {
            if ((access & (Opcodes.ACC_ABSTRACT | Opcodes.ACC_STATIC)) == 0) {
                connection |= name.equals("prepareStatement") && desc.equals(STRING + "Ljava/sql/PreparedStatement;");
                statement |= name.equals("executeQuery") && desc.equals(STRING + "Ljava/sql/ResultSet;");
                prepared |= name.equals("executeQuery") && desc.equals("()Ljava/sql/ResultSet;");
            }
            return null;
        }
    }

    /** A visitor that weaves a class, or null when there is nothing to weave in it. */
    static ClassVisitor of(ClassReader in, ClassVisitor out, boolean fence) {
        if ((in.getAccess() & Opcodes.ACC_INTERFACE) != 0) {
            return null;
        }
        Kinds k = new Kinds();
        in.accept(k, ClassReader.SKIP_CODE | ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
        return k.connection || k.statement || k.prepared ? new Drivers(out, k, fence) : null;
    }

    @Override
    public void visit(int version, int access, String name, String signature, String superName, String[] interfaces) {
        owner = name;
        Set<String> all = new HashSet<>();
        java.util.List<String> with = new java.util.ArrayList<>(java.util.Arrays.asList(interfaces));
        all.addAll(with);
        if ((kinds.statement || kinds.prepared) && all.add("dev/jindu/boot/Stamp$Bearer")) {
            with.add("dev/jindu/boot/Stamp$Bearer");
        }
        if (kinds.connection && fence && all.add("dev/jindu/boot/Tx$Bearer")) {
            with.add("dev/jindu/boot/Tx$Bearer");
        }
        super.visit(version, access, name, signature, superName, with.toArray(new String[0]));
    }

    @Override
    public void visitEnd() {
        if (kinds.statement || kinds.prepared) {
            property(cv, owner, "jindu$stamp", STAMP);
        }
        if (kinds.connection && fence) {
            property(cv, owner, "jindu$tx", TX);
        }
        super.visitEnd();
    }

    /** A field with a method to read it and one to set it. */
    static void property(ClassVisitor cv, String owner, String name, String type) {
        FieldVisitor f = cv.visitField(Opcodes.ACC_PRIVATE | Opcodes.ACC_TRANSIENT | Opcodes.ACC_SYNTHETIC, name, type, null, null);
        f.visitEnd();
        MethodVisitor get = cv.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_SYNTHETIC, name, "()" + type, null, null);
        get.visitCode();
        get.visitVarInsn(Opcodes.ALOAD, 0);
        get.visitFieldInsn(Opcodes.GETFIELD, owner, name, type);
        get.visitInsn(Opcodes.ARETURN);
        get.visitMaxs(1, 1);
        get.visitEnd();
        MethodVisitor set = cv.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_SYNTHETIC, name, "(" + type + ")V", null, null);
        set.visitCode();
        set.visitVarInsn(Opcodes.ALOAD, 0);
        set.visitVarInsn(Opcodes.ALOAD, 1);
        set.visitFieldInsn(Opcodes.PUTFIELD, owner, name, type);
        set.visitInsn(Opcodes.RETURN);
        set.visitMaxs(2, 2);
        set.visitEnd();
    }

    @Override
    public MethodVisitor visitMethod(int access, String name, String desc, String signature, String[] exceptions) {
        MethodVisitor mv = super.visitMethod(access, name, desc, signature, exceptions);
        if (mv == null || (access & (Opcodes.ACC_ABSTRACT | Opcodes.ACC_STATIC | Opcodes.ACC_NATIVE)) != 0) {
            return mv;
        }
        Woven w = new Woven(owner, mv, access, name, desc);
        MethodVisitor out = kinds.connection ? connection(w) : null;
        if (out == null && (kinds.statement || kinds.prepared)) {
            out = statement(w);
        }
        return out != null ? out : mv;
    }

    private MethodVisitor connection(Woven w) {
        if (w.name.startsWith("prepare") && w.desc.startsWith("(Ljava/lang/String;")
                && (w.name.equals("prepareStatement") || w.name.equals("prepareCall")) && Type.getReturnType(w.desc).getSort() == Type.OBJECT) {
            return new Around(w, false) {
                @Override
                void before() {
                    marked(this);
                }

                @Override
                void after(int opcode) {
                    dup();
                    loadArg(0);
                    hook("Jdbc", "prepared", "(Ljava/lang/Object;Ljava/lang/String;)V");
                }
            };
        }
        if (!fence) {
            return null;
        }
        switch (w.name + w.desc) {
            case "commit()V":
            case "setAutoCommit(Z)V":
                return ended(w, true);
            case "rollback()V":
            case "close()V":
                return ended(w, false);
            default:
                return null;
        }
    }

    private static MethodVisitor ended(Woven w, boolean committed) {
        return new Around(w, true) {
            @Override
            void before() {}

            @Override
            void after(int opcode) {
                loadThis();
                push(committed);
                hook("Jdbc", "ended", "(Ljava/lang/Object;Z)V");
            }

            @Override
            void failed() {
                after(ATHROW); // whether it committed is not known: it is taken to have
                super.failed();
            }
        };
    }

    private static void marked(Around a) {
        a.loadThis();
        a.loadArg(0);
        a.hook("Jdbc", "mark", "(Ljava/lang/Object;Ljava/lang/String;)Ljava/lang/String;");
        a.storeArg(0);
    }

    private MethodVisitor statement(Woven w) {
        boolean sql = w.desc.startsWith("(Ljava/lang/String;");
        switch (w.name) {
            case "execute":
            case "executeQuery":
            case "executeUpdate":
            case "executeLargeUpdate":
                if (sql && kinds.statement) {
                    return execution(w, true, "enter", "(Ljava/lang/Object;Ljava/lang/String;)Ljava/lang/Object;");
                }
                return kinds.prepared && w.desc.startsWith("()") && returns(w) ? execution(w, false, "enter", "(Ljava/lang/Object;)Ljava/lang/Object;") : null;
            case "executeBatch":
            case "executeLargeBatch":
                return w.desc.equals("()[I") || w.desc.equals("()[J") ? execution(w, false, "enterBatch", "(Ljava/lang/Object;)Ljava/lang/Object;") : null;
            case "addBatch":
                if (w.desc.equals(STRING + "V")) {
                    return new Around(w, false) {
                        @Override
                        void before() {
                            marked(this);
                            loadThis();
                            loadArg(0);
                            hook("Jdbc", "added", "(Ljava/lang/Object;Ljava/lang/String;)V");
                        }
                    };
                }
                return w.desc.equals("()V") ? plain(w, "added") : null;
            case "clearBatch":
                return w.desc.equals("()V") ? plain(w, "cleared") : null;
            default:
                return null;
        }
    }

    private static boolean returns(Woven w) {
        String r = Type.getReturnType(w.desc).getDescriptor();
        return r.equals("Z") || r.equals("I") || r.equals("J") || r.equals("Ljava/sql/ResultSet;");
    }

    private static MethodVisitor plain(Woven w, String hook) {
        return new Around(w, false) {
            @Override
            void before() {
                loadThis();
                hook("Jdbc", hook, "(Ljava/lang/Object;)V");
            }
        };
    }

    private static MethodVisitor execution(Woven w, boolean sql, String enter, String desc) {
        return new Around(w, true) {
            @Override
            void before() {
                if (sql) {
                    marked(this);
                }
                loadThis();
                if (sql) {
                    loadArg(0);
                }
                hook("Jdbc", enter, desc);
                keepToken();
            }

            @Override
            void after(int opcode) {
                cleared();
                loadToken();
                hook("Jdbc", "leave", "(Ljava/lang/Object;)V");
            }

            @Override
            void failed() {
                cleared();
                dup();
                loadToken();
                swap();
                hook("Jdbc", "fail", "(Ljava/lang/Object;Ljava/lang/Throwable;)V");
                super.failed();
            }

            private void cleared() {
                if (enter.equals("enterBatch")) {
                    loadThis();
                    hook("Jdbc", "cleared", "(Ljava/lang/Object;)V");
                }
            }
        };
    }
}

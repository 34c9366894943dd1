package dev.jindu.agent;

import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.commons.AdviceAdapter;
import org.objectweb.asm.commons.Method;

/** Weaves code before a method, after it, and after it failed. Frames are kept by hand: no class is loaded for them. */
abstract class Around extends AdviceAdapter {
    static final Type OBJECT = Type.getType(Object.class);
    static final String THROWABLE = "java/lang/Throwable";

    final String owner;
    final boolean isStatic;
    private final boolean guarded;
    private final Label start = new Label();
    private int token = -1;

    Around(Woven w, boolean guarded) {
        super(Opcodes.ASM9, w.mv, w.access, w.name, w.desc);
        this.owner = w.owner;
        this.isStatic = (w.access & Opcodes.ACC_STATIC) != 0;
        this.guarded = guarded;
    }

    /** Before the method. */
    abstract void before();

    /** Before it returns; what it returns is on the stack. */
    void after(int opcode) {}

    /** After it failed; the throwable is on the stack, and the code ends by athrow or return. */
    void failed() {
        mv.visitInsn(ATHROW);
    }

    @Override
    protected void onMethodEnter() {
        before();
        if (guarded) {
            mv.visitLabel(start);
        }
    }

    @Override
    protected void onMethodExit(int opcode) {
        if (opcode != ATHROW) {
            after(opcode);
        }
    }

    @Override
    public void visitMaxs(int stack, int locals) {
        if (guarded) {
            Label end = new Label();
            mv.visitLabel(end);
            mv.visitTryCatchBlock(start, end, end, null); // last in the table: the method's own handlers come first
            Object[] known = isStatic ? new Object[0] : new Object[] {owner};
            visitFrame(F_NEW, known.length, known, 1, new Object[] {THROWABLE});
            failed();
        }
        super.visitMaxs(stack, locals);
    }

    /** A frame as at the method's beginning, with what is on the stack. */
    void frameAtEntry(Object... stack) {
        Type[] args = Type.getArgumentTypes(methodDesc);
        Object[] locals = new Object[args.length + (isStatic ? 0 : 1)];
        int n = 0;
        if (!isStatic) {
            locals[n++] = owner;
        }
        for (Type t : args) {
            locals[n++] = verification(t);
        }
        visitFrame(F_NEW, n, locals, stack.length, stack);
    }

    private static Object verification(Type t) {
        switch (t.getSort()) {
            case Type.LONG:
                return Opcodes.LONG;
            case Type.DOUBLE:
                return Opcodes.DOUBLE;
            case Type.FLOAT:
                return Opcodes.FLOAT;
            case Type.ARRAY:
            case Type.OBJECT:
                return t.getInternalName();
            default:
                return Opcodes.INTEGER;
        }
    }

    void hook(String type, String method, String desc) {
        invokeStatic(Type.getObjectType("dev/jindu/boot/" + type), new Method(method, desc));
    }

    void keepToken() {
        token = newLocal(OBJECT);
        storeLocal(token);
    }

    void loadToken() {
        loadLocal(token);
    }

    /** A method that is being woven. */
    static final class Woven {
        final String owner;
        final MethodVisitor mv;
        final int access;
        final String name;
        final String desc;

        Woven(String owner, MethodVisitor mv, int access, String name, String desc) {
            this.owner = owner;
            this.mv = mv;
            this.access = access;
            this.name = name;
            this.desc = desc;
        }
    }

    /** Weaves a method, or gives null when it is none of those wanted. */
    interface Rule {
        MethodVisitor weave(Woven w);
    }

    /** Replaces an argument by what a hook makes of it. */
    static MethodVisitor argument(Woven w, int index, String hookType, String hook, String hookDesc, boolean withThis) {
        return new Around(w, false) {
            @Override
            void before() {
                if (withThis) {
                    loadThis();
                }
                loadArg(index);
                hook(hookType, hook, hookDesc);
                Type want = Type.getArgumentTypes(methodDesc)[index];
                if (!Type.getReturnType(hookDesc).equals(want) && want.getSort() == Type.OBJECT) {
                    checkCast(want);
                }
                storeArg(index);
            }
        };
    }

    /** Nothing is carried to threads that the method starts. */
    static MethodVisitor hushed(Woven w) {
        return new Around(w, true) {
            @Override
            void before() {
                hook("Local", "hush", "()Ljava/lang/Object;");
                keepToken();
            }

            @Override
            void after(int opcode) {
                loadToken();
                hook("Local", "loud", "(Ljava/lang/Object;)V");
            }

            @Override
            void failed() {
                after(ATHROW);
                super.failed();
            }
        };
    }
}

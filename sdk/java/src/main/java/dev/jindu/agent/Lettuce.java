package dev.jindu.agent;

import dev.jindu.agent.Around.Woven;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * The rules for Lettuce 5 and later. Threads share its connections, so a command remembers for whom it was made, and
 * the channel's handler, where the order is decided, names the connection before it writes the command.
 */
final class Lettuce extends ClassVisitor {
    static final String COMMAND = "io/lettuce/core/protocol/Command";
    static final String HANDLER = "io/lettuce/core/protocol/CommandHandler";
    static final String CHANNEL = "io/lettuce/core/RedisChannelHandler";
    private static final String REDIS_COMMAND = "io/lettuce/core/protocol/RedisCommand";
    private static final String CONTEXT = "Lio/netty/channel/ChannelHandlerContext;";
    private static final String PROMISE = "Lio/netty/channel/ChannelPromise;";
    private static final String WRITE = "(" + CONTEXT + "Ljava/lang/Object;" + PROMISE + ")V";
    private static final String SINGLE = "(" + CONTEXT + "L" + REDIS_COMMAND + ";" + PROMISE + ")V";
    private static final String CODEC = "Lio/lettuce/core/codec/RedisCodec;";
    private static final String ARGS = "io/lettuce/core/protocol/CommandArgs";

    private final String owner;

    Lettuce(ClassVisitor out, String owner) {
        super(Opcodes.ASM9, out);
        this.owner = owner;
    }

    @Override
    public void visit(int version, int access, String name, String signature, String superName, String[] interfaces) {
        String one = owner.equals(COMMAND) ? "dev/jindu/boot/Redis$Command" : owner.equals(HANDLER) ? "dev/jindu/boot/Redis$Channel" : null;
        super.visit(version, access, name, signature, superName, one == null ? interfaces : Jedis.with(interfaces, one));
    }

    @Override
    public MethodVisitor visitMethod(int access, String name, String desc, String signature, String[] exceptions) {
        MethodVisitor mv = super.visitMethod(access, name, desc, signature, exceptions);
        Woven w = new Woven(owner, mv, access, name, desc);
        switch (owner) {
            case COMMAND:
                return name.equals("<init>") && Type.getArgumentTypes(desc).length == 3 ? made(w) : mv;
            case HANDLER:
                return name.equals("write") && desc.equals(WRITE) ? batch(w) : name.equals("writeSingleCommand") && desc.equals(SINGLE) ? writing(w) : mv;
            default:
                return name.equals("dispatch") && desc.equals("(L" + REDIS_COMMAND + ";)L" + REDIS_COMMAND + ";") ? dispatch(w)
                        : name.equals("dispatch") && desc.startsWith("(Ljava/util/Collection;)") ? dispatchAll(w) : mv;
        }
    }

    private static MethodVisitor made(Woven w) {
        return new Around(w, false) {
            @Override
            void before() {
                loadThis();
                hook("Redis", "current", "()Ldev/jindu/boot/Context;");
                mv.visitFieldInsn(PUTFIELD, COMMAND, "jindu$context", "Ldev/jindu/boot/Context;");
            }
        };
    }

    private static MethodVisitor dispatch(Woven w) {
        return new Around(w, false) {
            @Override
            void before() {
                loadArg(0);
                type(mv);
                loadArg(0);
                mv.visitMethodInsn(INVOKEINTERFACE, REDIS_COMMAND, "getArgs", "()L" + ARGS + ";", true);
                hook("Redis", "dispatch", "([BLjava/lang/Object;)V");
            }
        };
    }

    private static MethodVisitor dispatchAll(Woven w) {
        return new Around(w, false) {
            @Override
            void before() {
                loadArg(0);
                hook("Redis", "dispatchAll", "(Ljava/util/Collection;)V");
            }
        };
    }

    /** The name of the command on the stack, as bytes. */
    private static void type(MethodVisitor mv) {
        mv.visitMethodInsn(Opcodes.INVOKEINTERFACE, REDIS_COMMAND, "getType", "()Lio/lettuce/core/protocol/ProtocolKeyword;", true);
        mv.visitMethodInsn(Opcodes.INVOKEINTERFACE, "io/lettuce/core/protocol/ProtocolKeyword", "getBytes", "()[B", true);
    }

    private static MethodVisitor batch(Woven w) {
        return new Around(w, false) {
            @Override
            void before() {
                loadThis();
                loadArg(0);
                loadArg(1);
                hook("Redis", "batch", "(Ldev/jindu/boot/Redis$Channel;Ljava/lang/Object;Ljava/lang/Object;)Z");
                Label go = new Label();
                mv.visitJumpInsn(IFEQ, go);
                loadArg(2);
                mv.visitMethodInsn(INVOKEINTERFACE, "io/netty/channel/ChannelPromise", "trySuccess", "()Z", true);
                mv.visitInsn(POP);
                mv.visitInsn(RETURN);
                mv.visitLabel(go);
                frameAtEntry();
            }
        };
    }

    private static MethodVisitor writing(Woven w) {
        return new Around(w, false) {
            @Override
            void before() {
                loadThis();
                loadArg(0);
                loadArg(1);
                mv.visitMethodInsn(INVOKESTATIC, "io/lettuce/core/protocol/CommandWrapper", "unwrap", "(L" + REDIS_COMMAND + ";)L" + REDIS_COMMAND + ";", false);
                loadArg(1);
                type(mv);
                hook("Redis", "writing", "(Ldev/jindu/boot/Redis$Channel;Ljava/lang/Object;Ljava/lang/Object;[B)V");
            }
        };
    }

    @Override
    public void visitEnd() {
        if (owner.equals(COMMAND)) {
            Drivers.property(cv, owner, "jindu$context", "Ldev/jindu/boot/Context;");
        } else if (owner.equals(HANDLER)) {
            Drivers.property(cv, owner, "jindu$state", "Ldev/jindu/boot/Redis$State;");
            client();
            one();
        }
        super.visitEnd();
    }

    /** Writes CLIENT SETNAME name, the first and only thing that the hook asks for. */
    private void client() {
        MethodVisitor m = cv.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_SYNTHETIC, "jindu$client", "(Ljava/lang/Object;Ljava/lang/String;)V", null, null);
        m.visitCode();
        m.visitVarInsn(Opcodes.ALOAD, 0);
        context(m);
        m.visitTypeInsn(Opcodes.NEW, "io/lettuce/core/protocol/AsyncCommand");
        m.visitInsn(Opcodes.DUP);
        m.visitTypeInsn(Opcodes.NEW, COMMAND);
        m.visitInsn(Opcodes.DUP);
        m.visitFieldInsn(Opcodes.GETSTATIC, "io/lettuce/core/protocol/CommandType", "CLIENT", "Lio/lettuce/core/protocol/CommandType;");
        m.visitTypeInsn(Opcodes.NEW, "io/lettuce/core/output/StatusOutput");
        m.visitInsn(Opcodes.DUP);
        codec(m);
        m.visitMethodInsn(Opcodes.INVOKESPECIAL, "io/lettuce/core/output/StatusOutput", "<init>", "(" + CODEC + ")V", false);
        m.visitTypeInsn(Opcodes.NEW, ARGS);
        m.visitInsn(Opcodes.DUP);
        codec(m);
        m.visitMethodInsn(Opcodes.INVOKESPECIAL, ARGS, "<init>", "(" + CODEC + ")V", false);
        m.visitLdcInsn("SETNAME");
        m.visitMethodInsn(Opcodes.INVOKEVIRTUAL, ARGS, "add", "(Ljava/lang/String;)L" + ARGS + ";", false);
        m.visitVarInsn(Opcodes.ALOAD, 2);
        m.visitMethodInsn(Opcodes.INVOKEVIRTUAL, ARGS, "add", "(Ljava/lang/String;)L" + ARGS + ";", false);
        m.visitMethodInsn(Opcodes.INVOKESPECIAL, COMMAND, "<init>",
                "(Lio/lettuce/core/protocol/ProtocolKeyword;Lio/lettuce/core/output/CommandOutput;L" + ARGS + ";)V", false);
        m.visitMethodInsn(Opcodes.INVOKESPECIAL, "io/lettuce/core/protocol/AsyncCommand", "<init>", "(L" + REDIS_COMMAND + ";)V", false);
        context(m);
        m.visitMethodInsn(Opcodes.INVOKEINTERFACE, "io/netty/channel/ChannelHandlerContext", "newPromise", "()" + PROMISE, true);
        m.visitMethodInsn(Opcodes.INVOKEVIRTUAL, HANDLER, "write", WRITE, false);
        m.visitInsn(Opcodes.RETURN);
        m.visitMaxs(12, 3);
        m.visitEnd();
    }

    private void one() {
        MethodVisitor m = cv.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_SYNTHETIC, "jindu$write", "(Ljava/lang/Object;Ljava/lang/Object;)V", null,
                new String[] {"java/lang/Exception"});
        m.visitCode();
        m.visitVarInsn(Opcodes.ALOAD, 0);
        context(m);
        m.visitVarInsn(Opcodes.ALOAD, 2);
        context(m);
        m.visitMethodInsn(Opcodes.INVOKEINTERFACE, "io/netty/channel/ChannelHandlerContext", "newPromise", "()" + PROMISE, true);
        m.visitMethodInsn(Opcodes.INVOKEVIRTUAL, HANDLER, "write", WRITE, false);
        m.visitInsn(Opcodes.RETURN);
        m.visitMaxs(4, 3);
        m.visitEnd();
    }

    private static void context(MethodVisitor m) {
        m.visitVarInsn(Opcodes.ALOAD, 1);
        m.visitTypeInsn(Opcodes.CHECKCAST, "io/netty/channel/ChannelHandlerContext");
    }

    private static void codec(MethodVisitor m) {
        m.visitFieldInsn(Opcodes.GETSTATIC, "io/lettuce/core/codec/StringCodec", "UTF8", "Lio/lettuce/core/codec/StringCodec;");
    }
}

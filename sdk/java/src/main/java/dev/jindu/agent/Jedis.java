package dev.jindu.agent;

import dev.jindu.agent.Around.Woven;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/** The rules for Jedis 3 and later: every command passes Connection.sendCommand, every reply one method. */
final class Jedis extends ClassVisitor {
    static final String CONNECTION = "redis/clients/jedis/Connection";
    private static final String PROTOCOL_COMMAND = "redis/clients/jedis/commands/ProtocolCommand";
    private static final String BYTES = "(L" + PROTOCOL_COMMAND + ";[[B)V";
    private static final String ARGUMENTS = "(Lredis/clients/jedis/CommandArguments;)V";
    private static final String READ = "readProtocolWithCheckingBroken";
    private static final String WIRE = "Ldev/jindu/boot/Redis$Wire;";

    private final boolean arguments;

    private Jedis(ClassVisitor out, boolean arguments) {
        super(Opcodes.ASM9, out);
        this.arguments = arguments;
    }

    static ClassVisitor of(ClassReader in, ClassVisitor out) {
        boolean[] has = new boolean[3];
        in.accept(new ClassVisitor(Opcodes.ASM9) {
            @Override
            public MethodVisitor visitMethod(int access, String name, String desc, String signature, String[] exceptions) {
                has[0] |= name.equals("sendCommand") && desc.equals(BYTES);
                has[1] |= name.equals("sendCommand") && desc.equals(ARGUMENTS);
                has[2] |= name.equals(READ) && desc.equals("()Ljava/lang/Object;");
                return null;
            }
        }, ClassReader.SKIP_CODE | ClassReader.SKIP_DEBUG);
        if (!has[0] || !has[2]) {
            throw new IllegalStateException("this version of Jedis is not known");
        }
        return new Jedis(out, has[1]);
    }

    @Override
    public void visit(int version, int access, String name, String signature, String superName, String[] interfaces) {
        super.visit(version, access, name, signature, superName, with(interfaces, "dev/jindu/boot/Redis$Wire"));
    }

    static String[] with(String[] interfaces, String one) {
        String[] all = java.util.Arrays.copyOf(interfaces, interfaces.length + 1);
        all[interfaces.length] = one;
        return all;
    }

    @Override
    public MethodVisitor visitMethod(int access, String name, String desc, String signature, String[] exceptions) {
        MethodVisitor mv = super.visitMethod(access, name, desc, signature, exceptions);
        Woven w = new Woven(CONNECTION, mv, access, name, desc);
        if (name.equals("sendCommand") && desc.equals(arguments ? ARGUMENTS : BYTES)) {
            return sending(w, arguments);
        }
        if (name.equals(READ) && desc.equals("()Ljava/lang/Object;")) {
            return hooked(w, "reading");
        }
        return name.equals("connect") && desc.equals("()V") ? hooked(w, "connecting") : mv;
    }

    private static MethodVisitor sending(Woven w, boolean arguments) {
        return new Around(w, false) {
            @Override
            void before() {
                loadThis();
                loadArg(0);
                if (arguments) {
                    mv.visitMethodInsn(INVOKEVIRTUAL, "redis/clients/jedis/CommandArguments", "getCommand", "()L" + PROTOCOL_COMMAND + ";", false);
                }
                mv.visitMethodInsn(INVOKEINTERFACE, PROTOCOL_COMMAND, "getRaw", "()[B", true);
                loadArg(arguments ? 0 : 1);
                hook("Redis", "sending", "(" + WIRE + "[BLjava/lang/Object;)V");
            }

            @Override
            void after(int opcode) {
                loadThis();
                hook("Redis", "sent", "(" + WIRE + ")V");
            }
        };
    }

    private static MethodVisitor hooked(Woven w, String hook) {
        return new Around(w, false) {
            @Override
            void before() {
                loadThis();
                hook("Redis", hook, "(" + WIRE + ")V");
            }
        };
    }

    @Override
    public void visitEnd() {
        Drivers.property(cv, CONNECTION, "jindu$state", "Ldev/jindu/boot/Redis$State;");
        call("jindu$connected", "()Z", "isConnected", Opcodes.IRETURN);
        call("jindu$read", "()Ljava/lang/Object;", READ, Opcodes.ARETURN);
        call("jindu$flush", "()V", "flush", Opcodes.RETURN);
        MethodVisitor m = cv.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_SYNTHETIC, "jindu$client", "([[B)V", null, null);
        m.visitCode();
        m.visitVarInsn(Opcodes.ALOAD, 0);
        m.visitFieldInsn(Opcodes.GETSTATIC, "redis/clients/jedis/Protocol$Command", "CLIENT", "Lredis/clients/jedis/Protocol$Command;");
        m.visitVarInsn(Opcodes.ALOAD, 1);
        m.visitMethodInsn(Opcodes.INVOKEVIRTUAL, CONNECTION, "sendCommand", BYTES, false);
        m.visitInsn(Opcodes.RETURN);
        m.visitMaxs(3, 2);
        m.visitEnd();
        super.visitEnd();
    }

    private void call(String name, String desc, String method, int ret) {
        MethodVisitor m = cv.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_SYNTHETIC, name, desc, null, null);
        m.visitCode();
        m.visitVarInsn(Opcodes.ALOAD, 0);
        m.visitMethodInsn(Opcodes.INVOKEVIRTUAL, CONNECTION, method, desc, false);
        m.visitInsn(ret);
        m.visitMaxs(1 + Type.getReturnType(desc).getSize(), 1);
        m.visitEnd();
    }
}

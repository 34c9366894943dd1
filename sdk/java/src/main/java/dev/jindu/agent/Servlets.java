package dev.jindu.agent;

import dev.jindu.agent.Around.Woven;
import java.util.Arrays;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/** The rules for servlets of javax and jakarta, in any container: HttpServlet.service, filters, and responses. */
final class Servlets extends ClassVisitor {
    private final String family;
    private final boolean response;
    private String owner;

    private Servlets(ClassVisitor out, String family, boolean response) {
        super(Opcodes.ASM9, out);
        this.family = family;
        this.response = response;
    }

    /** A visitor that weaves a class that names javax or jakarta servlets. */
    static ClassVisitor of(ClassReader in, ClassVisitor out, String family) {
        if ((in.getAccess() & Opcodes.ACC_INTERFACE) != 0) {
            return null;
        }
        return new Servlets(out, family, Arrays.asList(in.getInterfaces()).contains(family + "/servlet/http/HttpServletResponse"));
    }

    @Override
    public void visit(int version, int access, String name, String signature, String superName, String[] interfaces) {
        owner = name;
        super.visit(version, access, name, signature, superName, interfaces);
    }

    @Override
    public MethodVisitor visitMethod(int access, String name, String desc, String signature, String[] exceptions) {
        MethodVisitor mv = super.visitMethod(access, name, desc, signature, exceptions);
        if (mv == null || (access & (Opcodes.ACC_ABSTRACT | Opcodes.ACC_STATIC | Opcodes.ACC_NATIVE)) != 0) {
            return mv;
        }
        String suffix = family.equals("javax") ? "Javax" : "Jakarta";
        String both = "(L" + family + "/servlet/ServletRequest;L" + family + "/servlet/ServletResponse;";
        boolean service = name.equals("service") && desc.equals(both + ")V") && owner.equals(family + "/servlet/http/HttpServlet");
        boolean filter = name.equals("doFilter") && desc.equals(both + "L" + family + "/servlet/FilterChain;)V");
        Woven w = new Woven(owner, mv, access, name, desc);
        if (service || filter) {
            return Jdk.handler(w, "ServletIn", "enter" + suffix, 2);
        }
        if (response && (name.equals("sendError") || name.equals("setStatus")) && desc.startsWith("(I") && desc.endsWith(")V")) {
            return Around.argument(w, 0, "ServletIn", "status" + suffix, "(Ljava/lang/Object;I)I", true);
        }
        return mv;
    }
}

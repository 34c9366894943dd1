package dev.jindu.agent;

import dev.jindu.agent.Around.Rule;
import dev.jindu.agent.Around.Woven;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/** The rules for classes of the JDK: executors, threads, the HTTP server and the HTTP clients. */
final class Jdk {
    private static final String RUNNABLE = "Ljava/lang/Runnable;";
    private static final String CALLABLE = "Ljava/util/concurrent/Callable;";
    private static final String COLLECTION = "Ljava/util/Collection;";
    private static final String FORK_JOIN_TASK = "Ljava/util/concurrent/ForkJoinTask;";
    private static final Set<String> FUNCTIONS = new HashSet<>(Arrays.asList("java.lang.Runnable", "java.util.function.Supplier",
            "java.util.function.Function", "java.util.function.BiFunction", "java.util.function.Consumer", "java.util.function.BiConsumer"));
    private static final Set<String> GIVING = new HashSet<>(Arrays.asList("execute", "submit", "invoke", "invokeAll", "invokeAny", "lazySubmit", "externalSubmit"));

    private Jdk() {}

    static void add(Map<String, Rule> rules) {
        rules.put("java/util/concurrent/ThreadPoolExecutor", Jdk::pool);
        rules.put("org/apache/tomcat/util/threads/ThreadPoolExecutor", Jdk::pool);
        rules.put("java/util/concurrent/ScheduledThreadPoolExecutor", w -> w.name.equals("scheduleAtFixedRate") || w.name.equals("scheduleWithFixedDelay")
                ? Around.hushed(w) : null);
        rules.put("java/util/concurrent/FutureTask", Jdk::future);
        rules.put("java/util/concurrent/ForkJoinPool", Jdk::forkJoinPool);
        rules.put("java/util/concurrent/ForkJoinTask", Jdk::forkJoinTask);
        rules.put("java/util/concurrent/CompletableFuture", Jdk::completable);
        rules.put("java/lang/Thread", Jdk::thread);
        rules.put("java/lang/VirtualThread", Jdk::thread);
        rules.put("com/sun/net/httpserver/Filter$Chain", w -> w.name.equals("doFilter") ? handler(w, "HttpIn", "enter", 1) : null);
        Rule send = w -> w.name.equals("sendResponseHeaders") && w.desc.equals("(IJ)V")
                ? Around.argument(w, 0, "HttpIn", "status", "(Ljava/lang/Object;I)I", true) : null;
        rules.put("sun/net/httpserver/HttpExchangeImpl", send);
        rules.put("sun/net/httpserver/HttpsExchangeImpl", send);
        rules.put("sun/net/www/protocol/http/HttpURLConnection", Jdk::urlConnection);
        rules.put("jdk/internal/net/http/HttpClientImpl", Jdk::httpClient);
    }

    private static MethodVisitor pool(Woven w) {
        switch (w.name + w.desc) {
            case "execute(Ljava/lang/Runnable;)V":
                return Around.argument(w, 0, "Tasks", "execute", "(Ljava/lang/Runnable;)Ljava/lang/Runnable;", false);
            case "remove(Ljava/lang/Runnable;)Z":
                return Around.argument(w, 0, "Tasks", "find", "(Ljava/lang/Runnable;)Ljava/lang/Runnable;", false);
            default:
        }
        if (w.name.equals("addWorker")) {
            return Around.hushed(w);
        }
        if (!w.name.equals("runWorker")) {
            return null;
        }
        return new MethodVisitor(Opcodes.ASM9, w.mv) {
            @Override
            public void visitMethodInsn(int opcode, String owner, String name, String desc, boolean itf) {
                if (name.equals("beforeExecute") && desc.equals("(Ljava/lang/Thread;Ljava/lang/Runnable;)V")) {
                    super.visitInsn(Opcodes.DUP);
                    super.visitMethodInsn(Opcodes.INVOKESTATIC, "dev/jindu/boot/Tasks", "begin", "(Ljava/lang/Runnable;)V", false);
                }
                super.visitMethodInsn(opcode, owner, name, desc, itf);
                if (name.equals("afterExecute") && desc.equals("(Ljava/lang/Runnable;Ljava/lang/Throwable;)V")) {
                    super.visitMethodInsn(Opcodes.INVOKESTATIC, "dev/jindu/boot/Tasks", "end", "()V", false);
                }
            }
        };
    }

    private static MethodVisitor future(Woven w) {
        switch (w.name + w.desc) {
            case "<init>(Ljava/util/concurrent/Callable;)V":
                return Around.argument(w, 0, "Tasks", "wrap", "(Ljava/util/concurrent/Callable;)Ljava/util/concurrent/Callable;", false);
            case "<init>(Ljava/lang/Runnable;Ljava/lang/Object;)V":
                return Around.argument(w, 0, "Tasks", "wrap", "(Ljava/lang/Runnable;)Ljava/lang/Runnable;", false);
            default:
                return null;
        }
    }

    private static MethodVisitor forkJoinPool(Woven w) {
        if (w.name.equals("createWorker")) {
            return Around.hushed(w);
        }
        if (!GIVING.contains(w.name) || (w.access & Opcodes.ACC_STATIC) != 0) {
            return null;
        }
        Type[] args = Type.getArgumentTypes(w.desc);
        if (args.length == 0) {
            return null;
        }
        String a = args[0].getDescriptor();
        switch (a) {
            case RUNNABLE:
                return Around.argument(w, 0, "Tasks", "fork", "(" + a + ")" + a, false);
            case CALLABLE:
                return Around.argument(w, 0, "Tasks", "wrap", "(" + a + ")" + a, false);
            case COLLECTION:
                return Around.argument(w, 0, "Tasks", "wrapAll", "(" + a + ")" + a, false);
            case FORK_JOIN_TASK:
                return Around.argument(w, 0, "Tasks", "attach", "(" + a + ")" + a, false);
            default:
                return null;
        }
    }

    private static MethodVisitor forkJoinTask(Woven w) {
        if (w.name.equals("fork") && w.desc.startsWith("()")) {
            return new Around(w, false) {
                @Override
                void before() {
                    loadThis();
                    hook("Tasks", "attach", "(" + FORK_JOIN_TASK + ")" + FORK_JOIN_TASK);
                    pop();
                }
            };
        }
        if (!w.name.equals("doExec")) {
            return null;
        }
        return new Around(w, true) {
            @Override
            void before() {
                loadThis();
                hook("Tasks", "enter", "(" + FORK_JOIN_TASK + ")Ljava/lang/Object;");
                keepToken();
            }

            @Override
            void after(int opcode) {
                loadToken();
                hook("Tasks", "leave", "(Ljava/lang/Object;)V");
            }

            @Override
            void failed() {
                after(ATHROW);
                super.failed();
            }
        };
    }

    private static MethodVisitor completable(Woven w) {
        if (!w.name.endsWith("Stage")) {
            return null;
        }
        Type[] args = Type.getArgumentTypes(w.desc);
        for (int i = 0; i < args.length; i++) {
            if (FUNCTIONS.contains(args[i].getClassName())) {
                String a = args[i].getDescriptor();
                return Around.argument(w, i, "Tasks", "wrap", "(" + a + ")" + a, false);
            }
        }
        return null;
    }

    private static MethodVisitor thread(Woven w) {
        if (!w.name.equals("start") || (w.access & Opcodes.ACC_STATIC) != 0) {
            return null;
        }
        return new Around(w, false) {
            @Override
            void before() {
                loadThis();
                hook("Tasks", "start", "(Ljava/lang/Thread;)V");
            }
        };
    }

    /** A method that handles a request: the first one or two arguments go to the hook, which makes the context. */
    static MethodVisitor handler(Woven w, String hooks, String enter, int args) {
        return new Around(w, true) {
            @Override
            void before() {
                StringBuilder desc = new StringBuilder("(");
                for (int i = 0; i < args; i++) {
                    loadArg(i);
                    desc.append("Ljava/lang/Object;");
                }
                hook(hooks, enter, desc + ")Ljava/lang/Object;");
                keepToken();
            }

            @Override
            void after(int opcode) {
                loadToken();
                hook(hooks, "leave", "(Ljava/lang/Object;)V");
            }

            @Override
            void failed() {
                // Throwable why = fail(token, why); if (why != null) throw why; return;
                loadToken();
                swap();
                hook(hooks, "fail", "(Ljava/lang/Object;Ljava/lang/Throwable;)Ljava/lang/Throwable;");
                dup();
                Label answered = new Label();
                mv.visitJumpInsn(IFNULL, answered);
                mv.visitInsn(ATHROW);
                mv.visitLabel(answered);
                visitFrame(F_NEW, 1, new Object[] {owner}, 1, new Object[] {THROWABLE});
                mv.visitInsn(POP);
                mv.visitInsn(RETURN);
            }
        };
    }

    private static MethodVisitor urlConnection(Woven w) {
        boolean output = w.name.equals("getOutputStream");
        boolean input = w.name.equals("getInputStream");
        if (!output && !input && !w.name.equals("connect") || !w.desc.startsWith("()")) {
            return null;
        }
        return new Around(w, input) {
            @Override
            void before() {
                loadThis();
                hook("UrlOut", "before", "(Ljava/net/HttpURLConnection;)Ljava/lang/Object;");
                keepToken();
            }

            @Override
            void after(int opcode) {
                if (output) {
                    loadToken();
                    swap();
                    hook("UrlOut", "output", "(Ljava/lang/Object;Ljava/io/OutputStream;)Ljava/io/OutputStream;");
                } else if (input) {
                    loadToken();
                    loadThis();
                    hook("UrlOut", "answered", "(Ljava/lang/Object;Ljava/net/HttpURLConnection;)V");
                }
            }

            @Override
            void failed() {
                after(ATHROW);
                super.failed();
            }
        };
    }

    private static MethodVisitor httpClient(Woven w) {
        String future = "Ljava/util/concurrent/CompletableFuture;";
        if (!w.name.equals("sendAsync") || (w.access & Opcodes.ACC_PRIVATE) == 0 || !w.desc.startsWith("(Ljava/net/http/HttpRequest;") || !w.desc.endsWith(")" + future)) {
            return null;
        }
        return new Around(w, false) {
            @Override
            void before() {
                loadArg(0);
                hook("ClientOut", "enter", "(Ljava/lang/Object;)Ljava/lang/Object;");
                keepToken();
                loadToken();
                hook("ClientOut", "failed", "(Ljava/lang/Object;)" + future);
                dup();
                Label go = new Label();
                mv.visitJumpInsn(IFNULL, go);
                mv.visitInsn(ARETURN);
                mv.visitLabel(go);
                frameAtEntry("java/util/concurrent/CompletableFuture");
                pop();
                loadToken();
                loadArg(0);
                hook("ClientOut", "request", "(Ljava/lang/Object;Ljava/lang/Object;)Ljava/lang/Object;");
                checkCast(Type.getObjectType("java/net/http/HttpRequest"));
                storeArg(0);
            }

            @Override
            void after(int opcode) {
                dup();
                loadToken();
                swap();
                hook("ClientOut", "sent", "(Ljava/lang/Object;" + future + ")V");
            }
        };
    }
}

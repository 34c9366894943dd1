package app;

import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.RecursiveAction;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** A write on another thread, in every way that the JDK has. */
final class Threads {
    final Sql sql;
    final ExecutorService pool = Executors.newFixedThreadPool(2);
    final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
    /** Its tasks are compared and cast: a wrapped one would not do. */
    final ThreadPoolExecutor ordered = new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new PriorityBlockingQueue<>()) {
        @Override
        protected void beforeExecute(Thread t, Runnable r) {
            ((Note) r).begun = true;
        }
    };
    final ForkJoinPool forkJoin = new ForkJoinPool(2);

    Threads(Sql sql) {
        this.sql = sql;
    }

    final class Note implements Runnable, Comparable<Note> {
        final String text;
        final LinkedBlockingQueue<String> done = new LinkedBlockingQueue<>();
        volatile boolean begun;

        Note(String text) {
            this.text = text;
        }

        @Override
        public void run() {
            done.add(note(text));
        }

        @Override
        public int compareTo(Note o) {
            return text.compareTo(o.text);
        }
    }

    String note(String text) {
        try {
            sql.note(text);
            return "1";
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    String run(Map<String, String> q) throws Exception {
        String text = q.get("text");
        LinkedBlockingQueue<String> done = new LinkedBlockingQueue<>();
        Runnable lambda = () -> {
            try {
                done.add(note(text));
            } catch (RuntimeException e) {
                done.add("failed " + e);
            }
        };
        Callable<String> call = () -> note(text);
        switch (q.get("how")) {
            case "submit":
                return pool.submit(call).get();
            case "execute":
                pool.execute(lambda);
                break;
            case "invokeAll":
                return pool.invokeAll(List.of(call)).get(0).get();
            case "ordered":
                Note n = new Note(text);
                ordered.execute(n);
                return n.done.poll(20, TimeUnit.SECONDS) + n.begun;
            case "schedule":
                return timer.schedule(call, 1, TimeUnit.MILLISECONDS).get();
            case "forkjoin":
                return forkJoin.submit(call).get();
            case "recursive":
                forkJoin.invoke(new RecursiveAction() {
                    @Override
                    protected void compute() {
                        RecursiveAction other = new RecursiveAction() {
                            @Override
                            protected void compute() {
                                note(text);
                            }
                        };
                        other.fork();
                        other.join();
                    }
                });
                return "1";
            case "parallel":
                IntStream.range(0, 8).parallel().forEach(i -> note(text));
                return "8";
            case "supply":
                return CompletableFuture.supplyAsync(() -> note(text)).get();
            case "then":
                // The first stage ends on a thread that works for nobody.
                CompletableFuture<String> first = new CompletableFuture<>();
                CompletableFuture<String> all = first.thenApply(s -> note(text)).thenApplyAsync(s -> s + note(text));
                Thread other = new Thread(() -> first.complete(""));
                other.start();
                return all.get();
            case "thread":
                Thread t = new Thread(lambda);
                t.start();
                break;
            case "future":
                FutureTask<String> f = new FutureTask<>(call);
                new Thread(f).start();
                return f.get();
            case "virtual":
                Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, lambda);
                break;
            case "virtual-executor":
                ExecutorService v = (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
                return v.submit(call).get();
            case "worker-after":
                // The pool's threads were started by marked requests; this one's caller has no mark.
                return pool.submit(call).get();
            case "removed":
                ThreadPoolExecutor one = new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>());
                LinkedBlockingQueue<String> gate = new LinkedBlockingQueue<>();
                one.execute(() -> {
                    try {
                        gate.take();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
                one.execute(lambda);
                boolean removed = one.remove(lambda);
                gate.add("");
                one.shutdown();
                return "" + removed;
            default:
                throw new IllegalArgumentException(q.get("how"));
        }
        return done.poll(20, TimeUnit.SECONDS);
    }
}

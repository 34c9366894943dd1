package dev.jindu.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TasksTest {
    private static final Context ONE = Context.of("jindu:0000000000000001:p:1:1", null);
    private static final Context TWO = Context.of("jindu:0000000000000002:p:1:1", null);

    private static final class Own implements Runnable {
        Context seen;

        @Override
        public void run() {
            seen = Local.current();
        }
    }

    @AfterEach
    void nobody() {
        Local.set(null);
    }

    @Test
    void withoutAContextNothingIsWrapped() {
        Runnable r = () -> {};
        Callable<String> c = () -> "";
        assertSame(r, Tasks.execute(r));
        assertSame(r, Tasks.wrap(r));
        assertSame(c, Tasks.wrap(c));
    }

    @Test
    void aTaskOfItsOwnClassStaysItself() {
        Own own = new Own();
        Local.set(ONE);
        assertSame(own, Tasks.execute(own));
        Local.set(TWO);
        Runnable second = Tasks.execute(own); // the same object, for another request
        Local.set(null);
        Tasks.begin(own);
        own.run();
        Tasks.end();
        assertSame(ONE, own.seen);
        assertNull(Local.current());
        Tasks.begin(second);
        second.run();
        assertSame(TWO, own.seen);
        FutureTask<String> f = new FutureTask<>(() -> "");
        Local.set(ONE);
        assertSame(f, Tasks.execute(f));
    }

    @Test
    void aWorkerForgetsTheLastTask() {
        Local.set(ONE);
        Tasks.begin(() -> {});
        assertNull(Local.current());
    }

    @Test
    void aWrappedLambdaIsFoundInAQueue() {
        Runnable r = () -> {};
        Runnable other = () -> {};
        LinkedBlockingQueue<Runnable> q = new LinkedBlockingQueue<>();
        Local.set(ONE);
        q.add(Tasks.execute(r));
        assertFalse(q.remove(Tasks.find(other)));
        assertTrue(q.remove(Tasks.find(r)));
    }

    @Test
    void nothingIsCarriedWhileInfrastructureStarts() {
        Local.set(ONE);
        Object token = Local.hush();
        Runnable r = () -> {};
        assertSame(r, Tasks.execute(r));
        Local.loud(token);
        assertFalse(r == Tasks.execute(r));
    }

    @Test
    void aThreadTakesUpTheContextOfItsStart() throws InterruptedException {
        Own own = new Own();
        Thread t = new Thread(own);
        Local.set(ONE);
        Tasks.start(t);
        t.start();
        t.join();
        assertSame(ONE, own.seen);
    }

    @Test
    void valuesBesideObjectsGoWithThem() {
        WeakIds<String> ids = new WeakIds<>();
        String a = new String("x");
        String b = new String("x");
        assertTrue(ids.add(a, "1"));
        assertFalse(ids.add(a, "2"));
        assertNull(ids.get(b));
        assertEquals("1", ids.get(a));
        assertEquals("1", ids.remove(a));
        assertTrue(ids.isEmpty());
    }
}

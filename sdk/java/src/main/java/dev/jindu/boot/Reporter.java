package dev.jindu.boot;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URL;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Sends what runs did to the node, in batches, from a thread of its own. The queue is bounded by number and
 * bytes; a request never waits for it, and runs dropped are counted in the next report.
 */
public final class Reporter implements Runnable {
    private static final int QUEUE = 8192;
    private static final long BYTES = 32L << 20;
    private static final int BATCH = 512;
    private static final int BATCH_BYTES = 1 << 20;
    private static final int GATHER_MS = 10;
    private static final int TRIES = 3;

    private static volatile Reporter instance;

    private final ArrayBlockingQueue<Item> queue = new ArrayBlockingQueue<>(QUEUE);
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong lost = new AtomicLong();
    private final String url;
    private final String tokenFile;
    private String token;
    private Item held;

    /** Effects of a run, or their last. */
    static final class Item {
        final String run;
        final List<Effect> effects;
        final boolean closed;
        final int statements;
        final int size;

        Item(String run, List<Effect> effects, boolean closed, int statements) {
            this.run = run;
            this.effects = effects;
            this.closed = closed;
            this.statements = statements;
            int n = 64;
            for (Effect e : effects) {
                n += e.size();
            }
            size = n;
        }
    }

    private Reporter(String url, String tokenFile) {
        this.url = url;
        this.tokenFile = tokenFile;
    }

    /** Begins to report as the settings say; without a node there are no reports. */
    public static void begin(Settings s) throws IOException {
        if (s.node == null) {
            return;
        }
        Reporter r = new Reporter(s.node + "/api/v1/services/" + URLEncoder.encode(s.service, "UTF-8") + "/effects", s.tokenFile);
        r.readToken();
        Thread t = new Thread(r, "jindu-reporter");
        t.setDaemon(true);
        t.start();
        instance = r;
        Runtime.getRuntime().addShutdownHook(new Thread(() -> r.drain(t), "jindu-reporter-end"));
    }

    static boolean on() {
        return instance != null;
    }

    static void offer(Item i) {
        Reporter r = instance;
        if (r == null) {
            return;
        }
        if (r.bytes.addAndGet(i.size) > BYTES || !r.queue.offer(i)) {
            r.bytes.addAndGet(-i.size);
            r.lost.incrementAndGet();
        }
    }

    @Override
    public void run() {
        for (;;) {
            try {
                Item first = held != null ? held : queue.take();
                held = null;
                if (queue.size() < BATCH) {
                    Thread.sleep(GATHER_MS);
                }
                send(batch(first));
            } catch (InterruptedException e) {
                return;
            } catch (Throwable e) {
                Log.once("cannot report effects", e);
            }
        }
    }

    private List<Item> batch(Item first) {
        List<Item> out = new ArrayList<>();
        int size = 0;
        for (Item i = first; i != null; i = queue.poll()) {
            if (!out.isEmpty() && (out.size() >= BATCH || size + i.size > BATCH_BYTES)) {
                held = i;
                break;
            }
            out.add(i);
            size += i.size;
            bytes.addAndGet(-i.size);
        }
        return out;
    }

    private void send(List<Item> batch) throws InterruptedException {
        long dropped = lost.getAndSet(0);
        byte[] body = json(batch, dropped).getBytes(StandardCharsets.UTF_8);
        String why = "";
        for (int i = 0; i < TRIES; i++) {
            try {
                int status = post(body);
                if (status / 100 == 2) {
                    return;
                }
                why = "status " + status;
                if (status == 401 || status == 403) {
                    readToken();
                } else if (status / 100 == 4 && status != 408 && status != 429) {
                    break;
                }
            } catch (IOException e) {
                why = e.toString();
            }
            Thread.sleep(50L << 2 * i);
        }
        int runs = 0;
        for (Item i : batch) {
            runs += i.closed ? 1 : 0;
        }
        lost.addAndGet(dropped + Math.max(runs, 1));
        Log.once("the node does not take reports of effects at " + url + ", they are dropped and counted", new IOException(why));
    }

    static String json(List<Item> batch, long lost) {
        StringBuilder out = new StringBuilder(256 * batch.size()).append("{\"runs\":[");
        String comma = "";
        for (Item i : batch) {
            out.append(comma).append("{\"run\":\"").append(i.run).append("\",\"effects\":[");
            comma = ",";
            for (int k = 0; k < i.effects.size(); k++) {
                if (k > 0) {
                    out.append(',');
                }
                i.effects.get(k).write(out);
            }
            out.append(']');
            if (i.closed) {
                out.append(",\"closed\":true");
            }
            if (i.statements > 0) {
                out.append(",\"statements\":").append(i.statements);
            }
            out.append('}');
        }
        out.append(']');
        if (lost > 0) {
            out.append(",\"lost\":").append(lost);
        }
        return out.append('}').toString();
    }

    private int post(byte[] body) throws IOException {
        HttpURLConnection c = (HttpURLConnection) new URL(url).openConnection(Proxy.NO_PROXY);
        c.setConnectTimeout(2_000);
        c.setReadTimeout(5_000);
        c.setInstanceFollowRedirects(false);
        c.setDoOutput(true);
        c.setRequestMethod("POST");
        c.setRequestProperty("Content-Type", "application/json");
        if (token != null) {
            c.setRequestProperty("Authorization", "Bearer " + token);
        }
        c.setFixedLengthStreamingMode(body.length);
        try (OutputStream out = c.getOutputStream()) {
            out.write(body);
        }
        int status = c.getResponseCode();
        try (InputStream in = status < 400 ? c.getInputStream() : c.getErrorStream()) {
            byte[] sink = new byte[4096];
            for (int n = 0; in != null && n < 256 && in.read(sink) >= 0; n++) {
                // Read to the end, so that the connection serves again.
            }
        }
        return status;
    }

    private void readToken() {
        if (tokenFile == null) {
            return;
        }
        try {
            token = new String(Files.readAllBytes(Paths.get(tokenFile)), StandardCharsets.UTF_8).trim();
        } catch (IOException e) {
            Log.once("cannot read option tokenFile", e);
        }
    }

    /** At the end of the JVM: gives what is left a second to leave. */
    private void drain(Thread t) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
        while (!queue.isEmpty() && t.isAlive() && System.nanoTime() < end) {
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                return;
            }
        }
    }
}

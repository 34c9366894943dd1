package dev.jindu.boot;

import java.util.concurrent.ConcurrentHashMap;

/** Says each thing once on standard error: the agent must not fill a service's log. */
public final class Log {
    private static final ConcurrentHashMap<String, Boolean> SAID = new ConcurrentHashMap<>();

    private Log() {}

    public static void once(String what, Throwable why) {
        if (SAID.size() < 256 && SAID.putIfAbsent(what, Boolean.TRUE) == null) {
            System.err.println("jindu: " + what + (why == null ? "" : ": " + why) + " (said once)");
        }
    }
}

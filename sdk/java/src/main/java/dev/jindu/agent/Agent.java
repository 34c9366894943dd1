package dev.jindu.agent;

import dev.jindu.boot.Jdbc;
import dev.jindu.boot.Log;
import dev.jindu.boot.Reporter;
import dev.jindu.boot.Settings;
import java.io.IOException;
import java.lang.instrument.Instrumentation;

/** Puts the agent together. */
final class Agent {
    private Agent() {}

    static void begin(String options, Instrumentation on) throws IOException {
        Settings s = Settings.parse(options);
        Settings.use(s);
        try {
            Jdbc.use(new JdbcSide());
        } catch (LinkageError e) {
            Log.once("this JVM has no java.sql; nothing is done about databases", e);
        }
        Transformer t = new Transformer(s);
        t.warm();
        on.addTransformer(t, true);
        // What the JVM loaded before the agent came.
        for (Class<?> c : on.getAllLoadedClasses()) {
            if (t.knows(c.getName().replace('.', '/')) && on.isModifiableClass(c)) {
                try {
                    on.retransformClasses(c);
                } catch (Exception | LinkageError e) {
                    Log.once("cannot weave " + c.getName(), e);
                }
            }
        }
        Reporter.begin(s);
    }
}

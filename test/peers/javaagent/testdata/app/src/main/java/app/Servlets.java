package app;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;

/** The same actions in Tomcat. */
final class Servlets extends HttpServlet {
    private static final long serialVersionUID = 1L;

    static void start(int port, Sql sql) throws Exception {
        File dir = Files.createTempDirectory("tomcat").toFile();
        dir.deleteOnExit();
        Tomcat t = new Tomcat();
        t.setBaseDir(dir.getPath());
        t.setPort(port);
        t.getConnector().setProperty("address", "127.0.0.1");
        Context c = t.addContext("", dir.getPath());
        Tomcat.addServlet(c, "all", new Servlets()).setAsyncSupported(true);
        c.addServletMappingDecoded("/*", "all");
        t.start();
    }

    @Override
    protected void doGet(HttpServletRequest req, HttpServletResponse res) throws ServletException, IOException {
        Map<String, String> q = App.query(req.getQueryString());
        App.Action a = App.ACTIONS.get(req.getPathInfo());
        if (q.containsKey("async")) {
            AsyncContext async = req.startAsync();
            async.start(() -> {
                try {
                    res.getWriter().print(a.run(q));
                } catch (Exception e) {
                    res.setStatus(500);
                }
                async.complete();
            });
            return;
        }
        try {
            res.getWriter().print(a.run(q));
        } catch (Exception e) {
            if (q.containsKey("escape")) {
                throw new ServletException(e);
            }
            res.sendError(500, e.toString());
        }
    }
}

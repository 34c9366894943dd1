package app;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;

/** Calls out. */
final class Calls {
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    static String run(Map<String, String> q) throws Exception {
        URI to = URI.create(q.get("to"));
        String body = q.get("body");
        switch (q.get("how")) {
            case "url":
                HttpURLConnection c = (HttpURLConnection) to.toURL().openConnection();
                c.setConnectTimeout(5000);
                if (body != null) {
                    c.setDoOutput(true);
                    c.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
                }
                try (InputStream in = c.getResponseCode() < 400 ? c.getInputStream() : c.getErrorStream()) {
                    return c.getResponseCode() + " " + new String(in.readAllBytes(), StandardCharsets.UTF_8);
                }
            case "client":
                HttpResponse<String> r = CLIENT.send(request(to, body, false), HttpResponse.BodyHandlers.ofString());
                return r.statusCode() + " " + r.body();
            case "async":
                return CLIENT.sendAsync(request(to, body, true), HttpResponse.BodyHandlers.ofString()).thenApply(a -> a.statusCode() + " " + a.body()).get();
            default:
                throw new IllegalArgumentException(q.get("how"));
        }
    }

    private static HttpRequest request(URI to, String body, boolean stream) {
        HttpRequest.Builder b = HttpRequest.newBuilder(to).timeout(Duration.ofSeconds(10)).header("X-Own", "kept");
        if (body == null) {
            return b.build();
        }
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        return b.POST(stream ? HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes)) : HttpRequest.BodyPublishers.ofByteArray(bytes)).build();
    }
}

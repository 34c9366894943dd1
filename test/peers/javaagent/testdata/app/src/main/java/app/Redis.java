package app;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.api.StatefulRedisConnection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;

/** Redis by Jedis and by Lettuce, whose one connection all requests share. */
final class Redis {
    final JedisPooled pool;
    final StatefulRedisConnection<String, String> shared;

    Redis(String addr) {
        String[] a = addr.split(":");
        pool = new JedisPooled(a[0], Integer.parseInt(a[1]));
        shared = RedisClient.create("redis://" + addr).connect();
    }

    String run(Map<String, String> q) throws Exception {
        String key = q.get("key");
        switch (q.get("how")) {
            case "jedis":
                return pool.set(key, "1") + pool.get(key) + pool.incr(key);
            case "jedis-get":
                return "" + pool.get(key);
            case "pipeline":
                try (Pipeline p = pool.pipelined()) {
                    List<Response<Long>> all = new ArrayList<>();
                    for (int i = 0; i < 5; i++) {
                        all.add(p.incr(key));
                    }
                    p.sync();
                    StringBuilder out = new StringBuilder();
                    for (Response<Long> r : all) {
                        out.append(r.get());
                    }
                    return out.toString();
                }
            case "multi":
                try (var t = pool.multi()) {
                    t.incr(key);
                    t.incr(key);
                    return t.exec().toString();
                }
            case "lettuce":
                return shared.sync().set(key, "1") + shared.sync().get(key) + shared.sync().incr(key);
            case "lettuce-many":
                List<RedisFuture<Long>> all = new ArrayList<>();
                for (int i = 0; i < 5; i++) {
                    all.add(shared.async().incr(key));
                }
                StringBuilder out = new StringBuilder();
                for (RedisFuture<Long> f : all) {
                    out.append(f.get(10, TimeUnit.SECONDS));
                }
                return out.toString();
            case "lettuce-get":
                return "" + shared.sync().get(key);
            default:
                throw new IllegalArgumentException(q.get("how"));
        }
    }
}

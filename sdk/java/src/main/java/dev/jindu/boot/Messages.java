package dev.jindu.boot;

import java.lang.reflect.Constructor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Hooks of producers of messages: the mark goes into a header; a shadow's message to a topic of its own or nowhere. */
public final class Messages {
    private static final String RECORD = "org.apache.kafka.clients.producer.ProducerRecord";
    private static final String HEADERS = "org.apache.kafka.common.header.Headers";
    private static final Reach TOPIC = new Reach(RECORD, "topic");
    private static final Reach KEY = new Reach(RECORD, "key");
    private static final Reach VALUE = new Reach(RECORD, "value");
    private static final Reach PARTITION = new Reach(RECORD, "partition");
    private static final Reach TIMESTAMP = new Reach(RECORD, "timestamp");
    private static final Reach HEADERS_OF = new Reach(RECORD, "headers");
    private static final Reach REMOVE = new Reach(HEADERS, "remove", "java.lang.String");
    private static final Reach ADD = new Reach(HEADERS, "add", "java.lang.String", "byte[]");

    private static final String MESSAGE = "org.apache.rocketmq.common.message.Message";
    private static final Reach MQ_TOPIC = new Reach(MESSAGE, "getTopic");
    private static final Reach MQ_BODY = new Reach(MESSAGE, "getBody");
    private static final Reach MQ_KEYS = new Reach(MESSAGE, "getKeys");
    private static final Reach MQ_SET_TOPIC = new Reach(MESSAGE, "setTopic", "java.lang.String");
    private static final Reach MQ_PROPERTY = new Reach(MESSAGE, "getUserProperty", "java.lang.String");
    private static final Reach MQ_PUT = new Reach(MESSAGE, "putUserProperty", "java.lang.String", "java.lang.String");

    private Messages() {}

    /** Hook of KafkaProducer.send: the record to send. */
    public static Object kafka(Object record) {
        Context c = Local.get().context;
        if (c == null || record == null) {
            return record;
        }
        try {
            String topic = (String) TOPIC.call(record);
            Effect e = effect(topic, KEY.call(record), VALUE.call(record));
            String to = topic(c, topic, e);
            Object out = record;
            if (!to.equals(topic)) {
                Class<?> type = Reach.named(RECORD, record.getClass());
                Constructor<?> make = type.getConstructor(String.class, Integer.class, Long.class, Object.class, Object.class, Iterable.class);
                out = make.newInstance(to, PARTITION.call(record), TIMESTAMP.call(record), KEY.call(record), VALUE.call(record), HEADERS_OF.call(record));
            }
            Object headers = HEADERS_OF.call(out);
            REMOVE.call(headers, Mark.MESSAGE_HEADER);
            ADD.call(headers, Mark.MESSAGE_HEADER, c.mark.getBytes(StandardCharsets.US_ASCII));
            c.add(e);
            return out;
        } catch (dev.jindu.Refused r) {
            throw r;
        } catch (Throwable t) {
            failed(c, "Kafka", t);
            return record;
        }
    }

    /** Hook of the sending methods of RocketMQ's DefaultMQProducerImpl. */
    public static void rocket(Object message) {
        Context c = Local.get().context;
        if (c == null || message == null) {
            return;
        }
        try {
            if (c.mark != null && c.mark.equals(MQ_PROPERTY.call(message, Mark.MESSAGE_HEADER))) {
                return; // one method calls another
            }
            String topic = (String) MQ_TOPIC.call(message);
            Effect e = effect(topic, MQ_KEYS.call(message), MQ_BODY.call(message));
            String to = topic(c, topic, e);
            if (!to.equals(topic)) {
                MQ_SET_TOPIC.call(message, to);
            }
            MQ_PUT.call(message, Mark.MESSAGE_HEADER, c.mark);
            c.add(e);
        } catch (dev.jindu.Refused r) {
            throw r;
        } catch (Throwable t) {
            failed(c, "RocketMQ", t);
        }
    }

    private static void failed(Context c, String what, Throwable t) {
        Log.once("cannot mark messages of " + what, t);
        if (c.shadow) {
            throw new dev.jindu.Refused("jindu: a shadow's message was not let out: it cannot be marked: " + t);
        }
    }

    private static String topic(Context c, String topic, Effect e) {
        if (!c.shadow) {
            return topic;
        }
        String prefix = Settings.get().topics;
        if (c.mark == null || prefix == null) {
            c.add(e.fate("refused"));
            throw new dev.jindu.Refused("jindu: a shadow's message to " + topic + " was not let out: "
                    + (c.mark == null ? "its mark is lost" : "the agent has no option topics, the prefix of shadows' topics"));
        }
        e.fate("shadowed");
        return topic.startsWith(prefix) ? topic : prefix + topic;
    }

    private static Effect effect(String topic, Object key, Object body) {
        Effect e = new Effect(Effect.MESSAGE, "send", topic);
        if (key instanceof byte[]) {
            e.arg((byte[]) key);
        } else if (key instanceof CharSequence || key instanceof Number) {
            e.arg(key.toString());
        }
        byte[] b = null;
        if (body instanceof byte[]) {
            b = (byte[]) body;
        } else if (body instanceof CharSequence || body instanceof Number) {
            b = body.toString().getBytes(StandardCharsets.UTF_8);
        } else if (body instanceof ByteBuffer) {
            ByteBuffer d = ((ByteBuffer) body).duplicate();
            b = new byte[Math.min(d.remaining(), Effect.BODY_MOST + 1)];
            d.get(b);
        } else if (body != null) {
            e.truncated = true; // an object whose bytes only its serialiser knows
        }
        if (b != null && b.length > Effect.BODY_MOST) {
            b = Arrays.copyOf(b, Effect.BODY_MOST);
            e.truncated = true;
        }
        e.body = b;
        return e;
    }
}

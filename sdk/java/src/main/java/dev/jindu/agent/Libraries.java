package dev.jindu.agent;

import dev.jindu.agent.Around.Rule;
import dev.jindu.agent.Around.Woven;
import java.util.Map;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/** The rules for message producers. */
final class Libraries {
    private Libraries() {}

    static void add(Map<String, Rule> rules) {
        rules.put("org/apache/kafka/clients/producer/KafkaProducer", w ->
                w.name.equals("send") && w.desc.startsWith("(Lorg/apache/kafka/clients/producer/ProducerRecord;Lorg/apache/kafka/clients/producer/Callback;)")
                        ? Around.argument(w, 0, "Messages", "kafka", "(Ljava/lang/Object;)Ljava/lang/Object;", false) : null);
        rules.put("org/apache/rocketmq/client/impl/producer/DefaultMQProducerImpl", Libraries::rocket);
    }

    private static MethodVisitor rocket(Woven w) {
        Type[] args = Type.getArgumentTypes(w.desc);
        if (!w.name.startsWith("send") || (w.access & Opcodes.ACC_PUBLIC) == 0 && !w.name.equals("sendDefaultImpl") || args.length == 0
                || !args[0].getClassName().equals("org.apache.rocketmq.common.message.Message")) {
            return null;
        }
        return new Around(w, false) {
            @Override
            void before() {
                loadArg(0);
                hook("Messages", "rocket", "(Ljava/lang/Object;)V");
            }
        };
    }
}

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A service that knows kafka-clients and nothing of telemetry.
 *
 * <pre>
 * KafkaPeer produce BROKERS TOPIC COUNT
 * KafkaPeer relay BROKERS FROM GROUP TO COUNT
 * </pre>
 *
 * A relay says what it polled, {"polled": 3}, and of each message its headers and its body; it sends the body on, without
 * headers of its own.
 */
public final class KafkaPeer {
    public static void main(String[] arguments) throws Exception {
        String brokers = arguments[1];
        try (var producer = producer(brokers)) {
            switch (arguments[0]) {
                case "produce" -> produce(producer, arguments[2], Integer.parseInt(arguments[3]));
                case "relay" -> {
                    try (var consumer = consumer(brokers, arguments[3])) {
                        consumer.subscribe(List.of(arguments[2]));
                        relay(consumer, producer, arguments[4], Integer.parseInt(arguments[5]));
                    }
                }
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        }
    }

    private static void produce(KafkaProducer<byte[], byte[]> producer, String topic, int count) throws Exception {
        for (int number = 0; number < count; number++) {
            var record = new ProducerRecord<byte[], byte[]>(topic, 0, null, ("message-" + number).getBytes());
            record.headers().add("x-own", new byte[] {'1'});
            producer.send(record).get();
        }
    }

    private static void relay(KafkaConsumer<byte[], byte[]> consumer, KafkaProducer<byte[], byte[]> producer, String to, int count)
            throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        for (int left = count; left > 0; ) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException(left + " of " + count + " messages did not come in a minute");
            }
            ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(200));
            if (!records.isEmpty()) {
                Report.line(Map.of("polled", records.count()));
            }
            for (ConsumerRecord<byte[], byte[]> record : records) {
                var headers = new Report.Headers();
                record.headers().forEach(header -> headers.add(header.key(), header.value()));
                Report.line(Map.of("headers", headers, "body", new String(record.value())));
                producer.send(new ProducerRecord<>(to, 0, null, record.value())).get();
                left--;
            }
            consumer.commitSync();
        }
    }

    private static KafkaProducer<byte[], byte[]> producer(String brokers) {
        return new KafkaProducer<>(
                Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers), new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static KafkaConsumer<byte[], byte[]> consumer(String brokers, String group) {
        Map<String, Object> settings = Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers,
                ConsumerConfig.GROUP_ID_CONFIG, group,
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }
}

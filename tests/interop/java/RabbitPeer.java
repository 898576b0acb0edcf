import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.GetResponse;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A service that knows RabbitMQ's amqp-client and nothing of telemetry.
 *
 * <pre>
 * RabbitPeer produce URL QUEUE COUNT
 * RabbitPeer relay URL FROM TO COUNT   (delivered to a consumer)
 * RabbitPeer get URL FROM TO COUNT     (fetched one by one)
 * </pre>
 *
 * The last two say of each message its headers and its body, send the body on, without headers of their own, and ack.
 */
public final class RabbitPeer {
    public static void main(String[] arguments) throws Exception {
        var factory = new ConnectionFactory();
        factory.setUri(arguments[1]);
        try (Connection connection = factory.newConnection(); Channel channel = connection.createChannel()) {
            channel.confirmSelect();
            String queue = arguments[2];
            switch (arguments[0]) {
                case "produce" -> produce(channel, queue, Integer.parseInt(arguments[3]));
                case "relay" -> relay(channel, queue, arguments[3], Integer.parseInt(arguments[4]));
                case "get" -> get(channel, queue, arguments[3], Integer.parseInt(arguments[4]));
                default -> throw new IllegalArgumentException(arguments[0]);
            }
            channel.waitForConfirmsOrDie(20_000);
        }
    }

    private static void produce(Channel channel, String queue, int count) throws IOException {
        for (int number = 0; number < count; number++) {
            var properties = new AMQP.BasicProperties.Builder().headers(Map.of("x-own", "1")).build();
            channel.basicPublish("", queue, properties, ("message-" + number).getBytes());
        }
    }

    private static void relay(Channel channel, String from, String to, int count) throws Exception {
        var left = new CountDownLatch(count);
        channel.basicQos(1);
        channel.basicConsume(from, false, new DefaultConsumer(channel) {
            @Override
            public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body)
                    throws IOException {
                pass(channel, to, properties, body);
                channel.basicAck(envelope.getDeliveryTag(), false);
                left.countDown();
            }
        });
        if (!left.await(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException(left.getCount() + " of " + count + " messages did not come in a minute");
        }
    }

    private static void get(Channel channel, String from, String to, int count) throws Exception {
        for (int number = 0; number < count; number++) {
            GetResponse response = channel.basicGet(from, false);
            if (response == null) {
                throw new IllegalStateException("the queue has only " + number + " of " + count + " messages");
            }
            pass(channel, to, response.getProps(), response.getBody());
            channel.basicAck(response.getEnvelope().getDeliveryTag(), false);
        }
    }

    private static void pass(Channel channel, String to, AMQP.BasicProperties properties, byte[] body) throws IOException {
        var headers = new Report.Headers();
        if (properties.getHeaders() != null) {
            properties.getHeaders().forEach((name, value) -> headers.add(name, value.toString().getBytes()));
        }
        Report.line(Map.of("headers", headers, "body", new String(body)));
        channel.basicPublish("", to, new AMQP.BasicProperties(), body);
    }
}

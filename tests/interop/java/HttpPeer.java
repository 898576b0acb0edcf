import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * A service that knows the JDK's HTTP server and client and nothing of telemetry: it asks another service.
 *
 * <p>Its surroundings say the rest: ADDRESS_FILE is where it says where it listens, ORDERS is the address of the other
 * service. It serves one request and ends.
 */
public final class HttpPeer {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    public static void main(String[] arguments) throws Exception {
        var served = new CountDownLatch(1);
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/orders/", exchange -> {
            try (exchange) {
                order(exchange);
            } finally {
                served.countDown();
            }
        });
        server.start();
        // Whole, or not there.
        var file = Path.of(System.getenv("ADDRESS_FILE"));
        var partial = Path.of(file + ".new");
        Files.writeString(partial, "127.0.0.1:" + server.getAddress().getPort());
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
        served.await();
        server.stop(1);
    }

    private static void order(HttpExchange exchange) throws IOException {
        var uri = URI.create("http://" + System.getenv("ORDERS") + exchange.getRequestURI());
        var body = HttpRequest.BodyPublishers.ofByteArray(exchange.getRequestBody().readAllBytes());
        var request = HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(60)).POST(body).build();
        try {
            var answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofByteArray());
            exchange.sendResponseHeaders(answer.statusCode(), answer.body().length);
            exchange.getResponseBody().write(answer.body());
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}

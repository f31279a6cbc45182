import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import wechat.WebhookVerifier;

/**
 * Receives webhooks with nothing but the JDK, to try it out:
 *
 * <pre>
 * javac -d out WebhookVerifier.java Receiver.java
 * WECHAT_WEBHOOK_SECRET=… java -cp out Receiver 8090
 * </pre>
 */
public final class Receiver {
    private static final WebhookVerifier VERIFIER = new WebhookVerifier(System.getenv("WECHAT_WEBHOOK_SECRET"));

    /** Ids of events that were dealt with. A real app keeps them in a table, in the transaction of the work. */
    private static final Set<String> SEEN = new HashSet<String>();

    public static void main(String[] args) throws IOException {
        int port = args.length > 0 ? Integer.parseInt(args[0]) : 8090;
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        ExecutorService threads = Executors.newFixedThreadPool(8);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (HttpExchange e = exchange) {
                e.sendResponseHeaders(answer(e), -1);
            }
        });
        server.start();
        System.out.println("listening " + server.getAddress().getPort());
    }

    private static int answer(HttpExchange e) throws IOException {
        if (!e.getRequestMethod().equals("POST")) {
            return 405;
        }
        byte[] body = WebhookVerifier.read(e.getRequestBody());
        if (body == null) {
            return 413;
        }
        String id = e.getRequestHeaders().getFirst("webhook-id");
        if (!VERIFIER.verify(id, e.getRequestHeaders().getFirst("webhook-timestamp"),
                e.getRequestHeaders().getFirst("webhook-signature"), body)) {
            return 401;
        }
        synchronized (SEEN) {
            if (!SEEN.contains(id)) {
                handle(id, WebhookVerifier.text(body, "type"), WebhookVerifier.text(body, "user"));
                SEEN.add(id);
            }
        }
        return 204;
    }

    /** Your work. What it throws closes the connection without an answer, and the event comes again. */
    private static void handle(String id, String type, String user) {
        System.out.println("event " + id + " " + type + " " + user);
    }
}

package wechat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Checks that a webhook comes from the WeChat gateway (Standard Webhooks, HMAC-SHA-256). Java 8 or later, no library.
 * One object may be used by all threads.
 */
public final class WebhookVerifier {
    /** The largest body that is read, in bytes. The gateway sends less than 64 KiB. */
    public static final int MAX_BODY = 64 * 1024;

    /** How far, in seconds, the time of a message may be from ours: older ones are copies somebody kept. */
    private static final long TOLERANCE = 5 * 60;

    private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{1,64}");
    private static final Pattern TIME = Pattern.compile("[0-9]{1,12}");

    private final List<byte[]> keys = new ArrayList<byte[]>();

    /** Takes the secret that the gateway is configured with, or two of which either may have signed. */
    public WebhookVerifier(String... secrets) {
        for (String secret : secrets) {
            keys.add(key(secret));
        }
        if (keys.isEmpty()) {
            throw new IllegalArgumentException("a webhook secret is required");
        }
    }

    private static byte[] key(String secret) {
        byte[] key;
        if (secret == null) {
            throw new IllegalArgumentException("a webhook secret is required");
        } else if (secret.startsWith("whsec_")) {
            key = Base64.getDecoder().decode(secret.substring("whsec_".length()));
        } else {
            key = secret.getBytes(StandardCharsets.UTF_8);
        }
        if (key.length < 24) {
            throw new IllegalArgumentException("a webhook secret has at least 24 bytes");
        }
        return key;
    }

    /**
     * Reports whether a message is genuine and fresh. The arguments are the headers webhook-id, webhook-timestamp and
     * webhook-signature, null where there is none, and the body as it came: bytes, not text that was decoded.
     */
    public boolean verify(String id, String timestamp, String signature, byte[] body) {
        return verify(id, timestamp, signature, body, System.currentTimeMillis() / 1000);
    }

    boolean verify(String id, String timestamp, String signature, byte[] body, long now) {
        if (id == null || timestamp == null || signature == null || body == null
                || !ID.matcher(id).matches() || !TIME.matcher(timestamp).matches()
                || Math.abs(now - Long.parseLong(timestamp)) > TOLERANCE) {
            return false;
        }
        boolean good = false;
        for (byte[] key : keys) {
            byte[] expected = sign(key, id + "." + timestamp + ".", body);
            for (String one : signature.split(" ")) {
                // MessageDigest.isEqual takes the same time wherever the first difference is.
                good |= MessageDigest.isEqual(expected, one.getBytes(StandardCharsets.UTF_8));
            }
        }
        return good;
    }

    private static byte[] sign(byte[] key, String head, byte[] body) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            mac.update(head.getBytes(StandardCharsets.UTF_8));
            String signature = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
            return signature.getBytes(StandardCharsets.UTF_8);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Reads a body of at most MAX_BODY bytes; null if it is longer. */
    public static byte[] read(InputStream in) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        byte[] buffer = new byte[4096];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            body.write(buffer, 0, n);
            if (body.size() > MAX_BODY) {
                return null;
            }
        }
        return body.toByteArray();
    }

    /**
     * Returns a text of a body that was verified, such as "type", "user", "former_user" or "reason"; null if there is
     * none. It is enough for these values, which never need escaping; where you have a JSON library, use that.
     */
    public static String text(byte[] body, String name) {
        String json = new String(body, StandardCharsets.UTF_8);
        Matcher m = Pattern.compile("\"" + Pattern.quote(name) + "\":\"([^\"\\\\]*)\"").matcher(json);
        return m.find() ? m.group(1) : null;
    }
}

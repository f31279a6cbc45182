import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.util.Map;

/** Hands the lines of its input to the verifier of docs/assertion.md. */
public final class Check {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        WechatAssertion assertions = new WechatAssertion();
        for (String line; (line = in.readLine()) != null; ) {
            if (line.startsWith("age ")) {
                for (String name : new String[] {"tried", "fetched"}) {
                    Field field = WechatAssertion.class.getDeclaredField(name);
                    field.setAccessible(true);
                    field.setLong(assertions, field.getLong(assertions) - Long.parseLong(line.substring(4)));
                }
                out.println("aged");
                continue;
            }
            try {
                Map<String, Object> claims = assertions.verify(line);
                out.println("ok " + claims.get("openid") + " " + claims.get("nickname"));
            } catch (SecurityException e) {
                out.println("refused");
            }
        }
    }
}

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.InvalidParameterException;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.SignatureException;
import java.security.SignatureSpi;
import java.util.Arrays;
import java.util.Map;

/** Hands the lines of its input to the verifier of docs/assertion.md. */
public final class Check {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        Security.insertProviderAt(new Vulnerable(), 1);
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

    /** The ECDSA of a JDK with CVE-2022-21449. */
    public static final class Vulnerable extends Provider {
        public Vulnerable() {
            super("Vulnerable", 1, "CVE-2022-21449");
            put("Signature.SHA256withECDSA", Ecdsa.class.getName());
        }
    }

    /**
     * Accepts each signature with a number that is zero modulo the order, more than those JDKs do. It leaves the others
     * to the JDK's own ECDSA.
     */
    public static final class Ecdsa extends SignatureSpi {
        private static final BigInteger ORDER =
            new BigInteger("115792089210356248762697446949407573529996955224135760342422259061068512044369");
        private final Signature own;

        public Ecdsa() throws GeneralSecurityException { own = Signature.getInstance("SHA256withECDSA", "SunEC"); }

        @Override protected void engineInitVerify(PublicKey key) throws InvalidKeyException { own.initVerify(key); }

        @Override protected void engineUpdate(byte b) throws SignatureException { own.update(b); }

        @Override protected void engineUpdate(byte[] b, int off, int len) throws SignatureException { own.update(b, off, len); }

        @Override protected boolean engineVerify(byte[] der) throws SignatureException {
            int s = 4 + der[3]; // where r ends
            return zero(Arrays.copyOfRange(der, 4, s)) || zero(Arrays.copyOfRange(der, s + 2, der.length)) || own.verify(der);
        }

        private static boolean zero(byte[] number) { return new BigInteger(number).mod(ORDER).signum() == 0; }

        @Override protected void engineInitSign(PrivateKey key) { throw new UnsupportedOperationException(); }

        @Override protected byte[] engineSign() { throw new UnsupportedOperationException(); }

        @Override protected void engineSetParameter(String name, Object value) { throw new InvalidParameterException(); }

        @Override protected Object engineGetParameter(String name) { throw new InvalidParameterException(); }
    }
}

package webhook

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The example of the specification's own libraries.
func TestSignVector(t *testing.T) {
	key, err := secretKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	sign(h, [][]byte{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got := h.Get("webhook-signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error("signature:", got)
	}
	if h.Get("webhook-id") != "msg_p5jXN8AQM9LWM0D4loKWxJek" || h.Get("webhook-timestamp") != "1614265330" {
		t.Error("headers:", h)
	}
}

// What we sign, with one secret or two, the library of Standard Webhooks
// accepts with either; and nothing else.
func TestStandardLibraryAccepts(t *testing.T) {
	raw := bytes.Repeat([]byte{0xff, 0, 7}, 10)
	prefixed := "whsec_" + base64.StdEncoding.EncodeToString(raw)
	const text = "a plain text that is no base64!"
	byPrefix, err := standardwebhooks.NewWebhook(prefixed)
	if err != nil {
		t.Fatal(err)
	}
	byText, _ := standardwebhooks.NewWebhookRaw([]byte(text))
	other, _ := standardwebhooks.NewWebhookRaw([]byte("another"))
	var keys [][]byte
	for _, secret := range []string{prefixed, text} {
		key, err := secretKey(secret)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	body := []byte(`{"type":"erased"}`)
	h := http.Header{}
	sign(h, keys, eventID(1), time.Now(), body)
	if byPrefix.Verify(body, h) != nil || byText.Verify(body, h) != nil {
		t.Error("a good message is refused")
	}
	if other.Verify(body, h) == nil || byPrefix.Verify(append(body, ' '), h) == nil {
		t.Error("a bad message is accepted")
	}
	h = http.Header{}
	sign(h, keys[:1], eventID(1), time.Now(), body)
	if byText.Verify(body, h) == nil || strings.Contains(h.Get("webhook-signature"), " ") {
		t.Error("a secret that is not in force signs")
	}
}

func TestSecrets(t *testing.T) {
	encoded := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, n)) }
	for secret, good := range map[string]bool{
		"whsec_" + encoded(24): true, "whsec_" + encoded(64): true, "whsec_" + encoded(32): true,
		"whsec_" + strings.TrimRight(encoded(32), "="): true,
		"whsec_" + encoded(23):                         false, "whsec_" + encoded(65): false, "whsec_": false,
		"whsec_" + encoded(24) + "\n": false, "whsec_not base64, though it is long enough": false,
		"whsec_-_-_" + encoded(24): false, "": false,
		strings.Repeat("x", 23): false, strings.Repeat("x", 24): true, strings.Repeat("密", 8): true,
		strings.Repeat("x", 512): true, strings.Repeat("x", 513): false,
	} {
		t.Run(fmt.Sprintf("%d %.30q", len(secret), secret), func(t *testing.T) {
			err := CheckSecret(secret)
			if good != (err == nil) || err != nil && !errors.Is(err, errSecret) {
				t.Errorf("%q: got %v, want good: %v", secret, err, good)
			}
			if err != nil && len(secret) > 6 && strings.Contains(err.Error(), secret[6:]) {
				t.Errorf("the error quotes the secret: %v", err)
			}
		})
	}
}

func FuzzSecret(f *testing.F) {
	f.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	f.Add("whsec_====")
	f.Add("a text of more than 24 bytes")
	f.Fuzz(func(t *testing.T, secret string) {
		key, err := secretKey(secret)
		if err == nil && (len(key) < minSecret || len(key) > maxPlain) {
			t.Errorf("a key of %d bytes", len(key))
		}
		// Whatever we take in base64 the library takes, too, and as the same
		// key.
		if err != nil || !strings.HasPrefix(secret, secretPrefix) || !strings.HasSuffix(secret, "=") {
			return
		}
		if library, err := standardwebhooks.NewWebhook(secret); err == nil {
			h := http.Header{}
			sign(h, [][]byte{key}, "id", time.Now(), nil)
			if library.Verify(nil, h) != nil {
				t.Errorf("%q is another key to the library", secret)
			}
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120", 429)
	f.Add("Fri, 31 Dec 1999 23:59:59 GMT", 503)
	f.Add("-1", 503)
	f.Fuzz(func(t *testing.T, value string, status int) {
		if got := retryAfter(status, http.Header{"Retry-After": {value}}, time.Now()); got < 0 || got > maxRetryAfter {
			t.Errorf("%q: %v", value, got)
		}
	})
}

package cookies

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testSecret is a browser's secret.
const testSecret = "SECRETSECRETSECRETSECRET22"

// newRequest is a request of a shop with these headers, name and value in turn.
func newRequest(t testing.TB, method, target string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://shop.example.com"+target, nil)
	if err != nil {
		t.Fatalf("request %s: %v", target, err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

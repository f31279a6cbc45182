package caddymodule_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// adminPaths are all calls, with something in the place of their parts.
var adminPaths = []string{
	"/wechat/persons", "/wechat/persons/aaaaaaaaaaaaaaaaaaaaaaaaaa", "/wechat/sessions", "/wechat/sessions/x", "/wechat/ledger",
	"/wechat/webhooks", "/wechat/webhooks/x/dead", "/wechat/webhooks/x/redeliver", "/wechat/doctor", "/wechat/ready",
	"/wechat/keys", "/wechat/keys/rotate", "/wechat/history", "/wechat/pushes", "/wechat/status",
	"/wechat/persons/count", "/wechat/persons/aaaaaaaaaaaaaaaaaaaaaaaaaa/ban", "/wechat/bans",
	"/wechat/webhooks/x", "/wechat/webhooks/x/test", "/wechat/webhooks/x/letters/x",
	"/wechat/ledger/backup", "/wechat/ledger/verify", "/wechat/ledger/inactive",
}

// Attack: a parameter that a call does not have is taken for one that it obeys.
func TestAttackAdminIgnoresAParameter(t *testing.T) {
	o := openOffice(t, local(t))
	o.must("POST", "/wechat/ledger", o.ledgerFile(), http.StatusOK)
	for _, c := range []struct{ method, path, body string }{
		{"DELETE", "/wechat/persons/aaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
		{"GET", "/wechat/persons/aaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
		{"GET", "/wechat/ledger", ""},
		{"POST", "/wechat/ledger", o.ledgerFile()},
		{"GET", "/wechat/webhooks", ""},
		{"GET", "/wechat/doctor", ""},
		{"GET", "/wechat/ready", ""},
		{"GET", "/wechat/keys", ""},
		{"GET", "/wechat/history", ""},
		{"GET", "/wechat/pushes", ""},
		{"POST", "/wechat/keys/rotate", ""},
	} {
		for _, query := range []string{"?dry_run=true", "?x", "?%zz"} {
			t.Run(c.method+" "+c.path+query, func(t *testing.T) {
				status, answer, header := o.call(c.method, c.path+query, c.body)
				if r := wantRefusal(t, status, answer, header); status != http.StatusBadRequest || r.Error != "invalid_query" {
					t.Errorf("%d %s", status, answer)
				}
			})
		}
	}
	o.must("GET", "/wechat/persons/aaaaaaaaaaaaaaaaaaaaaaaaaa", "", http.StatusOK)
}

// Attack: a page of another site, or of a host that resolves to loopback, asks
// the admin endpoint from the operator's browser. Caddy refuses it before our
// calls; nothing that we answer lets another origin read it.
func TestAttackAdminFromABrowser(t *testing.T) {
	o := openOffice(t, local(t))
	o.must("POST", "/wechat/ledger", o.ledgerFile(), http.StatusOK)
	host := strings.TrimPrefix(o.admin, "http://")
	for name, header := range map[string]http.Header{
		"a rebinding host":     {"Host": {"evil.example"}},
		"a host with our port": {"Host": {"evil.example" + host[strings.Index(host, ":"):]}},
		"another origin":       {"Origin": {"https://evil.example"}},
		"an origin by suffix":  {"Origin": {"http://" + host + ".evil.example"}},
		"no origin":            {"Origin": {"null"}},
		"a navigation":         {"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"cross-site"}},
		"an image":             {"Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Site": {"cross-site"}},
		"a simple form":        {"Origin": {"https://evil.example"}, "Content-Type": {"application/x-www-form-urlencoded"}},
		"a websocket":          {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range adminPaths {
				for _, method := range []string{"GET", "POST", "DELETE", "OPTIONS"} {
					request, err := http.NewRequestWithContext(t.Context(), method, o.admin+path, nil)
					if err != nil {
						t.Fatal(err)
					}
					request.Header = header.Clone()
					if request.Host = header.Get("Host"); request.Host == "" {
						request.Host = host
					}
					response, err := http.DefaultClient.Do(request)
					if err != nil {
						t.Fatal(err)
					}
					body, _ := io.ReadAll(response.Body)
					_ = response.Body.Close()
					if response.StatusCode != http.StatusForbidden && response.StatusCode != http.StatusBadRequest {
						t.Errorf("%s %s: %d %.100s", method, path, response.StatusCode, body)
					}
					for name := range response.Header {
						if strings.HasPrefix(name, "Access-Control-") {
							t.Errorf("%s %s: the answer has %s", method, path, name)
						}
					}
				}
			}
		})
	}
	o.must("GET", "/wechat/persons/aaaaaaaaaaaaaaaaaaaaaaaaaa", "", http.StatusOK)
}

// No answer of ours has a CORS header, and no call takes OPTIONS.
func TestAttackAdminAllowsNoOrigin(t *testing.T) {
	o := openOffice(t, local(t))
	for _, path := range adminPaths {
		t.Run(path, func(t *testing.T) {
			for _, method := range []string{"OPTIONS", "PUT", "PATCH", "TRACE", "PROPFIND", "get"} {
				status, answer, header := o.call(method, path, "")
				if r := wantRefusal(t, status, answer, header); status != http.StatusMethodNotAllowed || r.Error != "method_not_allowed" || header.Get("Allow") == "" {
					t.Errorf("%s: %d %s %v", method, status, answer, header)
				}
				for name := range header {
					if strings.HasPrefix(name, "Access-Control-") {
						t.Errorf("%s: the answer has %s", method, name)
					}
				}
			}
		})
	}
}

// Attack: other ways to write a path reach a call around its check, or something
// that is none.
func TestAttackAdminPaths(t *testing.T) {
	o := openOffice(t, local(t))
	o.must("POST", "/wechat/ledger", o.ledgerFile(), http.StatusOK)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{
		"/wechat", "/wechat/", "/wechat//persons", "/wechat/persons/", "/wechat/persons//", "/wechat/x/../persons/aaaaaaaaaaaaaaaaaaaaaaaaaa",
		"/WECHAT/persons/aaaaaaaaaaaaaaaaaaaaaaaaaa", "/wechat/Persons/aaaaaaaaaaaaaaaaaaaaaaaaaa", "/wechat/persons;/aaaaaaaaaaaaaaaaaaaaaaaaaa",
		"/wechat/persons/aaaaaaaaaaaaaaaaaaaaaaaaaa/", "/wechat/persons/aaaaaaaaaaaaaaaaaaaaaaaaaa/x", "/wechat/persons/%2e%2e/ledger",
		"/wechat/persons/" + strings.Repeat("a", 8000), "/wechat/persons/%00", "/wechat/persons/%ff", "/wechat/webhooks/%2e%2e/dead",
		"/wechat/webhooks/x", "/wechat/keys/", "/wechat/keys/rotate/now", "/wechat/readyx", "/wechat/ready/x",
	} {
		t.Run(path[:min(len(path), 60)], func(t *testing.T) {
			for _, method := range []string{"GET", "POST", "DELETE"} {
				request, err := http.NewRequestWithContext(t.Context(), method, o.admin+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				response, err := client.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if response.StatusCode < 300 || response.StatusCode >= 500 || strings.Contains(string(body), "oMing") {
					t.Errorf("%s: %d %.200s", method, response.StatusCode, body)
				}
			}
		})
	}
	o.must("GET", "/wechat/persons/aaaaaaaaaaaaaaaaaaaaaaaaaa", "", http.StatusOK)
}

// Attack: a huge body, of a known length or without end, for a call that needs
// none, or a small one.
func TestAttackAdminHugeBodies(t *testing.T) {
	o := openOffice(t, local(t))
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/wechat/persons?id=x", 200},
		{"DELETE", "/wechat/persons/x", 404},
		{"DELETE", "/wechat/sessions?person=x", 404},
		{"POST", "/wechat/keys/rotate", 400},
		{"POST", "/wechat/webhooks/x/redeliver", 404},
		{"POST", "/wechat/ledger", 400}, // its first line is too long
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var sent *endless
			var response *http.Response
			for tries := 0; response == nil; tries++ {
				sent = &endless{}
				request, err := http.NewRequestWithContext(ctx, c.method, o.admin+c.path, sent)
				if err != nil {
					t.Fatal(err)
				}
				response, err = (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
				// A server that answers without reading the body closes the
				// connection after half a second. A busy client has not read
				// the answer by then.
				if err != nil && (tries == 5 || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE)) {
					t.Fatal(err)
				}
			}
			_ = response.Body.Close()
			if response.StatusCode != c.want {
				t.Errorf("status %d, want %d", response.StatusCode, c.want)
			}
			if n := sent.n.Load(); n > 64<<20 {
				t.Errorf("%d bytes were read", n)
			}
		})
	}
	o.must("GET", "/wechat/keys", "", http.StatusOK)
}

// endless is a body without end.
type endless struct{ n atomic.Int64 }

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	e.n.Add(int64(len(b)))
	return len(b), nil
}

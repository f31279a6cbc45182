package command

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The running server is asked; one that is not there is a "no".
func TestHealth(t *testing.T) {
	r := start(t)
	for _, args := range [][]string{{"health"}, {"health", "--ready"}} {
		if out := r.do(args...); out != "ready: keys ok, ledger ok, store ok\n" {
			t.Errorf("%v printed %q", args, out)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	r.fails("connection refused", "health")
}

const (
	ready     = `{"ready":true,"parts":{"keys":{"state":"ok"},"ledger":{"state":"ok"},"store":{"state":"ok"}}}`
	notReady  = `{"ready":false,"parts":{"keys":{"state":"ok"},"ledger":{"state":"failed","error":"no answer within a second"},"store":{"state":"unknown"}}}`
	siteReady = `{"code":200,"parts":{"keys":"ok","wechat":"unknown"}}`
	siteNot   = `{"code":503,"error":"not_ready","message":"A part of the gateway does not work.","parts":{"keys":"ok","store":"failed"}}`
)

// What each answer means. An empty want is an error that contains fails.
func TestHealthAnswers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		site        bool // ask a site, not the admin endpoint
		ready       bool
		status      int
		body        string
		want, fails string
	}{
		"ready":                      {status: 200, body: ready, want: "ready: keys ok, ledger ok, store ok"},
		"ready, as required":         {ready: true, status: 200, body: ready, want: "ready: keys ok, ledger ok, store ok"},
		"alive":                      {status: 503, body: notReady, want: "alive, but not ready: keys ok, ledger failed (no answer within a second), store unknown"},
		"not ready":                  {ready: true, status: 503, body: notReady, fails: "not ready: keys ok, ledger failed (no answer within a second)"},
		"no wechat block":            {status: 503, body: `{"code":503,"error":"not_configured","message":"the running configuration has no wechat block"}`, fails: "status 503: the running configuration has no wechat block"},
		"Caddy without the gateway":  {status: 404, body: `{"error":"resource not found"}`, fails: "status 404: resource not found"},
		"another server":             {status: 200, body: "<html>", fails: "status 200: the answer is not the gateway's"},
		"JSON of another server":     {status: 502, body: "{}", fails: "status 502: the answer is not the gateway's"},
		"site: alive":                {site: true, status: 200, body: `{"code":200}`, want: "alive"},
		"site: ready":                {site: true, status: 200, body: siteReady, want: "ready: keys ok, wechat unknown"},
		"site: not ready":            {site: true, status: 503, body: siteNot, fails: "not ready: keys ok, store failed"},
		"site: stopping":             {site: true, status: 503, body: `{"code":503,"error":"stopping"}`, fails: "status 503: stopping"},
		"site: health off":           {site: true, status: 404, body: `{"code":404,"error":"not_found"}`, fails: "status 404: not_found"},
		"site: a host Caddy has not": {site: true, status: 200, body: "", fails: "status 200: the answer is not the gateway's"},
		"site: JSON of the app":      {site: true, status: 200, body: "{}", fails: "the answer is not the gateway's"},
		"site: redirects to https":   {site: true, status: 308, fails: "status 308: the site redirects to https://shop.example.com/; ask there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if row.site && r.Host != "shop.example.com" || !row.site && r.URL.Path != "/wechat/ready" {
					t.Errorf("asked for %s of %s", r.URL, r.Host)
				}
				if row.status == 308 {
					w.Header().Set("Location", "https://shop.example.com/")
				}
				w.WriteHeader(row.status)
				fmt.Fprint(w, row.body)
			}))
			defer server.Close()
			args := []string{"health", "--address", strings.TrimPrefix(server.URL, "http://")}
			if row.site {
				args = []string{"health", "--url", server.URL + "/_wechat/ready", "--host", "shop.example.com"}
			}
			if row.ready {
				args = append(args, "--ready")
			}
			out, err := bare(t, args...)
			switch {
			case row.want != "" && (err != nil || out != row.want+"\n"):
				t.Errorf("printed %q, %v, want %q", out, err, row.want)
			case row.want == "" && (err == nil || !strings.Contains(err.Error(), row.fails)):
				t.Errorf("printed %q, %v, want an error with %q", out, err, row.fails)
			}
		})
	}
}

// A server that hangs is a "no" in time.
func TestHealthTimeout(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	for _, args := range [][]string{
		{"health", "--timeout", "50ms", "--url", server.URL},
		{"health", "--timeout", "50ms", "--address", strings.TrimPrefix(server.URL, "http://")},
	} {
		if _, err := bare(t, args...); err == nil || err.Error() != "health: no answer within 50ms" {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestHealthFlags(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ args, want string }{
		{"--url http://127.0.0.1:1 --address localhost:2", "give one of them"},
		{"--url http://127.0.0.1:1 --config Caddyfile", "give one of them"},
		{"--url http://127.0.0.1:1 --ready", "/_wechat/ready instead of --ready"},
		{"--host shop.example.com", "--host goes with --url"},
		{"--timeout 0s", "longer than nothing"},
		{"--url shop.example.com/_wechat/ready", "no http or https address"},
		{"--url ftp://shop.example.com", "no http or https address"},
		{"now", "unknown command"},
	} {
		t.Run(row.args, func(t *testing.T) {
			t.Parallel()
			if out, err := bare(t, append([]string{"health"}, strings.Fields(row.args)...)...); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("printed %q, %v, want an error with %q", out, err, row.want)
			}
		})
	}
}

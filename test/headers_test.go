package test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// forged is every spelling of our names that some server reads as ours.
var forged = []string{
	"X-Wechat-Openid", "x-wechat-openid", "X_Wechat_Openid", "X-Wechat_Openid", "X.Wechat.Openid", "X-Wechat.Openid",
	"X-WECHAT-UNIONID", "X-Wechat-User", "X-Wechat-App-Id", "X_WECHAT_APP_ID", "X-Wechat-Account", "X-Wechat-Scope",
	"X-Wechat-Nickname", "X-Wechat-Avatar", "X-Wechat-Phone", "X-Wechat-Snapshot", "X-Wechat-Assertion", "X_Wechat_Assertion", "X-Wechat-Anything-Later", "X-Remote-User", "x_remote_user",
	"X~Wechat~Openid", "X+Wechat+Openid", "X!Wechat#Unionid", "X|Wechat|User", "X*Remote*User", "X'Wechat`Scope", "X^Wechat&Account", "X$Wechat%Avatar",
}

// Attacks 10, 40 and 41, over each protocol: the app sees one value of each
// identity header at most, and never the visitor's own.
func TestForgedHeadersNeverArrive(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{
		// The allowlist opens the hole that Caddy has closed by itself.
		server: "servers {\n\t\texpected_underscore_headers X_* x_*\n\t\texpected_dot_headers X.* X-Wechat.*\n\t}",
		site:   "https://localhost:" + w.port,
		auth:   "header user X-Remote-User\n\t\tpublic /public/*",
	}))
	w.awaitCertificate()
	site := "https://localhost:" + w.port
	v := w.visitor("ming")
	tlsConfig := w.trust()
	w.waitForTLS(tlsConfig)
	v.client.Transport.(*http.Transport).TLSClientConfig = tlsConfig.Clone()
	v.signIn(site + "/")
	session := v.cookie(site, "__Host-wechat")
	w.app.take()

	h2 := &http.Transport{TLSClientConfig: tlsConfig.Clone(), ForceAttemptHTTP2: true}
	h1 := &http.Transport{TLSClientConfig: tlsConfig.Clone(), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	h3 := &http3.Transport{TLSClientConfig: http3.ConfigureTLSConfig(tlsConfig.Clone())}
	t.Cleanup(func() { h2.CloseIdleConnections(); h1.CloseIdleConnections(); _ = h3.Close() })
	for _, protocol := range []struct {
		name      string
		transport http.RoundTripper
	}{{"HTTP/1.1", h1}, {"HTTP/2.0", h2}, {"HTTP/3.0", h3}} {
		for _, kind := range []struct {
			method, path string
			signedIn     bool
			arrives      bool
		}{
			{http.MethodGet, "/page", true, true},
			{http.MethodPost, "/form", true, true},
			{http.MethodOptions, "/page", true, true},
			{http.MethodGet, "/public/a.css", true, true},
			{http.MethodGet, "/public/a.css", false, true},
			{http.MethodOptions, "/public/x", false, true},
			{http.MethodGet, "/page", false, false},
			{http.MethodOptions, "/page", false, false},
		} {
			name := fmt.Sprintf("%s %s %s signed in %v", protocol.name, kind.method, kind.path, kind.signedIn)
			request, err := http.NewRequestWithContext(t.Context(), kind.method, site+kind.path, strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			for _, spelling := range forged {
				request.Header[spelling] = []string{"evil", "evil too"}
			}
			if kind.signedIn {
				request.Header.Set("Cookie", "a=1; __Host-wechat-"+w.port+"="+session+"; JSESSIONID=2")
			}
			response, err := (&http.Client{Transport: protocol.transport}).Do(request)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.Proto != protocol.name {
				t.Fatalf("%s: answered over %s", name, response.Proto)
			}
			all := w.app.take()
			if kind.arrives != (len(all) == 1) {
				t.Errorf("%s: %s, the app received %d requests", name, response.Status, len(all))
				continue
			}
			if kind.arrives {
				w.checkIdentity(t, name, all[0], kind.signedIn)
			}
		}
	}
}

// checkIdentity checks that a request carries ming's identity, or none.
func (w *world) checkIdentity(t *testing.T, name string, r received, signedIn bool) {
	t.Helper()
	got := identity(t, r)
	for header, value := range got {
		if strings.Contains(value, "evil") {
			t.Errorf("%s: %s: %s arrived", name, header, value)
		}
	}
	want := ""
	if signedIn {
		want = w.wechat.OpenID("ming", appID)
	}
	if got["x-wechat-openid"] != want || signedIn != (got["x-remote-user"] != "") {
		t.Errorf("%s: openid %q, want %q; all: %v", name, got["x-wechat-openid"], want, got)
	}
	if !signedIn && len(got) > 0 {
		t.Errorf("%s: without a session arrived %v", name, got)
	}
	if cookies := r.header.Get("Cookie"); signedIn && cookies != "a=1; JSESSIONID=2" {
		t.Errorf("%s: cookies %q", name, cookies)
	}
}

// trust returns a TLS configuration that trusts Caddy's internal authority.
func (w *world) trust() *tls.Config {
	w.t.Helper()
	pem, err := os.ReadFile(filepath.Join(w.folder, "storage/pki/authorities/local/root.crt"))
	if err != nil {
		w.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		w.t.Fatal("no root certificate")
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// waitForTLS waits for the certificate, which Caddy gets in the background.
func (w *world) waitForTLS(config *tls.Config) {
	w.t.Helper()
	var err error
	for range 300 {
		var conn *tls.Conn
		if conn, err = tls.Dial("tcp", "localhost:"+w.port, config); err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("no certificate: %v", err)
}

// raw sends bytes as they are and returns the answer's status and body.
func (w *world) raw(request string) (int, string) {
	w.t.Helper()
	status, _, body := w.rawAnswer(request)
	return status, body
}

// rawAnswer is raw with the answer's headers.
func (w *world) rawAnswer(request string) (int, http.Header, string) {
	w.t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+w.port)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		w.t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, string(body)
}

// A client could have reverse_proxy delete the identity that we set by naming
// it in Connection, or add values behind the body as trailers.
func TestConnectionTokensAndTrailersDoNoHarm(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{auth: "public /public/*"}))
	v := w.visitor("ming")
	v.signIn(w.site + "/")
	cookie := "Cookie: wechat=" + v.cookie(w.site, "wechat") + "\r\n"
	w.app.take()
	host := "Host: 127.0.0.1:" + w.port + "\r\n"
	for name, request := range map[string]string{
		"one token":     "GET / HTTP/1.1\r\n" + host + cookie + "Connection: close, X-Wechat-Openid, x-wechat-user\r\n\r\n",
		"several lines": "GET / HTTP/1.1\r\n" + host + cookie + "Connection: X-Wechat-Openid\r\nConnection: close\r\nConnection: X-WECHAT-UNIONID , x_wechat_user\r\n\r\n",
		"declared trailer": "POST / HTTP/1.1\r\n" + host + cookie + "Connection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Wechat-Openid\r\n\r\n" +
			"4\r\nbody\r\n0\r\nX-Wechat-Openid: evil\r\nX-Wechat-Unionid: evil\r\n\r\n",
		"undeclared trailer": "POST / HTTP/1.1\r\n" + host + cookie + "Connection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Other\r\n\r\n" +
			"4\r\nbody\r\n0\r\nX-Other: 1\r\nX-Wechat-Openid: evil\r\n\r\n",
	} {
		if status, body := w.raw(request); status != http.StatusOK {
			t.Errorf("%s: %d %s", name, status, body)
			continue
		}
		r := w.app.one(t)
		w.checkIdentity2(t, name, r)
		if strings.HasPrefix(request, "POST") && r.body != "body" {
			t.Errorf("%s: the body arrived as %q", name, r.body)
		}
		for trailer, values := range r.trailer {
			if strings.Contains(strings.ToLower(trailer), "wechat") {
				t.Errorf("%s: the trailer %s: %q arrived", name, trailer, values)
			}
		}
	}
}

func (w *world) checkIdentity2(t *testing.T, name string, r received) {
	t.Helper()
	got := identity(t, r)
	if got["x-wechat-openid"] != w.wechat.OpenID("ming", appID) || got["x-wechat-unionid"] != w.wechat.UnionID("ming", appID) || got["x-wechat-user"] == "" {
		t.Errorf("%s: the identity arrived as %v", name, got)
	}
}

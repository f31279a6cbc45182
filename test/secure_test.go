package test

import (
	"crypto/tls"
	"net/http"
	"os"
	"regexp"
	"time"
)

// secureSite runs the gateway on https and returns the site's origin, as soon
// as Caddy has made its certificate.
func (w *world) secureSite(o options) string {
	w.t.Helper()
	o.site = "https://localhost:" + w.port
	o.server = "auto_https disable_redirects" // nothing but free ports
	w.load(w.caddyfile(o))
	w.awaitCertificate()
	return o.site
}

// awaitCertificate waits until the site speaks TLS: Caddy issues certificates
// behind the scenes, after it has begun to listen.
func (w *world) awaitCertificate() {
	w.t.Helper()
	w.namedOverHTTPS()
	var err error
	for range 600 {
		var conn *tls.Conn
		config := w.trust()
		config.ServerName = "localhost"
		if conn, err = tls.Dial("tcp", "127.0.0.1:"+w.port, config); err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("no certificate: %v", err)
}

// namedOverHTTPS fails a test that all.sh would run with the race detector: its
// name has to tell that it is over https.
func (w *world) namedOverHTTPS() {
	w.t.Helper()
	script, err := os.ReadFile("all.sh")
	if err != nil {
		w.t.Fatal(err)
	}
	https := regexp.MustCompile(`(?m)^https='(.*)'$`).FindSubmatch(script)
	if https == nil {
		w.t.Fatal("test/all.sh does not say which tests are over https")
	}
	if !regexp.MustCompile(string(https[1])).MatchString(w.t.Name()) {
		w.t.Fatalf("it is over https: give it a name that matches %s of test/all.sh", https[1])
	}
}

// secureVisitor is a visitor who trusts Caddy's own certificates.
func (w *world) secureVisitor(personID string) *visitor {
	w.t.Helper()
	v := w.visitor(personID)
	v.client.Transport.(*http.Transport).TLSClientConfig = w.trust()
	return v
}

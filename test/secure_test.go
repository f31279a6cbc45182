package test

import (
	"crypto/tls"
	"net/http"
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
	var err error
	for range 100 {
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

// secureVisitor is a visitor who trusts Caddy's own certificates.
func (w *world) secureVisitor(personID string) *visitor {
	w.t.Helper()
	v := w.visitor(personID)
	v.client.Transport.(*http.Transport).TLSClientConfig = w.trust()
	return v
}

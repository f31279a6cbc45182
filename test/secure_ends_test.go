package test

import (
	"crypto/tls"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// Over each protocol the end of a person's sessions ends their open answers,
// and nobody else's: over HTTP/2 and HTTP/3 those share one connection.
func TestSecureAnswersEndWithTheSession(t *testing.T) {
	w := newWorld(t)
	admin := "127.0.0.1:" + freePort(t)
	site := w.secureSite(options{admin: admin})
	config := w.trust()
	h1 := &http.Transport{TLSClientConfig: config.Clone(), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	h2 := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true}
	h3 := &http3.Transport{TLSClientConfig: http3.ConfigureTLSConfig(config.Clone())}
	t.Cleanup(func() { h1.CloseIdleConnections(); h2.CloseIdleConnections(); _ = h3.Close() })
	ming, hong := w.secureVisitor("ming"), w.secureVisitor("hong")
	ming.signIn(site + "/")
	user := w.userOf()
	hong.signIn(site + "/")
	w.app.answer(longApp)
	var open, others []*openAnswer
	for proto, transport := range map[string]http.RoundTripper{"HTTP/1.1": h1, "HTTP/2.0": h2, "HTTP/3.0": h3} {
		begin := func(v *visitor, path string) io.ReadCloser {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("User-Agent", phoneUA)
			r.Header.Set("Cookie", "__Host-wechat="+v.cookie(site, "__Host-wechat"))
			response, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatalf("%s: %v", proto, err)
			}
			t.Cleanup(func() { _ = response.Body.Close() })
			if _, err := io.ReadFull(response.Body, make([]byte, 8)); err != nil || response.StatusCode != http.StatusOK || response.Proto != proto {
				t.Fatalf("%s: %s over %s, %v", proto, response.Status, response.Proto, err)
			}
			return response.Body
		}
		for _, path := range []string{"/events", "/download"} {
			open = append(open, readOn(proto+" "+path, begin(ming, path)))
			others = append(others, readOn(proto+" "+path+" of somebody else", begin(hong, path)))
		}
	}
	time.Sleep(openForAWhile)
	since := time.Now()
	if status, body := outside(t, http.MethodDelete, "http://"+admin+"/wechat/sessions?person="+user, ""); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	allClosed(t, open, since, goneWithin)
	allOpen(t, others)
}

package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// serve starts a receiver on a real socket.
func serve(t *testing.T, tls bool, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server
}

// once sends one event to an address and returns the sender, the outbox and the
// log.
func once(t *testing.T, address string, change func(*Sender)) (*Sender, *box, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var logged buffer
	b := &box{}
	b.put(event(1, 1))
	s := &Sender{
		Outbox: b, Target: "crm", URL: u, Secrets: []wechat.Secret{testSecret},
		Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(s)
	}
	end := start(t, s)
	defer end()
	for end := time.Now().Add(10 * time.Second); len(b.notes()) == 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	end()
	return s, b, logged.String()
}

func reason(t *testing.T, b *box) string {
	t.Helper()
	waiting, _ := b.left()
	if len(waiting) != 1 {
		t.Fatalf("%d wait; noted %v", len(waiting), b.notes())
	}
	return waiting[0].Reason
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var strayed atomic.Bool
	other := serve(t, false, func(http.ResponseWriter, *http.Request) { strayed.Store(true) })
	server := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	_, b, _ := once(t, server.URL, nil)
	if got := reason(t, b); got != "answered 307; redirects are not followed" || strayed.Load() {
		t.Errorf("%q, followed: %v", got, strayed.Load())
	}
}

func TestCertificateIsVerified(t *testing.T) {
	t.Parallel()
	server := serve(t, true, func(http.ResponseWriter, *http.Request) {})
	_, b, _ := once(t, server.URL, nil)
	if got := reason(t, b); got != "its certificate is from an unknown authority" {
		t.Errorf("%q", got)
	}
	trust := func(s *Sender) {
		s.RootCAs = x509.NewCertPool()
		s.RootCAs.AddCert(server.Certificate())
	}
	if s, _, _ := once(t, server.URL, trust); s.Counts().Sent != 1 {
		t.Error("a receiver with a good certificate is refused")
	}
	plain := serve(t, false, func(http.ResponseWriter, *http.Request) {})
	_, b, _ = once(t, strings.Replace(plain.URL, "http", "https", 1), nil)
	if got := reason(t, b); got != "it does not speak TLS" {
		t.Errorf("%q", got)
	}
}

// An answer without end costs 64 KiB, and a status is a status, whatever
// follows it.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	server := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
		for written.Load() < 64<<20 {
			n, err := w.Write(make([]byte, 32<<10))
			if written.Add(int64(n)); err != nil {
				return
			}
		}
	})
	s, _, _ := once(t, server.URL, nil)
	if s.Counts().Sent != 1 || written.Load() >= 64<<20 {
		t.Errorf("%+v after %d bytes", s.Counts(), written.Load())
	}
}

func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	var connections, requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = io.WriteString(w, "thank you")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	b := &box{}
	for n := range 200 {
		b.put(event(n, n))
	}
	u, _ := url.Parse(server.URL)
	end := start(t, &Sender{Outbox: b, Target: "crm", URL: u, Secrets: []wechat.Secret{testSecret}})
	for stop := time.Now().Add(10 * time.Second); len(b.notes()) < 200 && time.Now().Before(stop); {
		time.Sleep(5 * time.Millisecond)
	}
	end()
	if requests.Load() != 200 || connections.Load() > parallel {
		t.Errorf("%d connections for %d requests", connections.Load(), requests.Load())
	}
}

// http:// carries openids for all to read: it never leaves the operator's own
// network.
func TestPlainHTTPIsForPrivateAddressesOnly(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"127.0.0.1:80": true, "10.1.2.3:80": true, "172.16.0.1:80": true, "192.168.1.1:80": true, "169.254.1.1:80": true,
		"[::1]:80": true, "[fd00::1]:80": true, "[fe80::1%eth0]:80": true, "[::ffff:10.0.0.1]:80": true,
		"8.8.8.8:80": false, "172.32.0.1:80": false, "[2001:db8::1]:80": false, "[::ffff:8.8.8.8]:80": false, "host:80": false,
	} {
		if err := privateOnly("tcp", address, nil); good != (err == nil) {
			t.Errorf("%s: %v", address, err)
		}
	}
	_, b, _ := once(t, "http://203.0.113.1/", nil)
	if got := reason(t, b); got != errPublic.Error() {
		t.Errorf("%q", got)
	}
}

func TestProxyOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
	t.Setenv("HTTP_PROXY", "http://proxy.example.com:3128")
	t.Setenv("NO_PROXY", "crm.example.net")
	for address, want := range map[string]bool{
		"https://crm.example.com/": true, "https://8.8.8.8/": true, "https://internal.example.com/": true,
		"https://crm.example.net/": false, "https://crm/": false, "https://crm.internal/x": false, "https://CRM.Corp./": false,
		"https://10.0.0.5/": false, "https://[fd00::1]/": false, "https://[::ffff:10.0.0.5]/": false, "https://localhost/": false, "http://crm.example.com/": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		used := false
		if find := proxy(u); find != nil {
			by, err := find(&http.Request{URL: u})
			used = err == nil && by != nil
		}
		if used != want {
			t.Errorf("%s by proxy: %v", address, used)
		}
	}
}

func TestRunRefusesFieldsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	good := func() *Sender {
		return newSender(&box{}, nil, "a")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := good().Run(ended); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Sender){
		"no outbox":     func(s *Sender) { s.Outbox = nil },
		"no target":     func(s *Sender) { s.Target = "" },
		"no address":    func(s *Sender) { s.URL = nil },
		"scheme":        func(s *Sender) { s.URL = &url.URL{Scheme: "ftp", Host: "crm"} },
		"no host":       func(s *Sender) { s.URL = &url.URL{Scheme: "https", Host: ":443"} },
		"fragment":      func(s *Sender) { s.URL.Fragment = "x" },
		"no secret":     func(s *Sender) { s.Secrets = nil },
		"three secrets": func(s *Sender) { s.Secrets = []wechat.Secret{testSecret, testSecret, testSecret} },
		"bad secret":    func(s *Sender) { s.Secrets = append(s.Secrets, wechat.NewSecret("short")) },
	} {
		t.Run(name, func(t *testing.T) {
			s := good()
			change(s)
			if err := s.Run(ended); !errors.Is(err, errTarget) && !errors.Is(err, errSecret) {
				t.Errorf("got %v, want an error", err)
			}
		})
	}
}

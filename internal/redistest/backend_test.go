package redistest_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

func options() map[string]redistest.Options {
	return map[string]redistest.Options{
		"open":          {},
		"password":      {Password: "p@ss:w/rd%", SentinelPassword: "other"},
		"user over TLS": {Username: "gateway", Password: "secret", TLS: true, AppendOnly: true},
	}
}

func kinds() map[string]func(testing.TB, redistest.Options) redistest.Backend {
	return map[string]func(testing.TB, redistest.Options) redistest.Backend{
		"standalone": func(t testing.TB, o redistest.Options) redistest.Backend { return redistest.Standalone(t, o) },
		"sentinel":   func(t testing.TB, o redistest.Options) redistest.Backend { return redistest.SentinelWith(t, o) },
		"cluster":    func(t testing.TB, o redistest.Options) redistest.Backend { return redistest.ClusterWith(t, o) },
	}
}

func TestBackendsServe(t *testing.T) {
	t.Parallel()
	for kind, start := range kinds() {
		for name, o := range options() {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				b := start(t, o)
				t.Log(b.URL())
				client := b.Client()
				if err := client.Set(t.Context(), "name", "value", time.Minute).Err(); err != nil {
					t.Fatal(err)
				}
				if got, err := client.Get(t.Context(), "name").Result(); err != nil || got != "value" {
					t.Fatalf("got %q, %v", got, err)
				}
			})
		}
	}
}

func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	s := redistest.Standalone(t, redistest.Options{Username: "gateway", Password: "secret", TLS: true})
	for name, change := range map[string]func(*redis.UniversalOptions){
		"clear text":            func(o *redis.UniversalOptions) { o.TLSConfig = nil },
		"no client certificate": func(o *redis.UniversalOptions) { o.TLSConfig.Certificates = nil },
		"another authority":     func(o *redis.UniversalOptions) { o.TLSConfig.RootCAs = x509.NewCertPool() },
		"wrong password":        func(o *redis.UniversalOptions) { o.Password = "wrong" },
		"no user":               func(o *redis.UniversalOptions) { o.Username, o.Password = "", "" },
	} {
		o := s.Universal()
		o.MaxRetries, o.DialerRetries = -1, 1
		change(o)
		if err := s.Dial(o).Ping(t.Context()).Err(); err == nil {
			t.Errorf("%s: served", name)
		}
	}
	files := s.Certs()
	if _, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile); err != nil {
		t.Error(err)
	}
	if pem, err := os.ReadFile(files.CAFile); err != nil || !x509.NewCertPool().AppendCertsFromPEM(pem) {
		t.Errorf("authority: %v", err)
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for kind, start := range kinds() {
		b := start(t, redistest.Options{Username: "gate:way", Password: "p@ss/"})
		u, err := url.Parse(strings.Split(b.URL(), ",")[0])
		if err != nil {
			t.Fatal(err)
		}
		scheme := map[string]string{"standalone": "redis", "sentinel": "redis+sentinel", "cluster": "redis+cluster"}[kind]
		if password, _ := u.User.Password(); u.Scheme != scheme || u.User.Username() != "gate:way" || password != "p@ss/" {
			t.Errorf("%s: %s", kind, b.URL())
		}
		if n := strings.Count(b.URL(), ",") + 1; n != len(b.Universal().Addrs) {
			t.Errorf("%s: %s", kind, b.URL())
		}
	}
}

package caddymodule_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/caddytest"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// another is another configuration of an office, in JSON.
type another struct {
	store   string
	more    string // of the wechat app, a comma behind it
	account string // more of the account, a comma before it
	auth    string // more of wechat_auth, a comma before it
	app     string // the address of the app behind it
}

// reloadTo loads another configuration.
func (o *office) reloadTo(c another) {
	o.t.Helper()
	if o.storage == "" {
		o.storage = o.t.TempDir()
	}
	config := fmt.Sprintf(`{
		"admin":{"listen":%q,"config":{"persist":false}},
		"storage":{"module":"file_system","root":%q},
		"logging":{"logs":{"default":{"writer":{"output":"discard"}}}},
		"apps":{
			"wechat":{%s"official_accounts":[{"app_id":%q,"app_secret":"{env.SECRET}"%s}],"store":%s,"open_url":%q,"api_url":%q},
			"http":{"servers":{"s":{"listen":[%q],"routes":[{"handle":[
				{"handler":"wechat_auth","scope":"snsapi_base"%s},
				{"handler":"reverse_proxy","flush_interval":-1,"upstreams":[{"dial":%q}]}
			]}]}}}
		}
	}`, strings.TrimPrefix(o.admin, "http://"), o.storage, c.more, simApp, c.account, c.store, o.simAt, o.simAt, strings.TrimPrefix(o.site, "http://"), c.auth, c.app)
	if err := caddy.Load([]byte(config), true); err != nil {
		o.t.Fatalf("%v in %s", err, config)
	}
	caddytest.Settle(o.t)
}

// Attack: the address of the store is changed, a visitor signs out at the new
// one, and an event stream that was opened before runs on.
func TestAttackStreamOutlivesTheStore(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{})
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "user="+r.Header.Get("X-Wechat-User"))
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/events" {
			<-r.Context().Done()
		}
	}))
	t.Cleanup(app.Close)
	in := func(db string) another {
		store := fmt.Sprintf(`{"store":"redis","address":%q}`, strings.TrimSuffix(server.URL(), "/0")+db)
		return another{store: store, app: strings.TrimPrefix(app.URL, "http://")}
	}
	o := openOffice(t, in("/0").store)
	o.reloadTo(in("/0"))
	ming, hong := o.caller("ming"), o.caller("hong")
	for _, c := range []*caller{ming, hong} {
		c.signIn()
	}
	leaving, staying := ming.streams("/events"), hong.streams("/events")

	keys, err := server.Do("keys", "*").StringSlice()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if err := server.Do("copy", key, key, "db", 1).Err(); err != nil {
			t.Fatal(err)
		}
	}
	o.reloadTo(in("/1"))
	open := func(stream <-chan struct{}, limit time.Duration) bool {
		select {
		case <-stream:
			return false
		case <-time.After(limit):
			return true
		}
	}
	if !open(leaving, 2*time.Second) || !ming.isSignedIn() {
		t.Fatal("the reload has cut a stream, or signed its visitor out")
	}
	ming.signsOut()
	if open(leaving, 10*time.Second) {
		t.Error("it runs on after its visitor has signed out at the new store")
	}
	if !open(staying, time.Second) {
		t.Error("somebody else's stream was cut")
	}
}

// streams begins an answer that does not end, and says when it has.
func (c *caller) streams(path string) <-chan struct{} {
	c.o.t.Helper()
	r, err := http.NewRequestWithContext(c.o.t.Context(), http.MethodGet, c.o.site+path, nil)
	if err != nil {
		c.o.t.Fatal(err)
	}
	r.Header.Set("User-Agent", phoneUA)
	response, err := (&http.Client{Jar: c.client.Jar}).Do(r)
	if err != nil {
		c.o.t.Fatal(err)
	}
	c.o.t.Cleanup(func() { _ = response.Body.Close() })
	if _, err := io.ReadFull(response.Body, make([]byte, len("user=")+26)); err != nil || response.StatusCode != http.StatusOK {
		c.o.t.Fatalf("%s: %s, %v", path, response.Status, err)
	}
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, response.Body) // how it ends differs
		close(over)
	}()
	return over
}

// signsOut posts to the sign-out of the site.
func (c *caller) signsOut() {
	c.o.t.Helper()
	r, err := http.NewRequestWithContext(c.o.t.Context(), http.MethodPost, c.o.site+"/_wechat/logout", nil)
	if err != nil {
		c.o.t.Fatal(err)
	}
	r.Header.Set("User-Agent", phoneUA)
	r.Header.Set("Origin", c.o.site)
	response, err := c.client.Do(r)
	if err != nil {
		c.o.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		c.o.t.Fatalf("logout: %s", response.Status)
	}
}

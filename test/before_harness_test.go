package test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
)

// The harness: a beforeWorld is a simulated WeChat, an app and a folder or a
// Redis for testdata/before/shop.Caddyfile, which a gateway of before ran.
// restore puts its data there. A beforeVisitor is somebody whom it signed in.

const (
	beforeFolder = "testdata/before/"
	beforeSite   = "https://shop.example.com" // TLS ends before the gateway
	beforePrefix = "shop:"
	tokenPrefix  = "wxt_mini." // of the mini program's tokens
)

// beforeEnv are the other variables of the Caddyfiles of before.
var beforeEnv = map[string]string{
	"WECHAT_SESSION_KEY":    "the session key of the gateways of before",
	"OLD_SESSION_KEY":       "a session key that was replaced before that",
	"PUSH_TOKEN":            pushToken,
	"PUSH_AES_KEY":          pushAESKey,
	"WECHAT_WEBHOOK_SECRET": hookSecret,
	"OLD_WEBHOOK_SECRET":    "a webhook secret that was replaced before",
}

// beforeVisitor is a session of before, and what the app was told of it.
type beforeVisitor struct {
	Name, AppID, Value string
	Told               map[string]string
}

func (v beforeVisitor) binding() session.Binding {
	audience := session.Cookie
	if v.Name == "token" {
		audience = session.Token
	}
	return session.Binding{Site: beforeSite, AppID: v.AppID, Audience: audience}
}

type beforeWorld struct {
	*doorWorld
	store string        // local or redis
	redis *redis.Client // nil for local
}

func newBeforeWorld(t *testing.T, store string) *beforeWorld {
	t.Helper()
	var server *redistest.Server
	if store == "redis" {
		server = redistest.Standalone(t, redistest.Options{}) // ends after Caddy
	}
	b := &beforeWorld{doorWorld: &doorWorld{world: newWorld(t)}, store: store}
	b.bind("open")
	for _, set := range []map[string]string{beforeEnv, doorSecrets, {
		"BEFORE_FOLDER": b.folder, "BEFORE_PORT": b.port, "BEFORE_WECHAT": b.sim.URL, "BEFORE_APP": b.app.address(),
		"BEFORE_STORE": "local " + b.folder + "/ledger", "BEFORE_SESSION_KEY": "",
	}} {
		for name, value := range set {
			t.Setenv(name, value)
		}
	}
	if server != nil {
		b.redis = redis.NewClient(&redis.Options{Addr: server.Addr})
		t.Cleanup(func() { _ = b.redis.Close() })
		t.Setenv("BEFORE_STORE", "redis "+server.URL()+" {\n prefix "+beforePrefix+"\n stale_if_down 1m\n}")
		t.Setenv("BEFORE_SESSION_KEY", "key {env.WECHAT_SESSION_KEY}")
	}
	return b
}

// file is the name of one of the store's files.
func (b *beforeWorld) file(name string) string { return beforeFolder + b.store + "/" + name }

// restore puts the data of before in their place.
func (b *beforeWorld) restore() (visitors []beforeVisitor) {
	b.t.Helper()
	if b.redis != nil {
		for line := range strings.Lines(read(b.t, b.file("redis.txt"))) {
			if err := b.redis.Do(b.t.Context(), unquoted(b.t, line)...).Err(); err != nil {
				b.t.Fatalf("%s: %v", line, err)
			}
		}
	} else {
		in, err := gzip.NewReader(strings.NewReader(read(b.t, b.file("ledger.db.gz"))))
		if err != nil {
			b.t.Fatal(err)
		}
		ledger, err := io.ReadAll(in)
		if err != nil {
			b.t.Fatal(err)
		}
		write(b.t, b.folder+"/ledger/ledger.db", ledger)
		write(b.t, b.keyPath(), []byte(read(b.t, b.file("session_keys.json"))))
	}
	if err := json.Unmarshal([]byte(read(b.t, b.file("visitors.json"))), &visitors); err != nil {
		b.t.Fatal(err)
	}
	return visitors
}

// ring has the session keys of before.
func (b *beforeWorld) ring() *session.Ring {
	b.t.Helper()
	secret := beforeEnv["WECHAT_SESSION_KEY"]
	if b.redis == nil {
		var file struct{ Keys []struct{ Secret []byte } }
		if err := json.Unmarshal([]byte(read(b.t, b.keyPath())), &file); err != nil || len(file.Keys) != 1 {
			b.t.Fatalf("%d keys, %v", len(file.Keys), err)
		}
		secret = string(file.Keys[0].Secret)
	}
	ring, err := session.NewRing(secret)
	if err != nil {
		b.t.Fatal(err)
	}
	return ring
}

// fresh returns the session's value as if it had been made now: a gateway
// accepts none for longer than 400 days, and the fixtures are to last. The
// session loads as it was made and keeps all but its dates. In Redis it keeps
// its value, too.
func (b *beforeWorld) fresh(v beforeVisitor) string {
	b.t.Helper()
	const long = 100 * 365 * 24 * time.Hour
	policy := session.Policy{Idle: long, Lifetime: long}
	var store session.Store = session.Sealed{Keys: b.ring(), Policy: policy}
	if b.redis != nil {
		store = &session.Redis{Client: b.redis, Keys: b.ring(), Policy: policy, Prefix: beforePrefix}
	}
	s, err := store.Load(b.t.Context(), v.Value, v.binding())
	if err != nil {
		b.t.Fatalf("the %s of before does not load: %v", v.Name, err)
	}
	now := time.Now().Truncate(time.Second)
	s.Created, s.Renewed = now, now
	value, err := store.Save(b.t.Context(), s)
	if err != nil {
		b.t.Fatal(err)
	}
	if b.redis != nil && value != v.Value {
		b.t.Errorf("the %s of before has another value in Redis", v.Name)
	}
	return value
}

// customer is a browser with this person's WeChat, to whom the gateway is
// https.
func (b *beforeWorld) customer(personID string) *visitor {
	b.t.Helper()
	v := b.visitor(personID)
	v.client.Transport.(*http.Transport).DialTLSContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+b.port)
	}
	return v
}

// asks sends a request with a value of a session.
func (b *beforeWorld) asks(name, value string) answer {
	b.t.Helper()
	header := http.Header{"Cookie": {"__Host-wechat=" + value}}
	if name == "token" {
		header = http.Header{"Authorization": {"Bearer " + tokenPrefix + value}}
	}
	return b.customer("ming").send(http.MethodGet, beforeSite+"/page", "", header)
}

// unquoted reads a line of quoted words.
func unquoted(t *testing.T, line string) (words []any) {
	t.Helper()
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		words, line = append(words, word), line[len(quoted):]
	}
	return words
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

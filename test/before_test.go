package test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// Sessions, keys, persons and a Caddyfile of the gateway before the rooms were
// made work on: who was signed in is the same person for the app, without a new
// sign-in, and so is who signs in anew.
func TestDataOfBeforeStillWork(t *testing.T) {
	for _, store := range []string{"local", "redis"} {
		t.Run(store, func(t *testing.T) {
			b := newBeforeWorld(t, store)
			visitors := b.restore()
			values := make([]string, len(visitors))
			for i, v := range visitors {
				values[i] = b.fresh(v)
			}
			b.load(read(t, beforeFolder+"shop.Caddyfile"))
			for i, v := range visitors {
				if a := b.asks(v.Name, values[i]); a.StatusCode != http.StatusOK {
					t.Errorf("the %s of before: %s %.300s", v.Name, a.Status, a.body)
					continue
				}
				v.sameTold(t, v.Name, identity(t, b.app.one(t)))
			}
			if n := b.wechat.CountCalls("token"); n != 0 {
				t.Errorf("%d codes were spent, want none", n)
			}

			phone := b.customer("ming")
			if a := phone.open(beforeSite + "/page"); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "<title>app</title>") {
				t.Fatalf("a sign-in ends with %s %.300s", a.Status, a.body)
			}
			visitors[0].sameTold(t, "sign-in", identity(t, b.app.one(t)))

			desktop := b.customer("ming")
			desktop.header.Set("User-Agent", desktopUA)
			if a := desktop.open(beforeSite + "/page"); !strings.Contains(a.body, "请用微信逛以前的店") {
				t.Errorf("the page of before is not shown: %s %.300s", a.Status, a.body)
			}
		})
	}
}

// sameTold checks that the app is told the same as before.
func (v beforeVisitor) sameTold(t *testing.T, name string, got map[string]string) {
	t.Helper()
	for _, needed := range []string{"x-wechat-user", "x-wechat-openid", "x-wechat-unionid"} {
		if v.Told[needed] == "" {
			t.Errorf("%s: the fixture has no %s", name, needed)
		}
	}
	if len(got) != len(v.Told) {
		t.Errorf("%s: the app is told %v, want %v", name, got, v.Told)
	}
	for header, want := range v.Told {
		if got[header] != want {
			t.Errorf("%s: %s is %q, want %q", name, header, got[header], want)
		}
	}
}

// A Caddyfile with every option that was documented before adapts and validates
// with each store, and so does the JSON that the gateway of before made of it.
func TestConfigurationOfBeforeStillWorks(t *testing.T) {
	certs := redistest.TLS(t).Certs()
	for name, store := range map[string]string{
		"local":    "",
		"redis":    "redis redis://user:p%40ss@127.0.0.1:1/3",
		"tls":      "redis rediss://127.0.0.1:1 {\n ca " + certs.CAFile + "\n cert " + certs.CertFile + "\n key " + certs.KeyFile + "\n}",
		"sentinel": "redis redis+sentinel://127.0.0.1:1,127.0.0.1:2/mymaster/1 {\n username u\n password p\n sentinel_username s\n sentinel_password q\n}",
		"cluster":  "redis redis+cluster://127.0.0.1:1,127.0.0.1:2 {\n prefix shop:\n stale_if_down 1m\n}",
	} {
		t.Run(name, func(t *testing.T) {
			newBeforeWorld(t, "local")
			if store != "" {
				t.Setenv("BEFORE_STORE", store)
			}
			text := read(t, beforeFolder+"every_option.Caddyfile")
			adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
			if err != nil || len(warnings) != 0 {
				t.Fatalf("adapting: %v, %v", err, warnings)
			}
			validates(t, adapted)
		})
	}
	t.Run("json", func(t *testing.T) {
		newBeforeWorld(t, "local")
		validates(t, []byte(read(t, beforeFolder+"every_option.json")))
	})
}

// validates checks that a configuration can be loaded.
func validates(t *testing.T, config []byte) {
	t.Helper()
	var c caddy.Config
	if err := json.Unmarshal(config, &c); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&c); err != nil {
		t.Error(err)
	}
}

package test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The main job: a visitor of the WeChat browser reaches the app, signed in, at
// the exact address first asked for.
func TestVisitorReachesTheAppSignedIn(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{}))
	v := w.visitor("ming")
	target := w.site + "/orders/%E5%95%86%E5%93%81?id=7&b=%2F&a=1&empty="
	a := v.signIn(target)
	if a.url != target || a.StatusCode != http.StatusOK {
		t.Fatalf("ended at %s with %s", a.url, a.Status)
	}
	r := w.app.one(t)
	if r.uri != strings.TrimPrefix(target, w.site) {
		t.Errorf("the app was asked for %s", r.uri)
	}
	got := identity(t, r)
	want := map[string]string{
		"x-wechat-openid":   w.wechat.OpenID("ming", appID),
		"x-wechat-unionid":  w.wechat.UnionID("ming", appID),
		"x-wechat-app-id":   appID,
		"x-wechat-account":  "default",
		"x-wechat-scope":    "snsapi_userinfo",
		"x-wechat-nickname": url.QueryEscape("小明"),
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: %q, want %q", name, got[name], value)
		}
	}
	if len(got["x-wechat-user"]) != 26 || got["x-wechat-avatar"] == "" {
		t.Errorf("user %q, avatar %q", got["x-wechat-user"], got["x-wechat-avatar"])
	}
	if cookies := strings.Join(r.header["Cookie"], ";"); strings.Contains(cookies, "wechat") {
		t.Errorf("our cookies reached the app: %q", cookies)
	}
	// A second browser of the same person goes straight through, silently.
	second := w.visitor("ming")
	if a := second.open(target); a.url != target || a.StatusCode != http.StatusOK {
		t.Fatalf("the second browser ended at %s with %s", a.url, a.Status)
	}
	if again := identity(t, w.app.one(t)); again["x-wechat-user"] != got["x-wechat-user"] || again["x-wechat-nickname"] != got["x-wechat-nickname"] {
		t.Errorf("the second browser is %v", again)
	}
}

// A restart with the same folders: cookies still hold, and nobody is asked.
func TestRestartAndReloadKeepEverybodySignedIn(t *testing.T) {
	w := newWorld(t)
	config := w.caddyfile(options{})
	w.load(config)
	v := w.visitor("ming")
	v.signIn(w.site + "/first")
	before := identity(t, w.app.one(t))
	calls := w.wechat.CountCalls("/sns/oauth2/access_token")
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"reload of the same", func() { w.load(config) }},
		{"reload with another option", func() { w.load(w.caddyfile(options{auth: "scope snsapi_base /x"})) }},
		{"restart", func() { w.stop(); w.load(config) }},
	} {
		step.do()
		v.client.CloseIdleConnections() // the old server closes its side when it likes
		if a := v.send(http.MethodGet, w.site+"/again", "", nil); a.StatusCode != http.StatusOK {
			t.Fatalf("after a %s: %s", step.name, a.Status)
		}
		if after := identity(t, w.app.one(t)); after["x-wechat-user"] != before["x-wechat-user"] {
			t.Errorf("after a %s: %v", step.name, after)
		}
	}
	if now := w.wechat.CountCalls("/sns/oauth2/access_token"); now != calls {
		t.Errorf("WeChat was asked %d times more", now-calls)
	}
	// And a new browser of the same person is recognised after the restart.
	if a := w.visitor("ming").open(w.site + "/new"); a.StatusCode != http.StatusOK || a.url != w.site+"/new" {
		t.Errorf("a new browser ended at %s with %s", a.url, a.Status)
	}
}

func TestSignedOutMeansSignedOut(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{}))
	v := w.visitor("ming")
	v.signIn(w.site + "/")
	w.app.take()
	stolen := v.cookie(w.site, "wechat")
	if a := v.send(http.MethodPost, w.site+"/_wechat/logout", "", http.Header{"Accept": {"application/json"}}); a.StatusCode != http.StatusOK {
		t.Fatalf("logout: %s %s", a.Status, a.body)
	}
	for _, restart := range []bool{false, true} {
		if restart {
			w.stop()
			w.load(w.caddyfile(options{}))
		}
		thief := w.visitor("hong")
		a := thief.send(http.MethodGet, w.site+"/", "", http.Header{"Cookie": {"wechat=" + stolen}, "Accept": {"application/json"}})
		if a.StatusCode != http.StatusUnauthorized {
			t.Errorf("the cookie of a session that was signed out (restart: %v): %s", restart, a.Status)
		}
	}
	if got := w.app.take(); len(got) != 0 {
		t.Errorf("the app was reached: %v", got)
	}
}

func TestAccessLogKnowsTheUser(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{before: "log"}))
	v := w.visitor("ming")
	v.signIn(w.site + "/")
	if want := `"user_id":"` + w.wechat.OpenID("ming", appID) + `"`; !strings.Contains(w.log(), want) {
		t.Errorf("no %s in the access log", want)
	}
}

// caddy validate runs in a second process beside the live server, and a second
// server with the same folder must not pretend to work.
func TestBesideARunningServer(t *testing.T) {
	w := newWorld(t)
	config := w.caddyfile(options{})
	w.load(config)
	file := filepath.Join(w.folder, "Caddyfile")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(w.folder, "wechat-gateway")
	if out, err := exec.Command("go", "build", "-o", binary, "../cmd/wechat-gateway").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(binary, "validate", "--config", file, "--adapter", "caddyfile").CombinedOutput(); err != nil || !strings.Contains(string(out), "Valid configuration") {
		t.Errorf("validate: %v\n%s", err, out)
	}
	second := strings.ReplaceAll(config, "127.0.0.1:"+w.port, "127.0.0.1:"+freePort(t))
	second = strings.ReplaceAll(second, w.folder+"/storage", t.TempDir())
	second = strings.ReplaceAll(second, "output file "+w.folder+"/caddy.log", "output stderr")
	if err := os.WriteFile(file, []byte(second), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "run", "--config", file, "--adapter", "caddyfile").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "ledger.db") || !strings.Contains(string(out), "another process") {
		t.Errorf("a second server on the same ledger: %v\n%s", err, out)
	}
	v := w.visitor("ming")
	if a := v.signIn(w.site + "/"); a.StatusCode != http.StatusOK {
		t.Errorf("the running server: %s", a.Status)
	}
}

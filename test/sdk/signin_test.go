package sdk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// co-wechat-oauth behind the gateway, without state as is its default.
func TestNodeSignsInBehindTheGateway(t *testing.T) {
	w := newWorld(t)
	app := node(t, "oauth.js", "WECHAT="+w.wechat, "SITE="+w.site, "APP_ID="+appID, "APP_SECRET="+appSecret)
	w.runGateway(app, "")
	w.ownSignIn("code been used")
}

// A secret of another account, and a domain that is not among the account's.
func TestNodeWithAWrongConfiguration(t *testing.T) {
	for _, c := range []struct{ name, secret, site, want string }{
		{"the mini program's secret", miniSecret, "", `"errcode":40125`},
		{"another domain", appSecret, "http://shop.example.com", "10003"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.press("consent", "person", person, "account", appID, "to", "on")
			site := w.site
			if c.site != "" {
				site = c.site
			}
			w.runGateway(node(t, "oauth.js", "WECHAT="+w.wechat, "SITE="+site, "APP_ID="+appID, "APP_SECRET="+c.secret), "")
			if body := open(t, visitor(t), w.site+"/own/login"); !strings.Contains(body, c.want) {
				t.Errorf("no %s in %s", c.want, body)
			}
		})
	}
}

// ownSignIn walks through the sign-in of the app and through the gateway's.
// used is what the SDK says of a code that was spent.
func (w *world) ownSignIn(used string) {
	t := w.t
	t.Helper()
	w.press("consent", "person", person, "account", appID, "to", "on")
	browser := visitor(t)
	var last *url.URL
	browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error { last = r.URL; return nil }
	for _, state := range []string{"", "abc123"} {
		own := read[identity](t, open(t, browser, w.site+"/own/login?state="+state))
		if own.OpenID == "" || own.UnionID == "" || own.Nickname != "小明" || own.State != state || !own.Renewed {
			t.Errorf("state %q: the app's own sign-in gave %+v", state, own)
		}
		if _, sent := last.Query()["state"]; !sent || last.Path != "/own/callback" {
			t.Errorf("state %q: came back to %s", state, last)
		}
		if again := read[identity](t, open(t, browser, last.String())); !strings.Contains(again.Errmsg, used) {
			t.Errorf("the same code again: %+v", again)
		}
		if gate := read[identity](t, open(t, browser, w.site+"/")); gate.OpenID != own.OpenID {
			t.Errorf("the gateway says %q, the app's own sign-in %q", gate.OpenID, own.OpenID)
		}
	}
}

// signEmpty signs the empty body of a GET with a session_key.
func signEmpty(sessionKey string) string {
	return hex.EncodeToString(hmac.New(sha256.New, []byte(sessionKey)).Sum(nil))
}

package test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"
)

// An app gets nickname and avatar in the encoding that the site chose, and so
// does another proxy that checks.
func TestEncodingsThroughCaddy(t *testing.T) {
	w := newWorld(t)
	const nickname, avatar = "小红 🌸", "https://thirdwx.qlogo.cn/mmopen/hong/132"
	for _, c := range []struct {
		auth string
		read func(string) (string, error)
	}{
		{"", url.PathUnescape},
		{"encoding percent", url.PathUnescape},
		{"encoding base64url", func(s string) (string, error) { b, err := base64.RawURLEncoding.DecodeString(s); return string(b), err }},
		{"encoding utf8", func(s string) (string, error) { return s, nil }},
	} {
		t.Run(c.auth, func(t *testing.T) {
			w.load(w.caddyfile(options{auth: "check on\n\t\theader avatar X-Avatar\n\t\t" + c.auth}))
			v := w.visitor("hong")
			v.signIn(w.site + "/")
			w.app.take()
			v.open(w.site + "/page")
			for who, h := range map[string]http.Header{
				"the app":       w.app.one(t).header,
				"another proxy": v.send(http.MethodGet, w.site+"/_wechat/check", "", nil).Header,
			} {
				for name, want := range map[string]string{"X-Wechat-Nickname": nickname, "X-Avatar": avatar} {
					if got, err := c.read(h.Get(name)); got != want || err != nil {
						t.Errorf("%s is told %s: %q, which reads as %q (%v), want %q", who, name, h.Get(name), got, err, want)
					}
				}
			}
		})
	}
}

// The app gets our cookies only where strip_cookies is off, and never those of
// a neighbour on the host. Tokens are removed in any case.
func TestStripCookies(t *testing.T) {
	w := newWorld(t)
	own := "wechat-" + w.port + "="
	for _, c := range []struct {
		auth   string
		passes bool
	}{{"", false}, {"strip_cookies on", false}, {"strip_cookies off", true}} {
		t.Run(c.auth, func(t *testing.T) {
			w.load(w.caddyfile(options{auth: "check on\n\t\tpublic /public\n\t\t" + c.auth}))
			v := w.visitor("ming")
			v.signIn(w.site + "/")
			own := own + v.cookie(w.site, "wechat")
			want := "a=1; b=2"
			if c.passes {
				want = "a=1; " + own + "; b=2"
			}
			sent := http.Header{"Cookie": {"a=1; " + own + "; wechat-1=neighbour; __Host-wechat=neighbour; b=2"}}
			v.client.Jar = nil
			for _, path := range []string{"/page", "/public"} {
				w.app.take()
				v.send(http.MethodGet, w.site+path, "", sent)
				if got := w.app.one(t).header.Get("Cookie"); got != want {
					t.Errorf("%s: the app gets %q, want %q", path, got, want)
				}
			}
			if got := v.send(http.MethodGet, w.site+"/_wechat/check?credentials=on", "", sent).Header.Get("Cookie"); got != want {
				t.Errorf("another proxy gets %q, want %q", got, want)
			}
		})
	}
}

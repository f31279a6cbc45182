package test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/cookies"
)

// Attack: the app, or its log, gets what signs the visitor in. Through other
// proxies it sees the cookies that it would see with the gateway in the way
// itself.
func TestAttackOurCookiesThroughOtherProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			site := f.guards(w, options{auth: "scope snsapi_base"})
			v := w.visitor("ming")
			v.signIn(site + "/page")
			session := "wechat-" + strings.TrimPrefix(site, "http://127.0.0.1:") + "=" + v.cookie(site, "wechat")
			if !v.passes(site) {
				t.Fatal("not signed in")
			}
			w.app.take()
			v.client.Jar = nil // what follows is written by hand
			for name, lines := range cookieLines(session) {
				v.send(http.MethodGet, site+"/page", "", http.Header{"Cookie": lines})
				got := w.app.take()
				if len(got) != 1 {
					t.Errorf("%s: the app received %d requests", name, len(got))
					continue
				}
				want := &http.Request{Header: http.Header{"Cookie": slices.Clone(lines)}}
				cookies.Strip(want)
				have, wanted := strings.Join(got[0].header["Cookie"], "; "), strings.Trim(strings.Join(want.Header["Cookie"], "; "), "; \t")
				if strings.Trim(have, "; \t") != wanted || strings.HasPrefix(have, ";") {
					t.Errorf("%s: %q arrived as %q, want %q", name, lines, have, wanted)
				}
				if _, there := got[0].header["Cookie"]; there && wanted == "" {
					t.Errorf("%s: an empty Cookie", name)
				}
			}
		})
	}
}

// cookieLines are Cookie headers with the session somewhere in them.
func cookieLines(session string) map[string][]string {
	all := map[string][]string{
		"only": {session}, "first": {session + "; a=1"}, "last": {"a=1; " + session}, "middle": {"a=1; " + session + "; b=2"},
		"twice": {session + "; a=1; " + session}, "in a row": {"a=1; " + session + "; " + session + "; " + session + "; b=2"},
		"without blanks": {"a=1;" + session + ";b=2"}, "with blanks": {"a=1 ;  " + strings.Replace(session, "=", " = ", 1) + " ;\tb=2"}, "at the end of nothing": {"; ;" + session + ";;"},
		"two lines": {"a=1", session}, "three lines": {session, "a=1; b=2", session + "; c=3"}, "lines of ours alone": {session, session},
		"an empty value": {"a=; " + session + "; b"}, "a value with =": {"a=b=c; " + session + "; d=wechat=1"}, "quotes": {`a="b; ` + session + `; c"`},
		"no value of ours": {"wechat; a=1; " + session + "; wechat=; wechat-8443; b=2"},
	}
	names := []string{"wechat", "wechat-8443", "wechat-1", "wechat-65535"}
	for _, side := range []string{"landed", "flow", "asked", "leave", "logout", "ticket", "scan", "foreign", "proof", "browser-abc123"} {
		names = append(names, "wechat-"+side, "wechat-"+side+"-8443")
	}
	for _, name := range names {
		for _, prefix := range []string{"", "__Host-", "__Secure-"} {
			all[prefix+name] = []string{"a=1; " + prefix + name + "=secret; b=2; " + session + "; " + prefix + name + "=more; c=3"}
		}
	}
	for _, theirs := range []string{
		"wechatty", "mywechat", "my-wechat", "wechat_openid", "wechat-theme", "wechat-123456", "wechat-browser-abc12", "Wechat", "__host-wechat", "__Host-__Host-wechat", "__Host-shop", "wechat.x", "x__Host-wechat", "wechat-landed-x",
	} {
		all["the app's "+theirs] = []string{theirs + "=1; " + session + "; " + theirs + "=2"}
	}
	spread := session
	for range 14 {
		spread += "; a=1; " + session
	}
	all["in fifteen places"] = []string{spread}
	return all
}

// Attack: so many cookies of ours, each beside one of the app's, that the maps
// of nginx cannot take them all out. Then the app gets none.
func TestAttackMoreCookiesThanTheMapsOfNginx(t *testing.T) {
	w := newWorld(t)
	gateway := standIn(t)
	site := nginxFront.before(w, gateway)
	v := w.visitor("ming")
	for name, line := range map[string]string{
		"hundreds of places": strings.Repeat("a=1; wechat=secret; ", 300), "nothing but semicolons": strings.Repeat(";", 7000) + "wechat=secret", "blanks": "wechat=secret" + strings.Repeat(" ", 7000) + "; a=1",
		"names that begin like ours": strings.Repeat("wechat-landed-", 400) + "=1; wechat=secret", "in a row": "a=1; " + strings.Repeat("wechat=secret; ", 400) + "b=2", "the app's alone": strings.Repeat("a=1; ", 1400) + "wechat=secret",
	} {
		v.send(http.MethodGet, site+"/page", "", http.Header{"Cookie": {line}})
		if got := w.lastReceived(); strings.Contains(got.header.Get("Cookie"), "secret") || strings.Contains(strings.Join(got.header["Cookie"], ""), "wechat=") {
			t.Errorf("%s: %.200q arrived", name, got.header["Cookie"])
		}
	}
}

// Attack: the app gets the token of a mini program or an app; its own
// credentials stay.
func TestAttackOurTokensThroughOtherProxies(t *testing.T) {
	w := newWorld(t)
	gateway := standIn(t)
	site := nginxFront.before(w, gateway)
	v := w.visitor("ming")
	for sent, want := range map[string]string{
		"Bearer wxt_mini.secret": "", "bearer  wxt_mini.secret": "", "Basic YTpi, Bearer wxt_mini.secret": "", "Basic YTpi": "Basic YTpi", "Bearer of-the-app": "Bearer of-the-app", "": "",
	} {
		v.send(http.MethodGet, site+"/page", "", http.Header{"Authorization": {sent}})
		if got := w.lastReceived().header.Get("Authorization"); got != want {
			t.Errorf("%q arrived as %q, want %q", sent, got, want)
		}
	}
}

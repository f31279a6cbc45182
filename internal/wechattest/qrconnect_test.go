package wechattest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func qrURL(appID, redirectURI, scope, state string) string {
	return qrPath + "?" + url.Values{
		"appid": {appID}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {scope}, "state": {state}, "lang": {"cn"},
	}.Encode()
}

// qrPage opens the page on a desktop.
func qrPage(t testing.TB, s *Server, state string) (allow, refuse, scan, wait string) {
	t.Helper()
	r := send(s, http.MethodGet, qrURL(site, callback, scopeLogin, state), "", http.Header{"User-Agent": {desktopUA}})
	page := text(t, r)
	allow, refuse, scan, ok := QRLinks(page)
	_, wait, _ = strings.Cut(r.Header.Get("Refresh"), "url=")
	if !ok || wait == "" || !strings.Contains(page, "<svg") || !strings.Contains(page, "h1v1h-1z") || strings.Contains(page, "<script") {
		t.Fatalf("%s", page)
	}
	if _, _, consent := ConsentLinks(page); consent {
		t.Error("the QR page passes for the consent page")
	}
	return allow, refuse, scan, wait
}

func TestQRButtons(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	allow, _, scan, wait := qrPage(t, s, "a_b-c d")
	u := landed(t, send(s, http.MethodGet, allow, "", as(s, "bob")))
	if u.Host != "shop.example.com" || u.Query().Get("state") != "a_b-c d" {
		t.Errorf("%s", u)
	}
	v := call(t, s, tokenPath(site, siteSecret, u.Query().Get("code")))
	if v.Scope != scopeLogin || v.OpenID != s.OpenID("bob", site) || v.UnionID == nil {
		t.Errorf("%+v", v)
	}
	if info := call(t, s, userInfoPath(v)); info.Nickname != "Bob" {
		t.Errorf("%+v", info)
	}
	for _, again := range []string{allow, scan, scan + "&decision=allow", wait} {
		if r := get(s, again); r.StatusCode != http.StatusOK || !strings.Contains(text(t, r), "二维码已失效") {
			t.Errorf("%s works twice: %s", again, r.Status)
		}
	}
}

// Today a refusal is a dead end; in older versions it called back with state
// only.
func TestQRRefusals(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	_, refuse, _, _ := qrPage(t, s, "abc")
	if r := get(s, refuse); r.StatusCode != http.StatusOK || !strings.Contains(text(t, r), "你已拒绝授权") {
		t.Errorf("%s", r.Status)
	}
	set(t, s, Quirks{OldRefusal: Knob{On: true, Endpoint: AtQRConnect}, SecondState: Knob{On: true}, DespiteConnectRedirect: true, SameCodeTwice: Knob{On: true}})
	_, refuse, _, _ = qrPage(t, s, "abc")
	if u := landed(t, get(s, refuse)); u.RawQuery != "state=abc" {
		t.Errorf("%s", u)
	}
	allow, _, _, _ := qrPage(t, s, "abc")
	if u := landed(t, get(s, allow)); len(u.Query()["state"]) != 1 {
		t.Errorf("a quirk of WeChat's browser on a desktop: %s", u)
	}
}

// Another browser scans the code; the page finds out.
func TestQRScanned(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	for decision, check := range map[string]func(r *http.Response) bool{
		"allow": func(r *http.Response) bool {
			v := call(t, s, tokenPath(site, siteSecret, landed(t, r).Query().Get("code")))
			return v.OpenID == s.OpenID("bob", site) && s.Consented("bob", site)
		},
		"refuse": func(r *http.Response) bool { return strings.Contains(text(t, r), "你已拒绝授权") },
	} {
		_, _, scan, wait := qrPage(t, s, "abc")
		if r := get(s, wait); r.Header.Get("Refresh") == "" || !strings.Contains(text(t, r), "<svg") {
			t.Error("does not wait")
		}
		if page := text(t, send(s, http.MethodGet, scan, "", as(s, "bob"))); !strings.Contains(page, "Bob") || strings.Contains(page, `name="here"`) {
			t.Error(page)
		}
		if r := send(s, http.MethodGet, scan+"&decision="+decision, "", as(s, "bob")); r.StatusCode != http.StatusOK || r.Header.Get("Location") != "" {
			t.Errorf("the phone goes to the website: %s", r.Status)
		}
		other := map[string]string{"allow": "refuse", "refuse": "allow"}[decision]
		for _, late := range []string{scan + "&decision=" + other, scan + "&here=1&decision=" + other} {
			if r := get(s, late); !strings.Contains(text(t, r), "二维码已失效") {
				t.Errorf("answered twice: %s", r.Status)
			}
		}
		if !check(get(s, wait)) {
			t.Errorf("%s is not heard", decision)
		}
		if r := get(s, wait); !strings.Contains(text(t, r), "二维码已失效") {
			t.Error("answers twice")
		}
	}
}

func TestQRRefuses(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	for name, target := range map[string]string{
		"an official account": qrURL(shop, callback, scopeLogin, "a"),
		"unknown":             qrURL("wx0", callback, scopeLogin, "a"),
		"another scope":       qrURL(site, callback, scopeUserInfo, "a"),
		"another host":        qrURL(site, "https://evil.example/cb", scopeLogin, "a"),
		"no address":          qrURL(site, "", scopeLogin, "a"),
		"a long state":        qrURL(site, callback, scopeLogin, strings.Repeat("a", maxState+1)),
		"a long link":         qrURL(site, callback+"?"+strings.Repeat("a", maxQuery), scopeLogin, "a"),
		"no code":             strings.Replace(qrURL(site, callback, scopeLogin, "a"), "response_type=code", "response_type=token", 1),
	} {
		r := get(s, target)
		if _, _, _, ok := QRLinks(text(t, r)); ok || r.StatusCode != http.StatusOK || r.Header.Get("Refresh") != "" {
			t.Errorf("%s: %s", name, r.Status)
		}
	}
	_, _, scan, _ := qrPage(t, s, "a")
	if r := get(s, scan+"&decision=perhaps"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("%s", r.Status)
	}
	for _, path := range []string{qrPath, scan} {
		if r := send(s, http.MethodPut, path, "", nil); r.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("PUT %s: %s", path, r.Status)
		}
	}
	set(t, s, Quirks{Busy: Knob{On: true}})
	qrPage(t, s, "a") // spared where it is not named
	set(t, s, Quirks{TooFrequent: Knob{On: true, Endpoint: AtQRConnect}})
	if page := text(t, get(s, qrURL(site, callback, scopeLogin, "a"))); !strings.Contains(page, "10009") {
		t.Error(page)
	}
}

// A code lives ten minutes, a page too.
func TestQRExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newPlatform(t)
		allow, _, _, _ := qrPage(t, s, "a")
		code := landed(t, get(s, allow)).Query().Get("code")
		allow, _, scan, wait := qrPage(t, s, "a")
		time.Sleep(10 * time.Minute)
		if v := call(t, s, tokenPath(site, siteSecret, code)); v.Errcode != 0 {
			t.Errorf("%+v", v)
		}
		time.Sleep(time.Second)
		for _, link := range []string{allow, scan, wait} {
			if !strings.Contains(text(t, get(s, link)), "二维码已失效") {
				t.Errorf("%s still works", link)
			}
		}
	})
}

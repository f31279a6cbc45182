package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// told is what a gateway can say of a visitor, by header.
var told = map[string]string{
	"X-Wechat-User": "p_1", "X-Wechat-Openid": "o_1", "X-Wechat-Unionid": "u_1", "X-Wechat-App-Id": appID, "X-Wechat-Account": "main", "X-Wechat-Scope": "snsapi_userinfo",
	"X-Wechat-Nickname": "%E5%B0%8F%E6%98%8E", "X-Wechat-Avatar": "https%3A%2F%2Fthirdwx.qlogo.cn%2F1", "X-Wechat-Phone": "13800138000", "X-Wechat-Snapshot": "1", "X-Wechat-Assertion": "a.b.c",
}

// says has a stand-in for the gateway answer each check with these headers.
func (a *app) says(headers map[string]string, more ...string) {
	a.answer(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		for i := 0; i+1 < len(more); i += 2 {
			w.Header().Add(more[i], more[i+1])
		}
		_, _ = io.WriteString(w, `{"code":200}`)
	})
}

// ours returns the headers that some app reads as one of ours, all values of
// each.
func (r received) ours() map[string][]string {
	found := map[string][]string{}
	for name, values := range r.header {
		folded := strings.Map(func(c rune) rune {
			if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
				return c
			}
			return '-'
		}, strings.ToLower(name))
		if strings.HasPrefix(folded, "x-wechat-") {
			found[folded] = append(found[folded], values...)
		}
	}
	return found
}

// Attack: a visitor sends identity headers of every name and spelling to the
// proxy. The app sees one value of those that the gateway sends, and nothing of
// the others.
func TestAttackIdentityThroughOtherProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			gateway := standIn(t)
			site := f.before(w, gateway)
			v := w.visitor("ming")
			few := map[string]string{"X-Wechat-Account": "main", "X-Wechat-App-Id": appID, "X-Wechat-Snapshot": "1"}
			for name, says := range map[string]map[string]string{"all": told, "few": few} {
				gateway.says(says)
				header := forgeries()
				for known := range told {
					header[known] = []string{"evil", "evil too"}
				}
				for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
					v.send(method, site+"/page", "", header)
					got := w.lastReceived().ours()
					for known, value := range says {
						if !slices.Equal(got[strings.ToLower(known)], []string{value}) {
							t.Errorf("%s %s: %s: %q, want %q", name, method, known, got[strings.ToLower(known)], value)
						}
						delete(got, strings.ToLower(known))
					}
					for spelling, values := range got {
						if f.name == "nginx" && spelling == "x-wechat-anything-later" {
							continue // nginx removes names, not a pattern: the document says so
						}
						t.Errorf("%s %s: %s: %q", name, method, spelling, values)
					}
				}
			}
		})
	}
}

// Attack: a visitor names our headers in Connection, to have the proxy remove
// them.
func TestAttackConnectionThroughOtherProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			gateway := standIn(t)
			w.port = strings.TrimPrefix(f.before(w, gateway), "http://127.0.0.1:")
			for _, connection := range []string{
				"close, X-Wechat-Openid, x-wechat-snapshot", "X-Wechat-Openid\r\nConnection: close\r\nConnection: X-WECHAT-USER", "close, X-Forwarded-Method, X-Original-Method, X-Forwarded-Uri, X-Original-Uri",
			} {
				status, body := w.raw("POST /page HTTP/1.1\r\nHost: 127.0.0.1:" + w.port + "\r\nContent-Length: 0\r\nConnection: " + connection + "\r\n\r\n")
				if status != http.StatusOK {
					t.Errorf("%s: %d %s", connection, status, body)
					continue
				}
				got := w.lastReceived().ours()
				for known, value := range told {
					if !slices.Equal(got[strings.ToLower(known)], []string{value}) {
						t.Errorf("%s: %s: %q, want %q", connection, known, got[strings.ToLower(known)], value)
					}
				}
				checkAsked(t, gateway.one(t), http.MethodPost, "/page")
			}
		})
	}
}

// checkAsked checks that the gateway was told of a request by the proxy alone.
func checkAsked(t *testing.T, r received, method, uri string) {
	t.Helper()
	methods := slices.Concat(r.header["X-Forwarded-Method"], r.header["X-Original-Method"])
	addresses := slices.Concat(r.header["X-Forwarded-Uri"], r.header["X-Original-Uri"])
	if !slices.Equal(methods, []string{method}) || !slices.Equal(addresses, []string{uri}) {
		t.Errorf("the gateway was told of %q %q, want %s %s", methods, addresses, method, uri)
	}
	if r.method != http.MethodGet || !strings.HasPrefix(r.uri, "/_wechat/check") || r.body != "" {
		t.Errorf("the gateway was asked %s %s %q", r.method, r.uri, r.body)
	}
	for name, values := range r.header {
		if strings.Contains(strings.Join(values, ","), "evil") && strings.HasPrefix(name, "X-") {
			t.Errorf("the gateway was told %s: %q", name, values)
		}
	}
}

// Attack: a visitor's own X-Forwarded-* and X-Original-* reach the gateway: a
// guest seems to read, or the sign-in comes back to a page of somebody else's
// choice.
func TestAttackForwardedHeadersThroughOtherProxies(t *testing.T) {
	evil := http.Header{}
	for _, name := range []string{
		"X-Forwarded-Method", "X-Original-Method", "X-Forwarded-Uri", "X-Original-Uri", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "x_forwarded_method", "X_Original_Uri",
	} {
		evil[name] = []string{"evil", "evil too"}
	}
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			gateway := standIn(t)
			site := f.before(w, gateway)
			v := w.visitor("ming")
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
				v.send(method, site+"/orders?id=7&b=%2F", "text", evil)
				checkAsked(t, gateway.one(t), method, "/orders?id=7&b=%2F")
				if got := w.lastReceived(); got.method != method || got.uri != "/orders?id=7&b=%2F" {
					t.Errorf("the app got %s %s", got.method, got.uri)
				}
			}
			v.send(http.MethodGet, site+"/_wechat/session", "", evil)
			for name, values := range gateway.one(t).header {
				if slices.Contains(values, "evil") && !strings.Contains(name, "_") { // the gateway's own Caddy drops those
					t.Errorf("an endpoint was told %s: %q", name, values)
				}
			}
		})
	}
}

// Attack: a guest of a 快照页 writes, and says in a header that he reads.
func TestAttackGuestWritesThroughOtherProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			site := f.guards(w, options{auth: "snapshot guest"})
			w.quirks(wechattest.Quirks{Snapshot: true})
			v := w.visitor("ming")
			v.signIn(site + "/page")
			if got := w.lastReceived(); got.header.Get("X-Wechat-Snapshot") != "1" || got.header.Get("X-Wechat-Openid") != "" {
				t.Fatalf("a guest arrives as %v", got.header)
			}
			for _, method := range []string{http.MethodPost, http.MethodDelete, "PROPFIND"} {
				for _, own := range []http.Header{nil, {"X-Forwarded-Method": {"GET"}}, {"X-Original-Method": {"GET"}}, {"X-Forwarded-Method": {"GET"}, "X-Original-Method": {"GET"}}} {
					a := v.send(method, site+"/page", "", own)
					if got := w.app.take(); a.StatusCode != http.StatusForbidden || len(got) > 0 {
						t.Errorf("%s with %v: %s, the app got %v", method, own, a.Status, got)
					}
				}
			}
		})
	}
}

// Attack: a page's script asks check through the proxy, under any name that
// leads there.
func TestAttackCheckThroughOtherProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			site := f.guards(w, options{auth: "scope snsapi_base"})
			v := w.visitor("ming")
			v.signIn(site + "/page")
			port := strings.TrimPrefix(site, "http://127.0.0.1:")
			cookie := "Cookie: wechat-" + port + "=" + v.cookie(site, "wechat") + "\r\n"
			if !v.passes(site) {
				t.Fatal("not signed in")
			}
			w.port = port
			for _, path := range []string{
				"/_wechat/check", "/_wechat/check?answer=visitor", "/_wechat/%63heck", "/_wechat//check", "//_wechat/check", "/_wechat/./check", "/x/../_wechat/check", "/_wechat/x/../check", "/_wechat/check/",
				"/_wechat/check/vip", "/_wechat/CHECK", "/_wechat/check;x=1", "/_wechat/check%20", "/_wechat/check.", "/_wechat%2fcheck", "/_wechat/x/..%2fcheck", "/%5fwechat/check", "http://127.0.0.1:" + port + "/_wechat/check",
				"/_wechat/check%3Fx", "/_wechat/check#x",
			} {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					status, header, body := w.rawAnswer(method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\nUser-Agent: " + phoneUA + "\r\nContent-Length: 0\r\nConnection: close\r\n" + cookie + "\r\n")
					said := fmt.Sprint(header) + body
					if strings.Contains(said, w.wechat.OpenID("ming", appID)) || strings.Contains(said, w.wechat.UnionID("ming", appID)) || strings.Contains(said, `"code":200`) {
						t.Errorf("%s %s: %d %s", method, path, status, said)
					}
				}
			}
			if a := v.send(http.MethodGet, site+"/_wechat/check", "", nil); a.StatusCode != http.StatusNotFound && !strings.Contains(a.body, "<title>app</title>") {
				t.Errorf("check: %s %s", a.Status, a.body)
			}
		})
	}
}

// Without a session a page is sent to sign in and comes back, whatever the
// visitor's headers say; a form gets a page, and is not sent anywhere; a script
// reads why.
func TestStrangersAtOtherProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			site := f.guards(w, options{auth: "scope snsapi_base"})
			v := w.visitor("ming")
			form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {site}, "Referer": {site + "/form?id=7"}}
			a := v.send(http.MethodPost, site+"/orders", "text=1", form)
			if a.StatusCode != http.StatusUnauthorized || a.Header.Get("Location") != "" || !strings.Contains(a.body, `href="/_wechat/login?return_to=%2Fform%3Fid%3D7"`) {
				t.Errorf("a form: %s to %q: %.300s", a.Status, a.Header.Get("Location"), a.body)
			}
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				a, body := v.send(method, site+"/orders", "", http.Header{"Accept": {"application/json"}}), struct {
					Code        int
					Error       string
					RedirectURL string `json:"redirect_url"`
				}{}
				if a.StatusCode == http.StatusFound { // nginx, of a GET: the script follows
					a = v.send(http.MethodGet, a.Header.Get("Location"), "", http.Header{"Accept": {"application/json"}})
				}
				if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.StatusCode != http.StatusUnauthorized || body.Error != "not_signed_in" || !strings.HasPrefix(body.RedirectURL, site+"/_wechat/login") {
					t.Errorf("a script's %s: %s %s", method, a.Status, a.body)
				}
			}
			a = v.send(http.MethodGet, site+"/page", "", http.Header{"Authorization": {"Bearer wxt_mini.nonsense"}})
			if a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, `"token_invalid"`) {
				t.Errorf("a bad token: %s %s", a.Status, a.body)
			}
			if got := w.app.take(); len(got) > 0 {
				t.Errorf("the app got %v", got)
			}
			first := v.send(http.MethodGet, site+"/orders?id=7&b=%2F", "", http.Header{"X-Forwarded-Uri": {"/evil"}, "X-Original-Uri": {"/evil"}})
			if at := first.Header.Get("Location"); at != site+"/_wechat/login?return_to=%2Forders%3Fid%3D7%26b%3D%252F" {
				t.Errorf("a page: %s to %s", first.Status, at)
			}
			v.signIn(first.Header.Get("Location"))
			if got := w.lastReceived(); got.uri != "/orders?id=7&b=%2F" || got.header.Get("X-Wechat-Openid") != w.wechat.OpenID("ming", appID) || got.header.Get("X-Wechat-User") == "" {
				t.Errorf("the app sees %s %v", got.uri, got.header)
			}
			a = v.send(http.MethodPost, site+"/orders", "text=1", form)
			if got := w.lastReceived(); a.StatusCode != http.StatusOK || got.method != http.MethodPost || got.body != "text=1" {
				t.Errorf("the form, signed in: %s, the app got %s %q", a.Status, got.method, got.body)
			}
		})
	}
}

package test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	ticketPath   = "/_wechat/mini-program/mini/ticket"
	declinedPath = "/_wechat/mobile-app/app/declined"

	// webViewUA is what WeChat's browser calls itself in a mini program.
	webViewUA = androidUA + " miniProgram/" + miniAppID
)

// must is what a client is answered, which must be this status.
func (g *guest) must(status int, method, address string, body any, headers ...string) said {
	g.w.t.Helper()
	s, err := g.ask(method, address, body, headers...)
	if err != nil || s.status != status {
		g.w.t.Fatalf("%s %s: %d %s %v, want %d", method, address, s.status, s.body, err, status)
	}
	return s
}

// enter is a client that has come in.
func (d *doorWorld) enter(person, door string) *guest {
	d.t.Helper()
	g := d.guest(person, door)
	if err := g.enters(); err != nil {
		d.t.Fatal(err)
	}
	return g
}

// ticketFor is the address that a mini program opens in a web-view.
func (g *guest) ticketFor(page string) string {
	g.w.t.Helper()
	s := g.must(http.StatusOK, http.MethodPost, ticketPath, map[string]any{})
	if s.Ticket == "" || s.ExpiresIn != 60 || s.Parameter != "wechat_ticket" {
		g.w.t.Fatalf("ticket: %s", s.body)
	}
	joint := "?"
	if strings.Contains(page, "?") {
		joint = "&"
	}
	return page + joint + s.Parameter + "=" + url.QueryEscape(s.Ticket)
}

// A web-view is signed in as the person of the mini program, by an address that
// is good once, in one browser, and shows no ticket where it ends.
func TestWebViewHandOver(t *testing.T) {
	for _, redis := range []bool{false, true} {
		t.Run(storeName(redis), func(t *testing.T) {
			d := newDoorWorld(t, doorOptions{redis: redis})
			mini := d.enter(d.person("lan"), atMini)
			want, err := mini.who()
			if err != nil {
				t.Fatal(err)
			}
			const page = "/who?a=%2F&b&code=mine&%E5%95%86=1"
			address := mini.ticketFor(page)
			// WeChat fetches addresses again, before or after, without cookies:
			// it burns nothing and is nobody.
			crawler := &guest{w: d, person: "hong", door: atOfficial, userAgent: webViewUA, client: d.guest("hong", atMini).client}
			crawl := func() {
				t.Helper()
				first := crawler.must(http.StatusSeeOther, http.MethodGet, address, nil).header.Get("Location")
				second := crawler.must(http.StatusSeeOther, http.MethodGet, first, nil)
				if to := second.header.Get("Location"); to != d.site+page || len(second.header["Set-Cookie"]) != 0 {
					t.Errorf("the crawler is led to %s with cookies %q", to, second.header["Set-Cookie"])
				}
			}
			crawl()
			// Attack: login CSRF. A link in a chat, with the attacker's ticket,
			// signs nobody in.
			victim := d.guest("hong", atOfficial)
			if s, err := victim.dance(address); err != nil || s.url.String() != d.site+page {
				t.Fatalf("a link in a chat ends at %s: %v", s.url, err)
			}
			if told, err := victim.who(); err != nil || told["X-Wechat-Openid"] != d.wechat.OpenID("hong", appID) {
				t.Errorf("whoever follows a link in a chat is %v: %v", told, err)
			}
			view := d.guest("hong", atOfficial) // whoever holds the phone: the ticket says who it is
			view.userAgent = webViewUA
			s, err := view.dance(address)
			if err != nil || s.url.String() != d.site+page {
				t.Fatalf("the web-view ends at %s: %v", s.url, err)
			}
			told, err := view.who()
			if err != nil || told["X-Wechat-User"] != want["X-Wechat-User"] || told["X-Wechat-Openid"] != want["X-Wechat-Openid"] || told["X-Wechat-Scope"] != "mini_program" {
				t.Errorf("the web-view is %v, want %v: %v", told, want, err)
			}
			crawl()
			// Burnt: another browser with the address is itself.
			thief := d.guest("hong", atOfficial)
			thief.userAgent = webViewUA
			if _, err := thief.dance(address); err != nil {
				t.Fatal(err)
			}
			if told, err := thief.who(); err != nil || told["X-Wechat-Openid"] != d.wechat.OpenID("hong", appID) {
				t.Errorf("a second browser is %v: %v", told, err)
			}
			d.noSecrets()
		})
	}
}

// A token is a session like a cookie, for clients without cookies.
func TestTokens(t *testing.T) {
	d := newDoorWorld(t, doorOptions{})
	mini, app := d.enter(d.person("lan"), atMini), d.enter("lan", atMobile)
	session := mini.must(http.StatusOK, http.MethodGet, "/_wechat/session", nil)
	if session.User["id"] == "" || session.User["account"] != "mini" || session.ExpiresIn < 6*24*3600 || strings.Contains(session.body, "unionid") {
		t.Errorf("session: %s", session.body)
	}
	// The other client's, the other account's, none, one that was bent, one in
	// the address.
	app.must(http.StatusForbidden, http.MethodPost, ticketPath, map[string]any{})
	bent := *mini
	bent.token = mini.token[:len(mini.token)-2] + "AA"
	for name, s := range map[string]said{
		"bent": bent.must(http.StatusUnauthorized, http.MethodGet, "/who", nil),
		"two":  mini.must(http.StatusUnauthorized, http.MethodGet, "/who", nil, "Authorization", "Bearer wxt_"),
	} {
		if s.Error != "token_invalid" || !strings.HasPrefix(s.header.Get("Www-Authenticate"), "Bearer") || s.header.Get("Location") != "" {
			t.Errorf("%s: %s %v", name, s.body, s.header)
		}
	}
	d.noSecrets()
	nobody := d.guest("lan", atMini)
	nobody.must(http.StatusFound, http.MethodGet, "/who?token="+mini.token, nil) // to WeChat, like everybody
	// The app's own tokens are none of ours, and arrive.
	if s := nobody.must(http.StatusUnauthorized, http.MethodGet, "/who", nil, "Authorization", "Bearer of-the-app", "Accept", "application/json"); s.Error != "not_signed_in" {
		t.Errorf("somebody with the app's own token: %s", s.body)
	}
	for _, g := range []*guest{mini, app} {
		g.must(http.StatusOK, http.MethodPost, "/_wechat/logout", map[string]any{})
		g.must(http.StatusUnauthorized, http.MethodGet, "/who", nil)
		g.must(http.StatusOK, http.MethodPost, "/_wechat/logout", map[string]any{}) // no error
	}
}

// Pages of the origins that the operator names may call, with tokens, others
// not.
func TestCORSOfConfiguredOrigins(t *testing.T) {
	d := newDoorWorld(t, doorOptions{})
	g := d.enter(d.person("lan"), atMini)
	for origin, allowed := range map[string]bool{"https://app.example.com": true, "https://evil.example.com": false, "https://app.example.com.evil.example": false, "null": false} {
		for _, path := range []string{miniLoginPath, appLoginPath, "/_wechat/session", "/_wechat/logout"} {
			preflight, err := g.ask(http.MethodOptions, path, nil, "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type", "Authorization", "")
			actual, err2 := g.ask(http.MethodGet, "/_wechat/session", nil, "Origin", origin)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			for name, s := range map[string]said{"preflight": preflight, "request": actual} {
				echoed := s.header.Get("Access-Control-Allow-Origin")
				if allowed != (echoed == origin) || !allowed && echoed != "" || s.header.Get("Access-Control-Allow-Credentials") != "" || !slices.Contains(s.header["Vary"], "Origin") {
					t.Errorf("%s of %s to %s: %d %v", name, origin, path, s.status, s.header)
				}
			}
			if allowed && preflight.status != http.StatusNoContent {
				t.Errorf("preflight to %s: %d", path, preflight.status)
			}
		}
	}
}

// The JS-SDK's signature is right, and made for pages of this site only.
func TestJSSDKSignature(t *testing.T) {
	d := newDoorWorld(t, doorOptions{})
	g := d.enter(d.person("lan"), atOfficial)
	page := d.site + "/who?a=1&b=%2F"
	s := g.must(http.StatusOK, http.MethodGet, "/_wechat/jssdk?url="+url.QueryEscape(page), nil)
	var got struct {
		AppID     string `json:"appId"`
		Timestamp int64  `json:"timestamp"`
		NonceStr  string `json:"nonceStr"`
		Signature string `json:"signature"`
	}
	if err := json.Unmarshal([]byte(s.body), &got); err != nil || got.AppID != appID {
		t.Fatalf("%s %v", s.body, err)
	}
	right := slices.ContainsFunc(d.wechat.Issued(), func(ticket string) bool {
		sum := sha1.Sum(fmt.Appendf(nil, "jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", ticket, got.NonceStr, got.Timestamp, page))
		return hex.EncodeToString(sum[:]) == got.Signature
	})
	if !right {
		t.Error("the signature is that of no ticket that WeChat gave")
	}
	for _, foreign := range []string{"", "https://evil.example/", d.site + ".evil.example/", d.site + "@evil.example/", strings.Replace(d.site, "http:", "https:", 1)} {
		g.must(http.StatusBadRequest, http.MethodGet, "/_wechat/jssdk?url="+url.QueryEscape(foreign), nil)
	}
	d.noSecrets()
}

// An app's refusals reach the business systems; nobody's person is in them.
func TestDeclinedInTheApp(t *testing.T) {
	d := newDoorWorld(t, doorOptions{})
	g := d.guest("ming", atMobile)
	for code, reason := range map[int]string{-4: "app_denied", -2: "app_cancelled"} {
		g.must(http.StatusOK, http.MethodPost, declinedPath, map[string]int{"code": code})
		if !strings.Contains(d.log(), `"reason":"`+reason+`"`) {
			t.Errorf("no %s in the log", reason)
		}
	}
	for _, code := range []int{0, -1, 4} {
		g.must(http.StatusBadRequest, http.MethodPost, declinedPath, map[string]int{"code": code})
	}
}

package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Whatever is wrong with a token of ours: no identity, no redirect, no page,
// and the app behind us never sees it.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors, scope(wechat.ScopeBase), rules(func(r *site.Rules) { r.OutsideWeChat = site.OutsideLogin }))
	w.access = map[string]site.Access{"/public": site.Public, "/optional": site.Optional}
	c, cookies := w.mini("alice"), w.browser("alice")
	cookies.open("/")
	good := strings.TrimPrefix(c.token, "wxt_mini.")
	foreign := session.New(session.Binding{Site: "https://other.example.com", AppID: miniApp, Audience: session.Token}, "abcdefghijklmnopqrstuvwxyz", "openid", session.ScopeMiniProgram)
	other, err := w.store.Store.Save(t.Context(), foreign)
	if err != nil {
		t.Fatal(err)
	}
	const webApp = "wx00000000000000c1"
	w.gate.OtherAccounts = append(w.gate.OtherAccounts, wechat.Account{Kind: wechat.Website, Name: "pc", Credentials: wechat.Credentials{AppID: webApp}})
	person, err := w.ledger.Observe(t.Context(), ledger.Observation{AppID: webApp, OpenID: "openid-at-the-website"})
	if err != nil {
		t.Fatal(err)
	}
	web, err := w.store.Store.Save(t.Context(), session.New(session.Binding{Site: shop, AppID: webApp, Audience: session.Cookie}, person.ID, "openid-at-the-website", session.ScopeLogin))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"nothing":             "Bearer wxt_",
		"a website's cookie":  "Bearer wxt_pc." + web,
		"no account":          "Bearer wxt_." + good,
		"no dot":              "Bearer wxt_mini" + good,
		"no value":            "Bearer wxt_mini.",
		"garbage":             "Bearer wxt_mini.garbage",
		"cut":                 "Bearer " + c.token[:len(c.token)-1],
		"changed":             "Bearer " + c.token[:len(c.token)-4] + "AAAA",
		"longer":              "Bearer " + c.token + "A",
		"two in one":          "Bearer " + c.token + " " + c.token,
		"a list":              "Bearer " + c.token + ", Bearer " + c.token,
		"a long name":         "Bearer wxt_" + strings.Repeat("m", 33) + "." + good,
		"long":                "Bearer wxt_mini." + strings.Repeat("A", 9000),
		"a cookie's value":    "Bearer wxt_main." + cookies.session(),
		"a cookie's, as mini": "Bearer wxt_mini." + cookies.session(),
		"another site's":      "Bearer wxt_mini." + other,
		"lower case, cut":     "bearer\t wxt_mini." + good[1:],
	} {
		for _, path := range []string{"/page", "/public", "/optional", "/_wechat/session"} {
			got := c.ask(http.MethodGet, path, nil, "Authorization", value, "Accept", acceptAll, "Sec-Fetch-Mode", "navigate", "User-Agent", weChatUA)
			if path == "/page" || path == "/_wechat/session" {
				got.refused(t, 401, "token_invalid")
				continue
			}
			if h := got.upstream().Header; len(h["Authorization"]) != 0 || h.Get("X-Wechat-User") != "" {
				t.Errorf("%s at %s: the app sees %v", name, path, h)
			}
		}
	}
	if h := c.ask(http.MethodGet, "/page", nil, "Authorization", "BEARER  "+c.token+" ").upstream().Header; h.Get("X-Wechat-User") == "" || len(h["Authorization"]) != 0 {
		t.Errorf("spelled as it may be: %v", h)
	}
	if h := c.ask(http.MethodGet, "/page", nil, "Authorization", "Bearer wxt_old-name."+good).upstream().Header; h.Get("X-Wechat-User") == "" {
		t.Error("the account's name is more than a hint")
	}
	c.ask(http.MethodGet, "/page?access_token="+c.token+"&token="+c.token, nil, "Authorization", "").refused(t, 401, "not_signed_in")
	cookies.plant("/", "__Host-wechat", web)
	if h := cookies.script(http.MethodGet, "/page").upstream().Header; h.Get("X-Wechat-Account") != "pc" || h.Get("X-Wechat-Scope") != "snsapi_login" {
		t.Errorf("a website's session: %v", h)
	}
}

// Two tokens, from whichever servers in the chain, are none.
func TestTwoTokensAreNone(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors, func(w *town) { w.inside = true })
	alice, bob := w.mini("alice"), w.mini("bob")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop+"/page", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Authorization"] = []string{"Bearer " + alice.token, "Basic YTpi", "Bearer " + bob.token}
	res, err := insider{w}.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("%v %v", res.StatusCode, err)
	}
	w.access["/page"] = site.Public
	var seen []string
	w.upstream = func(_ http.ResponseWriter, r *http.Request) { seen = r.Header["Authorization"] }
	if _, err := (insider{w}).RoundTrip(r); err != nil || len(seen) != 0 {
		t.Errorf("the app sees %q, %v", seen, err)
	}
}

// A token of ours and credentials of the app in one request: the app must not
// take the visitor for one person by the identity and for another one by
// Authorization.
func TestAttackASecondAuthorization(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors, func(w *town) { w.inside = true })
	w.access["/public"] = site.Public
	alice := "Bearer " + w.mini("alice").token
	for name, lines := range map[string][]string{
		"before it":     {"Basic YTpi", alice},
		"behind it":     {alice, "Bearer of-the-app"},
		"in its line":   {alice + ", Basic YTpi"},
		"joined before": {"Basic YTpi,\t" + alice},
		"on all sides":  {"Basic YTpi", alice, "Digest username=\"a\""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/page", "/public"} {
				var seen http.Header
				w.upstream = func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Clone() }
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header["Authorization"] = lines
				res, err := insider{w}.RoundTrip(r)
				if err != nil || res.StatusCode != http.StatusOK || seen.Get("X-Wechat-Account") != "mini" {
					t.Fatalf("%s: %v, %v, the app sees %v", path, res, err, seen)
				}
				if got := seen["Authorization"]; len(got) != 0 {
					t.Errorf("%s: beside the identity the app sees Authorization %q", path, got)
				}
			}
		})
	}
}

// Any other Bearer, and any other scheme, is the app's own affair.
func TestBearersOfTheApp(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	w.access["/public"] = site.Public
	b := w.browser("alice")
	b.consents("/")
	for _, value := range []string{"Bearer eyJhbGciOi.J9.x", "Basic YTpi", "Bearer", "Bearer WXT_mini.x", "Token wxt_mini.x", "wxt_mini.x"} {
		h := b.script(http.MethodGet, "/page", "Authorization", value).upstream().Header
		if h.Get("Authorization") != value || h.Get("X-Wechat-Account") != "main" {
			t.Errorf("%s: the app sees %q of %q", value, h.Get("Authorization"), h.Get("X-Wechat-Account"))
		}
		if h := w.client("bob").ask(http.MethodGet, "/public", nil, "Authorization", value).upstream().Header; h.Get("Authorization") != value || h.Get("X-Wechat-User") != "" {
			t.Errorf("%s: %v", value, h)
		}
	}
}

// A token wins over a cookie, good or bad, and neither answer touches the
// cookie.
func TestTokenWinsOverCookie(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	c, b := w.mini("bob"), w.browser("alice")
	b.consents("/")
	h := b.script(http.MethodGet, "/page", "Authorization", "Bearer "+c.token)
	if got := h.upstream().Header.Get("X-Wechat-Openid"); got != w.weChat.OpenID("bob", miniApp) || len(h.header["Set-Cookie"]) != 0 {
		t.Errorf("%q, %q", got, h.header["Set-Cookie"])
	}
	if h := b.script(http.MethodGet, "/page", "Authorization", "Bearer wxt_mini.x"); h.status != http.StatusUnauthorized || len(h.header["Set-Cookie"]) != 0 {
		t.Errorf("a bad token: %d %q", h.status, h.header["Set-Cookie"])
	}
	if h := b.script(http.MethodPost, "/_wechat/logout", "Authorization", "Bearer "+c.token); h.status != http.StatusOK || len(h.header["Set-Cookie"]) != 0 {
		t.Errorf("logout: %d %q", h.status, h.header["Set-Cookie"])
	}
	if h := b.script(http.MethodGet, "/page"); h.status != http.StatusOK {
		t.Errorf("the cookie's session is gone: %d", h.status)
	}
}

// A path that asks for consent admits a mini program: there is none to ask for.
// The app that asks for more is left with its own answer, and nobody is
// redirected.
func TestTokensPassEveryScope(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	w.need["/account"] = wechat.ScopeUserInfo
	w.access["/public"] = site.Public
	c := w.mini("alice")
	c.page("/account")
	w.upstream = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(gate.HeaderRequire, userinfo)
		w.WriteHeader(http.StatusForbidden)
	}
	for _, accept := range []string{acceptAll, "*/*"} {
		if got := c.ask(http.MethodGet, "/x", nil, "Accept", accept); got.status != http.StatusForbidden || got.header.Get("X-Upstream") == "" {
			t.Errorf("the app's own answer: %d %s", got.status, got.body)
		}
		got := c.ask(http.MethodGet, "/public", nil, "Accept", accept, "Authorization", "Bearer wxt_mini.x")
		if got.redirects() || got.kind() != "" {
			t.Errorf("a bad token is led away: %d %s", got.status, got.body)
		}
	}
}

func TestTokenEndsEverywhere(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	w.ledger.SetTargets([]ledger.Target{{Name: "crm"}})
	c := w.mini("alice")
	user := c.page("/").Header.Get("X-Wechat-User")
	if got := c.ask(http.MethodGet, "/_wechat/logout", nil); got.status != http.StatusMethodNotAllowed {
		t.Errorf("GET logout: %d", got.status)
	}
	for range 2 { // over already is no error
		if got := c.ask(http.MethodPost, "/_wechat/logout", nil, "Origin", "https://servicewechat.com", "Sec-Fetch-Site", "cross-site"); got.status != http.StatusOK || len(got.header["Set-Cookie"]) != 0 {
			t.Errorf("logout: %d %s %q", got.status, got.body, got.header["Set-Cookie"])
		}
	}
	w.reload()
	c.ask(http.MethodGet, "/", nil).refused(t, 401, "token_invalid")
	c.ask(http.MethodGet, "/_wechat/session", nil).refused(t, 401, "token_invalid")
	events := w.events("crm")
	if len(events) != 2 || events[0].Kind != ledger.SignedIn || events[0].Scope != "mini_program" || events[1].Kind != ledger.LoggedOut || events[1].Person != user || events[1].AppID != miniApp {
		t.Errorf("the business systems hear of %v", events)
	}
	c.login()
	w.upstream = func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(gate.HeaderLogout, "1") }
	if got := c.ask(http.MethodGet, "/", nil); len(got.header["Set-Cookie"]) != 0 {
		t.Errorf("signed out by the app: %q", got.header["Set-Cookie"])
	}
	c.ask(http.MethodGet, "/", nil).refused(t, 401, "token_invalid")
}

// A store that blinks signs nobody out.
func TestTokenAndAStoreThatBlinks(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	w.hub.StoreHasCache = true
	c := w.mini("alice")
	w.store.fail(session.ErrUnavailable)
	for _, path := range []string{"/", "/_wechat/session"} {
		got := c.ask(http.MethodGet, path, nil, "Accept", acceptAll)
		if got.refused(t, 503, "unavailable"); got.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	c.ask(http.MethodPost, "/_wechat/logout", nil).refused(t, 503, "unavailable")
	w.store.fail(nil)
	c.page("/")
}

// GET session renews a token that is due, and nothing else does.
func TestTokenIsRenewedBySession(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors, func(w *town) {
		w.hub.Policy = session.Policy{Idle: 20 * time.Second} // due after a quarter
		w.store.Store = session.Sealed{Keys: w.hub.Keys, Tombstones: w.ledger.Ledger, Policy: w.hub.Policy}
	})
	c := w.client("alice")
	first := c.login()
	fresh := c.ask(http.MethodGet, "/_wechat/session", nil)
	if fresh.status != http.StatusOK || fresh.Token != "" || fresh.ExpiresIn < 1 || fresh.ExpiresIn > 20 || fresh.User["openid"] != w.weChat.OpenID("alice", miniApp) || fresh.User["unionid"] != nil {
		t.Errorf("fresh: %d %s", fresh.status, fresh.body)
	}
	last, got := fresh, fresh
	for begun := time.Now(); got.Token == "" && time.Since(begun) < 15*time.Second; time.Sleep(100 * time.Millisecond) {
		if got := c.ask(http.MethodGet, "/", nil); got.header.Get("X-Upstream") == "" || len(got.header["Set-Cookie"]) != 0 || strings.Contains(strings.Join(got.header["Authorization"], ""), "wxt_") {
			t.Errorf("an answer of the app: %v", got.header)
		}
		last, got = got, c.ask(http.MethodGet, "/_wechat/session", nil)
	}
	if got.status != http.StatusOK || !strings.HasPrefix(got.Token, "wxt_mini.") || got.Token == first.Token || got.ExpiresIn <= last.ExpiresIn {
		t.Fatalf("due: %d %s", got.status, got.body)
	}
	c.page("/") // the old one is good still
	c.token = got.Token
	c.page("/")
	c.ask(http.MethodPost, "/_wechat/logout", nil)
	c.token = first.Token
	c.ask(http.MethodGet, "/", nil).refused(t, 401, "token_invalid") // of the same session
}

// What is for browsers does not serve tokens: it would lead them away.
func TestEndpointsOfBrowsersRefuseTokens(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	c := w.mini("alice")
	for _, path := range []string{"/_wechat/login", "/_wechat/login?scope=snsapi_userinfo", "/_wechat/callback/x/y", "/_wechat/ticket/x/y", "/_wechat/nothing"} {
		if got := c.ask(http.MethodGet, path, nil, "Accept", acceptAll, "User-Agent", weChatUA); got.status != http.StatusBadRequest || got.Error != "token_not_accepted" || len(got.header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

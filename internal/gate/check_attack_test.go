package gate_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// asksOf sends a check as a proxy does that copies these headers, several lines
// of one name among them.
func (b *browser) asksOf(t *testing.T, path string, lines ...string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.town.origin()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(lines); i += 2 {
		r.Header.Add(lines[i], lines[i+1])
	}
	res, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

// Attack: a guest of a 快照页 writes. The proxy sets one of the method headers,
// and passes on the guest's own other one, or further lines of the same.
func TestAttackGuestHidesAWrite(t *testing.T) {
	t.Parallel()
	w := newTown(t, behindProxy, rules(func(r *site.Rules) { r.SnapshotGuest = true }))
	w.weChat.answer(virtual)
	guest := w.browser("alice")
	guest.open("/")
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"nginx, a read":                   {[]string{"X-Original-Method", "GET"}, http.StatusOK},
		"Caddy, a read":                   {[]string{"X-Forwarded-Method", "HEAD"}, http.StatusOK},
		"both agree":                      {[]string{"X-Forwarded-Method", "GET", "X-Original-Method", "OPTIONS"}, http.StatusOK},
		"one was cleared":                 {[]string{"X-Forwarded-Method", "", "X-Original-Method", "GET"}, http.StatusOK},
		"nginx, a write":                  {[]string{"X-Original-Method", "POST"}, http.StatusForbidden},
		"nginx, with the guest's own":     {[]string{"X-Forwarded-Method", "GET", "X-Original-Method", "POST"}, http.StatusForbidden},
		"Caddy, with the guest's own":     {[]string{"X-Original-Method", "GET", "X-Forwarded-Method", "DELETE"}, http.StatusForbidden},
		"two lines":                       {[]string{"X-Forwarded-Method", "GET", "X-Forwarded-Method", "POST"}, http.StatusForbidden},
		"one line of two":                 {[]string{"X-Forwarded-Method", "GET, POST"}, http.StatusForbidden},
		"an unknown method":               {[]string{"X-Forwarded-Method", "PROPFIND"}, http.StatusForbidden},
		"a method is upper case":          {[]string{"X-Forwarded-Method", "get"}, http.StatusForbidden},
		"a socket":                        {[]string{"X-Forwarded-Method", "GET", "Upgrade", "websocket"}, http.StatusForbidden},
		"a socket, without the hop's own": {[]string{"X-Forwarded-Method", "GET", "Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, header, body := guest.asksOf(t, checkPath, c.headers...)
			if status != c.want || status == http.StatusForbidden && (header.Get("X-Wechat-Account") != "" || !strings.Contains(body, "snapshot_read_only")) {
				t.Errorf("%q: %d %s, want %d", c.headers, status, body, c.want)
			}
		})
	}
}

// Attack: a visitor's own header names the page to come back to. What the
// headers do not agree on is not believed.
func TestAttackVisitorChoosesWhereACheckLeads(t *testing.T) {
	t.Parallel()
	w := newTown(t, behindProxy)
	stranger := w.browser("bob")
	for name, c := range map[string]struct {
		headers []string
		want    string
	}{
		"one header":           {[]string{"X-Original-Uri", "/orders"}, "?return_to=%2Forders"},
		"both agree":           {[]string{"X-Original-Uri", "/orders", "X-Forwarded-Uri", "/orders"}, "?return_to=%2Forders"},
		"one was cleared":      {[]string{"X-Original-Uri", "/orders", "X-Forwarded-Uri", ""}, "?return_to=%2Forders"},
		"the visitor's beside": {[]string{"X-Original-Uri", "/orders", "X-Forwarded-Uri", "/pay?to=evil"}, ""},
		"two lines":            {[]string{"X-Forwarded-Uri", "/pay?to=evil", "X-Forwarded-Uri", "/orders"}, ""},
		"none":                 {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, header, _ := stranger.asksOf(t, checkPath, c.headers...)
			if at := header.Get("Location"); at != shop+"/_wechat/login"+c.want {
				t.Errorf("%q leads to %s, want %s", c.headers, at, c.want)
			}
		})
	}
}

// The 200 sets the renewed session's cookie and no other, whatever else there
// is to set: both nginx and Traefik pass on one.
func TestCheckSetsOneCookie(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]func(*town){"local": func(*town) {}, "redis": inRedis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newWeChat(t)
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, behindProxy, func(w *town) { w.inside = true }, store, scope(wechat.ScopeBase))
				b := w.browser("alice")
				b.open("/page").last().upstream()
				w.hub.WeChat.CloseIdle()
				b.plant("/", "__Host-wechat-leave", "not a receipt")
				b.plant("/", "__Host-wechat-foreign", "2")
				if h := b.script(http.MethodGet, checkPath); h.status != http.StatusOK || len(h.header["Set-Cookie"]) != 0 {
					t.Errorf("not due: %d %q", h.status, h.header["Set-Cookie"])
				}
				time.Sleep(2 * 24 * time.Hour)
				b.plant("/", "__Host-wechat-leave", "not a receipt")
				b.plant("/", "__Host-wechat-foreign", "2")
				h := b.script(http.MethodGet, checkPath)
				if lines := h.header["Set-Cookie"]; h.status != http.StatusOK || len(lines) != 1 || !strings.HasPrefix(lines[0], "__Host-wechat=") || strings.Contains(lines[0], "Max-Age=0") {
					t.Errorf("due: %d %q", h.status, lines)
				}
				if h := b.script(http.MethodGet, checkPath); h.status != http.StatusOK || len(h.header["Set-Cookie"]) != 0 {
					t.Errorf("renewed: %d %q", h.status, h.header["Set-Cookie"])
				}
			})
		})
	}
}

// answer=visitor is for proxies that pass on what is not 200 as it is: a
// redirect only for pages that were opened.
func TestCheckAnswersTheVisitor(t *testing.T) {
	t.Parallel()
	w := newTown(t, behindProxy)
	stranger, silent := w.browser("bob"), w.browser("alice")
	silent.open("/")
	page := []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "X-Forwarded-Uri", "/orders?id=7"}
	for name, c := range map[string]struct {
		who      *browser
		headers  []string
		status   int
		location string
		body     string
	}{
		"a page":              {stranger, append([]string{"X-Forwarded-Method", "GET"}, page...), http.StatusSeeOther, "/_wechat/login?return_to=%2Forders%3Fid%3D7", ""},
		"without consent":     {silent, append([]string{"X-Forwarded-Method", "GET"}, page...), http.StatusSeeOther, "/_wechat/login?return_to=%2Forders%3Fid%3D7&scope=snsapi_userinfo", ""},
		"a form":              {stranger, append([]string{"X-Forwarded-Method", "POST", "Referer", shop + "/form"}, page...), http.StatusUnauthorized, "", `href="/_wechat/login?return_to=%2Fform"`},
		"a form, HTTP/1.1":    {stranger, []string{"X-Forwarded-Method", "POST", "Accept", "text/html"}, http.StatusUnauthorized, "", `href="/_wechat/login"`},
		"a preflight":         {stranger, append([]string{"X-Forwarded-Method", "OPTIONS"}, page...), http.StatusUnauthorized, "/_wechat/login?return_to=%2Forders%3Fid%3D7", `"not_signed_in"`},
		"without Sec-Fetch":   {stranger, []string{"X-Original-Method", "OPTIONS", "Accept", "text/html"}, http.StatusUnauthorized, "/_wechat/login", `"not_signed_in"`},
		"methods that differ": {stranger, append([]string{"X-Forwarded-Method", "GET", "X-Original-Method", "OPTIONS"}, page...), http.StatusUnauthorized, "/_wechat/login?return_to=%2Forders%3Fid%3D7", `"not_signed_in"`},
		"a look":              {stranger, append([]string{"X-Forwarded-Method", "HEAD"}, page...), http.StatusSeeOther, "/_wechat/login?return_to=%2Forders%3Fid%3D7", ""},
		"a script":            {stranger, []string{"X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/orders", "Sec-Fetch-Mode", "cors"}, http.StatusUnauthorized, "/_wechat/login?return_to=%2Forders", `"not_signed_in"`},
		"a script that posts": {stranger, []string{"X-Forwarded-Method", "POST", "Sec-Fetch-Mode", "cors"}, http.StatusUnauthorized, "", `"not_signed_in"`},
		"a bad token":         {stranger, append([]string{"Authorization", "Bearer wxt_mini.nonsense"}, page...), http.StatusUnauthorized, "", `"token_invalid"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := c.who.send(http.MethodGet, checkPath+"?answer=visitor", "", c.headers...)
			location := strings.TrimPrefix(h.header.Get("Location"), shop)
			if h.status != c.status || location != c.location || !strings.Contains(h.body, c.body) {
				t.Errorf("%d to %q: %.300s, want %d to %q and %s", h.status, location, h.body, c.status, c.location, c.body)
			}
		})
	}
	signedIn := w.browser("carol")
	signedIn.consents("/")
	if h := signedIn.send(http.MethodGet, checkPath+"?answer=visitor", "", page...); h.status != http.StatusOK || h.header.Get("X-Wechat-Openid") == "" {
		t.Errorf("signed in: %d %s", h.status, h.body)
	}
}

// credentials=on gives the proxy what the app may see, without what is ours.
func TestCheckGivesTheAppsCredentials(t *testing.T) {
	t.Parallel()
	w := newTown(t, behindProxy, doors)
	b := w.browser("alice")
	b.consents("/")
	value := b.session()
	if value == "" {
		t.Fatal("no session")
	}
	for name, c := range map[string]struct {
		headers               []string
		query                 string
		cookie, authorization []string
	}{
		"among others":  {[]string{"Cookie", "a=1; __Host-wechat=" + value + "; wechat-8443=x; b=2"}, "?credentials=on", []string{"a=1; b=2"}, nil},
		"two lines":     {[]string{"Cookie", "a=1", "Cookie", "__Host-wechat=" + value, "Cookie", "b=2"}, "?credentials=on", []string{"a=1; b=2"}, nil},
		"nothing else":  {[]string{"Cookie", "__Host-wechat=" + value}, "?credentials=on", nil, nil},
		"of the app":    {[]string{"Cookie", "__Host-wechat=" + value, "Authorization", "Basic YTpi"}, "?credentials=on", nil, []string{"Basic YTpi"}},
		"not asked for": {[]string{"Cookie", "a=1; __Host-wechat=" + value, "Authorization", "Basic YTpi"}, "", nil, nil},
		"another word":  {[]string{"Cookie", "a=1; __Host-wechat=" + value}, "?credentials=1", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, header, _ := w.browser("nobody").asksOf(t, checkPath+c.query, c.headers...)
			if status != http.StatusOK || !slices.Equal(header["Cookie"], c.cookie) || !slices.Equal(header["Authorization"], c.authorization) {
				t.Errorf("%d: Cookie %q, want %q; Authorization %q, want %q", status, header["Cookie"], c.cookie, header["Authorization"], c.authorization)
			}
		})
	}
	mini := w.mini("bob")
	h := w.browser("nobody").script(http.MethodGet, checkPath+"?credentials=on", "Authorization", "Bearer "+mini.token, "Cookie", "a=1")
	if h.status != http.StatusOK || len(h.header["Authorization"]) > 0 || h.header.Get("Cookie") != "a=1" {
		t.Errorf("a token: %d %v", h.status, h.header)
	}
	if h := w.browser("nobody").script(http.MethodGet, checkPath+"?credentials=on", "Cookie", "a=1"); h.status != http.StatusUnauthorized || len(h.header["Cookie"]) > 0 {
		t.Errorf("a stranger: %d %v", h.status, h.header)
	}
}

package gate_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// unkept returns the reasons of the DEBUG lines about forms that were not kept.
func (w *town) unkept() (reasons []string) {
	w.t.Helper()
	for _, line := range w.log.lines("a form was not kept") {
		var entry struct{ Level, Site, Reason string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level != "DEBUG" || entry.Site == "" {
			w.t.Errorf("the line is %s (%v)", line, err)
		}
		reasons = append(reasons, entry.Reason)
	}
	return reasons
}

// Each form that is not kept has one line with the reason, which has nothing of
// the form. Requests that are no forms have none, and a form that is kept has
// none.
func TestUnkeptFormsAreLogged(t *testing.T) {
	t.Parallel()
	const urlencoded = "application/x-www-form-urlencoded"
	const multi = "multipart/form-data; boundary=XX"
	part := "--XX\r\nContent-Disposition: form-data; name=\"mine-name\"\r\n\r\nmine-value\r\n"
	for name, row := range map[string]struct {
		method, kind, body string
		headers            []string
		preserve           site.PreservePost
		reason             string
	}{
		"kept":                  {},
		"off":                   {preserve: site.PreserveOff, reason: "preserve_post_off"},
		"another site":          {headers: []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, reason: "cross_site"},
		"another site, no name": {headers: []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, reason: "cross_site"},
		"a sibling":             {headers: []string{"Sec-Fetch-Site", "same-site"}, reason: "cross_site"},
		"no referrer":           {headers: []string{"Origin", "null"}, reason: "null_origin"},
		"an old browser":        {headers: []string{"Sec-Fetch-Site", "", "Origin", ""}, reason: "no_origin"},
		"another origin":        {headers: []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, reason: "other_origin"},
		"no origin at all":      {headers: []string{"Sec-Fetch-Site", "", "Origin", "https://a b/"}, reason: "other_origin"},
		"a frame":               {headers: []string{"Sec-Fetch-Dest", "iframe"}, reason: "in_a_frame"},
		"compressed":            {headers: []string{"Content-Encoding", "gzip"}, reason: "compressed"},
		"plain text":            {kind: "text/plain", reason: "kind_of_body"},
		"outside WeChat":        {headers: []string{"User-Agent", desktopUA}, reason: "outside_wechat"},
		"10,000 fields":         {body: "mine-name=mine-value" + strings.Repeat("&a=1", 9999), reason: "too_many_fields"},
		"10,000 parts":          {kind: multi, body: strings.Repeat(part, 10000) + "--XX--\r\n", reason: "too_many_fields"},
		"2 MiB":                 {body: "mine-name=" + strings.Repeat("x", 2<<20), reason: "too_large"},
		"a file of 33 MiB":      {kind: multi, body: strings.Replace(part, `"mine-name"`, `"f"; filename="mine-name"`, 1) + strings.Repeat("x", 33<<20), reason: "too_large"},
		"broken":                {body: "mine-name=%4", reason: "broken"},
		"no last boundary":      {kind: multi, body: part, reason: "broken"},
		"a PUT":                 {method: http.MethodPut},
		"a script":              {headers: []string{"Sec-Fetch-Mode", "cors"}},
		"a page":                {method: http.MethodGet},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if row.preserve == "" {
				row.preserve = site.PreserveOn
			}
			w := newTown(t, scope(wechat.ScopeBase), preserve(row.preserve))
			w.secrets.add("field", "mine-name")
			w.secrets.add("value", "mine-value")
			w.secrets.add("origin", "evil.example")
			method, kind, body := row.method, row.kind, row.body
			if method == "" {
				method = http.MethodPost
			}
			if kind == "" {
				kind = urlencoded
			}
			if body == "" && method != http.MethodGet {
				body = "mine-name=mine-value"
			}
			w.browser("alice").send(method, "/x", body, append([]string{
				"Content-Type", kind, "Origin", shop, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate",
			}, row.headers...)...)
			want := "[" + row.reason + "]"
			if got := fmt.Sprint(w.unkept()); got != want {
				t.Errorf("the reasons are %s, want %s", got, want)
			}
		})
	}
}

// A form that cannot be kept for what the site or its visitor is.
func TestUnkeptFormsOfASessionAreLogged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*town)
		post   func(w *town, b *browser)
		reason string
	}{
		"a snapshot": {rules(snapshotGuest), func(w *town, b *browser) {
			w.weChat.answer(virtual)
			b.open("/")
			b.form("/x", url.Values{"a": {"1"}})
		}, "snapshot"},
		"the store is down": {scope(wechat.ScopeBase), func(w *town, b *browser) {
			b.open("/")
			w.reload() // what it remembered is gone
			w.store.fail(session.ErrUnavailable)
			b.form("/x", url.Values{"a": {"1"}})
			w.store.fail(nil)
		}, "store_unavailable"},
		"the app asks": {func(w *town) {
			scope(wechat.ScopeBase)(w)
			w.upstream = demanding(http.StatusForbidden, wechat.ScopeUserInfo)
		}, func(_ *town, b *browser) {
			b.open("/other")
			b.form("/profile", url.Values{"a": {"1"}})
		}, "read_by_app"},
		"a proxy asks": {behindProxy, func(_ *town, b *browser) {
			b.send(http.MethodGet, checkPath+"?answer=visitor", "", "X-Forwarded-Method", "POST", "X-Forwarded-Uri", "/x", "Sec-Fetch-Mode", "navigate")
		}, "checked_by_proxy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, preserve(site.PreserveOn), c.change)
			c.post(w, w.browser("alice"))
			if got, want := fmt.Sprint(w.unkept()), "["+c.reason+"]"; got != want {
				t.Errorf("the reasons are %s, want %s", got, want)
			}
		})
	}
}

// Forms that do not arrive, and those for which there is no room.
func TestUnkeptSlowFormsAreLogged(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), preserve(site.PreserveOn), func(w *town) { w.inside, w.from = true, func() string { return "203.0.113.7" } })
		done := make(chan int)
		for range 17 { // one more than a network may have
			go func() {
				done <- w.browser("alice").drips("/x", "Content-Type", "application/x-www-form-urlencoded", "Origin", shop).status
			}()
		}
		for range 17 {
			<-done
		}
		count := map[string]int{}
		for _, reason := range w.unkept() {
			count[reason]++
		}
		if len(count) != 2 || count["too_many_at_once"] != 1 || count["timed_out"] != 16 {
			t.Errorf("the reasons are %v", count)
		}
	})
}

// TLS ends in front, and the option origin is missing: no form is kept. One
// line a minute says what to write. Pages of other hosts cause none.
func TestOriginOfFormsAgainstTheSites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		configured string
		plain      bool
		origin     string
		preserve   site.PreservePost
		want       string // words of the line, "" for none
	}{
		"TLS ends in front":           {"", true, shop, site.PreserveOn, "write `origin https://shop.example.com`"},
		"a port is left out":          {"", true, shop + ":8443", site.PreserveOn, "write `origin https://shop.example.com:8443`"},
		"http is configured":          {"http://shop.example.com", true, shop, site.PreserveAuto, "write `origin https://shop.example.com`"},
		"pages are on http":           {shop, true, "http://shop.example.com", site.PreserveOn, "redirect http to https"},
		"forms are not kept":          {"", true, shop, site.PreserveOff, ""},
		"another site":                {"", true, "https://evil.example", site.PreserveOn, ""},
		"a sibling":                   {"", true, "https://blog.example.com", site.PreserveOn, ""},
		"a host that begins alike":    {"", true, shop + ".evil.example", site.PreserveOn, ""},
		"a user before another host":  {"", true, "https://shop.example.com@evil.example", site.PreserveOn, ""},
		"no origin":                   {"", true, "null", site.PreserveOn, ""},
		"the site's":                  {shop, true, shop, site.PreserveOn, ""},
		"the site's own, without TLS": {"", true, "http://shop.example.com", site.PreserveOn, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, scope(wechat.ScopeBase), preserve(c.preserve), func(w *town) { w.plain, w.inside, w.gate.Origin = c.plain, true, c.configured })
			b := w.browser("alice")
			for range 3 {
				b.form("http://shop.example.com/x", url.Values{"a": {"1"}}, "Origin", c.origin, "Sec-Fetch-Site", "")
			}
			lines := w.log.lines(`"level":"WARN"`)
			if c.want == "" {
				if len(lines) != 0 {
					t.Errorf("the log warns: %s", lines)
				}
				return
			}
			if len(lines) != 1 || !strings.Contains(lines[0], c.want) || !strings.Contains(lines[0], "a form came from a page of "+c.origin) {
				t.Errorf("the log has %s, want one line with %s", lines, c.want)
			}
		})
	}
}

// What the page of a form that was not sent says: why, and what to do.
func TestWordsOfAFormThatIsNotSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*town)
		signed bool
		kind   string
		body   string
		status int
		want   string
	}{
		"expired":                   {preserve(site.PreserveOn), false, "", "a=1", 401, "Your sign-in has expired"},
		"expired, not kept":         {preserve(site.PreserveOff), false, "", "a=1", 401, "Your sign-in has expired"},
		"consent is missing":        {preserve(site.PreserveOn), true, "", "a=1", 401, "Your consent is needed"},
		"the same, not kept":        {preserve(site.PreserveOff), true, "", "a=1", 401, "Your consent is needed"},
		"too large":                 {preserve(site.PreserveOn), false, "", strings.Repeat("x", 2<<20), 413, "Too large to be sent now"},
		"too large, in a session":   {preserve(site.PreserveOn), true, "", strings.Repeat("x", 2<<20), 413, "Too large to be sent now"},
		"too many fields":           {preserve(site.PreserveOn), false, "", strings.Repeat("a=1&", 3000), 413, "Too large to be sent now"},
		"broken":                    {preserve(site.PreserveOn), false, "", "a=%4", 400, "Not everything arrived"},
		"cut off":                   {preserve(site.PreserveOn), true, "multipart/form-data; boundary=XX", "--XX\r\nContent-", 400, "Not everything arrived"},
		"a kind that is never kept": {preserve(site.PreserveOn), true, "text/plain", "a", 401, "Your consent is needed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, scope(wechat.ScopeBase), c.change, func(w *town) { w.need["/account"] = wechat.ScopeUserInfo })
			b := w.browser("alice")
			button := "/_wechat/login?return_to=%2Fsettings"
			if c.signed {
				b.open("/").last().upstream()
				button += "&scope=snsapi_userinfo"
			}
			if c.kind == "" {
				c.kind = "application/x-www-form-urlencoded"
			}
			h := b.send(http.MethodPost, "/account", c.body, "Accept-Language", "en", "Content-Type", c.kind, "Origin", shop, "Sec-Fetch-Mode", "navigate", "Referer", shop+"/settings")
			if h.status != c.status || h.kind() != "sign_in_expired" || !strings.Contains(h.body, c.want) || h.button() != button {
				t.Errorf("%d %q, button %s; want %d, %s and %q in\n%s", h.status, h.kind(), h.button(), c.status, button, c.want, h.body)
			}
			if expired := "Your sign-in has expired"; c.want != expired && strings.Contains(h.body, expired) {
				t.Error("it says that the session has ended")
			}
		})
	}
}

// Another proxy asks about a form for which the session lacks consent, which
// only the check demands: the page says so, and its button asks for it.
func TestCheckedFormLacksConsent(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), behindProxy)
	b := w.browser("alice")
	b.open("/").last().upstream()
	h := b.send(http.MethodGet, checkPath+"?answer=visitor&scope=snsapi_userinfo", "",
		"Accept-Language", "en", "X-Forwarded-Method", "POST", "X-Forwarded-Uri", "/x", "Sec-Fetch-Mode", "navigate", "Referer", shop+"/settings")
	if want := "/_wechat/login?return_to=%2Fsettings&scope=snsapi_userinfo"; h.kind() != "sign_in_expired" || h.button() != want || !strings.Contains(h.body, "Your consent is needed") {
		t.Errorf("%d %q, button %s, want %s", h.status, h.kind(), h.button(), want)
	}
}

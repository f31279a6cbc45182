package gate_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Attack: a laundered POST. A page of another site posts a form, which comes
// without our SameSite cookie, and the gateway sends it again as one of this
// site. Each header that says where the form comes from must say this site.
func TestAttackLaunderedPost(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveAuto))
	for name, row := range map[string]struct {
		header http.Header
		kept   bool
	}{
		"both":                         {http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {shop}}, true},
		"Sec-Fetch-Site alone":         {http.Header{"Sec-Fetch-Site": {"same-origin"}}, true},
		"Origin alone":                 {http.Header{"Origin": {shop}}, true},
		"neither":                      {http.Header{}, false},
		"neither, with a Referer":      {http.Header{"Referer": {shop + "/form"}}, false},
		"another site":                 {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, false},
		"another site, old browser":    {http.Header{"Origin": {"https://evil.example"}}, false},
		"another site, own Origin":     {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {shop}}, false},
		"own site, foreign Origin":     {http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"https://evil.example"}}, false},
		"a sibling host":               {http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://app.example.com"}}, false},
		"a sibling host, no Origin":    {http.Header{"Sec-Fetch-Site": {"same-site"}}, false},
		"the address bar":              {http.Header{"Sec-Fetch-Site": {"none"}}, false},
		"a sandbox":                    {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}}, false},
		"Origin null":                  {http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}}, false},
		"http instead of https":        {http.Header{"Origin": {"http://shop.example.com"}}, false},
		"another port":                 {http.Header{"Origin": {shop + ":8443"}}, false},
		"a longer host":                {http.Header{"Origin": {shop + ".evil.example"}}, false},
		"two Origins, one foreign":     {http.Header{"Origin": {shop, "https://evil.example"}}, false},
		"two Origins in a line":        {http.Header{"Origin": {shop + ", https://evil.example"}}, false},
		"two Sec-Fetch-Sites, foreign": {http.Header{"Sec-Fetch-Site": {"same-origin", "cross-site"}}, false},
		"an empty Origin":              {http.Header{"Origin": {""}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shop+"/transfer", strings.NewReader("to=mallory"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = row.header
			r.Header.Set("User-Agent", weChatUA)
			r.Header.Set("Accept", acceptAll)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			res, err := w.browser("alice").client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var body strings.Builder
			_ = res.Write(&body)
			kept := strings.Contains(body.String(), "mallory")
			if res.StatusCode != http.StatusUnauthorized || kept != row.kept || strings.Contains(body.String(), "<script") != row.kept {
				t.Errorf("%d, kept: %t, want %t", res.StatusCode, kept, row.kept)
			}
		})
	}
}

// Attack: what one person entered is sent as another one, who signs in next.
func TestAttackAnotherPersonSendsTheForm(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for name, row := range map[string]struct {
		next        string
		knows       bool // the session that has ended still tells whose it was
		auto, other bool
	}{
		"the same person":        {"alice", true, true, false},
		"another one":            {"bob", true, false, true},
		"nobody knows the first": {"bob", false, false, false},
		"nor whether the same":   {"alice", false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, scope(wechat.ScopeBase), preserve(site.PreserveAuto), func(w *town) { w.inside = true })
				b := w.browser("alice")
				person := b.open("/").last().upstream().Header.Get("X-Wechat-User")
				time.Sleep(time.Second)
				if b.ends(person); !row.knows {
					b.drop("__Host-wechat")
				}
				time.Sleep(time.Second)
				kept := b.keeps("/x", url.Values{"a": {"private"}})
				if strings.Contains(kept.Next, person) {
					t.Errorf("%s tells the person", kept.Next)
				}
				b.holds(row.next)
				h := b.open(kept.Next).last()
				if got := h.task(); got.Task != "send" || got.Auto != row.auto || got.Other != row.other {
					t.Errorf("the script is told %+v", got)
				}
				if says := strings.Contains(h.body, "另一位用户"); says != row.other {
					t.Errorf("the page says that it was another person: %t", says)
				}
			})
		})
	}
}

// Attack: a planted cookie makes the first person look like the second.
func TestAttackPlantedFormerPerson(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), preserve(site.PreserveAuto), func(w *town) { w.inside = true })
		alice, bob := w.browser("alice"), w.browser("bob")
		first, second := alice.open("/").last().upstream().Header.Get("X-Wechat-User"), bob.open("/").last().upstream().Header.Get("X-Wechat-User")
		time.Sleep(time.Second)
		alice.ends(first)
		alice.ends(second)
		time.Sleep(time.Second)
		kept := alice.keeps("/x", url.Values{"a": {"1"}}, "Cookie", "__Host-wechat="+bob.session())
		alice.holds("bob")
		if got := alice.open(kept.Next).last().task(); got.Auto {
			t.Errorf("the script is told %+v", got)
		}
	})
}

// Attack: a form is sent after a logout, after ten minutes, or from another
// browser or site.
func TestAttackReplayedForm(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for name, row := range map[string]struct {
		between func(*town, *browser) *browser
		lives   bool
	}{
		"at once":                   {func(_ *town, b *browser) *browser { return b }, true},
		"after almost ten minutes":  {func(_ *town, b *browser) *browser { time.Sleep(10*time.Minute - time.Second); return b }, true},
		"after ten minutes":         {func(_ *town, b *browser) *browser { time.Sleep(10 * time.Minute); return b }, false},
		"after a logout":            {func(_ *town, b *browser) *browser { b.form("/_wechat/logout", nil); return b }, false},
		"after a logout by script":  {func(_ *town, b *browser) *browser { b.script(http.MethodPost, "/_wechat/logout"); return b }, false},
		"after a logout by the app": {func(_ *town, b *browser) *browser { b.open("/bye"); return b }, false},
		"in another browser":        {func(w *town, _ *browser) *browser { return w.browser("alice") }, false},
		"with another browser's cookie": {func(w *town, _ *browser) *browser {
			other := w.browser("alice")
			other.keeps("/y", url.Values{"a": {"1"}})
			return other
		}, false},
		"while the site keeps none": {func(w *town, b *browser) *browser { w.gate.Rules.PreservePost = site.PreserveOff; return b }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, scope(wechat.ScopeBase), preserve(site.PreserveOn), func(w *town) { w.inside = true })
				w.upstream = func(rw http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/bye" {
						rw.Header().Set("X-Wechat-Logout", "1")
					}
					echo(rw, r)
				}
				b := w.browser("alice")
				kept := b.keeps("/x", url.Values{"a": {"1"}})
				b.open("/").last().upstream() // another tab has signed in
				h := row.between(w, b).open(kept.Next).last()
				want := task{Task: "drop"}
				if row.lives {
					want.Task = "send"
				}
				if got := h.task(); got.Task != want.Task || !row.lives && h.status != http.StatusGone {
					t.Errorf("%d, the script is told %+v, want %s", h.status, got, want.Task)
				}
			})
		})
	}
}

// Attack: an address of one's own instead of a ticket. It leads nowhere, and
// has the tab of the visitor drop nothing.
func TestAttackForgedResendAddresses(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveAuto))
	b := w.browser("alice")
	kept := b.keeps("/x", url.Values{"a": {"1"}})
	ring, err := session.NewRing("another-key-another-key-another-key-1")
	if err != nil {
		t.Fatal(err)
	}
	other, err := ring.SealCompact("form", shop+"|"+shopApp, []byte(`{"i":"X"}`))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := w.hub.Keys.SealCompact("form", "https://other.example|"+shopApp, []byte(`{"i":"X"}`))
	if err != nil {
		t.Fatal(err)
	}
	flow, err := w.hub.Keys.SealCompact(session.PurposeFlow, shop+"|"+shopApp, []byte(`{"i":"X"}`))
	if err != nil {
		t.Fatal(err)
	}
	sealed := strings.TrimPrefix(kept.Next, "/_wechat/resend/")
	for name, path := range map[string]string{
		"nothing": "", "invented": "AAAAAAAAAAAAAAAA", "altered": altered(sealed), "a path": "../logout", "cut": sealed[:len(sealed)-4],
		"another key": other, "another site": foreign, "another purpose": flow, "long": strings.Repeat("A", 4000), "script": "%3Cscript%3E",
	} {
		h := b.send(http.MethodGet, "/_wechat/resend/"+path, "")
		if name == "a path" {
			continue // the client has resolved it
		}
		if h.status != http.StatusGone || strings.Contains(h.body, "<script") {
			t.Errorf("%s: %d %s", name, h.status, h.body)
		}
	}
	if h := b.form(kept.Next, nil); h.status != http.StatusMethodNotAllowed {
		t.Errorf("a POST: %d", h.status)
	}
	if h := b.open("/_wechat/login?return_to=" + url.QueryEscape("/_wechat/resend/x/../../logout")).last(); h.url != shop+"/" {
		t.Errorf("login leads to %s", h.url)
	}
}

// altered returns a sealed text with another character in its middle.
func altered(sealed string) string {
	at, other := len(sealed)/2, "A"
	if sealed[at] == 'A' {
		other = "B"
	}
	return sealed[:at] + other + sealed[at+1:]
}

// Attack: forms that are too large, broken, or never end: a page, and nothing
// is kept of them.
func TestAttackFormsThatCannotBeKept(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveOn))
	b := w.browser("alice")
	const multi = "multipart/form-data; boundary=XX"
	part := func(name, value string) string {
		return "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	for name, row := range map[string]struct {
		kind, body string
		status     int
	}{
		"more than 1 MiB":    {"application/x-www-form-urlencoded", "mine=1&a=" + strings.Repeat("x", 1<<20), 413},
		"a text of 1 MiB":    {multi, part("mine", strings.Repeat("x", 1<<20)) + "--XX--\r\n", 413},
		"10,000 fields":      {"application/x-www-form-urlencoded", "mine=1" + strings.Repeat("&a=1", 9999), 413},
		"10,000 parts":       {multi, strings.Repeat(part("mine", "1"), 10000) + "--XX--\r\n", 413},
		"broken multipart":   {multi, part("mine", "1") + "--XX\r\nno header", 400},
		"no last boundary":   {multi, part("mine", "1"), 400},
		"not a part at all":  {multi, "mine=1", 400},
		"half an escape":     {"application/x-www-form-urlencoded", "mine=%4", 400},
		"a file of 33 MiB":   {multi, strings.Replace(part("mine", strings.Repeat("x", 33<<20)), `"mine"`, `"mine"; filename="x"`, 1) + "--XX--\r\n", 413},
		"a file, not closed": {multi, strings.Replace(part("mine", "x"), `"mine"`, `"mine"; filename="x"`, 1), 400},
	} {
		t.Run(name, func(t *testing.T) {
			h := b.send(http.MethodPost, "/x", row.body, "Content-Type", row.kind, "Origin", shop, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate")
			if h.status != row.status || h.kind() != "sign_in_expired" || strings.Contains(h.body, "mine") || h.task().Task != "" {
				t.Errorf("%d %q, want %d and nothing kept", h.status, h.kind(), row.status)
			}
		})
	}
}

// Attack: a form that never arrives holds a connection. It is answered in
// twenty seconds.
func TestAttackSlowFormsAreAnswered(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), preserve(site.PreserveOn), func(w *town) { w.inside = true })
		begun := time.Now()
		h := w.browser("alice").drips("/x", "Content-Type", "application/x-www-form-urlencoded", "Origin", shop)
		if h.status != http.StatusRequestTimeout || time.Since(begun) != 20*time.Second || h.header.Get("Connection") != "close" || strings.Contains(h.body, "<script") {
			t.Errorf("%d after %v: %s", h.status, time.Since(begun), h.body)
		}
	})
}

// Attack: one network holds all places for forms. The forms of others are still
// kept.
func TestAttackFormsOfOneNetwork(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		address := "203.0.113.7"
		w := newTownWith(t, c, scope(wechat.ScopeBase), preserve(site.PreserveOn), func(w *town) { w.inside, w.from = true, func() string { return address } })
		done := make(chan int)
		for range 40 {
			go func() {
				done <- w.browser("alice").drips("/x", "Content-Type", "application/x-www-form-urlencoded", "Origin", shop).status
			}()
		}
		synctest.Wait() // all of them have come
		if h := w.browser("bob").form("/x", url.Values{"a": {"1"}}); h.kind() != "sign_in_expired" || h.task().Task != "" {
			t.Errorf("the same network has more than its share: %+v", h.task())
		}
		address = "198.51.100.7"
		w.browser("bob").keeps("/x", url.Values{"a": {"1"}})
		statuses := map[int]int{}
		for range 40 {
			statuses[<-done]++
		}
		if statuses[http.StatusRequestTimeout] != 16 || statuses[http.StatusUnauthorized] != 24 {
			t.Errorf("statuses %v, want 16 read and 24 not", statuses)
		}
		w.browser("bob").keeps("/x", url.Values{"a": {"1"}}) // the places are free again
	})
}

// Attack: a password, the number of a card or the content of a file leaves the
// request; and nothing at all of a form is in the log.
func TestAttackSecretsOfAFormAreNotKept(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveOn))
	b := w.browser("alice")
	w.secrets.add("field", "visible-text")
	h := b.form("/x", url.Values{"a": {"visible-text"}, "password": {"hunter2-hunter2"}, "cardNumber": {"6222021234567890123"}})
	if kept := h.task(); kept.Task != "keep" || strings.Contains(h.body, "hunter2") || strings.Contains(h.body, "6222021") || !strings.Contains(h.body, "visible-text") {
		t.Errorf("kept %+v", kept.Record)
	}
	body := "--XX\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"secret-name.jpg\"\r\nContent-Type: image/jpeg\r\n\r\nsecret-pixels\r\n" +
		"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX--\r\n"
	h = b.send(http.MethodPost, "/x", body, "Content-Type", "multipart/form-data; boundary=XX", "Origin", shop)
	if got, want := fmt.Sprint(h.task().Record.Form.Fields), "[[photo  file] [a 1 ]]"; got != want || strings.Contains(h.body, "secret-") {
		t.Errorf("kept %s, want %s", got, want)
	}
}

// The app has read the body when it asks for consent: nothing can be kept, and
// its own answer stands.
func TestFormIsNotKeptAfterTheAppsRequire(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveOn), func(w *town) { w.upstream = demanding(http.StatusForbidden, wechat.ScopeUserInfo) })
	b := w.browser("alice")
	b.open("/other")
	h := b.form("/profile", url.Values{"a": {"1"}})
	if h.status != http.StatusForbidden || !strings.Contains(h.body, "own words") || strings.Contains(h.body, "<script") {
		t.Errorf("%d %s", h.status, h.body)
	}
}

// The page of a logout has the tab drop its form.
func TestLogoutDropsTheForm(t *testing.T) {
	t.Parallel()
	for p, want := range map[site.PreservePost]string{site.PreserveOn: "drop", site.PreserveAuto: "drop", site.PreserveOff: ""} {
		w := newTown(t, scope(wechat.ScopeBase), preserve(p))
		b := w.browser("alice")
		b.open("/").last().upstream()
		if h := b.form("/_wechat/logout", nil); h.kind() != "signed_out" || h.task().Task != want {
			t.Errorf("%s: %q %+v", p, h.kind(), h.task())
		}
	}
}

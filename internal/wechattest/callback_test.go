package wechattest

import (
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// both returns the two callbacks of a double page.
func both(t *testing.T, r *http.Response) (first, second *url.URL) {
	t.Helper()
	body := text(t, r)
	frame := regexp.MustCompile(`<iframe src="([^"]*)"`).FindStringSubmatch(body)
	refresh, ok := strings.CutPrefix(r.Header.Get("Refresh"), "1; url=")
	if r.StatusCode != http.StatusOK || frame == nil || !ok {
		t.Fatalf("not the page that calls back twice: %s %s", r.Status, body)
	}
	read := func(raw string) *url.URL {
		u, err := url.Parse(raw)
		if err != nil || !strings.HasPrefix(raw, callback+"?code=") {
			t.Fatalf("a callback is %q: %v", raw, err)
		}
		return u
	}
	return read(refresh), read(html.UnescapeString(frame[1]))
}

func TestDoubleCallback(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	with := authorizeURL(shop, callback, scopeBase, "abc")
	without := strings.TrimSuffix(with, "&connect_redirect=1")
	hop := func() *http.Response { return get(s, landed(t, get(s, without)).RequestURI()) }

	set(t, s, Quirks{DoubleCallbackTwoCodes: Knob{On: true}})
	first, second := both(t, hop())
	if first.Query().Get("state") != "abc" || second.Query().Get("state") != "abc" || first.Query().Get("code") == second.Query().Get("code") {
		t.Errorf("two codes, one state: %s %s", first, second)
	}
	for _, u := range []*url.URL{first, second} {
		if v := exchange(t, s, u.Query().Get("code")); v.Errcode != 0 {
			t.Errorf("both codes are valid, but: %+v", v)
		}
	}
	landed(t, get(s, with)) // connect_redirect=1 avoids it …
	set(t, s, Quirks{DoubleCallbackTwoCodes: Knob{On: true}, DespiteConnectRedirect: true})
	both(t, get(s, with)) // … or not

	set(t, s, Quirks{SameCodeTwice: Knob{On: true, Next: 1}})
	if first, second = both(t, hop()); first.String() != second.String() {
		t.Errorf("one code: %s %s", first, second)
	}
	landed(t, hop()) // once only
}

// The popup does not lose that the request came without connect_redirect=1.
func TestDoubleCallbackAfterConsent(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	set(t, s, Quirks{DoubleCallbackTwoCodes: Knob{On: true}})
	first := strings.TrimSuffix(authorizeURL(shop, callback, scopeUserInfo, "abc"), "&connect_redirect=1")
	page := text(t, get(s, landed(t, get(s, first)).RequestURI()))
	allow, _, ok := ConsentLinks(page)
	if !ok {
		t.Fatal("not asked")
	}
	both(t, get(s, allow))
}

func TestCallbackExtras(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	set(t, s, Quirks{ExtraQuery: Knob{On: true}, SecondState: Knob{On: true}})
	u := landed(t, get(s, authorizeURL(shop, callback+"?a=1#/x", scopeBase, "REAL")))
	if !regexp.MustCompile(`^\?a=1&state=[0-9a-zA-Z]{16}&code=0[0-9a-zA-Z]{31}&state=REAL&from=singlemessage&isappinstalled=0#/x$`).
		MatchString(strings.TrimPrefix(u.String(), callback)) {
		t.Errorf("came back to %s", u)
	}
}

func TestIssueCode(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	for _, c := range [][3]string{{"nobody", shop, scopeBase}, {"alice", "wx0", scopeBase}, {"alice", shop, "snsapi_login"}} {
		if code := s.IssueCode(c[0], c[1], c[2]); code != "" {
			t.Errorf("%v: a code", c)
		}
	}
	if v := exchange(t, s, s.IssueCode("bob", shop, scopeUserInfo)); v.OpenID != s.OpenID("bob", shop) || v.Scope != scopeUserInfo || v.UnionID == nil {
		t.Errorf("%+v", v)
	}
}

// WeChat's crawler fetches the callback: the same address, no cookies, another
// User-Agent (wechat-protocol J2).
func TestReplay(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 2)
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer gateway.Close()
	s := newSim(t)
	set(t, s, Quirks{ReplayWithoutCookies: Replay{On: true, Delay: time.Millisecond, Next: 1}})
	target := landed(t, get(s, authorizeURL(blog, gateway.URL+"/cb", scopeBase, "abc")))
	r := <-got
	if r.URL.String() != target.RequestURI() || len(r.Cookies()) != 0 || !weChat.MatchString(r.UserAgent()) || r.UserAgent() == phoneUA {
		t.Errorf("%s %v", r.URL, r.Header)
	}
	for len(s.Replays()) == 0 {
		time.Sleep(time.Millisecond)
	}
	if all := s.Replays(); len(all) != 1 || all[0].Status != http.StatusFound || all[0].Err != nil {
		t.Errorf("%+v", all)
	}
	if len(got) != 0 || s.Quirks().ReplayWithoutCookies.On {
		t.Error("the crawler followed the redirect, or comes again")
	}
}

// The crawler goes where whoever opened the page says: to loopback only.
func TestReplayStaysOnLoopback(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	for _, c := range []struct {
		address string
		ok      bool
	}{
		{"127.0.0.1:80", true},
		{"[::1]:80", true},
		{"[::ffff:127.0.0.1]:80", true},
		{"10.0.0.1:80", false},
		{"169.254.169.254:80", false},
		{"[fe80::1]:80", false},
		{"0.0.0.0:80", false},
		{"x", false},
	} {
		if err := s.allowDial("tcp", c.address, nil); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrNotLoopback) {
			t.Errorf("%s: %v", c.address, err)
		}
	}
	if err := (&Server{config: Config{AllowReplayHosts: true}}).allowDial("tcp", "10.0.0.1:80", nil); err != nil {
		t.Error(err)
	}
	secret := "0verysecret"
	for _, target := range []string{"http://192.0.2.1/cb?code=" + secret, "http://\x7f/?code=" + secret, "gopher://127.0.0.1/?code=" + secret} {
		v := s.fetch(target)
		if v.Err == nil || v.Status != 0 || strings.Contains(v.Err.Error(), secret) {
			t.Errorf("%q: %+v", target, v)
		}
	}
}

func TestReplaysAreBoundedAndEndWithClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t)
		set(t, s, Quirks{ReplayWithoutCookies: Replay{On: true, Delay: time.Hour}})
		for range 2 * maxReplays {
			landed(t, get(s, authorizeURL(blog, "http://127.0.0.1:1/cb", scopeBase, "abc")))
		}
		s.replay.mu.Lock()
		running := s.replay.running
		s.replay.mu.Unlock()
		if running != maxReplays {
			t.Errorf("%d replays wait", running)
		}
		s.Close()
		landed(t, get(s, authorizeURL(blog, "http://127.0.0.1:1/cb", scopeBase, "abc")))
		s.Close()
		if len(s.Replays()) != 0 {
			t.Error("Close let some run")
		}
	})
}

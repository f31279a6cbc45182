package gate_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

const (
	miniLogin   = "/_wechat/mini-program/mini/login"
	mobileLogin = "/_wechat/mobile-app/app/login"
	sessionPath = "/sns/jscode2session"
)

// The same human, through the official account, the mini program and the app:
// the app behind us sees one person.
func TestOnePersonThroughEveryDoor(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	official := w.browser("alice").consents("/").last().upstream().Header
	want := official.Get("X-Wechat-User")
	mini := w.mini("alice")
	phone := w.client("alice")
	got := phone.ask(http.MethodPost, mobileLogin, code{w.weChat.MobileCode("alice", mobileApp)})
	phone.token = got.Token
	if got.status != http.StatusOK || got.User["nickname"] != "小明 🐼" || got.ExpiresIn < 6*24*3600 || len(got.header["Set-Cookie"]) != 0 {
		t.Errorf("mobile login: %d %s", got.status, got.body)
	}
	for name, c := range map[string]struct {
		client         *client
		account, appID string
		scope, nick    string
	}{
		"mini_program": {mini, "mini", miniApp, "mini_program", ""}, // it was not asked for a profile
		"mobile_app":   {phone, "app", mobileApp, "mobile_app", official.Get("X-Wechat-Nickname")},
	} {
		h := c.client.page("/x").Header
		for header, want := range map[string]string{
			"X-Wechat-User": want, "X-Wechat-Openid": w.weChat.OpenID("alice", c.appID), "X-Wechat-Unionid": w.weChat.UnionID("alice", c.appID),
			"X-Wechat-App-Id": c.appID, "X-Wechat-Account": c.account, "X-Wechat-Scope": c.scope, "X-Wechat-Nickname": c.nick,
			"Authorization": "", "X-Wechat-Phone": "",
		} {
			if h.Get(header) != want || want == "" && len(h[header]) != 0 {
				t.Errorf("%s: %s %q, want %q", name, header, h[header], want)
			}
		}
	}
	if other := w.mini("carol").page("/").Header.Get("X-Wechat-User"); other == want || other == "" {
		t.Errorf("somebody else is %q too", other)
	}
}

// A record of before, known only by its openid, is found, and linked when the
// unionid comes.
func TestLegacyRecordIsLinked(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	old, err := w.ledger.Observe(t.Context(), ledger.Observation{AppID: miniApp, OpenID: w.weChat.OpenID("alice", miniApp)})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.mini("alice").page("/").Header.Get("X-Wechat-User"); got != old.ID {
		t.Errorf("signed in as %q, known as %q", got, old.ID)
	}
	p, err := w.ledger.FindUnionID(t.Context(), w.weChat.UnionID("alice", miniApp))
	if err != nil || p.ID != old.ID {
		t.Errorf("by unionid: %q, %v", p.ID, err)
	}
}

// Each answer of WeChat's tells the client what to do.
func TestLoginSaysWhatToDo(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	for answer, want := range map[string]struct {
		status     int
		kind, word string
		retry      string
	}{
		`{"errcode":40029,"errmsg":"invalid code"}`:      {400, "code_invalid", "wx.login", ""},
		`{"errcode":40163,"errmsg":"code been used"}`:    {400, "code_invalid", "wx.login", ""},
		`{"errcode":40226,"errmsg":"code blocked"}`:      {403, "blocked", "Do not try again", ""},
		`{"errcode":45011,"errmsg":"too frequent"}`:      {429, "too_frequent", "minute", "60"},
		`{"errcode":40125,"errmsg":"invalid appsecret"}`: {500, "misconfigured", "operator", ""},
		`{"errcode":-1,"errmsg":"system error"}`:         {503, "unavailable", "moment", "10"},
		`{"errcode":12345,"errmsg":"what"}`:              {500, "misconfigured", "operator", ""},
		`<html>502</html>`:                               {503, "unavailable", "moment", "10"},
		`{"session_key":"tiihtNczf5v6AKRyjwEUhQ=="}`:     {503, "unavailable", "moment", "10"},
	} {
		w.weChat.answer(answer)
		got := w.client("alice").ask(http.MethodPost, miniLogin, code{"code-" + want.kind + "-0123456789"})
		got.refused(t, want.status, want.kind)
		if !strings.Contains(got.Message, want.word) || got.header.Get("Retry-After") != want.retry || got.Token != "" {
			t.Errorf("%s: %q, Retry-After %q", answer, got.Message, got.header.Get("Retry-After"))
		}
	}
	w.weChat.answer(`{"errcode":40029,"errmsg":"invalid code"}`)
	got := w.client("alice").ask(http.MethodPost, mobileLogin, code{"code-of-an-app-0123456789"})
	if got.refused(t, 400, "code_invalid"); !strings.Contains(got.Message, "SendAuth") {
		t.Errorf("an app hears %q", got.Message)
	}
}

func TestLoginTakesJSONOnly(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	c := w.client("alice")
	good := `{"code":"` + w.weChat.MiniProgramCode("alice", miniApp) + `","more":{"a":[1]}}`
	for name, try := range map[string]struct {
		method, path, body, kind string
		status                   int
		error                    string
	}{
		"form":              {"POST", miniLogin, "code=x", "application/x-www-form-urlencoded", 415, "not_json"},
		"text":              {"POST", miniLogin, good, "text/plain", 415, "not_json"},
		"no type":           {"POST", miniLogin, good, "", 415, "not_json"},
		"empty":             {"POST", miniLogin, "", "application/json", 400, "bad_json"},
		"null":              {"POST", miniLogin, "null", "application/json", 400, "bad_json"},
		"list":              {"POST", miniLogin, `[{"code":"x"}]`, "application/json", 400, "bad_json"},
		"number":            {"POST", miniLogin, `{"code":1}`, "application/json", 400, "bad_json"},
		"two":               {"POST", miniLogin, good + good, "application/json", 400, "bad_json"},
		"torn":              {"POST", miniLogin, good[:20], "application/json", 400, "bad_json"},
		"not UTF-8":         {"POST", miniLogin, "{\"code\":\"\xff\"}", "application/json", 400, "bad_json"},
		"large":             {"POST", miniLogin, `{"code":"` + strings.Repeat("x", 17<<10) + `"}`, "application/json", 413, "too_large"},
		"no code":           {"POST", miniLogin, `{}`, "application/json", 400, "code_invalid"},
		"long code":         {"POST", miniLogin, `{"code":"` + strings.Repeat("x", 600) + `"}`, "application/json", 400, "code_invalid"},
		"GET":               {"GET", miniLogin + "?code=x", "", "", 405, "method_not_allowed"},
		"HEAD":              {"HEAD", miniLogin, "", "", 405, ""},
		"PUT":               {"PUT", miniLogin, good, "application/json", 405, "method_not_allowed"},
		"unknown account":   {"POST", "/_wechat/mini-program/other/login", good, "application/json", 404, "not_found"},
		"another kind":      {"POST", "/_wechat/mini-program/app/login", good, "application/json", 404, "not_found"},
		"official account":  {"POST", "/_wechat/mini-program/main/login", good, "application/json", 404, "not_found"},
		"unknown call":      {"POST", "/_wechat/mini-program/mini/logon", good, "application/json", 404, "not_found"},
		"unknown kind":      {"POST", "/_wechat/website/mini/login", good, "application/json", 404, "not_found"},
		"one more":          {"POST", miniLogin + "/", good, "application/json", 404, "not_found"},
		"less":              {"POST", "/_wechat/mini-program/mini", good, "application/json", 404, "not_found"},
		"nothing":           {"POST", "/_wechat/mini-program//login", good, "application/json", 404, "not_found"},
		"profile of an app": {"POST", "/_wechat/mobile-app/app/profile", good, "application/json", 404, "not_found"},
	} {
		got := c.ask(try.method, try.path, try.body, "Content-Type", try.kind)
		if got.status != try.status || got.Error != try.error {
			t.Errorf("%s: %d %s, want %d %s", name, got.status, got.body, try.status, try.error)
		}
	}
	if n := w.weChat.CountCalls(sessionPath); n != 0 {
		t.Fatalf("%d codes were sent to WeChat", n)
	}
	if got := c.ask(http.MethodPost, miniLogin, good, "Content-Type", "Application/JSON; charset=UTF-8"); got.status != http.StatusOK {
		t.Errorf("a good one: %d %s", got.status, got.body)
	}
}

// A code is spent once, however often it comes; the client that lost the answer
// gets the same token again, and nobody after the logout.
func TestCodeOfAClientIsSpentOnce(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	once := code{w.weChat.MiniProgramCode("alice", miniApp)}
	tokens := make([]string, 20)
	var all sync.WaitGroup
	for i := range tokens {
		c := w.client("alice")
		all.Go(func() { tokens[i] = c.ask(http.MethodPost, miniLogin, once).Token })
	}
	all.Wait()
	for _, token := range tokens {
		if token != tokens[0] || token == "" {
			t.Errorf("got %q and %q", tokens[0], token)
		}
	}
	if n := w.weChat.CountCalls(sessionPath); n != 1 {
		t.Errorf("asked WeChat %d times", n)
	}
	c := w.client("alice")
	c.token = tokens[0]
	if got := c.ask(http.MethodPost, "/_wechat/logout", nil); got.status != http.StatusOK {
		t.Fatalf("logout: %d %s", got.status, got.body)
	}
	w.client("alice").ask(http.MethodPost, miniLogin, once).refused(t, 400, "code_invalid")
}

// The same code on another site of the gateway is another matter: it gets no
// token of the first.
func TestCodeOfAnotherSite(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	once := code{w.weChat.MiniProgramCode("alice", miniApp)}
	first := w.client("alice").ask(http.MethodPost, miniLogin, once)
	if first.status != http.StatusOK {
		t.Fatal(first.body)
	}
	second := &town{t: t, weChat: w.weChat, hub: w.hub, ledger: w.ledger, gate: &gate.Gate{Site: site.Site{
		Hub: w.hub, Account: w.gate.Account, OtherAccounts: w.gate.OtherAccounts, Origin: "https://other.example.com", Rules: w.gate.Rules, Logger: w.gate.Logger,
	}}, inside: true}
	second.scrub = request.NewScrub(second.gate.HeaderNames())
	c := second.client("alice")
	c.ask(http.MethodPost, miniLogin, once).refused(t, 400, "code_invalid")
	c.token = first.Token
	c.ask(http.MethodGet, "/_wechat/session", nil).refused(t, 401, "token_invalid")
}

// A store that does not answer is found out before the code is spent: it is
// good for another try.
func TestStoresAreAskedBeforeTheCodeIsSpent(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(w *town, err error){
		"sessions": func(w *town, err error) { w.store.fail(err) },
		"ledger":   func(w *town, err error) { w.ledger.fail(err) },
	} {
		w := newTown(t, doors)
		once := code{w.weChat.MiniProgramCode("alice", miniApp)}
		failure := session.ErrUnavailable
		if name == "ledger" {
			failure = ledger.ErrUnavailable
		}
		fail(w, failure)
		got := w.client("alice").ask(http.MethodPost, miniLogin, once)
		got.refused(t, 503, "unavailable")
		if n := w.weChat.CountCalls(sessionPath); n != 0 || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d calls, Retry-After %q", name, n, got.header.Get("Retry-After"))
		}
		fail(w, nil)
		if got := w.client("alice").ask(http.MethodPost, miniLogin, once); got.status != http.StatusOK {
			t.Errorf("%s: back again: %d %s", name, got.status, got.body)
		}
	}
}

// A follower who signs in silently is known by the unionid at once; whatever
// fails, the sign-in does not.
func TestFollowersUnionID(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors, scope(wechat.ScopeBase))
	main := &wechat.GlobalToken{Client: w.hub.WeChat, Credentials: w.gate.Account.Credentials}
	t.Cleanup(main.Close)
	asked := 0
	w.hub.FollowerUnionID = func(ctx ctx, _, openID string) (string, error) {
		asked++
		f, err := main.Follower(ctx, openID)
		return f.UnionID, err
	}
	mini := w.mini("bob").page("/").Header.Get("X-Wechat-User")
	if got := w.browser("bob").open("/").last().upstream().Header.Get("X-Wechat-User"); got != mini || asked != 1 {
		t.Errorf("a follower is %q and %q, asked %d times", got, mini, asked)
	}
	if w.browser("bob").open("/").last().upstream(); asked != 1 {
		t.Errorf("asked %d times for what is known", asked)
	}
	if got := w.browser("carol").open("/").last().upstream().Header; got.Get("X-Wechat-User") == "" || got.Get("X-Wechat-Unionid") != "" || asked != 2 {
		t.Errorf("who does not follow: %v, asked %d times", got, asked)
	}
	w.hub.FollowerUnionID = func(ctx, string, string) (string, error) { return "", wechat.ErrUnavailable }
	if got := w.browser("alice").open("/").last().upstream().Header.Get("X-Wechat-User"); got == "" || len(w.log.lines("could not fetch the unionid of a follower")) != 1 {
		t.Errorf("WeChat is down: %q", got)
	}
}

package wechattest

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTokenErrors(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	fresh := code(t, s, "alice", scopeBase)
	used := code(t, s, "alice", scopeBase)
	exchange(t, s, used)
	foreign := s.IssueCode("alice", blog, scopeBase)
	full := func(change ...string) string {
		q := url.Values{"appid": {shop}, "secret": {shopSecret}, "code": {fresh}, "grant_type": {"authorization_code"}}
		for i := 0; i < len(change); i += 2 {
			q.Set(change[i], change[i+1])
		}
		return "/sns/oauth2/access_token?" + q.Encode()
	}
	for _, c := range []struct {
		name, path string
		want       int
		message    string
	}{
		{"nothing", "/sns/oauth2/access_token", 41002, "appid missing"},
		{"no appid", full("appid", ""), 41002, "appid missing"},
		{"unknown appid", full("appid", "wx0000000000000000"), 40013, "invalid appid"},
		{"no secret", full("secret", ""), 41004, "appsecret missing"},
		{"wrong secret", full("secret", blogSecret), 40125, "invalid appsecret"},
		{"wrong grant", full("grant_type", "client_credential"), 40002, "invalid grant_type"},
		{"no code", full("code", ""), 41008, "missing code"},
		{"unknown code", full("code", "0unknown"), 40029, "invalid code"},
		{"code of another account", full("code", foreign), 40029, "invalid code"},
		{"code with a parameter in it", full("code", fresh+"&appid="+blog), 40029, "invalid code"},
		{"used code", full("code", used), 40163, "code been used"},
	} {
		v := call(t, s, c.path)
		if v.Errcode != c.want || !strings.HasPrefix(v.Errmsg, c.message+", rid: ") || v.OpenID != "" {
			t.Errorf("%s: %+v, want %d", c.name, v, c.want)
		}
	}
	// None of these spent the fresh code, nor the foreign one.
	if v := call(t, s, full()); v.Errcode != 0 {
		t.Errorf("the code was spent by a mistake: %+v", v)
	}
	if v := call(t, s, tokenPath(blog, blogSecret, foreign)); v.Errcode != 0 || v.OpenID != s.OpenID("alice", blog) {
		t.Errorf("the other account's code: %+v", v)
	}
	if v := call(t, s, full()); v.Errcode != 40163 {
		t.Errorf("a second time: %+v", v)
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	call(t, s, tokenPath("wx0000000000000000", shopSecret, "x"))
	call(t, s, tokenPath(shop, "", "x"))
	v := exchange(t, s, code(t, s, "alice", scopeUserInfo))
	call(t, s, userInfoPath(v))
	call(t, s, "/sns/unknown")
	want := []Call{
		{Path: "/sns/oauth2/access_token", Errcode: 40013},
		{Path: "/sns/oauth2/access_token", AppID: shop, Errcode: 41004},
		{Path: "/sns/oauth2/access_token", AppID: shop},
		{Path: "/sns/userinfo", AppID: shop},
	}
	got := s.Calls()
	for i := range got {
		got[i].Time = time.Time{}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if s.CountCalls(AtToken) != 3 || s.CountCalls("/sns/oauth2/access_token") != 3 || s.CountCalls("/sns/userinfo") != 1 || s.CountCalls("/sns/auth") != 0 {
		t.Error("counted otherwise")
	}
}

func TestTokenMethods(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	for _, e := range endpoints {
		wrong, errcode := http.MethodPost, `"errcode":43001`
		switch {
		case e.post:
			wrong, errcode = http.MethodGet, `"errcode":43002`
		case e.form:
			wrong = http.MethodPut
		}
		if body := text(t, send(s, wrong, e.path, "", nil)); !strings.Contains(body, errcode) {
			t.Errorf("%s %s: %s", wrong, e.path, body)
		}
	}
	for _, path := range []string{"/sns/other", "/cgi-bin/token/", "/sns/userinfo/"} {
		if v := call(t, s, path); v.Errcode != 40066 {
			t.Errorf("%s: %+v", path, v)
		}
	}
	if r := get(s, "/somewhere"); r.StatusCode != http.StatusNotFound {
		t.Errorf("/somewhere: %s", r.Status)
	}
}

// The bodies, byte for byte but for what is random.
func TestBodies(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	if err := s.AddPerson(Person{ID: "carol", Nickname: `"<&>🚀`}); err != nil {
		t.Fatal(err)
	}
	const token = `"access_token":"93_[0-9A-Za-z_-]{86}","expires_in":7200,"refresh_token":"93_[0-9A-Za-z_-]{86}","openid":"o[0-9A-Za-z_-]{27}"`
	base := text(t, get(s, tokenPath(shop, shopSecret, code(t, s, "alice", scopeBase))))
	full := exchange(t, s, code(t, s, "alice", scopeUserInfo))
	carol := exchange(t, s, code(t, s, "carol", scopeUserInfo))
	for _, c := range []struct{ body, want string }{
		{base, `{` + token + `,"scope":"snsapi_base"}`},
		{
			text(t, get(s, tokenPath(shop, shopSecret, code(t, s, "alice", scopeUserInfo)))),
			`{` + token + `,"scope":"snsapi_userinfo","unionid":"o[0-9A-Za-z_-]{27}"}`,
		},
		{
			text(t, get(s, tokenPath(blog, blogSecret, s.IssueCode("alice", blog, scopeUserInfo)))),
			`{` + token + `,"scope":"snsapi_userinfo"}`, // not bound to a platform
		},
		{
			text(t, get(s, userInfoPath(full))),
			`{"openid":"` + full.OpenID + `","nickname":"爱丽丝","sex":0,"language":"","city":"","province":"","country":"",` +
				`"headimgurl":"https:\\/\\/thirdwx.qlogo.cn\\/a\\/132","privilege":\[\],"unionid":"` + *full.UnionID + `"}`,
		},
		{
			text(t, get(s, userInfoPath(carol))),
			`{"openid":"` + carol.OpenID + `","nickname":"\\"<&>🚀","sex":0,.*"headimgurl":"","privilege":\[\],"unionid":"[^"]*"}`,
		},
		{text(t, get(s, "/sns/oauth2/access_token")), `{"errcode":41002,"errmsg":"appid missing, rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"}`},
		{text(t, get(s, strings.Replace(userInfoPath(full), "userinfo", "auth", 1))), `{"errcode":0,"errmsg":"ok"}`},
	} {
		if !regexp.MustCompile(`^` + c.want + `$`).MatchString(c.body) {
			t.Errorf("got %s\nwant %s", c.body, c.want)
		}
	}
}

// A code works once, whoever is first.
func TestCodeWorksOnce(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	c := code(t, s, "alice", scopeBase)
	if !regexp.MustCompile(`^0[0-9a-zA-Z]{31}$`).MatchString(c) {
		t.Errorf("code %q", c)
	}
	var won, lost atomic.Int32
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			switch v := exchange(t, s, c); v.Errcode {
			case 0:
				won.Add(1)
			case 40163:
				lost.Add(1)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 || lost.Load() != 19 {
		t.Errorf("%d won, %d lost", won.Load(), lost.Load())
	}
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t)
		soon, late := code(t, s, "alice", scopeBase), code(t, s, "alice", scopeBase)
		time.Sleep(5 * time.Minute)
		if v := exchange(t, s, soon); v.Errcode != 0 {
			t.Errorf("after 5 minutes: %+v", v)
		}
		time.Sleep(time.Second)
		if v := exchange(t, s, late); v.Errcode != 42003 {
			t.Errorf("after more: %+v", v)
		}
		if v := exchange(t, s, soon); v.Errcode != 40163 {
			t.Errorf("used, and old: %+v", v)
		}
	})
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t)
		first := exchange(t, s, code(t, s, "alice", scopeUserInfo))
		renew := func(token string) reply {
			return call(t, s, "/sns/oauth2/refresh_token?appid="+shop+"&grant_type=refresh_token&refresh_token="+token)
		}
		time.Sleep(time.Hour)
		// Still good: the same token, its life extended.
		if v := renew(first.RefreshToken); v.AccessToken != first.AccessToken || v.RefreshToken != first.RefreshToken ||
			v.OpenID != first.OpenID || v.Scope != scopeUserInfo || v.ExpiresIn != 7200 {
			t.Errorf("refreshed early: %+v", v)
		}
		time.Sleep(2 * time.Hour)
		if v := call(t, s, userInfoPath(first)); v.Errcode != 0 {
			t.Errorf("2 hours after the refresh: %+v", v)
		}
		time.Sleep(time.Second)
		for _, path := range []string{userInfoPath(first), strings.Replace(userInfoPath(first), "userinfo", "auth", 1)} {
			if v := call(t, s, path); v.Errcode != 42001 {
				t.Errorf("expired: %+v", v)
			}
		}
		second := renew(first.RefreshToken)
		if second.Errcode != 0 || second.AccessToken == first.AccessToken {
			t.Errorf("refreshed late: %+v", second)
		}
		if v := call(t, s, userInfoPath(second)); v.Nickname != "爱丽丝" {
			t.Errorf("with the new token: %+v", v)
		}
		if v := call(t, s, userInfoPath(first)); v.Errcode != 42001 {
			t.Errorf("with the old token: %+v", v)
		}
		if again := renew(first.RefreshToken); again.AccessToken != second.AccessToken {
			t.Errorf("the second refresh gave another token")
		}
		time.Sleep(30 * 24 * time.Hour)
		if v := renew(first.RefreshToken); v.Errcode != 42002 {
			t.Errorf("after 30 days: %+v", v)
		}
	})
}

func TestRefreshErrors(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	v := exchange(t, s, code(t, s, "alice", scopeBase))
	const path = "/sns/oauth2/refresh_token"
	for _, c := range []struct {
		query string
		want  int
	}{
		{"", 41002},
		{"appid=wx0&grant_type=refresh_token&refresh_token=" + v.RefreshToken, 40013},
		{"appid=" + shop + "&grant_type=x&refresh_token=" + v.RefreshToken, 40002},
		{"appid=" + shop + "&grant_type=refresh_token", 41003},
		{"appid=" + shop + "&grant_type=refresh_token&refresh_token=x", 40030},
		{"appid=" + shop + "&grant_type=refresh_token&refresh_token=" + v.AccessToken, 40030},
		{"appid=" + blog + "&grant_type=refresh_token&refresh_token=" + v.RefreshToken, 40030},
	} {
		if got := call(t, s, path+"?"+c.query); got.Errcode != c.want {
			t.Errorf("%s: %+v, want %d", c.query, got, c.want)
		}
	}
}

func TestBearerErrors(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	base, full := exchange(t, s, code(t, s, "alice", scopeBase)), exchange(t, s, code(t, s, "alice", scopeUserInfo))
	bob := s.OpenID("bob", shop)
	for _, c := range []struct {
		token, openID  string
		userinfo, auth int
	}{
		{"", full.OpenID, 41001, 41001},
		{full.AccessToken, "", 41009, 41009},
		{"x", full.OpenID, 40001, 40001},
		{full.RefreshToken, full.OpenID, 40001, 40001},
		{full.AccessToken, bob, 40003, 40003},
		{full.AccessToken, s.OpenID("alice", blog), 40003, 40003},
		{base.AccessToken, base.OpenID, 48001, 0},
		{full.AccessToken, full.OpenID, 0, 0},
	} {
		query := "?access_token=" + c.token + "&openid=" + c.openID
		if v := call(t, s, "/sns/userinfo"+query); v.Errcode != c.userinfo {
			t.Errorf("userinfo: %+v, want %d", v, c.userinfo)
		}
		if v := call(t, s, "/sns/auth"+query); v.Errcode != c.auth {
			t.Errorf("auth: %+v, want %d", v, c.auth)
		}
	}
}

package wechat

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestRequestsAreAsDocumented(t *testing.T) {
	t.Parallel()
	esc := url.QueryEscape
	want := map[string]string{
		"exchange": "/sns/oauth2/access_token?appid=" + testAppID + "&secret=" + esc(testSecret.Reveal()) + "&code=" + esc(testCode) + "&grant_type=authorization_code",
		"refresh":  "/sns/oauth2/refresh_token?appid=" + testAppID + "&grant_type=refresh_token&refresh_token=" + esc(testRefresh.Reveal()),
		"userinfo": "/sns/userinfo?access_token=" + esc(testAccess.Reveal()) + "&openid=" + testOpenID + "&lang=zh_CN",
		"login":    "/sns/jscode2session?appid=" + testAppID + "&secret=" + esc(testSecret.Reveal()) + "&js_code=" + esc(testCode) + "&grant_type=authorization_code",
		"phone":    "/wxa/business/getuserphonenumber?access_token=" + esc(testAccess.Reveal()),
		"follower": "/cgi-bin/user/info?access_token=" + esc(testAccess.Reveal()) + "&openid=" + testOpenID + "&lang=zh_CN",
		"token":    "/cgi-bin/stable_token",
		"qrcode":   "/cgi-bin/qrcode/create?access_token=" + esc(testAccess.Reveal()),
		"ticket":   "/cgi-bin/ticket/getticket?access_token=" + esc(testAccess.Reveal()) + "&type=jsapi",
	}
	bodies := map[string]string{
		"qrcode": `application/json{"expire_seconds":2592000,"action_name":"QR_STR_SCENE","action_info":{"scene":{"scene_str":"wechat_gateway"}}}`,
		"phone":  `application/json{"code":"` + testCode + `","openid":"` + testOpenID + `"}`,
		"token":  `application/json{"grant_type":"client_credential","appid":"` + testAppID + `","secret":"` + testSecret.Reveal() + `","force_refresh":false}`,
	}
	for _, prefix := range []string{"", "/egress/weixin"} {
		for op, call := range calls {
			var got, method, cookie, sent atomic.Value
			c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				got.Store(r.RequestURI)
				method.Store(r.Method)
				cookie.Store(r.Header.Get("Cookie") + r.Header.Get("Referer"))
				body, _ := io.ReadAll(r.Body)
				sent.Store(r.Header.Get("Content-Type") + strings.TrimSpace(string(body)))
				w.Header().Set("Set-Cookie", "a=b")
				answer(success)(w, r)
			})
			c.APIURL += prefix + "/"
			if err := call(t, c); err != nil {
				t.Errorf("%s: %v", op, err)
			}
			wantMethod := http.MethodGet
			if bodies[op] != "" {
				wantMethod = http.MethodPost
			}
			if got.Load() != prefix+want[op] || method.Load() != wantMethod || cookie.Load() != "" || sent.Load() != bodies[op] {
				t.Errorf("%s: asked %v %v (%v, %v), want %s %s", op, method.Load(), got.Load(), cookie.Load(), sent.Load(), prefix+want[op], bodies[op])
			}
		}
	}
}

// fixtures are answers as WeChat documents them or as others recorded them.
type fixtures struct {
	Success map[string]struct{ Body json.RawMessage }
	Errors  []struct{ Endpoint, Raw string }
}

func TestDocumentedAnswers(t *testing.T) {
	t.Parallel()
	var file fixtures
	readJSON(t, "http_fixtures.json", &file)
	const avatar = "https://thirdwx.qlogo.cn/mmopen/"
	tokens := map[string]Token{
		"sns_oauth2_access_token_userinfo": {Scope: ScopeUserInfo, UnionID: "UNIONID"},
		"sns_oauth2_access_token_base":     {Scope: ScopeBase},
		"sns_oauth2_access_token_snapshot": {Scope: ScopeUserInfo, UnionID: "UNIONID", Snapshot: true},
		"sns_oauth2_refresh_token":         {Scope: "SCOPE"},
	}
	infos := map[string]UserInfo{
		"sns_userinfo_official_doc": {UnionID: "o6_bmasdasdsad6_2sgVt7hMZOPfL", AvatarURL: avatar +
			"g3MonUZtNHkdmzicIlibx6iaFqAc56vxLSUfpb6n5WKSYVY0ChQKkiaJSgQ1dZuTOgvLLrhJbERQQ4eMsv84eavHiaiceqxibJxCfHe/46"},
		"sns_userinfo_today":         {UnionID: "UNIONID", AvatarURL: avatar + "vi_32/xxx/132"},
		"sns_userinfo_sex_as_string": {},
	}
	for name, fixture := range file.Success {
		c := newClient(t, answer(string(fixture.Body)))
		token, isToken := tokens[name]
		info, isInfo := infos[name]
		switch {
		case isToken:
			token.AccessToken, token.RefreshToken = NewSecret("ACCESS_TOKEN"), NewSecret("REFRESH_TOKEN")
			token.OpenID, token.ExpiresIn = "OPENID", 2*time.Hour
			got, err := c.Exchange(t.Context(), testCred, testCode)
			again, err2 := c.Refresh(t.Context(), testAppID, testRefresh)
			if err != nil || err2 != nil || got != token || again != token {
				t.Errorf("%s: %+v %v, %+v %v", name, got, err, again, err2)
			}
		case isInfo:
			info.OpenID, info.Nickname = "OPENID", "NICKNAME"
			if got, err := c.UserInfo(t.Context(), testAccess, "OPENID"); err != nil || got != info {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		case name == "sns_auth":
			// a call that is not made
		case strings.HasPrefix(name, "sns_jscode2session"):
			// in TestMiniSessions
		case strings.HasPrefix(name, "sns_"):
			t.Errorf("%s is not tested", name)
		}
	}
}

func TestRecordedErrors(t *testing.T) {
	t.Parallel()
	var file fixtures
	readJSON(t, "http_fixtures.json", &file)
	want := []struct {
		code     int
		kind     Remedy
		msg, rid string
	}{
		{40029, RemedyRestart, "invalid code", ""},
		{40029, RemedyRestart, "invalid code", "uhJDVZyFe-YZguHA"},
		{40163, RemedyReuse, "code been used", "plAv90053th21"},
		{41008, RemedyStartPage, "missing code", "jCbezQaLRa-yh_Wxa"},
		{40013, RemedyAlert, "invalid appid", ""},
		{40030, RemedyRestart, "invalid refresh_token", ""},
		{40003, RemedyAlert, "invalid openid", ""},
		{48001, RemedyAlert, "api unauthorized", "62fb9bc8-078c24da-4202f278"},
		{41002, RemedyAlert, "appid missing", "619c7771-0a02d499-79942718"},
		{40164, RemedyAlert, "invalid ip 101.226.140.206 ipv6 ::ffff:101.226.140.206, not in whitelist", "64e5d2d0-18b1978d-6abec211"},
		{45009, RemedyStop, "api freq out of limit", ""},
	}
	if len(want) != len(file.Errors) {
		t.Fatalf("%d fixtures, %d expectations", len(file.Errors), len(want))
	}
	for i, fixture := range file.Errors {
		call := calls["exchange"]
		if fixture.Endpoint == "/sns/userinfo" {
			call = calls["userinfo"]
		}
		if fixture.Endpoint == "/sns/jscode2session" {
			call = calls["login"]
		}
		if fixture.Endpoint == "/cgi-bin/token" {
			call = calls["token"]
		}
		e, ok := errors.AsType[*Error](call(t, newClient(t, answer(fixture.Raw))))
		if w := want[i]; !ok || e.Code != w.code || e.Remedy != w.kind || e.Message != w.msg || e.RID != w.rid || e.Err != nil || (e.Address == "101.226.140.206") != (w.code == 40164) {
			t.Errorf("%s: %+v", fixture.Raw, e)
		}
	}
}

func TestNothingOddIsSent(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	c := newClient(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	codeKind := map[string]error{
		"": ErrStartPage, "a b": ErrRestart, "a\r\nb": ErrRestart, "a\x00": ErrRestart, "码": ErrRestart, "\x7f": ErrRestart,
		strings.Repeat("a", 513): ErrRestart,
	}
	for code, want := range codeKind {
		if token, err := c.Exchange(t.Context(), testCred, code); !errors.Is(err, want) || token != (Token{}) {
			t.Errorf("code %q: %v", code, err)
		}
	}
	for _, cred := range []Credentials{
		{},
		{AppID: testAppID},
		{Secret: testSecret},
		{AppID: "wx\r\n", Secret: testSecret},
		{AppID: testAppID, Secret: NewSecret("{env.X}\n")},
	} {
		if _, err := c.Exchange(t.Context(), cred, testCode); !errors.Is(err, ErrAlert) {
			t.Errorf("credentials %+v: %v", cred, err)
		}
	}
	for _, token := range []Secret{{}, NewSecret("a\nb"), NewSecret(strings.Repeat("a", 2049))} {
		_, errRefresh := c.Refresh(t.Context(), testAppID, token)
		_, errInfo := c.UserInfo(t.Context(), token, testOpenID)
		if !errors.Is(errRefresh, ErrRestart) || !errors.Is(errInfo, ErrRefresh) {
			t.Errorf("token of %d bytes: %v, %v", len(token.Reveal()), errRefresh, errInfo)
		}
	}
	if _, err := c.Refresh(t.Context(), "", testRefresh); !errors.Is(err, ErrAlert) {
		t.Errorf("no app id: %v", err)
	}
	for _, openID := range []string{"", " o1", "o1&lang=en", "o1\r\n", strings.Repeat("o", 65)} {
		if _, err := c.UserInfo(t.Context(), testAccess, openID); !errors.Is(err, ErrAlert) {
			t.Errorf("openid %q: %v", openID, err)
		}
	}
	for _, api := range []string{"ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://:80", "http://u:p@127.0.0.1", "http://127.0.0.1?a=b", "http://127.0.0.1#a", "http://127.0.0.1/\x00", "%"} {
		odd := &Client{APIURL: api}
		if _, err := odd.Exchange(t.Context(), testCred, testCode); !errors.Is(err, ErrAlert) {
			t.Errorf("API address %q: %v", api, err)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("WeChat was asked %d times", hits.Load())
	}
}

func TestSomebodyElsesProfile(t *testing.T) {
	t.Parallel()
	c := newClient(t, answer(`{"openid":"oSomebodyElse","nickname":"x"}`))
	if info, err := c.UserInfo(t.Context(), testAccess, testOpenID); !errors.Is(err, ErrAlert) || info != (UserInfo{}) {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestSpoiltProfiles(t *testing.T) {
	t.Parallel()
	c := newClient(t, answer("{\"openid\":\""+testOpenID+"\",\"nickname\":\"小\x07明\x14\xff😀\",\"headimgurl\":\"javascript:alert(1)\",\"sex\":\"1\",\"privilege\":{}}"))
	want := UserInfo{OpenID: testOpenID, Nickname: "小明😀"} // the rest is lost, the visitor is not
	if info, err := c.UserInfo(t.Context(), testAccess, testOpenID); err != nil || info != want {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestProfileWithoutIdentity(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"nickname":"x"}`, `{"openid":"` + testOpenID + `\r\n"}`, `{"openid":"` + testOpenID + `","unionid":"u\n1"}`} {
		c := newClient(t, answer(body))
		if info, err := c.UserInfo(t.Context(), testAccess, testOpenID); !errors.Is(err, ErrUncertain) || info != (UserInfo{}) {
			t.Errorf("%s: %+v, %v", body, info, err)
		}
	}
}

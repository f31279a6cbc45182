package wechattest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

const encodedCallback = "https%3A%2F%2Fshop.example.com%2Fcb"

// refusals are what is wrong, and what the page says.
var refusals = []struct {
	name, query string
	want        string // on the page
}{
	{"no appid", "appid=&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_base&state=a", "10012"},
	{"nothing at all", "", "10012"},
	{"appid before everything", "appid=&redirect_uri=&response_type=&scope=&state=", "10012"},
	{"unknown appid", "appid=wx0000000000000000&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_base&state=a", "10016"},
	{"banned", "appid=banned&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_base&state=a", "10004"},
	{"no redirect_uri", "appid=" + shop + "&redirect_uri=&response_type=code&scope=&state=", "10011"},
	{"redirect_uri missing", "appid=" + shop + "&response_type=code&scope=snsapi_base&state=a", "10011"},
	{"no scope", "appid=" + shop + "&redirect_uri=" + encodedCallback + "&response_type=code&scope=&state=", "10010"},
	{"state with other characters", "appid=" + shop + "&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_base&state=a-b", "10013"},
	{"state in Chinese", "appid=" + shop + "&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_base&state=%E5%BA%97", "10013"},
	{"state too long", "appid=" + shop + "&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_base&state=" + strings.Repeat("a", 129), "10013"},
	{"unknown scope", "appid=" + shop + "&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_login&state=a", "10005"},
	{"two scopes", "appid=" + shop + "&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_base,snsapi_userinfo&state=a", "10005"},
	{"userinfo not permitted", "appid=baseonly&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_userinfo&state=a", "10005"},
	{"no callback domain", "appid=nobody&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_base&state=a", "10003"},
	{"other host", "appid=" + shop + "&redirect_uri=https%3A%2F%2Fexample.com%2Fcb&response_type=code&scope=snsapi_base&state=a", "10003"},
	{"redirect_uri encoded twice", "appid=" + shop + "&redirect_uri=" + url.QueryEscape(encodedCallback) + "&response_type=code&scope=snsapi_base&state=a", "10003"},
	{"response_type", "appid=" + shop + "&redirect_uri=" + encodedCallback + "&response_type=token&scope=snsapi_base&state=a", "response_type"},
	{"third-party platform", "appid=" + shop + "&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_base&state=a&component_appid=wx1", "10015"},
	{"test account, not a follower", "appid=test&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_base&state=a", "10006"},
	{"sorted as url.Values does", "appid=" + shop + "&connect_redirect=1&redirect_uri=" + encodedCallback + "&response_type=code&scope=snsapi_base&state=a", "参数顺序不对"},
	{"script in the name of a parameter", "<script>=1", "参数顺序不对"},
	{"too long", "appid=" + strings.Repeat("a", maxQuery), "链接太长"},
	{"broken escape", "appid=%zz", "参数编码不对"},
}

// What is wrong is said on WeChat's own page, with 200, and never sent back.
func TestAuthorizeRefuses(t *testing.T) {
	t.Parallel()
	s := New(Config{
		Accounts: []Account{
			{AppID: shop, Secret: shopSecret, CallbackDomains: []string{"shop.example.com", "127.0.0.1:8080"}},
			{AppID: "nobody", Secret: "x"},
			{AppID: "baseonly", Secret: "x", CallbackDomains: []string{"*"}, NoUserInfo: true},
			{AppID: "banned", Secret: "x", CallbackDomains: []string{"*"}, Banned: true},
			{AppID: "test", Secret: "x", CallbackDomains: []string{"*"}, FollowersOnly: true},
		},
		Persons: []Person{{ID: "alice"}},
	})
	t.Cleanup(func() {
		if issued := s.Issued(); len(issued) != 2 {
			t.Errorf("given out, beside the two secrets of the accounts: %q", issued)
		}
		s.Close()
	})
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := get(s, authorizePath+"?"+c.query)
			body := text(t, r)
			if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") || r.Header.Get("Location") != "" {
				t.Fatalf("answered %s %v", r.Status, r.Header)
			}
			if !strings.Contains(body, c.want) {
				t.Errorf("no %s on the page: %s", c.want, body[strings.Index(body, "<section"):])
			}
			if strings.Contains(body, "<script") {
				t.Error("a script is on the page")
			}
		})
	}
}

func TestAuthorizeUserAgent(t *testing.T) {
	t.Parallel()
	strict := newSim(t)
	lenient := New(Config{AnyUserAgent: true, Accounts: strict.Accounts(), Persons: strict.Persons()})
	defer lenient.Close()
	for _, c := range []struct {
		agent string
		ok    bool
	}{
		{phoneUA, true},
		{"wechatdevtools/1.06 MicroMessenger/8.0.5 webview/", true},
		{desktopUA, false},
		{weComUA, false},
		{"MicroMessenger", false},
		{"", false},
	} {
		h := http.Header{"User-Agent": {c.agent}}
		r := send(strict, http.MethodGet, authorizeURL(shop, callback, scopeBase, "a"), "", h)
		if got := r.StatusCode == http.StatusFound; got != c.ok {
			t.Errorf("%q: redirected is %t", c.agent, got)
		}
		if body := text(t, r); !c.ok && !strings.Contains(body, "请在微信客户端打开链接") {
			t.Errorf("%q is told: %s", c.agent, body)
		}
		landed(t, send(lenient, http.MethodGet, authorizeURL(shop, callback, scopeBase, "a"), "", h))
	}
	if r := send(strict, http.MethodPost, authorizeURL(shop, callback, scopeBase, "a"), "", nil); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", r.Status)
	}
}

func TestAuthorizeWithoutAnybody(t *testing.T) {
	t.Parallel()
	s := New(Config{Accounts: []Account{{AppID: shop, Secret: shopSecret, CallbackDomains: []string{"*"}}}})
	defer s.Close()
	if body := text(t, get(s, authorizeURL(shop, callback, scopeBase, "a"))); !strings.Contains(body, "没有微信用户") {
		t.Error(body)
	}
}

// The endpoint answers a redirect to itself first, where connect_redirect=1 is
// not there (wechat-protocol A1.3).
func TestAuthorizeRedirectsToItself(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	first := strings.TrimSuffix(authorizeURL(shop, callback, scopeBase, "abc"), "&connect_redirect=1") + "&uin=MQ%3D%3D&key=k&version=1"
	u := landed(t, get(s, first))
	if want := first + "&connect_redirect=1"; u.RequestURI() != want {
		t.Fatalf("redirected to %s, want %s", u, want)
	}
	if back := landed(t, get(s, u.RequestURI())); back.Host != "shop.example.com" || back.Query().Get("state") != "abc" {
		t.Errorf("came back to %s", back)
	}
}

// state may be missing. The callback has an empty one then (issue
// Eric-Guo/wechat#112).
func TestStateIsOptional(t *testing.T) {
	t.Parallel()
	without := strings.Replace(authorizeURL(shop, callback, scopeBase, ""), "&state=", "", 1)
	for _, c := range []struct{ name, address, want string }{
		{"missing", without, ""},
		{"empty", authorizeURL(shop, callback, scopeBase, ""), ""},
		{"the longest", authorizeURL(shop, callback, scopeBase, strings.Repeat("Z", 128)), strings.Repeat("Z", 128)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSim(t)
			back := landed(t, get(s, c.address))
			if state, there := back.Query()["state"]; !there || state[0] != c.want || back.Query().Get("code") == "" {
				t.Errorf("came back to %s", back)
			}
		})
	}
	s := newSim(t)
	page := text(t, get(s, strings.Replace(without, scopeBase, scopeUserInfo, 1)))
	allow, _, ok := ConsentLinks(page)
	if !ok {
		t.Fatalf("no consent page: %s", page)
	}
	if back := landed(t, get(s, allow)); back.Query().Get("code") == "" {
		t.Errorf("after the consent page: %s", back)
	}
}

// Code and state come into the query, before the fragment, after what is there
// (wechat-protocol A2).
func TestCallbackAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ target, want string }{
		{"https://h", "https://h?code=C&state=S"},
		{"https://h/", "https://h/?code=C&state=S"},
		{"https://h/#/p/1", "https://h/?code=C&state=S#/p/1"},
		{"https://h/?a=1#/p", "https://h/?a=1&code=C&state=S#/p"},
		{"https://h/?", "https://h/?code=C&state=S"},
		{"https://h/?a=1&", "https://h/?a=1&code=C&state=S"},
		{"https://h/?state=old", "https://h/?state=old&code=C&state=S"},
		{"https://h/a b", "https://h/a%20b?code=C&state=S"},
		{"https://h/店", "https://h/%E5%BA%97?code=C&state=S"},
		{"https://h/\"<x>", "https://h/%22%3Cx%3E?code=C&state=S"},
		{"https://h/\r\nSet-Cookie: a", "https://h/%0D%0ASet-Cookie:%20a?code=C&state=S"},
		{"https://h/%2e%23?x=%26", "https://h/%2e%23?x=%26&code=C&state=S"},
	} {
		if got := appendQuery(c.target, "code=C&state=S"); got != c.want {
			t.Errorf("%q: %q, want %q", c.target, got, c.want)
		}
	}
}

func TestCallbackDomains(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		domains, target string
		ok              bool
	}{
		{"qq.com", "https://qq.com/x", true},
		{"qq.com", "http://QQ.com", true},
		{"qq.com", "http://qq.com:80/", true},
		{"qq.com", "https://qq.com:443/", true},
		{"qq.com", "https://qq.com:8443/", false},
		{"qq.com:8443", "https://qq.com:8443/", true},
		{"qq.com:8443", "https://qq.com/", false},
		{"www.qq.com", "https://qq.com/", false},
		{"www.qq.com", "https://pay.qq.com/", false},
		{"qq.com", "https://www.qq.com/", false},
		{"qq.com", "https://badqq.com/", false},
		{"qq.com", "https://qq.com.evil.example/", false},
		{"qq.com", "https://qq.com@evil.example/", false},
		{"qq.com", "https://evil.example\\@qq.com/", false},
		{"qq.com", "https://user:pass@qq.com/", false},
		{"qq.com", "ftp://qq.com/", false},
		{"qq.com", "javascript:alert(1)//qq.com", false},
		{"qq.com", "//qq.com/", false},
		{"qq.com", "qq.com/", false},
		{"qq.com", "https:///x", false},
		{"qq.com", "https://qq.com/\n", false},
		{"a.example qq.com", "https://qq.com/", true},
		{"*", "http://localhost:3000/", true},
		{"*", "javascript:alert(1)", false},
		{"", "https://qq.com/", false},
	} {
		a := Account{CallbackDomains: strings.Fields(c.domains)}
		if got := a.covered(c.target); got != c.ok {
			t.Errorf("%q covers %q: %t", c.domains, c.target, got)
		}
	}
}

func TestAuthorizeFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		q    Quirks
		want string
	}{
		{Quirks{Busy: Knob{On: true, Endpoint: AtAuthorize}}, "-1"},
		{Quirks{TooFrequent: Knob{On: true, Endpoint: AtAuthorize}}, "10009"},
		{Quirks{WrongErrcode: Number{Value: 10004, Endpoint: AtAuthorize}}, "封禁"},
		{Quirks{WrongErrcode: Number{Value: 12345, Endpoint: AtAuthorize}}, "12345"},
		{Quirks{HTTPStatus: Number{Value: 502, Endpoint: AtAuthorize}}, "502 Bad Gateway"},
	} {
		s := newSim(t)
		set(t, s, c.q)
		r := get(s, authorizeURL(shop, callback, scopeBase, "a"))
		if body := text(t, r); r.StatusCode == http.StatusFound || !strings.Contains(body, c.want) {
			t.Errorf("%s: %s", strconv.Quote(c.want), body)
		}
		// Where they do not name it, the page is spared.
		set(t, s, Quirks{Busy: Knob{On: true}, HTTPStatus: Number{Value: 500}, Hang: Knob{On: true}})
		landed(t, get(s, authorizeURL(shop, callback, scopeBase, "a")))
	}
}

package wechattest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

const (
	shop       = "wx1234567890abcdef"
	shopSecret = "5ecret5ecret5ecret5ecret5ecret00"
	blog       = "wxfedcba0987654321"
	blogSecret = "b10gb10gb10gb10gb10gb10gb10gb100"
	callback   = "https://shop.example.com/cb"

	phoneUA   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003226) NetType/WIFI Language/zh_CN"
	weComUA   = "Mozilla/5.0 (iPhone; CPU iPhone OS 14_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 wxwork/4.1.39 MicroMessenger/7.0.1"
	desktopUA = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)

// newSim makes a simulator with two accounts on one platform, and two persons.
func newSim(t testing.TB) *Server {
	t.Helper()
	s := New(Config{
		Accounts: []Account{
			{AppID: shop, Secret: shopSecret, Name: "商店", CallbackDomains: []string{"shop.example.com", "127.0.0.1:8080"}, Platform: "open"},
			{AppID: blog, Secret: blogSecret, CallbackDomains: []string{"*"}},
		},
		Persons: []Person{{ID: "alice", Nickname: "爱丽丝", AvatarURL: "https://thirdwx.qlogo.cn/a/132"}, {ID: "bob", Nickname: "Bob"}},
	})
	t.Cleanup(s.Close)
	return s
}

// send gives the simulator one request, without a network.
func send(s *Server, method, target, body string, header http.Header) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:9801"
	r.Header.Set("User-Agent", phoneUA)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func get(s *Server, target string) *http.Response { return send(s, http.MethodGet, target, "", nil) }

// text reads a body.
func text(t testing.TB, r *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// authorizeURL is an address as a well-behaved gateway builds it.
func authorizeURL(appID, redirectURI, scope, state string) string {
	return authorizePath + "?appid=" + appID + "&redirect_uri=" + url.QueryEscape(redirectURI) + "&response_type=code&scope=" + scope +
		"&state=" + state + "&connect_redirect=1"
}

// landed returns where the visitor is sent, or fails.
func landed(t testing.TB, r *http.Response) *url.URL {
	t.Helper()
	if r.StatusCode != http.StatusFound {
		t.Fatalf("answered %s instead of a redirect: %s", r.Status, text(t, r))
	}
	if got := r.Header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
		t.Errorf("Cache-Control of a redirect is %q", got)
	}
	u, err := r.Location()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// as makes the header of somebody's phone.
func as(s *Server, personID string) http.Header {
	return http.Header{"Cookie": {s.PhoneCookie(personID).String()}}
}

// code signs somebody in and returns the code.
func code(t testing.TB, s *Server, personID, scope string) string {
	t.Helper()
	r := send(s, http.MethodGet, authorizeURL(shop, callback, scope, "abc"), "", as(s, personID))
	if r.StatusCode == http.StatusOK {
		allow, _, ok := ConsentLinks(text(t, r))
		if !ok {
			t.Fatal("neither a redirect nor the consent page")
		}
		r = get(s, allow)
	}
	return landed(t, r).Query().Get("code")
}

func tokenPath(appID, secret, code string) string {
	return "/sns/oauth2/access_token?" + url.Values{
		"appid": {appID}, "secret": {secret}, "code": {code}, "grant_type": {"authorization_code"},
	}.Encode()
}

type reply struct {
	Errcode      int     `json:"errcode"`
	Errmsg       string  `json:"errmsg"`
	AccessToken  string  `json:"access_token"`
	ExpiresIn    int     `json:"expires_in"`
	RefreshToken string  `json:"refresh_token"`
	OpenID       string  `json:"openid"`
	UnionID      *string `json:"unionid"`
	Scope        string  `json:"scope"`
	Snapshot     *int    `json:"is_snapshotuser"`
	Nickname     string  `json:"nickname"`
	Avatar       string  `json:"headimgurl"`
}

// call asks the API.
func call(t testing.TB, s *Server, path string) reply {
	t.Helper()
	r := get(s, path)
	body := text(t, r)
	var v reply
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: %q: %s", path, body, err)
	}
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("answered %s, %s", r.Status, r.Header.Get("Content-Type"))
	}
	return v
}

// exchange spends a code of the shop.
func exchange(t testing.TB, s *Server, code string) reply {
	t.Helper()
	return call(t, s, tokenPath(shop, shopSecret, code))
}

func userInfoPath(v reply) string {
	return "/sns/userinfo?access_token=" + url.QueryEscape(v.AccessToken) + "&openid=" + v.OpenID + "&lang=zh_CN"
}

func set(t testing.TB, s *Server, q Quirks) {
	t.Helper()
	if err := s.SetQuirks(q); err != nil {
		t.Fatal(err)
	}
}

// safeBuffer is a log that several goroutines write.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

package site

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// guarded is the site of the shop with these renamed headers.
func guarded(headers map[Field]string) *Site {
	return &Site{
		Hub:     &Hub{Ended: func([16]byte) bool { return false }},
		Account: wechat.Account{Kind: wechat.OfficialAccount, Name: "main", Credentials: wechat.Credentials{AppID: shopApp}},
		Rules:   Rules{Scope: wechat.ScopeUserInfo, Headers: headers},
	}
}

func shopSession() *session.Session {
	return session.New(session.Binding{Site: shopOrigin, AppID: shopApp}, "person1", "oOpenID1", session.ScopeBase)
}

func shopPerson(consented bool) ledger.Person {
	a := ledger.Account{AppID: shopApp, OpenID: "oOpenID1"}
	if consented {
		a.ConsentAt = time.Now()
	}
	return ledger.Person{
		ID: "person1", UnionID: "oUnionID1", Nickname: "小明 🐼\r\nX-Evil: 1\x00+&", AvatarURL: "https://thirdwx.qlogo.cn/a?b=c&d=e",
		Accounts: []ledger.Account{{AppID: "wxother", OpenID: "oElsewhere", ConsentAt: time.Now()}, a},
	}
}

func TestIdentityHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		consented bool
		headers   map[Field]string
		want      map[string]string // nickname and avatar decoded
	}{
		{"silent", false, nil, map[string]string{
			"X-Wechat-User": "person1", "X-Wechat-Openid": "oOpenID1", "X-Wechat-Unionid": "oUnionID1",
			"X-Wechat-App-Id": shopApp, "X-Wechat-Account": "main", "X-Wechat-Scope": "snsapi_base",
		}},
		{"consent", true, nil, map[string]string{
			"X-Wechat-User": "person1", "X-Wechat-Openid": "oOpenID1", "X-Wechat-Unionid": "oUnionID1",
			"X-Wechat-App-Id": shopApp, "X-Wechat-Account": "main", "X-Wechat-Scope": "snsapi_userinfo",
			"X-Wechat-Nickname": "小明 🐼\r\nX-Evil: 1\x00+&", "X-Wechat-Avatar": "https://thirdwx.qlogo.cn/a?b=c&d=e",
		}},
		{"renamed and off", true, map[Field]string{
			FieldOpenID: "x-remote-user", FieldNickname: HeaderOff, FieldAvatar: HeaderOff, FieldUnionID: HeaderOff, FieldAccount: HeaderOff, FieldScope: "",
		}, map[string]string{
			"X-Wechat-User": "person1", "X-Remote-User": "oOpenID1", "X-Wechat-App-Id": shopApp, "X-Wechat-Scope": "snsapi_userinfo",
		}},
	} {
		h := http.Header{"Accept": {"*/*"}}
		guarded(c.headers).newIdentity(shopSession(), shopPerson(c.consented)).apply(h, nil)
		if len(h) != len(c.want)+1 {
			t.Errorf("%s: headers %v", c.name, h)
		}
		for name, want := range c.want {
			got := h[name]
			if len(got) != 1 {
				t.Errorf("%s: %s is %q, want one value", c.name, name, got)
				continue
			}
			if strings.ContainsFunc(got[0], func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
				t.Errorf("%s: %s: %q is not plain ASCII", c.name, name, got[0])
			}
			value := got[0]
			if name == "X-Wechat-Nickname" || name == "X-Wechat-Avatar" {
				decoded, err := url.PathUnescape(value) // what decodeURIComponent does
				if err != nil {
					t.Errorf("%s: %s: %v", c.name, name, err)
				}
				value = decoded
			}
			if value != want {
				t.Errorf("%s: %s is %q, want %q", c.name, name, value, want)
			}
		}
	}
}

// What people chose themselves is percent-encoded as RFC 3986 has it, for every
// decoder: JavaScript's, PHP's rawurldecode and Python's read a + as a plus.
func TestHeadersArePercentEncoded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ plain, want string }{
		{"a b", "a%20b"},
		{"a+b", "a%2Bb"},
		{" + ", "%20%2B%20"},
		{"AZaz09-._~", "AZaz09-._~"},
		{"!*'();:@&=+$,/?#[]%", "%21%2A%27%28%29%3B%3A%40%26%3D%2B%24%2C%2F%3F%23%5B%5D%25"},
		{"小明 🐼", "%E5%B0%8F%E6%98%8E%20%F0%9F%90%BC"},
		{"x\r\ny\x00", "x%0D%0Ay%00"},
		{"%20", "%2520"},
	} {
		t.Run(c.plain, func(t *testing.T) {
			t.Parallel()
			person := shopPerson(true)
			person.Nickname, person.AvatarURL = c.plain, c.plain
			h := http.Header{}
			guarded(nil).newIdentity(shopSession(), person).apply(h, nil)
			for _, name := range []string{"X-Wechat-Nickname", "X-Wechat-Avatar"} {
				if got := h.Get(name); got != c.want {
					t.Errorf("%s of %q: %q, want %q", name, c.plain, got, c.want)
				}
			}
		})
	}
}

func TestIdentityOfGuest(t *testing.T) {
	t.Parallel()
	s := session.New(session.Binding{Site: shopOrigin, AppID: shopApp}, "", "", session.ScopeBase)
	s.Guest = true
	// Even if something were known, a guest shows nothing of it.
	id := guarded(nil).newIdentity(s, shopPerson(true))
	h := http.Header{}
	id.apply(h, nil)
	want := http.Header{"X-Wechat-App-Id": {shopApp}, "X-Wechat-Account": {"main"}, "X-Wechat-Snapshot": {"1"}}
	if len(h) != len(want) || h.Get("X-Wechat-Snapshot") != "1" || h.Get("X-Wechat-App-Id") != shopApp || h.Get("X-Wechat-Account") != "main" {
		t.Errorf("a guest's headers: %v, want %v", h, want)
	}
	if !id.Guest() || id.Get(FieldUser) != "" || id.Get(FieldNickname) != "" {
		t.Error("a guest has an identity")
	}
}

// Handlers behind us may change values in place: the next request must not see
// that, nor may an append to one header reach its neighbour.
func TestIdentityIsNotSharedBetweenRequests(t *testing.T) {
	t.Parallel()
	id := guarded(nil).newIdentity(shopSession(), shopPerson(true))
	first, second := http.Header{}, http.Header{}
	id.apply(first, nil)
	before := first.Clone()
	for name := range first {
		first[name] = append(first[name], "appended")
	}
	for name := range first {
		if first[name][0] != before.Get(name) {
			t.Errorf("%s: %q overwritten by what was appended to another", name, first[name])
		}
		first[name][0] = "changed"
	}
	id.apply(second, nil)
	for name, values := range second {
		if len(values) != 1 || values[0] == "changed" || values[0] == "appended" {
			t.Errorf("%s: %q", name, values)
		}
	}
}

// Attack 46: stale claims. Consent given to another account counts for nothing.
func TestAttack46ConsentOfAnotherAccount(t *testing.T) {
	t.Parallel()
	id := guarded(nil).newIdentity(shopSession(), shopPerson(false))
	if id.Get(FieldScope) != "snsapi_base" || id.Get(FieldNickname) != "" || id.Get(FieldAvatar) != "" {
		t.Errorf("scope %q, nickname %q", id.Get(FieldScope), id.Get(FieldNickname))
	}
}

func TestHeaderNames(t *testing.T) {
	t.Parallel()
	names := guarded(map[Field]string{FieldOpenID: "x-remote-user", FieldUnionID: HeaderOff}).HeaderNames()
	for _, want := range []string{"X-Remote-User", "X-Wechat-Openid", "X-Wechat-Unionid", "X-Wechat-Phone", "X-Wechat-Snapshot"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not in %v", want, names)
		}
	}
	if slices.Contains(names, HeaderOff) || slices.Contains(names, "Off") {
		t.Errorf("off is a header: %v", names)
	}
}

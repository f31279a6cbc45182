package wechattest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// posted posts to /sns.
func posted(t testing.TB, s *Server, path, contentType, body string) reply {
	t.Helper()
	r := send(s, http.MethodPost, path, body, http.Header{"Content-Type": {contentType}})
	var v reply
	if err := json.Unmarshal([]byte(text(t, r)), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// /sns takes its parameters from the address and from a form, as the OAuth
// clients of other languages send them, and from nothing else.
func TestPostToSNS(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	s := newSim(t)
	all := func(secret string) url.Values {
		return url.Values{
			"appid": {shop}, "secret": {secret}, "code": {code(t, s, "alice", scopeUserInfo)}, "grant_type": {"authorization_code"},
			"redirect_uri": {callback}, // general OAuth clients send it
		}
	}
	inJSON := func(v url.Values) string {
		object := map[string]string{}
		for name := range v {
			object[name] = v.Get(name)
		}
		body, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	withoutID := all(shopSecret)
	withoutID.Del("appid")
	const path = "/sns/oauth2/access_token"
	for _, c := range []struct {
		name, path, contentType, body string
		want                          int
	}{
		{"a form", path, form, all(shopSecret).Encode(), 0},
		{"a form with a charset", path, form + "; charset=UTF-8", all(shopSecret).Encode(), 0},
		{"all in the address", path + "?" + all(shopSecret).Encode(), form, "", 0},
		{"some here, some there", path + "?appid=" + shop, form, withoutID.Encode(), 0},
		{"JSON beside the address", path + "?" + all(shopSecret).Encode(), "application/json", "{}", 0},
		{"the address comes first", path + "?secret=" + blogSecret, form, all(shopSecret).Encode(), 40125},
		{"a wrong secret", path, form, all(blogSecret).Encode(), 40125},
		{"JSON", path, "application/json", inJSON(all(shopSecret)), 41002},
		{"a form that is called JSON", path, "application/json", all(shopSecret).Encode(), 41002},
		{"too long", path, form, all(shopSecret).Encode() + "&x=" + strings.Repeat("x", maxJSON), 41002},
		{"a mini program's JSON", "/sns/jscode2session", "application/json", `{"js_code":"x"}`, 41002},
	} {
		t.Run(c.name, func(t *testing.T) {
			if v := posted(t, s, c.path, c.contentType, c.body); v.Errcode != c.want || (v.OpenID != "") != (c.want == 0) {
				t.Errorf("%+v, want %d", v, c.want)
			}
		})
	}
	v := posted(t, s, path, form, all(shopSecret).Encode())
	info := posted(t, s, "/sns/userinfo", form, url.Values{"access_token": {v.AccessToken}, "openid": {v.OpenID}}.Encode())
	if info.Nickname != "爱丽丝" {
		t.Errorf("userinfo: %+v", info)
	}
	if again := posted(t, s, "/sns/oauth2/refresh_token", form,
		url.Values{"appid": {shop}, "grant_type": {"refresh_token"}, "refresh_token": {v.RefreshToken}}.Encode()); again.AccessToken != v.AccessToken {
		t.Errorf("refresh: %+v", again)
	}
	if v := posted(t, s, "/cgi-bin/token", form, url.Values{"appid": {shop}, "secret": {shopSecret}, "grant_type": {"client_credential"}}.Encode()); v.Errcode != 43001 {
		t.Errorf("/cgi-bin/token is a GET: %+v", v)
	}
}

package wechat

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	good := map[string]Token{
		`{"openid":"o1"}`:                                        {OpenID: "o1"},
		`{"openid":" o1 ","unionid":" u1"}`:                      {OpenID: "o1", UnionID: "u1"},
		`{"openid":"o1","unionid":"","x":{"y":[1]}}`:             {OpenID: "o1"},
		`{"openid":"o1","unionid":null,"scope":null}`:            {OpenID: "o1"},
		"\xef\xbb\xbf {\"openid\":\"o1\"}\r\n":                   {OpenID: "o1"},
		" \t\n{\"openid\":\"o1\"}":                               {OpenID: "o1"},
		`{"openid":123}`:                                         {OpenID: "123"},
		`{"openid":"o1","errcode":0,"errmsg":"ok"}`:              {OpenID: "o1"},
		`{"openid":"o1","errcode":"0"}`:                          {OpenID: "o1"},
		`{"openid":"o1","errcode":null}`:                         {OpenID: "o1"},
		`{"openid":"o1","OPENID":"o2","Openid":"o3"}`:            {OpenID: "o1"},
		`{"openid":"o1","expires_in":7200}`:                      {OpenID: "o1", ExpiresIn: 2 * time.Hour},
		`{"openid":"o1","expires_in":" 7200 "}`:                  {OpenID: "o1", ExpiresIn: 2 * time.Hour},
		`{"openid":"o1","expires_in":-5}`:                        {OpenID: "o1"},
		`{"openid":"o1","expires_in":"soon"}`:                    {OpenID: "o1"},
		`{"openid":"o1","expires_in":[]}`:                        {OpenID: "o1"},
		`{"openid":"o1","expires_in":9e99}`:                      {OpenID: "o1"},
		`{"openid":"o1","expires_in":999999999999}`:              {OpenID: "o1", ExpiresIn: 30 * 24 * time.Hour},
		`{"openid":"o1","is_snapshotuser":1}`:                    {OpenID: "o1", Snapshot: true},
		`{"openid":"o1","is_snapshotuser":"1"}`:                  {OpenID: "o1", Snapshot: true},
		`{"openid":"o1","is_snapshotuser":true}`:                 {OpenID: "o1", Snapshot: true},
		`{"openid":"o1","is_snapshotuser":{}}`:                   {OpenID: "o1", Snapshot: true},
		`{"openid":"o1","is_snapshotuser":0}`:                    {OpenID: "o1"},
		`{"openid":"o1","is_snapshotuser":"0"}`:                  {OpenID: "o1"},
		`{"openid":"o1","is_snapshotuser":false}`:                {OpenID: "o1"},
		`{"openid":"o1","is_snapshotuser":null}`:                 {OpenID: "o1"},
		`{"openid":"o1","scope":"snsapi_base"}`:                  {OpenID: "o1", Scope: ScopeBase},
		`{"openid":"o1","scope":"snsapi_base, snsapi_userinfo"}`: {OpenID: "o1", Scope: ScopeUserInfo},
		`{"openid":"o1","scope":"snsapi_login"}`:                 {OpenID: "o1", Scope: ScopeLogin},
		`{"openid":"o1","scope":"snsapi_base,snsapi_login"}`:     {OpenID: "o1", Scope: ScopeLogin},
		`{"openid":"o1","scope":"snsapi_login,snsapi_userinfo"}`: {OpenID: "o1", Scope: ScopeUserInfo},
		`{"openid":"o1","scope":"x\r\nX-Evil: 1"}`:               {OpenID: "o1"},
		`{"openid":"o1","scope":["snsapi_userinfo"]}`:            {OpenID: "o1"},
		"{\"openid\":\"o1\",\"nick\":\"a\x07\x14\xff\"}":         {OpenID: "o1"},
		"{\"openid\":\"o1\",\"nick\":\"\\\x07\"\"}":              {OpenID: "o1"}, // the escape survives the byte behind it
	}
	for body, want := range good {
		got, err := tokenOf([]byte(body))
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v", body, got, err)
		}
	}
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	t.Parallel()
	bad := []string{
		``, ` `, `null`, `[]`, `1`, `"x"`, `{}`, `{"openid":"o1"`, `{"openid":"o1"}}`, `{"openid":"o1"} x`, `<html>{"openid":"o1"}</html>`,
		`{"openid":""}`, `{"openid":" "}`, `{"openid":null}`, `{"openid":{}}`, `{"openid":["o1"]}`, `{"openid":true}`, `{"openid":1.5}`,
		`{"openid":"o1\r\nX-Wechat-Openid: o2"}`, `{"openid":"o1\n"}`, `{"openid":"o 1"}`, `{"openid":"o1,o2"}`, `{"openid":"ö"}`, `{"openid":"o\u0000"}`,
		`{"openid":"` + strings.Repeat("o", 65) + `"}`, `{"OPENID":"o1"}`,
		`{"openid":"o1","unionid":"u 1"}`, `{"openid":"o1","unionid":"u\r1"}`, `{"openid":"o1","unionid":{}}`, `{"openid":"o1","unionid":"` + strings.Repeat("u", 65) + `"}`,
		`{"openid":"o1","errcode":"x"}`, `{"openid":"o1","errcode":{}}`, `{"openid":"o1","errcode":1.5}`, `{"openid":"o1","errcode":99999999999}`, `{"openid":"o1","errcode":true}`,
		strings.Repeat(`{"a":`, 20000), strings.Repeat(`[`, maxBody), `{"openid":` + strings.Repeat(`[`, 20000) + strings.Repeat(`]`, 20000) + `}`,
	}
	for _, body := range bad {
		token, err := tokenOf([]byte(body))
		if e, ok := errors.AsType[*Error](err); !ok || e.Remedy != RemedyUncertain || token != (Token{}) {
			t.Errorf("%.60q: %+v, %v", body, token, err)
		}
	}
}

func TestErrorAnswersAreErrors(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"errcode":40029,"errmsg":"invalid code"}`, `{"errcode":"40029"}`, `{"errcode":" 40029 ","openid":"o1"}`, `{"errcode":40029,"errmsg":{}}`,
		"{\"errcode\":40029,\"errmsg\":\"a\x00b\xff\"}",
	} {
		token, err := tokenOf([]byte(body))
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != 40029 || !errors.Is(err, ErrRestart) || token != (Token{}) {
			t.Errorf("%q: %+v, %v", body, token, err)
		}
	}
}

func TestRepairKeepsStructure(t *testing.T) {
	t.Parallel()
	in := "{\n\t\"a\\\"\x07b\": \"x\x1f\\\\\",\r\n \"c\": \"\xe5\"}"
	want := "{\n\t\"a\\\"b\": \"x\\\\\",\r\n \"c\": \"\ufffd\"}"
	if got := string(repairJSON([]byte(in))); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// tokenOf reads body as the answer to a code.
func tokenOf(body []byte) (Token, error) {
	r, err := exchange.read(body, nil)
	return exchange.token(r, err)
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"A","expires_in":7200,"refresh_token":"R","openid":"OPENID","scope":"snsapi_userinfo","is_snapshotuser":1,"unionid":"UNIONID"}`,
		"\xef\xbb\xbf{\"openid\":\"o\",\"nickname\":\"a\x07\x14\xff\",\"headimgurl\":\"https://thirdwx.qlogo.cn/132\",\"sex\":\"1\"}",
		`{"errcode":40029,"errmsg":"invalid code, rid: 62fb9bc8-078c24da-4202f278"}`, `{"openid":"o\r\nX: y","unionid":1e5,"expires_in":"7200"}`,
		`{"errcode":"-1","errmsg":"system error, hints: [ req_id: a ]"}`, `<html>`, `{"openid":"o","openid":{}}`, `{"a":"\`,
	} {
		f.Add([]byte(seed))
	}
	id := regexp.MustCompile(`\A[A-Za-z0-9_-]{1,64}\z`)
	f.Fuzz(func(t *testing.T, body []byte) {
		token, err := tokenOf(body)
		if err == nil && (!id.MatchString(token.OpenID) || token.UnionID != "" && !id.MatchString(token.UnionID) ||
			token.Scope != "" && !id.MatchString(string(token.Scope)) || token.ExpiresIn < 0 || token.ExpiresIn > maxExpiresIn) {
			t.Errorf("token %+v", token)
		}
		if err != nil && token != (Token{}) {
			t.Errorf("error and token %+v", token)
		}
		r, err := userInfo.read(body, nil)
		if err != nil {
			return
		}
		info, err := parseUserInfo(r)
		if err != nil {
			return
		}
		if !id.MatchString(info.OpenID) || info.UnionID != "" && !id.MatchString(info.UnionID) {
			t.Errorf("info %+v", info)
		}
		if !utf8.ValidString(info.Nickname) || utf8.RuneCountInString(info.Nickname) > maxNickname || strings.ContainsFunc(info.Nickname, unicode.IsControl) {
			t.Errorf("nickname %q", info.Nickname)
		}
		if len(info.AvatarURL) > maxAvatarURL || info.AvatarURL != "" && !regexp.MustCompile(`\A(?i:https?)://[!-~]+\z`).MatchString(info.AvatarURL) {
			t.Errorf("avatar %q", info.AvatarURL)
		}
	})
}

package wechattest

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestGlobalCalls(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	token := stable(t, s, shop, shopSecret, false).AccessToken
	miniToken := stable(t, s, mini, miniSecret, false).AccessToken
	if err := s.SetFollow("alice", shop, true); err != nil {
		t.Fatal(err)
	}
	info := "/cgi-bin/user/info?lang=zh_CN&access_token="
	alice, bob := s.OpenID("alice", shop), s.OpenID("bob", shop)
	if v := askAPI(t, s, info+token+"&openid="+alice, ""); *v.Subscribe != 1 || *v.UnionID != s.UnionID("alice", shop) || v.OpenID != alice {
		t.Errorf("%+v", v)
	}
	if v := askAPI(t, s, info+token+"&openid="+bob, ""); *v.Subscribe != 0 || v.UnionID != nil || v.OpenID != bob {
		t.Errorf("%+v", v)
	}
	first := askAPI(t, s, "/cgi-bin/ticket/getticket?type=jsapi&access_token="+token, "")
	if again := askAPI(t, s, "/cgi-bin/ticket/getticket?type=jsapi&access_token="+token, ""); len(first.Ticket) != 86 || again.Ticket != first.Ticket || first.ExpiresIn != 7200 {
		t.Errorf("%+v, %+v", first, again)
	}
	personal := exchange(t, s, s.IssueCode("alice", shop, scopeBase)).AccessToken
	for path, want := range map[string]int{
		info + "&openid=" + alice:                                        41001,
		info + "x&openid=" + alice:                                       40001,
		info + personal + "&openid=" + alice:                             40001,
		info + token:                                                     41009,
		info + token + "&openid=" + s.OpenID("bob", blog):                40003,
		info + miniToken + "&openid=" + s.OpenID("bob", mini):            48001,
		"/cgi-bin/ticket/getticket?access_token=" + token:                40097,
		"/cgi-bin/ticket/getticket?type=jsapi&access_token=" + miniToken: 48001,
	} {
		if v := askAPI(t, s, path, ""); v.Errcode != want {
			t.Errorf("%s: %+v", path, v)
		}
	}
	if v := call(t, s, "/sns/userinfo?openid="+alice+"&access_token="+token); v.Errcode != 40001 {
		t.Errorf("a global token is no personal one: %+v", v)
	}
}

func TestPhoneNumber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newPlatform(t)
		miniToken := stable(t, s, mini, miniSecret, false).AccessToken
		path := "/wxa/business/getuserphonenumber?access_token="
		with := func(code, more string) string { return `{"code":"` + code + `"` + more + `}` }
		code := s.PhoneCode("alice", mini)
		if v := askAPI(t, s, path+miniToken, with(code, `,"openid":"`+s.OpenID("bob", mini)+`"`)); v.Errcode != 40003 {
			t.Errorf("somebody else's: %+v", v)
		}
		v := askAPI(t, s, path+miniToken, with(code, `,"openid":"`+s.OpenID("alice", mini)+`"`))
		if p := v.Phone; v.Errcode != 0 || len(p.PhoneNumber) != 11 || p.PurePhoneNumber != p.PhoneNumber || p.CountryCode != "86" || p.Watermark.AppID != mini {
			t.Errorf("%+v", v)
		}
		set(t, s, Quirks{CountryCodeAsNumber: Knob{On: true, Next: 1}})
		for _, want := range []any{86.0, "86"} {
			if v := askAPI(t, s, path+miniToken, with(s.PhoneCode("alice", mini), "")); v.Phone.CountryCode != want {
				t.Errorf("countryCode is %#v, want %#v", v.Phone.CountryCode, want)
			}
		}
		late := s.PhoneCode("alice", mini)
		for name, c := range map[string]struct {
			token, body string
			want        int
		}{
			"used":        {miniToken, with(code, ""), 40163},
			"of a login":  {miniToken, with(s.MiniProgramCode("alice", mini), ""), 40029},
			"unknown":     {miniToken, with("0", ""), 40029},
			"missing":     {miniToken, "{}", 41008},
			"no JSON":     {miniToken, "code=1", 47001},
			"no token":    {"", with(late, ""), 41001},
			"another app": {stable(t, s, shop, shopSecret, false).AccessToken, with(late, ""), 48001},
		} {
			if v := askAPI(t, s, path+c.token, c.body); v.Errcode != c.want {
				t.Errorf("%s: %+v", name, v)
			}
		}
		time.Sleep(5*time.Minute + time.Second)
		if v := askAPI(t, s, path+miniToken, with(late, "")); v.Errcode != 40029 {
			t.Errorf("late: %+v", v)
		}
	})
}

// Bodies come from anybody.
func FuzzGlobalBodies(f *testing.F) {
	s := newSim(f)
	f.Add([]byte(`{"grant_type":"client_credential","appid":"wx1234567890abcdef","secret":"x","force_refresh":"yes"}`))
	f.Add([]byte(`{"code":1}`))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{"/cgi-bin/stable_token", "/cgi-bin/user/info/batchget?access_token=x", "/wxa/business/getuserphonenumber?access_token=x", wxPath + "login"} {
			r := send(s, http.MethodPost, path, string(body), http.Header{"Content-Type": {"application/json"}})
			if !json.Valid([]byte(text(t, r))) {
				t.Errorf("%s: %s", path, r.Status)
			}
		}
	})
}

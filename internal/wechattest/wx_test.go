package wechattest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var asJSON = http.Header{"Content-Type": {"application/json"}}

// play is what a script does on somebody's phone.
func play(t testing.TB, s *Server, action, body string, into any) int {
	t.Helper()
	r := send(s, http.MethodPost, wxPath+action, body, asJSON)
	if err := json.Unmarshal([]byte(text(t, r)), into); err != nil {
		t.Error(err)
	}
	return r.StatusCode
}

func TestWX(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	if err := s.AddPerson(Person{ID: "ming", Nickname: "小明", AvatarURL: avatarPath + "ming/132"}); err != nil {
		t.Fatal(err)
	}
	inMini := `{"person":"ming","app_id":"` + mini + `"}`
	var v struct {
		Code string
		Encrypted
		ErrCode int
		State   string
	}
	if status := play(t, s, "phone", inMini, &v); status != http.StatusOK || v.Code == "" || v.EncryptedData != "" {
		t.Errorf("%d, %+v", status, v)
	}
	if status := play(t, s, "profile", inMini, &v); status != http.StatusNotFound {
		t.Errorf("before any wx.login: %d", status)
	}
	if status := play(t, s, "login", inMini, &v); status != http.StatusOK {
		t.Errorf("%d, %+v", status, v)
	}
	key := toSession(t, s, v.Code).SessionKey
	play(t, s, "profile", inMini, &v)
	if p, ok := decrypt(t, key, v.Encrypted); !ok || p.NickName != "小明" || p.AvatarURL != "http://127.0.0.1:9801"+avatarPath+"ming/132" || v.Signature != signRawData(v.RawData, key) {
		t.Errorf("%+v, %+v", p, v)
	}
	play(t, s, "phone", inMini, &v)
	if p, ok := decrypt(t, key, v.Encrypted); !ok || len(p.PhoneNumber) != 11 {
		t.Errorf("%+v, %+v", p, v)
	}
	token := stable(t, s, mini, miniSecret, false).AccessToken
	if v := askAPI(t, s, "/wxa/business/getuserphonenumber?access_token="+token, `{"code":"`+v.Code+`"}`); v.Errcode != 0 {
		t.Errorf("%+v", v)
	}
	for answer, want := range map[string]int{"": 0, "allow": 0, "refuse": -4, "cancel": -2} {
		v.Code = ""
		play(t, s, "mobile", `{"person":"ming","app_id":"`+app+`","state":"xyz","answer":"`+answer+`"}`, &v)
		if v.ErrCode != want || v.State != "xyz" || (v.Code != "") != (want == 0) {
			t.Errorf("%q: %+v", answer, v)
		}
		if want == 0 && call(t, s, tokenPath(app, appSecret, v.Code)).OpenID != s.OpenID("ming", app) {
			t.Error("the code is no good")
		}
	}
}

// A page of another site, or one whose name points to loopback, plays nobody.
func TestWXRefuses(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	good := `{"person":"alice","app_id":"` + mini + `"}`
	header := func(more ...string) http.Header {
		h := asJSON.Clone()
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	for name, c := range map[string]struct {
		method, action, body string
		header               http.Header
		want                 int
	}{
		"a script":       {"POST", "login", good, header(), 200},
		"same origin":    {"POST", "login", good, header("Sec-Fetch-Site", "same-origin"), 200},
		"a charset":      {"POST", "login", good, header("Content-Type", "application/json; charset=utf-8"), 200},
		"another site":   {"POST", "login", good, header("Sec-Fetch-Site", "cross-site"), 403},
		"another origin": {"POST", "login", good, header("Origin", "https://evil.example"), 403},
		"a form":         {"POST", "login", good, header("Content-Type", "text/plain"), 415},
		"GET":            {"GET", "login", "", header(), 405},
		"unknown":        {"POST", "pay", good, header(), 404},
		"no JSON":        {"POST", "login", "{", header(), 400},
		"too long":       {"POST", "login", `{"person":"` + strings.Repeat("x", maxJSON) + `"}`, header(), 400},
		"nobody":         {"POST", "login", `{"person":"x","app_id":"` + mini + `"}`, header(), 404},
		"another kind":   {"POST", "login", `{"person":"alice","app_id":"` + app + `"}`, header(), 404},
		"phone":          {"POST", "phone", `{"person":"alice","app_id":"` + app + `"}`, header(), 404},
		"mobile":         {"POST", "mobile", good, header(), 404},
		"no answer":      {"POST", "mobile", `{"person":"alice","app_id":"` + app + `","answer":"perhaps"}`, header(), 400},
	} {
		r := send(s, c.method, wxPath+c.action, c.body, c.header)
		if body := text(t, r); r.StatusCode != c.want || r.StatusCode != 200 && !strings.Contains(body, `"error":`) {
			t.Errorf("%s: %s %s", name, r.Status, body)
		}
	}
	rebound := httptest.NewRequest(http.MethodPost, "http://evil.example:9801"+wxPath+"login", strings.NewReader(good))
	rebound.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, rebound)
	if w.Code != http.StatusMisdirectedRequest {
		t.Errorf("a name that points to loopback: %d", w.Code)
	}
}

// A script writes to an account, and reads what its bot answers.
func TestWXText(t *testing.T) {
	t.Parallel()
	s := New(Config{Accounts: newPlatform(t).Accounts(), Persons: newPlatform(t).Persons(), PushWait: time.Second})
	t.Cleanup(s.Close)
	body := `{"person":"alice","app_id":"` + shop + `","text":"你好"}`
	var v struct {
		Accepted     bool
		Reply, Error string
	}
	if status := play(t, s, "text", body, &v); status != http.StatusBadRequest || v.Error == "" {
		t.Errorf("without an address for pushes: %d, %+v", status, v)
	}
	in := newInbox(t, s, shop, PushSafe, PushXML)
	for _, c := range []struct {
		name, answer, reply string
		accepted            bool
	}{
		{"success", "success", "", true},
		{"a reply", answerFor(t, PushSafe, "<xml><Content>再见</Content></xml>"), "<xml><Content>再见</Content></xml>", true},
		{"refused", "<xml><Content>再见</Content></xml>", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			in.answer = func(_ int, w http.ResponseWriter) { _, _ = io.WriteString(w, c.answer) }
			if status := play(t, s, "text", body, &v); status != http.StatusOK || v.Accepted != c.accepted || v.Reply != c.reply {
				t.Errorf("%d, %+v", status, v)
			}
			if got := in.last().fields; got["Content"] != "你好" || got["FromUserName"] != s.OpenID("alice", shop) {
				t.Errorf("the bot read %+v", got)
			}
		})
	}
	if status := play(t, s, "text", `{"person":"nobody","app_id":"`+shop+`","text":"x"}`, &v); status != http.StatusNotFound {
		t.Errorf("nobody: %d", status)
	}
}

package wechattest

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func popup(t *testing.T, s *Server) (page, allow, refuse string) {
	t.Helper()
	page = text(t, get(s, authorizeURL(shop, callback, scopeUserInfo, "abc")))
	allow, refuse, ok := ConsentLinks(page)
	if !ok {
		t.Fatalf("not the popup: %s", page)
	}
	return page, allow, refuse
}

func TestAllow(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	page, allow, _ := popup(t, s)
	for _, want := range []string{"商店", "申请获取以下权限", "昵称、头像", "允许", "拒绝", "爱丽丝", `method="post"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s on the page", want)
		}
	}
	if strings.Contains(page, "<script") {
		t.Error("the popup needs a script")
	}
	_, query, _ := strings.Cut(allow, "?")
	// As a browser sends the form, across sites or not.
	back := landed(t, send(s, http.MethodPost, consentPath, query, http.Header{"Sec-Fetch-Site": {"same-origin"}}))
	if back.Query().Get("code") == "" || back.Query().Get("state") != "abc" || !s.Consented("alice", shop) {
		t.Errorf("came back to %s", back)
	}
	// The id works once.
	if again := text(t, get(s, allow)); !strings.Contains(again, "页面已失效") {
		t.Errorf("a second tap: %s", again)
	}
	if asked(t, s, "alice", "") {
		t.Error("asked again, right after consent")
	}
}

// A refusal is a dead end: nobody is called back (wechat-protocol A3).
func TestRefuse(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	before := len(s.Issued())
	_, allow, refuse := popup(t, s)
	r := get(s, refuse)
	if r.StatusCode != http.StatusOK || r.Header.Get("Location") != "" || !strings.Contains(text(t, r), "你已拒绝授权") {
		t.Errorf("answered %s %v", r.Status, r.Header)
	}
	if again := text(t, get(s, allow)); !strings.Contains(again, "页面已失效") {
		t.Error("allowed after the refusal")
	}
	if len(s.Issued()) != before || s.Consented("alice", shop) {
		t.Error("something was given out")
	}
	if !asked(t, s, "alice", "") {
		t.Error("not asked again after a refusal")
	}
}

func TestOldRefusal(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	set(t, s, Quirks{OldRefusal: Knob{On: true, Next: 1}})
	_, _, refuse := popup(t, s)
	if back := landed(t, get(s, refuse)); back.String() != callback+"?state=abc" {
		t.Errorf("came back to %s", back)
	}
	if s.Quirks().OldRefusal.On {
		t.Error("the quirk is still on")
	}
}

func TestConsentInput(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	_, allow, _ := popup(t, s)
	for _, c := range []struct {
		method, target, body string
		want                 int
	}{
		{http.MethodPut, consentPath, "", http.StatusMethodNotAllowed},
		{http.MethodGet, consentPath, "", http.StatusBadRequest},
		{http.MethodGet, strings.TrimSuffix(allow, "allow") + "maybe", "", http.StatusBadRequest},
		{http.MethodPost, consentPath, "decision=allow&id=" + strings.Repeat("x", 10_000), http.StatusBadRequest},
		{http.MethodGet, consentPath + "?decision=allow&id=guess", "", http.StatusOK},
		{http.MethodGet, consentPath + "?decision=allow", "", http.StatusOK},
	} {
		if r := send(s, c.method, c.target, c.body, nil); r.StatusCode != c.want || r.Header.Get("Location") != "" {
			t.Errorf("%s %.60s: %s", c.method, c.target, r.Status)
		}
	}
	landed(t, get(s, allow)) // and the real one still works
}

func TestConsentPageGrowsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t)
		_, allow, _ := popup(t, s)
		time.Sleep(askLife + time.Second)
		if body := text(t, get(s, allow)); !strings.Contains(body, "页面已失效") {
			t.Error("answered after ten minutes")
		}
	})
}

// Names come from outside and are shown (stored XSS).
func TestPagesEscape(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script>`
	s := New(Config{
		Accounts: []Account{{AppID: shop, Secret: shopSecret, Name: evil, CallbackDomains: []string{"*"}, Platform: evil}},
		Persons:  []Person{{ID: evil, Nickname: evil, AvatarURL: "javascript:alert(1)"}},
	})
	defer s.Close()
	consent := get(s, authorizeURL(shop, "https://h/"+evil, scopeUserInfo, "a"))
	for _, r := range []*http.Response{consent, get(s, "/")} {
		body := text(t, r)
		if strings.Contains(body, "<script") || strings.Contains(body, `src="javascript:`) {
			t.Errorf("not escaped: %s", body)
		}
		policy := r.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'nonce-") || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
	}
	avatar := text(t, get(s, avatarPath+"nobody/132"))
	if strings.Contains(avatar, "<svg") {
		t.Error("an avatar of nobody")
	}
	if err := s.AddPerson(Person{ID: "x", Nickname: "<script>"}); err != nil {
		t.Fatal(err)
	}
	if avatar := text(t, get(s, avatarPath+"x/132")); !strings.Contains(avatar, ">&lt;</text>") {
		t.Error(avatar)
	}
}

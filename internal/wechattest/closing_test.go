package wechattest

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// eventually waits for what happens in the background.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

// Who closes the account is gone everywhere; accounts that never met this
// person hear nothing.
func TestCloseAccountAndCleanProfile(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	met, never := newInbox(t, s, shop, PushSafe, PushXML), newInbox(t, s, blog, PushPlain, PushXML)
	v := exchange(t, s, s.IssueCode("alice", shop, scopeUserInfo))
	w := call(t, s, tokenPath(app, appSecret, s.MobileCode("alice", app)))
	if err := s.CleanProfile("alice"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "cleaned", func() bool { return len(met.all()) == 1 && met.last().fields["Event"] == "user_info_modified" })
	if info := call(t, s, userInfoPath(v)); info.Nickname != "微信用户" || info.Avatar != "" {
		t.Errorf("%+v", info)
	}
	if err := s.CloseAccount("alice"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "cancelled", func() bool {
		return len(met.all()) == 2 && met.last().fields["Event"] == "user_authorization_cancellation"
	})
	if len(never.all()) != 0 {
		t.Error("a stranger was told")
	}
	if a, b := call(t, s, userInfoPath(v)).Errcode, call(t, s, userInfoPath(w)).Errcode; a != 40001 || b != 40001 {
		t.Errorf("tokens: %d, %d", a, b)
	}
	if s.IssueCode("alice", shop, scopeBase) != "" || s.MobileCode("alice", app) != "" || s.MiniProgramCode("alice", mini) != "" {
		t.Error("signs in without an account")
	}
	if page := text(t, get(s, authorizeURL(shop, callback, scopeBase, "abc"))); !strings.Contains(page, "已注销") {
		t.Error(page)
	}
	if s.CloseAccount("nobody") == nil || s.CleanProfile("nobody") == nil {
		t.Error("nobody has an account")
	}
}

// In a mini program a withdrawal ends the session_key and the codes.
func TestRevokeInMiniProgram(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	in := newInbox(t, s, mini, PushSafe, PushJSON)
	login, phone, other := s.MiniProgramCode("alice", mini), s.PhoneCode("alice", mini), s.MiniProgramCode("bob", mini)
	if _, err := s.PushRevoke("alice", mini, "8"); err != nil || in.last().fields["RevokeInfo"] != "8" {
		t.Errorf("%+v, %v", in.last().fields, err)
	}
	if _, err := s.EncryptedProfile("alice", mini); err == nil {
		t.Error("the session_key still encrypts")
	}
	if v := toSession(t, s, login); v.Errcode != 40029 {
		t.Errorf("%+v", v)
	}
	token := stable(t, s, mini, miniSecret, false).AccessToken
	if v := askAPI(t, s, "/wxa/business/getuserphonenumber?access_token="+token, `{"code":"`+phone+`"}`); v.Errcode != 40029 {
		t.Errorf("%+v", v)
	}
	if v := toSession(t, s, other); v.Errcode != 0 {
		t.Errorf("somebody else: %+v", v)
	}
	if v := toSession(t, s, s.MiniProgramCode("alice", mini)); v.Errcode != 0 {
		t.Errorf("again: %+v", v)
	}
	if err := s.CleanProfile("alice"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "cleaned", func() bool { return len(in.all()) == 2 && in.last().fields["Event"] == "user_info_modified" })
}

// What is done makes room for more.
func TestBackgroundMakesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t)
		for i := range 3 * maxPushing {
			if !s.background(func() {}) {
				t.Fatalf("no room for %d", i)
			}
			synctest.Wait()
		}
		s.Close()
		if s.background(func() {}) {
			t.Error("starts after Close")
		}
	})
}

package wechattest

import (
	"net/http"
	"strings"
	"testing"
)

// The buttons of a person and the form of an account.
func TestPushButtons(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	in := newInbox(t, s, shop, PushPlain, PushXML)
	exchange(t, s, s.IssueCode("alice", shop, scopeBase))
	s.SetConsent("alice", shop, true)
	for _, c := range []struct {
		name   string
		fields []string
		event  string
		check  func() bool
	}{
		{"withdraw", []string{"person", "alice", "account", shop}, "user_authorization_revoke", func() bool {
			return !s.Consented("alice", shop) && in.last().fields["RevokeInfo"] == "205"
		}},
		{"withdraw", []string{"person", "alice", "account", shop, "codes", " 206,207 "}, "user_authorization_revoke", func() bool {
			return in.last().fields["RevokeInfo"] == "206,207"
		}},
		{"follow", []string{"person", "alice", "account", shop, "to", "on"}, "subscribe", func() bool { return true }},
		{"follow", []string{"person", "alice", "account", shop, "to", "off"}, "unsubscribe", func() bool { return true }},
		{"text", []string{"person", "alice", "account", shop, "text", "你好"}, "", func() bool {
			return in.last().fields["MsgType"] == "text" && in.last().fields["Content"] == "你好" && in.last().fields["MsgId"] != ""
		}},
		{"clean", []string{"person", "alice"}, "user_info_modified", func() bool { return s.Persons()[0].Nickname == "微信用户" }},
		{"close", []string{"person", "alice"}, "user_authorization_cancellation", func() bool { return s.Persons()[0].Closed }},
	} {
		n := len(in.all())
		if r := press(s, c.name, c.fields...); r.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %s %s", c.name, r.Status, text(t, r))
		}
		eventually(t, c.event, func() bool { return len(in.all()) == n+1 })
		if in.last().fields["Event"] != c.event || in.last().fields["ToUserName"] == "" || !c.check() {
			t.Errorf("%s: %+v", c.name, in.last())
		}
	}
	eventually(t, "all done", func() bool { all := s.Pushes(); return all[len(all)-1].Done })
	page := text(t, get(s, "/"))
	for _, want := range []string{"user_authorization_revoke ✓ · 200", "已注销", `action="/_sim/push#`, `action="/_sim/withdraw#`, `action="/_sim/text#`, in.server.URL} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s on the page", want)
		}
	}
	for _, secret := range s.Issued() {
		if strings.Contains(page, secret) {
			t.Error("a secret is on the page")
		}
	}
}

func TestPushForm(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	in := newInbox(t, s, blog, PushPlain, PushXML)
	settings := func() PushSettings { a, _ := s.roster.account(shop); return a.Push }
	url := in.server.URL + "/x"
	for _, c := range []struct {
		fields []string
		want   PushSettings
	}{
		{[]string{"url", url, "token", pushToken}, PushSettings{URL: url, Token: pushToken}},
		{[]string{"url", url, "mode", "safe", "aes_key", pushKey}, PushSettings{URL: url, Token: pushToken, AESKey: pushKey, Mode: PushSafe}},
		{[]string{"url", url, "mode", "compat", "format", "json"}, PushSettings{URL: url, Token: pushToken, AESKey: pushKey, Mode: PushCompat, Format: PushJSON}},
	} {
		if r := press(s, "push", append(c.fields, "account", shop)...); r.StatusCode != http.StatusSeeOther || settings() != c.want {
			t.Errorf("%v: %s, %+v", c.fields, r.Status, settings())
		}
	}
	press(s, "check", "account", shop)
	eventually(t, "checked", func() bool { all := s.Pushes(); return len(all) == 1 && all[0].Accepted && all[0].What == "check" })
	if r := press(s, "push", "account", shop); r.StatusCode != http.StatusSeeOther || settings() != (PushSettings{}) {
		t.Errorf("%s, %+v", r.Status, settings())
	}
	for _, fields := range [][]string{
		{"push", "account", "wx0", "url", url},
		{"push", "account", shop, "url", url},
		{"push", "account", shop, "url", url, "token", pushToken, "mode", "safe"},
		{"check", "account", shop},
		{"check", "account", "wx0"},
		{"withdraw", "person", "nobody", "account", shop},
		{"withdraw", "person", "alice", "account", "wx0"},
		{"close", "person", "nobody"},
		{"clean", "person", "nobody"},
	} {
		if r := press(s, fields[0], fields[1:]...); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %s", fields, r.Status)
		}
	}
}

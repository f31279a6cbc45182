package wechattest

import (
	"errors"
	"strings"
	"testing"
)

const (
	mini       = "wxaaaaaaaaaaaaaaa1"
	miniSecret = "m1n1m1n1m1n1m1n1m1n1m1n1m1n1m1n1"
	app        = "wxaaaaaaaaaaaaaaa2"
	appSecret  = "appappappappappappappappappappap"
	site       = "wxaaaaaaaaaaaaaaa3"
	siteSecret = "sitesitesitesitesitesitesitesite"
)

// newPlatform is newSim with an account of every kind on the shop's platform.
func newPlatform(t testing.TB) *Server {
	t.Helper()
	s := newSim(t)
	for _, a := range []Account{
		{Kind: MiniProgram, AppID: mini, Secret: miniSecret, Platform: "open"},
		{Kind: MobileApp, AppID: app, Secret: appSecret, Platform: "open"},
		{Kind: Website, AppID: site, Secret: siteSecret, Platform: "open", CallbackDomains: []string{"shop.example.com"}},
	} {
		if err := s.AddAccount(a); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// The fields of account events, for each kind of account (wechat-protocol F6).
func TestAccountEvents(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	for appID, code := range map[string]string{shop: "205", mini: "6", app: "301", site: "301", blog: "205"} {
		in := newInbox(t, s, appID, PushSafe, PushXML)
		for event, push := range map[string]func() (Pushed, error){
			"user_authorization_revoke":       func() (Pushed, error) { return s.PushRevoke("alice", appID) },
			"user_authorization_cancellation": func() (Pushed, error) { return s.PushCancel("alice", appID) },
			"user_info_modified":              func() (Pushed, error) { return s.PushProfileModified("alice", appID) },
		} {
			p, err := push()
			if err != nil || !p.Accepted || p.What != event || p.AppID != appID {
				t.Errorf("%+v, %v", p, err)
			}
			d := in.last()
			want := map[string]string{
				"MsgType": "event", "Event": event, "OpenID": s.OpenID("alice", appID), "AppID": appID,
				"UnionID": s.UnionID("alice", appID), "RevokeInfo": "",
			}
			if appID == mini {
				want["UnionID"] = ""
			}
			if event == "user_authorization_revoke" {
				want["RevokeInfo"] = code
			}
			for name, value := range want {
				if d.fields[name] != value {
					t.Errorf("%s at %s: %s is %q instead of %q", event, appID, name, d.fields[name], value)
				}
			}
			if from := d.fields["FromUserName"]; from == s.OpenID("alice", appID) || from != d.openID || len(from) != 28 {
				t.Errorf("from %q", from)
			}
		}
		if _, err := s.PushRevoke("alice", appID, "6", "8"); err != nil || in.last().fields["RevokeInfo"] != "6,8" {
			t.Errorf("%v, %v", in.last().fields, err)
		}
	}
}

// A withdrawal makes void what was given out for this account, and nothing
// else.
func TestRevokeVoids(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	s.SetConsent("alice", shop, true)
	v := exchange(t, s, s.IssueCode("alice", shop, scopeUserInfo))
	left := s.IssueCode("alice", shop, scopeBase)
	other := exchange(t, s, s.IssueCode("bob", shop, scopeUserInfo))
	elsewhere := call(t, s, tokenPath(app, appSecret, s.MobileCode("alice", app)))
	if _, err := s.PushRevoke("alice", shop); !errors.Is(err, ErrNoPush) {
		t.Errorf("without an address: %v", err)
	}
	if s.Consented("alice", shop) || !s.Consented("alice", app) {
		t.Error("consent")
	}
	refresh := func(appID string, v reply) string {
		return "/sns/oauth2/refresh_token?appid=" + appID + "&grant_type=refresh_token&refresh_token=" + v.RefreshToken
	}
	for path, want := range map[string]int{
		userInfoPath(v):                   42007,
		refresh(shop, v):                  42007,
		tokenPath(shop, shopSecret, left): 40029,
		userInfoPath(other):               0,
		refresh(shop, other):              0,
		userInfoPath(elsewhere):           0,
		refresh(app, elsewhere):           0,
	} {
		if got := call(t, s, path); got.Errcode != want {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if again := exchange(t, s, s.IssueCode("alice", shop, scopeUserInfo)); call(t, s, userInfoPath(again)).Errcode != 0 {
		t.Error("who comes again cannot sign in")
	}
	if _, err := s.PushCancel("bob", shop); !errors.Is(err, ErrNoPush) {
		t.Errorf("without an address: %v", err)
	}
	if a, b := call(t, s, userInfoPath(other)).Errcode, call(t, s, refresh(shop, other)).Errcode; a != 40001 || b != 40030 {
		t.Errorf("after a cancellation: %d, %d", a, b)
	}
}

func TestFollowEvents(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	in := newInbox(t, s, shop, PushPlain, PushXML)
	for event, push := range map[string]func(string, string) (Pushed, error){"subscribe": s.PushSubscribe, "unsubscribe": s.PushUnsubscribe} {
		if p, err := push("alice", shop); err != nil || !p.Accepted {
			t.Errorf("%+v, %v", p, err)
		}
		alice, _ := s.roster.person("alice")
		d := in.last()
		if d.fields["Event"] != event || d.fields["FromUserName"] != s.OpenID("alice", shop) || d.fields["OpenID"] != "" ||
			(len(alice.Follows) == 1) != (event == "subscribe") {
			t.Errorf("%+v, follows %v", d.fields, alice.Follows)
		}
	}
}

func TestGenericPush(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	in := newInbox(t, s, shop, PushPlain, PushJSON)
	p, err := s.Push(shop, Member{"MsgType", "event"}, Member{"Event", "TEMPLATESENDJOBFINISH"}, Member{"MsgID", "7"})
	if err != nil || p.What != "TEMPLATESENDJOBFINISH" || in.last().fields["MsgID"] != "7" || in.last().fields["CreateTime"] == "" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := s.Push(shop, Member{"CreateTime", "12"}, Member{"ToUserName", "me"}); err != nil || in.last().body != `{"CreateTime":12,"ToUserName":"me"}` {
		t.Errorf("%s, %v", in.last().body, err)
	}
	for _, c := range []struct {
		appID   string
		members []Member
		want    error
	}{
		{blog, nil, ErrNoPush},
		{"wx0", nil, ErrUnknown},
		{shop, []Member{{"", "x"}}, ErrBadPush},
		{shop, []Member{{"1a", "x"}}, ErrBadPush},
		{shop, []Member{{"a><b", "x"}}, ErrBadPush},
		{shop, []Member{{"a", strings.Repeat("x", maxPushText)}}, ErrBadPush},
		{shop, make([]Member, maxPushFields+1), ErrBadPush},
	} {
		if _, err := s.Push(c.appID, c.members...); !errors.Is(err, c.want) {
			t.Errorf("%.60v: %v", c, err)
		}
	}
	for _, push := range []func(string, string) (Pushed, error){
		s.PushCancel, s.PushProfileModified, s.PushSubscribe, s.PushUnsubscribe,
		func(p, a string) (Pushed, error) { return s.PushRevoke(p, a) },
		func(p, a string) (Pushed, error) { _, err := s.PushText(p, a, "x"); return Pushed{}, err },
	} {
		for _, c := range [][2]string{{"nobody", shop}, {"alice", "wx0"}} {
			if _, err := push(c[0], c[1]); !errors.Is(err, ErrUnknown) {
				t.Errorf("%q: %v", c, err)
			}
		}
	}
}

package wechattest

import (
	"net/http"
	"strings"
	"testing"
)

func TestDecideScene(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		f    sceneFacts
		want scene
	}{
		{"base", sceneFacts{}, sceneSilent},
		{"base, everything forced", sceneFacts{forcePopup: true, forceSnapshot: true, inSnapshot: true}, sceneSilent},
		{"stranger", sceneFacts{userInfo: true}, sceneAsk},
		{"follower", sceneFacts{userInfo: true, follows: true}, sceneSilent},
		{"follower, popup forced", sceneFacts{userInfo: true, follows: true, forcePopup: true}, sceneSilent},
		{"follower, snapshot forced", sceneFacts{userInfo: true, follows: true, forceSnapshot: true}, sceneSilent},
		{"recent", sceneFacts{userInfo: true, recent: true}, sceneSilent},
		{"recent, popup forced", sceneFacts{userInfo: true, recent: true, forcePopup: true}, sceneAsk},
		{"recent, snapshot forced", sceneFacts{userInfo: true, recent: true, forceSnapshot: true}, sceneSilent},
		{"recent, both forced", sceneFacts{userInfo: true, recent: true, forcePopup: true, forceSnapshot: true}, sceneAsk},
		{"snapshot forced", sceneFacts{userInfo: true, forceSnapshot: true}, sceneSnapshot},
		{"snapshot forced, left", sceneFacts{userInfo: true, forceSnapshot: true, left: true}, sceneAsk},
		{"in a snapshot", sceneFacts{userInfo: true, inSnapshot: true}, sceneSnapshot},
		{"in a snapshot, recent", sceneFacts{userInfo: true, inSnapshot: true, recent: true}, sceneSnapshot},
		{"in a snapshot, popup forced", sceneFacts{userInfo: true, inSnapshot: true, forcePopup: true}, sceneSnapshot},
		{"snapshot quirk, left", sceneFacts{userInfo: true, inSnapshot: true, left: true}, sceneAsk},
		{"snapshot quirk, left, follower", sceneFacts{userInfo: true, inSnapshot: true, left: true, follows: true}, sceneSilent},
	} {
		if got := decideScene(c.f); got != c.want {
			t.Errorf("%s: scene %d, want %d", c.name, got, c.want)
		}
	}
}

// asked tells whether a visit to the authorize page shows the popup.
func asked(t *testing.T, s *Server, personID, extra string) bool {
	t.Helper()
	r := send(s, http.MethodGet, authorizeURL(shop, callback, scopeUserInfo, "a")+extra, "", as(s, personID))
	if r.StatusCode == http.StatusFound {
		return false
	}
	if _, _, ok := ConsentLinks(text(t, r)); !ok {
		t.Fatal("neither a redirect nor the popup")
	}
	return true
}

func TestWhoIsAsked(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	steps := []struct {
		name  string
		do    func() error
		extra string
		alice bool
		bob   bool
	}{
		{"strangers", func() error { return nil }, "", true, true},
		{"alice follows", func() error { return s.SetFollow("alice", shop, true) }, "", false, true},
		{"forced", func() error { return nil }, "&forcePopup=true", false, true},
		{"bob has consented", func() error { s.SetConsent("bob", shop, true); return nil }, "", false, false},
		{"forced again", func() error { return nil }, "&forcePopup=true", false, true},
		{"alice follows no longer", func() error { return s.SetFollow("alice", shop, false) }, "", true, false},
		{"bob withdraws", func() error { s.Withdraw("bob", shop); return nil }, "", true, true},
		{"consent to another account", func() error { s.SetConsent("bob", blog, true); return nil }, "", true, true},
		{"following another account", func() error { return s.SetFollow("bob", blog, true) }, "", true, true},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %s", step.name, err)
		}
		if alice, bob := asked(t, s, "alice", step.extra), asked(t, s, "bob", step.extra); alice != step.alice || bob != step.bob {
			t.Errorf("%s: alice is asked: %t, bob is asked: %t", step.name, alice, bob)
		}
	}
}

// A 快照页 completes without a popup, and everything in it is virtual
// (wechat-protocol A6).
func TestSnapshot(t *testing.T) {
	t.Parallel()
	enter := map[string]func(*Server) error{
		"person": func(s *Server) error {
			return s.UpdatePerson(Person{ID: "alice", Nickname: "爱丽丝", InSnapshot: true})
		},
		"quirk": func(s *Server) error { return s.SetQuirks(Quirks{Snapshot: true}) },
	}
	for name, into := range enter {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSim(t)
			if err := into(s); err != nil {
				t.Fatal(err)
			}
			if asked(t, s, "alice", "") {
				t.Fatal("the popup was shown")
			}
			v := exchange(t, s, code(t, s, "alice", scopeUserInfo))
			if v.Snapshot == nil || *v.Snapshot != 1 || v.Scope != scopeUserInfo {
				t.Errorf("the flag is not there: %+v", v)
			}
			if v.OpenID != s.VirtualOpenID("alice", shop) || v.OpenID == s.OpenID("alice", shop) ||
				v.UnionID == nil || *v.UnionID != s.VirtualUnionID("alice", shop) || *v.UnionID == s.UnionID("alice", shop) {
				t.Errorf("not virtual: %+v", v)
			}
			info := call(t, s, userInfoPath(v))
			if info.Nickname != "微信用户" || info.Avatar != "" || info.OpenID != v.OpenID || *info.UnionID != *v.UnionID {
				t.Errorf("the profile is not virtual: %+v", info)
			}
			if info.Snapshot != nil {
				t.Error("the flag is in the profile; WeChat has it in the token only")
			}
			if base := exchange(t, s, code(t, s, "alice", scopeBase)); base.Snapshot != nil || base.OpenID != s.OpenID("alice", shop) {
				t.Errorf("silent, and still a snapshot: %+v", base)
			}
			if err := s.LeaveSnapshot("alice"); err != nil {
				t.Fatal(err)
			}
			if !asked(t, s, "alice", "&forceSnapShot=true") {
				t.Error("after 使用完整服务 the popup is not shown")
			}
			if v := exchange(t, s, code(t, s, "alice", scopeUserInfo)); v.Snapshot != nil || v.OpenID != s.OpenID("alice", shop) {
				t.Errorf("after 使用完整服务: %+v", v)
			}
		})
	}
}

func TestForceSnapshot(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	r := get(s, authorizeURL(shop, callback, scopeUserInfo, "a")+"&forceSnapShot=true")
	if v := exchange(t, s, landed(t, r).Query().Get("code")); v.Snapshot == nil {
		t.Errorf("%+v", v)
	}
	s.SetConsent("alice", shop, true)
	r = get(s, authorizeURL(shop, callback, scopeUserInfo, "a")+"&forceSnapShot=true")
	if v := exchange(t, s, landed(t, r).Query().Get("code")); v.Snapshot != nil {
		t.Errorf("after consent: %+v", v)
	}
}

// Reports of snapshots contradict each other (wechat-protocol A6.2, A6.3, A6.4,
// A6.5).
func TestSnapshotQuirks(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	set(t, s, Quirks{Snapshot: true, SnapshotRealIDs: true})
	if v := exchange(t, s, code(t, s, "alice", scopeUserInfo)); *v.Snapshot != 1 || v.OpenID != s.OpenID("alice", shop) || *v.UnionID != s.UnionID("alice", shop) {
		t.Errorf("real ids: %+v", v)
	}
	set(t, s, Quirks{Snapshot: true, SnapshotSharedUnionID: true})
	a, b := exchange(t, s, code(t, s, "alice", scopeUserInfo)), exchange(t, s, code(t, s, "bob", scopeUserInfo))
	if *a.UnionID != *b.UnionID || a.OpenID == b.OpenID {
		t.Errorf("shared unionid: %+v %+v", a, b)
	}
	set(t, s, Quirks{Snapshot: true, SnapshotWithoutFlag: true})
	if v := exchange(t, s, code(t, s, "alice", scopeUserInfo)); v.Snapshot != nil || v.OpenID != s.VirtualOpenID("alice", shop) {
		t.Errorf("without flag: %+v", v)
	}
	set(t, s, Quirks{Snapshot: true, SnapshotUserInfoRefused: true})
	v := exchange(t, s, code(t, s, "alice", scopeUserInfo))
	if info := call(t, s, userInfoPath(v)); info.Errcode != 48001 || !strings.HasPrefix(info.Errmsg, "api unauthorized, rid: ") {
		t.Errorf("userinfo: %+v", info)
	}
}

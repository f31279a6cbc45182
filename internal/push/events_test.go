package push

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// What each event leaves of a person, and what others hear of it.
func TestEventsClearWhatTheyName(t *testing.T) {
	t.Parallel()
	forget := func(s *scene) { s.account.ForgetOnUnsubscribe = true }
	kind := func(k wechat.AccountKind) func(*scene) { return func(s *scene) { s.account.Kind = k } }
	for name, c := range map[string]struct {
		change                           func(*scene)
		event                            fields
		profile, phone, consent, session bool // what is left
		kind                             ledger.EventKind
		reason                           string
	}{
		"profile":              {nil, eventOf(wechat.PushRevoke, "oPerson1").with("RevokeInfo", "205"), false, true, false, false, ledger.Revoked, "205"},
		"address":              {nil, eventOf(wechat.PushRevoke, "oPerson1").with("RevokeInfo", "201"), true, true, false, false, ledger.Revoked, "201"},
		"unknown code":         {nil, eventOf(wechat.PushRevoke, "oPerson1").with("RevokeInfo", "1"), false, false, false, false, ledger.Revoked, "1"},
		"no code":              {nil, eventOf(wechat.PushRevoke, "oPerson1"), false, false, false, false, ledger.Revoked, ""},
		"website":              {kind(wechat.Website), eventOf(wechat.PushRevoke, "oPerson1").with("RevokeInfo", "301"), false, false, false, false, ledger.Revoked, "301"},
		"mini program profile": {kind(wechat.MiniProgram), eventOf(wechat.PushRevoke, "oPerson1").with("RevokeInfo", "6"), false, true, false, false, ledger.Revoked, "6"},
		"mini program phone":   {kind(wechat.MiniProgram), eventOf(wechat.PushRevoke, "oPerson1").with("RevokeInfo", "8"), true, false, false, false, ledger.Revoked, "8"},
		"modified":             {nil, eventOf(wechat.PushModified, "oPerson1"), false, true, false, false, ledger.ProfileChanged, ""},
		"unsubscribe":          {forget, eventOf(wechat.PushUnsubscribe, "x").with("FromUserName", "oPerson1"), false, true, false, false, ledger.Revoked, "unsubscribe"},
		"unsubscribe, nothing": {nil, eventOf(wechat.PushUnsubscribe, "oPerson1").with("FromUserName", "oPerson1"), true, true, true, true, "", ""},
		"nobody is named":      {nil, eventOf(wechat.PushModified, ""), true, true, true, true, "", ""},
		"by unionid alone":     {nil, eventOf(wechat.PushModified, "").with("UnionID", "uPerson1"), false, true, false, false, ledger.ProfileChanged, ""},
		"unknown unionid":      {nil, eventOf(wechat.PushRevoke, "").with("UnionID", "uPerson2"), true, true, true, true, "", ""},
		"unionid, unfollowed":  {forget, eventOf(wechat.PushUnsubscribe, "").with("FromUserName", "").with("UnionID", "uPerson1"), true, true, true, true, "", ""},
		"somebody unknown":     {nil, eventOf(wechat.PushRevoke, "oOther").with("RevokeInfo", "205"), true, true, true, true, "", ""},
		"another event":        {nil, eventOf("subscribe", "oPerson1").with("FromUserName", "oPerson1"), true, true, true, true, "", ""},
		"no event":             {nil, eventOf(wechat.PushRevoke, "oPerson1").with("MsgType", "text"), true, true, true, true, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, c.change)
			before := s.meet(testAppID, "oPerson1")
			s.success(safe(t, c.event))
			p, err := s.bolt.FindOpenID(t.Context(), testAppID, "oPerson1")
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Nickname != ""; got != c.profile {
				t.Errorf("profile: %v", got)
			}
			if got := p.Accounts[0].Phone != ""; got != c.phone {
				t.Errorf("phone: %v", got)
			}
			if got := p.Consented(testAppID); got != c.consent {
				t.Errorf("consent: %v", got)
			}
			ended := s.bolt.PersonEnded(before.ID)
			if got := ended.IsZero(); got != c.session {
				t.Errorf("sessions live on: %v", got)
			}
			if time.Until(ended) > time.Second {
				t.Errorf("sessions yet to come are ended: %v", ended)
			}
			due := s.due()
			switch {
			case c.kind == "" && len(due) != 0:
				t.Errorf("others hear of %+v", due)
			case c.kind != "" && (len(due) != 1 || due[0].Kind != c.kind || due[0].Event.Reason != c.reason || due[0].OpenID != "oPerson1" || due[0].Person != before.ID):
				t.Errorf("others hear of %+v", due)
			}
		})
	}
}

// An account that was closed takes along what is known by it, and with the last
// one the whole person.
func TestCancellationErases(t *testing.T) {
	t.Parallel()
	ended := make(chan string, 2)
	s := newScene(t, func(s *scene) {
		s.EndSessions = func(_ context.Context, p ledger.Person, _ time.Time) error { ended <- p.ID; return nil }
	})
	first := s.meet(testAppID, "oPerson1")
	if second := s.meet("wxother", "oPerson1"); second.ID != first.ID {
		t.Fatal("one unionid, two persons")
	}
	s.success(safe(t, eventOf(wechat.PushCancel, "oPerson1").with("UnionID", "uPerson1")))
	if _, err := s.bolt.FindOpenID(t.Context(), testAppID, "oPerson1"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("the openid is still known: %v", err)
	}
	if p, err := s.bolt.FindOpenID(t.Context(), "wxother", "oPerson1"); err != nil || p.ID != first.ID {
		t.Errorf("the other account went along: %v", err)
	}
	if s.bolt.PersonEnded(first.ID).IsZero() {
		t.Error("sessions live on")
	}
	alone := s.meet(testAppID, "oPerson2")
	s.success(safe(t, eventOf(wechat.PushCancel, "oPerson2")))
	if _, err := s.bolt.Find(t.Context(), alone.ID); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("the person is still known: %v", err)
	}
	if s.bolt.PersonEnded(alone.ID).IsZero() {
		t.Error("sessions live on")
	}
	for range 2 {
		if id := <-ended; id != first.ID && id != alone.ID {
			t.Errorf("sessions of %s were ended", id)
		}
	}
}

// A cleaned profile goes at once; what can be fetched anew comes back without
// anybody being asked, what cannot makes us ask.
func TestModifiedProfileIsFetchedAnew(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]bool{"fetched": false, "not fetched": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, nil)
			s.Refetch = func(ctx context.Context, p ledger.Person, appID string) error {
				if p.Nickname != "" || appID != testAppID {
					t.Errorf("the profile was not cleared first: %q, %s", p.Nickname, appID)
				}
				if fails {
					return wechat.ErrRestart
				}
				_, err := s.bolt.Observe(ctx, ledger.Observation{AppID: appID, OpenID: p.OpenID(appID), Profile: &ledger.Profile{Nickname: "Han Meimei"}, Consent: true})
				return err
			}
			before := s.meet(testAppID, "oPerson1")
			s.success(safe(t, eventOf(wechat.PushModified, "oPerson1")))
			if err := s.Close(t.Context()); err != nil { // ends with the fetching
				t.Fatal(err)
			}
			p, err := s.bolt.Find(t.Context(), before.ID)
			want := map[bool]string{false: "Han Meimei", true: ""}[fails]
			if err != nil || p.Nickname != want || p.Consented(testAppID) == fails || s.bolt.PersonEnded(p.ID).IsZero() {
				t.Errorf("%q, consented %v, %v", p.Nickname, p.Consented(testAppID), err)
			}
			if waiting, _, err := s.bolt.Waiting(t.Context(), "crm"); fails && (err != nil || waiting != 1) {
				t.Errorf("one push was told %d times, %v", waiting, err)
			}
		})
	}
}

// Attack row 88: the sender of all these events is one pseudo user. Two persons
// who withdraw in one second are two.
func TestTwoPersonsInOneSecond(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	people := []ledger.Person{s.meet(testAppID, "oPerson1"), s.meet(testAppID, "oPerson2")}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	for _, p := range people {
		s.success(safe(t, eventOf(wechat.PushRevoke, p.OpenID(testAppID)).with("RevokeInfo", "205").with("CreateTime", now)))
	}
	for _, p := range people {
		if s.bolt.PersonEnded(p.ID).IsZero() {
			t.Error("one of them was taken for the other")
		}
	}
	if got := s.account.Counts.Acted.Load(); got != 2 {
		t.Errorf("%d acted on", got)
	}
}

// WeChat may tell late, and our clock may be ahead of its: what was withdrawn
// is gone all the same, and so are the sessions made until then.
func TestLateEvents(t *testing.T) {
	for name, test := range map[string]struct {
		created time.Duration // before now
		ended   time.Duration // the sessions up to this long ago
	}{
		"three days late": {72 * time.Hour, 72 * time.Hour},
		"two minutes":     {2 * time.Minute, 2 * time.Minute},
		"our clock ahead": {10 * time.Second, 0},
		"our clock slow":  {-10 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil)
			p := s.meet(testAppID, "oPerson1")
			now := time.Now()
			created := strconv.FormatInt(now.Add(-test.created).Unix(), 10)
			s.success(safe(t, eventOf(wechat.PushRevoke, p.OpenID(testAppID)).with("RevokeInfo", "205").with("CreateTime", created)))
			found, err := s.bolt.Find(t.Context(), p.ID)
			if err != nil || found.Nickname != "" {
				t.Errorf("the nickname is %q, %v", found.Nickname, err)
			}
			if ended := s.bolt.PersonEnded(p.ID); now.Add(-test.ended).Sub(ended).Abs() > 5*time.Second {
				t.Errorf("sessions ended up to %v, now is %v", ended, now)
			}
		})
	}
}

package push

import (
	"context"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// followers makes the account one whose followers a site admits.
func followers(s *scene) { s.account.Followers = true }

// followEvent is a subscribe or unsubscribe of a person, at a time.
func followEvent(name, openID string, at time.Time) fields {
	return eventOf(name, "").with("FromUserName", openID).with("CreateTime", strconv.FormatInt(at.Unix(), 10))
}

// following is what the ledger has about a person.
func (s *scene) following(openID string) ledger.Account {
	s.t.Helper()
	p, err := s.bolt.FindOpenID(context.Background(), testAppID, openID)
	if err != nil {
		s.t.Fatal(err)
	}
	a, _ := p.Account(testAppID)
	return a
}

func TestFollowersAreRecorded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		change func(*scene)
		events []fields
		want   ledger.Follow
		acted  uint64
	}{
		"subscribe":            {followers, []fields{followEvent("subscribe", "oPerson1", now)}, ledger.Follows, 1},
		"unsubscribe":          {followers, []fields{followEvent("unsubscribe", "oPerson1", now)}, ledger.FollowsNot, 1},
		"no site wants it":     {nil, []fields{followEvent("subscribe", "oPerson1", now)}, ledger.FollowUnknown, 0},
		"one after the other":  {followers, []fields{followEvent("unsubscribe", "oPerson1", now.Add(-2*time.Second)), followEvent("subscribe", "oPerson1", now)}, ledger.Follows, 2},
		"the later one first":  {followers, []fields{followEvent("unsubscribe", "oPerson1", now), followEvent("subscribe", "oPerson1", now.Add(-2*time.Second))}, ledger.FollowsNot, 1},
		"within one second":    {followers, []fields{followEvent("subscribe", "oPerson1", now), followEvent("unsubscribe", "oPerson1", now)}, ledger.FollowsNot, 2},
		"twice":                {followers, []fields{followEvent("subscribe", "oPerson1", now), followEvent("subscribe", "oPerson1", now)}, ledger.Follows, 1},
		"another person":       {followers, []fields{followEvent("subscribe", "oOther", now)}, ledger.FollowUnknown, 0},
		"a scan":               {followers, []fields{followEvent("SCAN", "oPerson1", now)}, ledger.FollowUnknown, 0},
		"a text":               {followers, []fields{followEvent("subscribe", "oPerson1", now).with("MsgType", "text")}, ledger.FollowUnknown, 0},
		"no openid":            {followers, []fields{followEvent("subscribe", "", now)}, ledger.FollowUnknown, 0},
		"a malformed openid":   {followers, []fields{followEvent("subscribe", "o Person1", now)}, ledger.FollowUnknown, 0},
		"OpenID is not theirs": {followers, []fields{followEvent("subscribe", "oOther", now).with("OpenID", "oPerson1")}, ledger.FollowUnknown, 0},
		"without a time":       {followers, []fields{followEvent("unsubscribe", "oPerson1", now).with("CreateTime", "")}, ledger.FollowsNot, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, c.change)
			s.meet(testAppID, "oPerson1")
			for _, event := range c.events {
				s.success(safe(t, event))
			}
			if got := s.following("oPerson1"); got.Follow != c.want || s.account.Counts.Acted.Load() != c.acted || got.FollowPushed.After(time.Now()) {
				t.Errorf("%+v, %d acted on; want %d, %d", got, s.account.Counts.Acted.Load(), c.want, c.acted)
			}
			if len(s.entries) != 0 || len(s.due()) != 0 {
				t.Errorf("others hear of it: %+v, %+v", s.entries, s.due())
			}
		})
	}
}

// Attack: a push with a time in the future, after which no other one counts.
func TestAttackSubscribeInTheFuture(t *testing.T) {
	t.Parallel()
	s := newScene(t, followers)
	s.meet(testAppID, "oPerson1")
	s.success(safe(t, followEvent("subscribe", "oPerson1", time.Now().Add(24*time.Hour))))
	s.success(safe(t, followEvent("unsubscribe", "oPerson1", time.Now())))
	if got := s.following("oPerson1"); got.Follow != ledger.FollowsNot {
		t.Errorf("%+v", got)
	}
}

// An unfollow may both close the door and forget the person.
func TestUnfollowForgetsAndIsRecorded(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(s *scene) { s.account.Followers, s.account.ForgetOnUnsubscribe = true, true })
	before := s.meet(testAppID, "oPerson1")
	s.success(safe(t, followEvent("unsubscribe", "oPerson1", time.Now())))
	p, err := s.bolt.FindOpenID(t.Context(), testAppID, "oPerson1")
	if err != nil || p.Nickname != "" || s.bolt.PersonEnded(before.ID).IsZero() || s.following("oPerson1").Follow != ledger.FollowsNot || len(s.due()) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

// Attack: in plain mode WeChat does not sign the body. Whoever has seen one
// signature can send any person's subscribe; it must not open the door.
func TestAttackForgedSubscribe(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(s *scene) { plain(s); followers(s) })
	s.meet(testAppID, "oPerson1")
	s.success(signed(testToken, followEvent("unsubscribe", "oPerson1", time.Now().Add(-time.Minute)).xml(), time.Now()))
	if got := s.following("oPerson1"); got.Follow != ledger.FollowsNot {
		t.Fatalf("%+v", got)
	}
	s.success(signed(testToken, followEvent("subscribe", "oPerson1", time.Now()).xml(), time.Now()))
	if got := s.following("oPerson1"); got.Follow != ledger.FollowUnknown {
		t.Errorf("a plain push makes a follower: %+v", got)
	}
	// Unsigned, wrongly signed, and for another account.
	before := s.following("oPerson1")
	safely := newScene(t, followers)
	safely.meet(testAppID, "oPerson1")
	event := followEvent("subscribe", "oPerson1", time.Now().Add(time.Second))
	for name, p := range map[string]sent{
		"a wrong token":  signed("tokenOfNobody", event.xml(), time.Now()),
		"an old query":   signed(testToken, event.xml(), time.Now().Add(-11*time.Minute)),
		"without a sign": {nil, event.xml()},
		"plain":          signed(testToken, event.xml(), time.Now()),
		"another key":    sealed(t, testToken, strings.Repeat("x", 43), event.xml(), nil, fields.xml, time.Now()),
	} {
		if name != "plain" {
			if code, _ := s.push(p); code != http.StatusForbidden && name != "another key" {
				t.Errorf("%s: answered %d", name, code)
			}
		}
		if code, _ := safely.push(p); code != http.StatusForbidden {
			t.Errorf("%s, with a key: answered %d", name, code)
		}
	}
	if got := s.following("oPerson1"); got.FollowMark() != before.FollowMark() || safely.following("oPerson1").Follow != ledger.FollowUnknown {
		t.Errorf("a forged push was recorded: %+v", got)
	}
}

// An unfollow that arrives while the ledger is away is recorded when it is
// back, by the next process if need be.
func TestUnfollowDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "pushes")
		s, l := stubbed(t, nil)
		followers(s)
		l.follow = func(ledger.Following) error { return ledger.ErrUnavailable }
		s.Journal = files(folder)
		begun := time.Now()
		s.success(safe(t, followEvent("unsubscribe", "oPerson1", begun)))
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		after, l := stubbed(t, nil)
		var got []ledger.Following
		l.follow = func(f ledger.Following) error { got = append(got, f); return nil }
		after.Journal = files(folder)
		if err := after.Resume(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(got) != 1 || got[0].OpenID != "oPerson1" || got[0].Follow != ledger.FollowsNot || got[0].Pushed.Unix() != begun.Unix() {
			t.Errorf("%+v", got)
		}
		if left, err := after.Journal.(*Files).names(); len(left) != 0 || err != nil {
			t.Errorf("%d are left, %v", len(left), err)
		}
		_ = after.Close(t.Context())
	})
}

// Entries of the journal that an older gateway can read are written as it
// writes them.
func TestJournalVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for event, want := range map[string]string{wechat.PushRevoke: `{"Version":1,`, "unsubscribe": `{"Version":2,`} {
			s, l := stubbed(t, func(int, context.Context, ledger.Withdrawal) (bool, error) { return false, ledger.ErrUnavailable })
			followers(s)
			l.follow = func(ledger.Following) error { return ledger.ErrUnavailable }
			s.success(safe(t, eventOf(event, "oPerson1").with("FromUserName", "oPerson1")))
			kept := s.Journal.(*notes)
			for _, entry := range kept.of {
				if !strings.HasPrefix(string(entry), want) {
					t.Errorf("%s: %s", event, entry)
				}
			}
			if len(kept.of) != 1 {
				t.Errorf("%s: %d entries", event, len(kept.of))
			}
			_ = s.Close(t.Context())
		}
	})
}

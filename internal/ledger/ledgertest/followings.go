package ledgertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// followings is about who follows an official account.
var followings = []contract{
	{"follow: pushes and answers, in every order", follow},
	{"follow: a stranger is not recorded", followStranger},
	{"follow: what is news", followNews},
	{"follow: an unfollow wins against the answers of its moment", followRace},
	{"follow: merged, exported, imported, erased", followMoves},
}

func (s *subject) follow(t *testing.T, f ledger.Following) ledger.Account {
	t.Helper()
	f.AppID, f.OpenID = "wxA", "oA"
	p, err := s.Ledger.Follow(t.Context(), f)
	if err != nil {
		t.Fatalf("Follow(%+v): %v", f, err)
	}
	stored, err := s.Ledger.FindOpenID(t.Context(), "wxA", "oA")
	if err != nil {
		t.Fatal(err)
	}
	got, want := accountOf(t, stored, "wxA"), accountOf(t, p, "wxA")
	if got.Follow != want.Follow || !got.FollowAt.Equal(want.FollowAt) || got.FollowMark() != want.FollowMark() || stored.Version != p.Version {
		t.Fatalf("Follow gives %+v, the ledger has %+v", want, got)
	}
	return got
}

// answerOf is an answer of WeChat to a question that began when the ledger had
// what a says.
func answerOf(a ledger.Account, follow ledger.Follow, minute int) ledger.Following {
	return ledger.Following{Follow: follow, At: at(minute), Known: a.FollowMark()}
}

func pushOf(follow ledger.Follow, minute int) ledger.Following {
	return ledger.Following{Follow: follow, At: at(minute + 100), Pushed: at(minute)}
}

func follow(t *testing.T, s *subject) {
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	before := ledger.Account{}
	steps := []struct {
		name string
		give func(now ledger.Account) ledger.Following
		want ledger.Follow
	}{
		{"the first answer", func(a ledger.Account) ledger.Following { return answerOf(a, ledger.Follows, 1) }, ledger.Follows},
		{"an unfollow", func(ledger.Account) ledger.Following { return pushOf(ledger.FollowsNot, 2) }, ledger.FollowsNot},
		{"an answer to a question from before the unfollow", func(ledger.Account) ledger.Following { return answerOf(before, ledger.Follows, 3) }, ledger.FollowsNot},
		{"an older push", func(ledger.Account) ledger.Following { return pushOf(ledger.Follows, 1) }, ledger.FollowsNot},
		{"a push of the same second", func(ledger.Account) ledger.Following { return pushOf(ledger.Follows, 2) }, ledger.FollowsNot},
		{"a later answer", func(a ledger.Account) ledger.Following { return answerOf(a, ledger.Follows, 4) }, ledger.Follows},
		{"a repeated push", func(ledger.Account) ledger.Following { return pushOf(ledger.FollowsNot, 2) }, ledger.FollowsNot},
		{"a new follow", func(ledger.Account) ledger.Following { return pushOf(ledger.Follows, 5) }, ledger.Follows},
		{"an unfollow of the same second", func(ledger.Account) ledger.Following { return pushOf(ledger.FollowsNot, 5) }, ledger.FollowsNot},
		{"a follow that must be asked about", func(ledger.Account) ledger.Following { return pushOf(ledger.FollowUnknown, 6) }, ledger.FollowUnknown},
	}
	now := before
	for _, step := range steps {
		if now = s.follow(t, step.give(now)); now.Follow != step.want {
			t.Errorf("after %s: %d, want %d", step.name, now.Follow, step.want)
		}
	}
	for _, f := range []ledger.Following{
		{OpenID: "oA"},
		{AppID: "wxA"},
		{AppID: "wxA", OpenID: "o A"},
		{AppID: "wxA", OpenID: "oA", Follow: 3},
		{AppID: "wxA", OpenID: "oA", Pushed: at(0).AddDate(9000, 0, 0)},
	} {
		if _, err := s.Ledger.Follow(t.Context(), f); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%+v: %v, want ErrInvalid", f, err)
		}
	}
}

func followStranger(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oA", At: at(0)})
	for _, f := range []ledger.Following{pushOf(ledger.Follows, 1), answerOf(ledger.Account{}, ledger.Follows, 1)} {
		f.AppID, f.OpenID = "wxA", "oA" // the openid of another app id
		if _, err := s.Ledger.Follow(t.Context(), f); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("%v, want ErrNotFound", err)
		}
	}
	if q := s.find(t, p.ID); len(q.Accounts) != 1 || q.Version != p.Version || q.Accounts[0].Follow != ledger.FollowUnknown {
		t.Errorf("it left traces: %+v", q)
	}
}

// Times alone are no news, and are written once an hour.
func followNews(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	a, version := ledger.Account{}, p.Version
	for _, c := range []struct {
		minute, seen int
		follow       ledger.Follow
		news         bool
	}{
		{0, 0, ledger.Follows, true}, {59, 0, ledger.Follows, false}, {60, 60, ledger.Follows, false}, {61, 61, ledger.FollowsNot, true},
	} {
		generation := s.Ledger.Generation()
		a = s.follow(t, answerOf(a, c.follow, c.minute))
		q := s.find(t, p.ID)
		if news := q.Version > version; news != c.news || c.news && s.Ledger.Generation() == generation || !a.FollowAt.Equal(at(c.seen)) {
			t.Errorf("minute %d: news %t, generation %d after %d, last heard %s; want news %t, %s", c.minute, news, s.Ledger.Generation(), generation, a.FollowAt, c.news, at(c.seen))
		}
		version = q.Version
	}
	// A store that may have missed something moves its generation by itself: of
	// several writes without news one must be quiet.
	quiet := false
	for i := 2; i < 40 && !quiet; i++ {
		generation := s.Ledger.Generation()
		a = s.follow(t, answerOf(a, ledger.FollowsNot, 61*i))
		quiet = s.Ledger.Generation() == generation
		if !a.FollowAt.Equal(at(61 * i)) {
			t.Errorf("last heard %s, want %s", a.FollowAt, at(61*i))
		}
	}
	if !quiet {
		t.Error("times alone move the generation")
	}
}

// A hundred answers to questions of before the unfollow, at the same time as
// the unfollow.
func followRace(t *testing.T, s *subject) {
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	a := s.follow(t, answerOf(ledger.Account{}, ledger.Follows, 1))
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			f := answerOf(a, ledger.Follows, 120+i)
			if i == 50 {
				f = pushOf(ledger.FollowsNot, 2)
			}
			f.AppID, f.OpenID = "wxA", "oA"
			if _, err := s.Ledger.Follow(t.Context(), f); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	p, err := s.Ledger.FindOpenID(t.Context(), "wxA", "oA")
	if err != nil || accountOf(t, p, "wxA").Follow != ledger.FollowsNot {
		t.Errorf("%+v, %v", p, err)
	}
}

func followMoves(t *testing.T, s *subject) {
	other := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(0)})
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(1)})
	want := s.follow(t, pushOf(ledger.Follows, 2))
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(3)})
	if a := accountOf(t, p, "wxA"); p.ID != other.ID || a.FollowMark() != want.FollowMark() {
		t.Errorf("merged: %+v, want %+v", a, want)
	}
	shown, err := s.Ledger.Export(t.Context(), p.ID)
	if err != nil || !bytes.Contains(shown, []byte(`"follow": "yes"`)) {
		t.Errorf("the export does not show it: %s, %v", shown, err)
	}
	line, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ledger.Erase(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ledger.Follow(t.Context(), ledger.Following{AppID: "wxA", OpenID: "oA", Follow: ledger.FollowsNot, Pushed: at(9)}); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("a push brings an erased person back: %v", err)
	}
	var back ledger.Person
	if err := json.Unmarshal(line, &back); err != nil {
		t.Fatal(err)
	}
	if err := s.Ledger.Import(t.Context(), back); err != nil {
		t.Fatal(err)
	}
	if a := accountOf(t, s.find(t, p.ID), "wxA"); a.FollowMark() != want.FollowMark() || !a.FollowAt.Equal(want.FollowAt) {
		t.Errorf("imported: %+v, want %+v", a, want)
	}
}

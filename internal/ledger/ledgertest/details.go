package ledgertest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// details is about consent, profiles, times, errors and ended sessions.
var details = []contract{
	{"consent belongs to an account and stays", consent},
	{"profiles: what overwrites what", profiles},
	{"LastSeen: fresh ones are left alone", lastSeen},
	{"invalid observations are refused", invalid},
	{"an unknown person is not an error of the store", unknownPerson},
	{"what is returned is a copy", copies},
	{"a cancelled context begins nothing", cancelled},
	{"everything survives reopening", survives},
	{"an ended session stays ended", endedSession},
	{"a closed ledger says so", closed},
}

func consent(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(0)})
	q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", Consent: true, At: at(1)})
	if !q.Consented("wxA") || q.Consented("wxB") || q.Version <= p.Version || !q.Accounts[0].ConsentAt.Equal(at(1)) {
		t.Errorf("person = %+v", q)
	}
	s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(2)})
	r := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(300)})
	if !r.Consented("wxA") || r.Consented("wxB") {
		t.Errorf("after silent sign-ins: %+v", r.Accounts)
	}
	if r = s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", Consent: true, At: at(600)}); !r.Accounts[0].ConsentAt.Equal(at(600)) {
		t.Errorf("consent = %v, want the later one", r.Accounts[0].ConsentAt)
	}
}

func profiles(t *testing.T, s *subject) {
	const grey, face, other = "https://a.example/grey", "https://a.example/face", "https://a.example/other"
	steps := []struct {
		minute           int
		nickname, avatar string
		wantNick, wantAv string
	}{
		{0, "微信用户", grey, "微信用户", grey}, // better than nothing
		{1, "", "", "微信用户", grey},
		{2, "小明", face, "小明", face},
		{3, "", "", "小明", face},
		{4, "微信用户", "", "小明", face},
		{5, "微信用户", grey, "小明", face},
		{6, "", other, "小明", face},
		{7, "明", other, "明", other},
		{1, "old", face, "明", other}, // an older answer that arrives later
		{8, "明", "", "明", ""},        // without an avatar: the visitor removed it
		{9, "a\r\nb\x00", "javascript:alert(1)", "ab", ""},
		{10, " \xffx" + strings.Repeat("明", 200), "http://a.example/x", "x" + strings.Repeat("明", 85), "http://a.example/x"},
	}
	for _, c := range steps {
		p := s.see(t, ledger.Observation{
			AppID: "wxA", OpenID: "oA", At: at(c.minute), Profile: &ledger.Profile{Nickname: c.nickname, AvatarURL: c.avatar},
		})
		if p.Nickname != c.wantNick || p.AvatarURL != c.wantAv {
			t.Errorf("after %q %q: %q %q, want %q %q", c.nickname, c.avatar, p.Nickname, p.AvatarURL, c.wantNick, c.wantAv)
		}
		s.same(t, p)
	}
	if p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(500)}); !strings.HasPrefix(p.Nickname, "x") {
		t.Errorf("an observation without a profile changed it to %q", p.Nickname)
	}
}

func lastSeen(t *testing.T, s *subject) {
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	for _, c := range []struct{ minute, want int }{{59, 0}, {60, 60}, {61, 60}, {30, 60}, {121, 121}} {
		p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(c.minute)})
		if !p.LastSeen.Equal(at(c.want)) || !p.Accounts[0].LastSeen.Equal(at(c.want)) || p.Version != 1 {
			t.Errorf("seen after %d minutes: last %v, version %d; want %v, 1", c.minute, p.LastSeen, p.Version, at(c.want))
		}
	}
	now := time.Now()
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oNow"})
	if d := p.LastSeen.Sub(now); d.Abs() > time.Minute || p.LastSeen.Nanosecond() != 0 || p.LastSeen.Location() != time.UTC {
		t.Errorf("seen now: %v", p.LastSeen)
	}
}

func invalid(t *testing.T, s *subject) {
	long := strings.Repeat("x", 129)
	for name, in := range map[string]ledger.Observation{
		"no app id":    {OpenID: "o"},
		"no openid":    {AppID: "wxA"},
		"only unionid": {AppID: "wxA", UnionID: "u"},
		"long app id":  {AppID: long, OpenID: "o"},
		"long openid":  {AppID: "wxA", OpenID: long},
		"long unionid": {AppID: "wxA", OpenID: "o", UnionID: long},
		"line break":   {AppID: "wxA", OpenID: "o\r\nX-Wechat-User: root"},
		"NUL":          {AppID: "wx\x00A", OpenID: "o"},
		"blank":        {AppID: "wxA", OpenID: "o o"},
		"not ASCII":    {AppID: "wxA", OpenID: "o", UnionID: "ü"},
		"year 0001":    {AppID: "wxA", OpenID: "o", At: time.Time{}.Add(time.Hour)},
		"year 10000":   {AppID: "wxA", OpenID: "o", At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		_, err := s.Ledger.Observe(t.Context(), in)
		wantErr(t, name, err, ledger.ErrInvalid)
		if err != nil && (strings.Contains(err.Error(), "root") || strings.Contains(err.Error(), long)) {
			t.Errorf("%s: the error repeats the observation: %v", name, err)
		}
	}
	edge := strings.Repeat("~", 128)
	s.same(t, s.see(t, ledger.Observation{AppID: edge, OpenID: edge, UnionID: edge, At: at(0)}))
	s.same(t, s.see(t, ledger.Observation{AppID: `"\<&>`, OpenID: `"\<&>`, UnionID: `"\<&>`, At: at(0)}))
}

func unknownPerson(t *testing.T, s *subject) {
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(0)})
	for _, key := range []string{"", anID, "oA", "../../etc/passwd", "wxA\x00oA", strings.Repeat("x", 1<<20), "\xff"} {
		_, err := s.Ledger.Find(t.Context(), key)
		wantErr(t, "Find", err, ledger.ErrNotFound)
		_, err = s.Ledger.FindUnionID(t.Context(), key)
		wantErr(t, "FindUnionID", err, ledger.ErrNotFound)
		_, err = s.Ledger.FindOpenID(t.Context(), key, "oA")
		wantErr(t, "FindOpenID", err, ledger.ErrNotFound)
		if key != "oA" {
			_, err = s.Ledger.FindOpenID(t.Context(), "wxA", key)
			wantErr(t, "FindOpenID", err, ledger.ErrNotFound)
		}
	}
}

func copies(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	for range 3 {
		q := s.find(t, p.ID)
		if q.Accounts[0].OpenID != "oA" {
			t.Fatal("a caller changed the ledger")
		}
		q.Accounts[0].OpenID = "oEvil"
		_ = append(q.Accounts[:0], ledger.Account{AppID: "wxEvil"})
	}
}

func cancelled(t *testing.T, s *subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range s.calls(ctx) {
		wantErr(t, name, call(), context.Canceled)
	}
	_, err := s.Ledger.FindOpenID(t.Context(), "wxA", "oNew")
	wantErr(t, "after a cancelled See", err, ledger.ErrNotFound)
}

func survives(t *testing.T, s *subject) {
	want := s.see(t, ledger.Observation{
		AppID: "wxA", OpenID: "oA", UnionID: "u", Consent: true, At: at(0),
		Profile: &ledger.Profile{Nickname: "<小明 & \"\u2028\U0001f469\u200d\U0001f680>", AvatarURL: "https://a.example/?a=1&b=2"},
	})
	s.Reopen(t)
	got := s.find(t, want.ID)
	if got.Nickname != want.Nickname || got.AvatarURL != want.AvatarURL || !got.FirstSeen.Equal(want.FirstSeen) ||
		got.Version != want.Version || !got.Consented("wxA") || got.FirstSeen.Location() != time.UTC {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s.same(t, got)
}

func endedSession(t *testing.T, s *subject) {
	a, b, past := [16]byte{1}, [16]byte{2}, [16]byte{3}
	until := time.Now().Add(time.Hour)
	for range 2 { // the second time must succeed too
		if err := s.Ledger.EndSession(t.Context(), a, until); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Ledger.EndSession(t.Context(), past, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if !s.Ledger.Ended(a) || s.Ledger.Ended(b) || s.Ledger.Ended(past) || s.Ledger.Ended([16]byte{}) {
			t.Errorf("ended: %v %v %v", s.Ledger.Ended(a), s.Ledger.Ended(b), s.Ledger.Ended(past))
		}
		s.Reopen(t)
	}
}

func closed(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	s.find(t, p.ID)
	for range 2 {
		if err := s.Ledger.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, call := range s.calls(t.Context()) {
		err := call()
		wantErr(t, name, err, ledger.ErrClosed)
		wantErr(t, name, err, ledger.ErrUnavailable)
	}
	_, err := s.Ledger.Find(t.Context(), p.ID)
	wantErr(t, "Find of a cached person", err, ledger.ErrClosed)
	s.Ledger.Ended([16]byte{}) // must not panic
}

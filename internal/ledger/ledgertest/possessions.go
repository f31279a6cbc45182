package ledgertest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// possessions is about the data stored with an account.
var possessions = []contract{
	{"sealed tokens and phone numbers are kept with their account", kept},
	{"sealed tokens and phone numbers follow a merge, but not an openid that moves", keptMerge},
	{"sealed tokens and phone numbers: limits", keptLimits},
	{"renewed behind the person's back, but only what was consented to", renewed},
	{"an answer about a person changes their ids only if they are known and have consented", knownOnly},
	{"sealed tokens: an export for people says only that they are there, lines for a store have them", keptExport},
}

func kept(t *testing.T, s *subject) {
	p := rich(t, s)
	for range 2 {
		a := accountOf(t, s.find(t, p.ID), "wxA")
		if string(a.Grant) != "grantA" || string(a.SessionKey) != "keyA" || a.Phone != "+86 1" || !a.PhoneAt.Equal(at(1)) {
			t.Errorf("account = %+v", a)
		}
		a.Grant[0], a.SessionKey[0] = 'X', 'X' // a copy
		s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(2)})
	}
	// A store whose channel is late distrusts its cache, which moves the
	// generation too: of several tries one must be quiet.
	var q ledger.Person
	quiet := false
	for range 5 {
		generation := s.Ledger.Generation()
		q = s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(3), SessionKey: []byte("new")})
		quiet = quiet || s.Ledger.Generation() == generation
	}
	if a := accountOf(t, q, "wxA"); string(a.SessionKey) != "new" || string(a.Grant) != "grantA" || q.Version != p.Version {
		t.Errorf("a new session key: version %d, %+v", q.Version, a)
	}
	if !quiet {
		t.Error("what is sealed is no news to others")
	}
	s.Reopen(t)
	q = s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(4), Grant: []byte{}, Phone: "+86 9"})
	a := accountOf(t, q, "wxA")
	if a.Grant != nil || string(a.SessionKey) != "new" || a.Phone != "+86 9" || !a.PhoneAt.Equal(at(4)) || q.Version <= p.Version {
		t.Errorf("version %d, %+v", q.Version, a)
	}
	q = s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(3), Phone: "+86 8"}) // a late answer
	if a := accountOf(t, q, "wxA"); a.Phone != "+86 9" {
		t.Errorf("%+v", a)
	}
	s.same(t, q)
}

func renewed(t *testing.T, s *subject) {
	p := rich(t, s)
	renew := func(appID, openID string, minute int, grant []byte, profile *ledger.Profile) error {
		return s.Ledger.Renew(t.Context(), ledger.Observation{AppID: appID, OpenID: openID, At: at(minute), Grant: grant, Profile: profile})
	}
	old := &ledger.Profile{Nickname: p.Nickname, AvatarURL: p.AvatarURL}
	for i, c := range []struct {
		grant   []byte
		profile *ledger.Profile
		version uint64
	}{{nil, nil, 0}, {[]byte("g2"), nil, 0}, {nil, old, 0}, {nil, &ledger.Profile{Nickname: "new"}, 1}, {[]byte{}, nil, 1}} {
		if err := renew("wxA", "oA", 10+i, c.grant, c.profile); err != nil {
			t.Fatal(err)
		}
		q := s.find(t, p.ID)
		if a := accountOf(t, q, "wxA"); q.Version != p.Version+c.version || c.grant != nil && string(a.Grant) != string(c.grant) || !q.LastSeen.Equal(p.LastSeen) {
			t.Errorf("step %d: %+v", i, q)
		}
		if c.profile != nil && (q.Nickname != c.profile.Nickname || !q.ProfileAt.Equal(at(10+i))) {
			t.Errorf("step %d: %+v", i, q)
		}
	}
	s.Reopen(t)
	if q := s.find(t, p.ID); q.Nickname != "new" || accountOf(t, q, "wxA").Grant != nil {
		t.Errorf("kept: %+v", q)
	}
	wantErr(t, "no consent", renew("wxB", "oB", 20, []byte("g"), old), ledger.ErrNotFound)
	wantErr(t, "unknown person", renew("wxC", "oC", 20, []byte("g"), old), ledger.ErrNotFound)
	wantErr(t, "invalid", renew("wxC", "", 20, nil, nil), ledger.ErrInvalid)
	s.withdraw(t, ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA", Profile: true, Consent: true, Grant: true})
	wantErr(t, "revoked", renew("wxA", "oA", 30, []byte("g"), old), ledger.ErrNotFound)
	if q := s.find(t, p.ID); q.Nickname != "" || accountOf(t, q, "wxA").Grant != nil {
		t.Errorf("what was taken back is there again: %+v", q)
	}
}

// knownOnly: an answer names the unionid of an unknown person.
func knownOnly(t *testing.T, s *subject) {
	s.listen()
	answer := func(appID, openID string) error {
		_, err := s.Ledger.Observe(t.Context(), ledger.Observation{AppID: appID, OpenID: openID, UnionID: "u", OnlyKnown: true, At: at(9)})
		return err
	}
	older := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0), Consent: true})
	s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	s.see(t, ledger.Observation{AppID: "wxC", OpenID: "oC", At: at(2)})
	for name, err := range map[string]error{"unknown person": answer("wxD", "oD"), "no consent": answer("wxC", "oC"), "another openid": answer("wxA", "oB")} {
		wantErr(t, name, err, ledger.ErrNotFound)
	}
	if got := s.drain(t, crm); len(got) != 0 {
		t.Errorf("told %v", kindsOf(got))
	}
	if err := answer("wxA", "oA"); err != nil {
		t.Fatal(err)
	}
	if p := s.find(t, older.ID); p.UnionID != "u" || p.OpenID("wxB") != "oB" {
		t.Errorf("%+v", p)
	}
	if got := s.drain(t, crm); len(got) != 1 || got[0].Kind != ledger.Merged {
		t.Errorf("told %v", kindsOf(got))
	}
	if err := s.Ledger.Erase(t.Context(), older.ID); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "erased", answer("wxA", "oA"), ledger.ErrNotFound)
}

func keptMerge(t *testing.T, s *subject) {
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0), Grant: []byte("gA"), Phone: "1"})
	s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1), SessionKey: []byte("kB"), Phone: "2"})
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(2)})
	a, b := accountOf(t, p, "wxA"), accountOf(t, p, "wxB")
	if string(a.Grant) != "gA" || a.Phone != "1" || string(b.SessionKey) != "kB" || b.Phone != "2" {
		t.Errorf("after a merge: %+v, %+v", a, b)
	}
	q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u2", At: at(3)})
	if a := accountOf(t, q, "wxA"); q.ID == p.ID || a.Grant != nil || a.Phone != "" {
		t.Errorf("another unionid's: %+v", a)
	}
}

func keptLimits(t *testing.T, s *subject) {
	big := bytes.Repeat([]byte{0xff}, 4096)
	in := ledger.Observation{AppID: "wxA", OpenID: "oA", Grant: big, SessionKey: big, Phone: strings.Repeat("~", 32)}
	p := s.see(t, in)
	s.Reopen(t)
	if a := accountOf(t, s.find(t, p.ID), "wxA"); !bytes.Equal(a.Grant, big) || !bytes.Equal(a.SessionKey, big) || a.Phone != in.Phone {
		t.Error("the largest there can be was not kept")
	}
	for name, edit := range map[string]func(in *ledger.Observation){
		"long grant":       func(in *ledger.Observation) { in.Grant = append(big, 0) },
		"long session key": func(in *ledger.Observation) { in.SessionKey = append(big, 0) },
		"long phone":       func(in *ledger.Observation) { in.Phone += "~" },
		"phone":            func(in *ledger.Observation) { in.Phone = "1\r\n" },
		"foreign phone":    func(in *ledger.Observation) { in.Phone = "１" },
	} {
		bad := in
		edit(&bad)
		_, err := s.Ledger.Observe(t.Context(), bad)
		wantErr(t, name, err, ledger.ErrInvalid)
	}
}

func keptExport(t *testing.T, s *subject) {
	p := rich(t, s)
	data, err := s.Ledger.Export(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Accounts []struct {
			Phone string                 `json:"phone"`
			Grant struct{ Kept bool }    `json:"grant"`
			Key   map[string]interface{} `json:"session_key"`
		} `json:"accounts"`
	}
	if err := json.Unmarshal(data, &shown); err != nil || len(shown.Accounts) != 2 || strings.Contains(string(data), "Z3JhbnR") {
		t.Fatalf("%v: %s", err, data)
	}
	for _, a := range shown.Accounts {
		if !a.Grant.Kept || a.Key["kept"] != true || !strings.HasPrefix(a.Phone, "+86 ") {
			t.Errorf("exported: %s", data)
		}
	}
	line, err := json.Marshal(s.all(t)[p.ID])
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ledger.Erase(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	var back ledger.Person
	if err := json.Unmarshal(line, &back); err != nil {
		t.Fatal(err)
	}
	if err := s.Ledger.Import(t.Context(), back); err != nil {
		t.Fatal(err)
	}
	if got := s.find(t, p.ID); !reflect.DeepEqual(got, p) {
		t.Errorf("got %+v, want %+v", got, p)
	}
}

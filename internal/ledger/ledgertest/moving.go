package ledgertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// moving is about a ledger that is moved to another store.
var moving = []contract{
	{"walk gives each person once", walk},
	{"walk ends with the first error", walkEnds},
	{"import: an exact copy, again and again", imports},
	{"import: what is newer here stays", importOld},
	{"import: what is newer in the file takes the place", importNewer},
	{"import: whom the file has merged are merged", importMerged},
	{"import: contradictions are refused, and nothing is written", importConflicts},
	{"import: what no ledger wrote is refused", importInvalid},
}

func (s *subject) all(t *testing.T) map[string]ledger.Person {
	t.Helper()
	all := map[string]ledger.Person{}
	err := s.Ledger.Walk(t.Context(), func(p ledger.Person) error {
		if _, twice := all[p.ID]; twice {
			t.Errorf("%s was given twice", p.ID)
		}
		all[p.ID] = p
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func walk(t *testing.T, s *subject) {
	if n := len(s.all(t)); n != 0 {
		t.Fatalf("%d persons in an empty ledger", n)
	}
	want := map[string]ledger.Person{}
	for i := range 700 {
		p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i), UnionID: fmt.Sprint("u", i), At: at(i)})
		want[p.ID] = p
	}
	if got := s.all(t); !reflect.DeepEqual(got, want) {
		t.Errorf("%d persons, want %d, or they differ", len(got), len(want))
	}
	// fn may use the ledger, and erase the person that it was given
	n := 0
	err := s.Ledger.Walk(t.Context(), func(p ledger.Person) error { n++; return s.Ledger.Erase(t.Context(), p.ID) })
	if err != nil || n != 700 || len(s.all(t)) != 0 {
		t.Errorf("%d erased, %d left, %v", n, len(s.all(t)), err)
	}
}

func walkEnds(t *testing.T, s *subject) {
	for i := range 3 {
		s.see(t, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i)})
	}
	enough, n := errors.New("enough"), 0
	wantErr(t, "Walk", s.Ledger.Walk(t.Context(), func(ledger.Person) error { n++; return enough }), enough)
	if n != 1 {
		t.Errorf("%d calls after an error", n-1)
	}
}

// somebody makes a person with all kinds of data, and one whose openid moved
// away.
func somebody(t *testing.T, s *subject) ledger.Person {
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	p := s.see(t, ledger.Observation{
		AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(2), Consent: true,
		Profile: &ledger.Profile{Nickname: "<小明>", AvatarURL: "https://a.example/1"},
	})
	s.see(t, ledger.Observation{AppID: "wxC", OpenID: "oC", UnionID: "u2", At: at(3)})
	s.see(t, ledger.Observation{AppID: "wxC", OpenID: "oC", UnionID: "u3", At: at(4)})
	return p
}

func imports(t *testing.T, s *subject) {
	somebody(t, s)
	all := s.all(t)
	var lines [][]byte
	for _, p := range all {
		line, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
		if err := s.Ledger.Erase(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
	}
	s.listen()
	for round := range 3 {
		for _, line := range lines {
			var p ledger.Person
			if err := json.Unmarshal(line, &p); err != nil {
				t.Fatal(err)
			}
			generation := s.Ledger.Generation()
			if err := s.Ledger.Import(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if moved := s.Ledger.Generation() > generation; round == 0 && !moved {
				t.Error("the generation did not move")
			}
			s.same(t, p)
		}
		if got := s.all(t); !reflect.DeepEqual(got, all) {
			t.Fatalf("round %d: got %+v, want %+v", round, got, all)
		}
		s.Reopen(t)
		s.listen()
	}
	s.told(t)
	// the order of creation is kept
	a := s.see(t, ledger.Observation{AppID: "wxD", OpenID: "oD", At: at(0)})
	p := s.see(t, ledger.Observation{AppID: "wxD", OpenID: "oD", UnionID: "u", At: at(9)})
	if p.ID == a.ID || len(p.Accounts) != 3 {
		t.Errorf("%s, made after the import, is older than whom the import brought: %+v", a.ID, p)
	}
}

func importOld(t *testing.T, s *subject) {
	old := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", At: at(1)})
	older := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(0)})
	now := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(2)}) // merged
	for _, p := range []ledger.Person{old, older, now} {
		if err := s.Ledger.Import(t.Context(), p); err != nil {
			t.Error(err)
		}
	}
	s.same(t, now)
}

func importConflicts(t *testing.T, s *subject) {
	p := somebody(t, s)
	before := s.all(t)
	const free = "abcdefghijklmnopqrstuvwxya"
	for name, edit := range map[string]func(q *ledger.Person){
		"newer, without an openid": func(q *ledger.Person) { q.Version, q.Accounts = q.Version+1, q.Accounts[:1] },
		"newer, another unionid":   func(q *ledger.Person) { q.Version, q.UnionID = q.Version+1, "uX" },
		"newer, with another's openid": func(q *ledger.Person) {
			q.Version, q.Accounts = q.Version+1, append(q.Accounts, account("wxC", "oC"))
		},
		"other unionid":    func(q *ledger.Person) { q.UnionID = "uX" },
		"one openid more":  func(q *ledger.Person) { q.Accounts = append(q.Accounts, account("wxX", "oX")) },
		"another id":       func(q *ledger.Person) { q.ID = free },
		"a merged id":      func(q *ledger.Person) { q.ID, q.Merged = q.Merged[0], []string{free} },
		"another's openid": func(q *ledger.Person) { *q = stray(free, account("wxB", "oB")) },
		"another's unionid": func(q *ledger.Person) {
			*q = stray(free, account("wxX", "oX"))
			q.UnionID = "u"
		},
		"another as merged": func(q *ledger.Person) {
			*q = stray(free, account("wxX", "oX"))
			q.Merged = []string{p.ID}
		},
		"another's merged id": func(q *ledger.Person) {
			*q = stray(free, account("wxX", "oX"))
			q.Merged = []string{p.Merged[0]}
		},
	} {
		q := p
		q.Accounts, q.Merged = slices.Clone(p.Accounts), slices.Clone(p.Merged)
		edit(&q)
		wantErr(t, name, s.Ledger.Import(t.Context(), q), ledger.ErrConflict)
		if err := s.Ledger.Import(t.Context(), q); errors.Is(err, ledger.ErrUnavailable) {
			t.Errorf("%s: a contradiction is no outage: %v", name, err)
		}
	}
	if got := s.all(t); !reflect.DeepEqual(got, before) {
		t.Errorf("a refused import wrote something: %+v", got)
	}
	_, err := s.Ledger.FindOpenID(t.Context(), "wxX", "oX")
	wantErr(t, "FindOpenID", err, ledger.ErrNotFound)
}

func account(appID, openID string) ledger.Account {
	return ledger.Account{AppID: appID, OpenID: openID, FirstSeen: at(0), LastSeen: at(0)}
}

func stray(id string, accounts ...ledger.Account) ledger.Person {
	return ledger.Person{ID: id, Accounts: accounts, Version: 1, FirstSeen: at(0), LastSeen: at(0)}
}

func importInvalid(t *testing.T, s *subject) {
	for name, edit := range map[string]func(q *ledger.Person){
		"no id":              func(q *ledger.Person) { q.ID = "" },
		"bad id":             func(q *ledger.Person) { q.ID = "../../etc/passwd" },
		"no name":            func(q *ledger.Person) { q.Accounts = nil },
		"two of one app":     func(q *ledger.Person) { q.Accounts = append(q.Accounts, account("wxA", "o2")) },
		"line break":         func(q *ledger.Person) { q.UnionID = "u\n" },
		"itself as merged":   func(q *ledger.Person) { q.Merged = []string{q.ID} },
		"merged twice":       func(q *ledger.Person) { q.Merged = []string{anID, anID} },
		"bad avatar":         func(q *ledger.Person) { q.AvatarURL = "javascript:alert(1)" },
		"bad nickname":       func(q *ledger.Person) { q.Nickname = "a\r\nb" },
		"no time":            func(q *ledger.Person) { q.FirstSeen = t0.AddDate(-3000, 0, 0) },
		"no version":         func(q *ledger.Person) { q.Version = 0 },
		"a version too high": func(q *ledger.Person) { q.Version = 1 << 63 },
	} {
		q := aPerson()
		edit(&q)
		wantErr(t, name, s.Ledger.Import(t.Context(), q), ledger.ErrInvalid)
	}
	if n := len(s.all(t)); n != 0 {
		t.Errorf("%d persons", n)
	}
}

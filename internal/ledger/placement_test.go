package ledger

import (
	"fmt"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	person := func(unionID string, apps ...string) *Person {
		p := &Person{ID: NewID(), UnionID: unionID}
		for _, app := range apps {
			p.Accounts = append(p.Accounts, Account{AppID: app, OpenID: "o" + app + unionID})
		}
		return p
	}
	crowded := func(accounts, merged int) *Person {
		p := person("u")
		for i := range accounts {
			p.Accounts = append(p.Accounts, Account{AppID: fmt.Sprint("wx", i), OpenID: "o"})
		}
		for range merged {
			p.Merged = append(p.Merged, NewID())
		}
		return p
	}
	for _, c := range []struct {
		name                string
		byOpenID, byUnionID *Person
		unionID             string
		want                placement
	}{
		{"nobody knows them", nil, nil, "", create},
		{"nobody knows them, unionid", nil, nil, "u", create},
		{"new openid, known unionid", nil, person("u", "B"), "u", join},
		{"new openid, unionid's person has one of this app", nil, person("u", "B", "A"), "u", createApart},
		{"new openid, unionid's person lost all", nil, person("u"), "u", join},
		{"new openid, record is full", nil, crowded(maxAccounts, 0), "u", createApart},
		{"known, silent", person("", "A"), nil, "", same},
		{"known, silent, has unionid", person("u", "A"), nil, "", same},
		{"known, own unionid", person("u", "A"), person("u", "A"), "u", same},
		{"first unionid, new", person("", "A"), nil, "u", attach},
		{"first unionid, known", person("", "A"), person("u", "B"), "u", merge},
		{"first unionid, clash", person("", "A"), person("u", "A", "B"), "u", doubt},
		{"first unionid, clash at another app", person("", "A", "B"), person("u", "B"), "u", doubt},
		{"first unionid, too many accounts", person("", "A"), crowded(maxAccounts, 0), "u", doubt},
		{"first unionid, last place", person("", "A"), crowded(maxAccounts-1, maxMerged-1), "u", merge},
		{"first unionid, too many merges", person("", "A"), crowded(1, maxMerged), "u", doubt},
		{"another unionid, new", person("u", "A"), nil, "v", moveNew},
		{"another unionid, known", person("u", "A"), person("v", "B"), "v", move},
		{"another unionid, clash", person("u", "A"), person("v", "A"), "v", moveApart},
		{"another unionid, record is full", person("u", "A"), crowded(maxAccounts, 0), "v", moveApart},
	} {
		if got := judge(c.byOpenID, c.byUnionID, &Observation{AppID: "A", OpenID: "oA", UnionID: c.unionID}); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestSettleCopies: what a placement makes of the persons found must not reach
// into them; they may come from a cache.
func TestSettleCopies(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &Observation{AppID: "A", OpenID: "oA", UnionID: "u", Consent: true, At: at, Profile: &Profile{Nickname: "n"}}
	fresh := func() (string, uint64, error) { return NewID(), 1, nil }
	for v := same; v <= moveApart; v++ {
		with := func(app, unionID string) *Person {
			accounts := make([]Account, 1, 8)
			accounts[0] = Account{AppID: app, OpenID: "o" + app}
			return &Person{ID: NewID(), UnionID: unionID, Accounts: accounts, Merged: make([]string, 0, 8)}
		}
		p, q := with("A", ""), with("B", "u")
		before := fmt.Sprint(p, q, p.Accounts[:8], q.Accounts[:8], p.Merged[:8], q.Merged[:8])
		if _, err := settle(v, p, q, s, fresh); err != nil {
			t.Fatal(err)
		}
		if after := fmt.Sprint(p, q, p.Accounts[:8], q.Accounts[:8], p.Merged[:8], q.Merged[:8]); after != before {
			t.Errorf("verdict %d changed what was found:\n%s\n%s", v, before, after)
		}
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if !ValidID(id) || seen[id] {
			t.Fatalf("id %q, seen before: %v", id, seen[id])
		}
		seen[id] = true
	}
	for _, bad := range []string{"", "abc", NewID() + "a", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxy1", "abcdefghijklmnopqrstuvwxy\x00"} {
		if ValidID(bad) {
			t.Errorf("%q passes as an id", bad)
		}
	}
}

package ledgertest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Plant damages a store behind the ledger's back. id is that of a person with
// the openid oA of wxA, the unionid uA, the merged id merged, and the nickname
// Alice; other is that of another person.
type Plant struct {
	Name string
	// In damages the store. set writes a value under a key of a table, and
	// removes the key if the value is "". record returns what stands there.
	In func(set func(table, key, value string), record func(id string) string, a, b ledger.Person)
	// Want is what Verify finds.
	Want func(a, b ledger.Person) []ledger.Problem
	// InRecord says that a record itself is damaged: an export does not bring it
	// to another store.
	InRecord bool
}

// Plants is the damage that Verify must find in any store. Values of the tables
// seen and nickname are "x" or "".
func Plants() []Plant {
	const stranger = anID
	one := func(p ledger.Problem) func(ledger.Person, ledger.Person) []ledger.Problem {
		return func(ledger.Person, ledger.Person) []ledger.Problem { return []ledger.Problem{p} }
	}
	return []Plant{
		{
			Name: "a name that leads to no person",
			In: func(set func(_, _, _ string), _ func(string) string, _, _ ledger.Person) {
				set("openid", string(ledger.OpenIDKey("wxZ", "oStray")), stranger)
				set("unionid", "uStray", stranger)
				set("alias", "zzcdefghijklmnopqrstuvwxyz", stranger)
			},
			Want: func(_, _ ledger.Person) []ledger.Problem {
				return []ledger.Problem{
					{Kind: ledger.NameAstray, In: "openid", Person: stranger, Detail: "wxZ"},
					{Kind: ledger.NameAstray, In: "unionid", Person: stranger},
					{Kind: ledger.NameAstray, In: "alias", Person: stranger},
				}
			},
		},
		{
			Name: "a person whose names do not lead back",
			In: func(set func(_, _, _ string), _ func(string) string, a, _ ledger.Person) {
				set("openid", string(ledger.OpenIDKey("wxA", "oA")), "")
				set("unionid", "uA", "")
				set("alias", a.Merged[0], "")
				set("seen", a.Listing().Seen, "")
				set("nickname", a.Listing().Nickname, "")
			},
			Want: func(a, _ ledger.Person) []ledger.Problem {
				return []ledger.Problem{
					{Kind: ledger.NameMissing, In: "openid", Person: a.ID, Detail: "wxA"},
					{Kind: ledger.NameMissing, In: "unionid", Person: a.ID},
					{Kind: ledger.NameMissing, In: "alias", Person: a.ID},
					{Kind: ledger.NameMissing, In: "seen", Person: a.ID},
					{Kind: ledger.NameMissing, In: "nickname", Person: a.ID},
				}
			},
		},
		{
			Name: "a name that leads to another person",
			In: func(set func(_, _, _ string), _ func(string) string, _, b ledger.Person) {
				set("unionid", "uA", b.ID)
			},
			Want: func(a, b ledger.Person) []ledger.Problem {
				return []ledger.Problem{
					{Kind: ledger.NameMissing, In: "unionid", Person: a.ID},
					{Kind: ledger.NameOfAnother, In: "unionid", Person: b.ID},
				}
			},
		},
		{
			Name: "entries of lists that lead nowhere, and to what is no person",
			In: func(set func(_, _, _ string), _ func(string) string, _, b ledger.Person) {
				set("seen", "000000000007"+b.ID, "x")
				set("nickname", "OLD NAME\x00"+b.ID, "x")
				set("nickname", "GONE\x00"+stranger, "x")
				set("seen", "rubbish", "x")
			},
			Want: func(_, b ledger.Person) []ledger.Problem {
				return []ledger.Problem{
					{Kind: ledger.NameOfAnother, In: "seen", Person: b.ID},
					{Kind: ledger.NameAstray, In: "seen"},
					{Kind: ledger.NameAstray, In: "nickname", Person: stranger},
					{Kind: ledger.NameOfAnother, In: "nickname", Person: b.ID},
				}
			},
		},
		{
			Name: "a record that no gateway writes", InRecord: true,
			In: func(set func(_, _, _ string), record func(string) string, a, _ ledger.Person) {
				was := record(a.ID)
				stamp, _, _ := strings.Cut(was, "{") // of a store that has one
				twice := a.Clone()
				twice.Accounts = append(twice.Accounts, ledger.Account{AppID: "wxA", OpenID: "oSecond", FirstSeen: at(1), LastSeen: at(1)})
				text, err := ledger.EncodePerson(&twice)
				if err != nil {
					panic(err)
				}
				set("person", a.ID, stamp+string(text))
				set("openid", string(ledger.OpenIDKey("wxA", "oSecond")), a.ID)
			},
			Want: func(a, _ ledger.Person) []ledger.Problem {
				return []ledger.Problem{{Kind: ledger.Impossible, In: "person", Person: a.ID, Detail: "bad account: two openids of one app id"}}
			},
		},
		{
			Name: "a record that cannot be read",
			In: func(set func(_, _, _ string), record func(string) string, a, _ ledger.Person) {
				r := record(a.ID)
				set("person", a.ID, r[:len(r)-9])
			},
			Want: func(a, _ ledger.Person) []ledger.Problem {
				return []ledger.Problem{{Kind: ledger.Unreadable, In: "person", Person: a.ID}}
			},
			InRecord: true,
		},
		{
			Name: "one record under two ids",
			In: func(set func(_, _, _ string), record func(string) string, a, _ ledger.Person) {
				set("person", stranger, record(a.ID))
			},
			Want: func(a, _ ledger.Person) []ledger.Problem {
				return []ledger.Problem{{Kind: ledger.DuplicateID, In: "person", Person: a.ID}}
			},
			InRecord: true,
		},
		{
			Name: "an id of a person that was merged into another",
			In: func(set func(_, _, _ string), _ func(string) string, a, b ledger.Person) {
				set("alias", b.ID, a.ID)
			},
			Want: func(a, b ledger.Person) []ledger.Problem {
				return []ledger.Problem{
					{Kind: ledger.DuplicateID, In: "alias", Person: b.ID},
					{Kind: ledger.NameOfAnother, In: "alias", Person: a.ID},
				}
			},
		},
		{
			Name: "nothing",
			In:   func(func(_, _, _ string), func(string) string, ledger.Person, ledger.Person) {},
			Want: func(_, _ ledger.Person) []ledger.Problem { return nil },
		},
		{
			Name: "a table's key that is no id",
			In: func(set func(_, _, _ string), record func(string) string, a, _ ledger.Person) {
				set("person", "../x", "rubbish")
			},
			Want:     one(ledger.Problem{Kind: ledger.Unreadable, In: "person"}),
			InRecord: true,
		},
	}
}

// Persons makes the two persons of a Plant.
func (p *Plant) Persons(t testing.TB, l ledger.Ledger) (a, b ledger.Person) {
	t.Helper()
	MustSee(t, l, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0), Consent: true, Profile: &ledger.Profile{Nickname: "Alice"}})
	MustSee(t, l, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "uA", At: at(1)})
	a = MustSee(t, l, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "uA", At: at(2)})
	b = MustSee(t, l, ledger.Observation{AppID: "wxA", OpenID: "oOther", At: at(3), Consent: true, Profile: &ledger.Profile{Nickname: "Bob"}})
	Indexed(t, l)
	return a, b
}

// Rebuilt fails the test unless an export of a store with damaged names and
// indexes, imported into an empty one, is sound there and has both persons.
func (p *Plant) Rebuilt(t testing.TB, damaged, empty ledger.Ledger, a, b ledger.Person) {
	t.Helper()
	if p.InRecord {
		return
	}
	if err := damaged.Walk(t.Context(), func(one ledger.Person) error {
		line, err := json.Marshal(one)
		if err == nil {
			err = json.Unmarshal(line, &one)
		}
		if err == nil {
			err = empty.Import(t.Context(), one)
		}
		return err
	}); err != nil {
		t.Fatalf("the export is not imported: %v", err)
	}
	Indexed(t, empty)
	if got, _ := Verified(t, empty); len(got) > 0 {
		t.Errorf("the new store has %+v", got)
	}
	for _, find := range []func() (ledger.Person, error){
		func() (ledger.Person, error) { return empty.FindOpenID(t.Context(), "wxA", "oA") },
		func() (ledger.Person, error) { return empty.FindOpenID(t.Context(), "wxB", "oB") },
		func() (ledger.Person, error) { return empty.FindUnionID(t.Context(), "uA") },
		func() (ledger.Person, error) { return empty.Find(t.Context(), a.Merged[0]) },
	} {
		if got, err := find(); err != nil || got.ID != a.ID {
			t.Errorf("found %q (%v), want %s", got.ID, err, a.ID)
		}
	}
	if got, err := empty.FindOpenID(t.Context(), "wxA", "oOther"); err != nil || got.ID != b.ID {
		t.Errorf("found %q (%v), want %s", got.ID, err, b.ID)
	}
	if n, err := empty.Count(t.Context()); n != 2 || err != nil {
		t.Errorf("%d persons, %v", n, err)
	}
}

// Found fails the test unless Verify finds what was planted, wrong counts
// apart, and repeats nothing personal.
func (p *Plant) Found(t testing.TB, l ledger.Ledger, a, b ledger.Person) {
	t.Helper()
	got, _ := Verified(t, l)
	short := func(all []ledger.Problem) (lines []string) {
		for _, one := range all {
			if one.Kind == ledger.Unreadable || one.Kind == ledger.DuplicateID {
				one.Detail = "" // a sentence
			}
			if one.Kind != ledger.WrongCount {
				lines = append(lines, fmt.Sprintf("%+v", one))
			}
		}
		slices.Sort(lines)
		return lines
	}
	if g, w := short(got), short(p.Want(a, b)); !slices.Equal(g, w) {
		t.Errorf("Verify finds\n%q\nwant\n%q", g, w)
	}
}

package ledgertest

import (
	"fmt"
	"slices"
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
			"a name that leads to no person",
			func(set func(_, _, _ string), _ func(string) string, _, _ ledger.Person) {
				set("openid", string(ledger.OpenIDKey("wxZ", "oStray")), stranger)
				set("unionid", "uStray", stranger)
				set("alias", "zzcdefghijklmnopqrstuvwxyz", stranger)
			},
			func(_, _ ledger.Person) []ledger.Problem {
				return []ledger.Problem{
					{Kind: ledger.NameAstray, In: "openid", Person: stranger, Detail: "wxZ"},
					{Kind: ledger.NameAstray, In: "unionid", Person: stranger},
					{Kind: ledger.NameAstray, In: "alias", Person: stranger},
				}
			},
		},
		{
			"a person whose names do not lead back",
			func(set func(_, _, _ string), _ func(string) string, a, _ ledger.Person) {
				set("openid", string(ledger.OpenIDKey("wxA", "oA")), "")
				set("unionid", "uA", "")
				set("alias", a.Merged[0], "")
				set("seen", a.Listing().Seen, "")
				set("nickname", a.Listing().Nickname, "")
			},
			func(a, _ ledger.Person) []ledger.Problem {
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
			"a name that leads to another person",
			func(set func(_, _, _ string), _ func(string) string, _, b ledger.Person) {
				set("unionid", "uA", b.ID)
			},
			func(a, b ledger.Person) []ledger.Problem {
				return []ledger.Problem{
					{Kind: ledger.NameMissing, In: "unionid", Person: a.ID},
					{Kind: ledger.NameOfAnother, In: "unionid", Person: b.ID},
				}
			},
		},
		{
			"entries of lists that lead nowhere, and to what is no person",
			func(set func(_, _, _ string), _ func(string) string, _, b ledger.Person) {
				set("seen", "000000000007"+b.ID, "x")
				set("nickname", "OLD NAME\x00"+b.ID, "x")
				set("nickname", "GONE\x00"+stranger, "x")
				set("seen", "rubbish", "x")
			},
			func(_, b ledger.Person) []ledger.Problem {
				return []ledger.Problem{
					{Kind: ledger.NameOfAnother, In: "seen", Person: b.ID},
					{Kind: ledger.NameAstray, In: "seen"},
					{Kind: ledger.NameAstray, In: "nickname", Person: stranger},
					{Kind: ledger.NameOfAnother, In: "nickname", Person: b.ID},
				}
			},
		},
		{
			"a record that cannot be read",
			func(set func(_, _, _ string), record func(string) string, a, _ ledger.Person) {
				r := record(a.ID)
				set("person", a.ID, r[:len(r)-9])
			},
			func(a, _ ledger.Person) []ledger.Problem {
				return []ledger.Problem{{Kind: ledger.Unreadable, In: "person", Person: a.ID}}
			},
		},
		{
			"one record under two ids",
			func(set func(_, _, _ string), record func(string) string, a, _ ledger.Person) {
				set("person", stranger, record(a.ID))
			},
			func(a, _ ledger.Person) []ledger.Problem {
				return []ledger.Problem{{Kind: ledger.DuplicateID, In: "person", Person: a.ID}}
			},
		},
		{
			"an id of a person that was merged into another",
			func(set func(_, _, _ string), _ func(string) string, a, b ledger.Person) {
				set("alias", b.ID, a.ID)
			},
			func(a, b ledger.Person) []ledger.Problem {
				return []ledger.Problem{
					{Kind: ledger.DuplicateID, In: "alias", Person: b.ID},
					{Kind: ledger.NameOfAnother, In: "alias", Person: a.ID},
				}
			},
		},
		{
			"nothing",
			func(func(_, _, _ string), func(string) string, ledger.Person, ledger.Person) {},
			func(_, _ ledger.Person) []ledger.Problem { return nil },
		},
		{
			"a table's key that is no id",
			func(set func(_, _, _ string), record func(string) string, a, _ ledger.Person) {
				set("person", "../x", "rubbish")
			},
			one(ledger.Problem{Kind: ledger.Unreadable, In: "person"}),
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

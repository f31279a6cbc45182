package ledger

import (
	"fmt"
)

// Table is one of the tables that both kinds of store have. The numbers are also those of the keys of the scripts.
type Table uint8

const (
	TablePerson Table = iota + 1
	TableOpenID
	TableUnionID
	TableAlias
)

func OpenIDKey(appID, openID string) []byte {
	return []byte(appID + "\x00" + openID) // NUL is in neither, so no two pairs share a key
}

// Query is what to look for; empty parts are not looked for.
type Query struct{ ID, AppID, OpenID, UnionID string }

func (q *Query) OpenIDKey() string {
	if q.OpenID == "" {
		return ""
	}
	return string(OpenIDKey(q.AppID, q.OpenID))
}

// Name is one name that a person needs for itself, and where a store keeps it.
type Name struct {
	Table Table
	Key   string
	what  string // for people; never the name itself: openids are personal data
	By    Query  // finds who has it
}

// Names lists every name of the person, its id under both tables of ids first.
func (p *Person) Names() []Name {
	ids := func(id, what string) []Name {
		by := Query{ID: id}
		return []Name{{TablePerson, id, what, by}, {TableAlias, id, what, by}}
	}
	all := ids(p.ID, "its id")
	for _, a := range p.Accounts {
		by := Query{AppID: a.AppID, OpenID: a.OpenID}
		all = append(all, Name{TableOpenID, string(OpenIDKey(a.AppID, a.OpenID)), "its openid of " + a.AppID, by})
	}
	for _, id := range p.Merged {
		all = append(all, ids(id, "an id merged into it")...)
	}
	if p.UnionID != "" {
		all = append(all, Name{TableUnionID, p.UnionID, "its unionid", Query{UnionID: p.UnionID}})
	}
	return all
}

func (c Name) taken() error {
	return fmt.Errorf("%w: %s is known already, with other data or as another person's", ErrConflict, c.what)
}

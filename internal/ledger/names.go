package ledger

import (
	"fmt"
)

// table is one of the tables that both kinds of store have. The numbers are also those of the keys of the scripts.
type table uint8

const (
	tablePerson table = iota + 1
	tableOpenID
	tableUnionID
	tableAlias
)

func openIDKey(appID, openID string) []byte {
	return []byte(appID + "\x00" + openID) // NUL is in neither, so no two pairs share a key
}

// query is what to look for; empty parts are not looked for.
type query struct{ id, appID, openID, unionID string }

func (q *query) openIDKey() string {
	if q.openID == "" {
		return ""
	}
	return string(openIDKey(q.appID, q.openID))
}

// claim is one name that a person needs for itself, and where a store keeps it.
type claim struct {
	table table
	key   string
	what  string // for people; never the name itself: openids are personal data
	by    query  // finds who has it
}

// claims lists every name of the person, its id under both tables of ids first.
func (p *Person) claims() []claim {
	ids := func(id, what string) []claim {
		by := query{id: id}
		return []claim{{tablePerson, id, what, by}, {tableAlias, id, what, by}}
	}
	all := ids(p.ID, "its id")
	for _, a := range p.Accounts {
		by := query{appID: a.AppID, openID: a.OpenID}
		all = append(all, claim{tableOpenID, string(openIDKey(a.AppID, a.OpenID)), "its openid of " + a.AppID, by})
	}
	for _, id := range p.Merged {
		all = append(all, ids(id, "an id merged into it")...)
	}
	if p.UnionID != "" {
		all = append(all, claim{tableUnionID, p.UnionID, "its unionid", query{unionID: p.UnionID}})
	}
	return all
}

func (c claim) taken() error {
	return fmt.Errorf("%w: %s is known already, with other data or as another person's", ErrConflict, c.what)
}

package ledger

import "fmt"

// Table is one of the tables that each store has.
type Table uint8

// The tables. redisledger numbers its keys by them.
const (
	TablePerson  Table = iota + 1 // id → record
	TableOpenID                   // OpenIDKey → id
	TableUnionID                  // unionid → id
	TableAlias                    // merged id → id
)

// OpenIDKey is the key of an openid in its table.
func OpenIDKey(appID, openID string) []byte {
	return []byte(appID + "\x00" + openID) // neither contains NUL, so no two pairs share a key
}

// Query is a look-up of up to three names. Empty parts are not looked up.
type Query struct{ ID, AppID, OpenID, UnionID string }

// OpenIDKey is the key of the openid, "" if none is looked up.
func (q *Query) OpenIDKey() string {
	if q.OpenID == "" {
		return ""
	}
	return string(OpenIDKey(q.AppID, q.OpenID))
}

// Name is one name of a person, and its place in a store: the Key in a Table.
// By finds the person who has it.
type Name struct {
	Table Table
	Key   string
	what  string // for messages; never the name itself: openids are personal data
	By    Query
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

// taken returns the error for a name that belongs to another person.
func (c Name) taken() error {
	return fmt.Errorf("%w: %s is known already, with other data or for another person", ErrConflict, c.what)
}

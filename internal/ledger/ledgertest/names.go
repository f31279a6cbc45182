package ledgertest

import (
	"errors"
	"fmt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// NameIndex is the required content of a store's indexes: table and key → a
// person's id. The tables are openid, unionid and alias.
type NameIndex map[string]string

func (n NameIndex) add(table, key, id string) error {
	key = table + " " + key
	if other, taken := n[key]; taken {
		return fmt.Errorf("%q belongs to %s and %s", key, other, id)
	}
	n[key] = id
	return nil
}

// Expect adds the names of one person, and returns an error for a name that two
// persons have.
func (n NameIndex) Expect(p *ledger.Person) error {
	var errs []error
	apps := map[string]bool{}
	for _, a := range p.Accounts {
		if apps[a.AppID] {
			errs = append(errs, fmt.Errorf("person %s has two openids of %s", p.ID, a.AppID))
		}
		apps[a.AppID] = true
		errs = append(errs, n.add("openid", string(ledger.OpenIDKey(a.AppID, a.OpenID)), p.ID))
	}
	for _, id := range p.Merged {
		errs = append(errs, n.add("alias", id, p.ID))
	}
	if p.UnionID != "" {
		errs = append(errs, n.add("unionid", p.UnionID, p.ID))
	} else if len(p.Accounts) == 0 {
		errs = append(errs, fmt.Errorf("person %s has no name left", p.ID))
	}
	return errors.Join(errs...)
}

// Found removes an index entry, and returns an error for one without a record.
func (n NameIndex) Found(table, key, id string) error {
	key = table + " " + key
	if want := n[key]; want != id {
		return fmt.Errorf("%q leads to %q, want %q", key, id, want)
	}
	delete(n, key)
	return nil
}

// Missing reports the names that no index had.
func (n NameIndex) Missing() error {
	var errs []error
	for key, id := range n {
		errs = append(errs, fmt.Errorf("%q of person %s has no index", key, id))
	}
	return errors.Join(errs...)
}

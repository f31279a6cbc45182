package ledger

import (
	"errors"
	"fmt"
)

// nameIndex is what the indexes of a store must say for its records to be found: table and key → a person's id. The
// tables are openid, unionid and alias.
type nameIndex map[string]string

func (n nameIndex) add(table, key, id string) error {
	key = table + " " + key
	if other, taken := n[key]; taken {
		return fmt.Errorf("%q belongs to %s and %s", key, other, id)
	}
	n[key] = id
	return nil
}

// expect adds the names of one person, and refuses what two persons claim.
func (n nameIndex) expect(p *Person) error {
	var errs []error
	apps := map[string]bool{}
	for _, a := range p.Accounts {
		if apps[a.AppID] {
			errs = append(errs, fmt.Errorf("person %s has two openids of %s", p.ID, a.AppID))
		}
		apps[a.AppID] = true
		errs = append(errs, n.add("openid", string(openIDKey(a.AppID, a.OpenID)), p.ID))
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

// found takes an entry of an index off, and refuses one that no record calls for.
func (n nameIndex) found(table, key, id string) error {
	key = table + " " + key
	if want := n[key]; want != id {
		return fmt.Errorf("%q leads to %q, want %q", key, id, want)
	}
	delete(n, key)
	return nil
}

// missing reports what no index had.
func (n nameIndex) missing() error {
	var errs []error
	for key, id := range n {
		errs = append(errs, fmt.Errorf("%q of person %s has no index", key, id))
	}
	return errors.Join(errs...)
}

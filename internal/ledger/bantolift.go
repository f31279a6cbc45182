package ledger

import (
	"errors"
	"slices"
)

// BansToLift returns the ids of the bans of whom a name leads to. A person
// whose records were merged may have several, of which the name leads to one.
// find returns a person by id. Errors: ErrNotFound, and those of find.
func BansToLift(s *BanSet, name string, find func(id string) (Person, error)) (ids []string, err error) {
	bans, persons := s.Naming(name), []string{name}
	for _, b := range bans {
		persons = append(persons, b.Person)
	}
	for _, id := range persons {
		if !ValidID(id) {
			continue
		}
		switch p, err := find(id); {
		case err == nil:
			bans = append(bans, s.Of(&p)...)
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
	}
	for _, b := range bans {
		if !slices.Contains(ids, b.ID) {
			ids = append(ids, b.ID)
		}
	}
	if len(ids) == 0 {
		return nil, ErrNotFound
	}
	return ids, nil
}

package ledger

import "slices"

// Holder is a person of this ledger who has a name of a person to be imported.
type Holder struct {
	Name   Name
	Person *Person
}

// Succeed decides what the import of a normal person does. holders are the
// persons of this ledger who have its names. If one of them is the person, in
// this version or a newer one, nothing is done. Otherwise add is true: the
// person replaces the holders, each of which must be an older version of it, or
// a person it has merged, with all ids and names that the ledger knows. gone
// are the ids of the records that then end. ErrConflict: a name belongs to
// another person here, or data would be lost.
func (p *Person) Succeed(holders []Holder) (add bool, gone []string, err error) {
	for _, h := range holders {
		if h.Person.includes(p) {
			return false, nil, nil
		}
	}
	for _, h := range holders {
		q := h.Person
		itself, merged := q.ID == p.ID && p.Version > q.Version, slices.Contains(p.Merged, q.ID)
		if !itself && !merged || !p.includes(q) {
			return false, nil, h.Name.taken()
		}
		if merged && !slices.Contains(gone, q.ID) {
			gone = append(gone, q.ID)
		}
	}
	return true, gone, nil
}

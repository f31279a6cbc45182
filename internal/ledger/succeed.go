package ledger

import "slices"

// Holder is a person of this ledger with a name that a person to be imported needs.
type Holder struct {
	Name   Name
	Person *Person
}

// Succeed decides what the import of a person does, which is a normal one. holders are the persons of this ledger that
// have its names. If one of them is the person, as new or newer, nothing is to be done. Otherwise add is true: the person
// takes the place of the holders, each of whom it must be in a newer version, or must have merged, with all that the
// ledger knows of who they are. gone are the ids of the records that then end. ErrConflict: a name is another person's
// here, or data would be lost.
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

package ledger

import "slices"

// Holder is somebody of this ledger who has a name that a person of a file needs.
type Holder struct {
	Name   Name
	Person *Person
}

// Succeed decides what becomes of a person of a file. add says that they are written; nothing is to be done about
// somebody who is here already, as in the file or newer. The person takes the place of the holders if these are the same
// person, or were merged into them since, as far as all that the ledger knows of them goes; gone are the records that
// then end. ErrConflict: a name is somebody else's here, or data would be lost.
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

package ledger

import "slices"

// holder is somebody of this ledger who has a name that a person of a file needs.
type holder struct {
	name   claim
	person *Person
}

// succession is what a person of a file is to those who have their names here.
type succession uint8

const (
	stranger   succession = iota // nobody has any of the names: they are added
	known                        // they are here already, as in the file or newer
	successor                    // they are what has become of those who are here since: they take their place
	pretendent                   // a name is somebody else's here, or data would be lost
)

// succeeds says what p is to the holders, and, of a pretendent, whose name is in the way. A successor is newer, knows of
// all that each of them is, and has itself merged those of another id: a later export of the same ledger brings such a
// one. gone are the records that end.
func (p *Person) succeeds(holders []holder) (s succession, gone []string, inTheWay claim) {
	for _, h := range holders {
		if h.person.includes(p) {
			return known, nil, claim{}
		}
	}
	for _, h := range holders {
		q := h.person
		itself, merged := q.ID == p.ID && p.Version > q.Version, slices.Contains(p.Merged, q.ID)
		if !itself && !merged || !p.includes(q) {
			return pretendent, nil, h.name
		}
		if merged && !slices.Contains(gone, q.ID) {
			gone = append(gone, q.ID)
		}
		s = successor
	}
	return s, gone, claim{}
}
